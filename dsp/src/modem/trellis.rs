//! The 8-state trellis code of ITU-T V.17: convolutional encoder and Viterbi decoder.

mod predicted;

use alloc::{boxed::Box, sync::Arc};

use self::predicted::PathErrors;
use super::complex::Complex;
use crate::lanes::{Isa, LANES, Lanes, Row as Eight, Sums, VectorWork, Vectors, WIDTH};

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
/// Symbols that lie between a symbol and its decision at the least.
const DEPTH: usize = 40;
/// Symbols decided at a time.
const BATCH: usize = 16;
const KEPT: usize = DEPTH + BATCH;
/// Symbols that are gone back over in one step; both numbers above are multiples of it.
const GROUP: usize = 8;
/// Groups kept: a power of two.
const GROUPS: usize = (KEPT / GROUP).next_power_of_two();
/// Places for them: a power of two.
const RING: usize = KEPT.next_power_of_two();

/// Lowest places of a distance or metric that are replaced by what it belongs to, so that the comparison of values finds
/// the label or state along with the least. Values lose less than 2^-16 of themselves. Metrics are compared as
/// integers, which for numbers that are not negative is the same.
const LABEL: i32 = 127;
const STATE: i32 = STATES as i32 - 1;
/// Metric of what cannot be, and more than all distances and metrics.
const FAR: f32 = 1e6;
const BEYOND: f32 = 1e30;

/// The states before each state, by way and state, and the subsets of points on these ways.
const ORIGINS: [[i32; STATES]; WAYS] = origins();
const SUBSETS_OF_WAYS: [[i32; STATES]; WAYS] = subsets_of_ways();
/// The subset of points on the way from a state to a state.
const SUBSET: [[usize; STATES]; STATES] = subsets();
/// Eight times the number of each state.
const ITSELF: [f32; STATES] = {
    let mut states = [0.0; STATES];
    let mut state = 0;
    while state < STATES {
        states[state] = f32::from_bits(8 * state as u32);
        state += 1;
    }
    states
};
/// The numbers of the states.
const NUMBERS: [i32; STATES] = [0, 1, 2, 3, 4, 5, 6, 7];

/// Most likely path through the code, by soft decisions.
#[derive(Clone, Debug)]
pub(super) struct Viterbi {
    constellation: Arc<Constellation>,
    /// Squared distance of the best path to each state, the smallest of all taken off.
    metrics: [f32; STATES],
    survivors: Box<[Survivors; RING]>,
    /// Eight times the state before each state, so many symbols ago as were taken since the last whole group: whole numbers
    /// in the places of values that are only moved.
    before: [f32; STATES],
    /// The same at the end of each group, over all of it, an octet for each state.
    groups: [u64; GROUPS],
    whole_groups: usize,
    /// Symbols taken and symbols decided, since the decoder was made.
    taken: usize,
    done: usize,
    decided: [u8; KEPT],
    /// Paths predict their errors. Labels of survivors then stand by state and not by subset.
    predicts: bool,
    errors: Box<PathErrors>,
    isa: Isa,
}

/// The points, which all decoders of one make share.
#[derive(Debug)]
struct Constellation {
    /// By label.
    points: Box<[Complex]>,
    rows: Box<[Row]>,
}

/// Points with sixteen neighbouring labels, parts apart.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row {
    re: [f32; WIDTH],
    im: [f32; WIDTH],
    labels: [i32; WIDTH],
}

/// Of a symbol, in eight octets: the state before each state, and what is left of the label of each subset's nearest point
/// when the subset is known. All octets are turned round by [`Survivors::TURN`], so that a state before stands as eight times
/// its number.
#[derive(Clone, Copy, Debug)]
struct Survivors(u64);

impl Survivors {
    const NONE: Self = Self(0);
    const TURN: u32 = 3;
    /// The places of a label that tell the subset.
    const SUBSETS: u64 = 7;

