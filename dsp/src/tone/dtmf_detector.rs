//! DTMF heard.
//!
//! ```text
//!  samples ─▶ no dial tone ─▶ looks at 8 frequencies ─▶ 6 in a row: two steady tones, on their ─▶ digit begins
//!                             every 5 ms                frequencies, louder than all the rest      │ followed in phase
//!                                                                                                   ▼ until it is gone
//!                                                                                                  digit ends
//! ```
//!
//! Steadiness is what tells a key from a voice: over 35 ms the two tones keep their size and turn evenly.

use crate::{
    lanes::Lanes,
    tone::{
        dtmf::{HIGH_GROUP, KEYPAD, LOW_GROUP},
        dtmf_look::{HOP, Look, LookKernel, RESULTS, Recent, TONES, middle, pitch},
        ear::{Alone, EarBank, Listener, Piece},
        phasor::{Fit, Phasor, RUN, nominal_advance, nominal_turns},
    },
    units::{Db, Dbm0, SampleIndex},
};

/// A digit that was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardDigit {
    /// The digit: 0 to 9, *, #, A to D.
    pub digit: char,
    /// Its first sample, counted from the detector's first.
    pub begin: SampleIndex,
    /// The sample after its last, when it is over.
    pub end: Option<SampleIndex>,
    /// Level of the low group.
    pub level: Dbm0,
    /// How much the high group is louder.
    pub twist: Db,
}

/// What is taken for a digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DtmfLimits {
    /// Least level of each tone.
    pub level: Dbm0,
    /// Most by which one group may be louder than the other.
    pub twist: Db,
    /// Largest deviation of a frequency, in parts of it.
    pub deviation: f32,
}

impl Default for DtmfLimits {
    /// ITU-T Q.24 and better: deviations of 1.5 % are taken and 3.5 % refused.
    fn default() -> Self {
        Self { level: Dbm0(-41.0), twist: Db(10.5), deviation: 0.022 }
    }
}

/// Hears digits. A digit is told some 50 ms after it began, and its end some 35 ms after it.
#[derive(Clone, Debug)]
pub struct DtmfDetector(Alone<DtmfListener>);

/// Hears the digits of lines in a bank.
pub type DtmfBank = EarBank<DtmfListener>;

/// Looks remembered.
const MEMORY: usize = 16;

/// What one line heard of digits.
#[derive(Clone, Debug)]
pub struct DtmfListener {
    limits: DtmfLimits,
    /// The mean square of the least level.
    faintest: f32,
    nominal: [[Phasor; RUN]; TONES],
    /// The last looks; the newest at `looks % MEMORY`.
    memory: [Look; MEMORY],
    /// Looks taken.
    looks: u64,
    following: Option<Following>,
}

/// A digit under way.
#[derive(Clone, Copy, Debug)]
struct Following {
    heard: HeardDigit,
    /// Its two tones.
    tones: [usize; 2],
    /// Their amplitudes at the last look, and what they turn from look to look.
    amplitudes: [Phasor; 2],
    advances: [f32; 2],
    /// The last look that it filled, and what it filled of those since.
    last_full: u64,
    since: f32,
    /// Looks in a row in which it was not there.
    absent: u32,
}

/// Looks without a digit that end it: more than an interruption of 10 ms covers, fewer than a pause of 40 ms.
const ABSENT: u32 = 4;

/// What a look of the digit's amplitude fills at least, to be called full.
const FULL: f32 = 0.8;

/// What both tones fill of a look at least, while the digit is there: two digits of one row share one of them.
const PRESENT: f32 = 0.45;

impl DtmfDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self::with_limits(DtmfLimits::default())
    }

    /// A detector with other limits.
    pub fn with_limits(limits: DtmfLimits) -> Self {
        Self(Alone::new(DtmfListener::new(limits)))
    }

    /// Takes the next samples, in 16-bit scale. `found` is called when a digit is recognised and again, with its end,
    /// when it is over.
    pub fn run(&mut self, samples: &[f32], found: impl FnMut(HeardDigit)) {
        self.0.run(samples, found);
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        *self = Self::with_limits(self.0.listener().limits);
    }

    /// The digit that is sounding.
    pub fn sounding(&self) -> Option<HeardDigit> {
        self.0.listener().sounding()
    }
}

impl Listener for DtmfListener {
    type Kernel = LookKernel;
    type Heard = HeardDigit;
    const SAMPLES: usize = HOP;

    fn fresh(&self) -> Self {
        Self::new(self.limits)
    }

    fn kernel(&self) -> (LookKernel, usize) {
        (LookKernel::new(), RESULTS)
    }

    #[inline]
    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<HeardDigit> {
        self.look(|at| piece.result(at))
    }
}

impl DtmfListener {
    /// A line that has heard nothing.
    pub fn new(limits: DtmfLimits) -> Self {
        let nominal = core::array::from_fn(|tone| nominal_turns(pitch(tone)));
        let faintest = limits.level.mean_square();
        Self { limits, faintest, nominal, memory: [Look::default(); MEMORY], looks: 0, following: None }
    }

