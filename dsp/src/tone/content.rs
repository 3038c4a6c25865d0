//! How much of a frequency a block of samples holds, and at which phase.
//!
//! ```text
//!  block ─▶ folded about its middle ─┬▶ sums × cosines ──────┐
//!                                    └▶ differences × sines ─┴▶ real and imaginary part of each frequency, energy
//! ```
//!
//! Weights from a table cost less than resonators: no sum waits for the one before it, and folding halves the products.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::{
    lanes::{Kernel, LANES, Lanes},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// Looks for some frequencies in blocks of one length.
///
/// A run over a block writes its energy sum(x²), and then the real and the imaginary part of
/// sum(x(n)·e^(-j2πf(n-N)/fs)) over the N samples n = 0..N for each frequency.
#[derive(Clone, Debug)]
pub struct ContentKernel {
    tones: Box<[Tone]>,
    samples: usize,
}

/// What is fixed for one frequency.
#[derive(Clone, Debug)]
struct Tone {
    /// From the middle of the block outwards, zeros at the end.
    weights: Box<[[[f32; LANES]; 2]]>,
    /// From the middle of the block to its end.
    cosine: f32,
    sine: f32,
}

/// Room for a block folded about its middle: the sums and the differences of what is as far from it. Nothing is kept from
/// block to block.
#[derive(Clone, Debug)]
pub struct Folded<V>(Vec<[[V; LANES]; 2]>);

/// What a block holds of one frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Content {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
    /// Energy of the whole block.
    pub energy: f32,
}

impl ContentKernel {
    /// Looks for these frequencies in blocks of so many samples, an even number.
    pub fn new(frequencies: &[Hz], samples: usize) -> Self {
        Self { tones: frequencies.iter().map(|frequency| Tone::new(*frequency, samples)).collect(), samples }
    }

    /// How many values a run writes.
    pub fn results(&self) -> usize {
        1 + 2 * self.tones.len()
    }

    /// It and how many values it writes.
    pub(crate) fn counted(self) -> (Self, usize) {
        let results = self.results();
        (self, results)
    }

    /// Folds a block; its energy.
    #[inline(always)]
    fn fold<V: Lanes>(&self, block: &[V], folded: &mut [[[V; LANES]; 2]]) -> V {
        let (early, late) = block.split_at(self.samples / 2);
        let ((early_rest, early), (late, late_rest)) = (early.as_rchunks::<LANES>(), late.as_chunks::<LANES>());
        let (whole, rest) = folded.split_at_mut(late.len());
        for ((early, late), [sums, differences]) in early.iter().rev().zip(late).zip(whole) {
            for place in 0..LANES {
                let before = early[LANES - 1 - place];
                (sums[place], differences[place]) = (late[place] + before, late[place] - before);
            }
        }
        for [sums, differences] in rest {
            for (place, (before, after)) in early_rest.iter().rev().zip(late_rest).enumerate() {
                (sums[place], differences[place]) = (*after + *before, *after - *before);
            }
        }
        let mut energy = [V::splat(0.0); LANES];
        for [sums, differences] in folded.iter() {
            for place in 0..LANES {
                energy[place] = energy[place] + (sums[place] * sums[place] + differences[place] * differences[place]);
            }
        }
        halved(energy) * V::splat(0.5)
    }
}

impl Tone {
    fn new(frequency: Hz, samples: usize) -> Self {
        let angle = |samples: f64| core::f64::consts::TAU * f64::from(frequency.0) / f64::from(SAMPLE_RATE.0) * samples;
        let half = samples / 2;
        let weight =
            |turn: fn(f64) -> f64, at: usize| if at < half { turn(angle(at as f64 + 0.5)) as f32 } else { 0.0 };
        let row = |row: usize| {
            [libm::cos as fn(f64) -> f64, libm::sin]
                .map(|turn| core::array::from_fn(|place| weight(turn, row * LANES + place)))
        };
        let end = angle(half as f64 + 0.5);
        Self {
            weights: (0..half.div_ceil(LANES)).map(row).collect(),
            cosine: libm::cos(end) as f32,
            sine: libm::sin(end) as f32,
        }
    }

