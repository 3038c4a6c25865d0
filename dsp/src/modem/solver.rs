//! Solving for the equaliser: the known symbols against what was heard, in one go.

use super::{
    complex::Complex,
    equalizer::{Equalizer, Learned, MIDDLE, TAPS},
    line::Line,
    sampler::{Instants, Sampler},
    training::{Found, SECTION},
};
use crate::lanes::{Isa, Work};

/// Known symbols used at most.
pub(super) const SOLVED: usize = 384;

/// Weight, relative to the signal, that holds every tap to its place on a flat line.
const STIFFNESS: f64 = 0.002;
/// The same for taps half a filter away from the middle.
const EDGE_STIFFNESS: f64 = 0.02;

/// Parts of the known symbols whose errors are told apart, and what one has more than another when they are not alike.
const PARTS: usize = 4;
const UNEVEN: f32 = 2.0;

/// Half symbols that are sampled: those under the taps for every known symbol.
const HALVES: usize = 2 * SOLVED + TAPS;
/// Numbers taken at once.
const WIDTH: usize = 8;

/// What came out besides the taps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solution {
    /// Carrier offset in turns per sample.
    pub(super) offset: f64,
    /// What the baseband must be multiplied by to have power one.
    pub(super) gain: f32,
    /// Error power that the taps leave in each part of the known symbols.
    pub(super) errors: [f32; PARTS],
}

impl Solution {
    /// Mean error power.
    pub(super) fn error(&self) -> f32 {
        self.errors.iter().sum::<f32>() / PARTS as f32
    }

    /// Whether something has happened to the line in between: chance does not make parts so different.
    pub(super) fn is_uneven(&self) -> bool {
        let least = self.errors.iter().copied().fold(f32::INFINITY, f32::min);
        self.worst() > UNEVEN * least
    }

    /// Error power of the part that has most.
    pub(super) fn worst(&self) -> f32 {
        self.errors.iter().copied().fold(0.0, f32::max)
    }
}

/// Numbers of double length, for sums of hundreds of products: real and imaginary parts apart.
type Numbers = [f64; TAPS];

/// The equations of least squares, and the half symbols that they are made of.
///
/// They are on the stack while a line is solved: no receiver keeps them, and many receivers use the same room.
struct Equations {
    re: [f32; HALVES],
    im: [f32; HALVES],
    matrix_re: [Numbers; TAPS],
    matrix_im: [Numbers; TAPS],
    right_re: Numbers,
    right_im: Numbers,
    isa: Isa,
}

/// Sets the equaliser's taps so that the line from the anchor on gives the known symbols.
#[inline(never)]
pub(super) fn solve(
    line: &Line,
    sampler: &Sampler,
    found: Found,
    known: &[Complex],
    half_symbol: f64,
    equalizer: &mut Equalizer,
) -> Option<Solution> {
    let known = &known[..known.len().min(SOLVED)];
    let offset = refine_offset(line, sampler, found, known, half_symbol);
    let mut equations = Equations::new(sampler.isa());
    equations.sample(line, sampler, Found { offset, ..found }, known.len(), half_symbol);
    let gain = equations.normalise(known.len());
    equations.set_up(known);
    if !equations.isa.run(Triangulate { re: &mut equations.matrix_re, im: &mut equations.matrix_im }) {
        return None;
    }
    equations.substitute();
    let taps = [equations.right_re, equations.right_im].map(|part| part.map(|tap| tap as f32));
    equalizer.relearn(&Learned::new(&taps));
    Some(Solution { offset, gain, errors: equations.errors(known, &taps) })
}

/// Fits a line through the phases of all sections.
fn refine_offset(line: &Line, sampler: &Sampler, found: Found, known: &[Complex], half_symbol: f64) -> f64 {
    let symbol = 2.0 * half_symbol;
    let (mut re, mut im) = ([0.0; SOLVED], [0.0; SOLVED]);
    let instants = Instants { anchor: found.anchor, before: 0.0, step: symbol, offset: found.offset };
    sampler.at_each(line, instants, &mut re[..known.len()], &mut im[..known.len()]);
    let section_sum = |index: usize| {
        let first = index * SECTION;
        (first..first + SECTION)
            .fold(Complex::ZERO, |sum, place| sum + Complex::new(re[place], im[place]) * known[place].conj())
    };
    let sections = known.len() / SECTION;
    let mut last = section_sum(0);
    let (mut phase, mut slope) = (0.0, 0.0);
    for index in 1..sections {
        let sum = section_sum(index);
        phase += f64::from((sum * last.conj()).angle());
        last = sum;
        let centred = index as f64 - (sections - 1) as f64 / 2.0;
        slope += centred * phase;
    }
    let count = sections as f64;
    let slope = slope * 12.0 / (count * (count * count - 1.0)).max(1.0);
    found.offset + slope / (2.0 * core::f64::consts::PI * SECTION as f64 * symbol)
}

