//! A telephone line on a sound device.
//!
//! ```text
//!  device ── capture ring ──▶ resampler, fixed ratio ──▶ rx block
//!         ◀── playback ring ── resampler, ratio of the clocks ◀── tx block
//! ```
//!
//! The line's time is the capture clock: what is heard is only brought to 8000 samples per second. What is said follows the
//! playback clock by resampling, so neither ring ever runs full or empty because the clocks differ.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block};
use ringbuf::traits::{Consumer, Observer, Producer};

use super::{
    clock::Marriage,
    resample::Resampler,
    ring::{Capture, Mark, Playback},
};
use crate::{Exchange, LineError, Pace, PcmLine, hook::Hook};

/// The line's own rate.
const LINE_RATE: u32 = 8000;

/// How long a device of the world may give no samples.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a device of the world may take to begin. A sound server that was idle sleeps up to two seconds before it looks at
/// a stream that was opened meanwhile.
const PRIMING_PATIENCE: Duration = Duration::from_secs(6);

/// Callbacks of each direction before a device counts as running.
const PRIMING_CALLBACKS: u32 = 4;

/// How long callbacks have come by then, in nanoseconds: servers ask for much at first.
const PRIMING_NS: u64 = 300_000_000;

/// Played ahead beside what the callbacks need, for a thread that wakes up late.
const MARGIN_MS: u32 = 10;

/// Interruptions that may wait to be heard.
const HOLES: usize = 64;

/// What moves the samples between the rings and a converter.
pub trait Device: Send {
    /// Whose clock it runs by.
    fn pace(&self) -> Pace;

    /// Returns when callbacks may have moved samples; `missing` captured frames are waited for.
    fn wait(&mut self, missing: usize) -> Result<(), LineError>;

    /// Stops both directions.
    fn stop(&mut self);

    /// Leaves a device that has failed to itself: nothing of it is waited for.
    fn abandon(&mut self) {
        self.stop();
    }
}

/// How a line's device is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceHealth {
    /// Samples per second of the device.
    pub rate: u32,
    /// How much faster than the computer's clock the input runs, in parts per million.
    pub input_ppm: Option<f64>,
    /// How much faster than the computer's clock the output runs, in parts per million.
    pub output_ppm: Option<f64>,
    /// How much faster the output runs than the input, in parts per million: what resampling makes good.
    pub drift_ppm: Option<f64>,
    /// Interruptions of the input.
    pub overruns: u32,
    /// What they cost, in milliseconds.
    pub overrun_ms: f64,
    /// Times that frames were lost or doubled without a word from the device, in either direction.
    pub jumps: u32,
    /// Interruptions of the output.
    pub underruns: u32,
    /// What they cost, in milliseconds.
    pub underrun_ms: f64,
    /// Captured samples at full scale.
    pub clipped: u64,
    /// From the line through the computer and back to the line, in milliseconds.
    pub latency_ms: f64,
}

/// Both rings of a device.
pub struct Rings {
    /// What is heard.
    pub capture: Capture,
    /// What is said.
    pub playback: Playback,
}

/// A line on a device that is running.
pub struct SoundLine {
    device: Box<dyn Device>,
    hook: Box<dyn Hook>,
    capture: Capture,
    playback: Playback,
    rate: u32,
    clocks: Marriage,
    /// Nothing to do for a device at 8000 samples per second.
    from_device: Option<Resampler>,
    to_device: Resampler,
    /// Captured frames in the ring whose marks have been read.
    ready: usize,
    /// Ring positions and lengths of interruptions to come.
    holes: VecDeque<(u64, u64)>,
    /// Frames of an interruption that are being made up for.
    silent: u64,
    /// Frames taken from the capture ring.
    position: u64,
    /// Frames of capture that became line, interruptions included.
    consumed: u64,
    /// The last interruption in frames consumed.
    hole: Range<u64>,
    /// Frames given to the playback ring.
    produced: u64,
    /// Frames that the playback ring did not take since it took some.
    refused: u64,
    /// The last exchange found the device gone or stuck.
    failed: bool,
    callbacks: [u32; 2],
    /// Longest callback of each direction, in frames.
    period: [u64; 2],
    newest: [Mark; 2],
    /// When the first callback came.
    first_ns: [u64; 2],
    /// Frames played ahead, once the line runs.
    ahead: Option<usize>,
}

