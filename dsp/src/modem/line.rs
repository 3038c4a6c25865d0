//! The last stretch of the received line: raw samples that the receiver can go back over.

use alloc::{boxed::Box, vec};

/// Samples kept.
pub(super) const KEPT: usize = 8192;

/// Samples of the longest stretch that is asked for: 256 symbols at 1200 baud are 1707.
const LONGEST: usize = 2048;

/// Samples that a receiver takes between two looks at its state.
pub(super) const PIECE: usize = 16;

/// A ring of samples. Those at its beginning are stored at its end, too, so that every stretch lies in one piece.
#[derive(Clone, Debug)]
pub(super) struct Line {
    ring: Box<[f32]>,
    heard: u64,
}

impl Line {
    pub(super) fn new() -> Self {
        // A piece that begins among those stored twice may end behind them.
        Self { ring: vec![0.0; KEPT + LONGEST + PIECE].into_boxed_slice(), heard: 0 }
    }

    /// Samples heard so far: the index of the next one.
    pub(super) fn heard(&self) -> u64 {
        self.heard
    }

    /// Takes samples; what is not a number or beyond any scale is brought into range.
    pub(super) fn push(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let place = self.heard as usize % KEPT;
            let (now, later) = rest.split_at(rest.len().min(KEPT - place));
            for (kept, sample) in self.ring[place..].iter_mut().zip(now) {
                *kept = in_range(*sample);
            }
            if place < LONGEST {
                let again = now.len().min(LONGEST - place);
                self.ring.copy_within(place..place + again, place + KEPT);
            }
            self.heard += now.len() as u64;
            rest = later;
        }
    }

    /// Whether a piece can be taken at once.
    #[inline(always)]
    pub(super) fn takes_piece(&self) -> bool {
        self.heard as usize % KEPT <= KEPT - PIECE
    }

    /// Takes a piece at once, as [`Line::push`] does; the samples as they are kept.
    #[inline(always)]
    pub(super) fn push_piece(&mut self, piece: &[f32; PIECE]) -> [f32; PIECE] {
        let place = self.heard as usize % KEPT;
        let mut kept = [0.0; PIECE];
        for (kept, sample) in kept.iter_mut().zip(piece) {
            *kept = in_range(*sample);
        }
        self.ring[place..place + PIECE].copy_from_slice(&kept);
        if place < LONGEST {
            self.ring[place + KEPT..place + KEPT + PIECE].copy_from_slice(&kept);
        }
        self.heard += PIECE as u64;
        kept
    }

    /// `count` samples from index `first`, which may lie before the beginning: zeros there.
    ///
    /// They must be heard and still kept, and no more than [`LONGEST`].
    pub(super) fn stretch(&self, first: i64, count: usize) -> &[f32] {
        let place = first.rem_euclid(KEPT as i64) as usize;
        &self.ring[place..place + count]
    }

    /// [`Line::stretch`] of a length known beforehand.
    #[inline(always)]
    pub(super) fn piece<const COUNT: usize>(&self, first: i64) -> &[f32; COUNT] {
        let place = first as usize % KEPT;
        self.ring[place..].first_chunk().expect("the beginning of the ring is behind its end, too")
    }

    /// Mean square of `count` samples that end before index `end`.
    pub(super) fn mean_square(&self, end: i64, count: usize) -> f32 {
        let sum: f32 = self.stretch(end - count as i64, count).iter().map(|sample| sample * sample).sum();
        sum / count as f32
    }

    pub(super) fn restart(&mut self) {
        self.ring.fill(0.0);
        self.heard = 0;
    }
}

#[inline(always)]
fn in_range(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-65536.0, 65536.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_kept_as_samples_are_wherever_they_begin() {
        let (mut by_piece, mut by_sample) = (Line::new(), Line::new());
        for round in 0..3 * KEPT / PIECE {
            let piece: [f32; PIECE] = core::array::from_fn(|at| (round * PIECE + at) as f32);
            if by_piece.takes_piece() {
                assert_eq!(by_piece.push_piece(&piece), piece);
            } else {
                by_piece.push(&piece);
            }
            piece.iter().for_each(|sample| by_sample.push(&[*sample]));
            // Now and then the pieces begin elsewhere.
            if round % 100 == 99 {
                by_piece.push(&[f32::NAN]);
                by_sample.push(&[0.0]);
            }
            let first = by_piece.heard() as i64 - LONGEST as i64;
            assert_eq!(by_piece.stretch(first, LONGEST), by_sample.stretch(first, LONGEST), "{round}");
        }
    }
}
