//! Runs of received bits with marks, and the queue of bits to send.
//!
//! Both are sized once, when they are made, and never grow while samples run.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::units::SampleIndex;

/// What a demodulator found at a place in its bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// Energy of the right kind appeared; no bits yet.
    CarrierUp,
    /// Training succeeded; the next bit is the first after the training sequence.
    Trained(Evm),
    /// There was a carrier, but no training sequence in it that could be followed.
    TrainingFailed,
    /// The carrier went away; bits before this mark are the last of the signal.
    CarrierDown,
}

/// Error vector magnitude at the end of training, in decibels relative to the mean symbol power (negative: good).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Evm(pub f32);

/// A mark, the bit it stands before and the sample it happened at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkedBit {
    /// The mark stands before this bit of the run; equal to the length: after the last.
    pub bit: usize,
    /// When it happened on the line, detection delay taken off, counted from the demodulator's first sample.
    pub at: SampleIndex,
    /// What happened.
    pub mark: Mark,
}

/// Bits that one run of a demodulator gave, in line order, with marks between them.
#[derive(Clone, Debug)]
pub struct BitRun {
    bits: Vec<bool>,
    marks: Vec<MarkedBit>,
    lost: u64,
}

impl BitRun {
    /// A run with room for `bits` bits and 16 marks.
    pub fn with_room(bits: usize) -> Self {
        Self { bits: Vec::with_capacity(bits), marks: Vec::with_capacity(16), lost: 0 }
    }

    /// Adds a bit. One that finds no room is counted in [`BitRun::lost`].
    pub fn push(&mut self, bit: bool) {
        if self.bits.len() < self.bits.capacity() {
            self.bits.push(bit);
        } else {
            self.lost += 1;
        }
    }

    /// Adds `count` bits, 1 to 32, the first in the highest of the lowest `count` places of `word`.
    #[inline(always)]
    pub fn push_word(&mut self, word: u32, count: u32) {
        let highest_first = (word << (u32::BITS - count)).to_be_bytes();
        let (before, room) = (self.bits.len(), self.bits.capacity() - self.bits.len());
        // As many as a length that the compiler knows, and those that are too many taken off again.
        match count {
            ..=8 if room >= 8 => self.bits.extend_from_slice(&bits_of_octet(highest_first[0])),
            _ if room >= 32 => {
                let bits = [0, 1, 2, 3].map(|octet| bits_of_octet(highest_first[octet]));
                self.bits.extend_from_slice(bits.as_flattened());
            }
            _ => return self.push_bits(word, count),
        }
        self.bits.truncate(before + count as usize);
    }

    #[inline(never)]
    fn push_bits(&mut self, word: u32, count: u32) {
        (0..count).rev().for_each(|place| self.push(word >> place & 1 == 1));
    }

    /// Adds a mark behind the last bit. One that finds no room is counted in [`BitRun::lost`].
    pub fn mark(&mut self, at: SampleIndex, mark: Mark) {
        if self.marks.len() < self.marks.capacity() {
            self.marks.push(MarkedBit { bit: self.bits.len(), at, mark });
        } else {
            self.lost += 1;
        }
    }

    /// The bits, first on the line first.
    pub fn bits(&self) -> &[bool] {
        &self.bits
    }

    /// The marks, in order.
    pub fn marks(&self) -> &[MarkedBit] {
        &self.marks
    }

    /// Bits and marks that found no room since the run was made; not zero is a fault in the caller's sizing.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Forgets bits and marks; the room stays.
    pub fn clear(&mut self) {
        self.bits.clear();
        self.marks.clear();
    }
}

/// The bits of an octet, highest first.
#[inline(always)]
fn bits_of_octet(octet: u8) -> [bool; 8] {
    /// Each bit of the octet is brought to the highest place of an octet of its own, highest first.
    const APART: u64 = 0x8040_2010_0804_0201;
    let apart = u64::from(octet).wrapping_mul(APART) >> 7 & 0x0101_0101_0101_0101;
    apart.to_le_bytes().map(|bit| bit == 1)
}

/// Bits waiting to be modulated: a ring of fixed size.
#[derive(Clone, Debug)]
pub struct BitQueue {
    ring: Box<[bool]>,
    first: usize,
    len: usize,
    finished: bool,
}

