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
        Some(Solution { offset, gain })
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

    fn set_up(&mut self, known: &[Complex]) {
        self.matrix.fill([Wide::default(); TAPS]);
        self.right.fill(Wide::default());
        for (symbol, wanted) in known.iter().enumerate() {
            let under = &self.halves[2 * symbol..2 * symbol + TAPS];
            for (row, left) in under.iter().enumerate() {
                self.right[row].add_product(*left, *wanted);
                for (column, value) in under[..=row].iter().enumerate() {
                    self.matrix[row][column].add_product(*left, *value);
                }
            }
        }
        self.hold_to_flat_line(known.len() as f64);
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
