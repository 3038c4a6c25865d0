//! A line on which we are silent.

use answertone_dsp::units::Dbm0;
use realfft::RealFftPlanner;
use serde::Serialize;

/// Samples of a spectrum: lines 3.9 Hz apart.
const WINDOW: usize = 2048;

/// Hertz from one line of the spectrum to the next.
const SPACING: f32 = 8000.0 / WINDOW as f32;

/// The band in which fax signals are, in hertz.
const BAND: std::ops::Range<f32> = 300.0..3400.0;

/// The mean of an exponentially spread power over its median: what noise between tones is measured by.
const MEAN_OVER_MEDIAN: f32 = std::f32::consts::LOG2_E;

/// From here on a sample counts as clipped.
const FULL_SCALE: u16 = 32_767;

/// What is heard while we are silent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// Level of everything but direct current.
    pub level_dbm0: f32,
    /// Level of what is no tone, from 300 to 3400 Hz.
    pub noise_dbm0: f32,
    /// Level at 50 or 60 Hz and the first harmonics.
    pub hum_dbm0: f32,
    /// The strongest tone from 300 to 3400 Hz, if there is one.
    pub tone_hz: Option<f32>,
    /// Direct current as a share of full scale.
    pub direct_current: f32,
    /// Samples at full scale.
    pub clipped: usize,
}

impl Heard {
    /// Measures at least [`WINDOW`] samples.
    pub(super) fn new(samples: &[i16]) -> Self {
        let mean = samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len().max(1) as f64;
        let centred: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) - mean as f32).collect();
        let power = centred.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / samples.len().max(1) as f64;
        let spectrum = spectrum(&centred);
        Self {
            level_dbm0: level(power as f32),
            noise_dbm0: level(noise(&spectrum)),
            hum_dbm0: level([50.0, 60.0].into_iter().map(|mains| hum(&spectrum, mains)).fold(0.0, f32::max)),
            tone_hz: tone(&spectrum),
            direct_current: mean as f32 / 32_768.0,
            clipped: samples.iter().filter(|sample| sample.unsigned_abs() >= FULL_SCALE).count(),
        }
    }
}

fn level(mean_square: f32) -> f32 {
    Dbm0::from_mean_square(mean_square).0.max(-100.0)
}

/// Mean squares by frequency: their sum is the signal's.
fn spectrum(samples: &[f32]) -> Vec<f32> {
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
    let window: Vec<f32> =
        (0..WINDOW).map(|place| 0.5 - 0.5 * (std::f32::consts::TAU * place as f32 / WINDOW as f32).cos()).collect();
    let weight: f32 = window.iter().map(|weight| weight * weight).sum::<f32>() * WINDOW as f32 / 2.0;
    let mut powers = vec![0.0; WINDOW / 2 + 1];
    let (mut output, mut count) = (transform.make_output_vec(), 0.0);
    for start in (0..samples.len().saturating_sub(WINDOW - 1)).step_by(WINDOW / 2) {
        let mut input: Vec<f32> = samples[start..start + WINDOW].iter().zip(&window).map(|(x, w)| x * w).collect();
        transform.process(&mut input, &mut output).expect("lengths are the plan's");
        powers.iter_mut().zip(&output).for_each(|(power, line)| *power += line.norm_sqr() / weight);
        count += 1.0;
    }
    powers.iter_mut().for_each(|power| *power /= f32::max(count, 1.0));
    powers
}

fn band(spectrum: &[f32], hertz: std::ops::Range<f32>) -> &[f32] {
    &spectrum[(hertz.start / SPACING) as usize..(hertz.end / SPACING) as usize]
}

fn noise(spectrum: &[f32]) -> f32 {
    let lines = band(spectrum, BAND);
    let mut sorted = lines.to_vec();
    sorted.sort_by(f32::total_cmp);
    // Averaged spectra are nearer to their mean than single ones; the excess errs by less than 2 dB.
    sorted[sorted.len() / 2] * lines.len() as f32 * MEAN_OVER_MEDIAN.sqrt()
}

/// Power at mains frequency and its second to fifth harmonics.
fn hum(spectrum: &[f32], mains: f32) -> f32 {
    let around = |hertz: f32| {
        let middle = (hertz / SPACING).round() as usize;
        spectrum[middle.saturating_sub(2)..=middle + 2].iter().sum::<f32>()
    };
    (1..=5).map(|harmonic| around(mains * harmonic as f32)).sum()
}

/// The strongest line, when it stands 20 dB above the noise of all lines around.
fn tone(spectrum: &[f32]) -> Option<f32> {
    let lines = band(spectrum, BAND);
    let (place, strongest) = lines.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let noise = noise(spectrum) / lines.len() as f32;
    (*strongest > noise * 100.0).then(|| ((BAND.start / SPACING) as usize + place) as f32 * SPACING)
}

#[cfg(test)]
mod tests {
    use answertone_dsp::{channel::noise::Noise, osc::Oscillator, units::Hz};

    use super::*;

    fn heard(tone: Option<(f32, f32)>, noise: f32, direct: f32) -> Heard {
        let mut noise = Noise::new(Dbm0(noise), 5);
        let mut oscillator = Oscillator::new(Hz(tone.map_or(0.0, |tone| tone.0)));
        let peak = tone.map_or(0.0, |tone| Dbm0(tone.1).rms() * std::f32::consts::SQRT_2);
        let sample = |_| (oscillator.next_sine() * peak + noise.next_sample() + direct).clamp(-32768.0, 32767.0) as i16;
        Heard::new(&(0..16_000).map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn tones_and_noise_are_told_apart() {
        let heard = heard(Some((440.0, -15.0)), -50.0, 0.0);
        assert!((heard.level_dbm0 + 15.0).abs() < 0.3, "{heard:?}");
        assert!((heard.noise_dbm0 + 51.0).abs() < 2.0, "{heard:?}");
        assert!((heard.tone_hz.unwrap() - 440.0).abs() < SPACING, "{heard:?}");
        assert!(heard.hum_dbm0 < -60.0 && heard.clipped == 0, "{heard:?}");
    }

    #[test]
    fn hum_direct_current_and_clipping_are_seen() {
        let hum = heard(Some((50.0, -20.0)), -60.0, 0.0);
        assert!((hum.hum_dbm0 + 20.0).abs() < 0.5 && hum.tone_hz.is_none(), "{hum:?}");
        let shifted = heard(None, -60.0, 3000.0);
        assert!((shifted.direct_current - 3000.0 / 32_768.0).abs() < 0.001, "{shifted:?}");
        assert!(heard(Some((440.0, 6.0)), -60.0, 0.0).clipped > 1000);
    }
}
