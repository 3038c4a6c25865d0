//! The instruction set, chosen once.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;
use crate::lanes::{
    Eight, LANES, Row,
    dot::{Pair, Sums},
};

/// Instructions that a [`Bank`](super::Bank), the sums of products and the modems' inner loops use.
///
/// The choice changes speed only: every set gives the same values. With the feature `std` the machine is asked; without
/// it the set is the one that the program is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Set);

/// What [`Isa`] chooses from. It cannot be named outside this folder, so whoever holds one that not every machine has
/// has seen that this one has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// What every machine has. The compiler makes SSE2 of it on x86-64 and NEON on 64-bit ARM, which every such machine
    /// has.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The best that this machine has.
    pub fn detect() -> Self {
        Self::all().last().unwrap_or(Self::PORTABLE)
    }

    /// Every set that this machine has, the slowest first: for tests that compare them.
    pub fn all() -> impl Iterator<Item = Self> {
        let portable = core::iter::once(Self::PORTABLE);
        #[cfg(not(target_arch = "x86_64"))]
        return portable;
        #[cfg(target_arch = "x86_64")]
        portable.chain(x86::has_avx2().then_some(Self(Set::Avx2))).chain(x86::has_avx512().then_some(Self(Set::Avx512)))
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable if cfg!(target_arch = "x86_64") => "SSE2",
            Set::Portable if cfg!(target_arch = "aarch64") => "NEON",
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512",
        }
    }

    /// Does a piece of work, compiled for this set.
    #[inline]
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Set::Portable => work.run(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::work_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX-512 was found.
            Set::Avx512 => unsafe { x86::work_avx512(work) },
        }
    }

    /// Does a piece of work with the vectors of this set.
    #[inline]
    pub(crate) fn run_in_vectors<W: VectorWork>(self, work: W) -> W::Output {
        match self.0 {
            Set::Portable => work.run::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::vectors_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX-512 was found.
            Set::Avx512 => unsafe { x86::vectors_avx512(work) },
        }
    }
}

/// The vectors of an instruction set.
pub(crate) trait Vectors {
    /// Eight values.
    type Row: Row;
    /// Sixteen values.
    type Sums: Sums<Half = Self::Row>;

    /// The whole numbers nearest to eight numbers times a factor, and what is left; all lie within 2^51 of zero.
    #[inline(always)]
    fn nearest_wholes(values: &[f64; LANES], factor: f64) -> ([i64; LANES], Self::Row) {
        let (mut wholes, mut left) = ([0; LANES], [0.0; LANES]);
        for ((whole, left), value) in wholes.iter_mut().zip(&mut left).zip(values) {
            let value = value * factor;
            let shifted = value + WHOLE;
            *whole = shifted.to_bits().wrapping_sub(WHOLE.to_bits()) as i64;
            *left = (value - (shifted - WHOLE)) as f32;
        }
        (wholes, Self::Row::load(&left))
    }

    /// Pairs of a table whose length is a power of two, by the lowest places of their numbers: the first ones and the second
    /// ones.
    #[inline(always)]
    fn pairs<const COUNT: usize>(table: &[[f32; 2]; COUNT], numbers: [i64; LANES]) -> [Self::Row; 2] {
        let (mut first, mut second) = ([0.0; LANES], [0.0; LANES]);
        for ((first, second), number) in first.iter_mut().zip(&mut second).zip(numbers) {
            [*first, *second] = table[number as usize % COUNT];
        }
        [Self::Row::load(&first), Self::Row::load(&second)]
    }
}

/// Adding it to a number of less than 2^51 leaves no place for a fraction: the sum's lowest places are the whole number.
pub(crate) const WHOLE: f64 = 1.5 * (1_u64 << 52) as f64;

/// What every machine has.
pub(super) enum Portable {}

impl Vectors for Portable {
    type Row = Eight;
    type Sums = Pair<Eight>;
}

/// A piece of work that says itself what is done in vectors; else as [`Work`].
pub(crate) trait VectorWork {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<V: Vectors>(self) -> Self::Output;
}

/// A piece of work that gains from wider instructions.
///
/// [`Work::run`] must be `#[inline(always)]`, and so must be what it calls: what is compiled by itself is compiled for
/// every machine. A closure cannot promise that.
pub(crate) trait Work {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}
