//! Received points to bits: decision, differential decoding, descrambling.

use alloc::{boxed::Box, vec::Vec};

use super::{
    complex::Complex,
    plan::{Coding, Plan},
    predictor::{Errors, Predictor},
    slicer::Slicer,
    trellis::Viterbi,
};
use crate::{
    lanes::{Isa, LANES, Vectors},
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
        labels: Labels,
    },
}

#[derive(Clone, Copy, Debug)]
struct RingPoint {
    point: Complex,
    ring: u8,
    octant: u8,
}

/// The bits of a symbol, or of some.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    /// The bits, last on the line in the lowest place.
    pub(super) bits: u32,
    /// How many.
    pub(super) count: u32,
}

impl Word {
    #[inline(always)]
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
                labels: Labels { last_y: 0, uncoded_bits: points.len().ilog2() - 3 },
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

    /// Takes a point, gives words of bits that are decided now, a symbol's each or of some symbols `together`, and returns
    /// the point that was probably sent. What [`Decoder::distances`] gave for the point need not be measured again.
    #[inline(always)]
    pub(super) fn decode<V: Vectors>(
        &mut self,
        received: Complex,
        distances: Option<V::Row>,
        together: bool,
        mut give: impl FnMut(Word),
    ) -> Complex {
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
            Kind::Trellis { viterbi, labels } => {
                let (probable, decided) = viterbi.push::<V>(received, distances);
                if !decided.is_empty() {
                    labels.give(decided, if together { TOGETHER } else { 1 }, descrambler, give);
                }
                probable
            }
        }
    }

    /// From the next point on errors are predicted, after these of the symbols before.
    pub(super) fn predict_after(&mut self, errors: &Errors) {
        if let Kind::Trellis { viterbi, .. } = &mut self.kind {
            viterbi.predict_after(errors);
        }
    }

    /// The last errors tell nothing of the next.
    pub(super) fn forget_errors(&mut self) {
        if let Kind::Trellis { viterbi, .. } = &mut self.kind {
            viterbi.forget_errors();
        }
    }

    /// [`Decoder::decode`] with the point's error predicted. Neither part of an error counts for more than `most`.
    #[inline(always)]
    pub(super) fn decode_predicted<V: Vectors>(
        &mut self,
        received: Complex,
        predictor: &Predictor,
        most: f32,
        together: bool,
        give: impl FnMut(Word),
    ) -> Complex {
        match &mut self.kind {
            Kind::Phase { .. } => self.decode::<V>(received + predictor.next(), None, together, give),
            Kind::Trellis { viterbi, labels } => {
                let (probable, decided) = viterbi.push_predicted::<V>(received, predictor.weights(), most);
                if !decided.is_empty() {
                    labels.give(decided, if together { TOGETHER } else { 1 }, &mut self.descrambler, give);
                }
                probable
            }
        }
    }

    /// What [`Decoder::decode`] must measure for each of eight points, if it must. Decoders of one plan measure the same.
    #[inline(always)]
    pub(super) fn distances<V: Vectors>(&self, received: [Complex; LANES]) -> [Option<V::Row>; LANES] {
        match &self.kind {
            Kind::Phase { .. } => [None; LANES],
            Kind::Trellis { viterbi, .. } => {
                let mut distances = [None; LANES];
                for (place, measured) in distances.iter_mut().zip(viterbi.distances::<V>(received)) {
                    *place = Some(measured);
                }
                distances
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
    pub(super) fn flush(&mut self, give: impl FnMut(Word)) {
        if let Kind::Trellis { viterbi, labels } = &mut self.kind {
            labels.give(viterbi.flush(), 1, &mut self.descrambler, give);
        }
    }
}

/// Symbols of which the bits may be given together: no more than 31 bits.
const TOGETHER: usize = 4;

/// Labels of points to bits, by ITU-T V.17.
#[derive(Clone, Debug)]
struct Labels {
    last_y: u8,
    uncoded_bits: u32,
}

impl Labels {
    #[inline]
    fn give(&mut self, labels: &[u8], together: usize, descrambler: &mut Scrambler, mut give: impl FnMut(Word)) {
        let count = self.uncoded_bits + 2;
        for labels in labels.chunks(together) {
            let line = labels.iter().fold(0, |line, label| line << count | self.line_bits(*label));
            give(Word::descrambled(descrambler, line, count * labels.len() as u32));
        }
    }

    /// The bits of a symbol, first on the line in the highest place.
    #[inline]
    fn line_bits(&mut self, label: u8) -> u32 {
        /// Numbers of two and four places with these turned round: the lowest place is the first on the line.
        const TURNED_2: [u8; 4] = [0, 2, 1, 3];
        const TURNED_4: [u8; 16] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
        let y = label >> 1 & 3;
        let turn = y.wrapping_sub(self.last_y) & 3;
        self.last_y = y;
        let uncoded = u32::from(TURNED_4[usize::from(label >> 3 & 15)]) >> (4 - self.uncoded_bits);
        u32::from(TURNED_2[usize::from(turn)]) << self.uncoded_bits | uncoded
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
