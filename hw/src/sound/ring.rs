//! What lies between a device's callbacks and the line: rings of samples, and of marks that tell when they moved.
//!
//! ```text
//!  capture callback  ── samples ──▶ ring ──▶ Capture   (line)
//!                    ── marks ────▶ ring ──▶
//!  playback callback ◀── samples ── ring ◀── Playback  (line)
//!                    ── marks ────▶ ring ──▶
//! ```
//!
//! The ends for callbacks, [`CaptureEnd`] and [`PlaybackEnd`], copy samples and bump counters. They allocate nothing, lock
//! nothing and call nobody. What does not fit, or is not there in time, is counted and keeps its place in time: a sample
//! that was lost is a hole of the right length, never a shift.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Producer, Split},
};

/// Marks that fit between two blocks of the line: callbacks of a second, even when they come every millisecond.
const MARKS: usize = 1024;

/// Share of the newest stamp in the smoothed one.
const STAMP_SHARE: f64 = 1.0 / 16.0;

/// The longest interruption that is believed to be one.
const LONGEST_GAP_SECONDS: f64 = 5.0;

/// A sample as a device has it.
pub trait DeviceSample: Copy {
    /// In 16-bit scale, -32768.0 to 32767.0.
    fn to_line(self) -> f32;
    /// From 16-bit scale, clipped.
    fn from_line(sample: f32) -> Self;
}

impl DeviceSample for i16 {
    fn to_line(self) -> f32 {
        f32::from(self)
    }

    fn from_line(sample: f32) -> Self {
        sample.round().clamp(-32768.0, 32767.0) as i16
    }
}

impl DeviceSample for i32 {
    fn to_line(self) -> f32 {
        self as f32 / 65536.0
    }

    fn from_line(sample: f32) -> Self {
        (sample.clamp(-32768.0, 32767.0) * 65536.0) as i32
    }
}

impl DeviceSample for f32 {
    fn to_line(self) -> f32 {
        self * 32768.0
    }

    fn from_line(sample: f32) -> Self {
        (sample / 32768.0).clamp(-1.0, 1.0)
    }
}

/// Where the telephone line is in a device's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The only channel, or the first of two; played on all.
    #[default]
    Mono,
    /// The left of two.
    Left,
    /// The right of two.
    Right,
}

impl Side {
    /// The channel that is heard.
    fn heard(self, channels: usize) -> usize {
        if self == Self::Right { 1.min(channels - 1) } else { 0 }
    }

    /// Whether the line's samples are played on this channel.
    fn played(self, channel: usize) -> bool {
        match self {
            Self::Mono => true,
            Self::Left => channel == 0,
            Self::Right => channel == 1,
        }
    }
}

/// When a callback ran and how far its samples are from the converter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds of a steady clock, the same for both directions, when the device handed the samples over.
    pub at_ns: u64,
    /// Nanoseconds between that and the converter.
    pub latency_ns: u64,
}

impl Stamp {
    /// The moment at the converter of captured samples.
    pub(super) fn captured_ns(self) -> f64 {
        self.at_ns as f64 - self.latency_ns as f64
    }

    /// The moment at the converter of samples to be played.
    pub(super) fn played_ns(self) -> f64 {
        self.at_ns as f64 + self.latency_ns as f64
    }
}

/// What a callback tells of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Frames that went through the ring before it, in its direction.
    pub position: u64,
    /// Frames that passed at the converter before it, lost or silent ones included.
    pub frames: u64,
    /// Frames that were lost before it.
    pub lost: u32,
    /// When.
    pub stamp: Stamp,
}

/// Counters and flags of one direction, shared by a callback and the line.
#[derive(Debug, Default)]
pub struct Counters {
    /// The device reported an overrun or underrun; the next callback measures it.
    interrupted: AtomicBool,
    /// The line has begun; before, nothing is counted or kept.
    running: AtomicBool,
    /// Interruptions.
    pub xruns: AtomicU32,
    /// Device frames lost or played as silence.
    pub lost: AtomicU64,
    /// Samples at full scale.
    pub clipped: AtomicU64,
}

impl Counters {
    /// The device says that it was interrupted.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Relaxed);
    }

    pub(super) fn run(&self) {
        self.running.store(true, Relaxed);
    }

    fn count(&self, lost: u64) {
        self.xruns.fetch_add(1, Relaxed);
        self.lost.fetch_add(lost, Relaxed);
    }
}

/// Measures interruptions by the device's stamps.
#[derive(Clone, Copy, Debug)]
struct Interruption {
    rate: f64,
    /// Moment of frame zero in nanoseconds, smoothed once and twice: it moves, as the device's clock is not ours.
    origin_ns: Option<[f64; 2]>,
}

