//! The instruction set, chosen once.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;
use crate::lanes::{
    Eight, Row,
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
}

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
