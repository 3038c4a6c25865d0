//! Whether the receiver still stands on the symbols, and how to get back when the line has slipped.
//!
//! A clock slip in the network drops or repeats samples: from one symbol to the next the instant is wrong by a whole
//! number of samples and the carrier's phase by as much as it turns in them. Both are known once the number is, so a
//! few numbers are tried from a state remembered from before, and the one that fits is taken.

use super::{carrier::CarrierState, equalizer::Learned};
use crate::lanes::Lanes;

/// Share of the newest symbol in the recent and in the usual error power.
const RECENT_SHARE: f32 = 1.0 / 24.0;
const USUAL_SHARE: f32 = 1.0 / 1000.0;
/// The recent error is this much above the usual one when the symbols are lost, and has this share of what is left
/// when points at random are decided.
const LOST: f32 = 2.0;
const LOST_SHARE: f32 = 0.35;
/// Likewise at most, of symbols that are found again.
const FOUND: f32 = 1.6;
const FOUND_SHARE: f32 = 0.2;
/// Share of what random points leave that right ones stay below for certain.
const CERTAIN_SHARE: f32 = 0.5;
/// The same when more symbols are judged.
const CERTAIN_SHARE_RAISED: f32 = 0.6;
/// Symbols between two remembered states, and how many are remembered.
const INTERVAL: usize = 16;
const REMEMBERED: usize = 5;
/// A state is good if it is older than this when the symbols are lost.
const SAFE_AGE: usize = 40;
/// Symbols between two attempts to find back.
const ATTEMPT_INTERVAL: usize = 8;
/// Symbols after which attempts end: some 400 ms.
const PATIENCE: usize = 1000;

/// Symbols by which an attempt is judged, and one in which the level may be any other.
pub(super) const JUDGED: usize = 24;
pub(super) const LEVEL_JUDGED: usize = 56;

/// Samples that the line may have slipped by, likely ones first.
pub(super) const SLIPS: [i32; 25] =
    [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 10, -10, 16, -16, 20, -20, 40, -40];

/// Everything that is needed to go on from a symbol.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Symbols since the first known one.
    pub(super) symbols: usize,
    /// The clock's next instant and its deviation.
    pub(super) instant: f64,
    pub(super) deviation: f64,
    /// Phase in turns of what is taken off before the equaliser.
    pub(super) turns: f64,
    pub(super) carrier: CarrierState,
    /// What the equaliser had learned.
    pub(super) taps: Learned,
}

/// Watches the error power and remembers good moments.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    /// Error power of random points, each taken for the nearest right one.
    random: f32,
    recent: f32,
    usual: f32,
    moments: [Option<Moment>; REMEMBERED],
    next: usize,
    /// The symbol at which the symbols were lost.
    lost_at: Option<usize>,
    next_attempt: usize,
    /// Symbols that were lost, in all.
    lost: u64,
}

impl Lock {
    /// For points of which the nearest two are this far apart, squared.
    pub(super) fn new(distance_squared: f32) -> Self {
        // Of a square lattice; others leave more.
        let random = distance_squared / 6.0;
        Self {
            random,
            recent: 0.0,
            usual: 0.0,
            moments: Default::default(),
            next: 0,
            lost_at: None,
            next_attempt: 0,
            lost: 0,
        }
    }

    /// Begins with the error power at the end of training.
    pub(super) fn restart(&mut self, usual: f32) {
        self.recent = usual;
        self.usual = usual;
        self.moments = Default::default();
        self.lost_at = None;
    }

    /// From now on only this part of the error power is judged: the rest is foreseen.
    pub(super) fn judge_by(&mut self, part: f32) {
        self.recent *= part;
        self.usual *= part;
    }

    /// Takes the error power of a symbol.
    #[inline(always)]
    pub(super) fn watch(&mut self, symbol: usize, error: f32) {
        self.recent += RECENT_SHARE * (error - self.recent);
        self.lost += u64::from(self.is_lost());
        match self.lost_at {
            None if self.recent > (LOST * self.usual).greater(LOST_SHARE * self.random) => {
                self.lost_at = Some(symbol);
                self.next_attempt = symbol + ATTEMPT_INTERVAL;
            }
            None => self.usual += USUAL_SHARE * (error.lesser(4.0 * self.usual) - self.usual),
            Some(_) if self.is_usual(self.recent) => self.lost_at = None,
            // The line has become worse for good.
            Some(lost_at) if symbol >= lost_at + PATIENCE => self.restart(self.recent),
            Some(_) => {}
        }
    }