    /// From what was least for each state, with the state before it in its lowest places, and for each subset, with the
    /// label of its nearest point.
    #[inline(always)]
    fn new<V: Eight>(metrics: V, distances: V) -> Self {
        Self::of_octets(metrics.lowest_octets(), distances.lowest_octets())
    }

    #[inline(always)]
    fn of_octets(origins: u64, labels: u64) -> Self {
        const EVERY: u64 = 0x0101_0101_0101_0101;
        let (origins, labels) = (origins & (EVERY * STATE as u64), labels & (EVERY * (LABEL as u64 & !Self::SUBSETS)));
        Self((origins | labels).rotate_left(Self::TURN))
    }

    /// Eight times the state before a state on the best path into it.
    #[inline(always)]
    fn origin(self, state: Octet) -> Octet {
        Octet(self.0 >> state.0 & Octet::MASK)
    }

    /// The label on the best path into a state.
    #[inline(always)]
    fn label(self, state: Octet) -> u8 {
        let subset = self.subset(state);
        self.label_at(8 * subset as u64, subset)
    }

    /// The subset of the point on the best path into a state.
    #[inline(always)]
    fn subset(self, state: Octet) -> usize {
        SUBSET[self.origin(state).state()][state.state()]
    }

    /// The label that stands at this octet, of this subset.
    #[inline(always)]
    fn label_at(self, octet: u64, subset: usize) -> u8 {
        let label = self.0.rotate_right(Self::TURN) >> octet;
        label as u8 & (LABEL as u8 & !(Self::SUBSETS as u8)) | subset as u8
    }
}

/// A state by the place of its octet.
#[derive(Clone, Copy, Debug)]
struct Octet(u64);

impl Octet {
    const MASK: u64 = 8 * STATE as u64;

    #[inline(always)]
    fn of(state: i32) -> Self {
        Self(8 * (state & STATE) as u64)
    }

    #[inline(always)]
    fn state(self) -> usize {
        (self.0 / 8) as usize % STATES
    }
}

impl Constellation {
    fn new(points: &[Complex], scale: f32) -> Self {
        let points: Box<[Complex]> = points.iter().map(|point| point.scale(scale)).collect();
        let row = |(number, row): (usize, &[Complex])| Row {
            re: core::array::from_fn(|place| row[place].re),
            im: core::array::from_fn(|place| row[place].im),
            labels: core::array::from_fn(|place| (number * WIDTH + place) as i32),
        };
        Self { rows: points.chunks_exact(WIDTH).enumerate().map(row).collect(), points }
    }

    #[inline(always)]
    fn point(&self, label: u8) -> Complex {
        self.points[usize::from(label) & (self.points.len() - 1)]
    }
}

impl Viterbi {
    /// A decoder for these points by label, times `scale`; there are a power of two, at least sixteen.
    pub(super) fn new(points: &[Complex], scale: f32, isa: Isa) -> Self {
        Self {
            constellation: Arc::new(Constellation::new(points, scale)),
            metrics: [0.0; STATES],
            survivors: Box::new([Survivors::NONE; RING]),
            before: ITSELF,
            groups: [0; GROUPS],
            whole_groups: 0,
            taken: 0,
            done: 0,
            decided: [0; KEPT],
            predicts: false,
            errors: Box::new(PathErrors::NONE),
            isa,
        }
    }

    pub(super) fn restart(&mut self) {
        self.metrics = [0.0; STATES];
        self.done = self.taken;
        self.before = ITSELF;
        self.predicts = false;
    }

    /// What [`Viterbi::push`] takes for each of eight points.
    #[inline(always)]
    pub(super) fn distances<V: Vectors>(&self, received: [Complex; LANES]) -> [V::Row; LANES] {
        let [a, b, c, d, e, f, g, h] = received;
        let rows = &self.constellation.rows;
        let ([a, b, c, d], [e, f, g, h]) =
            (nearest_of_each_subset::<V, 4>(rows, [a, b, c, d]), nearest_of_each_subset::<V, 4>(rows, [e, f, g, h]));
        [a, b, c, d, e, f, g, h]
    }