impl Equations {
    fn new(isa: Isa) -> Self {
        let zero = [0.0; TAPS];
        let (re, im) = ([0.0; HALVES], [0.0; HALVES]);
        Self { re, im, matrix_re: [zero; TAPS], matrix_im: [zero; TAPS], right_re: zero, right_im: zero, isa }
    }

    fn sample(&mut self, line: &Line, sampler: &Sampler, found: Found, symbols: usize, half_symbol: f64) {
        let (anchor, offset) = (found.anchor, found.offset);
        let instants = Instants { anchor, before: MIDDLE as f64, step: half_symbol, offset };
        let count = 2 * symbols + TAPS;
        sampler.at_each(line, instants, &mut self.re[..count], &mut self.im[..count]);
    }

    /// Brings the half symbols to power one; what it took.
    fn normalise(&mut self, symbols: usize) -> f32 {
        let powers = self.re.iter().zip(&self.im).map(|(re, im)| re * re + im * im);
        let power = powers.take(2 * symbols).sum::<f32>();
        let gain = libm::sqrtf(2.0 * symbols as f32 / power.max(1e-3));
        self.re.iter_mut().chain(&mut self.im).for_each(|part| *part *= gain);
        gain
    }

    /// Error power that the taps found leave in each part of the known symbols.
    fn errors(&self, known: &[Complex], [taps_re, taps_im]: &[[f32; TAPS]; 2]) -> [f32; PARTS] {
        let part = known.len().div_ceil(PARTS).max(1);
        let error = |symbol: usize| {
            let under = 2 * symbol..2 * symbol + TAPS;
            let (re, im) = self.isa.dot_complex(&self.re[under.clone()], &self.im[under], taps_re, taps_im);
            (known[symbol] - Complex::new(re, im)).power()
        };
        core::array::from_fn(|index| {
            let symbols = index * part..((index + 1) * part).min(known.len());
            let count = symbols.len().max(1) as f32;
            symbols.map(error).sum::<f32>() / count
        })
    }

    /// Correlations of the half symbols with each other and with the known symbols.
    fn set_up(&mut self, known: &[Complex]) {
        let halves = [Apart::every_other(&self.re, &self.im, 0), Apart::every_other(&self.re, &self.im, 1)];
        let mut wanted = Apart::NOTHING;
        for (place, symbol) in known.iter().enumerate() {
            (wanted.re[place], wanted.im[place]) = (f64::from(symbol.re), f64::from(symbol.im));
        }
        for row in 0..TAPS {
            let (left, first) = (&halves[row % 2], row / 2);
            let with = |right: &Apart| self.isa.run(Correlate { left, first, right, count: known.len() });
            (self.matrix_re[row][0], self.matrix_im[row][0]) = with(&halves[0]);
            (self.matrix_re[row][1], self.matrix_im[row][1]) = with(&halves[1]);
            (self.right_re[row], self.right_im[row]) = with(&wanted);
        }
        self.correlate_later(known.len());
        self.hold_to_flat_line(known.len() as f64);
    }

    /// Two half symbols later the correlations are the same, but for the first symbol and one after the last.
    fn correlate_later(&mut self, symbols: usize) {
        let under = |first: usize| {
            let part = |halves: &[f32; HALVES]| core::array::from_fn(|tap| f64::from(halves[first + tap]));
            (part(&self.re), part(&self.im))
        };
        let (first, beyond): ((Numbers, Numbers), (Numbers, Numbers)) = (under(0), under(2 * symbols));
        for row in 2..TAPS {
            for column in 2..=row {
                let (more_re, more_im) = product(&beyond, row - 2, column - 2);
                let (less_re, less_im) = product(&first, row - 2, column - 2);
                self.matrix_re[row][column] = self.matrix_re[row - 2][column - 2] + more_re - less_re;
                self.matrix_im[row][column] = self.matrix_im[row - 2][column - 2] + more_im - less_im;
            }
        }
    }

