//! The 8-state trellis code of ITU-T V.17: convolutional encoder and Viterbi decoder.

use alloc::boxed::Box;

use super::complex::Complex;
use crate::lanes::{Isa, Work};

/// State of the convolutional encoder, 0 to 7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Convolution(u8);

impl Convolution {
    /// Takes Y2 Y1 as a number and gives Y0.
    pub(super) fn step(&mut self, y: u8) -> u8 {
        let (y0, next) = self.after(y);
        *self = next;
        y0
    }

    /// Y0 and the state after Y2 Y1.
    const fn after(self, y: u8) -> (u8, Self) {
        let (y1, y2) = (y & 1, y >> 1 & 1);
        let (t1, t2, t3) = (self.0 & 1, self.0 >> 1 & 1, self.0 >> 2 & 1);
        let n1 = y2 ^ t2 ^ (y1 & t1);
        let n2 = y2 ^ y1 ^ t3 ^ ((y2 ^ t2) & t1);
        (t1, Self(n1 | n2 << 1 | t1 << 2))
    }
}

/// States of the code.
const STATES: usize = 8;
/// Ways into a state.
const WAYS: usize = 4;
/// Subsets of points.
const SUBSETS: usize = 8;
/// Symbols that lie between a symbol and its decision at the least.
const DEPTH: usize = 40;
/// Symbols decided at a time.
const BATCH: usize = 16;
const KEPT: usize = DEPTH + BATCH;

/// Lowest places of a distance or metric that are replaced by what it belongs to, so that the comparison of values finds
/// the label or state along with the least. Values lose less than 2^-16 of themselves. Metrics are compared as
/// integers, which for numbers that are not negative is the same.
const LABEL: i32 = 127;
const STATE: i32 = STATES as i32 - 1;
/// Metric of what cannot be, and more than all distances and metrics.
const FAR: f32 = 1e6;
const BEYOND: f32 = 1e30;

/// The states before each state, by way and state.
const ORIGINS: [[usize; STATES]; WAYS] = origins();
/// The subset of points on the way from a state to a state.
const SUBSET: [[usize; STATES]; STATES] = subsets();

/// Most likely path through the code, by soft decisions.
#[derive(Clone, Debug)]
pub(super) struct Viterbi {
    /// The points by row of eight labels, parts apart.
    rows: Box<[Row]>,
    /// Squared distance of the best path to each state, the smallest of all taken off.
    metrics: [f32; STATES],
    survivors: Box<[Survivors; KEPT]>,
    filled: usize,
    decided: [u8; KEPT],
    isa: Isa,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    re: [f32; SUBSETS],
    im: [f32; SUBSETS],
    labels: [i32; SUBSETS],
}

/// Of a symbol: the state before each state on the best path, and the label of the nearest point of each subset.
#[derive(Clone, Copy, Debug)]
struct Survivors {
    origins: [u8; STATES],
    labels: [u8; SUBSETS],
}

impl Survivors {
    /// The label on the best path into a state, and the state before it.
    fn step_back(&self, state: usize) -> (u8, usize) {
        let origin = usize::from(self.origins[state]) % STATES;
        (self.labels[SUBSET[origin][state]], origin)
    }
}

impl Viterbi {
    /// A decoder for these points by label, times `scale`.
    pub(super) fn new(points: &[Complex], scale: f32, isa: Isa) -> Self {
        let points: Box<[Complex]> = points.iter().map(|point| point.scale(scale)).collect();
        let row = |(number, row): (usize, &[Complex])| Row {
            re: core::array::from_fn(|subset| row[subset].re),
            im: core::array::from_fn(|subset| row[subset].im),
            labels: core::array::from_fn(|subset| (number * SUBSETS + subset) as i32),
        };
        Self {
            rows: points.chunks_exact(SUBSETS).enumerate().map(row).collect(),
            metrics: [0.0; STATES],
            survivors: Box::new([Survivors { origins: [0; STATES], labels: [0; SUBSETS] }; KEPT]),
            filled: 0,
            decided: [0; KEPT],
            isa,
        }
    }

