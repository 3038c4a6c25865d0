//! Unit vectors at any angle.

use super::{complex::Complex, whole::nearest_whole};
use crate::{
    constant::{cosine_of_turns, sine_of_turns},
    lanes::{LANES, Lanes, Row, Vectors},
};

/// Unit vectors in the table.
const PHASORS: usize = 1024;
/// Angle between two of them in radians.
const STEP: f32 = 2.0 * core::f32::consts::PI / PHASORS as f32;

static TABLE: [[f32; 2]; PHASORS] = table();

const fn table() -> [[f32; 2]; PHASORS] {
    let mut table = [[0.0; 2]; PHASORS];
    let mut index = 0;
    while index < PHASORS {
        let turns = index as f64 / PHASORS as f64;
        table[index] = [cosine_of_turns(turns) as f32, sine_of_turns(turns) as f32];
        index += 1;
    }
    table
}

/// The unit vector at an angle in turns: from the table, turned on by what is left. Error below -100 dB.
#[inline(always)]
pub(super) fn turned(turns: f64) -> Complex {
    let steps = turns * PHASORS as f64;
    let (nearest, index) = nearest_whole(steps);
    let [re, im] = TABLE[index as usize % PHASORS];
    let here = Complex::new(re, im);
    // So small an angle is its own sine.
    here + here.quarter_turns(1).scale((steps - nearest) as f32 * STEP)
}

/// [`turned`] of eight angles.
#[inline(always)]
pub(super) fn turned_eight<V: Vectors>(turns: &[f64; LANES]) -> [Complex; LANES] {
    let [re, im] = unit_vectors::<V>(turns);
    let mut turned = [Complex::ZERO; LANES];
    for ((turned, re), im) in turned.iter_mut().zip(re.values()).zip(im.values()) {
        *turned = Complex::new(re, im);
    }
    turned
}

/// [`turned_eight`], real parts and imaginary parts.
#[inline(always)]
pub(super) fn unit_vectors<V: Vectors>(turns: &[f64; LANES]) -> [V::Row; 2] {
    let (nearest, left) = V::nearest_wholes(turns, PHASORS as f64);
    let [re, im] = V::pairs(&TABLE, nearest);
    let left = left * V::Row::splat(STEP);
    [re - im * left, im + re * left]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Isa, VectorWork};

    #[test]
    fn eight_vectors_are_eight_times_one() {
        struct Eight([f64; LANES]);
        impl VectorWork for Eight {
            type Output = [Complex; LANES];
            #[inline(always)]
            fn run<V: Vectors>(self) -> Self::Output {
                turned_eight::<V>(&self.0)
            }
        }
        for isa in Isa::all() {
            for step in -500..500 {
                let turns = core::array::from_fn(|lane| f64::from(step * 8 + lane as i32) * 0.000_37);
                assert_eq!(isa.run_in_vectors(Eight(turns)), turns.map(turned), "{}", isa.name());
            }
        }
    }

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