impl SoundLine {
    /// A line over the rings of a device at `rate`, on hook as far as `hook` can. Waits until the device runs in both
    /// directions. `ahead_ms` is what is played ahead; without it, as much as the device's callbacks need.
    pub fn new(
        device: Box<dyn Device>,
        rings: Rings,
        rate: u32,
        ahead_ms: Option<u32>,
        hook: Box<dyn Hook>,
    ) -> Result<Self, LineError> {
        let mut line = Self {
            device,
            hook,
            capture: rings.capture,
            playback: rings.playback,
            rate,
            clocks: Marriage::new(rate),
            from_device: (rate != LINE_RATE).then(|| Resampler::new(rate, LINE_RATE)),
            to_device: Resampler::new(LINE_RATE, rate),
            ready: 0,
            holes: VecDeque::with_capacity(HOLES),
            silent: 0,
            position: 0,
            consumed: 0,
            hole: 0..0,
            produced: 0,
            refused: 0,
            failed: false,
            callbacks: [0; 2],
            period: [0; 2],
            newest: [Mark::default(); 2],
            first_ns: [0; 2],
            ahead: None,
        };
        line.prime()?;
        line.begin(ahead_ms);
        Ok(line)
    }

    /// Waits until callbacks have come in both directions.
    fn prime(&mut self) -> Result<(), LineError> {
        let since = Instant::now();
        while (0..2).any(|direction| !self.is_primed(direction)) {
            self.patient(since, PRIMING_PATIENCE)?;
            self.device.wait(1)?;
            self.read_marks();
            self.position += self.capture.samples.clear() as u64;
        }
        Ok(())
    }

    fn is_primed(&self, direction: usize) -> bool {
        let running = self.newest[direction].stamp.at_ns.saturating_sub(self.first_ns[direction]);
        self.callbacks[direction] >= PRIMING_CALLBACKS && running >= PRIMING_NS
    }

    /// Here line time zero is: what was heard so far is not heard, and silence is played ahead.
    fn begin(&mut self, ahead_ms: Option<u32>) {
        let needed = BLOCK_SAMPLES as u64 * u64::from(self.rate / 100) / 80 + self.period[0] + self.period[1];
        let margin = u64::from(self.rate * MARGIN_MS / 1000);
        let ahead = ahead_ms.map_or(needed + margin, |ms| u64::from(self.rate * ms / 1000)) as usize;
        self.refill();
        self.position += self.capture.samples.skip(self.ready) as u64;
        self.ready = 0;
        self.holes.clear();
        // What servers did while they began says nothing of their clocks.
        self.clocks = Marriage::new(self.rate);
        self.consumed = self.newest[0].frames;
        self.hole = 0..0;
        self.ahead = Some(self.playback.samples.push_iter(std::iter::repeat_n(0.0, ahead)));
        self.produced = self.newest[1].frames + ahead as u64;
        self.capture.counters.run();
        self.playback.counters.run();
    }

    /// Reads what callbacks told. A callback tells before it moves samples, so samples seen before are explained after.
    fn refill(&mut self) {
        let there = self.capture.samples.occupied_len();
        self.read_marks();
        self.ready = there;
    }

    fn read_marks(&mut self) {
        while let Some(mark) = self.capture.marks.try_pop() {
            self.clocks.capture.take(mark.frames, mark.stamp.captured_ns(), mark.lost > 0);
            self.note(0, &mark);
            if mark.lost > 0 {
                self.note_hole(mark.position, u64::from(mark.lost));
            }
        }
        while let Some(mark) = self.playback.marks.try_pop() {
            self.clocks.playback.take(mark.frames, mark.stamp.played_ns(), mark.lost > 0);
            self.note(1, &mark);
        }
    }

    fn note(&mut self, direction: usize, mark: &Mark) {
        if self.callbacks[direction] > 0 && self.ahead.is_none() {
            let frames = mark.frames - self.newest[direction].frames;
            self.period[direction] = self.period[direction].max(frames);
        }
        if self.callbacks[direction] == 0 {
            self.first_ns[direction] = mark.stamp.at_ns;
        }
        self.callbacks[direction] = self.callbacks[direction].saturating_add(1);
        self.newest[direction] = *mark;
    }

    fn note_hole(&mut self, position: u64, frames: u64) {
        if self.holes.len() < HOLES {
            self.holes.push_back((position, frames));
        } else if let Some((_, length)) = self.holes.back_mut() {
            *length += frames;
        }
    }

    /// The next captured frame, or the silence that stands for one that was lost.
    fn next_frame(&mut self) -> Option<f32> {
        if self.silent == 0
            && let Some((position, frames)) = self.holes.front().copied()
            && position <= self.position
        {
            self.holes.pop_front();
            self.silent = frames;
            let joined = if self.hole.end + self.delay() >= self.consumed { self.hole.start } else { self.consumed };
            self.hole = joined..self.consumed + frames;
        }
        if self.silent > 0 {
            self.silent -= 1;
            self.consumed += 1;
            return Some(0.0);
        }
        self.ready = self.ready.checked_sub(1)?;
        self.position += 1;
        self.consumed += 1;
        self.capture.samples.try_pop()
    }

    /// The next sample of the line, if enough was captured.
    fn next_sample(&mut self) -> Option<f32> {
        loop {
            match &mut self.from_device {
                None => return self.next_frame(),
                Some(resampler) => {
                    if let Some(sample) = resampler.pull() {
                        return Some(sample);
                    }
                    let frame = self.next_frame()?;
                    self.from_device.as_mut()?.push(frame);
                }
            }
        }
    }

