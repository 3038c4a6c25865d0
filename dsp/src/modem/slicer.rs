//! The nearest of a few points.

use super::complex::Complex;
use crate::lanes::{Isa, LANES, Lanes, Row, VectorWork, Vectors};

/// Points at most.
const POINTS: usize = 16;
/// Places of a distance that hold the number of the point: the comparison of distances finds it along with them.
const NUMBER: i32 = POINTS as i32 - 1;
const NUMBERS: [[i32; LANES]; 2] = [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]];
/// Where points stand that there are not.
const NOWHERE: f32 = 1e6;

/// Up to sixteen points, to find the nearest of.
#[derive(Clone, Debug)]
pub(super) struct Slicer {
    re: [[f32; LANES]; 2],
    im: [[f32; LANES]; 2],
    count: usize,
    isa: Isa,
}

impl Slicer {
    /// For these points, at most sixteen.
    pub(super) fn new(points: impl Iterator<Item = Complex>, isa: Isa) -> Self {
        let mut slicer = Self { re: [[NOWHERE; LANES]; 2], im: [[NOWHERE; LANES]; 2], count: 0, isa };
        for point in points {
            let (half, place) = (slicer.count / LANES, slicer.count % LANES);
            (slicer.re[half][place], slicer.im[half][place]) = (point.re, point.im);
            slicer.count += 1;
        }
        slicer
    }

    /// The number of the nearest point, the first given being 0.
    pub(super) fn nearest(&self, received: Complex) -> usize {
        self.isa.run_in_vectors(Nearest { slicer: self, received })
    }

    /// [`Slicer::nearest`] in vectors.
    #[inline(always)]
    pub(super) fn nearest_in<V: Vectors>(&self, received: Complex) -> usize {
        let (re, im) = (V::Row::splat(received.re), V::Row::splat(received.im));
        let first: V::Row = self.distances(re, im, 0);
        let nearest = if self.count <= LANES { first } else { self.distances(re, im, 1).lesser(first) }.least();
        ((nearest.to_bits() as i32 & NUMBER) as usize).min(self.count - 1)
    }

    /// Squared distances to half of the points, with their numbers in the lowest places.
    #[inline(always)]
    fn distances<V: Row>(&self, re: V, im: V, half: usize) -> V {
        let (away_re, away_im) = (re - V::load(&self.re[half]), im - V::load(&self.im[half]));
        (away_re * away_re + away_im * away_im).labelled(NUMBER, &NUMBERS[half])
    }
}

/// Looks for the number of the point nearest to a received one.
struct Nearest<'a> {
    slicer: &'a Slicer,
    received: Complex,
}

impl VectorWork for Nearest<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<V: Vectors>(self) -> usize {
        self.slicer.nearest_in::<V>(self.received)
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
