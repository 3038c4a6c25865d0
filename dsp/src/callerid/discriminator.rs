//! Which of two tones sounds, sample by sample.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    filter::{
        fir::{Fir, low_pass},
        history::History,
    },
    fsk::FskSpec,
    lanes::Isa,
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// Below it is what a recorder's offset and the mains add; the sidebands of 1200 bit/s begin above.
const CORNER: Hz = Hz(350.0);

/// Taps of the filter that takes it away.
const TAPS: usize = 63;

/// Envelopes of the two tones over the last bit time, and of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelopes {
    /// Peak of the mark.
    pub(super) mark: f32,
    /// Peak of the space.
    pub(super) space: f32,
    /// Mean square of everything, doubled: the square of the peak, for one tone alone.
    pub(super) all: f32,
}

/// Correlates with mark and space over one bit.
#[derive(Clone, Debug)]
pub(super) struct Discriminator {
    below: Fir,
    history: History,
    /// Weights of a bit time: cosine and sine of mark and of space.
    weights: Box<[[f32; 4]]>,
    bit_samples: f32,
}

impl Discriminator {
    pub(super) fn new(spec: &FskSpec) -> Self {
        let bit_samples = SAMPLE_RATE.0 / spec.rate.0;
        let len = bit_samples as usize + 1;
        let weight = |at: usize| {
            // The oldest sample counts in part.
            let part = if at == 0 { bit_samples - (len - 1) as f32 } else { 1.0 };
            let phase = |pitch: Hz| phase_step(pitch).wrapping_mul(at as u32);
            let (mark, space) = (phase(spec.mark), phase(spec.space));
            [cosine(mark), sine(mark), cosine(space), sine(space)].map(|turn| part * turn)
        };
        Self {
            below: Fir::new(&low_pass(CORNER, TAPS), Isa::detect()),
            history: History::new(len),
            weights: (0..len).map(weight).collect::<Vec<_>>().into_boxed_slice(),
            bit_samples,
        }
    }

    /// Takes a sample.
    pub(super) fn push(&mut self, sample: f32) -> Envelopes {
        let below = self.below.push(sample);
        self.history.push(self.below.middle() - below);
        let (mut sums, mut energy) = ([0.0f32; 4], 0.0);
        for (sample, weights) in self.history.samples().iter().zip(&self.weights) {
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += sample * weight);
            energy += sample * sample;
        }
        let peak = |re: f32, im: f32| libm::sqrtf(re * re + im * im) * 2.0 / self.bit_samples;
        Envelopes {
            mark: peak(sums[0], sums[1]),
            space: peak(sums[2], sums[3]),
            all: 2.0 * energy / self.weights.len() as f32,
        }
    }
}
