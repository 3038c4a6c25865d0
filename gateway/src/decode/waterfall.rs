//! Level over time and frequency of a recording of any length, in bounded memory.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

/// Samples of one transform: 32 ms, 31 Hz apart.
const LENGTH: usize = 256;
/// Frequencies from 0 to 4 kHz.
pub const ROWS: usize = LENGTH / 2;
/// Columns at most; beyond them every two become one.
const MOST: usize = 4096;
/// Decibels told apart below the strongest.
const RANGE: f32 = 62.0;

/// A waterfall under way, then one at rest.
pub struct Waterfall {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    waiting: Vec<f32>,
    columns: Vec<[f32; ROWS]>,
    /// Transforms in a column, and those in the last.
    each: usize,
    in_last: usize,
}

impl Default for Waterfall {
    fn default() -> Self {
        let window = |n: usize| 0.5 - 0.5 * (n as f32 / LENGTH as f32 * std::f32::consts::TAU).cos();
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(LENGTH),
            window: (0..LENGTH).map(window).collect(),
            waiting: Vec::with_capacity(2 * LENGTH),
            columns: Vec::new(),
            each: 1,
            in_last: 0,
        }
    }
}

impl Waterfall {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.waiting.extend_from_slice(samples);
        let mut taken = 0;
        while self.waiting.len() - taken >= LENGTH {
            self.transform(taken);
            taken += LENGTH;
        }
        self.waiting.drain(..taken);
    }

    fn transform(&mut self, from: usize) {
        let (mut block, mut bins) = (self.fft.make_input_vec(), self.fft.make_output_vec());
        let samples = &self.waiting[from..from + LENGTH];
        block.iter_mut().zip(samples.iter().zip(&self.window)).for_each(|(to, (sample, window))| *to = sample * window);
        if self.fft.process(&mut block, &mut bins).is_err() {
            return;
        }
        if self.in_last == 0 || self.in_last == self.each {
            self.make_room();
            self.columns.push([0.0; ROWS]);
            self.in_last = 0;
        }
        self.in_last += 1;
        if let Some(column) = self.columns.last_mut() {
            column.iter_mut().zip(&bins).for_each(|(power, bin)| *power = power.max(bin.norm_sqr()));
        }
    }

    fn make_room(&mut self) {
        if self.columns.len() < MOST {
            return;
        }
        let merged = |pair: &[[f32; ROWS]]| std::array::from_fn(|row| pair[0][row].max(pair[1][row]));
        self.columns = self.columns.chunks_exact(2).map(merged).collect();
        self.each *= 2;
    }

    /// Columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Level at a part of the time and of 4 kHz, 0 to 1; below 0 for what is too weak.
    pub fn level(&self, time: f32, frequency: f32, strongest: f32) -> f32 {
        let place = |part: f32, count: usize| ((part * count as f32) as usize).min(count.saturating_sub(1));
        let power =
            self.columns.get(place(time, self.columns.len())).map_or(0.0, |column| column[place(frequency, ROWS)]);
        1.0 + 10.0 * (power / strongest).max(1e-12).log10() / RANGE
    }

    /// The largest power there is.
    pub fn strongest(&self) -> f32 {
        self.columns.iter().flatten().copied().fold(1e-9, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_stands_in_its_row_however_long_it_is() {
        let mut waterfall = Waterfall::default();
        let samples: Vec<f32> =
            (0..80_000).map(|at| (at as f32 * std::f32::consts::TAU / 8.0).sin() * 1000.0).collect();
        (0..40).for_each(|_| waterfall.push(&samples));
        assert!(waterfall.columns() <= MOST);
        let strongest = waterfall.strongest();
        assert!(waterfall.level(0.5, 0.252, strongest) > 0.95 && waterfall.level(0.5, 0.6, strongest) < 0.2);
    }
}
