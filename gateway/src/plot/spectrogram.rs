//! Level over time and frequency.

use realfft::RealFftPlanner;

/// Samples of one transform: 64 ms, 15.6 Hz apart.
const LENGTH: usize = 512;
/// Levels from here up to 0 are told apart, in decibels below the strongest.
const RANGE_DB: f32 = 62.0;

/// Levels on a grid of columns (time) and rows (0 to 4 kHz).
pub(super) struct Spectrogram {
    levels: Vec<f32>,
    rows: usize,
}

impl Spectrogram {
    pub(super) fn new(samples: &[f32], columns: usize, rows: usize) -> Self {
        let mut levels = vec![0.0; columns * rows];
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(LENGTH);
        let window: Vec<f32> = (0..LENGTH).map(|n| hann(n as f32 / LENGTH as f32)).collect();
        let (mut block, mut bins, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        for column in 0..columns {
            let first = column * samples.len() / columns.max(1);
            let last = ((column + 1) * samples.len() / columns.max(1)).max(first + 1);
            let mut power = vec![0.0f32; bins.len()];
            // A column may cover more time than one transform: the strongest of several is shown.
            for start in (first..last).step_by(LENGTH / 2) {
                for (n, value) in block.iter_mut().enumerate() {
                    *value = samples.get((start + n).wrapping_sub(LENGTH / 2)).copied().unwrap_or(0.0) * window[n];
                }
                if fft.process_with_scratch(&mut block, &mut bins, &mut scratch).is_ok() {
                    power.iter_mut().zip(&bins).for_each(|(power, bin)| *power = power.max(bin.norm_sqr()));
                }
            }
            for row in 0..rows {
                levels[column * rows + row] = between(&power, row as f32 / rows as f32 * (LENGTH / 2) as f32);
            }
        }
        let most = levels.iter().copied().fold(1e-9, f32::max);
        levels.iter_mut().for_each(|level| *level = 1.0 + 10.0 * (*level / most).max(1e-12).log10() / RANGE_DB);
        Self { levels, rows }
    }

    /// 0 to 1; below 0 for what is too weak.
    pub(super) fn level(&self, column: usize, row: usize) -> f32 {
        self.levels[column * self.rows + row]
    }
}

fn between(power: &[f32], bin: f32) -> f32 {
    let low = (bin as usize).min(power.len() - 2);
    let share = bin - low as f32;
    power[low] * (1.0 - share) + power[low + 1] * share
}

fn hann(turn: f32) -> f32 {
    0.5 - 0.5 * (turn * std::f32::consts::TAU).cos()
}
