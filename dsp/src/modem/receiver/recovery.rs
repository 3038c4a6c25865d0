//! Finding back to the symbols after a slip of the line, a jump of its phase, or a signal that was away for a moment.
//!
//! The state of a moment before is carried forward over the time since, for each slip that may have happened, and the
//! last symbols are taken once more from there. What fits is gone on from.

use super::{Receiver, State, evm};
use crate::{
    bits::{BitRun, Mark},
    modem::{
        complex::Complex,
        equalizer::TAPS,
        lock::{JUDGED, LEVEL_JUDGED, Moment, SLIPS},
        phasors::turned,
        predictor::ORDER,
    },
    units::SampleIndex,
};

/// Phases tried on each side, up to an eighth of a turn: what is beyond looks the same.
const PHASE_STEPS: i32 = 8;
/// Levels tried on each side of the one that the mean power tells, and the distance of two of them.
const LEVEL_STEPS: i32 = 5;
const LEVEL_STEP: f32 = 0.025;
/// Radians that a phase may seem to turn by with a jump of level.
const MOST_TURN_OF_LEVEL: f32 = 0.2;
/// Slips tried together with a jump of level: none, and one sample.
const LEVEL_SLIPS: usize = 3;

/// Share of the error without a slip or jump that one must leave at most to be believed: noise may have been
/// greater for some symbols and nothing else have happened.
const CLEARLY: f32 = 0.9;

/// Symbols within which a second slip only corrects what was taken for the first.
const SAME_SLIP: usize = 64;

/// What has happened to the line.
#[derive(Clone, Copy, Debug)]
struct Jump {
    /// Samples that it has slipped by.
    slip: i32,
    /// What the symbols must be turned and scaled by.
    turn: Complex,
}

impl Receiver {
    /// Remembers the moment after the last symbol.
    #[inline(never)]
    pub(super) fn remember_moment(&mut self) {
        self.lock.remember(self.moment());
        self.moment_is_due = false;
    }

