//! The nearest of a few points.

use super::complex::Complex;
use crate::lanes::{Isa, Work};

/// Points at most.
const POINTS: usize = 16;
/// Places of a distance that hold the number of the point: the comparison of distances finds it along with them.
const NUMBER: u32 = POINTS as u32 - 1;
/// Where points stand that there are not.
const NOWHERE: f32 = 1e6;

/// Up to sixteen points, to find the nearest of.
#[derive(Clone, Debug)]
pub(super) struct Slicer {
    re: [f32; POINTS],
    im: [f32; POINTS],
    count: usize,
    isa: Isa,
}

impl Slicer {
    /// For these points, at most sixteen.
    pub(super) fn new(points: impl Iterator<Item = Complex>, isa: Isa) -> Self {
        let mut slicer = Self { re: [NOWHERE; POINTS], im: [NOWHERE; POINTS], count: 0, isa };
        for point in points {
            (slicer.re[slicer.count], slicer.im[slicer.count]) = (point.re, point.im);
            slicer.count += 1;
        }
        slicer
    }

    /// The number of the nearest point, the first given being 0.
    pub(super) fn nearest(&self, received: Complex) -> usize {
        self.isa.run(Nearest { re: &self.re, im: &self.im, received }).min(self.count - 1)
    }
}

/// Looks for the number of the point nearest to a received one.
struct Nearest<'a> {
    re: &'a [f32; POINTS],
    im: &'a [f32; POINTS],
    received: Complex,
}

impl Work for Nearest<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let mut numbered = [0.0; POINTS];
        for (number, numbered) in numbered.iter_mut().enumerate() {
            let (away_re, away_im) = (self.received.re - self.re[number], self.received.im - self.im[number]);
            let distance = away_re * away_re + away_im * away_im;
            *numbered = f32::from_bits(distance.to_bits() & !NUMBER | number as u32);
        }
        let mut half = POINTS / 2;
        while half > 0 {
            for number in 0..half {
                let other = numbered[number + half];
                numbered[number] = if other < numbered[number] { other } else { numbered[number] };
            }
            half /= 2;
        }
        (numbered[0].to_bits() & NUMBER) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_nearest_to_itself_and_to_its_neighbourhood() {
        for count in [4, 8, 16] {
            let point = |number: usize| Complex::new((number % 4) as f32, (number / 4) as f32);
            for isa in Isa::all() {
                let slicer = Slicer::new((0..count).map(point), isa);
                for number in 0..count {
                    assert_eq!(slicer.nearest(point(number) + Complex::new(0.4, -0.4)), number);
                }
                assert!(slicer.nearest(Complex::new(f32::NAN, f32::INFINITY)) < count);
            }
        }
    }
}