impl Interruption {
    fn new(rate: u32) -> Self {
        Self { rate: f64::from(rate), origin_ns: None }
    }

    /// Frames that passed unseen before those at `ns`, which would be number `frames`; zero unless `interrupted`.
    fn frames(&mut self, interrupted: bool, frames: u64, ns: f64) -> u32 {
        let origin = ns - frames as f64 / self.rate * 1e9;
        let Some([once, twice]) = &mut self.origin_ns else {
            self.origin_ns = Some([origin; 2]);
            return 0;
        };
        if !interrupted {
            *once += (origin - *once) * STAMP_SHARE;
            *twice += (*once - *twice) * STAMP_SHARE;
            return 0;
        }
        let expected = *once + (*once - *twice) / (1.0 - STAMP_SHARE);
        let lost = ((origin - expected) * 1e-9).clamp(0.0, LONGEST_GAP_SECONDS) * self.rate;
        lost.round() as u32
    }
}

/// The line's end of a capture ring.
pub struct Capture {
    /// Samples in 16-bit scale.
    pub samples: HeapCons<f32>,
    /// One for each callback.
    pub marks: HeapCons<Mark>,
    /// What happened.
    pub counters: Arc<Counters>,
}

/// A callback's end of a capture ring.
pub struct CaptureEnd {
    samples: HeapProd<f32>,
    marks: HeapProd<Mark>,
    counters: Arc<Counters>,
    interruption: Interruption,
    side: Side,
    position: u64,
    frames: u64,
    /// Lost, and not yet told by a mark.
    untold: u32,
}

/// A capture ring for `room` frames of a device at `rate`.
pub fn capture(rate: u32, side: Side, room: usize) -> (CaptureEnd, Capture) {
    let (to_samples, samples) = HeapRb::new(room).split();
    let (to_marks, marks) = HeapRb::new(MARKS).split();
    let counters = Arc::new(Counters::default());
    let end = CaptureEnd {
        samples: to_samples,
        marks: to_marks,
        counters: Arc::clone(&counters),
        interruption: Interruption::new(rate),
        side,
        position: 0,
        frames: 0,
        untold: 0,
    };
    (end, Capture { samples, marks, counters })
}

impl CaptureEnd {
    /// Takes what the device captured: `channels` samples a frame.
    pub fn deliver<T: DeviceSample>(&mut self, captured: &[T], channels: usize, stamp: Stamp) {
        let interrupted = self.counters.interrupted.swap(false, Relaxed);
        let lost = self.interruption.frames(interrupted, self.frames, stamp.captured_ns());
        self.frames += u64::from(lost);
        if interrupted {
            self.counters.count(u64::from(lost));
        }
        self.untold += lost;
        self.tell(stamp);
        let count = captured.len() / channels;
        let heard = captured.chunks_exact(channels).map(|frame| frame[self.side.heard(channels)].to_line());
        let clipped = heard.clone().filter(|sample| sample.abs() >= FULL_SCALE).count();
        let taken = self.samples.push_iter(heard);
        self.counters.clipped.fetch_add(clipped as u64, Relaxed);
        self.position += taken as u64;
        self.frames += count as u64;
        if taken < count {
            self.untold += (count - taken) as u32;
            self.counters.count((count - taken) as u64);
        }
    }

    fn tell(&mut self, stamp: Stamp) {
        let mark = Mark { position: self.position, frames: self.frames, lost: self.untold, stamp };
        if self.marks.try_push(mark).is_ok() {
            self.untold = 0;
        }
    }
}

/// From here on a sample counts as clipped: the last step of 16 bit.
const FULL_SCALE: f32 = 32766.5;

/// The line's end of a playback ring.
pub struct Playback {
    /// Samples in 16-bit scale.
    pub samples: HeapProd<f32>,
    /// One for each callback.
    pub marks: HeapCons<Mark>,
    /// What happened.
    pub counters: Arc<Counters>,
}

/// A callback's end of a playback ring.
pub struct PlaybackEnd {
    samples: HeapCons<f32>,
    marks: HeapProd<Mark>,
    counters: Arc<Counters>,
    interruption: Interruption,
    side: Side,
    position: u64,
    frames: u64,
    /// Frames that were played as silence because they were late; they are left out when they come.
    overdue: usize,
}

/// A playback ring for `room` frames of a device at `rate`.
pub fn playback(rate: u32, side: Side, room: usize) -> (PlaybackEnd, Playback) {
    let (to_samples, samples) = HeapRb::new(room).split();
    let (to_marks, marks) = HeapRb::new(MARKS).split();
    let counters = Arc::new(Counters::default());
    let end = PlaybackEnd {
        samples,
        marks: to_marks,
        counters: Arc::clone(&counters),
        interruption: Interruption::new(rate),
        side,
        position: 0,
        frames: 0,
        overdue: 0,
    };
    (end, Playback { samples: to_samples, marks, counters })
}

