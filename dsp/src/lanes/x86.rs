//! Eight lanes in one AVX2 register, sixteen sums in one of AVX-512.
//!
//! The types are private to the folder: values of them are made and used only below the functions at the end of this
//! file, which are reached only with an [`Isa`](super::Isa) that has found the instruction set. AVX-512 implies AVX2.
#![allow(unsafe_code)]

use core::{
    arch::x86_64::{
        __m128, __m256, __m256i, __m512, __m512i, _CMP_LT_OQ, _mm_add_ps, _mm_add_ss, _mm_cvtsi32_si128,
        _mm_cvtsi128_si64, _mm_cvtss_f32, _mm_loadu_ps, _mm_min_ps, _mm_min_ss, _mm_movehdup_ps, _mm_movehl_ps,
        _mm_unpacklo_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_blend_ps, _mm256_blendv_ps,
        _mm256_broadcastsi128_si256, _mm256_castps_si256, _mm256_castps128_ps256, _mm256_castps256_ps128,
        _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_div_ps, _mm256_extractf128_ps,
        _mm256_extracti128_si256, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps,
        _mm256_or_ps, _mm256_permutevar8x32_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32,
        _mm256_shuffle_epi8, _mm256_sqrt_ps, _mm256_sub_ps, _mm512_add_pd, _mm512_add_ps, _mm512_alignr_epi32,
        _mm512_and_si512, _mm512_castpd_si512, _mm512_castps_si512, _mm512_castps512_ps128, _mm512_castps512_ps256,
        _mm512_castsi512_ps, _mm512_cvtepi64_epi32, _mm512_cvtpd_ps, _mm512_extractf32x8_ps, _mm512_i64gather_pd,
        _mm512_loadu_epi32, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_min_ps, _mm512_mul_pd, _mm512_mul_ps,
        _mm512_permute_ps, _mm512_permutexvar_ps, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd, _mm512_set1_ps,
        _mm512_setr_epi32, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_srli_epi64, _mm512_storeu_ps,
        _mm512_sub_epi64, _mm512_sub_pd, _mm512_sub_ps, _mm512_ternarylogic_epi32,
    },
    ops::{Add, Div, Mul, Sub},
};

use crate::lanes::{
    Eight, Kernel, LANES, Lanes, Row, VectorWork, Vectors, Work,
    dot::{Pair, Sums, WIDTH},
    isa::WHOLE,
};

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

impl Div for Register {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_div_ps(self.0, other.0) })
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

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn where_less(self, limit: Self, then: Self, otherwise: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        let is_less = unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, limit.0) };
        // SAFETY: as above.
        Self(unsafe { _mm256_blendv_ps(otherwise.0, then.0, is_less) })
    }
}

impl Register {
    #[inline(always)]
    fn lanes(self) -> Eight {
        // SAFETY: eight f32 and __m256 have one size, and every bit pattern is a value of both.
        unsafe { core::mem::transmute::<Self, Eight>(self) }
    }
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

    #[inline(always)]
    fn twice(values: &[f32; LANES / 2]) -> Self {
        // SAFETY: the array has the four values that are read; a Register is made only where AVX2 was found.
        unsafe {
            let four = _mm256_castps128_ps256(_mm_loadu_ps(values.as_ptr()));
            Self(_mm256_permutevar8x32_ps(four, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)))
        }
    }

    #[inline(always)]
    fn values(self) -> [f32; LANES] {
        self.lanes().0
    }

    #[inline(always)]
    fn least(self) -> f32 {
        // SAFETY: a Register exists only where AVX2 was found.
        unsafe {
            let four = _mm_min_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn followed_by(self, next: Self) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        unsafe {
            let replaced = _mm256_blend_ps::<1>(self.0, next.0);
            Self(_mm256_permutevar8x32_ps(replaced, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0)))
        }
    }

    #[inline(always)]
    fn permuted(self, places: &[i32; LANES]) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        Self(unsafe { _mm256_permutevar8x32_ps(self.0, integers(places)) })
    }

    #[inline(always)]
    fn labelled(self, mask: i32, labels: &[i32; LANES]) -> Self {
        // SAFETY: a Register exists only where AVX2 was found.
        unsafe {
            let value = _mm256_and_ps(self.0, _mm256_castsi256_ps(_mm256_set1_epi32(!mask)));
            Self(_mm256_or_ps(value, _mm256_castsi256_ps(integers(labels))))
        }
    }

    #[inline(always)]
    fn lowest_octets(self) -> u64 {
        // SAFETY: a Register exists only where AVX2 was found.
        unsafe {
            let lowest = _mm256_broadcastsi128_si256(_mm_cvtsi32_si128(0x0c08_0400));
            let octets = _mm256_shuffle_epi8(_mm256_castps_si256(self.0), lowest);
            let (low, high) = (_mm256_castsi256_si128(octets), _mm256_extracti128_si256::<1>(octets));
            _mm_cvtsi128_si64(_mm_unpacklo_epi32(low, high)) as u64
        }
    }
}

