//! Sums of products along the taps of one line's filter.
//!
//! The order of summation is part of the result: product `i` goes to partial sum `i mod 16`, in rising order of `i`,
//! and the 16 partial sums are added in halves: `s(i) + s(i+8)`, then `+4`, `+2`, `+1`. Every instruction set follows it.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;
use crate::lanes::{Eight, Isa, Row, isa::Set};

/// Partial sums.
pub(crate) const WIDTH: usize = 16;

/// The partial sums, or as many values, of one line.
pub(crate) trait Sums: Copy {
    /// Half of them.
    type Half: Row;
    /// Zeros.
    fn zero() -> Self;
    /// The same value everywhere.
    fn splat(value: f32) -> Self;
    /// Values from memory.
    fn load(values: &[f32; WIDTH]) -> Self;
    /// Values to memory.
    fn store(self, values: &mut [f32; WIDTH]);
    /// Sums.
    fn plus(self, other: Self) -> Self;
    /// Differences.
    fn minus(self, other: Self) -> Self;
    /// Products.
    fn times(self, other: Self) -> Self;
    /// All values but the first, and the first of `next` behind them.
    fn followed_by(self, next: Self) -> Self;
    /// Their sum, in halves.
    fn total(self) -> f32;
    /// The sums of four.
    #[inline(always)]
    fn totals(four: [Self; 4]) -> [f32; 4] {
        four.map(Self::total)
    }
    /// The lesser of two values; the other one if either is no number.
    fn lesser(self, other: Self) -> Self;
    /// The places of `mask` in every value's bits replaced by those of its label.
    fn labelled(self, mask: i32, labels: &[i32; WIDTH]) -> Self;
    /// The first half and the second.
    fn halves(self) -> (Self::Half, Self::Half);
}

/// Sixteen values in two rows.
#[derive(Clone, Copy)]
pub(super) struct Pair<V>(V, V);

impl<V: Row> Sums for Pair<V> {
    type Half = V;

    #[inline(always)]
    fn zero() -> Self {
        Self(V::splat(0.0), V::splat(0.0))
    }

    #[inline(always)]
    fn load(values: &[f32; WIDTH]) -> Self {
        let (halves, _) = values.as_chunks();
        Self(V::load(&halves[0]), V::load(&halves[1]))
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(V::splat(value), V::splat(value))
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; WIDTH]) {
        let (halves, _) = values.as_chunks_mut();
        halves[0] = self.0.values();
        halves[1] = self.1.values();
    }

    #[inline(always)]
    fn followed_by(self, next: Self) -> Self {
        Self(self.0.followed_by(self.1), self.1.followed_by(next.0))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1)
    }

    #[inline(always)]
    fn total(self) -> f32 {
        (self.0 + self.1).sum()
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        Self(self.0.lesser(other.0), self.1.lesser(other.1))
    }

    #[inline(always)]
    fn labelled(self, mask: i32, labels: &[i32; WIDTH]) -> Self {
        let (halves, _) = labels.as_chunks();
        Self(self.0.labelled(mask, &halves[0]), self.1.labelled(mask, &halves[1]))
    }

    #[inline(always)]
    fn halves(self) -> (V, V) {
        (self.0, self.1)
    }
}

impl Isa {
    /// The sum of products of two slices of one length.
    #[inline]
    pub fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        match self.0 {
            Set::Portable => dot::<Pair<Eight>>(a, b),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot_avx2(a, b) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX-512 was found.
            Set::Avx512 => unsafe { x86::dot_avx512(a, b) },
        }
    }

    /// [`Isa::dot`] of one slice with each of two others.
    #[inline]
    pub fn dot_pair(self, a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
        match self.0 {
            Set::Portable => dot_pair::<Pair<Eight>>(a, b, c),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot_pair_avx2(a, b, c) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX-512 was found.
            Set::Avx512 => unsafe { x86::dot_pair_avx512(a, b, c) },
        }
    }

    /// The sum of complex products of two rows, each given as real and imaginary parts; nothing is conjugated. All
    /// slices have one length. A product counts as `re·re - im·im` and `re·im + im·re`, in the order of [`Isa::dot`].
    #[inline]
    pub fn dot_complex(self, a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
        match self.0 {
            Set::Portable => dot_complex::<Pair<Eight>>(a_re, a_im, b_re, b_im),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot_complex_avx2(a_re, a_im, b_re, b_im) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX-512 was found.
            Set::Avx512 => unsafe { x86::dot_complex_avx512(a_re, a_im, b_re, b_im) },
        }
    }
}

#[inline(always)]
pub(crate) fn dot<S: Sums>(a: &[f32], b: &[f32]) -> f32 {
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sums = S::zero();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        sums = sums.plus(S::load(a).times(S::load(b)));
    }
    if !a_rest.is_empty() {
        sums = sums.plus(S::load(&padded(a_rest)).times(S::load(&padded(b_rest))));
    }
    sums.total()
}

#[inline(always)]
pub(crate) fn dot_pair<S: Sums>(a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
    let (a_chunks, a_rest) = a.as_chunks();
    let ((b_chunks, b_rest), (c_chunks, c_rest)) = (b.as_chunks(), c.as_chunks());
    let (mut with_b, mut with_c) = (S::zero(), S::zero());
    for ((a, b), c) in a_chunks.iter().zip(b_chunks).zip(c_chunks) {
        let a = S::load(a);
        with_b = with_b.plus(a.times(S::load(b)));
        with_c = with_c.plus(a.times(S::load(c)));
    }
    if !a_rest.is_empty() {
        let a = S::load(&padded(a_rest));
        with_b = with_b.plus(a.times(S::load(&padded(b_rest))));
        with_c = with_c.plus(a.times(S::load(&padded(c_rest))));
    }
    (with_b.total(), with_c.total())
}

#[inline(always)]
pub(crate) fn dot_complex<S: Sums>(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
    let ((a_re, a_re_rest), (a_im, a_im_rest)) = (a_re.as_chunks(), a_im.as_chunks());
    let ((b_re, b_re_rest), (b_im, b_im_rest)) = (b_re.as_chunks(), b_im.as_chunks());
    let mut sums = [S::zero(); 2];
    for (((a_re, a_im), b_re), b_im) in a_re.iter().zip(a_im).zip(b_re).zip(b_im) {
        add_complex_products(&mut sums, [S::load(a_re), S::load(a_im)], [S::load(b_re), S::load(b_im)]);
    }
    if !a_re_rest.is_empty() {
        let [a_re, a_im, b_re, b_im] = [a_re_rest, a_im_rest, b_re_rest, b_im_rest].map(padded);
        add_complex_products(&mut sums, [S::load(&a_re), S::load(&a_im)], [S::load(&b_re), S::load(&b_im)]);
    }
    (sums[0].total(), sums[1].total())
}

#[inline(always)]
pub(crate) fn add_complex_products<S: Sums>([re, im]: &mut [S; 2], [a_re, a_im]: [S; 2], [b_re, b_im]: [S; 2]) {
    *re = re.plus(a_re.times(b_re).minus(a_im.times(b_im)));
    *im = im.plus(a_re.times(b_im).plus(a_im.times(b_re)));
}

/// Fewer than `WIDTH` values with zeros after them, which add nothing.
#[inline(always)]
fn padded(values: &[f32]) -> [f32; WIDTH] {
    let mut padded = [0.0; WIDTH];
    for (padded, value) in padded.iter_mut().zip(values) {
        *padded = *value;
    }
    padded
}
