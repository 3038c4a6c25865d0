//! The carrier: turning vectors, and the loop that follows what training left over.

use alloc::boxed::Box;

use super::{complex::Complex, whole::nearest_whole};

/// Unit vectors in the table.
const PHASORS: usize = 1024;

/// Angle between two of them in radians.
const STEP: f32 = 2.0 * core::f32::consts::PI / PHASORS as f32;

/// Unit vectors by angle, from a table, turned on by what is left: error below -100 dB, equal on every machine.
#[derive(Clone, Debug)]
pub(super) struct Phasors {
    table: Box<[Complex; PHASORS]>,
}

impl Phasors {
    pub(super) fn new() -> Self {
        let mut table = Box::new([Complex::ZERO; PHASORS]);
        for (index, value) in table.iter_mut().enumerate() {
            let angle = 2.0 * core::f64::consts::PI * index as f64 / PHASORS as f64;
            *value = Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32);
        }
        Self { table }
    }

    /// The unit vector at an angle in turns.
    #[inline]
    pub(super) fn turned(&self, turns: f64) -> Complex {
        let steps = turns * PHASORS as f64;
        let (nearest, index) = nearest_whole(steps);
        let here = self.table[index as usize % PHASORS];
        // So small an angle is its own sine.
        here + here.quarter_turns(1).scale((steps - nearest) as f32 * STEP)
    }
}

/// Second order loop that turns symbols back by the carrier's remaining phase.
#[derive(Clone, Debug)]
pub(super) struct CarrierLoop {
    phasors: Phasors,
    /// Phase in turns.
    phase: f64,
    /// Turns per symbol.
    frequency: f64,
}

impl CarrierLoop {
    pub(super) fn new() -> Self {
        Self { phasors: Phasors::new(), phase: 0.0, frequency: 0.0 }
    }

    /// Begins at a phase in turns.
    pub(super) fn restart(&mut self, phase: f64) {
        self.phase = phase;
        self.frequency = 0.0;
    }

    /// What a symbol must be multiplied by to stand upright.
    pub(super) fn upright(&self) -> Complex {
        self.phasors.turned(-self.phase)
    }

    /// The unit vector at an angle in turns.
    pub(super) fn turned(&self, turns: f64) -> Complex {
        self.phasors.turned(turns)
    }

    /// Phase in turns and frequency in turns per symbol.
    pub(super) fn state(&self) -> (f64, f64) {
        (self.phase, self.frequency)
    }

    /// Goes on from a phase and a frequency.
    pub(super) fn set_state(&mut self, (phase, frequency): (f64, f64)) {
        self.phase = phase - nearest_whole(phase).0;
        self.frequency = frequency;
    }

    /// Frequency in turns per symbol.
    pub(super) fn frequency(&self) -> f64 {
        self.frequency
    }

    /// Lets a symbol pass whose phase error, in radians for a symbol of unit power, was this.
    pub(super) fn advance(&mut self, error: f32, gain: f32) {
        let error = f64::from(error.clamp(-1.0, 1.0)) * (0.5 * core::f64::consts::FRAC_1_PI);
        let gain = f64::from(gain);
        self.frequency = (self.frequency + error * gain * gain / 4.0).clamp(-0.01, 0.01);
        self.phase += self.frequency + error * gain;
        self.phase -= nearest_whole(self.phase).0;
    }
}