    /// Adds the prior knowledge that most lines are nearly flat, the more the farther from the middle.
    fn hold_to_flat_line(&mut self, symbols: f64) {
        let middle_power = self.matrix_re[MIDDLE][MIDDLE].max(1e-9);
        let (flat_re, flat_im) = (self.right_re[MIDDLE] / middle_power, self.right_im[MIDDLE] / middle_power);
        let weight = |tap: usize| {
            let away = (tap as f64 - MIDDLE as f64) / MIDDLE as f64;
            symbols * (STIFFNESS + EDGE_STIFFNESS * away * away)
        };
        (0..TAPS).for_each(|tap| self.matrix_re[tap][tap] += weight(tap));
        self.right_re[MIDDLE] += weight(MIDDLE) * flat_re;
        self.right_im[MIDDLE] += weight(MIDDLE) * flat_im;
    }

    /// Solves both triangles; the taps stand in the right side after it.
    fn substitute(&mut self) {
        for row in 0..TAPS {
            for inner in 0..row {
                let (re, im) = (self.matrix_re[row][inner], self.matrix_im[row][inner]);
                self.subtract(row, inner, re, im);
            }
            self.divide(row);
        }
        for row in (0..TAPS).rev() {
            for inner in row + 1..TAPS {
                let (re, im) = (self.matrix_re[inner][row], self.matrix_im[inner][row]);
                self.subtract(row, inner, re, -im);
            }
            self.divide(row);
        }
    }

    fn subtract(&mut self, row: usize, inner: usize, re: f64, im: f64) {
        let (right_re, right_im) = (self.right_re[inner], self.right_im[inner]);
        self.right_re[row] -= re * right_re - im * right_im;
        self.right_im[row] -= re * right_im + im * right_re;
    }

    fn divide(&mut self, row: usize) {
        let pivot = self.matrix_re[row][row];
        self.right_re[row] /= pivot;
        self.right_im[row] /= pivot;
    }
}

/// The conjugate of one number of a row times another.
fn product((re, im): &(Numbers, Numbers), left: usize, right: usize) -> (f64, f64) {
    (re[left] * re[right] + im[left] * im[right], re[left] * im[right] - im[left] * re[right])
}

/// Every other half symbol, or known symbols, parts apart.
struct Apart {
    re: [f64; HALVES / 2],
    im: [f64; HALVES / 2],
}

impl Apart {
    const NOTHING: Self = Self { re: [0.0; HALVES / 2], im: [0.0; HALVES / 2] };

    fn every_other(re: &[f32; HALVES], im: &[f32; HALVES], first: usize) -> Self {
        let part = |halves: &[f32; HALVES]| core::array::from_fn(|place| f64::from(halves[2 * place + first]));
        Self { re: part(re), im: part(im) }
    }
}

/// The sum of conj(left)·right over `count` places, of the left from `first` on: in eight partial sums over every eighth.
struct Correlate<'a> {
    left: &'a Apart,
    first: usize,
    right: &'a Apart,
    count: usize,
}

impl Work for Correlate<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let left = self.first..self.first + self.count;
        let (left_re, re_rest) = self.left.re[left.clone()].as_chunks::<WIDTH>();
        let (left_im, im_rest) = self.left.im[left].as_chunks::<WIDTH>();
        let (right_re, right_re_rest) = self.right.re[..self.count].as_chunks::<WIDTH>();
        let (right_im, right_im_rest) = self.right.im[..self.count].as_chunks::<WIDTH>();
        let (mut re, mut im) = ([0.0; WIDTH], [0.0; WIDTH]);
        for (((left_re, left_im), right_re), right_im) in left_re.iter().zip(left_im).zip(right_re).zip(right_im) {
            for lane in 0..WIDTH {
                re[lane] += left_re[lane] * right_re[lane] + left_im[lane] * right_im[lane];
                im[lane] += left_re[lane] * right_im[lane] - left_im[lane] * right_re[lane];
            }
        }
        for lane in 0..re_rest.len() {
            re[lane] += re_rest[lane] * right_re_rest[lane] + im_rest[lane] * right_im_rest[lane];
            im[lane] += re_rest[lane] * right_im_rest[lane] - im_rest[lane] * right_re_rest[lane];
        }
        (re.iter().sum(), im.iter().sum())
    }
}

