//! The send chain: symbols, each of which adds its pulse, on the carrier, to the samples to come.

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
    lanes::{Isa, Sums, VectorWork, Vectors, WIDTH},
    pcm::SAMPLE_RATE,
    units::{Baud, Dbm0, Hz},
};

/// Symbols on each side of the middle of a pulse.
const PULSE_REACH: usize = 10;
/// Of the Kaiser window over a pulse.
const BETA: f64 = 1.0;
/// Steps of the filter between two samples: the symbol intervals are 20/3, 5 and 10/3 samples.
const STEPS_PER_SAMPLE: usize = 3;
/// Carriers are multiples of this frequency, so their samples repeat after so many.
const CARRIER_STEP: Hz = Hz(100.0);
const CARRIER_PERIOD: usize = 80;

/// Samples that the longest pulse lasts, a whole number of [`WIDTH`]; and room for it while samples go out.
const MOST_SAMPLES: usize = 144;
const ROOM: usize = MOST_SAMPLES + 240;

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

/// A pulse on the carrier, sample by sample, for a real and for an imaginary symbol.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    real: Shape,
    imaginary: Shape,
}

/// Samples of a pulse between [`WIDTH`] zeros on each side, so that it can begin anywhere in a row of as many.
type Shape = [f32; MOST_SAMPLES + 2 * WIDTH];

/// Pulses of a plan, by the steps between a symbol and the first sample after it. The carrier's angle is 0 at that sample.
#[derive(Debug)]
pub(super) struct PulseTable {
    pulses: [Pulse; STEPS_PER_SAMPLE],
    /// Steps of a symbol interval, and samples that a pulse lasts: a whole number of [`WIDTH`].
    steps: usize,
    samples: usize,
}

impl PulseTable {
    pub(super) const fn new(baud: Baud, carrier: Hz, roll_off: f32) -> Self {
        let steps = (STEPS_PER_SAMPLE as f32 * SAMPLE_RATE.0 / baud.0 + 0.5) as usize;
        let turns = carrier.0 as f64 / SAMPLE_RATE.0 as f64;
        let mut pulses = [Pulse { real: [0.0; MOST_SAMPLES + 2 * WIDTH], imaginary: [0.0; MOST_SAMPLES + 2 * WIDTH] };
            STEPS_PER_SAMPLE];
        let mut step = 0;
        while step < 2 * PULSE_REACH * steps {
            let at = step as f64 / steps as f64 - PULSE_REACH as f64;
            let value = root_raised_cosine(at, roll_off as f64) * kaiser(at / PULSE_REACH as f64, BETA);
            let (first, sample) = (step % STEPS_PER_SAMPLE, step / STEPS_PER_SAMPLE);
            pulses[first].real[WIDTH + sample] = (value * cosine_of_turns(turns * sample as f64)) as f32;
            pulses[first].imaginary[WIDTH + sample] = (-value * sine_of_turns(turns * sample as f64)) as f32;
            step += 1;
        }
        let samples = (2 * PULSE_REACH * steps).div_ceil(STEPS_PER_SAMPLE).next_multiple_of(WIDTH);
        Self { pulses, steps, samples }
    }
}

/// Samples to come, to which each symbol adds its pulse. The next sample is the first.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Coming {
    samples: [f32; ROOM],
    first: usize,
}

impl Coming {
    const SILENT: Self = Self { samples: [0.0; ROOM], first: 0 };

    /// Whole rows of the samples that a pulse reaches from the next one on, and the place of that one in the first row. What
    /// one symbol stores in a row, the next one reads in the same row: processors forward that at once.
    fn reached(&mut self, samples: usize) -> (&mut [[f32; WIDTH]], usize) {
        if self.first / WIDTH * WIDTH + samples + WIDTH > ROOM {
            self.samples.copy_within(self.first.., 0);
            self.samples[ROOM - self.first..].fill(0.0);
            self.first = 0;
        }
        let (row, place) = (self.first / WIDTH, self.first % WIDTH);
        (&mut self.samples.as_chunks_mut().0[row..row + samples / WIDTH + 1], place)
    }

    fn take(&mut self, out: &mut [f32]) {
        let samples = &self.samples[self.first..self.first + out.len()];
        // Lengths that the compiler knows are copied in place.
        match out.len() {
            3 => out[..3].copy_from_slice(&samples[..3]),
            4 => out[..4].copy_from_slice(&samples[..4]),
            _ => out.copy_from_slice(samples),
        }
        self.first += out.len();
    }
}

/// Adds a symbol's pulse to samples.
struct AddPulse<'a> {
    pulse: &'a Pulse,
    symbol: Complex,
    rows: &'a mut [[f32; WIDTH]],
    /// Of the pulse's first sample in the first row.
    place: usize,
}

impl VectorWork for AddPulse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        let (re, im) = (V::Sums::splat(self.symbol.re), V::Sums::splat(self.symbol.im));
        let real = self.pulse.real[WIDTH - self.place..].as_chunks::<WIDTH>().0;
        let imaginary = self.pulse.imaginary[WIDTH - self.place..].as_chunks::<WIDTH>().0;
        for ((samples, real), imaginary) in self.rows.iter_mut().zip(real).zip(imaginary) {
            let more = re.times(V::Sums::load(real)).plus(im.times(V::Sums::load(imaginary)));
            V::Sums::load(samples).plus(more).store(samples);
        }
    }
}

/// Modulates bits by a plan.
#[derive(Clone, Debug)]
pub struct Transmitter {
    symbols: Symbols,
    coming: Coming,
    /// Peak of the carrier for a symbol of power one.
    peak: f32,
    isa: Isa,
    /// Samples before the next symbol is due, and steps between it and the first sample after it.
    before: usize,
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
            coming: Coming::SILENT,
            peak: level.rms() * libm::sqrtf(2.0 / plan.coding.mean_power()),
            isa: Isa::detect(),
            before: 0,
            place: 0,
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
        self.coming = Coming::SILENT;
        (self.before, self.place) = (0, 0);
        self.turn = 0;
        self.tail = None;
    }

    /// Level of the data.
    pub fn level(&self) -> Dbm0 {
        self.level
    }

    /// Adds the next symbol to the samples to come; false when the last one is over.
    fn advance(&mut self, bits: &mut BitQueue) -> bool {
        let symbol = match self.tail {
            None => self.symbols.next(bits),
            Some(_) => None,
        };
        match symbol {
            Some(symbol) => self.add(symbol.scale(self.peak) * CIRCLE[self.turn]),
            None => {
                let left = self.tail.unwrap_or(2 * PULSE_REACH);
                if left == 0 {
                    return false;
                }
                self.tail = Some(left - 1);
            }
        }
        let steps = self.plan.filters.send.steps;
        self.before = (steps - self.place).div_ceil(STEPS_PER_SAMPLE);
        self.place += self.before * STEPS_PER_SAMPLE;
        self.place -= steps;
        true
    }

    fn add(&mut self, symbol: Complex) {
        let table = &self.plan.filters.send;
        let (rows, place) = self.coming.reached(table.samples);
        self.isa.run_in_vectors(AddPulse { pulse: &table.pulses[self.place], symbol, rows, place });
    }

    fn take(&mut self, out: &mut [f32]) {
        self.coming.take(out);
        self.before -= out.len();
        self.turn = (self.turn + out.len() * self.turn_per_sample) % CARRIER_PERIOD;
    }
}

impl Modulator for Transmitter {
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        let mut written = 0;
        while written < out.len() && (self.before > 0 || self.advance(bits)) {
            let last = out.len().min(written + self.before);
            self.take(&mut out[written..last]);
            written = last;
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
