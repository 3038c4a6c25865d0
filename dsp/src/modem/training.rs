//! The known part of a training sequence, and finding it on the line.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    Protection, Train,
    complex::Complex,
    line::Line,
    plan::{Plan, ScramblerStart, Segment},
    sampler::Sampler,
    symbols::Symbols,
};
use crate::{
    bits::BitQueue,
    lanes::{Isa, Sums, VectorWork, Vectors, WIDTH, add_complex_products},
    scrambler::Scrambler,
};

/// Symbols that are summed as one: short enough for 20 Hz of carrier offset.
pub(super) const SECTION: usize = 32;
/// Sections that must be found at the beginning of the known part.
pub(super) const SECTIONS: usize = 3;
/// Where else a pattern that does not repeat itself is looked for, in symbols from its beginning: what hides the beginning for
/// 20 ms is over there.
const LATER: usize = 5 * SECTION;

/// A training sequence as the receiver sees it.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    /// The conditioning pattern, mean power of the plan's data one. A short one has the end of the alternation before it.
    pub(super) known: Box<[Complex]>,
    /// Symbols of alternation before the known ones.
    pub(super) before: usize,
    /// Symbols of scrambled ones after them.
    pub(super) blind: usize,
    /// What a sender that follows the Recommendation scrambles them with; others only cost a few of these symbols.
    pub(super) scrambler: Scrambler,
    /// Symbols after which the pattern begins again, but perhaps for its sign.
    pub(super) period: Option<usize>,
}

/// Period of the patterns that a seven-stage register makes.
const SEVEN_STAGES: usize = 127;

impl Reference {
    pub(super) fn new(plan: &'static Plan, train: Train) -> Self {
        let scale = 1.0 / libm::sqrtf(plan.coding.mean_power());
        let script = plan.script(train);
        let length = |wanted: fn(&Segment) -> bool| {
            script.iter().filter(|segment| wanted(segment)).map(|segment| usize::from(segment.symbols())).sum()
        };
        let alternation: usize = length(|segment| matches!(segment, Segment::Alternation { .. }));
        let silent: usize = length(|segment| matches!(segment, Segment::Silence { .. }));
        let pattern: usize = length(|segment| matches!(segment, Segment::Conditioning { .. }));
        let blind = length(|segment| matches!(segment, Segment::ScrambledOnes { .. }));
        let before = alternation - (SECTION * SECTIONS).saturating_sub(pattern).min(alternation);
        let mut symbols = Symbols::new(plan, Protection::None, train);
        let mut nothing = BitQueue::with_room(1);
        let all = core::iter::from_fn(|| symbols.next(&mut nothing));
        let sounding = all.take(silent + alternation + pattern).skip(silent + before);
        let known: Box<[_]> = sounding.map(|symbol| symbol.scale(scale)).collect();
        let again = known.get(SEVEN_STAGES..SEVEN_STAGES + SECTION);
        let first = &known[..SECTION.min(known.len())];
        let is_again =
            |again: &[Complex]| again == first || again.iter().zip(first).all(|(again, once)| *again == -*once);
        let period = again.is_some_and(is_again).then_some(SEVEN_STAGES);
        let start = script.iter().find_map(|segment| match segment {
            Segment::ScrambledOnes { scrambler, .. } => Some(*scrambler),
            _ => None,
        });
        let scrambler = symbols.scrambler_at(start.unwrap_or(ScramblerStart::Clear));
        Self { known, before, blind, scrambler, period }
    }
}

/// A training sequence found on the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Instant of the first known symbol, to a quarter of a symbol, in samples of the line.
    pub(super) anchor: f64,
    /// Carrier offset in turns per sample.
    pub(super) offset: f64,
    /// Known symbols at the beginning that something spoilt.
    pub(super) spoilt: usize,
}

/// Looks for the beginning of the known part, by correlation with it.
///
/// A correlation sees neither tones nor the alternation before the pattern, because each section's mean is taken off,
/// and what it measures is relative to the power that is there, so that neither noise nor level matter.
#[derive(Clone, Debug)]
pub(super) struct Detector {
    /// The sections at the beginning and, where they are looked for, those later on.
    beginning: Vec<Section>,
    later: Vec<Section>,
    looks_later: bool,
    /// Half symbols at odd and at even places, each stored twice.
    halves: [History; 2],
    window: usize,
    place: usize,
    instant: f64,
    half_symbol: f64,
    best: Option<Candidate>,
    isa: Isa,
}

#[derive(Clone, Debug)]
struct Section {
    re: [f32; SECTION],
    im: [f32; SECTION],
    power: f32,
    has_mean: bool,
}