    /// The symbols are lost: nothing can be learned from them.
    #[inline(always)]
    pub(super) fn is_lost(&self) -> bool {
        self.lost_at.is_some()
    }

    /// Symbols that were lost, in all, since it was noticed each time.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether the moment is due to be remembered.
    #[inline(always)]
    pub(super) fn wants_moment(&self, symbol: usize) -> bool {
        symbol.is_multiple_of(INTERVAL) && !self.is_lost()
    }

    pub(super) fn remember(&mut self, moment: Moment) {
        self.moments[self.next] = Some(moment);
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// Whether it is time to look for the symbols again.
    pub(super) fn attempt_is_due(&mut self, symbol: usize) -> bool {
        if !self.is_lost() {
            return false;
        }
        let due = symbol >= self.next_attempt;
        if due {
            self.next_attempt = symbol + ATTEMPT_INTERVAL;
        }
        due
    }

    /// The newest moment before the symbols were lost, or before this one if they are not.
    pub(super) fn good_moment(&self, symbol: usize) -> Option<Moment> {
        let before = self.lost_at.unwrap_or(symbol);
        let good = self.moments.iter().flatten().filter(|moment| moment.symbols + SAFE_AGE <= before);
        good.max_by_key(|moment| moment.symbols).cloned()
    }

    /// Whether symbols with this mean error power are the right ones, and could not be any others.
    pub(super) fn accepts(&self, error: f32) -> bool {
        self.is_usual(error) && error < CERTAIN_SHARE * self.random
    }

    /// Likewise for [`LEVEL_JUDGED`] symbols that were raised by this factor of power, and the noise with them.
    pub(super) fn accepts_raised(&self, error: f32, raised: f32) -> bool {
        self.is_usual(error / raised.max(1.0)) && error < CERTAIN_SHARE_RAISED * self.random
    }

    fn is_usual(&self, error: f32) -> bool {
        error < (FOUND * self.usual).max(FOUND_SHARE * self.random)
    }

    /// The symbols are found again, with the power of the noise raised by a factor. The moments stay: should it have
    /// been by chance, they are needed once more.
    pub(super) fn found(&mut self, raised: f32) {
        self.usual *= raised.max(1.0);
        self.recent = self.usual;
        self.lost_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(errors: impl Iterator<Item = f32>) -> Lock {
        let mut lock = Lock::new(0.3);
        lock.restart(0.01);
        errors.enumerate().for_each(|(symbol, error)| lock.watch(symbol, error));
        lock
    }

    #[test]
    fn errors_of_random_points_are_noticed_within_24_symbols() {
        assert!(watched(core::iter::repeat_n(0.05, 24)).is_lost());
        assert!(!watched(core::iter::repeat_n(0.015, 1000)).is_lost());
    }

    #[test]
    fn a_line_that_stays_worse_becomes_usual() {
        assert!(!watched(core::iter::repeat_n(0.04, PATIENCE + 50)).is_lost());
    }

    #[test]
    fn moments_shortly_before_the_loss_are_not_trusted() {
        let mut lock = watched(core::iter::repeat_n(0.01, 10));
        for symbols in [10, 50, 90] {
            let taps = Learned::new(&[[0.0; crate::modem::equalizer::TAPS]; 2]);
            let carrier = CarrierState { phase: 0.0, frequency: 0.0, level: 1.0, age: 0.0 };
            lock.remember(Moment { symbols, instant: 0.0, deviation: 0.0, turns: 0.0, carrier, taps });
        }
        (100..130).for_each(|symbol| lock.watch(symbol, 0.08));
        assert!(lock.is_lost());
        assert_eq!(lock.good_moment(130).map(|moment| moment.symbols), Some(50));
    }
}
