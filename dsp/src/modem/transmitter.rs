//! The send chain: symbols, pulse shaping filter, carrier.

use super::{
    Modulator, Protection, Train,
    complex::Complex,
    plan::Plan,
    pulse::{kaiser, root_raised_cosine},
    symbols::Symbols,
};
use crate::{
    bits::BitQueue,
    constant::{cosine_of_turns, sine_of_turns},
    lanes::{Isa, LANES, Work},
    pcm::SAMPLE_RATE,
    units::{Baud, Dbm0, Hz},
};

/// Symbols on each side of the middle of a pulse.
const PULSE_REACH: usize = 10;
/// Symbols that take part in a sample, and their parts: a whole number of lanes.
const PULSE_SPAN: usize = 2 * PULSE_REACH;
const PARTS: usize = 2 * PULSE_SPAN;
/// Of the Kaiser window over a pulse.
const BETA: f64 = 1.0;
/// Steps of the filter between two samples: the symbol intervals are 20/3, 5 and 10/3 samples.
const STEPS_PER_SAMPLE: usize = 3;
/// Carriers are multiples of this frequency, so their samples repeat after so many.
const CARRIER_STEP: Hz = Hz(100.0);
const CARRIER_PERIOD: usize = 80;

/// Symbol intervals have at most this many steps.
const MOST_STEPS: usize = 20;

/// One period of every carrier that is a multiple of 100 Hz.
static CIRCLE: [Complex; CARRIER_PERIOD] = circle();

const fn circle() -> [Complex; CARRIER_PERIOD] {
    let mut circle = [Complex::ZERO; CARRIER_PERIOD];
    let mut index = 0;
    while index < CARRIER_PERIOD {
        let turns = index as f64 / CARRIER_PERIOD as f64;
        circle[index] = Complex::new(cosine_of_turns(turns) as f32, sine_of_turns(turns) as f32);
        index += 1;
    }
    circle
}

/// A value for each part of each symbol, oldest symbol first.
type Row = [f32; PARTS];

/// Pulse values by place within the symbol interval, then by symbol, each twice: for real and imaginary part.
#[derive(Debug)]
pub(super) struct PulseTable {
    rows: [Row; MOST_STEPS],
    steps: usize,
}

impl PulseTable {
    pub(super) const fn new(baud: Baud, roll_off: f32) -> Self {
        let steps = (STEPS_PER_SAMPLE as f32 * SAMPLE_RATE.0 / baud.0 + 0.5) as usize;
        let mut rows = [[0.0; PARTS]; MOST_STEPS];
        let mut place = 0;
        while place < steps * PULSE_SPAN {
            let (step, symbol) = (place / PULSE_SPAN, place % PULSE_SPAN);
            let at = step as f64 / steps as f64 + symbol as f64 - PULSE_REACH as f64;
            let value = root_raised_cosine(at, roll_off as f64) * kaiser(at / PULSE_REACH as f64, BETA);
            let part = 2 * (PULSE_SPAN - 1 - symbol);
            rows[step][part] = value as f32;
            rows[step][part + 1] = value as f32;
            place += 1;
        }
        Self { rows, steps }
    }
}

/// The last symbols, part by part, stored twice so that they lie in one piece, oldest first.
#[derive(Clone, Debug)]
struct RecentSymbols {
    twice: [f32; 2 * PARTS],
    next: usize,
}

impl RecentSymbols {
    const SILENT: Self = Self { twice: [0.0; 2 * PARTS], next: 0 };

    fn push(&mut self, symbol: Complex) {
        for place in [self.next, self.next + PARTS] {
            (self.twice[place], self.twice[place + 1]) = (symbol.re, symbol.im);
        }
        self.next = (self.next + 2) % PARTS;
    }

    fn parts(&self) -> &Row {
        self.twice[self.next..].first_chunk().expect("the oldest symbol lies in the first half")
    }
}

