//! Attenuation and envelope delay distortion: a linear filter with the response of a table.

use alloc::vec::Vec;

use crate::{
    filter::fir::Fir,
    lanes::Isa,
    pcm::SAMPLE_RATE,
    units::{Db, Hz},
};

/// What a line does to one frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShapePoint {
    /// The frequency.
    pub frequency: Hz,
    /// Loss at it; negative is a gain.
    pub loss: Db,
    /// Envelope (group) delay at it in milliseconds, relative to anything: only differences matter.
    pub delay_ms: f32,
}

/// Samples by which a table's least delayed frequency comes out late.
pub const SHAPE_DELAY: usize = 96;

/// Length of the impulse response: delays may differ by [`WIDEST_DELAY_MS`] and ring as long as [`SHAPE_DELAY`] after it.
const TAPS: usize = 320;

/// Greatest difference of envelope delays that the response has room for; what exceeds it is cut off.
const WIDEST_DELAY_MS: f32 = 16.0;

/// Steps in frequency from 0 to half the sample rate, of which the impulse response is made.
const STEPS: usize = 1024;

/// Samples over which the response's ends are faded.
const FADE: usize = 32;

/// A filter with the response of a table, whose points stand in the order of their frequencies. Between points the
/// response is interpolated; outside them the nearest one counts.
pub(super) fn shaping(points: &[ShapePoint]) -> Fir {
    Fir::new(&impulse_response(points), Isa::detect())
}

fn impulse_response(points: &[ShapePoint]) -> Vec<f32> {
    let response = response(points);
    let tap = |tap: usize| {
        let turn = |step: usize| core::f64::consts::PI * ((step * tap) % (2 * STEPS)) as f64 / STEPS as f64;
        let sum: f64 = response
            .iter()
            .enumerate()
            .map(|(step, (gain, phase))| {
                // The two ends stand once in the spectrum, all others twice: at positive and negative frequency.
                let weight = if step == 0 || step == STEPS { 0.5 } else { 1.0 };
                weight * gain * libm::cos(turn(step) + phase)
            })
            .sum();
        (sum / STEPS as f64 * fade(tap)) as f32
    };
    (0..TAPS).map(tap).collect()
}

/// Gain and phase at each step. The phase is the integral of the envelope delay.
fn response(points: &[ShapePoint]) -> Vec<(f64, f64)> {
    let earliest = points.iter().map(|point| point.delay_ms).fold(f32::INFINITY, f32::min);
    let mut phase = 0.0;
    let mut last_delay = None;
    (0..=STEPS)
        .map(|step| {
            let frequency = step as f32 / STEPS as f32 * SAMPLE_RATE.0 / 2.0;
            let (loss_db, delay_ms) = at(points, frequency);
            let samples = f64::from((delay_ms - earliest).min(WIDEST_DELAY_MS)) * 8.0 + SHAPE_DELAY as f64;
            let mean = (samples + last_delay.unwrap_or(samples)) / 2.0;
            if last_delay.is_some() {
                phase -= core::f64::consts::PI / STEPS as f64 * mean;
            }
            last_delay = Some(samples);
            (libm::pow(10.0, -f64::from(loss_db) / 20.0), phase)
        })
        .collect()
}

/// Loss in decibels and delay in milliseconds at a frequency.
fn at(points: &[ShapePoint], frequency: f32) -> (f32, f32) {
    let above = points.iter().position(|point| point.frequency.0 >= frequency);
    let (low, high) = match above {
        Some(0) => (&points[0], &points[0]),
        Some(above) => (&points[above - 1], &points[above]),
        None => (&points[points.len() - 1], &points[points.len() - 1]),
    };
    let width = high.frequency.0 - low.frequency.0;
    let share = if width > 0.0 { (frequency - low.frequency.0) / width } else { 0.0 };
    (low.loss.0 + (high.loss.0 - low.loss.0) * share, low.delay_ms + (high.delay_ms - low.delay_ms) * share)
}

fn fade(tap: usize) -> f64 {
    let from_end = tap.min(TAPS - 1 - tap);
    if from_end >= FADE {
        return 1.0;
    }
    0.5 - 0.5 * libm::cos(core::f64::consts::PI * (from_end as f64 + 0.5) / FADE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(frequency: f32, loss: f32, delay_ms: f32) -> ShapePoint {
        ShapePoint { frequency: Hz(frequency), loss: Db(loss), delay_ms }
    }

    /// Gain in decibels and phase of the taps at a frequency.
    fn measured(taps: &[f32], frequency: f64) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for (at, tap) in taps.iter().enumerate() {
            let angle = core::f64::consts::TAU * frequency / 8000.0 * at as f64;
            re += f64::from(*tap) * libm::cos(angle);
            im -= f64::from(*tap) * libm::sin(angle);
        }
        (10.0 * libm::log10(re * re + im * im), libm::atan2(im, re))
    }

    /// Envelope delay in milliseconds, from the phases of two near frequencies.
    fn delay_ms(taps: &[f32], frequency: f64) -> f64 {
        let (before, after) = (measured(taps, frequency - 2.0).1, measured(taps, frequency + 2.0).1);
        let turned = (after - before + 3.0 * core::f64::consts::PI) % core::f64::consts::TAU - core::f64::consts::PI;
        -turned / (core::f64::consts::TAU * 4.0) * 1000.0
    }

    #[test]
    fn losses_and_delays_are_those_of_the_table() {
        // A line much like the worst of ITU-T V.56bis.
        let table = [
            point(0.0, 60.0, 8.0),
            point(300.0, 12.0, 7.0),
            point(600.0, 2.0, 4.0),
            point(1000.0, 0.0, 1.5),
            point(1800.0, 0.5, 0.0),
            point(2800.0, 4.0, 1.0),
            point(3400.0, 12.0, 4.0),
            point(4000.0, 50.0, 4.0),
        ];
        let taps = impulse_response(&table);
        for frequency in [450.0, 700.0, 1000.0, 1400.0, 1800.0, 2300.0, 2800.0, 3200.0] {
            let (loss, delay) = at(&table, frequency as f32);
            let (gain, late) = (measured(&taps, frequency).0, delay_ms(&taps, frequency) - SHAPE_DELAY as f64 / 8.0);
            assert!((gain + f64::from(loss)).abs() < 0.3, "{frequency} Hz: {gain} dB for a loss of {loss}");
            assert!((late - f64::from(delay)).abs() < 0.25, "{frequency} Hz: {late} ms for {delay}");
        }
    }

    #[test]
    fn one_point_is_a_gain_and_a_delay() {
        let taps = impulse_response(&[point(1000.0, -6.0206, 3.0)]);
        for (at, tap) in taps.iter().enumerate() {
            let expected = if at == SHAPE_DELAY { 2.0 } else { 0.0 };
            assert!((tap - expected).abs() < 0.003, "tap {at}: {tap}");
        }
    }
}
