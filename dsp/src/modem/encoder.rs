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

    /// The next symbol, of bits that `next_word` gives, so many at a time, first on the line in the highest place.
    #[inline(always)]
    pub(super) fn symbol(&mut self, next_word: impl FnOnce(u32) -> u32) -> Complex {
        let count = self.plan.coding.bits_per_symbol();
        let word = self.scrambler.scramble_word(next_word(count), count);
        match &self.plan.coding {
            Coding::Phase { turns, rings } => {
                let turn = turns[word as usize & (turns.len() - 1)];
                let ring = word as usize >> turns.len().ilog2();
                self.phase = (self.phase + turn) & 7;
                rings[ring][usize::from(self.phase)]
            }
            Coding::Trellis(points) => {
                let uncoded = low_first(word, count - 2);
                let quarter = low_first(word >> (count - 2), 2);
                self.phase = (self.phase + quarter) & 3;
                let y0 = self.convolution.step(self.phase);
                points[usize::from(uncoded << 3 | self.phase << 1 | y0)]
            }
        }
    }
}

/// The lowest `count` places of a word, 0 to 4, turned round.
#[inline(always)]
fn low_first(word: u32, count: u32) -> u8 {
    const TURNED: [u8; 16] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
    TURNED[word as usize & 15] >> (4 - count)
}