    /// Tries to find back when the symbols are lost.
    pub(super) fn keep_lock(&mut self) {
        if self.lock.attempt_is_due(self.symbols) && !self.is_of_lost_samples() {
            let now = self.moment();
            let good = self.lock.good_moment(self.symbols);
            let back = good.is_some_and(|good| self.find_back(&good, self.symbols, &SLIPS));
            if !back {
                self.go_on_from(&now, self.symbols, 0);
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            symbols: self.symbols,
            instant: self.clock.instant(),
            deviation: self.clock.deviation(),
            turns: self.turns,
            carrier: self.carrier.state(),
            taps: self.equalizer.learned(),
        }
    }

    /// Tries whether the line has slipped or its phase or level has jumped since a moment, and goes on at `symbol` if so.
    fn find_back(&mut self, good: &Moment, symbol: usize, slips: &[i32]) -> bool {
        let Some(jump) = self.slip(good, symbol, slips).or_else(|| self.jump(good, symbol, slips)) else {
            return false;
        };
        self.go_on_after(good, symbol, jump);
        true
    }

    fn go_on_after(&mut self, good: &Moment, symbol: usize, jump: Jump) {
        self.go_on_from(good, symbol, jump.slip);
        self.carrier.set_state(self.carrier.state().turned(jump.turn));
        self.lock.found(jump.turn.power());
        self.presence.jump(1.0 / jump.turn.power().max(1e-3));
        if jump.slip != 0 && symbol > self.slipped_at + SAME_SLIP {
            self.slips_mended += 1;
            self.slipped_at = symbol;
        }
    }

    /// A jump of phase alone, else a jump of level, perhaps with a slip of one sample.
    fn jump(&mut self, good: &Moment, symbol: usize, slips: &[i32]) -> Option<Jump> {
        let received: [Complex; JUDGED] = self.received_after_slip(good, symbol, 0);
        if let Some(turn) = self.phase_jump(symbol, &received) {
            return Some(Jump { slip: 0, turn });
        }
        slips.iter().take(LEVEL_SLIPS).find_map(|slip| {
            let received: [Complex; LEVEL_JUDGED] = self.received_after_slip(good, symbol, *slip);
            Some(Jump { slip: *slip, turn: self.level_jump(symbol, &received)? })
        })
    }

    /// A slip after which the symbols are as they were.
    fn slip(&mut self, good: &Moment, symbol: usize, slips: &[i32]) -> Option<Jump> {
        let mut without = f32::INFINITY;
        let of_data = symbol >= self.reference().known.len() + JUDGED;
        slips.iter().find_map(|slip| {
            if of_data && self.looks_like_none(*slip) {
                return None;
            }
            let received: [Complex; JUDGED] = self.received_after_slip(good, symbol, *slip);
            let error = self.mean_error(symbol, &received, Complex::ONE);
            let tells = self.lock.accepts(error) && error < CLEARLY * without;
            if *slip == 0 {
                without = error;
            }
            tells.then_some(Jump { slip: *slip, turn: Complex::ONE })
        })
    }

    /// Whether a slip is of whole symbols and quarter turns: data look right with it and without it. What it would be believed for
    /// is noise that was greater for some symbols.
    fn looks_like_none(&self, slip: i32) -> bool {
        let is_whole = |number: f64| (number - libm::rint(number)).abs() < 1e-6;
        let quarter_turns = 4.0 * self.sampler.carrier_turns(f64::from(slip));
        slip != 0 && is_whole(f64::from(slip) / self.symbol) && is_whole(quarter_turns)
    }

    /// The last symbols before `symbol`, if the line has slipped by so many samples.
    fn received_after_slip<const COUNT: usize>(&mut self, good: &Moment, symbol: usize, slip: i32) -> [Complex; COUNT] {
        self.go_on_from(good, symbol.saturating_sub(COUNT), slip);
        core::array::from_fn(|_| {
            self.take_half_symbols(2);
            let received = self.equalizer.output() * self.carrier.upright();
            self.carrier.pass();
            received
        })
    }

    /// The symbol probably sent in this place: a known one, else the point nearest to the received one.
    fn probable(&self, place: usize, received: Complex) -> Complex {
        self.reference().known.get(place).copied().unwrap_or_else(|| self.decoder.nearest(received))
    }

    /// Symbols before `end` as they are when turned, each with the one probably sent.
    fn decided(&self, end: usize, received: &[Complex], turn: Complex) -> impl Iterator<Item = (Complex, Complex)> {
        let first = end.saturating_sub(received.len());
        received.iter().enumerate().map(move |(index, symbol)| {
            let upright = *symbol * turn;
            (upright, self.probable(first + index, upright))
        })
    }

    /// Mean error power of symbols before `end`, decided one by one, after they are turned.
    fn mean_error(&self, end: usize, received: &[Complex], turn: Complex) -> f32 {
        if self.predictor.predicts() {
            return self.mean_unforeseen_error(end, received, turn);
        }
        let errors = self.decided(end, received, turn).map(|(symbol, sent)| (symbol - sent).power());
        errors.sum::<f32>() / received.len() as f32
    }

    /// The same where errors are predicted from the ones before: of what is left of them.
    fn mean_unforeseen_error(&self, end: usize, received: &[Complex], turn: Complex) -> f32 {
        let first = end.saturating_sub(received.len());
        let mut last = [Complex::ZERO; ORDER];
        let errors = received.iter().enumerate().map(|(index, symbol)| {
            let upright = *symbol * turn;
            let corrected = upright + self.predictor.after(&last);
            let sent = self.probable(first + index, corrected);
            last.rotate_right(1);
            last[0] = sent - upright;
            (sent - corrected).power()
        });
        errors.sum::<f32>() / received.len() as f32
    }

    /// What the symbols must be turned by if the carrier's phase has jumped and nothing else happened.
    fn phase_jump(&self, end: usize, received: &[Complex]) -> Option<Complex> {
        let turns = (-PHASE_STEPS..=PHASE_STEPS).map(|step| f64::from(step) / f64::from(8 * PHASE_STEPS));
        let turn = self.fitted(end, received, turns.map(turned))?;
        let turn = turn.scale(1.0 / libm::sqrtf(turn.power()).max(1e-9));
        let error = self.mean_error(end, received, turn);
        let tells = self.lock.accepts(error) && error < CLEARLY * self.mean_error(end, received, Complex::ONE);
        tells.then_some(turn)
    }

    /// What the symbols must be scaled and turned by if the level has jumped: about what makes their mean power one.
    fn level_jump(&self, end: usize, received: &[Complex]) -> Option<Complex> {
        let power = received.iter().map(|symbol| symbol.power()).sum::<f32>() / received.len() as f32;
        let level = 1.0 / libm::sqrtf(power.max(1e-6));
        let levels = (-LEVEL_STEPS..=LEVEL_STEPS).map(|step| level * (1.0 + LEVEL_STEP * step as f32));
        let turn = self.fitted(end, received, levels.map(|level| Complex::new(level, 0.0)))?;
        let is_near = turn.angle().abs() < MOST_TURN_OF_LEVEL;
        let fits = is_near && self.lock.accepts_raised(self.mean_error(end, received, turn), turn.power());
        fits.then_some(turn)
    }

    /// The turn among these with the least error, fitted once more to what is decided with it.
    fn fitted(&self, end: usize, received: &[Complex], turns: impl Iterator<Item = Complex>) -> Option<Complex> {
        let error = |turn: Complex| (self.mean_error(end, received, turn), turn);
        let (_, coarse) = turns.map(error).min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let refit = |turn: Complex| {
            let (mut like, mut power) = (Complex::ZERO, 0.0);
            for (symbol, sent) in self.decided(end, received, turn) {
                like += sent * symbol.conj();
                power += symbol.power();
            }
            turn * like.scale(1.0 / power.max(1e-9))
        };
        Some(refit(refit(coarse)))
    }

    /// Goes on at a symbol as a moment foretells it, with the line slipped by so many samples since then.
    fn go_on_from(&mut self, moment: &Moment, symbol: usize, slip: i32) {
        let symbols = symbol as f64 - moment.symbols as f64;
        let samples = symbols * self.symbol * (1.0 + moment.deviation);
        // The equaliser is filled anew: the clock begins so many half symbols earlier.
        let refill = (TAPS - 2) as f64 * self.symbol / 2.0 * (1.0 + moment.deviation);
        let slip = f64::from(slip);
        self.equalizer.relearn(&moment.taps);
        self.clock.set_deviation(moment.deviation);
        self.clock.start(moment.instant + samples - refill + slip);
        self.turns = moment.turns + (samples - refill) * self.offset - self.sampler.carrier_turns(slip);
        self.take_half_symbols(TAPS - 2);
        self.carrier.set_state(moment.carrier.after(symbols));
    }

    /// Looks whether the signal that seemed to end goes on as it would have.
    pub(super) fn look_for_return(&mut self, out: &mut BitRun) {
        let Some(good) = self.lock.good_moment(self.symbols) else { return };
        if !self.presence.is_back() {
            return;
        }
        let newest = self.line.heard() as f64 - self.reach();
        let symbol = good.symbols + ((newest - good.instant) / (self.symbol * (1.0 + good.deviation))) as usize;
        if let Some(jump) = self.return_to(&good, symbol) {
            self.go_on_after(&good, symbol, jump);
            self.symbols = symbol;
            self.returned_at = symbol;
            self.state = State::Running;
            let at = SampleIndex(self.line.heard());
            out.mark(at, Mark::CarrierUp);
            out.mark(at, Mark::Trained(evm(self.error_power)));
        }
    }

    /// Symbols as they would have been without the pause, their phase aside.
    fn return_to(&mut self, good: &Moment, symbol: usize) -> Option<Jump> {
        let received: [Complex; JUDGED] = self.received_after_slip(good, symbol, 0);
        let unchanged = self.lock.accepts(self.mean_error(symbol, &received, Complex::ONE));
        let turn = if unchanged { Some(Complex::ONE) } else { self.phase_jump(symbol, &received) };
        turn.filter(|_| !alternate(&received)).map(|turn| Jump { slip: 0, turn })
    }
}

/// Another signal's alternation stands on right points, too: each symbol is the one before the last again.
fn alternate(received: &[Complex]) -> bool {
    /// Mean squared distance of symbols two places apart; of data it is twice their power, which is 1.
    const SAME: f32 = 0.5;
    let again = received.iter().zip(&received[2..]).map(|(before, symbol)| (*symbol - *before).power());
    again.sum::<f32>() < SAME * (received.len() - 2) as f32
}
