//! The last samples of a stream, always in one piece.

use alloc::{boxed::Box, vec};

/// The last `len` samples, oldest first, without ever moving them: each is written twice into a ring of double length.
#[derive(Clone, Debug)]
pub struct History {
    ring: Box<[f32]>,
    next: usize,
}

impl History {
    /// A history of `len` samples of silence.
    ///
    /// # Panics
    /// When `len` is zero.
    pub fn new(len: usize) -> Self {
        assert!(len > 0, "a history holds at least one sample");
        Self { ring: vec![0.0; 2 * len].into_boxed_slice(), next: 0 }
    }

    /// Adds a sample and forgets the oldest.
    pub fn push(&mut self, sample: f32) {
        let len = self.ring.len() / 2;
        self.ring[self.next] = sample;
        self.ring[self.next + len] = sample;
        self.next = if self.next + 1 == len { 0 } else { self.next + 1 };
    }

    /// All samples, oldest first.
    pub fn samples(&self) -> &[f32] {
        &self.ring[self.next..self.next + self.ring.len() / 2]
    }

    /// The last `count` samples, oldest first.
    pub fn last(&self, count: usize) -> &[f32] {
        let all = self.samples();
        &all[all.len() - count..]
    }

    /// Back to silence.
    pub fn clear(&mut self) {
        self.ring.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_comes_in_order_across_the_seam_of_the_ring() {
        let mut history = History::new(3);
        for sample in 1..=7 {
            history.push(sample as f32);
        }
        assert_eq!(history.samples(), [5.0, 6.0, 7.0]);
        assert_eq!(history.last(2), [6.0, 7.0]);
    }
}