impl PlaybackEnd {
    /// Gives what the device is to play: `channels` samples a frame.
    pub fn fill<T: DeviceSample>(&mut self, played: &mut [T], channels: usize, stamp: Stamp) {
        let running = self.counters.running.load(Relaxed);
        let interrupted = self.counters.interrupted.swap(false, Relaxed);
        let silent = self.interruption.frames(interrupted, self.frames, stamp.played_ns());
        self.frames += u64::from(silent);
        if interrupted && running {
            self.counters.count(u64::from(silent));
            self.overdue += silent as usize;
        }
        // A full ring of marks only makes the measured clock wait for the next callback.
        let _ = self.marks.try_push(Mark { position: self.position, frames: self.frames, lost: silent, stamp });
        let late = self.samples.skip(self.overdue);
        self.overdue -= late;
        let (count, side) = (played.len() / channels, self.side);
        let mut frames = played.chunks_exact_mut(channels);
        let mut moved = 0;
        for (frame, sample) in frames.by_ref().zip(self.samples.pop_iter()) {
            place(frame, side, T::from_line(sample));
            moved += 1;
        }
        played[moved * channels..].fill(T::from_line(0.0));
        self.position += (late + moved) as u64;
        self.frames += count as u64;
        if running && moved < count {
            self.overdue += count - moved;
            self.counters.count((count - moved) as u64);
        }
    }
}

fn place<T: DeviceSample>(frame: &mut [T], side: Side, sample: T) {
    for (channel, place) in frame.iter_mut().enumerate() {
        *place = if side.played(channel) { sample } else { T::from_line(0.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Stamp {
        Stamp { at_ns: ms * 1_000_000, latency_ns: 0 }
    }

    #[test]
    fn one_side_of_stereo_is_heard_and_played() {
        let (mut end, mut capture) = capture(8000, Side::Right, 100);
        end.deliver(&[1_i16, 2, 3, 4], 2, at(0));
        assert_eq!(capture.samples.pop_iter().collect::<Vec<_>>(), [2.0, 4.0]);
        let (mut end, mut playback) = playback(8000, Side::Left, 100);
        playback.samples.push_slice(&[16384.0, -16384.0]);
        let mut out = [9.0_f32; 6];
        end.fill(&mut out, 2, at(0));
        assert_eq!(out, [0.5, 0.0, -0.5, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn an_interruption_of_capture_has_the_length_of_the_clock() {
        let (mut end, mut capture) = capture(8000, Side::Mono, 10_000);
        for ms in (0..100).step_by(10) {
            end.deliver(&[1_i16; 80], 1, at(ms));
        }
        capture.counters.interrupt();
        end.deliver(&[2_i16; 80], 1, at(137));
        let marks: Vec<Mark> = capture.marks.pop_iter().collect();
        assert_eq!(marks[10].lost, 37 * 8);
        assert_eq!((marks[10].position, marks[10].frames), (800, 800 + 37 * 8));
        assert_eq!(capture.counters.lost.load(Relaxed), 37 * 8);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_length() {
        let (mut end, mut capture) = capture(8000, Side::Mono, 100);
        end.deliver(&[1_i16; 80], 1, at(0));
        end.deliver(&[2_i16; 80], 1, at(10));
        capture.samples.skip(100);
        end.deliver(&[3_i16; 80], 1, at(20));
        let marks: Vec<Mark> = capture.marks.pop_iter().collect();
        assert_eq!((marks[2].position, marks[2].lost), (100, 60));
    }

    #[test]
    fn what_comes_too_late_to_be_played_is_left_out() {
        let (mut end, mut playback) = playback(8000, Side::Mono, 1000);
        playback.counters.run();
        playback.samples.push_slice(&[1.0; 50]);
        let mut out = [9_i16; 80];
        end.fill(&mut out, 1, at(0));
        assert_eq!((out[49], out[50], out[79]), (1, 0, 0));
        playback.samples.push_slice(&[2.0; 30]);
        playback.samples.push_slice(&[3.0; 80]);
        end.fill(&mut out, 1, at(10));
        assert_eq!(out, [3; 80]);
        assert_eq!(playback.counters.lost.load(Relaxed), 30);
    }

    #[test]
    fn samples_keep_their_value_in_every_format() {
        for sample in [-32768.0, -1.0, 0.0, 12345.0] {
            assert_eq!(i16::from_line(sample).to_line(), sample);
            assert_eq!(i32::from_line(sample).to_line(), sample);
            assert_eq!(f32::from_line(sample).to_line(), sample);
        }
    }
}
