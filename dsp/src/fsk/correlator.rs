//! How much of mark and space there is in the last bit time.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    filter::history::History,
    fsk::FskSpec,
    lanes::{Isa, Work},
    osc::{cosine, sine},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// Window positions between two samples. An eighth of a sample is 1 % of a bit at 1200 bit/s.
const POSITIONS: usize = 8;

/// Taps of one sample: cosine and sine of mark, cosine and sine of space.
type Quad = [f32; 4];

/// What one bit time of signal holds, as mean squares in squared 16-bit sample units.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// Power of the tone at the mark frequency.
    pub(super) mark: f32,
    /// Power of the tone at the space frequency.
    pub(super) space: f32,
    /// Power of everything.
    pub(super) total: f32,
}

/// Correlators with both tones over a window of exactly one bit, which may begin and end between samples.
#[derive(Clone, Debug)]
pub(super) struct Correlator {
    /// Taps for each position of the window's end in its last sample; oldest sample first.
    taps: Box<[Box<[Quad]>]>,
    /// Turns squared correlations into mean squares of tones.
    scale: f32,
    history: History,
    isa: Isa,
}

impl Correlator {
    pub(super) fn new(spec: &FskSpec) -> Self {
        let bit = SAMPLE_RATE.0 / spec.rate.0;
        let taps: Box<[Box<[Quad]>]> =
            (0..POSITIONS).map(|position| taps(spec, bit, (position as f32 + 0.5) / POSITIONS as f32)).collect();
        let history = History::new(taps[0].len());
        Self { taps, scale: 2.0 / (bit * bit), history, isa: Isa::detect() }
    }

    pub(super) fn push(&mut self, sample: f32) {
        self.history.push(sample);
    }

    pub(super) fn clear(&mut self) {
        self.history.clear();
    }

    /// The content of the bit time that ends `end` of a sample (0 to 1) into the newest sample.
    pub(super) fn content(&self, end: f32) -> Content {
        let position = ((end * POSITIONS as f32) as usize).min(POSITIONS - 1);
        let samples = self.history.samples();
        let (sums, energy) = self.isa.run(Correlate { samples, taps: &self.taps[position] });
        Content {
            mark: (sums[0] * sums[0] + sums[1] * sums[1]) * self.scale,
            space: (sums[2] * sums[2] + sums[3] * sums[3]) * self.scale,
            total: energy / samples.len() as f32,
        }
    }
}

/// Taps for a window of `bit` samples that ends `end` into the newest sample, padded to whole groups of four samples.
///
/// A sample stands for the time from its own instant to the next; one that the window covers in part counts in part.
fn taps(spec: &FskSpec, bit: f32, end: f32) -> Box<[Quad]> {
    let len = (libm::ceilf(bit) as usize + 1).next_multiple_of(4);
    let quad = |tap: usize| {
        let begins = tap as f32 - (len - 1) as f32;
        let covered = (end.min(begins + 1.0) - begins.max(end - bit)).max(0.0);
        let (mark_re, mark_im) = turn(spec.mark, begins);
        let (space_re, space_im) = turn(spec.space, begins);
        [covered * mark_re, covered * mark_im, covered * space_re, covered * space_im]
    };
    (0..len).map(quad).collect::<Vec<_>>().into_boxed_slice()
}

/// Cosine and sine of a frequency at a time in samples.
fn turn(frequency: Hz, at: f32) -> (f32, f32) {
    let turns = f64::from(frequency.0) / f64::from(SAMPLE_RATE.0) * f64::from(at);
    let phase = libm::rint((turns - libm::floor(turns)) * 4_294_967_296.0) as u64 as u32;
    (cosine(phase), sine(phase))
}

/// The four correlations side by side and the energy of the samples, in four partial sums over every fourth sample.
///
/// A window is summed along itself, sixteen products at once, and not across lines: each line's clock asks for a window
/// of its own.
struct Correlate<'a> {
    samples: &'a [f32],
    taps: &'a [Quad],
}

impl Work for Correlate<'_> {
    type Output = (Quad, f32);

    #[inline(always)]
    fn run(self) -> (Quad, f32) {
        let mut partial = [0.0; 16];
        let mut energy = [0.0; 4];
        let (samples, taps) = (self.samples.as_chunks::<4>().0, self.taps.as_flattened().as_chunks::<16>().0);
        for (samples, taps) in samples.iter().zip(taps) {
            for place in 0..16 {
                partial[place] += samples[place / 4] * taps[place];
            }
            for row in 0..4 {
                energy[row] += samples[row] * samples[row];
            }
        }
        let sums = core::array::from_fn(|i| (partial[i] + partial[i + 4]) + (partial[i + 8] + partial[i + 12]));
        (sums, (energy[0] + energy[1]) + (energy[2] + energy[3]))
    }
}
