//! The echo of what is sent: found by correlation with a probe of noise, so that a dial tone beside it does not matter.

use realfft::RealFftPlanner;
use serde::Serialize;

/// The longest echo looked for, in samples: one second.
const LONGEST: usize = 8000;

/// Samples around the strongest that belong to the echo: a hybrid's response and the resamplers'.
const AROUND: usize = 48;

/// How far the strongest must stand above the rest, as a ratio of amplitudes to their root mean square.
const CERTAIN: f32 = 8.0;

/// An echo.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Echo {
    /// How much weaker than what was sent it is.
    pub return_loss_db: f32,
    /// How late it is.
    pub delay_ms: f32,
}

impl Echo {
    /// The echo of `sent` in `received`, which are equally long.
    pub(super) fn find(sent: &[i16], received: &[i16]) -> Option<Self> {
        let response = correlation(sent, received);
        let (place, strongest) = response.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
        let rms = (response.iter().map(|tap| tap * tap).sum::<f32>() / response.len() as f32).sqrt();
        if strongest.abs() <= CERTAIN * rms {
            return None;
        }
        let around = place.saturating_sub(AROUND)..(place + AROUND).min(response.len());
        let gain: f32 = response[around].iter().map(|tap| tap * tap).sum();
        Some(Self { return_loss_db: -10.0 * gain.log10(), delay_ms: place as f32 / 8.0 })
    }
}

/// The echo path's response to a unit sample, by delay.
fn correlation(sent: &[i16], received: &[i16]) -> Vec<f32> {
    let length = (sent.len() + LONGEST).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, backward) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let transformed = |samples: &[i16]| {
        let mut input = vec![0.0; length];
        input.iter_mut().zip(samples).for_each(|(place, sample)| *place = f32::from(*sample));
        let mut output = forward.make_output_vec();
        forward.process(&mut input, &mut output).expect("lengths are the plan's");
        output
    };
    let (sent_lines, mut lines) = (transformed(sent), transformed(received));
    lines.iter_mut().zip(&sent_lines).for_each(|(line, sent)| *line *= sent.conj());
    // Rounding leaves an imaginary part where a real signal has none.
    (lines[0].im, lines[length / 2].im) = (0.0, 0.0);
    let mut response = backward.make_output_vec();
    backward.process(&mut lines, &mut response).expect("lengths are the plan's");
    let energy: f32 = sent.iter().map(|sample| f32::from(*sample).powi(2)).sum();
    response.truncate(LONGEST.min(sent.len()));
    response.iter_mut().for_each(|tap| *tap /= energy.max(1.0) * length as f32);
    response
}

#[cfg(test)]
mod tests {
    use answertone_dsp::{channel::noise::Noise, units::Dbm0};

    use super::*;

    fn probe(level: f32, seed: u64) -> Vec<i16> {
        let mut noise = Noise::new(Dbm0(level), seed);
        (0..24_000).map(|_| noise.next_sample() as i16).collect()
    }

    #[test]
    fn an_echo_is_found_below_other_sounds() {
        let (sent, mut received) = (probe(-14.0, 1), probe(-20.0, 2));
        for place in 400..sent.len() {
            received[place] += sent[place - 400] / 10;
        }
        let echo = Echo::find(&sent, &received).unwrap();
        assert!((echo.return_loss_db - 20.0).abs() < 1.0 && echo.delay_ms == 50.0, "{echo:?}");
    }

    #[test]
    fn there_is_none_where_there_is_none() {
        assert_eq!(Echo::find(&probe(-14.0, 1), &probe(-20.0, 2)), None);
        assert_eq!(Echo::find(&probe(-14.0, 1), &[0; 24_000]), None);
    }
}
