//! What a short stretch of signal is like: one tone and which, a voice and how high, or neither.

use crate::pcm::{BLOCK_SAMPLES, SAMPLE_RATE};

/// One block, looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Mean square.
    pub(super) mean_square: f32,
    /// The frequency of the one tone that explains most of it, in hertz.
    pub(super) tone: f32,
    /// Part of the power that one tone explains: 1 for a tone alone.
    pub(super) purity: f32,
}

impl Look {
    /// Looks at a block. A sine satisfies x(n-1) + x(n+1) = 2·cos(ω)·x(n); ω is what satisfies it best.
    pub(super) fn at(block: &[f32; BLOCK_SAMPLES]) -> Self {
        // Several sums side by side: one waits for itself.
        const SIDE: usize = 8;
        let (mut products, mut middles, mut sides) = ([0.0f32; SIDE], [0.0f32; SIDE], [0.0f32; SIDE]);
        let (before, now, after) = (&block[..BLOCK_SAMPLES - 2], &block[1..BLOCK_SAMPLES - 1], &block[2..]);
        let rows = before.chunks(SIDE).zip(now.chunks(SIDE)).zip(after.chunks(SIDE));
        for ((before, now), after) in rows {
            for (at, ((before, now), after)) in before.iter().zip(now).zip(after).enumerate() {
                let sum = before + after;
                products[at] += sum * now;
                middles[at] += now * now;
                sides[at] += sum * sum;
            }
        }
        let total = |sums: [f32; SIDE]| sums.iter().sum::<f32>();
        let (product, middle, sides) = (total(products), total(middles), total(sides));
        let ends = block[0] * block[0] + block[BLOCK_SAMPLES - 1] * block[BLOCK_SAMPLES - 1];
        let mean_square = (middle + ends) / BLOCK_SAMPLES as f32;
        let cosine = (product / (2.0 * middle).max(1e-9)).clamp(-1.0, 1.0);
        // What is not explained, of what there is in either.
        let missed = sides - 2.0 * cosine * product;
        let purity = 1.0 - missed / (4.0 * middle).max(1e-9);
        Self { mean_square, tone: libm::acosf(cosine) / core::f32::consts::TAU * SAMPLE_RATE.0, purity }
    }

    /// Whether it is one tone, within `tolerance` of `pitch`.
    pub(super) fn is(&self, pitch: f32, tolerance: f32) -> bool {
        self.purity >= PURE && (self.tone - pitch).abs() <= tolerance
    }
}

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
pub(super) fn voice(samples: &[f32; VOICED]) -> Option<usize> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let power = dot(samples, samples);
    if dot(&samples[1..], &samples[..VOICED - 1]) < LOW * power {
        return None;
    }
    let likeness = |lag: usize| {
        let (newer, older) = (&samples[lag..], &samples[..VOICED - lag]);
        dot(newer, older) / libm::sqrtf((dot(newer, newer) * dot(older, older)).max(1e-9))
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
