//! The send chain: symbols, pulse shaping filter, carrier.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    Modulator, Protection, Train,
    complex::Complex,
    plan::Plan,
    pulse::{kaiser, root_raised_cosine},
    symbols::Symbols,
};
use crate::{bits::BitQueue, pcm::SAMPLE_RATE, units::Dbm0};

/// Symbols on each side of the middle of a pulse.
const PULSE_REACH: usize = 10;
/// Symbols that take part in a sample.
const PULSE_SPAN: usize = 2 * PULSE_REACH;
/// Steps of the filter between two samples: the symbol intervals are 20/3, 5 and 10/3 samples.
const STEPS_PER_SAMPLE: usize = 3;
/// Carriers are multiples of 100 Hz, so their samples repeat after this many.
const CARRIER_PERIOD: usize = 80;

/// Modulates bits by a plan.
#[derive(Clone, Debug)]
pub struct Transmitter {
    symbols: Symbols,
    /// Pulse values by place within the symbol interval, then by symbol, newest first.
    pulse: Box<[[f32; PULSE_SPAN]]>,
    carrier: Box<[Complex]>,
    /// The last symbols, newest first.
    recent: [Complex; PULSE_SPAN],
    /// Steps since the newest symbol.
    place: usize,
    /// Samples made, modulo the carrier's period.
    sample: usize,
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
        let steps = steps_per_symbol(plan);
        Self {
            symbols: Symbols::new(plan, protection, Train::Long),
            pulse: pulse_by_place(plan, steps),
            carrier: carrier_period(plan, level),
            recent: [Complex::ZERO; PULSE_SPAN],
            place: steps,
            sample: 0,
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
        self.recent = [Complex::ZERO; PULSE_SPAN];
        self.place = self.pulse.len();
        self.sample = 0;
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
        self.recent.copy_within(..PULSE_SPAN - 1, 1);
        self.recent[0] = symbol.unwrap_or(Complex::ZERO);
        true
    }

    fn sample(&mut self) -> f32 {
        let shaped = self.recent.iter().zip(&self.pulse[self.place]);
        let shaped = shaped.fold(Complex::ZERO, |sum, (symbol, value)| sum + symbol.scale(*value));
        let carrier = self.carrier[self.sample];
        self.sample = (self.sample + 1) % CARRIER_PERIOD;
        shaped.re * carrier.re - shaped.im * carrier.im
    }
}

impl Modulator for Transmitter {
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        let steps = self.pulse.len();
        for (index, sample) in out.iter_mut().enumerate() {
            if self.place >= steps {
                if !self.advance(bits) {
                    return index;
                }
                self.place -= steps;
            }
            *sample = self.sample();
            self.place += STEPS_PER_SAMPLE;
        }
        out.len()
    }

    fn restart(&mut self) {
        self.begin(self.protection, self.train);
    }
}

fn steps_per_symbol(plan: &Plan) -> usize {
    (STEPS_PER_SAMPLE as f32 * SAMPLE_RATE.0 / plan.baud.0 + 0.5) as usize
}

fn pulse_by_place(plan: &Plan, steps: usize) -> Box<[[f32; PULSE_SPAN]]> {
    let value = |place: usize, symbol: usize| {
        let at = place as f64 / steps as f64 + symbol as f64 - PULSE_REACH as f64;
        (root_raised_cosine(at, f64::from(plan.roll_off)) * kaiser(at / PULSE_REACH as f64, 1.0)) as f32
    };
    let rows: Vec<_> = (0..steps).map(|place| core::array::from_fn(|symbol| value(place, symbol))).collect();
    rows.into_boxed_slice()
}

/// One period of the carrier, scaled so that symbols of the plan's mean power have the level.
fn carrier_period(plan: &Plan, level: Dbm0) -> Box<[Complex]> {
    let peak = f64::from(level.rms()) * libm::sqrt(2.0 / f64::from(plan.coding.mean_power()));
    let mut period = vec![Complex::ZERO; CARRIER_PERIOD];
    for (index, value) in period.iter_mut().enumerate() {
        let turns = f64::from(plan.carrier.0) * index as f64 / f64::from(SAMPLE_RATE.0);
        let angle = 2.0 * core::f64::consts::PI * turns;
        *value = Complex::new((peak * libm::cos(angle)) as f32, (peak * libm::sin(angle)) as f32);
    }
    period.into_boxed_slice()
}

#[cfg(test)]
mod tests {
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