#[derive(Clone, Debug)]
struct History {
    re: Box<[f32]>,
    im: Box<[f32]>,
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    found: Found,
    likeness: f32,
    /// Half symbols since.
    age: usize,
}

/// Share of the power there is that must be the pattern.
const LIKENESS: f32 = 0.33;
/// The same for each section by itself, so that the alternation before a short pattern is not taken for all of it.
const SECTION_LIKENESS: f32 = 0.2;
/// Share of a section's power that is left without its mean, below which the mean of what is heard is taken off too.
const WITHOUT_MEAN: f32 = 0.75;
/// Share that must be left of what is heard, or it is a tone.
const LEFT: f32 = 0.2;
/// Mean square of the baseband below which nothing is looked for: about -57 dBm0.
const QUIET: f32 = 400.0;
/// Half symbols that a better place is waited for.
const PATIENCE: usize = 6;

impl Detector {
    pub(super) fn new(reference: &Reference, half_symbol: f64, isa: Isa) -> Self {
        let empty = || Section { re: [0.0; SECTION], im: [0.0; SECTION], power: 1.0, has_mean: false };
        let sections = || core::iter::repeat_with(empty).take(SECTIONS).collect();
        let window = SECTION * SECTIONS;
        let mut detector = Self {
            beginning: sections(),
            later: sections(),
            looks_later: false,
            halves: [History::new(window), History::new(window)],
            window,
            place: 0,
            instant: 0.0,
            half_symbol,
            best: None,
            isa,
        };
        detector.expect(reference);
        detector
    }

    /// Looks for this training sequence from now on.
    pub(super) fn expect(&mut self, reference: &Reference) {
        set(&mut self.beginning, &reference.known);
        self.looks_later = reference.period.is_none() && reference.known.len() > 2 * LATER;
        if self.looks_later {
            set(&mut self.later, &reference.known[LATER..]);
        }
    }

    /// Begins to look at this instant.
    pub(super) fn restart(&mut self, instant: f64) {
        self.halves.iter_mut().for_each(History::clear);
        self.place = 0;
        self.instant = instant;
        self.best = None;
    }

    /// Looks through what was heard since the last call.
    pub(super) fn search(&mut self, line: &Line, sampler: &Sampler) -> Option<Found> {
        self.isa.run_in_vectors(Search { detector: self, line, sampler })
    }

    #[inline(always)]
    fn search_in<V: Vectors>(&mut self, line: &Line, sampler: &Sampler) -> Option<Found> {
        while self.instant + sampler.reach() < line.heard() as f64 {
            let history = &mut self.halves[self.place & 1];
            history.push(sampler.at_in::<V>(line, self.instant, 0.0));
            self.consider::<V>();
            self.place += 1;
            self.instant += self.half_symbol;
            if let Some(best) = self.best
                && best.age >= PATIENCE
            {
                self.best = None;
                return Some(best.found);
            }
        }
        None
    }

    /// Takes the line until an instant for silence.
    pub(super) fn pass_over(&mut self, until: f64) {
        while self.instant < until {
            self.halves[self.place & 1].push(Complex::ZERO);
            self.place += 1;
            self.instant += self.half_symbol;
        }
        self.best = None;
    }

    #[inline(always)]
    fn consider<V: Vectors>(&mut self) {
        if let Some(best) = &mut self.best {
            best.age += 1;
        }
        self.best = self.likelier::<V>(&self.beginning, 0).or(self.best);
        if self.looks_later {
            self.best = self.likelier::<V>(&self.later, LATER).or(self.best);
        }
    }

    #[inline(always)]
    fn likelier<V: Vectors>(&self, sections: &[Section], spoilt: usize) -> Option<Candidate> {
        let (likeness, offset) = self.likeness::<V>(sections)?;
        let anchor = self.instant - (self.window - 1 + spoilt) as f64 * 2.0 * self.half_symbol;
        let is_better = self.best.is_none_or(|best| best.likeness < likeness);
        is_better.then_some(Candidate { found: Found { anchor, offset, spoilt }, likeness, age: 0 })
    }