    /// Takes a point; returns the one probably sent, by the path that is best so far, and labels decided now.
    #[inline(always)]
    pub(super) fn push<V: Vectors>(&mut self, received: Complex, distances: Option<V::Row>) -> (Complex, &[u8]) {
        let distances = match distances {
            Some(distances) => distances,
            None => nearest_of_each_subset::<V, 1>(&self.constellation.rows, [received])[0],
        };
        let Lengthened { metrics, best, origins, survivors } = lengthen_paths(V::Row::load(&self.metrics), distances);
        self.metrics = metrics.values();
        let probable = self.constellation.point(survivors.label(best));
        (probable, self.keep::<V::Row>(survivors, &origins))
    }

    /// Keeps the survivors of a symbol, which have these states before them; labels decided now.
    #[inline(always)]
    fn keep<V: Eight>(&mut self, survivors: Survivors, origins: &[i32; STATES]) -> &[u8] {
        self.survivors[self.taken % RING] = survivors;
        self.taken += 1;
        let before = V::load(&self.before).permuted(origins);
        self.before = before.values();
        if (self.taken - self.done).is_multiple_of(GROUP) {
            self.groups[self.whole_groups % GROUPS] = before.lowest_octets();
            self.whole_groups += 1;
            self.before = ITSELF;
        }
        let decided = if self.taken - self.done == KEPT { self.decide(BATCH) } else { 0 };
        &self.decided[..decided]
    }

    #[cfg(test)]
    fn push_by(&mut self, isa: Isa, received: Complex) -> (Complex, &[u8]) {
        struct Push<'a>(&'a mut Viterbi, Complex);
        impl<'a> VectorWork for Push<'a> {
            type Output = (Complex, &'a [u8]);
            #[inline(always)]
            fn run<V: Vectors>(self) -> Self::Output {
                self.0.push::<V>(self.1, None)
            }
        }
        isa.run_in_vectors(Push(self, received))
    }

    /// The point nearest to a received one, by itself.
    pub(super) fn nearest(&self, received: Complex) -> Complex {
        let nearest = self.isa.run_in_vectors(Nearest { rows: &self.constellation.rows, received });
        self.constellation.point((as_integer(nearest) & LABEL) as u8)
    }

    /// Decides all that is left, by the path that is best now.
    pub(super) fn flush(&mut self) -> &[u8] {
        let decided = self.decide(self.taken - self.done);
        self.before = ITSELF;
        &self.decided[..decided]
    }

    /// Decides the oldest `count` symbols and forgets them.
    fn decide(&mut self, count: usize) -> usize {
        let numbered = |state: usize| as_integer(self.metrics[state]) & !STATE | state as i32;
        let mut state = Octet::of((0..STATES).map(numbered).min().unwrap_or(0));
        // Whole groups, if any, are between what is decided and now.
        for back in 1..=(self.taken - self.done - count) / GROUP {
            state = Octet(self.groups[self.whole_groups.wrapping_sub(back) % GROUPS] >> state.0 & Octet::MASK);
        }
        for place in (0..count).rev() {
            let survivors = self.survivors[(self.done + place) % RING];
            self.decided[place] = self.label(survivors, state);
            state = survivors.origin(state);
        }
        self.done += count;
        count
    }
}

/// Looks for the distance of the nearest point, with its label in the lowest places.
struct Nearest<'a> {
    rows: &'a [Row],
    received: Complex,
}

impl VectorWork for Nearest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<V: Vectors>(self) -> f32 {
        nearest_of_each_subset::<V, 1>(self.rows, [self.received])[0].least()
    }
}

