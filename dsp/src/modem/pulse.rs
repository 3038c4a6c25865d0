//! The root raised cosine pulse.

use core::f64::consts::PI;

use crate::constant::{bessel_i0_of_root, cosine_of_turns, sine_of_turns};

/// Value at `at` symbol intervals from the middle, with unit energy per symbol interval.
pub(super) const fn root_raised_cosine(at: f64, roll_off: f64) -> f64 {
    let edge = 4.0 * roll_off * at;
    if at.abs() < 1e-9 {
        return 1.0 + roll_off * (4.0 / PI - 1.0);
    }
    if (edge.abs() - 1.0).abs() < 1e-7 {
        let turns = 0.125 / roll_off;
        let (plus, minus) = (1.0 + 2.0 / PI, 1.0 - 2.0 / PI);
        let sum = plus * sine_of_turns(turns) + minus * cosine_of_turns(turns);
        return roll_off * core::f64::consts::FRAC_1_SQRT_2 * sum;
    }
    let (narrow, wide) = (0.5 * at * (1.0 - roll_off), 0.5 * at * (1.0 + roll_off));
    (sine_of_turns(narrow) + edge * cosine_of_turns(wide)) / (PI * at * (1.0 - edge * edge))
}

/// Kaiser window at `place` between -1 and 1.
pub(super) const fn kaiser(place: f64, beta: f64) -> f64 {
    let inside = 1.0 - place * place;
    let square = if inside > 0.0 { beta * beta * inside } else { 0.0 };
    bessel_i0_of_root(square) / bessel_i0_of_root(beta * beta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulse_and_its_mirror_make_no_intersymbol_interference() {
        for roll_off in [0.25, 0.5] {
            let steps = 64;
            for symbol in 0..4 {
                let sum: f64 = (-40 * steps..40 * steps)
                    .map(|step| f64::from(step) / f64::from(steps))
                    .map(|at| root_raised_cosine(at, roll_off) * root_raised_cosine(at - f64::from(symbol), roll_off))
                    .sum::<f64>()
                    / f64::from(steps);
                let expected = if symbol == 0 { 1.0 } else { 0.0 };
                assert!((sum - expected).abs() < 2e-4, "{roll_off} {symbol}: {sum}");
            }
        }
    }
}
