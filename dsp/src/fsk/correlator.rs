//! How much of mark and space there is in the last bit time.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    fsk::{FskSpec, recent::Recent},
    lanes::{Isa, Lanes, Row, Vectors},
    osc::{cosine, sine},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// Window positions between two samples. An eighth of a sample is 1 % of a bit at 1200 bit/s.
const POSITIONS: usize = 8;

/// Longest time by which one tone may arrive after the other, as a part of a bit. Wires and filters delay tones that far
/// apart only in channels as wide as those of 1200 bit/s.
const MOST_SKEW: f32 = 0.75;
/// Least distance of mark and space in hertz at which they are delayed differently.
const WIDE: f32 = 500.0;

/// Cosine and sine of one sample.
type Pair = [f32; 2];

/// Samples that are taken at once, and their taps.
type Samples = [f32; 4];
type Taps = [f32; 8];

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

/// Correlators with both tones over windows of exactly one bit, which may begin and end between samples.
#[derive(Clone, Debug)]
pub(super) struct Correlator {
    mark: Tone,
    space: Tone,
    /// Turns squared correlations into mean squares of tones.
    scale: f32,
    /// The most that one window may end after the other, in samples.
    most_skew: f32,
    recent: Recent,
    isa: Isa,
}

/// The taps of a tone for each position of the window's end in its last sample, one position's after another's; oldest
/// sample first.
#[derive(Clone, Debug)]
struct Tone {
    taps: Box<[Taps]>,
    /// Taps of one position.
    count: usize,
}

/// A window: the samples that it touches and the taps for them.
type Window<'a> = (&'a [Samples], &'a [Taps]);

impl Correlator {
    pub(super) fn new(spec: &FskSpec) -> Self {
        let bit = SAMPLE_RATE.0 / spec.rate.0;
        let is_wide = (spec.mark.0 - spec.space.0).abs() >= WIDE;
        let most_skew = if is_wide { MOST_SKEW * bit } else { 0.0 };
        let (mark, space) = (Tone::new(spec.mark, bit), Tone::new(spec.space, bit));
        let recent = Recent::new(mark.samples() + libm::ceilf(most_skew) as usize);
        Self { mark, space, scale: 2.0 / (bit * bit), most_skew, recent, isa: Isa::detect() }
    }

    /// Stores samples, at most [`AHEAD`](super::recent::AHEAD), to be heard.
    #[inline(always)]
    pub(super) fn store(&mut self, samples: &[f32]) {
        self.recent.store(samples);
    }

    /// Hears so many of the samples stored.
    #[inline(always)]
    pub(super) fn hear(&mut self, count: usize) {
        self.recent.hear(count);
    }

    /// The instruction set it runs by.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    pub(super) fn clear(&mut self) {
        self.recent.clear();
    }

    /// The most that mark may be taken to arrive after space or before it, in samples.
    pub(super) fn most_skew(&self) -> f32 {
        self.most_skew
    }

    /// How far the middle between the two windows' ends lies behind what [`Correlator::content`] is asked for, in samples.
    pub(super) fn delay(&self) -> f32 {
        self.most_skew / 2.0
    }

    /// The windows of the bit time that ends `end` of a sample (0 to 1) into the newest sample less [`Correlator::delay`],
    /// where mark arrives `skew` samples after space.
    #[inline(always)]
    pub(super) fn windows(&self, end: f32, skew: f32) -> Correlate<'_> {
        let (middle, samples) = (end - self.delay(), self.recent.samples());
        let mark = self.mark.window(samples, middle + skew / 2.0);
        let space = self.space.window(samples, middle - skew / 2.0);
        Correlate { mark, space, scale: self.scale }
    }
}

impl Tone {
    fn new(tone: Hz, bit: f32) -> Self {
        let ends = (0..POSITIONS).map(|position| (position as f32 + 0.5) / POSITIONS as f32);
        let taps: Box<[Taps]> = ends.flat_map(|end| taps(tone, bit, end)).collect();
        let count = taps.len() / POSITIONS;
        Self { taps, count }
    }

    /// Samples of a window.
    fn samples(&self) -> usize {
        4 * self.count
    }

