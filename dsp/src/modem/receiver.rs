//! The receive chain and its states. `RECEIVER.md` beside the crate's manifest gives the equations and the figures.
//!
//! ```text
//! Hunting --pattern found--> Collecting --enough heard: solved--> Running --carrier gone--> Hunting
//!                                       --could not be solved---> Hunting
//! ```
//! A training sequence is not followed as it comes. It is found by correlation, kept, and its known symbols are solved
//! for the equaliser at once; then the receiver goes back to its beginning and runs through it with loops closed.
//!
//! A short training sequence is too short to learn a line from. The equaliser of the signal before is kept, and only the
//! instant, the phase and the level are looked for at which it gives the known symbols best.

mod bank;
mod recovery;
mod running;
mod train;

use core::ops::Range;

pub use bank::ReceiverBank;

use super::{
    Demodulator, Train,
    carrier::CarrierLoop,
    complex::Complex,
    decoder::Decoder,
    equalizer::{AHEAD, Equalizer},
    line::{Line, PIECE},
    lock::Lock,
    plan::Plan,
    predictor::Predictor,
    presence::Presence,
    sampler::Sampler,
    timing::Clock,
    training::{Detector, Found, Reference},
};
use crate::{
    bits::{BitRun, Evm, Mark},
    lanes::Isa,
    pcm::SAMPLE_RATE,
    units::{Db, Dbm0, Hz, SampleIndex},
};

/// Points kept for display.
const POINTS: usize = 64;

/// Samples of silence in a training sequence that are a loss and no end: 40 ms.
const LONGEST_HOLE: f64 = 320.0;

/// Samples after its end within which a signal may come back: 200 ms. Another signal may begin in them; the symbols tell.
const RETURN: u64 = 1600;
/// Symbols that a signal must go on for after it came back, to come back once more.
const LASTING: usize = 240;

/// Demodulates a plan's signal.
///
/// ITU-T V.27ter, V.29 and V.17 say what is sent and leave to the maker how it is received.
#[derive(Clone, Debug)]
pub struct Receiver {
    plan: &'static Plan,
    /// The training sequence of the signal that is received or waited for, and of the next one.
    train: Train,
    expected: Train,
    state: State,
    long: Reference,
    short: Reference,
    line: Line,
    sampler: Sampler,
    detector: Detector,
    equalizer: Equalizer,
    carrier: CarrierLoop,
    clock: Clock,
    decoder: Decoder,
    predictor: Predictor,
    presence: Presence,
    /// Samples in a symbol.
    symbol: f64,
    /// Carrier offset taken off before the equaliser, in turns per sample, and its phase in turns.
    offset: f64,
    turns: f64,
    gain: f32,
    /// Symbols since the first known one.
    symbols: usize,
    /// Bits that are not yet data.
    unwanted_bits: usize,
    error_power: f32,
    /// Symbols in the mean error power.
    judged: usize,
    line_power: f32,
    /// Samples of the line that the transport lost last.
    lost: Range<f64>,
    lock: Lock,
    /// The moment after the last symbol is to be remembered.
    moment_is_due: bool,
    /// Slips mended in all, and the symbol of this signal at which the last was.
    slips_mended: u32,
    slipped_at: usize,
    /// The signal may come back until this sample: what ended it may have been a loss.
    may_return_until: u64,
    /// The symbol at which it came back last.
    returned_at: usize,
    /// The last points before decision, mean power one, and the place of the next.
    points: [Complex; POINTS],
    next_point: usize,
    /// What brings them to the scale of the plan.
    scale: f32,
    /// The equaliser, offset and clock deviation are those of a signal that was received well.
    learned: bool,
}

/// What a receiver got over without a new training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Times that samples were found to have been dropped or repeated on the line.
    pub slips: u32,
    /// Samples of the line for which the symbols were known to be lost. That they are is noticed some ten symbols late.
    pub lost_samples: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Hunting,
    Collecting(Found),
    Running,
}

impl Receiver {
    /// A receiver that waits for the long training sequence, by the best instruction set of this machine.
    pub fn new(plan: &'static Plan) -> Self {
        Self::with_isa(plan, Isa::detect())
    }

