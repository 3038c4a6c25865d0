//! Eight lanes in one AVX2 register.
//!
//! The type is private to the folder: values of it are made and used only below [`run`], which is reached only with an
//! [`Isa`](super::Isa) that has found AVX2.
#![allow(unsafe_code)]

use core::{
    arch::x86_64::{
        __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehdup_ps, _mm_movehl_ps, _mm256_add_ps,
        _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_sub_ps,
    },
    ops::{Add, Mul, Sub},
};

use crate::lanes::{Eight, Kernel, LANES, Lanes, Row};

/// Eight lanes in a register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Register(__m256);

impl Add for Register {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }
}

impl Sub for Register {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
}

impl Mul for Register {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
}

impl Lanes for Register {
    const COUNT: usize = LANES;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the type is named only in a bank whose Isa has found AVX2.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn lane(self, lane: usize) -> f32 {
        self.lanes().0[lane]
    }

    #[inline(always)]
    fn set_lane(&mut self, lane: usize, value: f32) {
        let mut lanes = self.lanes();
        lanes.0[lane] = value;
        // SAFETY: eight f32 and __m256 have one size, and every bit pattern is a value of both.
        *self = unsafe { core::mem::transmute::<Eight, Self>(lanes) };
    }
}

impl Register {
    #[inline(always)]
    fn lanes(self) -> Eight {
        // SAFETY: eight f32 and __m256 have one size, and every bit pattern is a value of both.
        unsafe { core::mem::transmute::<Self, Eight>(self) }
    }
}

/// Runs a kernel, compiled for AVX2.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run<K: Kernel>(
    kernel: &K,
    state: &mut K::State<Register>,
    samples: &[Eight],
    results: &mut [Eight],
) {
    // SAFETY: Eight and Register have one size, one alignment and no invalid bit patterns.
    let samples = unsafe { core::slice::from_raw_parts(samples.as_ptr().cast::<Register>(), samples.len()) };
    // SAFETY: as above, and the borrow stays exclusive.
    let results = unsafe { core::slice::from_raw_parts_mut(results.as_mut_ptr().cast::<Register>(), results.len()) };
    kernel.run(state, samples, results);
}

impl Row for Register {
    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        // SAFETY: the array has the eight values that are read; a Register is made only where AVX2 was found.
        Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: a Register exists only where AVX2 was found.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }
}

/// [`super::dot::dot`], compiled for AVX2.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    super::dot::dot::<Register>(a, b)
}

/// [`super::dot::dot_pair`], compiled for AVX2.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_pair(a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
    super::dot::dot_pair::<Register>(a, b, c)
}

/// [`super::dot::dot_complex`], compiled for AVX2.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_complex(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
    super::dot::dot_complex::<Register>(a_re, a_im, b_re, b_im)
}

/// A piece of work, compiled for AVX2.
///
/// # Safety
/// The machine has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn call<R>(work: impl FnOnce() -> R) -> R {
    work()
}