    #[inline(always)]
    fn content<V: Lanes>(&self, folded: &[[[V; LANES]; 2]]) -> (V, V) {
        let mut sums = [[V::splat(0.0); LANES]; 2];
        for (folded, weights) in folded.iter().zip(&self.weights) {
            for part in 0..2 {
                for place in 0..LANES {
                    let product = folded[part][place] * V::splat(weights[part][place]);
                    sums[part][place] = sums[part][place] + product;
                }
            }
        }
        let [even, odd] = sums.map(halved);
        let (cosine, sine) = (V::splat(self.cosine), V::splat(self.sine));
        (even * cosine + odd * sine, even * sine - odd * cosine)
    }
}

/// The sum of partial sums, in halves.
#[inline(always)]
pub(crate) fn halved<V: Lanes>([a, b, c, d, e, f, g, h]: [V; LANES]) -> V {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

impl Kernel for ContentKernel {
    type State<V: Lanes> = Folded<V>;

    fn state<V: Lanes>(&self) -> Folded<V> {
        Folded(vec![[[V::splat(0.0); LANES]; 2]; (self.samples / 2).div_ceil(LANES)])
    }

    fn extract<V: Lanes>(&self, _: &Folded<V>, _: usize) -> Folded<f32> {
        Folded(Vec::new())
    }

    fn insert<V: Lanes>(&self, _: &mut Folded<V>, _: usize, _: &Folded<f32>) {}

    #[inline(always)]
    fn run<V: Lanes>(&self, Folded(folded): &mut Folded<V>, block: &[V], results: &mut [V]) {
        results[0] = self.fold(block, folded);
        for (tone, results) in self.tones.iter().zip(results[1..].chunks_exact_mut(2)) {
            (results[0], results[1]) = tone.content(folded);
        }
    }
}

impl Content {
    /// Of the frequency at `tone`, among what [`ContentKernel`] wrote.
    pub(crate) fn of(tone: usize, results: impl Fn(usize) -> f32) -> Self {
        Self { re: results(1 + 2 * tone), im: results(2 + 2 * tone), energy: results(0) }
    }

    /// Power of the tone as a part of the power of the block of `samples` samples: 1 for the tone alone.
    pub fn share(&self, samples: usize) -> f32 {
        self.magnitude_squared() * 2.0 / (samples as f32 * self.energy).max(1e-9)
    }

    /// Mean square of the tone in squared 16-bit sample units, in a block of `samples` samples.
    pub fn mean_square(&self, samples: usize) -> f32 {
        self.magnitude_squared() * 2.0 / (samples * samples) as f32
    }

    fn magnitude_squared(&self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{osc::Oscillator, units::Dbm0};

    fn contents(kernel: &ContentKernel, block: &[f32]) -> Vec<Content> {
        let (mut state, mut results) = (kernel.state(), vec![0.0; kernel.results()]);
        kernel.run(&mut state, block, &mut results);
        (0..kernel.tones.len()).map(|tone| Content::of(tone, |at| results[at])).collect()
    }

    #[test]
    fn a_tone_is_found_with_its_level_and_its_neighbour_is_not() {
        for samples in [80, 100, 200] {
            let level = Dbm0(-20.0);
            let mut oscillator = Oscillator::new(Hz(1200.0));
            let tone = |_| oscillator.next_sine() * level.rms() * core::f32::consts::SQRT_2;
            let block: Vec<f32> = (0..samples).map(tone).collect();
            let found =
                contents(&ContentKernel::new(&[Hz(1200.0), Hz(1360.0 + 8000.0 / samples as f32)], samples), &block);
            assert!((found[0].share(samples) - 1.0).abs() < 0.01 && found[1].share(samples) < 0.05, "{found:?}");
            assert!((Dbm0::from_mean_square(found[0].mean_square(samples)).0 + 20.0).abs() < 0.1);
            let energy: f32 = block.iter().map(|sample| sample * sample).sum();
            assert!((found[0].energy / energy - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn the_phase_stands_still_from_block_to_block_at_the_exact_frequency() {
        let mut oscillator = Oscillator::new(Hz(2100.0));
        let kernel = ContentKernel::new(&[Hz(2100.0)], 80);
        let mut phase = || {
            let block = [0.0; 80].map(|_: f32| oscillator.next_sine());
            let content = contents(&kernel, &block)[0];
            libm::atan2f(content.im, content.re)
        };
        let first = phase();
        assert!((1..10).all(|_| (phase() - first).abs() < 0.01));
    }
}
