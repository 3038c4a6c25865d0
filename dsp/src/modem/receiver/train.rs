//! From a training sequence that was found to a receiver that runs.
//!
//! A long one is solved for the equaliser and gone through once more from its first known symbol. A short one is too
//! short for that: the equaliser of the signal before is tried at a few instants, and level and phase are taken from the
//! best of them.

use super::{Receiver, State, sample_index};
use crate::{
    bits::{BitRun, Mark},
    modem::{
        Train,
        complex::Complex,
        equalizer::{AHEAD, MIDDLE, TAPS},
        solver::{self, SOLVED, Solution},
        training::{Found, SECTION, SECTIONS},
    },
    pcm::SAMPLE_RATE,
    units::SampleIndex,
};

/// Error power, relative to the symbols, above which training has failed.
const FAILED: f32 = 0.5;
/// Error power of half of the known symbols, relative to that of all, when what happened is in the other half.
const SPARED: f32 = 0.4;
/// Error power, relative to the symbols, of a quarter of the known symbols that something hides.
const HIDDEN: f32 = 0.05;
/// Known symbols that must be left for the loops when the equaliser is solved for later ones.
const REST: usize = 2 * SECTION;
/// One section of so many must be there where the pattern goes on.
const GOING_ON: usize = 4;
/// Samples that a search for the beginning of the pattern goes back at most.
const REVISITED: f64 = 5000.0;
/// Instants tried within half a symbol, in looking for the place of a short training sequence.
const SHORT_STEPS: i32 = 8;

impl Receiver {
    /// Samples beyond the anchor that must have been heard to train.
    pub(super) fn needs(&self, spoilt: usize) -> f64 {
        self.needed(spoilt) as f64 * self.symbol + AHEAD as f64 * self.symbol / 2.0 + self.sampler.reach()
    }

    fn needed(&self, spoilt: usize) -> usize {
        match self.train {
            Train::Long => self.long.known.len().min(spoilt + SOLVED),
            Train::Short => self.short.known.len() + SECTION,
        }
    }

    pub(super) fn train(&mut self, found: Found, out: &mut BitRun) {
        if self.train == Train::Short && self.is_long(found) {
            let more = self.short.before as f64 - self.long.before as f64;
            self.train = Train::Long;
            self.state = State::Collecting(Found { anchor: found.anchor - more * self.symbol, ..found });
            return;
        }
        if self.train == Train::Long && !self.goes_on(found) {
            self.detector.restart(found.anchor + SECTION as f64 * self.symbol);
            self.state = State::Hunting;
            return;
        }
        let solved = match self.train {
            Train::Long => self.learn_line(found),
            Train::Short => Some(self.find_again(found)),
        };
        let Some(solved) = solved else {
            self.state = State::Collecting(Found { spoilt: found.spoilt + SOLVED, ..found });
            return;
        };
        let beginning = found.anchor - self.reference().before as f64 * self.symbol;
        out.mark(sample_index(beginning), Mark::CarrierUp);
        self.follow(self.line.heard() as f64, out);
        if self.error_power < FAILED || solved && self.lock.is_lost() {
            self.learn_levels(found);
            if !solved {
                self.lock.restart(self.error_power * self.predictor.left());
            }
            self.state = State::Running;
        } else {
            out.mark(SampleIndex(self.line.heard()), Mark::TrainingFailed);
            self.hunt();
        }
    }

    /// Goes back over periods of the pattern that were missed: whether one was shows in the symbols before the found one.
    pub(super) fn at_first_period(&self, found: Found) -> Found {
        let Some(period) = self.reference().period else { return found };
        let mut found = found;
        // A loss of 20 ms hides one of two sections at most.
        let missed = |found: Found| {
            [SECTION, 3 * SECTION].iter().any(|before| {
                let there = Found { anchor: found.anchor - *before as f64 * self.symbol, ..found };
                self.is_pattern(there, &self.reference().known[period - before..period - before + SECTION])
            })
        };
        // What is left must be enough to solve.
        let most = self.reference().known.len().saturating_sub(period + 4 * SECTION);
        while found.spoilt <= most && found.anchor > self.line.heard() as f64 - REVISITED && missed(found) {
            found.anchor -= period as f64 * self.symbol;
            found.spoilt += period;
        }
        found
    }

    /// Whether the pattern goes on after what was found of it, as far as it is not hidden: a part of it is like another.
    fn goes_on(&self, found: Found) -> bool {
        let first = found.spoilt + SECTIONS * SECTION;
        let places = (first..self.needed(found.spoilt) - SECTION).step_by(SECTION);
        let there = places.clone().filter(|place| {
            let there = Found { anchor: found.anchor + *place as f64 * self.symbol, ..found };
            self.is_pattern(there, &self.long.known[*place..place + SECTION])
        });
        there.count() * GOING_ON >= places.count()
    }

    /// Whether the pattern goes on where a short one would have ended.
    fn is_long(&self, found: Found) -> bool {
        let first = self.short.known.len();
        let after = Found { anchor: found.anchor + first as f64 * self.symbol, ..found };
        let in_long = first + self.short.before - self.long.before;
        self.is_pattern(after, &self.long.known[in_long..in_long + SECTION])
    }

    /// Whether the symbols from a place on are these. What both have on average tells nothing.
    fn is_pattern(&self, place: Found, expected: &[Complex]) -> bool {
        let expected: [Complex; SECTION] = core::array::from_fn(|index| expected[index]);
        let heard: [Complex; SECTION] = core::array::from_fn(|index| {
            let after = index as f64 * self.symbol;
            self.sampler.at(&self.line, place.anchor + after, after * place.offset)
        });
        let (expected, heard) = (without_mean(expected), without_mean(heard));
        let power = |symbols: &[Complex]| symbols.iter().map(|symbol| symbol.power()).sum::<f32>();
        let sum = heard.iter().zip(&expected).fold(Complex::ZERO, |sum, (heard, symbol)| sum + *heard * symbol.conj());
        sum.power() > 0.3 * power(&heard) * power(&expected)
    }

