//! Solving for the equaliser: the known symbols against what was heard, in one go.

use alloc::{boxed::Box, vec};

use super::{
    complex::Complex,
    equalizer::{Equalizer, MIDDLE, TAPS},
    line::Line,
    sampler::Sampler,
    training::{Found, SECTION},
};

/// Known symbols used at most.
pub(super) const SOLVED: usize = 384;

/// Weight, relative to the signal, that holds every tap to its place on a flat line.
const STIFFNESS: f64 = 0.002;
/// The same for taps half a filter away from the middle.
const EDGE_STIFFNESS: f64 = 0.02;

/// Parts of the known symbols whose errors are told apart, and what one has more than another when they are not alike.
const PARTS: usize = 4;
const UNEVEN: f32 = 2.0;

/// Room for the equations.
#[derive(Clone, Debug)]
pub(super) struct Solver {
    halves: Box<[Complex]>,
    matrix: Box<[[Wide; TAPS]]>,
    right: [Wide; TAPS],
}

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

/// A complex number of double length, for sums of hundreds of products.
#[derive(Clone, Copy, Debug, Default)]
struct Wide {
    re: f64,
    im: f64,
}

impl Solver {
    pub(super) fn new() -> Self {
        Self {
            halves: vec![Complex::ZERO; 2 * SOLVED + TAPS].into_boxed_slice(),
            matrix: vec![[Wide::default(); TAPS]; TAPS].into_boxed_slice(),
            right: [Wide::default(); TAPS],
        }
    }

    /// Sets the equaliser's taps so that the line from the anchor on gives the known symbols.
    pub(super) fn solve(
        &mut self,
        line: &Line,
        sampler: &Sampler,
        found: Found,
        known: &[Complex],
        half_symbol: f64,
        equalizer: &mut Equalizer,
    ) -> Option<Solution> {
        let known = &known[..known.len().min(SOLVED)];
        let offset = self.refine_offset(line, sampler, found, known, half_symbol);
        self.sample(line, sampler, Found { offset, ..found }, known.len(), half_symbol);
        let power = self.halves[..2 * known.len()].iter().map(|half| half.power()).sum::<f32>();
        let gain = libm::sqrtf(2.0 * known.len() as f32 / power.max(1e-3));
        self.halves.iter_mut().for_each(|half| *half = half.scale(gain));
        self.set_up(known);
        self.triangulate()?;
        self.substitute(equalizer);
        Some(Solution { offset, gain, errors: self.errors(known) })
    }

    /// Error power that the taps found leave in each part of the known symbols.
    fn errors(&self, known: &[Complex]) -> [f32; PARTS] {
        let part = known.len().div_ceil(PARTS).max(1);
        let taps = self.right.map(|tap| Complex::new(tap.re as f32, tap.im as f32));
        let error = |symbol: usize| {
            let under = self.halves[2 * symbol..2 * symbol + TAPS].iter();
            let output = under.zip(&taps).fold(Complex::ZERO, |sum, (half, tap)| sum + *half * *tap);
            (known[symbol] - output).power()
        };
        core::array::from_fn(|index| {
            let symbols = index * part..((index + 1) * part).min(known.len());
            let count = symbols.len().max(1) as f32;
            symbols.map(error).sum::<f32>() / count
        })
    }

