//! The pseudo-random test pattern of ITU-T O.150, x^23 + x^18 + 1, and counting of errors in it.

use alloc::boxed::Box;

/// Generator of the pattern: b(n) = b(n-18) + b(n-23), not inverted.
#[derive(Clone, Debug)]
pub struct Prbs {
    state: u32,
}

const REGISTER: u32 = 0x7F_FFFF;

impl Prbs {
    /// The pattern from this state of the register; 0 stands for all ones.
    pub fn new(seed: u32) -> Self {
        let state = if seed & REGISTER == 0 { REGISTER } else { seed & REGISTER };
        Self { state }
    }
}

impl Iterator for Prbs {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        let bit = (self.state >> 22 ^ self.state >> 17) & 1;
        self.state = (self.state << 1 | bit) & REGISTER;
        Some(bit == 1)
    }
}

/// A message of the pattern, to judge received bits by.
#[derive(Clone, Debug)]
pub struct PrbsMessage {
    bits: Box<[bool]>,
}

/// How received bits compare with a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// The message was found in them. If not, the other numbers are zero.
    pub locked: bool,
    /// Bits of the message that were received.
    pub bits: usize,
    /// Those that were wrong.
    pub errors: usize,
    /// Place of the message's first bit among the received ones; negative: it was missed.
    pub offset: isize,
    /// Times bits were inserted or lost within the message.
    pub slips: usize,
}

/// Bits that are compared at a time once the message is found.
const BLOCK: usize = 512;

impl PrbsMessage {
    /// The first `bits` bits of the pattern.
    pub fn new(seed: u32, bits: usize) -> Self {
        Self { bits: Prbs::new(seed).take(bits).collect() }
    }

    /// The message's bits.
    pub fn bits(&self) -> &[bool] {
        &self.bits
    }

    /// Finds the message within 400 bits before and 1600 bits after its proper place, and counts.
    ///
    /// Blocks of 512 bits with more than 30 % of errors are looked for up to 40 bits away.
    pub fn score(&self, received: &[bool]) -> Score {
        let Some(offset) = self.find(received) else { return Score::default() };
        let mut score = Score { locked: true, offset, ..Score::default() };
        let mut offset = offset;
        for first in (0..self.bits.len()).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(self.bits.len());
            let (mut compared, mut errors) = self.compare(received, block.clone(), offset);
            if compared >= 64 && errors * 10 > compared * 3 {
                let near = (offset - 40..=offset + 40).map(|near| (self.compare(received, block.clone(), near), near));
                let best = near.filter(|((count, _), _)| *count >= compared).min_by_key(|((_, wrong), _)| *wrong);
                if let Some(((count, wrong), place)) = best
                    && wrong * 5 < count
                {
                    score.slips += 1;
                    (offset, compared, errors) = (place, count, wrong);
                }
            }
            score.bits += compared;
            score.errors += errors;
        }
        score
    }

    /// The offset with the fewest errors in up to 1000 bits a little way into the message, if they are few.
    fn find(&self, received: &[bool]) -> Option<isize> {
        let skip = if self.bits.len() > 2000 { 200 } else { 0 };
        let window = skip..self.bits.len().min(skip + 1000);
        let whole = (-400..=1600).map(|offset| (self.compare(received, window.clone(), offset), offset));
        let ((bits, errors), offset) =
            whole.filter(|((bits, _), _)| *bits == window.len()).min_by_key(|((_, errors), _)| *errors)?;
        (bits >= 20 && errors * 100 <= bits * 38).then_some(offset)
    }

    /// Bits of a part of the message that were received, and how many of them were wrong.
    fn compare(&self, received: &[bool], part: core::ops::Range<usize>, offset: isize) -> (usize, usize) {
        let first = part.start.max((-offset).max(0) as usize);
        let last = part.end.min((received.len() as isize - offset).max(0) as usize);
        if first >= last {
            return (0, 0);
        }
        let there = &received[(first as isize + offset) as usize..(last as isize + offset) as usize];
        let errors = self.bits[first..last].iter().zip(there).filter(|(sent, got)| sent != got).count();
        (last - first, errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn errors_and_slips_are_counted() {
        let message = PrbsMessage::new(5, 10_000);
        let mut received: Vec<bool> = [true; 17].into_iter().chain(message.bits().iter().copied()).collect();
        let clean = message.score(&received);
        assert_eq!(clean, Score { locked: true, bits: 10_000, errors: 0, offset: 17, slips: 0 });
        received[3000] ^= true;
        received.remove(7_000);
        let score = message.score(&received);
        assert!(score.locked && score.slips == 1 && score.errors > 1 && score.errors < 300, "{score:?}");
    }

    #[test]
    fn what_is_not_the_message_is_not_found() {
        let other: Vec<bool> = Prbs::new(77).skip(100_000).take(12_000).collect();
        assert!(!PrbsMessage::new(5, 10_000).score(&other).locked);
    }
}