    /// Frames that the resampler of what is heard holds back.
    fn delay(&self) -> u64 {
        self.from_device.as_ref().map_or(0, |resampler| resampler.delay() as u64)
    }

    /// Whether the sample just heard was lost.
    fn is_lost(&self) -> bool {
        (self.consumed - 1).checked_sub(self.delay()).is_some_and(|middle| self.hole.contains(&middle))
    }

    fn hear(&mut self, rx: &mut Block) -> Result<usize, LineError> {
        let mut lost = 0;
        for (place, heard) in rx.iter_mut().enumerate() {
            let sample = match self.next_sample() {
                Some(sample) => sample,
                None => self.await_sample(BLOCK_SAMPLES - place)?,
            };
            *heard = sample.round().clamp(-32768.0, 32767.0) as i16;
            lost += usize::from(self.is_lost());
        }
        Ok(lost)
    }

    fn await_sample(&mut self, samples: usize) -> Result<f32, LineError> {
        let since = Instant::now();
        let missing = samples * self.rate as usize / LINE_RATE as usize;
        loop {
            self.refill();
            if let Some(sample) = self.next_sample() {
                return Ok(sample);
            }
            self.patient(since, PATIENCE)?;
            self.device.wait(missing)?;
        }
    }

    fn patient(&self, since: Instant, patience: Duration) -> Result<(), LineError> {
        if self.device.pace() == Pace::RealTime && since.elapsed() >= patience {
            return Err(LineError::Stalled(patience));
        }
        Ok(())
    }

    fn say(&mut self, tx: &Block) -> Result<(), LineError> {
        let correction = self.clocks.correction(self.consumed as f64, self.produced as f64);
        self.to_device.set_step(f64::from(LINE_RATE) / f64::from(self.rate) / (1.0 + correction));
        for sample in tx {
            self.to_device.push(f32::from(*sample));
            while let Some(sample) = self.to_device.pull() {
                self.produced += 1;
                let taken = self.playback.samples.try_push(sample).is_ok();
                self.refused = if taken { 0 } else { self.refused + 1 };
            }
        }
        if self.refused > u64::from(self.rate) * PATIENCE.as_secs() {
            return Err(LineError::Stalled(PATIENCE));
        }
        Ok(())
    }

    /// Frames of the device as milliseconds.
    fn ms(&self, frames: u64) -> f64 {
        frames as f64 * 1000.0 / f64::from(self.rate)
    }

    /// From the line through the computer and back, in milliseconds: converters, callbacks, rings and resamplers.
    fn latency_ms(&self) -> f64 {
        let converters = self.newest.iter().map(|mark| mark.stamp.latency_ns as f64 * 1e-6).sum::<f64>();
        let ahead = self.ms(self.ahead.unwrap_or(0) as u64);
        let to_device = self.to_device.delay() as f64 * 1000.0 / f64::from(LINE_RATE);
        converters + ahead + self.ms(self.delay()) + to_device
    }
}

impl PcmLine for SoundLine {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        let exchanged = self.say(tx).and_then(|()| self.hear(rx));
        self.failed = exchanged.is_err();
        exchanged.map(|lost_samples| Exchange { lost_samples })
    }

    fn pace(&self) -> Pace {
        self.device.pace()
    }

    /// What was said is played before, unless the device has failed.
    fn hang_up(&mut self) {
        if self.failed {
            self.hook.on_hook();
            return self.device.abandon();
        }
        let since = Instant::now();
        while !self.playback.samples.is_empty() && self.patient(since, PATIENCE).is_ok() {
            self.capture.samples.clear();
            if self.device.wait(1).is_err() {
                break;
            }
        }
        if self.device.pace() == Pace::RealTime {
            std::thread::sleep(Duration::from_nanos(self.newest[1].stamp.latency_ns).min(PATIENCE));
        }
        self.hook.on_hook();
        self.device.stop();
    }

    fn path_delay(&self) -> usize {
        (self.latency_ms() * f64::from(LINE_RATE) / 1000.0) as usize
    }

    fn health(&self) -> Option<DeviceHealth> {
        let (capture, playback) = (&self.capture.counters, &self.playback.counters);
        Some(DeviceHealth {
            rate: self.rate,
            input_ppm: self.clocks.capture.ppm(),
            output_ppm: self.clocks.playback.ppm(),
            drift_ppm: self.clocks.ppm(),
            overruns: capture.xruns.load(Relaxed),
            overrun_ms: self.ms(capture.lost.load(Relaxed)),
            jumps: self.clocks.capture.jumps() + self.clocks.playback.jumps(),
            underruns: playback.xruns.load(Relaxed),
            underrun_ms: self.ms(playback.lost.load(Relaxed)),
            clipped: capture.clipped.load(Relaxed),
            latency_ms: self.latency_ms(),
        })
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        Some(self.hook.as_mut())
    }
}