    fn point(&self, label: usize) -> Complex {
        let row = &self.rows[label / SUBSETS % self.rows.len()];
        Complex::new(row.re[label % SUBSETS], row.im[label % SUBSETS])
    }

    pub(super) fn restart(&mut self) {
        self.metrics = [0.0; STATES];
        self.filled = 0;
    }

    /// Takes a point; returns the one probably sent, by the path that is best so far, and labels decided now.
    pub(super) fn push(&mut self, received: Complex) -> (Complex, &[u8]) {
        let (rows, metrics, survivors) = (&*self.rows, &mut self.metrics, &mut self.survivors[self.filled]);
        let best = self.isa.run(Step { rows, received, metrics, survivors });
        let probable = self.point(usize::from(self.survivors[self.filled].step_back(best).0));
        self.filled += 1;
        let decided = if self.filled == KEPT { self.decide(BATCH) } else { 0 };
        (probable, &self.decided[..decided])
    }

    /// The point nearest to a received one, by itself.
    pub(super) fn nearest(&self, received: Complex) -> Complex {
        let distances = self.isa.run(Nearest { rows: &self.rows, received });
        let nearest = distances.into_iter().fold(i32::MAX, i32::min);
        self.point((nearest & LABEL) as usize)
    }

    /// Decides all that is left, by the path that is best now.
    pub(super) fn flush(&mut self) -> &[u8] {
        let decided = self.decide(self.filled);
        &self.decided[..decided]
    }

    /// Decides the oldest `count` symbols and forgets them.
    fn decide(&mut self, count: usize) -> usize {
        let mut state = best_state(&self.metrics.map(as_integer));
        for age in (0..self.filled).rev() {
            (self.decided[age], state) = self.survivors[age].step_back(state);
        }
        self.survivors.copy_within(count..self.filled, 0);
        self.filled -= count;
        count
    }
}

/// One symbol of the decoder; gives the best state.
struct Step<'a> {
    rows: &'a [Row],
    received: Complex,
    metrics: &'a mut [f32; STATES],
    survivors: &'a mut Survivors,
}

impl Work for Step<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let distances = nearest_of_each_subset(self.rows, self.received);
        self.survivors.labels = distances.map(|distance| (distance & LABEL) as u8);
        lengthen_paths(self.metrics, &distances, &mut self.survivors.origins)
    }
}

/// Looks for the nearest point of each subset.
struct Nearest<'a> {
    rows: &'a [Row],
    received: Complex,
}

impl Work for Nearest<'_> {
    type Output = [i32; SUBSETS];

    #[inline(always)]
    fn run(self) -> [i32; SUBSETS] {
        nearest_of_each_subset(self.rows, self.received)
    }
}

/// Squared distance to the nearest point of each subset, with its label in the lowest places.
#[inline(always)]
fn nearest_of_each_subset(rows: &[Row], received: Complex) -> [i32; SUBSETS] {
    let mut best = core::array::from_fn(|subset| as_number(as_integer(BEYOND) & !LABEL | subset as i32));
    let (pairs, _) = rows.as_chunks();
    for [row, other_row] in pairs {
        let (distances, others) = (row.distances(received), other_row.distances(received));
        for subset in 0..SUBSETS {
            best[subset] = lesser(lesser(distances[subset], others[subset]), best[subset]);
        }
    }
    best.map(as_integer)
}

impl Row {
    #[inline(always)]
    fn distances(&self, received: Complex) -> [f32; SUBSETS] {
        core::array::from_fn(|subset| {
            let (away_re, away_im) = (received.re - self.re[subset], received.im - self.im[subset]);
            let distance = as_integer(away_re * away_re + away_im * away_im);
            as_number(distance & !LABEL | self.labels[subset])
        })
    }
}