/// Eight integers from memory.
///
/// # Safety
/// The machine has AVX2.
#[inline(always)]
unsafe fn integers(values: &[i32; LANES]) -> __m256i {
    // SAFETY: the array has the eight values that are read; AVX2 as the caller promises.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// Sixteen partial sums in one register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Sixteen(__m512);

impl Sums for Sixteen {
    type Half = Register;

    #[inline(always)]
    fn zero() -> Self {
        // SAFETY: the type is named only below functions that need AVX-512.
        Self(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the type is named only below functions that need AVX-512.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; WIDTH]) {
        // SAFETY: the array has room for the sixteen values; AVX-512 as above.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn followed_by(self, next: Self) -> Self {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        unsafe {
            let (this, next) = (_mm512_castps_si512(self.0), _mm512_castps_si512(next.0));
            Self(_mm512_castsi512_ps(_mm512_alignr_epi32::<1>(next, this)))
        }
    }

    #[inline(always)]
    fn load(values: &[f32; WIDTH]) -> Self {
        // SAFETY: the array has the sixteen values that are read; AVX-512 as above.
        Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn total(self) -> f32 {
        let (low, high) = self.halves();
        (low + high).sum()
    }

    #[inline(always)]
    fn totals([a, b, c, d]: [Self; 4]) -> [f32; 4] {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        unsafe {
            // Halves of two side by side, then quarters of four, then within each quarter.
            let (low, high) = (_mm512_shuffle_f32x4::<0x44>(a.0, b.0), _mm512_shuffle_f32x4::<0xEE>(a.0, b.0));
            let ab = _mm512_add_ps(low, high);
            let (low, high) = (_mm512_shuffle_f32x4::<0x44>(c.0, d.0), _mm512_shuffle_f32x4::<0xEE>(c.0, d.0));
            let cd = _mm512_add_ps(low, high);
            let (low, high) = (_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xDD>(ab, cd));
            let fours = _mm512_add_ps(low, high);
            let twos = _mm512_add_ps(fours, _mm512_permute_ps::<0x4E>(fours));
            let ones = _mm512_add_ps(twos, _mm512_permute_ps::<0xB1>(twos));
            let firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            let together = _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, ones));
            core::mem::transmute::<__m128, [f32; 4]>(together)
        }
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn labelled(self, mask: i32, labels: &[i32; WIDTH]) -> Self {
        /// (first and second) or third.
        const REPLACED: i32 = 0xEA;
        // SAFETY: the array has the sixteen values that are read; a Sixteen exists only where AVX-512 was found.
        unsafe {
            let (value, kept) = (_mm512_castps_si512(self.0), _mm512_set1_epi32(!mask));
            let labels = _mm512_loadu_epi32(labels.as_ptr());
            Self(_mm512_castsi512_ps(_mm512_ternarylogic_epi32::<REPLACED>(value, kept, labels)))
        }
    }

    #[inline(always)]
    fn halves(self) -> (Register, Register) {
        // SAFETY: a Sixteen exists only where AVX-512 was found.
        let (low, high) = unsafe { (_mm512_castps512_ps256(self.0), _mm512_extractf32x8_ps::<1>(self.0)) };
        (Register(low), Register(high))
    }
}

/// Whether the machine has AVX2, as far as can be known.
pub(super) fn has_avx2() -> bool {
    #[cfg(feature = "std")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(feature = "std"))]
    cfg!(target_feature = "avx2")
}

/// Whether the machine has the parts of AVX-512 that are used, as far as can be known.
pub(super) fn has_avx512() -> bool {
    #[cfg(feature = "std")]
    return std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl");
    #[cfg(not(feature = "std"))]
    cfg!(all(target_feature = "avx512f", target_feature = "avx512dq", target_feature = "avx512vl"))
}

/// The vectors of AVX2. It is named only below functions that need AVX2.
enum Avx2 {}