    /// The digit that is sounding.
    pub fn sounding(&self) -> Option<HeardDigit> {
        self.following.as_ref().map(|following| following.heard)
    }

    /// Takes what the kernel wrote of a look; the digit that begins or ends with it.
    #[inline]
    pub(super) fn look(&mut self, results: impl Fn(usize) -> f32) -> Option<HeardDigit> {
        self.looks += 1;
        let look = &mut self.memory[self.looks as usize % MEMORY];
        *look = Look::new(&results);
        let Some(following) = &mut self.following else {
            if !self.is_worth_a_fit(&Recent::new(results)) {
                return None;
            }
            self.following = self.recognise();
            return self.sounding();
        };
        let ended = following.follow(look, self.looks)?;
        self.following = None;
        Some(ended)
    }

    /// The look that was `ago` looks before the newest.
    fn past(&self, ago: usize) -> &Look {
        &self.memory[(self.looks as usize + MEMORY - ago) % MEMORY]
    }

    /// Whether the loudest frequencies of the last looks are steady and loud enough, and have enough of the power, that
    /// two of them can pass any bar.
    #[inline]
    fn is_worth_a_fit(&self, recent: &Recent) -> bool {
        recent.loudest >= 2.0 * LEAST_SHARE * recent.everything
            && recent.loudest * FAINTEST <= recent.faintest * RUN as f32
            && recent.loudest >= (4 * RUN) as f32 * self.faintest
    }

    fn recognise(&self) -> Option<Following> {
        let row = self.strongest(0);
        let column = self.strongest(4);
        let fits = [self.fit(row)?, self.fit(column)?];
        self.accepts(row, column - 4, &fits).then(|| self.begin([row, column], fits))
    }

    /// The strongest of the four frequencies from `first` on.
    fn strongest(&self, first: usize) -> usize {
        let power = |tone: usize| (0..RUN).map(|ago| self.past(ago).tones[tone].power()).sum::<f32>();
        (first..first + 4).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap_or(first)
    }

    fn fit(&self, tone: usize) -> Option<Fit> {
        let looks = core::array::from_fn(|at| self.past(RUN - 1 - at).tones[tone]);
        Fit::new(&looks, &self.nominal[tone], LEAST_WEAKEST)
    }

    fn accepts(&self, row: usize, column: usize, fits: &[Fit; 2]) -> bool {
        let features = self.features(row, column, fits);
        let [low, high] = fits;
        let quietest = low.amplitude.power().min(high.amplitude.power()) / 2.0;
        quietest >= self.faintest
            && features.twist.abs() <= self.limits.twist.0
            && BARS.iter().any(|bar| bar.is_passed(&features, &self.limits))
    }

    fn features(&self, row: usize, column: usize, [low, high]: &[Fit; 2]) -> Features {
        let everything: f32 = (0..RUN).map(|ago| self.past(ago).mean_square).sum();
        let deviations = [low.offset().0 / LOW_GROUP[row].0, high.offset().0 / HIGH_GROUP[column].0];
        Features {
            share: (low.amplitude.power() + high.amplitude.power()) * (RUN as f32 / 2.0) / everything.max(1e-9),
            steadiness: low.steadiness.min(high.steadiness),
            weakest: low.weakest.min(high.weakest),
            twist: 10.0 * libm::log10f(high.amplitude.power().max(1e-9) / low.amplitude.power().max(1e-9)),
            deviation: deviations[0].abs().max(deviations[1].abs()),
        }
    }

    fn begin(&self, tones: [usize; 2], fits: [Fit; 2]) -> Following {
        let powers = fits.map(|fit| fit.amplitude.power());
        let looks = self.looks;
        let advances = [0, 1].map(|at| fits[at].advance + nominal_advance(pitch(tones[at])));
        let mut filled = 0.0;
        // From a look in the midst of the digit back to the first that it fills in part.
        let midst = RUN / 2;
        for ago in midst..MEMORY {
            let seen = tones.map(|tone| self.past(ago).tones[tone]);
            let expected = [0, 1].map(|at| fits[at].amplitude.turned(-advances[at] * ago as f32));
            let fill = fill(&seen, &expected);
            filled += fill;
            if fill < 0.1 {
                break;
            }
        }
        let begin = middle(looks - midst as u64) + HOP as i64 / 2 - (filled * HOP as f32) as i64;
        let heard = HeardDigit {
            digit: KEYPAD[tones[0]][tones[1] - 4],
            begin: SampleIndex(begin.max(0) as u64),
            end: None,
            level: Dbm0::from_mean_square(powers[0] / 2.0),
            twist: Db(10.0 * libm::log10f(powers[1] / powers[0])),
        };
        Following {
            heard,
            tones,
            amplitudes: fits.map(|fit| fit.amplitude),
            advances,
            last_full: looks,
            since: 1.0,
            absent: 0,
        }
    }
}

