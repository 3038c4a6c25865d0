//! The carrier: the loops that follow what training left over.

use super::{complex::Complex, jitter::Jitter, phasors::turned, whole::nearest_whole};
use crate::lanes::{Isa, VectorWork, Vectors};

/// What turns and scales the symbols: phase in turns, frequency in turns per symbol, level, and the
/// symbols since the line began, by which its trembling goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct CarrierState {
    pub(super) phase: f64,
    pub(super) frequency: f64,
    pub(super) level: f32,
    pub(super) age: f64,
}

impl CarrierState {
    const START: Self = Self { phase: 0.0, frequency: 0.0, level: 1.0, age: 0.0 };

    /// The state so many symbols later.
    #[inline(always)]
    pub(super) fn after(self, symbols: f64) -> Self {
        Self { phase: self.phase + symbols * self.frequency, age: self.age + symbols, ..self }
    }

    /// The state if symbols must be turned and scaled by `turn` besides.
    pub(super) fn turned(self, turn: Complex) -> Self {
        let phase = self.phase - f64::from(turn.angle()) / (2.0 * core::f64::consts::PI);
        Self { phase, level: self.level * libm::sqrtf(turn.power()), ..self }
    }
}

/// How fast the loops follow, per symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct CarrierGains {
    pub(super) phase: f32,
    pub(super) level: f32,
    pub(super) jitter: f32,
}

/// Levels that are followed, relative to training.
const LEVELS: (f32, f32) = (0.1, 10.0);

/// Loops that turn symbols back by the carrier's remaining phase and bring them to level: second order for the phase,
/// first order for the level, and one for each line that trembles.
#[derive(Clone, Debug)]
pub(super) struct CarrierLoop {
    state: CarrierState,
    jitter: Jitter,
}

impl CarrierLoop {
    /// For so many symbols in a second.
    pub(super) fn new(baud: f32) -> Self {
        Self { state: CarrierState::START, jitter: Jitter::new(baud) }
    }

    /// Begins at a phase in turns, so many symbols after the beginning of the line.
    pub(super) fn restart(&mut self, phase: f64, age: f64) {
        self.state = CarrierState { phase, age, ..CarrierState::START };
    }

    /// What a symbol must be multiplied by to stand upright.
    pub(super) fn upright(&mut self) -> Complex {
        turned(Isa::PORTABLE.run_in_vectors(Turns(self))).scale(self.state.level)
    }

    /// What a symbol must be turned by to stand upright, in turns.
    #[inline(always)]
    pub(super) fn upright_turns<V: Vectors>(&mut self) -> f64 {
        let trembling = self.jitter.turns::<V>(self.state.age);
        -self.state.phase - trembling
    }

    pub(super) fn state(&self) -> CarrierState {
        self.state
    }

    /// Goes on from a state.
    #[inline(always)]
    pub(super) fn set_state(&mut self, state: CarrierState) {
        self.state = CarrierState { phase: state.phase - nearest_whole(state.phase).0, ..state };
    }

    /// Frequency in turns per symbol.
    pub(super) fn frequency(&self) -> f64 {
        self.state.frequency
    }

    /// Lets a symbol pass that tells nothing.
    #[inline(always)]
    pub(super) fn pass(&mut self) {
        self.set_state(self.state.after(1.0));
    }

    /// Lets the symbol pass for which [`CarrierLoop::upright`] was asked, as received and as decided, both of mean power one.
    #[inline(always)]
    pub(super) fn advance<V: Vectors>(&mut self, received: Complex, decided: Complex, gains: &CarrierGains) {
        let error = (received * decided.conj()).im.clamp(-1.0, 1.0);
        self.jitter.learn::<V>(error * gains.jitter);
        // Zero where the error is least, as for the equaliser: that stands a little low, by as much as there is noise.
        let too_low = (received.conj() * (decided - received)).re.clamp(-1.0, 1.0);
        let level = self.state.level * (1.0 + gains.level * too_low);
        let (error, gain) = (f64::from(error) * (0.5 * core::f64::consts::FRAC_1_PI), f64::from(gains.phase));
        let frequency = (self.state.frequency + error * gain * gain / 4.0).clamp(-0.01, 0.01);
        let phase = self.state.phase + error * gain;
        self.state = CarrierState { phase, frequency, level: level.clamp(LEVELS.0, LEVELS.1), ..self.state };
        self.pass();
    }

    /// Counts the symbols of the line anew.
    pub(super) fn calm_jitter(&mut self) {
        self.jitter.calm();
    }

    /// Begins to look for lines that tremble.
    pub(super) fn look_for_jitter(&mut self) {
        self.jitter.look();
    }

    /// Keeps the lines that were found to tremble while symbols had this error power.
    pub(super) fn keep_jitter(&mut self, error_power: f32) {
        self.jitter.keep(error_power);
    }
}

/// What [`CarrierLoop::upright`] asks for.
struct Turns<'a>(&'a mut CarrierLoop);

impl VectorWork for Turns<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Vectors>(self) -> f64 {
        self.0.upright_turns::<V>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heard points, each of which was sent as one.
    struct Follow<'a, I>(&'a mut CarrierLoop, I, CarrierGains);

    impl<I: Iterator<Item = Complex>> VectorWork for Follow<'_, I> {
        type Output = ();

        #[inline(always)]
        fn run<V: Vectors>(self) {
            let Self(carrier, points, gains) = self;
            for heard in points {
                let received = heard * carrier.upright();
                carrier.advance::<V>(received, Complex::ONE, &gains);
            }
        }
    }

    #[test]
    fn the_level_comes_to_rest_where_noise_and_shrinking_leave_the_least_error() {
        let (mut carrier, noise) = (CarrierLoop::new(2400.0), Complex::new(0.0, libm::sqrtf(0.2)));
        let gains = CarrierGains { phase: 0.0, level: 0.01, jitter: 0.0 };
        let points = (0..4000).map(|symbol| Complex::ONE + noise.quarter_turns(symbol as u8 % 4));
        Isa::detect().run_in_vectors(Follow(&mut carrier, points, gains));
        // The level a is best where the mean of |1 - a·heard|² is least: at 1 over the power of signal and noise.
        assert!((carrier.state().level - 1.0 / 1.2).abs() < 0.01, "{}", carrier.state().level);
    }
}