impl Vectors for Avx2 {
    type Row = Register;
    type Sums = Pair<Register>;
}

/// The vectors of AVX-512, likewise.
enum Avx512 {}

impl Vectors for Avx512 {
    type Row = Register;
    type Sums = Sixteen;

    #[inline(always)]
    fn nearest_wholes(values: &[f64; LANES], factor: f64) -> ([i64; LANES], Register) {
        // SAFETY: the array has the eight values that are read, and eight i64 and __m512i have one size and no invalid bit
        // patterns; the type is named only below functions that need AVX-512.
        unsafe {
            let whole = _mm512_set1_pd(WHOLE);
            let values = _mm512_mul_pd(_mm512_loadu_pd(values.as_ptr()), _mm512_set1_pd(factor));
            let shifted = _mm512_add_pd(values, whole);
            let left = _mm512_sub_pd(values, _mm512_sub_pd(shifted, whole));
            let wholes = _mm512_sub_epi64(_mm512_castpd_si512(shifted), _mm512_castpd_si512(whole));
            (core::mem::transmute::<__m512i, [i64; LANES]>(wholes), Register(_mm512_cvtpd_ps(left)))
        }
    }

    #[inline(always)]
    fn pairs<const COUNT: usize>(table: &[[f32; 2]; COUNT], numbers: [i64; LANES]) -> [Register; 2] {
        const { assert!(COUNT.is_power_of_two()) };
        // SAFETY: every number is brought below the table's length, and a pair of f32 is as long as an f64, of which every bit
        // pattern is a value; the type is named only below functions that need AVX-512.
        unsafe {
            let numbers = core::mem::transmute::<[i64; LANES], __m512i>(numbers);
            let places = _mm512_and_si512(numbers, _mm512_set1_epi64(COUNT as i64 - 1));
            let pairs = _mm512_castpd_si512(_mm512_i64gather_pd::<8>(places, table.as_ptr().cast()));
            let (first, second) = (_mm512_cvtepi64_epi32(pairs), _mm512_cvtepi64_epi32(_mm512_srli_epi64::<32>(pairs)));
            [Register(_mm256_castsi256_ps(first)), Register(_mm256_castsi256_ps(second))]
        }
    }
}

/// The functions that are compiled for an instruction set.
macro_rules! compiled_for {
    ($features:literal, $sums:ty, $run:ident, $dot:ident, $dot_pair:ident, $dot_complex:ident, $work:ident,
     $vectors:ty, $vector_work:ident) => {
        /// Runs a kernel.
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $run<K: Kernel>(
            kernel: &K,
            state: &mut K::State<Register>,
            samples: &[Eight],
            results: &mut [Eight],
        ) {
            // SAFETY: Eight and Register have one size, one alignment and no invalid bit patterns.
            let samples = unsafe { core::slice::from_raw_parts(samples.as_ptr().cast(), samples.len()) };
            // SAFETY: as above, and the borrow stays exclusive.
            let results = unsafe { core::slice::from_raw_parts_mut(results.as_mut_ptr().cast(), results.len()) };
            kernel.run(state, samples, results);
        }

        /// [`super::dot::dot`].
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $dot(a: &[f32], b: &[f32]) -> f32 {
            super::dot::dot::<$sums>(a, b)
        }

        /// [`super::dot::dot_pair`].
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $dot_pair(a: &[f32], b: &[f32], c: &[f32]) -> (f32, f32) {
            super::dot::dot_pair::<$sums>(a, b, c)
        }

        /// [`super::dot::dot_complex`].
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $dot_complex(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> (f32, f32) {
            super::dot::dot_complex::<$sums>(a_re, a_im, b_re, b_im)
        }

        /// A piece of work.
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $work<W: Work>(work: W) -> W::Output {
            work.run()
        }

        /// A piece of work that says itself what is done in vectors.
        ///
        /// # Safety
        /// The machine has the instruction set.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $vector_work<W: VectorWork>(work: W) -> W::Output {
            work.run::<$vectors>()
        }
    };
}

compiled_for!(
    "avx2",
    Pair<Register>,
    run_avx2,
    dot_avx2,
    dot_pair_avx2,
    dot_complex_avx2,
    work_avx2,
    Avx2,
    vectors_avx2
);
compiled_for!(
    "avx2,avx512f,avx512dq,avx512vl",
    Sixteen,
    run_avx512,
    dot_avx512,
    dot_pair_avx512,
    dot_complex_avx512,
    work_avx512,
    Avx512,
    vectors_avx512
);
