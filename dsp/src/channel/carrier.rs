//! What carrier systems do: a shift of every frequency, and a phase that trembles.

use super::PhaseJitter;
use crate::{
    filter::fir::{Fir, hilbert},
    lanes::Isa,
    osc::Oscillator,
    units::Hz,
};

/// Taps of the Hilbert transformer: flat from 100 to 3900 Hz.
const TAPS: usize = 129;

/// Turns the analytic signal.
#[derive(Clone, Debug)]
pub(super) struct CarrierShift {
    quadrature: Fir,
    turning: Oscillator,
    /// Swing to each side, in 2^-32 turns, and its course.
    jitter: Option<(f32, Oscillator)>,
}

impl CarrierShift {
    pub(super) fn new(offset: Hz, jitter: Option<PhaseJitter>) -> Self {
        let swing = |jitter: PhaseJitter| (jitter.degrees / 720.0 * 4_294_967_296.0, Oscillator::new(jitter.frequency));
        Self {
            quadrature: Fir::new(&hilbert(TAPS), Isa::detect()),
            turning: Oscillator::new(offset),
            jitter: jitter.map(swing),
        }
    }

    pub(super) fn push(&mut self, sample: f32) -> f32 {
        let quadrature = self.quadrature.push(sample);
        let swing = self.jitter.as_mut().map_or(0.0, |(swing, course)| *swing * course.next_sine());
        let mut turning = self.turning;
        turning.turn(swing as i64 as u32);
        self.turning.skip(1);
        let (cosine, sine) = turning.next_turn();
        self.quadrature.middle() * cosine - quadrature * sine
    }
}
