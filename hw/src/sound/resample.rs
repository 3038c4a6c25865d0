//! A resampler for any ratio that may change between two samples.
//!
//! A bank of windowed sincs, one for each of [`PHASES`] places between two input samples; between two of them the result
//! is interpolated linearly. Flat to 3400 Hz, and at least 70 dB down where that would fold or mirror.

use answertone_dsp::{
    filter::{
        fir::{blackman, sinc},
        history::History,
    },
    lanes::Isa,
};

/// Places between two input samples that have their own taps. Linear interpolation between them leaves images at -97 dB.
const PHASES: usize = 256;

/// Length of the impulse response in samples at the lower of the two rates.
const SPAN: usize = 48;

/// Turns one sample rate into another.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Taps of each phase from 0 to 1, both included; the first for the oldest sample.
    bank: Box<[f32]>,
    taps: usize,
    /// Input samples from one output to the next.
    step: f64,
    /// Input samples from the newest input to the next output; an output is due at zero and below.
    ahead: f64,
    past: History,
    isa: Isa,
}

impl Resampler {
    /// From one rate to another, both in samples per second.
    pub fn new(from: u32, to: u32) -> Self {
        let step = f64::from(from) / f64::from(to);
        let stretch = step.max(1.0);
        let taps = ((SPAN as f64 * stretch / 8.0).ceil() * 8.0) as usize;
        let bank = (0..=PHASES).flat_map(|phase| interpolator(taps, stretch, phase as f64 / PHASES as f64)).collect();
        Self { bank, taps, step, ahead: 0.0, past: History::new(taps), isa: Isa::detect() }
    }

    /// Changes the ratio from the next output on: input samples from one output to the next.
    pub fn set_step(&mut self, step: f64) {
        self.step = step;
    }

    /// Input samples from one output to the next.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// How much later a signal comes out than it went in, in input samples.
    pub fn delay(&self) -> usize {
        self.taps / 2
    }

    /// Takes a sample. All outputs that were due before must have been taken.
    pub fn push(&mut self, sample: f32) {
        self.past.push(sample);
        self.ahead -= 1.0;
    }

    /// The next output, if its moment has come.
    pub fn pull(&mut self) -> Option<f32> {
        if self.ahead > 0.0 {
            return None;
        }
        let phase = (-self.ahead).min(1.0) * PHASES as f64;
        let nearest = (phase as usize).min(PHASES - 1);
        let between = (phase - nearest as f64) as f32;
        let (before, after) = (self.phase(nearest), self.phase(nearest + 1));
        self.ahead += self.step;
        Some(before + (after - before) * between)
    }

    fn phase(&self, phase: usize) -> f32 {
        self.isa.dot(self.past.samples(), &self.bank[phase * self.taps..(phase + 1) * self.taps])
    }
}

/// Taps that read the signal `taps / 2 + phase` samples before the one after their newest.
fn interpolator(taps: usize, stretch: f64, phase: f64) -> Vec<f32> {
    let half = taps as f64 / 2.0;
    let centre = half - phase;
    let tap = |tap: usize| {
        let distance = tap as f64 - centre;
        sinc(distance / stretch) * blackman((distance / (half + 1.0) + 1.0) / 2.0)
    };
    let taps: Vec<f64> = (0..taps).map(tap).collect();
    // Equal gain at zero frequency in every phase: otherwise the loudness would swing with the phase.
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// A tone through the resampler: gain and everything that is not the tone, both in decibels.
    fn through(from: u32, to: u32, hz: f64) -> (f64, f64) {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        for n in 0..from {
            resampler.push((TAU * hz * f64::from(n) / f64::from(from)).sin() as f32);
            while let Some(sample) = resampler.pull() {
                out.push(f64::from(sample));
            }
        }
        let steady = &out[out.len() / 4..];
        let angle = |n: usize| TAU * hz * n as f64 / f64::from(to);
        let count = steady.len() as f64;
        let re = steady.iter().enumerate().map(|(n, x)| x * angle(n).cos()).sum::<f64>() * 2.0 / count;
        let im = steady.iter().enumerate().map(|(n, x)| x * angle(n).sin()).sum::<f64>() * 2.0 / count;
        let rest = steady.iter().enumerate().map(|(n, x)| (x - re * angle(n).cos() - im * angle(n).sin()).powi(2));
        let power = (re * re + im * im) / 2.0;
        (10.0 * (power * 2.0).log10(), 10.0 * (rest.sum::<f64>() / count / power).log10())
    }

    #[test]
    fn the_telephone_band_passes_unchanged_between_all_rates() {
        for rate in [8000, 16_000, 44_100, 48_000] {
            for hz in [300.0, 1000.0, 2400.0, 3400.0] {
                for (from, to) in [(rate, 8000), (8000, rate)] {
                    let (gain, rest) = through(from, to, hz);
                    assert!(gain.abs() < 0.5, "{from} to {to}, {hz} Hz: {gain:.2} dB");
                    assert!(rest < -65.0, "{from} to {to}, {hz} Hz: rest {rest:.1} dB");
                }
            }
        }
    }

    #[test]
    fn what_would_fold_into_the_band_is_gone() {
        for from in [16_000, 44_100, 48_000] {
            let mut resampler = Resampler::new(from, 8000);
            let mut loudest = 0.0_f32;
            for n in 0..from {
                resampler.push((TAU * 5000.0 * f64::from(n) / f64::from(from)).sin() as f32);
                while let Some(sample) = resampler.pull() {
                    loudest = if n > from / 4 { loudest.max(sample.abs()) } else { 0.0 };
                }
            }
            assert!(loudest < 1e-3, "{from}: {loudest}");
        }
    }

    #[test]
    fn the_ratio_counts_samples_exactly() {
        let mut resampler = Resampler::new(44_100, 8000);
        let count = (0..441_000).map(|_| {
            resampler.push(0.0);
            std::iter::from_fn(|| resampler.pull()).count()
        });
        assert_eq!(count.sum::<usize>(), 80_000);
    }
}
