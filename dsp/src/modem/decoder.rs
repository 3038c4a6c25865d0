//! Received points to bits: decision, differential decoding, descrambling.

use alloc::{boxed::Box, vec::Vec};

use super::{
    complex::Complex,
    plan::{Coding, Plan},
    slicer::Slicer,
    trellis::Viterbi,
};
use crate::{
    lanes::{Isa, Vectors},
    scrambler::Scrambler,
};

/// The decoder of a plan. Points have mean power one here.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    descrambler: Scrambler,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Phase {
        slicer: Slicer,
        points: Box<[RingPoint]>,
        last_octant: u8,
        bits_by_turn: [u8; 8],
        phase_bits: u32,
        ring_bits: u32,
    },
    Trellis {
        viterbi: Viterbi,
        last_y: u8,
        uncoded_bits: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct RingPoint {
    point: Complex,
    ring: u8,
    octant: u8,
}

/// The bits of a symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// The bits, last on the line in the lowest place.
    pub(super) bits: u32,
    /// How many.
    pub(super) count: u32,
}

impl Word {
    fn descrambled(descrambler: &mut Scrambler, line: u32, count: u32) -> Self {
        Self { bits: descrambler.descramble_word(line, count), count }
    }
}

impl Decoder {
    pub(super) fn new(plan: &Plan, isa: Isa) -> Self {
        let scale = 1.0 / libm::sqrtf(plan.coding.mean_power());
        let kind = match &plan.coding {
            Coding::Phase { turns, rings } => {
                let points = ring_points(rings, plan.coding.octant_step(), scale);
                Kind::Phase {
                    slicer: Slicer::new(points.iter().map(|point| point.point), isa),
                    points,
                    last_octant: 0,
                    bits_by_turn: inverse(turns),
                    phase_bits: turns.len().ilog2(),
                    ring_bits: rings.len().ilog2(),
                }
            }
            Coding::Trellis(points) => Kind::Trellis {
                viterbi: Viterbi::new(points, scale, isa),
                last_y: 0,
                uncoded_bits: points.len().ilog2() - 3,
            },
        };
        Self { descrambler: Scrambler::new(plan.scrambler), kind }
    }

    /// Begins with the scrambler that the sender probably has.
    pub(super) fn restart(&mut self, scrambler: &Scrambler) {
        self.descrambler = scrambler.clone();
        if let Kind::Trellis { viterbi, .. } = &mut self.kind {
            viterbi.restart();
        }
    }

    /// Takes a point, gives words of bits that are decided now, and returns the point that was probably sent.
    #[inline(always)]
    pub(super) fn decode<V: Vectors>(&mut self, received: Complex, mut give: impl FnMut(Word)) -> Complex {
        let descrambler = &mut self.descrambler;
        match &mut self.kind {
            Kind::Phase { slicer, points, last_octant, bits_by_turn, phase_bits, ring_bits } => {
                let nearest = points[slicer.nearest_in::<V>(received)];
                let turn = nearest.octant.wrapping_sub(*last_octant) & 7;
                *last_octant = nearest.octant;
                let value = nearest.ring << *phase_bits | bits_by_turn[usize::from(turn)];
                give(Word::descrambled(descrambler, u32::from(value), *phase_bits + *ring_bits));
                nearest.point
            }
            Kind::Trellis { viterbi, last_y, uncoded_bits } => {
                let (probable, labels) = viterbi.push::<V>(received);
                emit_labels(labels, last_y, *uncoded_bits, descrambler, &mut give);
                probable
            }
        }
    }

    /// The point nearest to a received one, whatever came before.
    pub(super) fn nearest(&self, received: Complex) -> Complex {
        match &self.kind {
            Kind::Phase { slicer, points, .. } => points[slicer.nearest(received)].point,
            Kind::Trellis { viterbi, .. } => viterbi.nearest(received),
        }
    }

    /// Gives the bits that still waited for what follows them.
    pub(super) fn flush(&mut self, mut give: impl FnMut(Word)) {
        if let Kind::Trellis { viterbi, last_y, uncoded_bits } = &mut self.kind {
            emit_labels(viterbi.flush(), last_y, *uncoded_bits, &mut self.descrambler, &mut give);
        }
    }
}

fn emit_labels(
    labels: &[u8],
    last_y: &mut u8,
    uncoded_bits: u32,
    descrambler: &mut Scrambler,
    give: &mut impl FnMut(Word),
) {
    for label in labels {
        let y = label >> 1 & 3;
        let value = y.wrapping_sub(*last_y) & 3 | (label >> 3) << 2;
        *last_y = y;
        // The lowest place is the first on the line.
        let count = uncoded_bits + 2;
        give(Word::descrambled(descrambler, u32::from(value).reverse_bits() >> (32 - count), count));
    }
}

fn ring_points(rings: &[[Complex; 8]], octant_step: usize, scale: f32) -> Box<[RingPoint]> {
    let on_ring = |(ring, points): (usize, &[Complex; 8])| {
        let row: Vec<_> = (0..8)
            .step_by(octant_step)
            .map(|octant| RingPoint { point: points[octant].scale(scale), ring: ring as u8, octant: octant as u8 })
            .collect();
        row
    };
    rings.iter().enumerate().flat_map(on_ring).collect()
}

fn inverse(turns: &[u8]) -> [u8; 8] {
    let mut bits = [0; 8];
    for (value, turn) in turns.iter().enumerate() {
        bits[usize::from(*turn)] = value as u8;
    }
    bits
}