    /// Solves the equaliser for the known symbols and goes back to the first that it was solved for. Whether it could be;
    /// nothing if something has happened among them and as many others are to come.
    fn learn_line(&mut self, found: Found) -> Option<bool> {
        let mut first = found.spoilt;
        let mut solution = self.solve(found, first, SOLVED);
        if let Some(whole) = solution
            && whole.is_uneven()
        {
            let others_come = self.long.known.len() >= first + 2 * SOLVED + REST;
            if whole.worst() > HIDDEN && others_come {
                return None;
            }
            (first, solution) = self.solve_half(found, whole);
        }
        let error = solution.map_or(1.0, |solution| solution.error());
        self.learned = solution.is_some();
        if let Some(solution) = solution {
            self.offset = solution.offset;
            self.gain = solution.gain;
        }
        self.carrier.look_for_jitter();
        self.predictor.measure_anew();
        self.clock.set_deviation(0.0);
        self.lock.restart(error);
        self.begin(found.anchor + first as f64 * self.symbol, 0.0);
        self.symbols = first;
        if error < FAILED {
            self.state = State::Running;
        }
        Some(error < FAILED)
    }

    /// Solves for up to `count` known symbols from `first` on.
    fn solve(&mut self, found: Found, first: usize, count: usize) -> Option<Solution> {
        let known = &self.long.known[first..];
        let known = &known[..known.len().min(count)];
        let place = Found { anchor: found.anchor + first as f64 * self.symbol, ..found };
        solver::solve(&self.line, &self.sampler, place, known, self.symbol / 2.0, &mut self.equalizer)
    }

    /// Something has happened among the known symbols: solves for the half of them that it spared, if there is one.
    fn solve_half(&mut self, found: Found, whole: Solution) -> (usize, Option<Solution>) {
        let half = (self.long.known.len() - found.spoilt).min(SOLVED) / 2;
        let error = |solution: Option<Solution>| solution.map_or(f32::INFINITY, |solution| solution.error());
        let (first, second) = (found.spoilt, found.spoilt + half);
        let (of_first, of_second) = (error(self.solve(found, first, half)), error(self.solve(found, second, half)));
        if of_first.min(of_second) > SPARED * whole.error() {
            return (first, self.solve(found, first, SOLVED));
        }
        let better = if of_second <= of_first { second } else { first };
        (better, self.solve(found, better, half))
    }

    /// Looks for the instant, phase and level at which the equaliser gives the known symbols again. Solves nothing.
    fn find_again(&mut self, found: Found) -> bool {
        self.offset += self.carrier.frequency() / self.symbol;
        let half_symbol = self.symbol / 2.0;
        let mut best = (0.0, found.anchor, Complex::ONE);
        for step in -SHORT_STEPS..=SHORT_STEPS {
            let anchor = found.anchor + f64::from(step) * half_symbol / f64::from(SHORT_STEPS);
            let (likeness, turned) = self.try_at(anchor);
            if likeness > best.0 {
                best = (likeness, anchor, turned);
            }
        }
        let (_, anchor, turned) = best;
        self.gain /= libm::sqrtf(turned.power()).max(1e-6);
        self.begin(anchor, f64::from(turned.angle()) / (2.0 * core::f64::consts::PI));
        false
    }

    /// How like the known symbols the equaliser's output is from this instant on, and by what it is turned and scaled.
    fn try_at(&mut self, anchor: f64) -> (f32, Complex) {
        self.begin(anchor, 0.0);
        let (mut sum, mut there, mut expected) = (Complex::ZERO, 0.0, 0.0);
        for index in 0..self.short.known.len() {
            let known = self.short.known[index];
            self.take_half_symbols(2);
            let received = self.equalizer.output();
            sum += received * known.conj();
            there += received.power();
            expected += known.power();
        }
        (sum.power() / (there * expected).max(1e-9), sum.scale(1.0 / expected))
    }

    /// Begins at the first known symbol, with a carrier phase in turns.
    pub(super) fn begin(&mut self, anchor: f64, phase: f64) {
        let scrambler = self.reference().scrambler.clone();
        self.decoder.restart(&scrambler);
        self.carrier.restart(phase, anchor / self.symbol);
        let before = MIDDLE as f64 * self.symbol / 2.0;
        self.clock.start(anchor - before);
        self.turns = -before * self.offset;
        self.take_half_symbols(TAPS - 2);
        self.symbols = 0;
        self.moment_is_due = false;
        self.returned_at = 0;
        self.slipped_at = 0;
        self.error_power = 1.0;
        self.judged = 0;
        self.unwanted_bits = self.reference().blind * self.plan.coding.bits_per_symbol() as usize;
    }

    fn learn_levels(&mut self, found: Found) {
        let count = (self.reference().known.len().min(256) as f64 * self.symbol) as usize;
        let end = found.anchor + self.reference().known.len().min(found.spoilt + 300) as f64 * self.symbol;
        self.line_power = self.line.mean_square(end as i64, count);
        let noise_to_signal = self.error_power * SAMPLE_RATE.0 / 2.0 / self.plan.baud.0;
        self.presence.learn(self.line_power, noise_to_signal / (1.0 + noise_to_signal));
    }
}

fn without_mean(symbols: [Complex; SECTION]) -> [Complex; SECTION] {
    let sum = symbols.iter().fold(Complex::ZERO, |sum, symbol| sum + *symbol);
    symbols.map(|symbol| symbol - sum.scale(1.0 / SECTION as f32))
}
