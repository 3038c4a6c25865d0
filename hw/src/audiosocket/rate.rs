//! Sample rates of AudioSocket, and the way from and to 8000 samples per second.

use rubato::{Fft, FixedSync, Resampler, audioadapter_buffers::direct::SequentialSlice};

/// Rates by their frame's kind, from 0x10 on.
const RATES: [u32; 9] = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/// The kind of the first of them.
const FIRST_KIND: u8 = 0x10;

/// A sample rate that AudioSocket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// That of the telephone.
    pub const TELEPHONE: Self = Self(8000);

    /// The rate of so many samples per second, if AudioSocket has it.
    pub fn new(per_second: u32) -> Option<Self> {
        RATES.contains(&per_second).then_some(Self(per_second))
    }

    pub(super) fn of_kind(kind: u8) -> Option<Self> {
        RATES.get(usize::from(kind.checked_sub(FIRST_KIND)?)).copied().map(Self)
    }

    pub(super) fn kind(self) -> u8 {
        let at = RATES.iter().position(|rate| *rate == self.0);
        FIRST_KIND + at.map_or(0, |at| at as u8)
    }

    /// Samples in 20 ms.
    pub(super) fn frame_samples(self) -> usize {
        self.0 as usize / 50
    }
}

/// From one rate to another, 20 ms at a time.
pub(super) struct Converter {
    resampler: Fft<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
    filled: usize,
}

impl Converter {
    /// None is needed for the telephone's own rate.
    pub(super) fn to_telephone(from: Rate) -> Option<Self> {
        Self::new(from, Rate::TELEPHONE)
    }

    /// None is needed for the telephone's own rate.
    pub(super) fn from_telephone(to: Rate) -> Option<Self> {
        Self::new(Rate::TELEPHONE, to)
    }

    fn new(from: Rate, to: Rate) -> Option<Self> {
        if from == to {
            return None;
        }
        let (input, output) = (from.frame_samples(), to.frame_samples());
        let made = Fft::new_custom(
            from.0 as usize,
            to.0 as usize,
            input,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        );
        let resampler = made.expect("the rates are known and 20 ms of each are whole numbers of samples");
        Some(Self { resampler, input: vec![0.0; input], output: vec![0.0; output], filled: 0 })
    }

    /// Takes a sample; after the last of 20 ms, those of the other rate.
    pub(super) fn put(&mut self, sample: i16) -> Option<impl Iterator<Item = i16> + '_> {
        self.input[self.filled] = f32::from(sample);
        self.filled += 1;
        if self.filled < self.input.len() {
            return None;
        }
        self.filled = 0;
        let (from, to) = (self.input.len(), self.output.len());
        let input = SequentialSlice::new(&self.input, 1, from).expect("one channel of that length");
        let mut output = SequentialSlice::new_mut(&mut self.output, 1, to).expect("one channel of that length");
        self.resampler.process_into_buffer(&input, &mut output, None).expect("20 ms go in and come out");
        Some(self.output.iter().map(|sample| sample.round() as i16))
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn tone(rate: Rate, hertz: f32) -> Vec<i16> {
        let turn = |at: usize| (at as f32 * hertz / rate.0 as f32).fract() * TAU;
        (0..rate.0 as usize).map(|at| (turn(at).sin() * 8000.0).round() as i16).collect()
    }

    fn convert(mut converter: Converter, samples: &[i16]) -> Vec<i16> {
        let mut out = vec![];
        for sample in samples {
            if let Some(more) = converter.put(*sample) {
                out.extend(more);
            }
        }
        out
    }

    fn level_db(samples: &[i16]) -> f32 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let power = middle.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / middle.len() as f32;
        10.0 * (power / (8000.0f32.powi(2) / 2.0)).log10()
    }

    #[test]
    fn kinds_and_rates_belong_together() {
        for kind in 0x10..=0x18 {
            assert_eq!(Rate::of_kind(kind).unwrap().kind(), kind);
        }
        assert_eq!((Rate::of_kind(0x0f), Rate::of_kind(0x19), Rate::new(11_025)), (None, None, None));
    }

    #[test]
    fn the_telephone_band_passes_every_rate_both_ways() {
        for rate in RATES.into_iter().skip(1).filter_map(Rate::new) {
            for hertz in [300.0, 1100.0, 2100.0, 3000.0, 3300.0] {
                let up = convert(Converter::from_telephone(rate).unwrap(), &tone(Rate::TELEPHONE, hertz));
                assert_eq!(up.len(), rate.0 as usize);
                let down = convert(Converter::to_telephone(rate).unwrap(), &up);
                let (there, back) = (level_db(&up), level_db(&down));
                assert!(there.abs() < 0.3 && back.abs() < 0.3, "{rate:?}, {hertz} Hz: {there} dB, {back} dB");
            }
        }
    }
}
