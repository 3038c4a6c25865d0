//! Functions that the compiler can compute, so that tables are constants: shared by all, the same on every machine, and
//! no work for a constructor.

use core::f64::consts::TAU;

/// Sine of an angle in turns.
pub(crate) const fn sine_of_turns(turns: f64) -> f64 {
    let whole = turns as i64 as f64;
    let turns = turns - if turns < whole { whole - 1.0 } else { whole };
    // The sine of the second and third quarter of the turn mirrors the others, where the series is short.
    let folded = if turns <= 0.25 {
        turns
    } else if turns <= 0.75 {
        0.5 - turns
    } else {
        turns - 1.0
    };
    sine_series(folded * TAU)
}

/// Cosine of an angle in turns.
pub(crate) const fn cosine_of_turns(turns: f64) -> f64 {
    sine_of_turns(turns + 0.25)
}

/// Sine of an angle of at most a quarter of a turn.
const fn sine_series(angle: f64) -> f64 {
    let square = angle * angle;
    let mut term = angle;
    let mut sum = angle;
    let mut n = 2.0;
    while n < 24.0 {
        term *= -square / (n * (n + 1.0));
        sum += term;
        n += 2.0;
    }
    sum
}

/// The modified Bessel function of order zero, of the root of a number.
pub(crate) const fn bessel_i0_of_root(square: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = 1.0;
    while term > 1e-17 * sum {
        term *= square / (4.0 * k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_sines() {
        for step in -1000..1000 {
            let turns = f64::from(step) * 0.003_7;
            assert!((sine_of_turns(turns) - libm::sin(turns * TAU)).abs() < 1e-13, "{turns}");
            assert!((cosine_of_turns(turns) - libm::cos(turns * TAU)).abs() < 1e-13, "{turns}");
        }
    }

    #[test]
    fn bessel_s_function_solves_its_equation() {
        // I0'' + I0'/x = I0, by differences.
        for x in [0.5_f64, 1.0, 2.0, 3.5] {
            let (before, here, after) = (at(x - 1e-4), at(x), at(x + 1e-4));
            let second = (before - 2.0 * here + after) / 1e-8;
            let first = (after - before) / 2e-4;
            assert!((second + first / x - here).abs() < 1e-5 * here, "{x}");
        }
    }

    fn at(x: f64) -> f64 {
        bessel_i0_of_root(x * x)
    }
}