/// Cholesky's triangle in place of the lower half of a matrix; whether there is one. What stands above is of no meaning.
struct Triangulate<'a> {
    re: &'a mut [Numbers; TAPS],
    im: &'a mut [Numbers; TAPS],
}

impl Work for Triangulate<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        for column in 0..TAPS {
            let pivot = self.re[column][column];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return false;
            }
            let pivot = libm::sqrt(pivot);
            self.re[column][column] = pivot;
            // Zero up to the column itself: what is finished there stays as it is, whole chunks are taken.
            let (mut below_re, mut below_im) = ([0.0; TAPS], [0.0; TAPS]);
            for row in column + 1..TAPS {
                self.re[row][column] /= pivot;
                self.im[row][column] /= pivot;
                (below_re[row], below_im[row]) = (self.re[row][column], self.im[row][column]);
            }
            let (below_re_chunks, below_im_chunks) = (below_re.as_chunks::<WIDTH>().0, below_im.as_chunks::<WIDTH>().0);
            for row in column + 1..TAPS {
                let (re, im) = (below_re[row], below_im[row]);
                let (row_re, row_im) = (&mut self.re[row].as_chunks_mut().0, &mut self.im[row].as_chunks_mut().0);
                for chunk in column / WIDTH..=row / WIDTH {
                    let (row_re, row_im): (&mut [f64; WIDTH], _) = (&mut row_re[chunk], &mut row_im[chunk]);
                    let row_im: &mut [f64; WIDTH] = row_im;
                    let (below_re, below_im) = (&below_re_chunks[chunk], &below_im_chunks[chunk]);
                    for lane in 0..WIDTH {
                        row_re[lane] -= below_re[lane] * re + below_im[lane] * im;
                        row_im[lane] -= below_re[lane] * im - below_im[lane] * re;
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_carried_on_are_those_summed_up() {
        let mut equations = Equations::new(Isa::detect());
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        equations.re.iter_mut().chain(&mut equations.im).for_each(|half| *half = random());
        let known = [Complex::ONE; 100];
        equations.set_up(&known);
        for row in 0..TAPS {
            for column in 0..row {
                let (mut re, mut im) = (0.0, 0.0);
                for symbol in 0..known.len() {
                    let at = |tap: usize| {
                        let half = 2 * symbol + tap;
                        (f64::from(equations.re[half]), f64::from(equations.im[half]))
                    };
                    let ((left_re, left_im), (right_re, right_im)) = (at(row), at(column));
                    re += left_re * right_re + left_im * right_im;
                    im += left_re * right_im - left_im * right_re;
                }
                let (away_re, away_im) = (equations.matrix_re[row][column] - re, equations.matrix_im[row][column] - im);
                assert!(away_re.abs() + away_im.abs() < 1e-9, "{row} {column}");
            }
        }
    }

    #[test]
    fn the_triangle_times_its_conjugate_is_the_matrix() {
        for isa in Isa::all() {
            let entry = |row: usize, column: usize| {
                let away = (row as f64 - column as f64) * 0.3;
                let diagonal = if row == column { 1.5 } else { 0.0 };
                (libm::cos(away) / (1.0 + away * away) + diagonal, libm::sin(away) / (1.0 + away * away))
            };
            let part = |of: fn((f64, f64)) -> f64| {
                core::array::from_fn(|row| core::array::from_fn(|column| of(entry(row, column))))
            };
            let (mut re, mut im): ([Numbers; TAPS], [Numbers; TAPS]) =
                (part(|number| number.0), part(|number| number.1));
            assert!(isa.run(Triangulate { re: &mut re, im: &mut im }));
            for row in 0..TAPS {
                for column in 0..=row {
                    let at = |row: usize, inner: usize| {
                        if row == inner { (re[row][inner], 0.0) } else { (re[row][inner], im[row][inner]) }
                    };
                    let sum = (0..=column).fold((0.0, 0.0), |sum, inner| {
                        let (a, b) = (at(row, inner), at(column, inner));
                        (sum.0 + a.0 * b.0 + a.1 * b.1, sum.1 + a.1 * b.0 - a.0 * b.1)
                    });
                    let wanted = entry(row, column);
                    assert!((sum.0 - wanted.0).abs() + (sum.1 - wanted.1).abs() < 1e-9, "{row} {column}");
                }
            }
        }
    }
}
