//! Ideal receivers in white Gaussian noise.
//!
//! FSK: two matched filters of one bit whose envelopes are compared. V.27ter: coherent detection of differentially
//! coded phases. V.29 and V.17 have no closed form: two points of simulations with the exact constellation, and for
//! V.17 maximum-likelihood decoding of the trellis, are joined.

use std::f64::consts::{PI, SQRT_2};

use super::mode::{Kind, Mode};

/// Bit error rates by signal to noise ratio in decibels, from a little before the first to a little after the last.
pub fn curve(mode: &Mode, first_db: f64, last_db: f64) -> Vec<(f64, f64)> {
    let steps = ((last_db - first_db) / 0.1) as usize;
    (0..=steps).map(|step| first_db + step as f64 * 0.1).map(|snr| (snr, bit_error_rate(mode, snr))).collect()
}

/// The ideal receiver's bit error rate.
pub fn bit_error_rate(mode: &Mode, snr_db: f64) -> f64 {
    let symbol_ratio = 10f64.powf(snr_db / 10.0) * 4000.0 / mode.baud();
    match mode.kind {
        Kind::Fsk(spec) => two_tones(symbol_ratio, f64::from((spec.mark.0 - spec.space.0).abs() / spec.rate.0)),
        Kind::Fast(_) if mode.modem == "v27ter" => differential_phases(symbol_ratio, mode.rate as f64 / mode.baud()),
        Kind::Fast(_) => joined(mode, snr_db),
    }
}

/// Envelopes of two tones compared; `shift` is their distance in bit rates. The matched filters overlap by a sinc.
fn two_tones(bit_ratio: f64, shift: f64) -> f64 {
    let overlap = ((PI * shift).sin() / (PI * shift)).abs();
    let root = (1.0 - overlap * overlap).sqrt();
    let (low, high) = ((bit_ratio / 2.0 * (1.0 - root)).sqrt(), (bit_ratio / 2.0 * (1.0 + root)).sqrt());
    let both = (-(low - high).powi(2) / 2.0).exp() * scaled_bessel(low * high);
    marcum(low, high) - both / 2.0
}

/// The modified Bessel function of order zero, times exp(-x).
fn scaled_bessel(x: f64) -> f64 {
    let steps = 400;
    (0..steps).map(|step| (x * (((f64::from(step) + 0.5) * PI / f64::from(steps)).cos() - 1.0)).exp()).sum::<f64>()
        / f64::from(steps)
}

/// Marcum's Q function: the chance of an envelope above `level` where a signal of amplitude `signal` is.
fn marcum(signal: f64, level: f64) -> f64 {
    let steps = 2000;
    let width = (signal.max(level) + 10.0 - level) / f64::from(steps);
    let density = |x: f64| x * (-(x - signal).powi(2) / 2.0).exp() * scaled_bessel(signal * x);
    (0..steps).map(|step| density(level + (f64::from(step) + 0.5) * width) * width).sum()
}

/// Gray coded phases; a wrong phase spoils two differences, and three taps of the descrambler multiply by three.
fn differential_phases(symbol_ratio: f64, bits: f64) -> f64 {
    let phases = 2f64.powf(bits);
    let wrong = wrong_phase(symbol_ratio, phases);
    let per_bit = (2.0 * wrong - wrong * wrong) / bits;
    (1.0 - (1.0 - 2.0 * per_bit).powi(3)) / 2.0
}

/// Craig's integral for the chance of a wrong phase among so many.
fn wrong_phase(symbol_ratio: f64, phases: f64) -> f64 {
    let steps = 2000;
    let (top, narrow) = (PI - PI / phases, (PI / phases).sin().powi(2));
    let value = |angle: f64| (-symbol_ratio * narrow / angle.sin().powi(2)).exp();
    (0..steps).map(|step| value((f64::from(step) + 0.5) * top / f64::from(steps))).sum::<f64>() * top
        / f64::from(steps)
        / PI
}

/// A curve with the shape of Gaussian tails through the mode's two ideal points.
fn joined(mode: &Mode, snr_db: f64) -> f64 {
    // Arguments at which the tail of a normal distribution is 1e-3 and 1e-5.
    let [often, rarely] = [3.090_232_f64, 4.264_891];
    let share = (snr_db - mode.ideal[0]) / (mode.ideal[1] - mode.ideal[0]);
    normal_tail(often * (rarely / often).powf(share))
}

/// The chance that a normal variable exceeds `x`, by the complementary error function of Abramowitz and Stegun 7.1.26
/// where small, and by its asymptotic series beyond.
fn normal_tail(x: f64) -> f64 {
    if x > 3.0 {
        let inverse = 1.0 / (x * x);
        let series = 1.0 - inverse * (1.0 - inverse * (3.0 - inverse * 15.0));
        return (-x * x / 2.0).exp() / (x * (2.0 * PI).sqrt()) * series;
    }
    let z = x.max(0.0) / SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    poly * (-z * z).exp() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::mode::modes;

    #[test]
    fn curves_pass_the_score_cards_points() {
        for mode in modes() {
            for (snr, rate) in mode.ideal.into_iter().zip([1e-3, 1e-5]) {
                let ratio = bit_error_rate(&mode, snr) / rate;
                // The points are rounded to a tenth of a decibel, which is up to a third of the rate.
                assert!((0.6..1.6).contains(&ratio), "{} at {snr} dB: {ratio} times {rate}", mode.name());
            }
        }
    }
}