impl Default for DtmfListener {
    fn default() -> Self {
        Self::new(DtmfLimits::default())
    }
}

impl Default for DtmfDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// What tells a digit from everything else.
#[derive(Clone, Copy, Debug)]
struct Features {
    /// Part of the power that is in the two tones.
    share: f32,
    steadiness: f32,
    weakest: f32,
    twist: f32,
    deviation: f32,
}

/// What is asked of a digit.
#[derive(Clone, Copy, Debug)]
struct Bar {
    share: f32,
    steadiness: f32,
    weakest: f32,
    /// Most by which one group is louder.
    twist: f32,
    /// Largest deviation of the frequencies.
    deviation: f32,
}

/// One of these is passed by a digit: the less alone it is, the better its frequencies have to be.
///
/// Set on recorded digits, 25 minutes of recorded speech and music and an hour of synthetic speech, in which none is
/// heard; other voices may find a gap.
const BARS: [Bar; 5] = [
    Bar { share: 0.92, steadiness: 0.98, weakest: 0.8, twist: 100.0, deviation: 1.0 },
    Bar { share: 0.85, steadiness: 0.95, weakest: 0.4, twist: 100.0, deviation: 0.01 },
    Bar { share: 0.7, steadiness: 0.98, weakest: 0.6, twist: 100.0, deviation: 0.004 },
    // A radio beside it, as loud; a voice hits the frequencies that well by chance only, and never for long.
    Bar { share: 0.7, steadiness: 0.86, weakest: LEAST_WEAKEST, twist: 3.0, deviation: 0.0014 },
    // Clipped until half of the power is in the products of distortion.
    Bar { share: LEAST_SHARE, steadiness: 0.99, weakest: 0.7, twist: 100.0, deviation: 0.004 },
];

/// The least share of all bars, and the least of what is the weakest.
const LEAST_SHARE: f32 = 0.45;
const LEAST_WEAKEST: f32 = 0.3;

/// Power of the loudest frequencies in any of the last looks at least, relative to the mean: something less than each of
/// them needs by itself.
const FAINTEST: f32 = 0.25;

impl Bar {
    fn is_passed(&self, features: &Features, limits: &DtmfLimits) -> bool {
        features.share >= self.share
            && features.steadiness >= self.steadiness
            && features.weakest >= self.weakest
            && features.twist.abs() <= self.twist
            && features.deviation <= self.deviation.min(limits.deviation)
    }
}

impl Following {
    /// Takes the next look; the digit with its end, if it ended.
    fn follow(&mut self, look: &Look, looks: u64) -> Option<HeardDigit> {
        for (amplitude, advance) in self.amplitudes.iter_mut().zip(self.advances) {
            *amplitude = amplitude.turned(advance);
        }
        let seen = self.tones.map(|tone| look.tones[tone]);
        let fill = fill(&seen, &self.amplitudes);
        let both = part(&seen, &self.amplitudes, 0).min(part(&seen, &self.amplitudes, 1));
        if fill >= FULL && both >= PRESENT {
            self.full(&seen, looks);
        } else {
            self.since += fill;
        }
        self.absent = if both < PRESENT { self.absent + 1 } else { 0 };
        (self.absent == ABSENT).then(|| self.end())
    }

    /// The digit fills a look: amplitudes and phases are taken over in part.
    fn full(&mut self, seen: &[Phasor; 2], looks: u64) {
        for ((amplitude, advance), seen) in self.amplitudes.iter_mut().zip(&mut self.advances).zip(seen) {
            // A small angle, whose tangent is as good.
            let against = seen.against(*amplitude);
            let error = against.im / against.re / core::f32::consts::TAU;
            *amplitude = amplitude.scaled(0.7).plus(seen.scaled(0.3));
            *advance += 0.05 * error.clamp(-0.1, 0.1);
        }
        self.last_full = looks;
        self.since = 1.0;
    }

    fn end(&self) -> HeardDigit {
        let end = middle(self.last_full) - HOP as i64 / 2 + (self.since * HOP as f32) as i64;
        HeardDigit { end: Some(SampleIndex(end.max(0) as u64)), ..self.heard }
    }
}

/// What part of a look a digit fills, by the amplitudes seen and those of a full look: 0 to 1.
fn fill(seen: &[Phasor; 2], full: &[Phasor; 2]) -> f32 {
    (part(seen, full, 0) + part(seen, full, 1)) / 2.0
}

/// What part of a look one of the tones fills.
fn part(seen: &[Phasor; 2], full: &[Phasor; 2], tone: usize) -> f32 {
    (seen[tone].against(full[tone]).re / full[tone].power().max(1e-9)).clamp(0.0, 1.0)
}

#[cfg(test)]
#[path = "dtmf_tests.rs"]
mod tests;
