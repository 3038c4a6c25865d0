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

use alloc::{boxed::Box, vec::Vec};

use crate::{
    lanes::{Bank, Eight, Isa, Kernel, LANES},
    pcm::BLOCK_SAMPLES,
    tone::{
        dtmf::{HIGH_GROUP, KEYPAD, LOW_GROUP},
        dtmf_look::{HOP, Look, LookKernel, LookState, OneHop, RESULTS, middle, pitch},
        phasor::{Fit, Phasor, RUN, nominal_advance},
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
pub struct DtmfDetector {
    kernel: LookKernel,
    state: LookState<f32>,
    hop: [f32; HOP],
    filled: usize,
    isa: Isa,
    judge: Judge,
}

/// Looks remembered.
const MEMORY: usize = 16;

/// Tells digits from looks.
#[derive(Clone, Debug)]
struct Judge {
    limits: DtmfLimits,
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
        let kernel = LookKernel::new();
        let state = kernel.state();
        Self { kernel, state, hop: [0.0; HOP], filled: 0, isa: Isa::detect(), judge: Judge::new(limits) }
    }

    /// Takes the next samples, in 16-bit scale. `found` is called when a digit is recognised and again, with its end,
    /// when it is over.
    pub fn run(&mut self, samples: &[f32], mut found: impl FnMut(HeardDigit)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(HOP - self.filled));
            self.hop[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            rest = later;
            if self.filled == HOP {
                self.filled = 0;
                let hop = OneHop { kernel: &self.kernel, state: &mut self.state, samples: &self.hop };
                let results = self.isa.run(hop);
                if let Some(heard) = self.judge.look(Look::new(|at| results[at])) {
                    found(heard);
                }
            }
        }
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        self.state = self.kernel.state();
        self.filled = 0;
        self.judge = Judge::new(self.judge.limits);
    }

    /// The digit that is sounding.
    pub fn sounding(&self) -> Option<HeardDigit> {
        self.judge.sounding()
    }
}

/// Hears the digits of many lines, in groups of [`LANES`]: each line as [`DtmfDetector`] hears it, bit for bit.
pub struct DtmfBank {
    bank: Bank<LookKernel>,
    judges: Vec<[Judge; LANES]>,
    results: Box<[Eight]>,
}

impl DtmfBank {
    /// `groups` groups of lines that have heard nothing.
    pub fn new(groups: usize, isa: Isa) -> Self {
        let judge = Judge::new(DtmfLimits::default());
        Self {
            bank: Bank::new(LookKernel::new(), groups, isa),
            judges: (0..groups).map(|_| core::array::from_fn(|_| judge.clone())).collect(),
            results: (0..BLOCK_SAMPLES / HOP * RESULTS).map(|_| Eight::default()).collect(),
        }
    }

    /// Takes a block of the lines of a group; lines whose bit in `present` is not set keep what they remember. `found` is
    /// called with the lane and what [`DtmfDetector::run`] tells.
    pub fn run(
        &mut self,
        group: usize,
        present: u8,
        block: &[Eight; BLOCK_SAMPLES],
        mut found: impl FnMut(usize, HeardDigit),
    ) {
        self.bank.run(group, present, block, &mut self.results);
        for results in self.results.chunks_exact(RESULTS) {
            for (lane, judge) in self.judges[group].iter_mut().enumerate() {
                if present >> lane & 1 == 1
                    && let Some(heard) = judge.look(Look::new(|at| results[at].0[lane]))
                {
                    found(lane, heard);
                }
            }
        }
    }

    /// Lets a line of a group begin anew.
    pub fn restart(&mut self, group: usize, lane: usize) {
        self.bank.insert(group, lane, &LookKernel::new().state());
        self.judges[group][lane] = Judge::new(self.judges[group][lane].limits);
    }
}

impl Judge {
    fn new(limits: DtmfLimits) -> Self {
        Self { limits, memory: [Look::default(); MEMORY], looks: 0, following: None }
    }

    fn sounding(&self) -> Option<HeardDigit> {
        self.following.as_ref().map(|following| following.heard)
    }

    fn look(&mut self, look: Look) -> Option<HeardDigit> {
        self.looks += 1;
        self.memory[self.looks as usize % MEMORY] = look;
        let Some(following) = &mut self.following else {
            self.following = self.is_worth_a_fit().then(|| self.recognise()).flatten();
            return self.sounding();
        };
        let ended = following.follow(&look, self.looks)?;
        self.following = None;
        Some(ended)
    }

    /// The look that was `ago` looks before the newest.
    fn past(&self, ago: usize) -> &Look {
        &self.memory[(self.looks as usize + MEMORY - ago) % MEMORY]
    }

    /// Whether the loudest frequencies of the last looks are loud enough, and have enough of the power, that two of them
    /// can pass any bar.
    fn is_worth_a_fit(&self) -> bool {
        let (loudest, everything) = (0..RUN)
            .map(|ago| self.past(ago))
            .fold((0.0, 0.0), |(loudest, everything), look| (loudest + look.loudest, everything + look.mean_square));
        loudest >= 2.0 * LEAST_SHARE * everything && loudest >= (4 * RUN) as f32 * self.limits.level.mean_square()
    }

    fn recognise(&self) -> Option<Following> {
        let row = self.strongest(0);
        let column = self.strongest(4);
        let fits = [row, column].map(|tone| self.fit(tone));
        self.accepts(row, column - 4, &fits).then(|| self.begin([row, column], fits))
    }

    /// The strongest of the four frequencies from `first` on.
    fn strongest(&self, first: usize) -> usize {
        let power = |tone: usize| (0..RUN).map(|ago| self.past(ago).tones[tone].power()).sum::<f32>();
        (first..first + 4).max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap_or(first)
    }

    fn fit(&self, tone: usize) -> Fit {
        Fit::new(&core::array::from_fn(|at| self.past(RUN - 1 - at).tones[tone]), nominal_advance(pitch(tone)))
    }

    fn accepts(&self, row: usize, column: usize, fits: &[Fit; 2]) -> bool {
        let features = self.features(row, column, fits);
        let [low, high] = fits;
        let quietest = low.amplitude.power().min(high.amplitude.power()) / 2.0;
        quietest >= self.limits.level.mean_square()
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
    Bar { share: 0.7, steadiness: 0.86, weakest: 0.3, twist: 3.0, deviation: 0.0014 },
    // Clipped until half of the power is in the products of distortion.
    Bar { share: LEAST_SHARE, steadiness: 0.99, weakest: 0.7, twist: 100.0, deviation: 0.004 },
];

/// The least share of all bars.
const LEAST_SHARE: f32 = 0.45;

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
            let error = seen.against(*amplitude).turns();
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
