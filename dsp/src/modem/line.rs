//! The last stretch of the received line: raw samples that the receiver can go back over.

use alloc::{boxed::Box, vec};

/// Samples kept.
pub(super) const KEPT: usize = 8192;

/// A ring of samples, stored twice so that every stretch of it lies in one piece.
#[derive(Clone, Debug)]
pub(super) struct Line {
    twice: Box<[f32]>,
    heard: u64,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { twice: vec![0.0; 2 * KEPT].into_boxed_slice(), heard: 0 }
    }

    /// Samples heard so far: the index of the next one.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    /// Takes samples; what is not a number or beyond any scale is brought into range.
    pub(super) fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            let sane = if sample.is_nan() { 0.0 } else { sample.clamp(-65536.0, 65536.0) };
            let place = self.heard as usize % KEPT;
            self.twice[place] = sane;
            self.twice[place + KEPT] = sane;
            self.heard += 1;
        }
    }

    /// `count` samples from index `first`, which may lie before the beginning: zeros there.
    ///
    /// They must be heard and still kept.
    pub(super) fn stretch(&self, first: i64, count: usize) -> &[f32] {
        let place = first.rem_euclid(KEPT as i64) as usize;
        &self.twice[place..place + count]
    }

    /// [`Line::stretch`] of a length known beforehand.
    #[inline]
    pub(super) fn piece<const COUNT: usize>(&self, first: i64) -> &[f32; COUNT] {
        let place = first.rem_euclid(KEPT as i64) as usize;
        self.twice[place..].first_chunk().expect("the line is stored twice")
    }

    /// Mean square of `count` samples that end before index `end`.
    pub(super) fn mean_square(&self, end: i64, count: usize) -> f32 {
        let sum: f32 = self.stretch(end - count as i64, count).iter().map(|sample| sample * sample).sum();
        sum / count as f32
    }

    pub(super) fn restart(&mut self) {
        self.twice.fill(0.0);
        self.heard = 0;
    }
}
