//! What a short stretch of signal is like: one tone and which, a voice and how high, or neither.

use crate::{
    lanes::{Isa, Kernel, LANES, Lanes},
    pcm::{BLOCK_SAMPLES, SAMPLE_RATE},
    tone::content::halved,
};

/// One block, looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Mean square.
    pub(super) mean_square: f32,
    /// The frequency of the one tone that explains most of it, in hertz; zero if none does.
    pub(super) tone: f32,
    /// Part of the power that one tone explains: 1 for a tone alone.
    pub(super) purity: f32,
}

/// What [`Look::new`] needs of a block. A sine satisfies x(n-1) + x(n+1) = 2·cos(ω)·x(n); ω is what satisfies it best.
#[derive(Clone, Copy, Debug)]
pub struct PitchKernel;

/// Values that it writes: sums of products of x(n) and its neighbours' sum, of squares of either, of squares of all.
pub(super) const RESULTS: usize = 4;

impl Kernel for PitchKernel {
    /// Nothing is kept between blocks.
    type State<V: Lanes> = ();

    fn state<V: Lanes>(&self) {}

    fn extract<V: Lanes>(&self, _: &(), _: usize) {}

    fn insert<V: Lanes>(&self, _: &mut (), _: usize, _: &()) {}

    #[inline(always)]
    fn run<V: Lanes>(&self, _: &mut (), block: &[V], results: &mut [V]) {
        // Several sums side by side: one waits for itself.
        let mut sums = [[V::splat(0.0); LANES]; 3];
        let inner = block.len() - 2;
        let (before, now, after) = (&block[..inner], &block[1..=inner], &block[2..]);
        let ((before, before_rest), (now, now_rest)) = (before.as_chunks::<LANES>(), now.as_chunks::<LANES>());
        let (after, after_rest) = after.as_chunks::<LANES>();
        for ((before, now), after) in before.iter().zip(now).zip(after) {
            add_products(&mut sums, before, now, after);
        }
        add_products(&mut sums, before_rest, now_rest, after_rest);
        let [products, middles, sides] = sums;
        let last = inner + 1;
        let middle = halved(middles);
        let ends = block[0] * block[0] + block[last] * block[last];
        results.copy_from_slice(&[halved(products), middle, halved(sides), middle + ends]);
    }
}

/// Adds eight products and squares to their sums, or fewer.
#[inline(always)]
fn add_products<V: Lanes>(sums: &mut [[V; LANES]; 3], before: &[V], now: &[V], after: &[V]) {
    for place in 0..now.len() {
        let (sum, now) = (before[place] + after[place], now[place]);
        sums[0][place] = sums[0][place] + sum * now;
        sums[1][place] = sums[1][place] + now * now;
        sums[2][place] = sums[2][place] + sum * sum;
    }
}

impl Look {
    /// From what [`PitchKernel`] wrote of a block.
    pub(super) fn new(results: impl Fn(usize) -> f32) -> Self {
        let [product, middle, sides, all] = core::array::from_fn(results);
        let cosine = (product / (2.0 * middle).max(1e-9)).clamp(-1.0, 1.0);
        // What is not explained, of what there is in either.
        let missed = sides - 2.0 * cosine * product;
        let purity = 1.0 - missed / (4.0 * middle).max(1e-9);
        // A frequency that explains little is none.
        let tone =
            if purity < LEAST_PURITY { 0.0 } else { libm::acosf(cosine) / core::f32::consts::TAU * SAMPLE_RATE.0 };
        Self { mean_square: all / BLOCK_SAMPLES as f32, tone, purity }
    }

    /// Whether it is one tone, within `tolerance` of `pitch`.
    pub(super) fn is(&self, pitch: f32, tolerance: f32) -> bool {
        self.purity >= PURE && (self.tone - pitch).abs() <= tolerance
    }
}

/// Purity below which a block has no frequency.
const LEAST_PURITY: f32 = 0.2;

/// Purity of a tone in some noise.
pub(super) const PURE: f32 = 0.93;

/// Samples in which a voice's pitch is looked for, and the periods of voices: 75 to 400 Hz.
pub(super) const VOICED: usize = 3 * BLOCK_SAMPLES;
const PERIODS: core::ops::Range<usize> = 20..107;

/// How alike two periods of a voice are at least.
const ALIKE: f32 = 0.6;

/// How alike neighbouring samples of a voice are at least: its power is low in the band.
const LOW: f32 = 0.45;

/// The period of a voice in samples, if there is one.
pub(super) fn voice(samples: &[f32; VOICED], isa: Isa) -> Option<usize> {
    if isa.dot(&samples[1..], &samples[..VOICED - 1]) < LOW * isa.dot(samples, samples) {
        return None;
    }
    // Energies of the first samples, as many as the index says.
    let mut energies = [0.0; VOICED + 1];
    for (at, sample) in samples.iter().enumerate() {
        energies[at + 1] = energies[at] + sample * sample;
    }
    let power = energies[VOICED];
    let likeness = |lag: usize| {
        let (newer, older) = (power - energies[lag], energies[VOICED - lag]);
        isa.dot(&samples[lag..], &samples[..VOICED - lag]) / libm::sqrtf((newer * older).max(1e-9))
    };
    let mut best = (0, ALIKE);
    for lag in PERIODS {
        let alike = likeness(lag);
        // A period is as much like the one after the next: the shortest counts.
        if alike > best.1 * 1.05 {
            best = (lag, alike);
        }
    }
    (best.0 > PERIODS.start).then_some(best.0)
}
