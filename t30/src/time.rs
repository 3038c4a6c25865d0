//! Line time: 125 µs ticks since the line was opened, one for each sample at 8000 samples per second.

use std::{
    fmt,
    ops::{Add, AddAssign, Mul, Sub},
};

/// Ticks in a second.
pub const TICKS_PER_SECOND: u64 = 8000;

/// A moment on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineTime(pub u64);

/// A length of line time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineSpan(pub u64);

impl LineTime {
    /// The opening of the line.
    pub const ZERO: Self = Self(0);

    /// The span since `earlier`; zero when that is later.
    pub fn since(self, earlier: Self) -> LineSpan {
        LineSpan(self.0.saturating_sub(earlier.0))
    }
}

impl LineSpan {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of milliseconds.
    pub const fn ms(ms: u64) -> Self {
        Self(ms * TICKS_PER_SECOND / 1000)
    }

    /// Whole milliseconds, rounded down.
    pub const fn as_ms(self) -> u64 {
        self.0 * 1000 / TICKS_PER_SECOND
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / TICKS_PER_SECOND as f64
    }
}

impl Add<LineSpan> for LineTime {
    type Output = Self;
    fn add(self, span: LineSpan) -> Self {
        Self(self.0 + span.0)
    }
}

impl Sub<LineSpan> for LineTime {
    type Output = Self;
    fn sub(self, span: LineSpan) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl AddAssign<LineSpan> for LineTime {
    fn add_assign(&mut self, span: LineSpan) {
        self.0 += span.0;
    }
}

impl Add for LineSpan {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Mul<u64> for LineSpan {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        Self(self.0 * times)
    }
}

impl fmt::Display for LineTime {
    /// Seconds with three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0 as f64 / TICKS_PER_SECOND as f64)
    }
}
