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

/// Samples that the longest pulse lasts, a whole number of [`WIDTH`]; samples that go out together; and room for both.
const MOST_SAMPLES: usize = 144;
const TOGETHER: usize = 80;
const ROOM: usize = MOST_SAMPLES + TOGETHER + 240;

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

    /// Whole rows of the samples that a pulse reaches from `ahead` samples after the next one on, and the place of its first
    /// sample in the first row. What one symbol stores in a row, the next one reads in the same row: processors forward that
    /// at once.
    #[inline(always)]
    fn reached(&mut self, ahead: usize, samples: usize) -> (&mut [[f32; WIDTH]], usize) {
        if (self.first + ahead) / WIDTH * WIDTH + samples + WIDTH > ROOM {
            self.begin_again();
        }
        let (row, place) = ((self.first + ahead) / WIDTH, (self.first + ahead) % WIDTH);
        (&mut self.samples.as_chunks_mut().0[row..row + samples / WIDTH + 1], place)
    }

    #[inline(never)]
    fn begin_again(&mut self) {
        self.samples.copy_within(self.first.., 0);
        self.samples[ROOM - self.first..].fill(0.0);
        self.first = 0;
    }

    /// Adds a symbol's pulse to the samples from `ahead` samples after the next one on.
    #[inline(always)]
    fn add<V: Vectors>(&mut self, pulse: &Pulse, symbol: Complex, ahead: usize, samples: usize) {
        let (rows, place) = self.reached(ahead, samples);
        let (re, im) = (V::Sums::splat(symbol.re), V::Sums::splat(symbol.im));
        let real = pulse.real[WIDTH - place..].as_chunks::<WIDTH>().0;
        let imaginary = pulse.imaginary[WIDTH - place..].as_chunks::<WIDTH>().0;
        for ((samples, real), imaginary) in rows.iter_mut().zip(real).zip(imaginary) {
            let more = re.times(V::Sums::load(real)).plus(im.times(V::Sums::load(imaginary)));
            V::Sums::load(samples).plus(more).store(samples);
        }
    }

    #[inline(always)]
    fn take(&mut self, out: &mut [f32]) {
        out.copy_from_slice(&self.samples[self.first..self.first + out.len()]);
        self.first += out.len();
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

    /// Writes the next samples, at most [`TOGETHER`]: all symbols that begin among them are added before they go out. How
    /// many there were before the end of the signal.
    #[inline(always)]
    fn send<V: Vectors>(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        let mut ready = 0;
        while ready < out.len() && (self.before > 0 || self.advance::<V>(bits, ready)) {
            let more = self.before.min(out.len() - ready);
            self.before -= more;
            self.turn = (self.turn + more * self.turn_per_sample) % CARRIER_PERIOD;
            ready += more;
        }
        self.coming.take(&mut out[..ready]);
        ready
    }

    /// Adds the next symbol, which begins `ahead` samples after the next one; false when the last one is over.
    #[inline(always)]
    fn advance<V: Vectors>(&mut self, bits: &mut BitQueue, ahead: usize) -> bool {
        let symbol = match self.tail {
            None => self.symbols.next(bits),
            Some(_) => None,
        };
        let table = &self.plan.filters.send;
        match symbol {
            Some(symbol) => {
                let turned = symbol.scale(self.peak) * CIRCLE[self.turn];
                self.coming.add::<V>(&table.pulses[self.place], turned, ahead, table.samples);
            }
            None => {
                let left = self.tail.unwrap_or(2 * PULSE_REACH);
                if left == 0 {
                    return false;
                }
                self.tail = Some(left - 1);
            }
        }
        self.before = (table.steps - self.place).div_ceil(STEPS_PER_SAMPLE);
        self.place += self.before * STEPS_PER_SAMPLE;
        self.place -= table.steps;
        true
    }
}

/// What [`Transmitter::run`] does.
struct Send<'a> {
    transmitter: &'a mut Transmitter,
    bits: &'a mut BitQueue,
    out: &'a mut [f32],
}

impl VectorWork for Send<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<V: Vectors>(self) -> usize {
        let mut written = 0;
        for out in self.out.chunks_mut(TOGETHER) {
            let sent = self.transmitter.send::<V>(self.bits, out);
            written += sent;
            if sent < out.len() {
                break;
            }
        }
        written
    }
}

impl Modulator for Transmitter {
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        let isa = self.isa;
        isa.run_in_vectors(Send { transmitter: self, bits, out })
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