    /// The same by a given instruction set. It gives the same bits and marks by any.
    pub fn with_isa(plan: &'static Plan, isa: Isa) -> Self {
        let symbol = f64::from(SAMPLE_RATE.0 / plan.baud.0);
        let long = Reference::new(plan, Train::Long);
        Self {
            plan,
            train: Train::Long,
            expected: Train::Long,
            state: State::Hunting,
            detector: Detector::new(&long, symbol / 2.0, isa),
            long,
            short: Reference::new(plan, Train::Short),
            line: Line::new(),
            sampler: Sampler::new(plan, isa),
            equalizer: Equalizer::new(isa),
            carrier: CarrierLoop::new(plan.baud.0),
            clock: Clock::new(symbol / 2.0),
            decoder: Decoder::new(plan, isa),
            predictor: Predictor::new(),
            presence: Presence::new(),
            symbol,
            offset: 0.0,
            turns: 0.0,
            gain: 1.0,
            symbols: 0,
            unwanted_bits: 0,
            error_power: 1.0,
            judged: 0,
            line_power: 0.0,
            lost: 0.0..0.0,
            lock: Lock::new(plan.coding.distance_squared() / plan.coding.mean_power()),
            moment_is_due: false,
            slips_mended: 0,
            slipped_at: 0,
            may_return_until: 0,
            returned_at: 0,
            points: [Complex::ZERO; POINTS],
            next_point: 0,
            scale: libm::sqrtf(plan.coding.mean_power()),
            learned: false,
        }
    }

