//! A sine oscillator: an exact phase and one table of the circle.
//!
//! The phase is a fraction of a turn in 32 bits, so it never drifts and wraps for nothing; the table is computed by
//! the compiler, so it is the same on every machine.

use crate::{constant::sine_of_turns, pcm::SAMPLE_RATE, units::Hz};

/// Steps of the table per turn.
const STEPS: usize = 4096;

/// Phase bits below a table step.
const FRACTION_BITS: u32 = 32 - STEPS.trailing_zeros();

/// Sine of the circle in `STEPS` steps, with one step more for interpolation.
static SINE: [f32; STEPS + 1] = sine_table();

/// A phase in turns, a turn being 2^32, that advances by a frequency every sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oscillator {
    phase: u32,
    step: u32,
}

impl Oscillator {
    /// An oscillator at phase zero. Frequencies are taken modulo the sample rate; negative ones turn clockwise.
    pub fn new(frequency: Hz) -> Self {
        Self { phase: 0, step: phase_step(frequency) }
    }

    /// Changes the frequency; the phase continues.
    pub fn set_frequency(&mut self, frequency: Hz) {
        self.step = phase_step(frequency);
    }

    /// Turns the phase by that part of a turn, in 2^-32 turns.
    pub fn turn(&mut self, phase: u32) {
        self.phase = self.phase.wrapping_add(phase);
    }

    /// The phase in 2^-32 turns.
    pub fn phase(&self) -> u32 {
        self.phase
    }

    /// Sine of the phase; then the phase advances by one sample.
    pub fn next_sine(&mut self) -> f32 {
        let sine = sine(self.phase);
        self.phase = self.phase.wrapping_add(self.step);
        sine
    }

    /// Cosine and sine of the phase; then the phase advances by one sample.
    pub fn next_turn(&mut self) -> (f32, f32) {
        let turn = (cosine(self.phase), sine(self.phase));
        self.phase = self.phase.wrapping_add(self.step);
        turn
    }

    /// Lets `samples` samples pass.
    pub fn skip(&mut self, samples: usize) {
        self.phase = self.phase.wrapping_add(self.step.wrapping_mul(samples as u32));
    }
}

/// The advance of phase in one sample, in 2^-32 turns.
pub fn phase_step(frequency: Hz) -> u32 {
    let turns = f64::from(frequency.0) / f64::from(SAMPLE_RATE.0);
    libm::rint(turns * 4_294_967_296.0) as i64 as u32
}

/// Sine of a phase in 2^-32 turns; error below 2e-6.
pub fn sine(phase: u32) -> f32 {
    let step = (phase >> FRACTION_BITS) as usize;
    let fraction = (phase & ((1 << FRACTION_BITS) - 1)) as f32 / (1 << FRACTION_BITS) as f32;
    SINE[step] + (SINE[step + 1] - SINE[step]) * fraction
}

/// Cosine of a phase in 2^-32 turns; error below 2e-6.
pub fn cosine(phase: u32) -> f32 {
    sine(phase.wrapping_add(1 << 30))
}

const fn sine_table() -> [f32; STEPS + 1] {
    let mut table = [0.0; STEPS + 1];
    let mut step = 0;
    while step <= STEPS {
        table[step] = sine_of_turns(step as f64 / STEPS as f64) as f32;
        step += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_circle() {
        for step in 0..100_000u32 {
            let phase = step.wrapping_mul(42_949);
            let angle = f64::from(phase) / 4_294_967_296.0 * core::f64::consts::TAU;
            assert!((f64::from(sine(phase)) - libm::sin(angle)).abs() < 2e-6, "at {angle}");
            assert!((f64::from(cosine(phase)) - libm::cos(angle)).abs() < 2e-6, "at {angle}");
        }
    }

    #[test]
    fn a_kilohertz_returns_after_eight_samples() {
        let mut oscillator = Oscillator::new(Hz(1000.0));
        oscillator.skip(8);
        assert_eq!(oscillator.phase(), 0);
        let mut backwards = Oscillator::new(Hz(-1000.0));
        backwards.skip(3);
        assert_eq!(backwards.phase(), 5 << 29);
    }
}
