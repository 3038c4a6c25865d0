//! Eight lanes on any machine.

use core::ops::{Add, Div, Mul, Sub};

use crate::lanes::{LANES, Lanes, Row};

/// One sample of each of eight lines: the form in which a [`Bank`](super::Bank) takes and gives samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub struct Eight(pub [f32; LANES]);

impl Eight {
    /// Lays eight lines side by side. All slices have one length.
    pub fn interleave(lines: [&[f32]; LANES], out: &mut [Self]) {
        for (at, out) in out.iter_mut().enumerate() {
            *out = Self(lines.map(|line| line[at]));
        }
    }

    /// The sum, in halves: `v(i) + v(i+4)`, then `+2`, `+1`.
    #[inline(always)]
    pub fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self(core::array::from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

impl Add for Eight {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Eight {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Eight {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Div for Eight {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
}

impl Lanes for Eight {
    const COUNT: usize = LANES;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn lane(self, lane: usize) -> f32 {
        self.0[lane]
    }

    #[inline(always)]
    fn set_lane(&mut self, lane: usize, value: f32) {
        self.0[lane] = value;
    }

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        self.zip(other, f32::lesser)
    }

    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self.zip(other, f32::greater)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(Lanes::sqrt))
    }

    #[inline(always)]
    fn where_less(self, limit: Self, then: Self, otherwise: Self) -> Self {
        let choose = |lane: usize| self.0[lane].where_less(limit.0[lane], then.0[lane], otherwise.0[lane]);
        Self(core::array::from_fn(choose))
    }
}

impl Row for Eight {
    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    fn twice(values: &[f32; LANES / 2]) -> Self {
        Self(core::array::from_fn(|lane| values[lane / 2]))
    }

    #[inline(always)]
    fn values(self) -> [f32; LANES] {
        self.0
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        Self::sum(self)
    }

    #[inline(always)]
    fn least(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        a.lesser(e).lesser(c.lesser(g)).lesser(b.lesser(f).lesser(d.lesser(h)))
    }

    #[inline(always)]
    fn followed_by(self, next: Self) -> Self {
        let [_, b, c, d, e, f, g, h] = self.0;
        Self([b, c, d, e, f, g, h, next.0[0]])
    }

    #[inline(always)]
    fn permuted(self, places: &[i32; LANES]) -> Self {
        Self(places.map(|place| self.0[place as usize % LANES]))
    }

    #[inline(always)]
    fn labelled(self, mask: i32, labels: &[i32; LANES]) -> Self {
        let labelled = |lane: usize| f32::from_bits(self.0[lane].to_bits() & !(mask as u32) | labels[lane] as u32);
        Self(core::array::from_fn(labelled))
    }

    #[inline(always)]
    fn lowest_octets(self) -> u64 {
        u64::from_le_bytes(self.0.map(|value| value.to_bits() as u8))
    }
}
