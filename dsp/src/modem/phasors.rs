//! Unit vectors at any angle.

use super::{complex::Complex, whole::nearest_whole};
use crate::constant::{cosine_of_turns, sine_of_turns};

/// Unit vectors in the table.
const PHASORS: usize = 1024;
/// Angle between two of them in radians.
const STEP: f32 = 2.0 * core::f32::consts::PI / PHASORS as f32;

static TABLE: [Complex; PHASORS] = table();

const fn table() -> [Complex; PHASORS] {
    let mut table = [Complex::ZERO; PHASORS];
    let mut index = 0;
    while index < PHASORS {
        let turns = index as f64 / PHASORS as f64;
        table[index] = Complex::new(cosine_of_turns(turns) as f32, sine_of_turns(turns) as f32);
        index += 1;
    }
    table
}

/// The unit vector at an angle in turns: from the table, turned on by what is left. Error below -100 dB.
#[inline(always)]
pub(super) fn turned(turns: f64) -> Complex {
    let steps = turns * PHASORS as f64;
    let (nearest, index) = nearest_whole(steps);
    let here = TABLE[index as usize % PHASORS];
    // So small an angle is its own sine.
    here + here.quarter_turns(1).scale((steps - nearest) as f32 * STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_cosine_and_sine() {
        for step in -5000..5000 {
            let turns = f64::from(step) * 0.000_37;
            let (vector, angle) = (turned(turns), turns * core::f64::consts::TAU);
            let away = vector - Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32);
            assert!(away.power() < 1e-10, "{turns}");
        }
    }
}