    /// Fits a line through the phases of all sections.
    fn refine_offset(&self, line: &Line, sampler: &Sampler, found: Found, known: &[Complex], half_symbol: f64) -> f64 {
        let symbol = 2.0 * half_symbol;
        let section_sum = |index: usize| {
            let first = index * SECTION;
            (first..first + SECTION).fold(Complex::ZERO, |sum, place| {
                let after = place as f64 * symbol;
                let heard = sampler.at(line, found.anchor + after, after * found.offset);
                sum + heard * known[place].conj()
            })
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

    fn sample(&mut self, line: &Line, sampler: &Sampler, found: Found, symbols: usize, half_symbol: f64) {
        for (index, half) in self.halves[..2 * symbols + TAPS].iter_mut().enumerate() {
            let after = (index as f64 - MIDDLE as f64) * half_symbol;
            *half = sampler.at(line, found.anchor + after, after * found.offset);
        }
    }

    /// The equations of least squares: correlations of the half symbols with each other and with the known symbols.
    fn set_up(&mut self, known: &[Complex]) {
        self.right.fill(Wide::default());
        for column in 0..2 {
            self.matrix.iter_mut().for_each(|row| row[column] = Wide::default());
        }
        for (symbol, wanted) in known.iter().enumerate() {
            let under = &self.halves[2 * symbol..2 * symbol + TAPS];
            for (row, left) in under.iter().enumerate() {
                self.right[row].add_product(*left, *wanted);
                self.matrix[row][0].add_product(*left, under[0]);
                self.matrix[row][1].add_product(*left, under[1]);
            }
        }
        self.correlate_later(known.len());
        self.hold_to_flat_line(known.len() as f64);
    }

    /// Two half symbols later the correlations are the same, but for the first symbol and one after the last.
    fn correlate_later(&mut self, symbols: usize) {
        let (first, beyond) = (&self.halves[..TAPS], &self.halves[2 * symbols..2 * symbols + TAPS]);
        for row in 2..TAPS {
            for column in 2..=row {
                let mut sum = self.matrix[row - 2][column - 2];
                sum.add_product(beyond[row - 2], beyond[column - 2]);
                sum.add_product(-first[row - 2], first[column - 2]);
                self.matrix[row][column] = sum;
            }
        }
    }

    /// Adds the prior knowledge that most lines are nearly flat, the more the farther from the middle.
    fn hold_to_flat_line(&mut self, symbols: f64) {
        let middle_power = self.matrix[MIDDLE][MIDDLE].re.max(1e-9);
        let flat = Wide { re: self.right[MIDDLE].re / middle_power, im: self.right[MIDDLE].im / middle_power };
        for tap in 0..TAPS {
            let away = (tap as f64 - MIDDLE as f64) / MIDDLE as f64;
            let weight = symbols * (STIFFNESS + EDGE_STIFFNESS * away * away);
            self.matrix[tap][tap].re += weight;
            if tap == MIDDLE {
                self.right[tap].re += weight * flat.re;
                self.right[tap].im += weight * flat.im;
            }
        }
    }

    /// Cholesky's triangle in place of the lower half of the matrix.
    fn triangulate(&mut self) -> Option<()> {
        for row in 0..TAPS {
            for column in 0..=row {
                let mut sum = self.matrix[row][column];
                for inner in 0..column {
                    sum.subtract_product(self.matrix[column][inner], self.matrix[row][inner]);
                }
                if column < row {
                    let pivot = self.matrix[column][column].re;
                    self.matrix[row][column] = Wide { re: sum.re / pivot, im: sum.im / pivot };
                } else if sum.re > 0.0 && sum.re.is_finite() {
                    self.matrix[row][row] = Wide { re: libm::sqrt(sum.re), im: 0.0 };
                } else {
                    return None;
                }
            }
        }
        Some(())
    }

    fn substitute(&mut self, equalizer: &mut Equalizer) {
        for row in 0..TAPS {
            let mut sum = self.right[row];
            for inner in 0..row {
                sum.subtract(self.matrix[row][inner], self.right[inner]);
            }
            let pivot = self.matrix[row][row].re;
            self.right[row] = Wide { re: sum.re / pivot, im: sum.im / pivot };
        }
        for row in (0..TAPS).rev() {
            let mut sum = self.right[row];
            for inner in row + 1..TAPS {
                sum.subtract_product(self.matrix[inner][row], self.right[inner]);
            }
            let pivot = self.matrix[row][row].re;
            self.right[row] = Wide { re: sum.re / pivot, im: sum.im / pivot };
            equalizer.set_tap(row, Complex::new(self.right[row].re as f32, self.right[row].im as f32));
        }
    }
}

impl Wide {
    /// Adds conj(a)·b.
    fn add_product(&mut self, a: Complex, b: Complex) {
        let (a_re, a_im, b_re, b_im) = (f64::from(a.re), f64::from(a.im), f64::from(b.re), f64::from(b.im));
        self.re += a_re * b_re + a_im * b_im;
        self.im += a_re * b_im - a_im * b_re;
    }

    /// Takes off conj(a)·b.
    fn subtract_product(&mut self, a: Self, b: Self) {
        self.re -= a.re * b.re + a.im * b.im;
        self.im -= a.re * b.im - a.im * b.re;
    }

    /// Takes off a·b.
    fn subtract(&mut self, a: Self, b: Self) {
        self.re -= a.re * b.re - a.im * b.im;
        self.im -= a.re * b.im + a.im * b.re;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_carried_on_are_those_summed_up() {
        let mut solver = Solver::new();
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        solver.halves.iter_mut().for_each(|half| *half = Complex::new(random(), random()));
        let known = [Complex::ONE; 100];
        solver.set_up(&known);
        for row in 0..TAPS {
            for column in 0..row {
                let mut sum = Wide::default();
                for symbol in 0..known.len() {
                    sum.add_product(solver.halves[2 * symbol + row], solver.halves[2 * symbol + column]);
                }
                let found = solver.matrix[row][column];
                assert!((found.re - sum.re).abs() + (found.im - sum.im).abs() < 1e-9, "{row} {column}");
            }
        }
    }
}