impl BitQueue {
    /// A queue with room for `bits` bits.
    pub fn with_room(bits: usize) -> Self {
        Self { ring: vec![false; bits].into_boxed_slice(), first: 0, len: 0, finished: false }
    }

    /// How many more bits it can take.
    #[inline]
    pub fn room(&self) -> usize {
        self.ring.len() - self.len
    }

    /// Bits waiting.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No bit is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a bit.
    ///
    /// # Panics
    /// When there is no room: ask [`BitQueue::room`] first.
    #[inline]
    pub fn push(&mut self, bit: bool) {
        assert!(self.room() > 0, "the caller asks for room before it pushes bits");
        self.ring[self.around(self.first + self.len)] = bit;
        self.len += 1;
    }

    /// Adds the eight bits of an octet, least significant first, as T.30 and T.4 octets go to the line.
    pub fn push_octet(&mut self, octet: u8) {
        for place in 0..8 {
            self.push(octet >> place & 1 == 1);
        }
    }

    /// Takes the next bit.
    #[inline]
    pub fn pop(&mut self) -> Option<bool> {
        if self.len == 0 {
            return None;
        }
        let bit = self.ring[self.first];
        self.first = self.around(self.first + 1);
        self.len -= 1;
        Some(bit)
    }

    /// Takes the next `count` bits, at most 31, the first in the highest of the lowest `count` places; ones where none wait.
    #[inline(always)]
    pub fn pop_word(&mut self, count: u32) -> u32 {
        /// Brings the lowest places of eight octets together, that of the first into the highest place.
        const TOGETHER: u64 = 0x8040_2010_0804_0201;
        let (first, end) = (self.first, self.first + count as usize);
        let octets = self.ring.get(first..first + 8).and_then(|bits| bits.first_chunk::<8>());
        match octets {
            Some(bits) if count <= 8 && count as usize <= self.len => {
                let word = u64::from_le_bytes(bits.map(u8::from)).wrapping_mul(TOGETHER) >> 56;
                self.first = self.around(end);
                self.len -= count as usize;
                (word >> (8 - count)) as u32
            }
            _ => self.pop_bits(count),
        }
    }

    #[inline(never)]
    fn pop_bits(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |word, _| word << 1 | u32::from(self.pop().unwrap_or(true)))
    }

    /// A place in the ring, less than twice round.
    #[inline]
    fn around(&self, place: usize) -> usize {
        if place < self.ring.len() { place } else { place - self.ring.len() }
    }

    /// Says that no bit follows those waiting: the modulator ends the signal after them.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether [`BitQueue::finish`] was called and every bit is taken.
    #[inline]
    pub fn is_drained(&self) -> bool {
        self.finished && self.len == 0
    }

    /// Empties the queue for the next signal.
    pub fn clear(&mut self) {
        self.first = 0;
        self.len = 0;
        self.finished = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn bit(place: usize) -> bool {
        place * place % 7 < 3
    }

    #[test]
    fn words_leave_a_queue_as_bits_do_wherever_they_lie_in_the_ring() {
        let (mut by_word, mut by_bit) = (BitQueue::with_room(37), BitQueue::with_room(37));
        let mut pushed = 0;
        for count in (1..=9).chain([31]).cycle().take(2000) {
            while by_word.room() > usize::from(pushed % 5 == 0) {
                by_word.push(bit(pushed));
                by_bit.push(bit(pushed));
                pushed += 1;
            }
            let single = (0..count).fold(0, |word, _| word << 1 | u32::from(by_bit.pop().unwrap_or(true)));
            assert_eq!(by_word.pop_word(count), single);
            assert_eq!(by_word.len(), by_bit.len());
        }
    }

    #[test]
    fn a_run_takes_words_as_bits_as_far_as_there_is_room() {
        for count in 1..=32 {
            let (mut by_word, mut by_bit) = (BitRun::with_room(100), BitRun::with_room(100));
            for word in 0..120_u32 {
                let word = word.wrapping_mul(0x9E37_79B9);
                by_word.push_word(word, count);
                (0..count).rev().for_each(|place| by_bit.push(word >> place & 1 == 1));
                let places: Vec<bool> = by_bit.bits().into();
                assert_eq!((by_word.bits(), by_word.lost()), (places.as_slice(), by_bit.lost()));
            }
        }
    }
}