/// The lesser of two numbers; the second if the first is none.
#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Adds, compares and selects: metrics and origins of the best paths with one more symbol. Returns the best state.
#[inline(always)]
fn lengthen_paths(metrics: &mut [f32; STATES], distances: &[i32; SUBSETS], origins: &mut [u8; STATES]) -> usize {
    let distances = distances.map(as_number);
    let mut best = [i32::MAX; STATES];
    for from in &ORIGINS {
        for state in 0..STATES {
            let metric = as_integer(metrics[from[state]] + distances[SUBSET[from[state]][state]]);
            best[state] = best[state].min(metric & !STATE | from[state] as i32);
        }
    }
    *origins = best.map(|metric| (metric & STATE) as u8);
    let state = best_state(&best);
    let least = as_number(best[state] & !STATE);
    // The lowest places may have hidden which of two almost equal metrics is the smaller.
    *metrics = best.map(|metric| within(as_number(metric & !STATE) - least, 0.0, FAR));
    state
}

#[inline(always)]
fn best_state(metrics: &[i32; STATES]) -> usize {
    let numbered: [i32; STATES] = core::array::from_fn(|state| metrics[state] & !STATE | state as i32);
    let [a, b, c, d, e, f, g, h] = numbered;
    let best = a.min(e).min(c.min(g)).min(b.min(f).min(d.min(h)));
    (best & STATE) as usize
}

#[inline(always)]
fn as_integer(value: f32) -> i32 {
    value.to_bits() as i32
}

#[inline(always)]
fn as_number(value: i32) -> f32 {
    f32::from_bits(value as u32)
}

#[inline(always)]
fn within(value: f32, least: f32, most: f32) -> f32 {
    lesser(if value > least { value } else { least }, most)
}

const fn subsets() -> [[usize; STATES]; STATES] {
    let mut subsets = [[0; STATES]; STATES];
    let mut way = 0;
    while way < STATES * WAYS {
        let (from, y) = (way / WAYS, (way % WAYS) as u8);
        let (y0, to) = Convolution(from as u8).after(y);
        subsets[from][to.0 as usize] = (y << 1 | y0) as usize;
        way += 1;
    }
    subsets
}

const fn origins() -> [[usize; STATES]; WAYS] {
    let mut origins = [[0; STATES]; WAYS];
    let mut found = [0; STATES];
    let mut way = 0;
    while way < STATES * WAYS {
        let from = way / WAYS;
        let to = Convolution(from as u8).after((way % WAYS) as u8).1.0 as usize;
        origins[found[to]][to] = from;
        found[to] += 1;
        way += 1;
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::{super::v17_points::POINTS_14400, Convolution, Viterbi};
    use crate::lanes::Isa;
    use std::vec::Vec;

    #[test]
    fn a_path_is_decoded_though_every_third_point_is_nearer_to_a_wrong_one() {
        let mut state = 1_u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut coder = Convolution::default();
        let mut viterbi = Viterbi::new(&POINTS_14400, 1.0, Isa::detect());
        let (mut sent, mut decoded) = (Vec::new(), Vec::new());
        let mut nearest_is_wrong = 0;
        for symbol in 0..2000 {
            let y = (random() & 3) as u8;
            let label = ((random() & 15) as u8) << 3 | y << 1 | coder.step(y);
            let mut point = POINTS_14400[usize::from(label)];
            // Points are 1.41 apart: 0.75 towards a neighbour is beyond the middle.
            if symbol % 3 == 0 {
                point.re += 0.53;
                point.im += 0.53;
            }
            nearest_is_wrong += usize::from(viterbi.nearest(point) != POINTS_14400[usize::from(label)]);
            sent.push(label);
            decoded.extend_from_slice(viterbi.push(point).1);
        }
        decoded.extend_from_slice(viterbi.flush());
        assert!(nearest_is_wrong > 400, "{nearest_is_wrong}");
        assert_eq!(sent, decoded);
    }
}
