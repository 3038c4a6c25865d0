//! Recordings, brought to the samples of the telephone network.

use std::path::Path;

use answertone_dsp::{
    filter::fir::{blackman, sinc},
    pcm::SAMPLE_RATE,
};

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Samples per second.
    pub rate: u32,
    /// The channels, in 16-bit scale.
    pub channels: Vec<Vec<f32>>,
}

impl Recording {
    /// Reads a WAV file of integer or floating-point samples.
    ///
    /// # Errors
    /// What the reader says of a file that it cannot read, with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let complain = |error: hound::Error| format!("{}: {error}", path.display());
        let mut reader = hound::WavReader::open(path).map_err(complain)?;
        let spec = reader.spec();
        let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
            hound::SampleFormat::Float => reader.samples::<f32>().map(|sample| Ok(sample? * 32768.0)).collect(),
            hound::SampleFormat::Int => {
                let scale = 32768.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
                reader.samples::<i32>().map(|sample| Ok(sample? as f32 * scale)).collect()
            }
        };
        let samples = samples.map_err(complain)?;
        let channels = usize::from(spec.channels);
        let channel = |channel: usize| samples.iter().skip(channel).step_by(channels).copied().collect();
        Ok(Self { rate: spec.sample_rate, channels: (0..channels).map(channel).collect() })
    }

    /// The channels at 8000 samples per second.
    pub fn telephone(self) -> Vec<Vec<f32>> {
        let step = f64::from(self.rate) / f64::from(SAMPLE_RATE.0);
        if step == 1.0 {
            return self.channels;
        }
        self.channels.iter().map(|channel| resample(channel, step)).collect()
    }
}

/// Every `step`-th sample, by a windowed sinc that stops what the new rate cannot hold.
fn resample(samples: &[f32], step: f64) -> Vec<f32> {
    let stretch = step.max(1.0);
    let reach = 32.0 * stretch;
    let at = |place: f64| {
        let first = (place - reach).ceil().max(0.0) as usize;
        let last = ((place + reach) as usize).min(samples.len().saturating_sub(1));
        let part = |(offset, sample): (usize, &f32)| {
            let distance = (first + offset) as f64 - place;
            f64::from(*sample) * sinc(distance / stretch) * blackman((distance / reach + 1.0) / 2.0) / stretch
        };
        samples[first..=last].iter().enumerate().map(part).sum::<f64>() as f32
    };
    (0..(samples.len() as f64 / step) as usize).map(|sample| at(sample as f64 * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_pitch_and_level_and_one_too_high_is_gone() {
        let tone = |pitch: f64| -> Vec<f32> {
            (0..44_100).map(|at| (std::f64::consts::TAU * pitch / 44_100.0 * f64::from(at)).sin() as f32).collect()
        };
        let low = Recording { rate: 44_100, channels: vec![tone(1000.0)] }.telephone();
        let wanted = |at: usize| (std::f64::consts::TAU / 8.0 * at as f64).sin() as f32;
        assert_eq!(low[0].len(), 8000);
        assert!(low[0].iter().enumerate().skip(100).take(7800).all(|(at, sample)| (sample - wanted(at)).abs() < 1e-3));
        let high = Recording { rate: 44_100, channels: vec![tone(5000.0)] }.telephone();
        assert!(high[0][100..7900].iter().all(|sample| sample.abs() < 1e-3));
    }
}
