//! The control channel: V.21 and its frames, always.

use answertone_dsp::{
    bits::{BitRun, Mark},
    fsk::{FskDemodulator, V21_CHANNEL_2},
    modem::Demodulator,
};

use super::heard::{Control, Heard, HeardFrame, What};
use crate::{
    hdlc::{Deframer, Found},
    time::LineTime,
};

/// Flags in a row that make V.21 believed in: by chance they come once in hours of noise.
const FLAGS: u32 = 4;
/// Frames of one message at most.
const MOST_FRAMES: usize = 64;
/// Samples in a bit, times three.
const BIT_TIMES_3: u64 = 80;

/// Listens to V.21.
pub(super) struct ControlEar {
    demodulator: FskDemodulator,
    run: BitRun,
    deframer: Deframer,
    now: u64,
    since_flag: u64,
    /// Flags in a row, and the most of them in this message before a frame.
    flags: u32,
    most_flags: u32,
    message: Option<(LineTime, Control)>,
}

impl ControlEar {
    pub(super) fn new() -> Self {
        Self {
            demodulator: FskDemodulator::new(&V21_CHANNEL_2),
            run: BitRun::with_room(128),
            deframer: Deframer::new(),
            now: 0,
            since_flag: 0,
            flags: 0,
            most_flags: 0,
            message: None,
        }
    }

    /// Takes the next samples; a message, if one is over. Frames are also told as they come: they name a modem.
    pub(super) fn run(&mut self, samples: &[f32], mut tell: impl FnMut(&HeardFrame)) -> Option<Heard> {
        self.now += samples.len() as u64;
        let mut run = std::mem::replace(&mut self.run, BitRun::with_room(0));
        run.clear();
        self.demodulator.run(samples, &mut run);
        let (mut taken, mut over) = (0, None);
        for marked in run.marks() {
            run.bits()[taken..marked.bit].iter().for_each(|bit| self.bit(*bit, &mut tell));
            taken = marked.bit;
            match marked.mark {
                Mark::CarrierUp => self.begin(LineTime(marked.at.0)),
                Mark::CarrierDown => over = self.end(LineTime(marked.at.0)).or(over),
                Mark::Trained(_) | Mark::TrainingFailed => {}
            }
        }
        run.bits()[taken..].iter().for_each(|bit| self.bit(*bit, &mut tell));
        self.run = run;
        over
    }

    /// The recording has ended.
    pub(super) fn finish(&mut self) -> Option<Heard> {
        self.end(LineTime(self.now))
    }

    /// Whether flags are being heard.
    pub(super) fn hears(&self) -> bool {
        self.message.as_ref().is_some_and(|_| self.is_believed())
    }

    fn begin(&mut self, at: LineTime) {
        self.deframer.reset();
        (self.flags, self.most_flags, self.since_flag) = (0, 0, 0);
        self.message = Some((at, Control::default()));
    }

    fn end(&mut self, at: LineTime) -> Option<Heard> {
        let believed = self.is_believed();
        let (from, control) = self.message.take()?;
        believed.then_some(Heard { from, to: at, what: What::Control(control) })
    }

    fn is_believed(&self) -> bool {
        let intact = self.message.as_ref().is_some_and(|(_, control)| control.intact().next().is_some());
        self.most_flags >= FLAGS || intact
    }

    fn bit(&mut self, bit: bool, tell: &mut impl FnMut(&HeardFrame)) {
        self.since_flag += 1;
        let Some(found) = self.deframer.push(bit) else { return };
        let Some((_, control)) = &mut self.message else { return };
        match found {
            Found::Abort => self.flags = 0,
            Found::Flag => {
                self.flags += 1;
                self.most_flags = self.most_flags.max(self.flags);
                if control.frames.is_empty() {
                    control.flags = self.most_flags;
                }
            }
            Found::Frame { octets, intact } => {
                self.flags = 0;
                let is_wanted = (intact || self.most_flags >= FLAGS) && control.frames.len() < MOST_FRAMES;
                if is_wanted {
                    let from = LineTime(self.now.saturating_sub(self.since_flag * BIT_TIMES_3 / 3));
                    let frame = HeardFrame { from, to: LineTime(self.now), octets: octets.to_vec(), intact };
                    tell(&frame);
                    control.frames.push(frame);
                }
            }
        }
        self.since_flag = 0;
    }
}
