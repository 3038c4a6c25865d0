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

/// Longest time by which one tone may arrive after the other, as a part of a bit. Wires and filters delay tones that far
/// apart only in channels as wide as those of 1200 bit/s.
const MOST_SKEW: f32 = 0.75;
/// Least distance of mark and space in hertz at which they are delayed differently.
const WIDE: f32 = 500.0;

/// Taps of one sample: cosine and sine.
type Pair = [f32; 2];

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
    history: History,
    isa: Isa,
}

/// The taps of a tone for each position of the window's end in its last sample; oldest sample first.
#[derive(Clone, Debug)]
struct Tone {
    taps: Box<[Box<[Pair]>]>,
}

/// A window: the samples that it touches and the taps for them.
type Window<'a> = (&'a [f32], &'a [Pair]);

impl Correlator {
    pub(super) fn new(spec: &FskSpec) -> Self {
        let bit = SAMPLE_RATE.0 / spec.rate.0;
        let is_wide = (spec.mark.0 - spec.space.0).abs() >= WIDE;
        let most_skew = if is_wide { MOST_SKEW * bit } else { 0.0 };
        let (mark, space) = (Tone::new(spec.mark, bit), Tone::new(spec.space, bit));
        let history = History::new(mark.taps[0].len() + libm::ceilf(most_skew) as usize);
        Self { mark, space, scale: 2.0 / (bit * bit), most_skew, history, isa: Isa::detect() }
    }

    pub(super) fn push(&mut self, sample: f32) {
        self.history.push(sample);
    }

    pub(super) fn clear(&mut self) {
        self.history.clear();
    }

    /// The most that mark may be taken to arrive after space or before it, in samples.
    pub(super) fn most_skew(&self) -> f32 {
        self.most_skew
    }

    /// How far the middle between the two windows' ends lies behind what [`Correlator::content`] is asked for, in samples.
    pub(super) fn delay(&self) -> f32 {
        self.most_skew / 2.0
    }

    /// The content of the bit time that ends `end` of a sample (0 to 1) into the newest sample less [`Correlator::delay`],
    /// where mark arrives `skew` samples after space.
    pub(super) fn content(&self, end: f32, skew: f32) -> Content {
        self.isa.run(self.windows(end, skew))
    }

    /// What [`Correlator::content`] does, for work that does it together with other things.
    #[inline(always)]
    pub(super) fn windows(&self, end: f32, skew: f32) -> Correlate<'_> {
        let middle = end - self.delay();
        let mark = self.mark.window(&self.history, middle + skew / 2.0);
        let space = self.space.window(&self.history, middle - skew / 2.0);
        Correlate { mark, space, scale: self.scale }
    }
}

impl Tone {
    fn new(tone: Hz, bit: f32) -> Self {
        let ends = (0..POSITIONS).map(|position| (position as f32 + 0.5) / POSITIONS as f32);
        Self { taps: ends.map(|end| taps(tone, bit, end)).collect() }
    }

    /// The window that ends at a time in samples after the beginning of the newest one.
    #[inline(always)]
    fn window<'a>(&'a self, history: &'a History, end: f32) -> Window<'a> {
        let samples = history.samples();
        let beyond = samples.len() - self.taps[0].len();
        // Not negative: the history is longer than the window by all that one may end earlier.
        let places = ((end + beyond as f32).max(0.0) * POSITIONS as f32) as i32 as usize;
        let (first, position) = (places / POSITIONS, places % POSITIONS);
        let (first, position) = if first > beyond { (beyond, POSITIONS - 1) } else { (first, position) };
        let taps = &self.taps[position];
        (&samples[first..first + taps.len()], taps)
    }
}

/// Taps for a window of `bit` samples that ends `end` into the newest sample, padded to whole groups of four samples.
///
/// A sample stands for the time from its own instant to the next; one that the window covers in part counts in part.
fn taps(tone: Hz, bit: f32, end: f32) -> Box<[Pair]> {
    let len = (libm::ceilf(bit) as usize + 1).next_multiple_of(4);
    let pair = |tap: usize| {
        let begins = tap as f32 - (len - 1) as f32;
        let covered = (end.min(begins + 1.0) - begins.max(end - bit)).max(0.0);
        let (re, im) = turn(tone, begins);
        [covered * re, covered * im]
    };
    (0..len).map(pair).collect::<Vec<_>>().into_boxed_slice()
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

impl Work for Correlate<'_> {
    type Output = Content;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (mut of_mark, mut of_space) = ([0.0; 8], [0.0; 8]);
        let mut energy = [0.0; 4];
        let (samples, taps) = (self.mark.0.as_chunks::<4>().0, self.mark.1.as_flattened().as_chunks::<8>().0);
        let (later, later_taps) = (self.space.0.as_chunks::<4>().0, self.space.1.as_flattened().as_chunks::<8>().0);
        for (((samples, taps), later), later_taps) in samples.iter().zip(taps).zip(later).zip(later_taps) {
            for place in 0..8 {
                of_mark[place] += samples[place / 2] * taps[place];
                of_space[place] += later[place / 2] * later_taps[place];
            }
            for row in 0..4 {
                energy[row] += samples[row] * samples[row];
            }
        }
        let ([mark_re, mark_im], [space_re, space_im]) = (halved(&of_mark), halved(&of_space));
        let energy = (energy[0] + energy[1]) + (energy[2] + energy[3]);
        Content {
            mark: (mark_re * mark_re + mark_im * mark_im) * self.scale,
            space: (space_re * space_re + space_im * space_im) * self.scale,
            total: energy / self.mark.0.len() as f32,
        }
    }
}

#[inline(always)]
fn halved(partial: &[f32; 8]) -> Pair {
    let [a, b, c, d, e, f, g, h] = *partial;
    [(a + c) + (e + g), (b + d) + (f + h)]
}
