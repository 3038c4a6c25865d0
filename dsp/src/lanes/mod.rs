//! Many lines at once: a kernel is written once and runs for one line or for eight.
//!
//! ```text
//!                      ┌ One<K>   one line, V = f32: the reference
//!  impl Kernel for K ──┤
//!                      └ Bank<K>  lines in groups of eight, V chosen once by Isa: AVX-512, AVX2 or plain arrays
//! ```
//!
//! A kernel does the same operations in the same order whatever `V` is, and nothing is fused, so a line in a bank
//! gives the same values, bit for bit, as a line alone. All `unsafe` code of the crate is in this folder.

mod bank;
mod dot;
mod isa;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bank::{Bank, One};
pub(crate) use dot::{Sums, WIDTH, add_complex_products};
pub use isa::Isa;
pub(crate) use isa::{VectorWork, Vectors, WHOLE, Work};
pub use portable::Eight;

use core::ops::{Add, Div, Mul, Sub};

/// Lines in a group of a [`Bank`].
pub const LANES: usize = 8;

/// One sample of one line or of each of several lines.
pub trait Lanes: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    /// Lines.
    const COUNT: usize;

    /// The same value for every line.
    fn splat(value: f32) -> Self;

    /// The value of one line, 0 to `COUNT - 1`.
    fn lane(self, lane: usize) -> f32;

    /// Changes the value of one line.
    fn set_lane(&mut self, lane: usize, value: f32);

    /// The lesser of two values; the other one if either is no number.
    fn lesser(self, other: Self) -> Self;

    /// The greater of two values; the other one if either is no number.
    fn greater(self, other: Self) -> Self;

    /// The square root.
    fn sqrt(self) -> Self;

    /// `then` where `self` is less than `limit`, else `otherwise`: what an `if` is for one line.
    fn where_less(self, limit: Self, then: Self, otherwise: Self) -> Self;
}

/// Eight neighbouring values of one line.
pub(crate) trait Row: Lanes {
    /// The values from memory.
    fn load(values: &[f32; LANES]) -> Self;

    /// Four values from memory, each in two neighbouring places.
    fn twice(values: &[f32; LANES / 2]) -> Self;

    /// The values.
    fn values(self) -> [f32; LANES];

    /// The sum, in halves: `v(i) + v(i+4)`, then `+2`, `+1`.
    fn sum(self) -> f32;

    /// The least value; none of them is no number.
    fn least(self) -> f32;

    /// All values but the first, and the first of `next` behind them.
    fn followed_by(self, next: Self) -> Self;

    /// Value `places[i]` at place i.
    fn permuted(self, places: &[i32; LANES]) -> Self;

    /// The places of `mask` in every value's bits replaced by those of its label.
    fn labelled(self, mask: i32, labels: &[i32; LANES]) -> Self;

    /// The lowest octet of every value's bits, the first in the lowest places.
    fn lowest_octets(self) -> u64;
}

impl Lanes for f32 {
    const COUNT: usize = 1;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn lane(self, _: usize) -> f32 {
        self
    }

    #[inline(always)]
    fn set_lane(&mut self, _: usize, value: f32) {
        *self = value;
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        libm::sqrtf(self)
    }

    #[inline(always)]
    fn where_less(self, limit: Self, then: Self, otherwise: Self) -> Self {
        if self < limit { then } else { otherwise }
    }
}

/// A piece of signal processing that is the same for every line.
///
/// The kernel itself holds what is fixed, its state what changes from sample to sample.
pub trait Kernel {
    /// What one group of lines remembers.
    type State<V: Lanes>: Clone;

    /// The state before the first sample.
    fn state<V: Lanes>(&self) -> Self::State<V>;

    /// The state of one line of a group.
    fn extract<V: Lanes>(&self, state: &Self::State<V>, lane: usize) -> Self::State<f32>;

    /// Puts the state of one line into a group.
    fn insert<V: Lanes>(&self, state: &mut Self::State<V>, lane: usize, line: &Self::State<f32>);

    /// Takes samples and writes results; how many results is the kernel's to say. Mark it `#[inline(always)]`, so
    /// that it is compiled for each instruction set.
    fn run<V: Lanes>(&self, state: &mut Self::State<V>, samples: &[V], results: &mut [V]);
}
