//! White Gaussian noise from a seed.

use crate::{osc::sine, units::Dbm0};

/// A generator of evenly spread 64-bit numbers: a counter in golden-ratio strides, mixed by two multiplications.
#[derive(Clone, Debug)]
pub struct Chance {
    counter: u64,
}

impl Chance {
    /// A generator whose numbers depend on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self { counter: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.counter ^ (self.counter >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// White Gaussian noise: its power is spread evenly from 0 to 4000 Hz.
#[derive(Clone, Debug)]
pub struct Noise {
    chance: Chance,
    rms: f32,
    spare: Option<f32>,
}

impl Noise {
    /// Noise of this level.
    pub fn new(level: Dbm0, seed: u64) -> Self {
        Self { chance: Chance::new(seed), rms: level.rms(), spare: None }
    }

    /// The next sample, in 16-bit scale but not rounded.
    pub fn next_sample(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Box and Muller: a radius and an angle make two independent normal values.
        let bits = self.chance.next_u64();
        let uniform = ((bits >> 32) as f32 + 1.0) / 4_294_967_296.0;
        let radius = self.rms * libm::sqrtf(-2.0 * libm::logf(uniform.min(1.0)));
        let angle = bits as u32;
        self.spare = Some(radius * sine(angle));
        radius * sine(angle.wrapping_add(1 << 30))
    }

    /// Adds noise to samples.
    pub fn add(&mut self, samples: &mut [f32]) {
        for sample in samples {
            *sample += self.next_sample();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_its_level_and_the_tails_of_a_normal_distribution() {
        let mut noise = Noise::new(Dbm0(-30.0), 7);
        let rms = Dbm0(-30.0).rms();
        let (mut sum, mut squares, mut beyond_three) = (0.0f64, 0.0f64, 0u32);
        for _ in 0..1_000_000 {
            let sample = noise.next_sample() / rms;
            sum += f64::from(sample);
            squares += f64::from(sample * sample);
            beyond_three += u32::from(sample.abs() > 3.0);
        }
        assert!((sum / 1e6).abs() < 0.004 && (squares / 1e6 - 1.0).abs() < 0.006, "mean {sum} squares {squares}");
        // 0.27 % of a normal distribution lie beyond three standard deviations.
        assert!((2550..2850).contains(&beyond_three), "{beyond_three}");
    }
}