/// Squared distance of received points to the nearest point of each subset, with its label in the lowest places.
#[inline(always)]
fn nearest_of_each_subset<V: Vectors, const COUNT: usize>(rows: &[Row], received: [Complex; COUNT]) -> [V::Row; COUNT] {
    let mut least = [V::Sums::splat(BEYOND).labelled(LABEL, &[0; WIDTH]); COUNT];
    for row in rows {
        for (least, received) in least.iter_mut().zip(received) {
            let (re, im) = (V::Sums::splat(received.re), V::Sums::splat(received.im));
            *least = row.distances(re, im).lesser(*least);
        }
    }
    let mut nearest = [V::Row::splat(BEYOND); COUNT];
    for (nearest, least) in nearest.iter_mut().zip(least) {
        let (even, odd) = least.halves();
        *nearest = even.lesser(odd);
    }
    nearest
}

impl Row {
    #[inline(always)]
    fn distances<S: Sums>(&self, re: S, im: S) -> S {
        let (away_re, away_im) = (re.minus(S::load(&self.re)), im.minus(S::load(&self.im)));
        away_re.times(away_re).plus(away_im.times(away_im)).labelled(LABEL, &self.labels)
    }
}

/// The best paths with one more symbol.
struct Lengthened<V> {
    metrics: V,
    best: Octet,
    /// The state before each state, in the lowest places.
    origins: [i32; STATES],
    survivors: Survivors,
}

/// Adds, compares and selects.
#[inline(always)]
fn lengthen_paths<V: Eight>(metrics: V, distances: V) -> Lengthened<V> {
    let [a, b, c, d] = [
        lengthened(metrics, distances, 0),
        lengthened(metrics, distances, 1),
        lengthened(metrics, distances, 2),
        lengthened(metrics, distances, 3),
    ];
    let best = a.lesser(b).lesser(c.lesser(d));
    let (metrics, state) = settled(best);
    let (origins, survivors) = (best.values().map(as_integer), Survivors::new(best, distances));
    Lengthened { metrics, best: state, origins, survivors }
}

/// Metrics of the best paths to each state without their least, and the best state.
#[inline(always)]
fn settled<V: Eight>(best: V) -> (V, Octet) {
    let least = as_integer(best.labelled(STATE, &NUMBERS).least());
    let without_least = best.labelled(STATE, &[0; STATES]) - V::splat(as_number(least & !STATE));
    // The lowest places may have hidden which of two almost equal metrics is the smaller.
    (without_least.greater(V::splat(0.0)).lesser(V::splat(FAR)), Octet::of(least))
}

#[inline(always)]
fn as_integer(value: f32) -> i32 {
    value.to_bits() as i32
}

#[inline(always)]
fn as_number(value: i32) -> f32 {
    f32::from_bits(value as u32)
}

/// Metrics of the paths that reach each state in one of its ways, with the state before it in the lowest places.
#[inline(always)]
fn lengthened<V: Eight>(metrics: V, distances: V, way: usize) -> V {
    let metric = metrics.permuted(&ORIGINS[way]) + distances.permuted(&SUBSETS_OF_WAYS[way]);
    metric.labelled(STATE, &ORIGINS[way])
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

const fn origins() -> [[i32; STATES]; WAYS] {
    let mut origins = [[0; STATES]; WAYS];
    let mut found = [0; STATES];
    let mut way = 0;
    while way < STATES * WAYS {
        let from = way / WAYS;
        let to = Convolution(from as u8).after((way % WAYS) as u8).1.0 as usize;
        origins[found[to]][to] = from as i32;
        found[to] += 1;
        way += 1;
    }
    origins
}

const fn subsets_of_ways() -> [[i32; STATES]; WAYS] {
    let mut subsets = [[0; STATES]; WAYS];
    let mut way = 0;
    while way < STATES * WAYS {
        let (rank, to) = (way / STATES, way % STATES);
        subsets[rank][to] = SUBSET[ORIGINS[rank][to] as usize][to] as i32;
        way += 1;
    }
    subsets
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
        let isa = Isa::detect();
        let mut viterbi = Viterbi::new(&POINTS_14400, 1.0, isa);
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
            decoded.extend_from_slice(viterbi.push_by(isa, point).1);
        }
        decoded.extend_from_slice(viterbi.flush());
        assert!(nearest_is_wrong > 400, "{nearest_is_wrong}");
        assert_eq!(sent, decoded);
    }
}