/// The sum of the symbols, each times its value of the pulse.
#[inline(always)]
fn shaped(pulse: &Row, symbols: &Row) -> Complex {
    let mut sums = [0.0; LANES];
    for first in (0..PARTS).step_by(LANES) {
        for lane in 0..LANES {
            sums[lane] += pulse[first + lane] * symbols[first + lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    Complex::new((a + e) + (c + g), (b + f) + (d + h))
}

/// Modulates bits by a plan.
#[derive(Clone, Debug)]
pub struct Transmitter {
    symbols: Symbols,
    recent: RecentSymbols,
    /// Peak of the carrier for a symbol of power one.
    peak: f32,
    isa: Isa,
    /// Steps since the newest symbol.
    place: usize,
    /// Angle of the carrier, and how far it turns in a sample, in 80ths of a turn.
    turn: usize,
    turn_per_sample: usize,
    /// Silent symbols still to go through the filter after the last one; `None` while symbols come.
    tail: Option<usize>,
    plan: &'static Plan,
    protection: Protection,
    train: Train,
    level: Dbm0,
}

impl Transmitter {
    /// A transmitter whose data have this mean level, with the long training sequence.
    pub fn new(plan: &'static Plan, level: Dbm0, protection: Protection) -> Self {
        Self {
            symbols: Symbols::new(plan, protection, Train::Long),
            recent: RecentSymbols::SILENT,
            peak: level.rms() * libm::sqrtf(2.0 / plan.coding.mean_power()),
            isa: Isa::detect(),
            place: plan.filters.send.steps,
            turn: 0,
            turn_per_sample: (plan.carrier.0 / CARRIER_STEP.0 + 0.5) as usize,
            tail: None,
            plan,
            protection,
            train: Train::Long,
            level,
        }
    }

    /// Forgets the signal and begins another, with this protection and this training sequence; [`Train::Short`] is
    /// long where the modem has no short one.
    pub fn begin(&mut self, protection: Protection, train: Train) {
        self.protection = protection;
        self.train = train;
        self.symbols = Symbols::new(self.plan, protection, train);
        self.recent = RecentSymbols::SILENT;
        self.place = self.plan.filters.send.steps;
        self.turn = 0;
        self.tail = None;
    }

    /// Level of the data.
    pub fn level(&self) -> Dbm0 {
        self.level
    }

    /// Brings the next symbol into the filter; false when the last one has left it.
    fn advance(&mut self, bits: &mut BitQueue) -> bool {
        let symbol = match self.tail {
            None => self.symbols.next(bits),
            Some(_) => None,
        };
        if symbol.is_none() {
            let left = self.tail.unwrap_or(PULSE_SPAN);
            if left == 0 {
                return false;
            }
            self.tail = Some(left - 1);
        }
        self.recent.push(symbol.unwrap_or(Complex::ZERO).scale(self.peak));
        true
    }

    /// Samples up to the next symbol, as far as there is room for them.
    fn samples(&mut self, out: &mut [f32]) -> usize {
        let pulse = &self.plan.filters.send;
        let due = (pulse.steps - self.place).div_ceil(STEPS_PER_SAMPLE).min(out.len());
        let rows = &pulse.rows[self.place..];
        let symbols = self.recent.parts();
        let (turn, step) = (self.turn, self.turn_per_sample);
        self.turn = self.isa.run(Modulate { rows, symbols, turn, step, out: &mut out[..due] });
        self.place += due * STEPS_PER_SAMPLE;
        due
    }
}

/// Makes samples by the rows of the pulse, on a carrier; gives its angle after them.
struct Modulate<'a> {
    rows: &'a [Row],
    symbols: &'a Row,
    turn: usize,
    step: usize,
    out: &'a mut [f32],
}

impl Work for Modulate<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let mut turn = self.turn;
        for (sample, pulse) in self.out.iter_mut().zip(self.rows.iter().step_by(STEPS_PER_SAMPLE)) {
            let (shaped, carrier) = (shaped(pulse, self.symbols), CIRCLE[turn]);
            *sample = shaped.re * carrier.re - shaped.im * carrier.im;
            turn += self.step;
            turn -= if turn < CARRIER_PERIOD { 0 } else { CARRIER_PERIOD };
        }
        turn
    }
}

impl Modulator for Transmitter {
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        let steps = self.plan.filters.send.steps;
        let mut written = 0;
        while written < out.len() {
            if self.place >= steps {
                if !self.advance(bits) {
                    break;
                }
                self.place -= steps;
            }
            written += self.samples(&mut out[written..]);
        }
        written
    }

    fn restart(&mut self) {
        self.begin(self.protection, self.train);
    }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::{
        super::{v17, v27ter, v29},
        *,
    };

    fn plans() -> [&'static Plan; 5] {
        [
            v27ter::plan(v27ter::Rate::R2400),
            v27ter::plan(v27ter::Rate::R4800),
            v29::plan(v29::Rate::R7200),
            v29::plan(v29::Rate::R9600),
            v17::plan(v17::Rate::R14400),
        ]
    }

    /// The last two seconds of six: data.
    fn data(transmitter: &mut Transmitter) -> Vec<f32> {
        let mut bits = BitQueue::with_room(1);
        let mut samples = vec![0.0; 48_000];
        assert_eq!(transmitter.run(&mut bits, &mut samples), samples.len());
        samples.split_off(32_000)
    }

    #[test]
    fn data_have_the_level_asked_for() {
        for plan in plans() {
            for level in [-3.0, -13.0, -43.0] {
                let samples = data(&mut Transmitter::new(plan, Dbm0(level), Protection::None));
                let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
                let measured = Dbm0::from_mean_square(power).0;
                assert!((measured - level).abs() < 0.15, "{}: {measured} dBm0, not {level}", plan.name);
            }
        }
    }

    #[test]
    fn a_restarted_transmitter_sends_the_same_again() {
        for plan in plans() {
            let mut transmitter = Transmitter::new(plan, Dbm0(-13.0), Protection::TalkerEcho);
            let first = data(&mut transmitter);
            transmitter.restart();
            assert_eq!(first, data(&mut transmitter), "{}", plan.name);
        }
    }

    #[test]
    fn a_finished_signal_ends_in_silence_and_stays_ended() {
        for plan in plans() {
            let mut transmitter = Transmitter::new(plan, Dbm0(-13.0), Protection::None);
            let mut bits = BitQueue::with_room(1);
            bits.finish();
            let mut samples = vec![0.0; 24_000];
            let written = transmitter.run(&mut bits, &mut samples);
            assert!(written < samples.len() && samples[written - 1].abs() < 1.0, "{}: {written}", plan.name);
            assert_eq!(transmitter.run(&mut bits, &mut samples), 0);
        }
    }
}