    /// How much of the power in the window is the pattern, and the carrier offset in turns per sample.
    #[inline(always)]
    fn likeness<V: Vectors>(&self, sections: &[Section]) -> Option<(f32, f64)> {
        let history = &self.halves[self.place & 1];
        let mut sums = [Complex::ZERO; SECTIONS];
        let (mut matched, mut there) = (0.0, 0.0);
        for (index, section) in sections.iter().enumerate().rev() {
            let (re, im) = history.section(index);
            let (power, sum) = section.compare::<V>(re, im);
            if power < QUIET * SECTION as f32 {
                return None;
            }
            sums[index] = sum;
            let matching = sums[index].power() / section.power;
            // A pattern with a mean has much of its power in it.
            let (whole, mean) = (power, if section.has_mean { power_of_mean(re, im) } else { 0.0 });
            let power = whole - mean;
            if power < LEFT * whole || matching < SECTION_LIKENESS * power {
                return None;
            }
            matched += matching;
            there += power;
        }
        let turn = (1..SECTIONS).fold(Complex::ZERO, |sum, index| sum + sums[index] * sums[index - 1].conj());
        let span = SECTION as f64 * 2.0 * self.half_symbol;
        let offset = f64::from(turn.angle()) / (2.0 * core::f64::consts::PI * span);
        (matched > LIKENESS * there).then_some((matched / there, offset))
    }
}

/// As many sections as there are, of symbols from the first on.
fn set(sections: &mut [Section], symbols: &[Complex]) {
    sections.iter_mut().zip(symbols.chunks_exact(SECTION)).for_each(|(section, symbols)| section.set(symbols));
}

impl Section {
    /// The conjugate of the symbols without their mean.
    fn set(&mut self, symbols: &[Complex]) {
        let mean = symbols.iter().fold(Complex::ZERO, |sum, symbol| sum + *symbol).scale(1.0 / symbols.len() as f32);
        self.power = 0.0;
        for (place, symbol) in symbols.iter().enumerate() {
            let around = (*symbol - mean).conj();
            self.re[place] = around.re;
            self.im[place] = around.im;
            self.power += around.power();
        }
        self.has_mean = self.power < WITHOUT_MEAN * symbols.iter().map(|symbol| symbol.power()).sum::<f32>();
    }

    /// The power of what was heard and its correlation with the symbols.
    #[inline(always)]
    fn compare<V: Vectors>(&self, re: &[f32; SECTION], im: &[f32; SECTION]) -> (f32, Complex) {
        let (re, im) = (re.as_chunks::<WIDTH>().0, im.as_chunks::<WIDTH>().0);
        let (own_re, own_im) = (self.re.as_chunks::<WIDTH>().0, self.im.as_chunks::<WIDTH>().0);
        let (mut with_own, mut of_re, mut of_im) = ([V::Sums::zero(); 2], V::Sums::zero(), V::Sums::zero());
        for vector in 0..SECTION / WIDTH {
            let (re, im) = (V::Sums::load(&re[vector]), V::Sums::load(&im[vector]));
            let own = [V::Sums::load(&own_re[vector]), V::Sums::load(&own_im[vector])];
            add_complex_products(&mut with_own, [re, im], own);
            of_re = of_re.plus(re.times(re));
            of_im = of_im.plus(im.times(im));
        }
        let [sum_re, sum_im, of_re, of_im] = V::Sums::totals([with_own[0], with_own[1], of_re, of_im]);
        (of_re + of_im, Complex::new(sum_re, sum_im))
    }
}

/// What [`Detector::search`] does.
struct Search<'a> {
    detector: &'a mut Detector,
    line: &'a Line,
    sampler: &'a Sampler,
}

impl VectorWork for Search<'_> {
    type Output = Option<Found>;

    #[inline(always)]
    fn run<V: Vectors>(self) -> Option<Found> {
        self.detector.search_in::<V>(self.line, self.sampler)
    }
}

impl History {
    fn new(window: usize) -> Self {
        Self { re: vec![0.0; 2 * window].into(), im: vec![0.0; 2 * window].into(), next: 0 }
    }

    #[inline(always)]
    fn push(&mut self, half_symbol: Complex) {
        let window = self.re.len() / 2;
        for place in [self.next, self.next + window] {
            self.re[place] = half_symbol.re;
            self.im[place] = half_symbol.im;
        }
        self.next = if self.next + 1 == window { 0 } else { self.next + 1 };
    }

    #[inline(always)]
    fn section(&self, index: usize) -> (&[f32; SECTION], &[f32; SECTION]) {
        let first = self.next + index * SECTION;
        (section(&self.re, first), section(&self.im, first))
    }

    fn clear(&mut self) {
        self.re.fill(0.0);
        self.im.fill(0.0);
        self.next = 0;
    }
}

/// Power that a section's mean has in it: nothing is looked for in it.
fn power_of_mean(re: &[f32; SECTION], im: &[f32; SECTION]) -> f32 {
    let mean = Complex::new(re.iter().sum(), im.iter().sum());
    mean.power() / SECTION as f32
}

#[inline(always)]
fn section(row: &[f32], first: usize) -> &[f32; SECTION] {
    row[first..].first_chunk().expect("the row is stored twice")
}
