//! Data bits to symbols: scrambling, differential coding, mapping.

use super::{
    complex::Complex,
    plan::{Coding, Plan},
    trellis::Convolution,
};
use crate::scrambler::Scrambler;

/// The coder between the bits and the points of a plan.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    plan: &'static Plan,
    scrambler: Scrambler,
    /// Octant of the last symbol, or Y2 Y1 of V.17.
    phase: u8,
    convolution: Convolution,
}

impl Encoder {
    /// A coder with a clear scrambler at phase 0.
    pub(super) fn new(plan: &'static Plan) -> Self {
        let scrambler = Scrambler::new(plan.scrambler);
        Self { plan, scrambler, phase: 0, convolution: Convolution::default() }
    }

    /// Begins again from this scrambler state and this phase, in the coding's own units.
    pub(super) fn start(&mut self, scrambler: Scrambler, phase: u8) {
        self.scrambler = scrambler;
        self.phase = phase;
        self.convolution = Convolution::default();
    }

    /// The next symbol, with bits taken from `next_bit`, first on the line first.
    pub(super) fn symbol(&mut self, mut next_bit: impl FnMut() -> bool) -> Complex {
        match &self.plan.coding {
            Coding::Phase { turns, rings } => {
                let ring = self.draw(rings.len().ilog2(), &mut next_bit);
                let turn = turns[self.draw(turns.len().ilog2(), &mut next_bit)];
                self.phase = (self.phase + turn) & 7;
                rings[ring][usize::from(self.phase)]
            }
            Coding::Trellis(points) => {
                let quarter = self.draw_low_first(2, &mut next_bit);
                let uncoded = self.draw_low_first(points.len().ilog2() - 3, &mut next_bit);
                self.phase = (self.phase + quarter) & 3;
                let y0 = self.convolution.step(self.phase);
                points[usize::from(uncoded << 3 | self.phase << 1 | y0)]
            }
        }
    }

    fn draw(&mut self, count: u32, next_bit: &mut impl FnMut() -> bool) -> usize {
        (0..count).fold(0, |value, _| value << 1 | usize::from(self.scrambler.scramble(next_bit())))
    }

    fn draw_low_first(&mut self, count: u32, next_bit: &mut impl FnMut() -> bool) -> u8 {
        (0..count).fold(0, |value, place| value | u8::from(self.scrambler.scramble(next_bit())) << place)
    }
}
