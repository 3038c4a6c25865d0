//! The adaptive equaliser: a complex filter at two taps per symbol.

use super::complex::Complex;
use crate::lanes::{Isa, Sums, VectorWork, Vectors, WIDTH, add_complex_products};

/// Taps, half a symbol apart.
pub(super) const TAPS: usize = 48;
/// The tap that stands on the symbol itself.
pub(super) const MIDDLE: usize = 30;
/// Half symbols from the symbol to the end of the newest half symbol under the taps.
pub(super) const AHEAD: usize = TAPS - MIDDLE;

/// A value for each tap.
pub(super) type Row = [f32; TAPS];

/// What an equaliser has learned: real and imaginary parts of its taps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learned([Aligned; 2]);

impl Learned {
    pub(super) fn new(taps: &[Row; 2]) -> Self {
        let aligned = |row: &Row| core::array::from_fn(|vector| core::array::from_fn(|at| row[vector * WIDTH + at]));
        Self([Aligned(aligned(&taps[0])), Aligned(aligned(&taps[1]))])
    }
}

/// Vectors that the taps fill.
const VECTORS: usize = TAPS / WIDTH;
/// A value for each tap, as vectors take them.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Aligned([[f32; WIDTH]; VECTORS]);

impl Aligned {
    const ZERO: Self = Self([[0.0; WIDTH]; VECTORS]);

    #[inline(always)]
    fn load<S: Sums>(&self) -> [S; VECTORS] {
        [S::load(&self.0[0]), S::load(&self.0[1]), S::load(&self.0[2])]
    }

    #[inline(always)]
    fn store<S: Sums>(&mut self, values: [S; VECTORS]) {
        for (place, values) in self.0.iter_mut().zip(values) {
            values.store(place);
        }
    }

    /// Forgets the first value; another one is the last.
    #[inline(always)]
    fn push<S: Sums>(&mut self, value: f32) {
        self.store(pushed::<S>(self.load(), value));
    }
}

#[inline(always)]
fn pushed<S: Sums>([first, second, third]: [S; VECTORS], value: f32) -> [S; VECTORS] {
    [first.followed_by(second), second.followed_by(third), third.followed_by(S::splat(value))]
}

/// Taps and the half symbols under them, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Equalizer {
    tap_re: Aligned,
    tap_im: Aligned,
    re: Aligned,
    im: Aligned,
    isa: Isa,
}

impl Equalizer {
    pub(super) fn new(isa: Isa) -> Self {
        Self { tap_re: Aligned::ZERO, tap_im: Aligned::ZERO, re: Aligned::ZERO, im: Aligned::ZERO, isa }
    }

    /// What it has learned.
    #[inline]
    pub(super) fn learned(&self) -> Learned {
        Learned([self.tap_re, self.tap_im])
    }

    /// Takes what one has learned. The half symbols under the taps stay.
    pub(super) fn relearn(&mut self, Learned([tap_re, tap_im]): &Learned) {
        (self.tap_re, self.tap_im) = (*tap_re, *tap_im);
    }

    #[inline(always)]
    pub(super) fn push<V: Vectors>(&mut self, half_symbol: Complex) {
        self.re.push::<V::Sums>(half_symbol.re);
        self.im.push::<V::Sums>(half_symbol.im);
    }

    /// The output for the symbol that two more half symbols make.
    #[inline(always)]
    pub(super) fn output_after<V: Vectors>(&mut self, [first, second]: [Complex; 2]) -> Complex {
        let re = pushed::<V::Sums>(pushed(self.re.load(), first.re), second.re);
        let im = pushed::<V::Sums>(pushed(self.im.load(), first.im), second.im);
        self.re.store(re);
        self.im.store(im);
        self.filtered::<V>(re, im)
    }

    pub(super) fn output(&self) -> Complex {
        self.isa.run_in_vectors(Output(self))
    }

