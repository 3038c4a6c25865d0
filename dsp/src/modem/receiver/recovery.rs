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
        lock::{JUDGED, Moment, SLIPS},
    },
    units::SampleIndex,
};

/// Phases tried on each side, up to an eighth of a turn: what is beyond looks the same.
const PHASE_STEPS: i32 = 8;

impl Receiver {
    pub(super) fn keep_lock(&mut self) {
        if self.lock.wants_moment(self.symbols) {
            self.lock.remember(self.moment());
        } else if self.lock.attempt_is_due(self.symbols) && !self.is_of_lost_samples() {
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
            equalizer: self.equalizer.clone(),
        }
    }

    /// Tries whether the line has slipped or its phase has jumped since a moment, and goes on at `symbol` if so.
    fn find_back(&mut self, good: &Moment, symbol: usize, slips: &[i32]) -> bool {
        let likely = slips.iter().find_map(|slip| {
            let received = self.received_after_slip(good, symbol, *slip);
            let error = self.mean_error(&received, Complex::ONE);
            self.lock.accepts(error).then_some((*slip, Complex::ONE))
        });
        let Some((slip, turn)) = likely.or_else(|| Some((0, self.phase_jump(good, symbol)?))) else { return false };
        self.go_on_from(good, symbol, slip);
        let (phase, frequency) = self.carrier.state();
        self.carrier.set_state((phase - f64::from(turn.angle()) / (2.0 * core::f64::consts::PI), frequency));
        self.lock.found();
        true
    }

    /// The last symbols before `symbol`, if the line has slipped by so many samples.
    fn received_after_slip(&mut self, good: &Moment, symbol: usize, slip: i32) -> [Complex; JUDGED] {
        self.go_on_from(good, symbol.saturating_sub(JUDGED), slip);
        core::array::from_fn(|_| {
            self.take_half_symbol();
            self.take_half_symbol();
            let received = self.equalizer.output() * self.carrier.upright();
            self.carrier.advance(0.0, 0.0);
            received
        })
    }

    /// Mean error power of symbols, decided one by one, after they are turned.
    fn mean_error(&self, received: &[Complex], turn: Complex) -> f32 {
        let error = |symbol: &Complex| (*symbol * turn - self.decoder.nearest(*symbol * turn)).power();
        received.iter().map(error).sum::<f32>() / received.len() as f32
    }

    /// What the symbols must be turned by if the carrier's phase has jumped and nothing else happened.
    fn phase_jump(&mut self, good: &Moment, symbol: usize) -> Option<Complex> {
        let received = self.received_after_slip(good, symbol, 0);
        let turns = (-PHASE_STEPS..=PHASE_STEPS).map(|step| f64::from(step) / f64::from(8 * PHASE_STEPS));
        let coarse = turns.map(|turns| self.carrier.turned(turns));
        let error = |turn: &Complex| self.mean_error(&received, *turn);
        let coarse = coarse.min_by(|a, b| error(a).total_cmp(&error(b)))?;
        let fine = received.iter().fold(Complex::ZERO, |sum, symbol| {
            let turned = *symbol * coarse;
            sum + self.decoder.nearest(turned) * turned.conj()
        });
        let turn = coarse * fine.scale(1.0 / libm::sqrtf(fine.power()).max(1e-9));
        self.lock.accepts(self.mean_error(&received, turn)).then_some(turn)
    }

    /// Goes on at a symbol as a moment foretells it, with the line slipped by so many samples since then.
    fn go_on_from(&mut self, moment: &Moment, symbol: usize, slip: i32) {
        let symbols = symbol as f64 - moment.symbols as f64;
        let samples = symbols * self.symbol * (1.0 + moment.deviation);
        // The equaliser is filled anew: the clock begins so many half symbols earlier.
        let refill = (TAPS - 2) as f64 * self.symbol / 2.0 * (1.0 + moment.deviation);
        let slip = f64::from(slip);
        self.equalizer = moment.equalizer.clone();
        self.clock.set_deviation(moment.deviation);
        self.clock.start(moment.instant + samples - refill + slip);
        self.turns = moment.turns + (samples - refill) * self.offset - self.sampler.carrier_turns(slip);
        for _ in 0..TAPS - 2 {
            self.take_half_symbol();
        }
        let (phase, frequency) = moment.carrier;
        self.carrier.set_state((phase + symbols * frequency, frequency));
    }

    /// Looks whether the signal that seemed to end goes on as it would have.
    pub(super) fn look_for_return(&mut self, out: &mut BitRun) {
        let Some(good) = self.lock.good_moment(self.symbols) else { return };
        if !self.presence.is_back() {
            return;
        }
        let newest = self.line.heard() as f64 - self.reach();
        let symbol = good.symbols + ((newest - good.instant) / (self.symbol * (1.0 + good.deviation))) as usize;
        if self.find_back(&good, symbol, &SLIPS[..1]) {
            self.symbols = symbol;
            self.returned_at = symbol;
            self.state = State::Running;
            let at = SampleIndex(self.line.heard());
            out.mark(at, Mark::CarrierUp);
            out.mark(at, Mark::Trained(evm(self.error_power)));
        }
    }
}
