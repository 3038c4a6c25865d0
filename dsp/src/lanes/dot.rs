//! Sums of products along the taps of one line's filter.
//!
//! The order of summation is part of the result: product `i` goes to partial sum `i mod 16`, in rising order of `i`,
//! and the 16 partial sums are added in halves: `s(i) + s(i+8)`, then `+4`, `+2`, `+1`. Every instruction set follows it.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;
use crate::lanes::{Eight, Isa, Row, isa::Set};

/// Partial sums, in two rows.
const WIDTH: usize = 16;

impl Isa {
    /// The sum of products of two slices of one length.
    pub fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        match self.0 {
            Set::Portable => dot::<Eight>(a, b),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot(a, b) },
        }
    }

    /// [`Isa::dot`] of one slice with each of two others.
    pub fn dot_pair(self, a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
        match self.0 {
            Set::Portable => dot_pair::<Eight>(a, b, c),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot_pair(a, b, c) },
        }
    }

    /// The sum of complex products of two rows, each given as real and imaginary parts; nothing is conjugated. All
    /// slices have one length. A product counts as `re·re - im·im` and `re·im + im·re`, in the order of [`Isa::dot`].
    pub fn dot_complex(self, a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
        match self.0 {
            Set::Portable => dot_complex::<Eight>(a_re, a_im, b_re, b_im),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::dot_complex(a_re, a_im, b_re, b_im) },
        }
    }
}

#[inline(always)]
pub(super) fn dot<V: Row>(a: &[f32], b: &[f32]) -> f32 {
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks(), b.as_chunks());
    let mut sums = [V::splat(0.0); 2];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        add_products(&mut sums, rows(a), rows(b));
    }
    if !a_rest.is_empty() {
        add_products(&mut sums, rows(&padded(a_rest)), rows(&padded(b_rest)));
    }
    total(sums)
}

#[inline(always)]
pub(super) fn dot_pair<V: Row>(a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
    let (a_chunks, a_rest) = a.as_chunks();
    let ((b_chunks, b_rest), (c_chunks, c_rest)) = (b.as_chunks(), c.as_chunks());
    let (mut with_b, mut with_c) = ([V::splat(0.0); 2], [V::splat(0.0); 2]);
    for ((a, b), c) in a_chunks.iter().zip(b_chunks).zip(c_chunks) {
        let a = rows(a);
        add_products(&mut with_b, a, rows(b));
        add_products(&mut with_c, a, rows(c));
    }
    if !a_rest.is_empty() {
        let a = rows(&padded(a_rest));
        add_products(&mut with_b, a, rows(&padded(b_rest)));
        add_products(&mut with_c, a, rows(&padded(c_rest)));
    }
    (total(with_b), total(with_c))
}

#[inline(always)]
fn add_products<V: Row>(sums: &mut [V; 2], a: [V; 2], b: [V; 2]) {
    for half in 0..2 {
        sums[half] = sums[half] + a[half] * b[half];
    }
}

#[inline(always)]
pub(super) fn dot_complex<V: Row>(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
    let ((a_re, a_re_rest), (a_im, a_im_rest)) = (a_re.as_chunks(), a_im.as_chunks());
    let ((b_re, b_re_rest), (b_im, b_im_rest)) = (b_re.as_chunks(), b_im.as_chunks());
    let mut sums = [[V::splat(0.0); 2]; 2];
    for (((a_re, a_im), b_re), b_im) in a_re.iter().zip(a_im).zip(b_re).zip(b_im) {
        add_complex_products(&mut sums, [rows(a_re), rows(a_im)], [rows(b_re), rows(b_im)]);
    }
    if !a_re_rest.is_empty() {
        let [a_re, a_im, b_re, b_im] = [a_re_rest, a_im_rest, b_re_rest, b_im_rest].map(padded);
        add_complex_products(&mut sums, [rows(&a_re), rows(&a_im)], [rows(&b_re), rows(&b_im)]);
    }
    (total(sums[0]), total(sums[1]))
}

#[inline(always)]
fn add_complex_products<V: Row>([re, im]: &mut [[V; 2]; 2], a: [[V; 2]; 2], b: [[V; 2]; 2]) {
    for half in 0..2 {
        let (a_re, a_im, b_re, b_im) = (a[0][half], a[1][half], b[0][half], b[1][half]);
        re[half] = re[half] + (a_re * b_re - a_im * b_im);
        im[half] = im[half] + (a_re * b_im + a_im * b_re);
    }
}

#[inline(always)]
fn rows<V: Row>(values: &[f32; WIDTH]) -> [V; 2] {
    let (halves, _) = values.as_chunks();
    [V::load(&halves[0]), V::load(&halves[1])]
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

#[inline(always)]
fn total<V: Row>(sums: [V; 2]) -> f32 {
    (sums[0] + sums[1]).sum()
}
