//! Complex numbers, as far as modems need them.

use core::ops::{Add, AddAssign, Mul, Neg, Sub};

/// A complex number; as a symbol: real part in phase with the carrier's cosine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
}

impl Complex {
    /// Zero: silence.
    pub const ZERO: Self = Self::new(0.0, 0.0);
    /// One.
    pub const ONE: Self = Self::new(1.0, 0.0);

    /// A number from its parts.
    pub const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }

    /// The mirror image at the real axis.
    pub fn conj(self) -> Self {
        Self::new(self.re, -self.im)
    }

    /// Squared magnitude.
    pub fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    /// Both parts times a real factor.
    pub fn scale(self, factor: f32) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }

    /// Turned by this many quarter turns counter-clockwise, exactly.
    pub fn quarter_turns(self, turns: u8) -> Self {
        match turns & 3 {
            0 => self,
            1 => Self::new(-self.im, self.re),
            2 => -self,
            _ => Self::new(self.im, -self.re),
        }
    }

    /// Angle in radians, -π to π.
    pub fn angle(self) -> f32 {
        libm::atan2f(self.im, self.re)
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl AddAssign for Complex {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}
