//! The instruction set, chosen once.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;

/// Instructions that a [`Bank`](super::Bank) and the sums of products use.
///
/// The choice changes speed only: every set gives the same values. With the feature `std` the machine is asked; without
/// it the set is the one that the program is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Set);

/// What [`Isa`] chooses from. It cannot be named outside this folder, so whoever holds `Avx2` has seen that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    #[cfg_attr(
        not(any(feature = "std", target_feature = "avx2")),
        expect(dead_code, reason = "nobody asks the machine")
    )]
    Avx2,
}

impl Isa {
    /// What every machine has; on 64-bit ARM that includes NEON, which the compiler uses by itself.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The best that this machine has.
    pub fn detect() -> Self {
        #[cfg(all(target_arch = "x86_64", feature = "std"))]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self(Set::Avx2);
        }
        #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
        return Self(Set::Avx2);
        #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
        Self::PORTABLE
    }

    /// Every set that this machine has, the slowest first: for tests that compare them.
    pub fn all() -> impl Iterator<Item = Self> {
        let best = Self::detect();
        core::iter::once(Self::PORTABLE).chain((best != Self::PORTABLE).then_some(best))
    }

    /// Does a piece of work, compiled for this set. What it calls must be `#[inline(always)]`: a function that is
    /// compiled by itself is compiled for every machine.
    #[inline]
    pub(crate) fn call<R>(self, work: impl FnOnce() -> R) -> R {
        match self.0 {
            Set::Portable => work(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the value exists only where AVX2 was found.
            Set::Avx2 => unsafe { x86::call(work) },
        }
    }
}