    /// The window that ends at a time in samples after the beginning of the newest one.
    #[inline(always)]
    fn window<'a>(&'a self, samples: &'a [f32], end: f32) -> Window<'a> {
        let beyond = samples.len() - self.samples();
        // Not negative: the samples are more than the window by all that one may end earlier.
        let places = ((end + beyond as f32).max(0.0) * POSITIONS as f32) as i32 as usize;
        let (first, position) = (places / POSITIONS, places % POSITIONS);
        let (first, position) = if first > beyond { (beyond, POSITIONS - 1) } else { (first, position) };
        let taps = &self.taps[position * self.count..][..self.count];
        (samples[first..][..self.samples()].as_chunks().0, taps)
    }
}

/// Taps for a window of `bit` samples that ends `end` into the newest sample, padded to whole groups of four samples.
///
/// A sample stands for the time from its own instant to the next; one that the window covers in part counts in part.
fn taps(tone: Hz, bit: f32, end: f32) -> Vec<Taps> {
    let len = (libm::ceilf(bit) as usize + 1).next_multiple_of(4);
    let pair = |tap: usize| {
        let begins = tap as f32 - (len - 1) as f32;
        let covered = (end.min(begins + 1.0) - begins.max(end - bit)).max(0.0);
        let (re, im) = turn(tone, begins);
        [covered * re, covered * im]
    };
    let pairs: Vec<Pair> = (0..len).map(pair).collect();
    pairs.as_flattened().as_chunks().0.to_vec()
}

/// Cosine and sine of a frequency at a time in samples.
fn turn(frequency: Hz, at: f32) -> (f32, f32) {
    let turns = f64::from(frequency.0) / f64::from(SAMPLE_RATE.0) * f64::from(at);
    let phase = libm::rint((turns - libm::floor(turns)) * 4_294_967_296.0) as u64 as u32;
    (cosine(phase), sine(phase))
}

/// The correlations of both tones and the energy of the samples, in four partial sums over every fourth sample.
///
/// A window is summed along itself, sixteen products at once, and not across lines: each line's clock asks for a window
/// of its own. Of the lines of a bank the windows follow one upon another, and none waits for what comes of the last.
pub(super) struct Correlate<'a> {
    mark: Window<'a>,
    space: Window<'a>,
    scale: f32,
}

impl Correlate<'_> {
    /// What is in the windows.
    #[inline(always)]
    pub(super) fn content<V: Vectors>(&self) -> Content {
        /// Taps of a window of 1200 bit/s.
        const SHORT: usize = 2;
        // A length that the compiler knows needs no loop.
        if self.mark.1.len() == SHORT { self.content_of::<V>(SHORT) } else { self.content_of::<V>(self.mark.1.len()) }
    }

    #[inline(always)]
    fn content_of<V: Vectors>(&self, count: usize) -> Content {
        let zero = V::Row::splat(0.0);
        let (mut of_mark, mut of_space, mut energy) = (zero, zero, zero);
        let (samples, taps) = (&self.mark.0[..count], &self.mark.1[..count]);
        let (later, later_taps) = (&self.space.0[..count], &self.space.1[..count]);
        for at in 0..count {
            let heard = V::Row::twice(&samples[at]);
            of_mark = of_mark + heard * V::Row::load(&taps[at]);
            of_space = of_space + V::Row::twice(&later[at]) * V::Row::load(&later_taps[at]);
            energy = energy + heard * heard;
        }
        let [[mark_re, mark_im], [space_re, space_im], [energy, _]] = [of_mark, of_space, energy].map(halved);
        Content {
            mark: (mark_re * mark_re + mark_im * mark_im) * self.scale,
            space: (space_re * space_re + space_im * space_im) * self.scale,
            total: energy / (4 * count) as f32,
        }
    }
}

/// The sums of every other value, in halves: `v(i) + v(i+2)`, then `+4`.
#[inline(always)]
fn halved<V: Row>(partial: V) -> Pair {
    let two = partial + partial.permuted(&[2, 3, 0, 1, 6, 7, 4, 5]);
    let [even, odd, ..] = (two + two.permuted(&[4, 5, 6, 7, 0, 1, 2, 3])).values();
    [even, odd]
}
