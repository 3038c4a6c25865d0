//! How much of a frequency a block of samples holds, and at which phase.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::{
    lanes::{Isa, Kernel, Lanes, Work},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// Goertzel resonators, one for each of some frequencies, run over blocks of a whole number of samples.
///
/// A run over a block writes three values for each frequency: the real and the imaginary part of
/// sum(x(n)·e^(-j2πf(n-N)/fs)) over the N samples n = 0..N, and the block's energy sum(x²).
#[derive(Clone, Debug)]
pub struct GoertzelBank {
    tones: Box<[Tone]>,
}

/// What is fixed for one frequency.
#[derive(Clone, Copy, Debug)]
struct Tone {
    /// 2·cos(2πf/fs).
    feedback: f32,
    cosine: f32,
    sine: f32,
}

/// Results of a [`GoertzelBank`] for one frequency and one line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Content {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
    /// Energy of the whole block.
    pub energy: f32,
}

/// Values written for each frequency.
pub const RESULTS: usize = 3;

impl GoertzelBank {
    /// Resonators for these frequencies.
    pub fn new(frequencies: &[Hz]) -> Self {
        Self { tones: frequencies.iter().map(|frequency| Tone::new(*frequency)).collect() }
    }

    /// How many values a run writes.
    pub fn results(&self) -> usize {
        self.tones.len() * RESULTS
    }
}

impl Tone {
    fn new(frequency: Hz) -> Self {
        let angle = core::f64::consts::TAU * f64::from(frequency.0) / f64::from(SAMPLE_RATE.0);
        Self {
            feedback: (2.0 * libm::cos(angle)) as f32,
            cosine: libm::cos(angle) as f32,
            sine: libm::sin(angle) as f32,
        }
    }
}

impl Kernel for GoertzelBank {
    /// Nothing is kept between blocks.
    type State<V: Lanes> = ();

    fn state<V: Lanes>(&self) -> Self::State<V> {}

    fn extract<V: Lanes>(&self, _: &(), _: usize) {}

    fn insert<V: Lanes>(&self, _: &mut (), _: usize, _: &()) {}

    #[inline(always)]
    fn run<V: Lanes>(&self, _: &mut (), block: &[V], results: &mut [V]) {
        // One line goes along its frequencies, several lines go side by side.
        if V::COUNT == 1 { self.look::<V, 8>(block, results) } else { self.look::<V, 4>(block, results) }
    }
}

impl GoertzelBank {
    /// Looks at a block, at `N` frequencies at once.
    #[inline(always)]
    fn look<V: Lanes, const N: usize>(&self, block: &[V], results: &mut [V]) {
        let mut energy = V::splat(0.0);
        for sample in block {
            energy = energy + *sample * *sample;
        }
        for (tones, results) in self.tones.chunks(N).zip(results.chunks_mut(N * RESULTS)) {
            let feedback: [V; N] = core::array::from_fn(|at| V::splat(tones.get(at).map_or(0.0, |tone| tone.feedback)));
            let (mut newer, mut older) = ([V::splat(0.0); N], [V::splat(0.0); N]);
            for sample in block {
                let now = core::array::from_fn(|at| *sample + feedback[at] * newer[at] - older[at]);
                (newer, older) = (now, newer);
            }
            for (at, (tone, results)) in tones.iter().zip(results.chunks_exact_mut(RESULTS)).enumerate() {
                results[0] = newer[at] * V::splat(tone.cosine) - older[at];
                results[1] = newer[at] * V::splat(tone.sine);
                results[2] = energy;
            }
        }
    }
}

/// One line's block, for the widest instructions.
struct Whole<'a> {
    bank: &'a GoertzelBank,
    block: &'a [f32],
    results: &'a mut [f32],
}

impl Work for Whole<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.bank.run(&mut (), self.block, self.results);
    }
}

/// A bank for one line with its results, one for each frequency.
#[derive(Clone, Debug)]
pub struct Goertzel {
    bank: GoertzelBank,
    results: Vec<f32>,
    isa: Isa,
}

impl Goertzel {
    /// Resonators for these frequencies.
    pub fn new(frequencies: &[Hz]) -> Self {
        let bank = GoertzelBank::new(frequencies);
        let results = vec![0.0; bank.results()];
        Self { bank, results, isa: Isa::detect() }
    }

    /// Looks at a block.
    pub fn run(&mut self, block: &[f32]) -> impl Iterator<Item = Content> {
        self.isa.run(Whole { bank: &self.bank, block, results: &mut self.results });
        self.results.chunks_exact(RESULTS).map(|result| Content { re: result[0], im: result[1], energy: result[2] })
    }
}

impl Content {
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

    #[test]
    fn a_tone_is_found_with_its_level_and_its_neighbour_is_not() {
        let level = Dbm0(-20.0);
        let mut oscillator = Oscillator::new(Hz(1100.0));
        let block = [0.0; 80].map(|_: f32| oscillator.next_sine() * level.rms() * core::f32::consts::SQRT_2);
        let mut goertzel = Goertzel::new(&[Hz(1100.0), Hz(1300.0)]);
        let found: Vec<Content> = goertzel.run(&block).collect();
        assert!((found[0].share(80) - 1.0).abs() < 0.01 && found[1].share(80) < 0.01, "{found:?}");
        assert!((Dbm0::from_mean_square(found[0].mean_square(80)).0 + 20.0).abs() < 0.1);
    }

    #[test]
    fn the_phase_stands_still_from_block_to_block_at_the_exact_frequency() {
        let mut oscillator = Oscillator::new(Hz(2100.0));
        let mut goertzel = Goertzel::new(&[Hz(2100.0)]);
        let mut phase = || {
            let block = [0.0; 80].map(|_: f32| oscillator.next_sine());
            let content = goertzel.run(&block).next().expect("one frequency");
            libm::atan2f(content.im, content.re)
        };
        let first = phase();
        assert!((1..10).all(|_| (phase() - first).abs() < 0.01));
    }
}
