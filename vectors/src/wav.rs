//! Recordings, brought to the samples of the telephone network.

use std::{io::Cursor, path::Path};

use answertone_dsp::{
    filter::fir::{blackman, sinc},
    lanes::Isa,
    pcm::SAMPLE_RATE,
};
use symphonia::core::{audio::SampleBuffer, errors::Error, io::MediaSourceStream};

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Samples per second.
    pub rate: u32,
    /// The channels, in 16-bit scale.
    pub channels: Vec<Vec<f32>>,
}

impl Recording {
    /// Reads a WAV file, or what else there is of recordings: ADPCM, MP3.
    ///
    /// # Errors
    /// What the reader says of a file that it cannot read, with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        Self::plain(path).or_else(|_| Self::coded(path).map_err(|error| format!("{}: {error}", path.display())))
    }

    /// Reads coded samples.
    fn coded(path: &Path) -> Result<Self, Error> {
        let octets = Cursor::new(bare(std::fs::read(path)?));
        let stream = MediaSourceStream::new(Box::new(octets), Default::default());
        let probe = symphonia::default::get_probe();
        let mut format = probe.format(&Default::default(), stream, &Default::default(), &Default::default())?.format;
        let track = format.default_track().ok_or(Error::Unsupported("no track"))?;
        let mut decoder = symphonia::default::get_codecs().make(&track.codec_params, &Default::default())?;
        let mut recording = Self { rate: track.codec_params.sample_rate.unwrap_or(8000), channels: Vec::new() };
        while let Ok(packet) = format.next_packet() {
            let decoded = decoder.decode(&packet)?;
            let channels = decoded.spec().channels.count();
            let mut samples = SampleBuffer::<f32>::new(decoded.capacity() as u64, *decoded.spec());
            samples.copy_interleaved_ref(decoded);
            recording.channels.resize(channels, Vec::new());
            for (at, sample) in samples.samples().iter().enumerate() {
                recording.channels[at % channels].push(sample * 32768.0);
            }
        }
        Ok(recording)
    }

    /// Reads integer or floating-point samples.
    fn plain(path: &Path) -> Result<Self, String> {
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
        if self.rate == SAMPLE_RATE.0 as u32 {
            return self.channels;
        }
        self.channels.iter().map(|channel| resample(channel, self.rate)).collect()
    }
}

/// A RIFF file with its format and its data only: recorders write other chunks whose lengths are wrong. Any other file as
/// it is.
fn bare(octets: Vec<u8>) -> Vec<u8> {
    if !octets.starts_with(b"RIFF") || octets.len() < 12 {
        return octets;
    }
    let (mut kept, mut rest) = (octets[8..12].to_vec(), &octets[12..]);
    while let [a, b, c, d, l0, l1, l2, l3, body @ ..] = rest {
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let name = [*a, *b, *c, *d];
        let body = &body[..length.min(body.len())];
        // What is behind the fields of the format says nothing.
        let body = match &name {
            b"fmt " if body.len() > 18 => &body[..(18 + usize::from(body[16])).min(body.len())],
            _ => body,
        };
        if matches!(&name, b"fmt " | b"fact" | b"data") {
            kept.extend(name.into_iter().chain((body.len() as u32).to_le_bytes()));
            kept.extend(body);
        }
        rest = rest.get(8 + length.next_multiple_of(2)..).unwrap_or_default();
    }
    [b"RIFF".as_slice(), &(kept.len() as u32).to_le_bytes(), &kept].concat()
}

/// Every `step`-th sample, by a windowed sinc that stops what the new rate cannot hold. Places between samples repeat
/// after a few hundred results, so their weights are computed once.
fn resample(samples: &[f32], from: u32) -> Vec<f32> {
    let to = SAMPLE_RATE.0 as u32;
    let common = greatest_common_divisor(from, to);
    let (up, down) = ((to / common) as usize, (from / common) as usize);
    let stretch = (f64::from(from) / f64::from(to)).max(1.0);
    let reach = (32.0 * stretch).ceil();
    let weights = |phase: usize| -> Vec<f32> {
        let part = (phase * down % up) as f64 / up as f64;
        let weight = |tap: f64| {
            let distance = tap - reach - part;
            sinc(distance / stretch) * blackman((distance / (reach + 1.0) + 1.0) / 2.0) / stretch
        };
        (0..=2 * reach as usize).map(|tap| weight(tap as f64) as f32).collect()
    };
    let weights: Vec<Vec<f32>> = (0..up).map(weights).collect();
    let silence = vec![0.0; reach as usize];
    let padded = [silence.as_slice(), samples, &silence].concat();
    let isa = Isa::detect();
    let at = |sample: usize| {
        let weights = &weights[sample % up];
        isa.dot(&padded[sample * down / up..][..weights.len()], weights)
    };
    (0..samples.len() * up / down).map(at).collect()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
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
