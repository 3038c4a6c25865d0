//! The root raised cosine pulse.

use core::f64::consts::PI;

/// Value at `at` symbol intervals from the middle, with unit energy per symbol interval.
pub(super) fn root_raised_cosine(at: f64, roll_off: f64) -> f64 {
    let edge = 4.0 * roll_off * at;
    if at.abs() < 1e-9 {
        return 1.0 + roll_off * (4.0 / PI - 1.0);
    }
    if (edge.abs() - 1.0).abs() < 1e-7 {
        let angle = PI / (4.0 * roll_off);
        let (plus, minus) = (1.0 + 2.0 / PI, 1.0 - 2.0 / PI);
        return roll_off * core::f64::consts::FRAC_1_SQRT_2 * (plus * libm::sin(angle) + minus * libm::cos(angle));
    }
    let rising = libm::sin(PI * at * (1.0 - roll_off)) + edge * libm::cos(PI * at * (1.0 + roll_off));
    rising / (PI * at * (1.0 - edge * edge))
}

/// Kaiser window at `place` between -1 and 1.
pub(super) fn kaiser(place: f64, beta: f64) -> f64 {
    let inside = (1.0 - place * place).max(0.0);
    bessel_i0(beta * libm::sqrt(inside)) / bessel_i0(beta)
}

fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    (1..30).fold(1.0, |sum, k| {
        let ratio = x / (2.0 * f64::from(k));
        term *= ratio * ratio;
        sum + term
    })
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
