//! Errors that go on from symbol to symbol: the next is predicted from the last ones.
//!
//! Where a line loses more at one edge of the band than at the other, the equaliser raises the noise of the weak edge, and the
//! errors that it leaves are no longer independent of each other. What the last errors foretell of the next is added
//! to the received symbol before it is decided. With the equaliser this makes the receiver with decision feedback; the
//! equaliser itself and all loops stay as they are.
//!
//! The correlation of the errors is measured over the known symbols. Of a flat line it foretells nothing, and nothing is predicted.

use super::complex::Complex;

/// Errors from which the next one is predicted.
pub(super) const ORDER: usize = 4;

/// Part of the error power that must be left at most for prediction to be worth its while: 0.3 dB less. Chance makes
/// some 0.1 dB of 384 symbols.
const WORTH: f32 = 0.933;

/// Symbols that must be measured.
const ENOUGH: usize = 192;

/// Errors of symbols before, the newest first.
pub(super) type Errors = [Complex; ORDER];

/// Predicts errors.
#[derive(Clone, Debug)]
pub(super) struct Predictor {
    /// Sums of errors times the conjugate of themselves and of those before.
    correlation: [Complex; ORDER + 1],
    weights: Errors,
    last: Errors,
    /// Part of the error power that prediction leaves; one where nothing is predicted.
    left: f32,
    measured: usize,
}

impl Predictor {
    pub(super) const fn new() -> Self {
        let (correlation, nothing) = ([Complex::ZERO; ORDER + 1], [Complex::ZERO; ORDER]);
        Self { correlation, weights: nothing, last: nothing, left: 1.0, measured: 0 }
    }

    /// Begins to measure how errors of known symbols are correlated.
    pub(super) fn measure_anew(&mut self) {
        *self = Self::new();
    }

    /// Measures with the error of a known symbol.
    pub(super) fn measure(&mut self, error: Complex) {
        self.measured += 1;
        self.correlation[0].re += error.power();
        for (sum, before) in self.correlation[1..].iter_mut().zip(&self.last) {
            *sum += error * before.conj();
        }
        self.pass(error);
    }

    /// From now on errors are predicted, if that is worth its while.
    pub(super) fn settle(&mut self) {
        let (weights, left) = solved(&self.correlation);
        let is_worth = self.measured >= ENOUGH && left < WORTH;
        (self.weights, self.left) = if is_worth { (weights, left) } else { ([Complex::ZERO; ORDER], 1.0) };
    }

    /// Whether errors are predicted.
    #[inline(always)]
    pub(super) fn predicts(&self) -> bool {
        self.left < 1.0
    }

    /// Part of the error power that prediction leaves.
    pub(super) fn left(&self) -> f32 {
        self.left
    }

    /// What each of the last errors is multiplied by.
    #[inline(always)]
    pub(super) fn weights(&self) -> &Errors {
        &self.weights
    }

    /// The last errors.
    pub(super) fn last(&self) -> &Errors {
        &self.last
    }

    /// The error to be expected of the next symbol.
    pub(super) fn next(&self) -> Complex {
        self.after(&self.last)
    }

    /// The error to be expected after these.
    pub(super) fn after(&self, errors: &Errors) -> Complex {
        self.weights.iter().zip(errors).fold(Complex::ZERO, |sum, (weight, error)| sum + *weight * *error)
    }

    /// Takes the error of a symbol that was decided.
    pub(super) fn pass(&mut self, error: Complex) {
        self.last.rotate_right(1);
        self.last[0] = error;
    }

    /// The last errors tell nothing of the next.
    pub(super) fn forget(&mut self) {
        self.last = [Complex::ZERO; ORDER];
    }
}

/// The weights of Levinson's and Durbin's recursion, and the part of the power that the prediction leaves.
fn solved(correlation: &[Complex; ORDER + 1]) -> (Errors, f32) {
    let power = correlation[0].re;
    let (mut weights, mut left) = ([Complex::ZERO; ORDER], power);
    for order in 0..ORDER {
        if left <= 1e-6 * power {
            break;
        }
        let foretold =
            (0..order).fold(Complex::ZERO, |sum, before| sum + weights[before] * correlation[order - before]);
        let reflection = (correlation[order + 1] - foretold).scale(1.0 / left);
        let shorter = weights;
        for before in 0..order {
            weights[before] = shorter[before] - reflection * shorter[order - 1 - before].conj();
        }
        weights[order] = reflection;
        left *= 1.0 - reflection.power();
    }
    (weights, if power > 0.0 { left / power } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White noise, and what a filter of one pole makes of it.
    fn settled(pole: Complex) -> Predictor {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let (mut predictor, mut error) = (Predictor::new(), Complex::ZERO);
        for _ in 0..384 {
            error = Complex::new(random(), random()) + pole * error;
            predictor.measure(error);
        }
        predictor.settle();
        predictor
    }

    #[test]
    fn nothing_is_predicted_of_white_noise() {
        assert!(!settled(Complex::ZERO).predicts());
    }

    #[test]
    fn what_goes_on_is_predicted_and_no_more() {
        let pole = Complex::new(0.4, -0.5);
        let mut predictor = settled(pole);
        assert!(predictor.predicts());
        let near = |a: Complex, b: Complex| (a - b).power() < 0.02;
        assert!(near(predictor.weights()[0], pole), "{:?}", predictor.weights());
        assert!(
            predictor.weights()[1..].iter().all(|weight| near(*weight, Complex::ZERO)),
            "{:?}",
            predictor.weights()
        );
        predictor.forget();
        assert_eq!(predictor.next(), Complex::ZERO);
        predictor.pass(Complex::ONE);
        assert!(near(predictor.next(), pole));
    }
}
