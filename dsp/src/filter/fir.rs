//! Finite impulse responses: the filter along its taps, and taps from windowed ideals.

use alloc::{boxed::Box, vec::Vec};

use crate::{filter::history::History, lanes::Isa, pcm::SAMPLE_RATE, units::Hz};

/// A FIR filter of one line.
#[derive(Clone, Debug)]
pub struct Fir {
    /// Taps, for the oldest sample first.
    taps: Box<[f32]>,
    history: History,
    isa: Isa,
}

impl Fir {
    /// A filter with these taps, the first for the newest sample.
    pub fn new(taps: &[f32], isa: Isa) -> Self {
        Self { taps: taps.iter().rev().copied().collect(), history: History::new(taps.len()), isa }
    }

    /// Takes a sample; the filtered one.
    pub fn push(&mut self, sample: f32) -> f32 {
        self.history.push(sample);
        self.isa.dot(self.history.samples(), &self.taps)
    }

    /// The sample in the middle of the filter: what went in when what comes out now was there.
    pub fn middle(&self) -> f32 {
        self.history.samples()[self.taps.len() / 2]
    }
}

/// Taps of a linear-phase low-pass with its -6 dB point at `corner`. `len` should be odd; the delay is `len / 2`.
pub fn low_pass(corner: Hz, len: usize) -> Vec<f32> {
    let bandwidth = 2.0 * f64::from(corner.0) / f64::from(SAMPLE_RATE.0);
    let ideal = |t: f64| bandwidth * sinc(bandwidth * t);
    windowed(ideal, len)
}

/// Taps of a Hilbert transformer: all frequencies behind by a quarter of a turn. `len` must be odd; the delay is `len / 2`.
pub fn hilbert(len: usize) -> Vec<f32> {
    let ideal = |t: f64| {
        let t = libm::rint(t);
        if t as i64 % 2 == 0 { 0.0 } else { 2.0 / (core::f64::consts::PI * t) }
    };
    windowed(ideal, len)
}

/// A response of infinite length, given around time zero, cut to `len` taps under Blackman's window.
fn windowed(ideal: impl Fn(f64) -> f64, len: usize) -> Vec<f32> {
    let middle = (len - 1) as f64 / 2.0;
    (0..len)
        .map(|tap| (ideal(tap as f64 - middle) * blackman((tap as f64 + 1.0) / (len as f64 + 1.0))) as f32)
        .collect()
}

/// Blackman's window from 0 to 1.
pub fn blackman(place: f64) -> f64 {
    let angle = core::f64::consts::TAU * place;
    0.42 - 0.5 * libm::cos(angle) + 0.08 * libm::cos(2.0 * angle)
}

/// sin(πx)/(πx)
pub fn sinc(x: f64) -> f64 {
    let angle = x * core::f64::consts::PI;
    if libm::fabs(angle) < 1e-9 { 1.0 } else { libm::sin(angle) / angle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::osc::Oscillator;

    #[test]
    fn the_hilbert_transform_of_a_cosine_is_its_sine() {
        for frequency in [300.0, 1700.0, 3700.0] {
            let mut oscillator = Oscillator::new(Hz(frequency));
            let mut fir = Fir::new(&hilbert(129), Isa::PORTABLE);
            for at in 0..1000 {
                let (cosine, _) = oscillator.next_turn();
                let shifted = fir.push(cosine);
                let mut middle = oscillator;
                middle.turn(crate::osc::phase_step(Hz(frequency)).wrapping_mul(u32::MAX - 64));
                let (_, sine) = middle.next_turn();
                assert!(at < 129 || (shifted - sine).abs() < 0.005, "{frequency} Hz at {at}: {shifted} {sine}");
            }
        }
    }

    #[test]
    fn a_low_pass_passes_below_its_corner_only() {
        let taps = low_pass(Hz(1000.0), 101);
        let gain = |frequency: f32| {
            let mut oscillator = Oscillator::new(Hz(frequency));
            let (re, im) = taps.iter().fold((0.0, 0.0), |(re, im), tap| {
                let (cosine, sine) = oscillator.next_turn();
                (re + tap * cosine, im + tap * sine)
            });
            libm::sqrtf(re * re + im * im)
        };
        assert!((gain(500.0) - 1.0).abs() < 0.001 && (gain(1000.0) - 0.5).abs() < 0.01 && gain(1500.0) < 0.001);
    }
}
