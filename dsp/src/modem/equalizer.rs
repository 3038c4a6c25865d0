//! The adaptive equaliser: a complex filter at two taps per symbol.

use super::complex::Complex;
use crate::lanes::{Isa, Work};

/// Taps, half a symbol apart.
pub(super) const TAPS: usize = 48;
/// The tap that stands on the symbol itself.
pub(super) const MIDDLE: usize = 30;
/// Half symbols from the symbol to the end of the newest half symbol under the taps.
pub(super) const AHEAD: usize = TAPS - MIDDLE;

/// A value for each tap.
pub(super) type Row = [f32; TAPS];

/// Taps and the half symbols under them, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Equalizer {
    tap_re: [f32; TAPS],
    tap_im: [f32; TAPS],
    /// Stored twice so that the last `TAPS` lie in one piece.
    re: [f32; 2 * TAPS],
    im: [f32; 2 * TAPS],
    next: usize,
    isa: Isa,
}

impl Equalizer {
    pub(super) fn new(isa: Isa) -> Self {
        let (tap_re, tap_im) = ([0.0; TAPS], [0.0; TAPS]);
        Self { tap_re, tap_im, re: [0.0; 2 * TAPS], im: [0.0; 2 * TAPS], next: 0, isa }
    }

    pub(super) fn set_tap(&mut self, index: usize, value: Complex) {
        self.tap_re[index] = value.re;
        self.tap_im[index] = value.im;
    }

    /// Real and imaginary parts of the taps: what it has learned.
    pub(super) fn learned(&self) -> [Row; 2] {
        [self.tap_re, self.tap_im]
    }

    /// Takes what one has learned. The half symbols under the taps stay.
    pub(super) fn relearn(&mut self, taps: &[Row; 2]) {
        [self.tap_re, self.tap_im] = *taps;
    }

    pub(super) fn push(&mut self, half_symbol: Complex) {
        for place in [self.next, self.next + TAPS] {
            self.re[place] = half_symbol.re;
            self.im[place] = half_symbol.im;
        }
        self.next = (self.next + 1) % TAPS;
    }

    pub(super) fn output(&self) -> Complex {
        let (re, im) = self.under();
        let (re, im) = self.isa.dot_complex(re, im, &self.tap_re, &self.tap_im);
        Complex::new(re, im)
    }

    /// One step of least mean squares towards an output that differs by `error`.
    pub(super) fn adapt(&mut self, error: Complex, gain: f32) {
        let step = error.scale(gain);
        let (re, im) = (window(&self.re, self.next), window(&self.im, self.next));
        let (tap_re, tap_im) = (&mut self.tap_re, &mut self.tap_im);
        self.isa.run(AddConjugates { tap_re, tap_im, step, re, im });
    }

    /// The taps, oldest half symbol first.
    pub(super) fn taps(&self) -> impl Iterator<Item = Complex> {
        self.tap_re.iter().zip(&self.tap_im).map(|(re, im)| Complex::new(*re, *im))
    }

    /// The half symbols under the taps.
    fn under(&self) -> (&[f32; TAPS], &[f32; TAPS]) {
        (window(&self.re, self.next), window(&self.im, self.next))
    }
}

fn window(twice: &[f32; 2 * TAPS], first: usize) -> &[f32; TAPS] {
    twice[first..].first_chunk().expect("the next place lies in the first half")
}

/// Adds step times the conjugate of each half symbol to its tap.
struct AddConjugates<'a> {
    tap_re: &'a mut Row,
    tap_im: &'a mut Row,
    step: Complex,
    re: &'a Row,
    im: &'a Row,
}

impl Work for AddConjugates<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for tap in 0..TAPS {
            self.tap_re[tap] += self.step.re * self.re[tap] + self.step.im * self.im[tap];
            self.tap_im[tap] += self.step.im * self.re[tap] - self.step.re * self.im[tap];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_mean_squares_undo_an_echo() {
        let mut equalizer = Equalizer::new(Isa::detect());
        equalizer.set_tap(MIDDLE, Complex::ONE);
        let mut state = 1_u32;
        let mut sent = [Complex::ZERO; 2 * TAPS];
        let mut error = 0.0;
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sent.rotate_right(1);
            sent[0] = Complex::ONE.quarter_turns((state >> 20) as u8);
            // A symbol, then the half symbol between it and the next; an echo four symbols later.
            let heard = sent[0] + sent[4] * Complex::new(0.2, -0.2);
            equalizer.push(heard);
            equalizer.push(Complex::ZERO);
            let error_now = sent[AHEAD / 2 - 1] - equalizer.output();
            equalizer.adapt(error_now, 0.3 / TAPS as f32);
            error = error_now.power();
        }
        assert!(error < 1e-3, "{error}");
    }
}
