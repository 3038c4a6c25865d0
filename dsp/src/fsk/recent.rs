//! The newest samples of a line in one piece, with those of a block that are not heard yet behind them.

use alloc::{boxed::Box, vec};

/// Samples that may be stored before they are heard.
pub(super) const AHEAD: usize = 240;

/// The last samples heard, oldest first, and those to come.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    samples: Box<[f32]>,
    /// Samples wanted of those heard.
    wanted: usize,
    heard: usize,
    stored: usize,
}

impl Recent {
    /// The last `wanted` samples, of silence.
    pub(super) fn new(wanted: usize) -> Self {
        Self { samples: vec![0.0; wanted + 2 * AHEAD].into_boxed_slice(), wanted, heard: wanted, stored: wanted }
    }

    /// Stores samples, at most [`AHEAD`]; all that were stored before are heard.
    #[inline(always)]
    pub(super) fn store(&mut self, samples: &[f32]) {
        if self.stored + samples.len() > self.samples.len() {
            self.begin_again();
        }
        self.samples[self.stored..][..samples.len()].copy_from_slice(samples);
        self.stored += samples.len();
    }

    #[inline(never)]
    fn begin_again(&mut self) {
        self.samples.copy_within(self.heard - self.wanted..self.heard, 0);
        (self.heard, self.stored) = (self.wanted, self.wanted);
    }

    /// Hears so many of the samples stored.
    #[inline(always)]
    pub(super) fn hear(&mut self, count: usize) {
        self.heard += count;
    }

    /// The last samples heard, oldest first.
    #[inline(always)]
    pub(super) fn samples(&self) -> &[f32] {
        &self.samples[self.heard - self.wanted..self.heard]
    }

    /// Back to silence.
    pub(super) fn clear(&mut self) {
        self.samples.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn the_last_samples_heard_are_there_however_they_came() {
        let mut recent = Recent::new(5);
        let mut all: Vec<f32> = [0.0; 5].into();
        for block in (1..200).cycle().take(1000) {
            let samples: Vec<f32> = (0..block).map(|sample| (1000 * block + sample) as f32).collect();
            recent.store(&samples);
            for sample in samples {
                all.push(sample);
                recent.hear(1);
                assert_eq!(recent.samples(), &all[all.len() - 5..]);
            }
        }
    }
}