    /// The plan it was made for.
    pub fn plan(&self) -> &'static Plan {
        self.plan
    }

    /// Waits for this training sequence from now on. A short one is waited for only when a long one was received
    /// before; while it is waited for, a long one is recognised too.
    pub fn expect(&mut self, train: Train) {
        self.expected = train;
        if matches!(self.state, State::Hunting) {
            self.wait_for_expected();
        }
    }

    fn wait_for_expected(&mut self) {
        let possible = self.learned && !self.plan.short_training.is_empty();
        self.train = if possible { self.expected } else { Train::Long };
        self.detector.expect(if self.train == Train::Long { &self.long } else { &self.short });
    }

    /// Carrier frequency of the last signal.
    pub fn carrier_frequency(&self) -> Hz {
        let offset = self.offset + self.carrier.frequency() / self.symbol;
        Hz(self.plan.carrier.0 + (offset * f64::from(SAMPLE_RATE.0)) as f32)
    }

    /// Symbol clock of the last signal relative to nominal, in parts per million; positive: the sender is slow.
    pub fn clock_deviation_ppm(&self) -> f32 {
        (self.clock.deviation() * 1e6) as f32
    }

    /// Level of the line while the last signal was trained.
    pub fn signal_level(&self) -> Dbm0 {
        Dbm0::from_mean_square(self.line_power)
    }

    /// What was mended in all signals since the receiver was made.
    pub fn mended(&self) -> Mended {
        Mended { slips: self.slips_mended, lost_samples: (self.lock.lost() as f64 * self.symbol) as u64 }
    }

    /// Error vector magnitude of late.
    pub fn error_level(&self) -> Db {
        Db(evm(self.error_power).0)
    }

    /// The last 64 equalised, upright points before decision, oldest first, in the scale of the plan's points.
    pub fn points(&self) -> impl Iterator<Item = Complex> {
        let (newer, older) = self.points.split_at(self.next_point);
        older.iter().chain(newer).map(|point| point.scale(self.scale))
    }

    /// The equaliser's taps, half a symbol apart, oldest half symbol first; a flat line needs one of them only.
    pub fn equalizer_taps(&self) -> impl Iterator<Item = Complex> {
        self.equalizer.taps()
    }

    fn advance(&mut self, out: &mut BitRun) {
        match self.state {
            State::Hunting => {
                if self.presence.is_quiet() {
                    self.detector.pass_over(self.line.heard() as f64 - self.sampler.reach());
                } else if let Some(found) = self.detector.search(&self.line, &self.sampler) {
                    self.state = State::Collecting(self.at_first_period(found));
                } else if self.line.heard() < self.may_return_until {
                    self.look_for_return(out);
                }
            }
            State::Collecting(found) => {
                if found.anchor + self.needs(found.spoilt) < self.line.heard() as f64 {
                    self.train(found, out);
                }
            }
            State::Running => match self.presence.ended() {
                Some(ago) if self.bridges(ago) => self.follow(self.line.heard() as f64, out),
                Some(ago) => self.finish(self.line.heard().saturating_sub(ago as u64), out),
                None => self.follow(self.line.heard() as f64, out),
            },
        }
    }

    /// A signal that falls silent in the middle of its training has not ended before it was silent for longer than packets
    /// that are lost: its symbols go by unheard. Whether it is so.
    fn bridges(&mut self, ago: usize) -> bool {
        let heard = self.line.heard() as f64;
        if self.unwanted_bits == 0 {
            return false;
        }
        let goes_on = self.lost.end + PIECE as f64 >= heard;
        let start = if goes_on { self.lost.start } else { heard - ago as f64 };
        self.lost = start..heard;
        heard - start < LONGEST_HOLE
    }

    fn reference(&self) -> &Reference {
        if self.train == Train::Long { &self.long } else { &self.short }
    }

    /// Gives the bits up to the end of the signal and waits for the next one.
    fn finish(&mut self, end: u64, out: &mut BitRun) {
        let ahead = AHEAD as f64 * self.symbol / 2.0 + self.sampler.reach();
        self.follow((end as f64 + ahead).min(self.line.heard() as f64), out);
        if self.moment_is_due {
            self.remember_moment();
        }
        let unwanted = &mut self.unwanted_bits;
        let error_power = self.error_power;
        self.decoder.flush(|word| running::wanted(word, unwanted, SampleIndex(end), error_power, out));
        out.mark(SampleIndex(end), Mark::CarrierDown);
        let lasted = self.symbols >= self.returned_at + LASTING;
        self.may_return_until = if self.unwanted_bits == 0 && lasted { end + RETURN } else { 0 };
        self.hunt();
    }

    fn hunt(&mut self) {
        self.detector.restart(self.line.heard() as f64 - self.sampler.reach());
        self.state = State::Hunting;
        self.wait_for_expected();
    }

    /// Takes the samples of a piece.
    #[inline(always)]
    fn hear(&mut self, piece: &[f32]) {
        match piece.try_into() {
            Ok(piece) if self.line.takes_piece() => {
                let kept = self.line.push_piece(piece);
                self.presence.push(&kept);
            }
            _ => self.hear_any(piece),
        }
    }

    #[inline(never)]
    fn hear_any(&mut self, samples: &[f32]) {
        self.line.push(samples);
        let first = self.line.heard() as i64 - samples.len() as i64;
        self.presence.push(self.line.stretch(first, samples.len()));
    }
}

impl Demodulator for Receiver {
    fn run(&mut self, samples: &[f32], out: &mut BitRun) {
        for piece in samples.chunks(PIECE) {
            self.hear(piece);
            self.advance(out);
        }
    }

    fn coast(&mut self, samples: usize, out: &mut BitRun) {
        self.lost = self.line.heard() as f64..(self.line.heard() + samples as u64) as f64;
        for _ in 0..samples {
            self.line.push(&[0.0]);
            if matches!(self.state, State::Running) {
                self.follow(self.line.heard() as f64, out);
            }
        }
    }

    fn restart(&mut self) {
        self.line.restart();
        self.moment_is_due = false;
        self.carrier.calm_jitter();
        self.detector.restart(0.0);
        self.state = State::Hunting;
        self.wait_for_expected();
        self.lost = 0.0..0.0;
        self.may_return_until = 0;
    }
}

fn evm(error_power: f32) -> Evm {
    Evm(10.0 * libm::log10f(error_power.max(1e-9)))
}

fn sample_index(instant: f64) -> SampleIndex {
    SampleIndex(instant.max(0.0) as u64)
}

#[cfg(test)]
mod tests;