    /// [`Equalizer::output`] in vectors.
    #[inline(always)]
    pub(super) fn output_in<V: Vectors>(&self) -> Complex {
        self.filtered::<V>(self.re.load(), self.im.load())
    }

    #[inline(always)]
    fn filtered<V: Vectors>(&self, re: [V::Sums; VECTORS], im: [V::Sums; VECTORS]) -> Complex {
        let (tap_re, tap_im) = (self.tap_re.load::<V::Sums>(), self.tap_im.load::<V::Sums>());
        let mut sums = [V::Sums::zero(); 2];
        for vector in 0..VECTORS {
            add_complex_products(&mut sums, [re[vector], im[vector]], [tap_re[vector], tap_im[vector]]);
        }
        Complex::new(sums[0].total(), sums[1].total())
    }

    /// One step of least mean squares towards an output that differs by `error`: adds a step times the conjugate of each
    /// half symbol to its tap.
    #[inline(always)]
    pub(super) fn adapt<V: Vectors>(&mut self, error: Complex, gain: f32) {
        let step = error.scale(gain);
        let (step_re, step_im) = (V::Sums::splat(step.re), V::Sums::splat(step.im));
        let (re, im) = (self.re.load::<V::Sums>(), self.im.load::<V::Sums>());
        let (tap_re, tap_im) = (self.tap_re.load::<V::Sums>(), self.tap_im.load::<V::Sums>());
        for vector in 0..VECTORS {
            let (re, im) = (re[vector], im[vector]);
            let more_re = step_re.times(re).plus(step_im.times(im));
            let more_im = step_im.times(re).minus(step_re.times(im));
            tap_re[vector].plus(more_re).store(&mut self.tap_re.0[vector]);
            tap_im[vector].plus(more_im).store(&mut self.tap_im.0[vector]);
        }
    }

    /// The taps, oldest half symbol first.
    pub(super) fn taps(&self) -> impl Iterator<Item = Complex> {
        let values = |row: &Aligned| row.0.into_iter().flatten();
        values(&self.tap_re).zip(values(&self.tap_im)).map(|(re, im)| Complex::new(re, im))
    }
}

struct Output<'a>(&'a Equalizer);

impl VectorWork for Output<'_> {
    type Output = Complex;

    #[inline(always)]
    fn run<V: Vectors>(self) -> Complex {
        self.0.output_in::<V>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_mean_squares_undo_an_echo() {
        struct Symbol<'a>(&'a mut Equalizer, Complex, Complex);
        impl VectorWork for Symbol<'_> {
            type Output = f32;

            /// Takes what was heard and what was sent; the power of the error.
            #[inline(always)]
            fn run<V: Vectors>(self) -> f32 {
                let Self(equalizer, heard, sent) = self;
                let output = equalizer.output_after::<V>([heard, Complex::ZERO]);
                assert_eq!(output, equalizer.output());
                let error = sent - output;
                equalizer.adapt::<V>(error, 0.3 / TAPS as f32);
                error.power()
            }
        }
        for isa in Isa::all() {
            let mut equalizer = Equalizer::new(isa);
            let mut flat = [0.0; TAPS];
            flat[MIDDLE] = 1.0;
            equalizer.relearn(&Learned::new(&[flat, [0.0; TAPS]]));
            let mut state = 1_u32;
            let mut sent = [Complex::ZERO; 2 * TAPS];
            let mut error = 0.0;
            for _ in 0..20_000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                sent.rotate_right(1);
                sent[0] = Complex::ONE.quarter_turns((state >> 20) as u8);
                // A symbol, then the half symbol between it and the next; an echo four symbols later.
                let heard = sent[0] + sent[4] * Complex::new(0.2, -0.2);
                error = isa.run_in_vectors(Symbol(&mut equalizer, heard, sent[AHEAD / 2 - 1]));
            }
            assert!(error < 1e-3, "{error}");
        }
    }
}
