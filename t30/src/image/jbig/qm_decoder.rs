//! The arithmetic decoder of ITU-T T.82 (03/93) 6.8.3: octets to symbols.

use super::states::{Belief, STEPS};

/// Places of the code register below those compared with the interval.
const FRACTION: u32 = 47;

/// The most octets a symbol can use up: the longest shift is 16.
pub(super) const OCTETS_PER_SYMBOL: usize = 2;

/// Octets taken in at once.
const WORD: usize = 4;

/// The decoder's registers between pieces of input.
#[derive(Clone, Copy, Debug)]
pub(super) struct QmRegisters {
    /// The code less where the interval begins.
    code: u64,
    /// Length of the interval.
    interval: u32,
    /// Places of the code below the comparison that are filled.
    filled: u32,
}

/// The registers, and the octets they are filled from: without stuffing, up to the marker. Zeros follow the last one.
#[derive(Debug)]
pub(super) struct QmDecoder<'a> {
    registers: QmRegisters,
    octets: &'a [u8],
    at: usize,
}

impl QmRegisters {
    /// Before a stripe: nothing is taken in.
    pub(super) fn new() -> Self {
        Self { code: 0, interval: 0, filled: 0 }
    }
}

impl<'a> QmDecoder<'a> {
    /// Goes on with what the registers hold, or begins.
    pub(super) fn new(registers: QmRegisters, octets: &'a [u8]) -> Self {
        let mut decoder = Self { registers, octets, at: 0 };
        if decoder.registers.interval == 0 {
            decoder.registers.interval = 0x1_0000;
            decoder.fill();
            decoder.registers.code <<= 16;
            decoder.registers.filled -= 16;
            decoder.fill_if_short();
        }
        decoder
    }

    /// The registers, and how many octets are used up; more than there are when zeros were added.
    pub(super) fn pause(self) -> (QmRegisters, usize) {
        (self.registers, self.at)
    }

    /// Symbols that can be decoded from the octets at hand, whatever they are.
    pub(super) fn symbols_at_hand(&self) -> usize {
        self.octets.len().saturating_sub(self.at + WORD) / OCTETS_PER_SYMBOL
    }

    /// Octets that took part in what was decoded.
    pub(super) fn used(&self) -> usize {
        (self.at * 8).saturating_sub(self.registers.filled as usize).div_ceil(8)
    }

    /// Whether places were compared that no octet filled. An encoder leaves out zeros, so that happens at each stripe's end too.
    pub(super) fn is_exhausted(&self) -> bool {
        (self.at * 8).saturating_sub(self.registers.filled as usize) > self.octets.len() * 8
    }

    /// Decodes a symbol, 0 or 1, in a context.
    #[inline(always)]
    pub(super) fn decode(&mut self, belief: &mut Belief) -> u32 {
        let step = STEPS[usize::from(*belief)];
        let lsz = u32::from(step.lsz);
        let more_probable = u32::from(*belief & 1);
        let registers = &mut self.registers;
        registers.interval -= lsz;
        let symbol;
        if ((registers.code >> FRACTION) as u32) < registers.interval {
            if registers.interval >= 0x8000 {
                return more_probable;
            }
            let exchanged = registers.interval < lsz;
            symbol = more_probable ^ u32::from(exchanged);
            *belief = if exchanged { step.less } else { step.more };
        } else {
            registers.code -= u64::from(registers.interval) << FRACTION;
            let exchanged = registers.interval < lsz;
            symbol = more_probable ^ u32::from(!exchanged);
            *belief = if exchanged { step.more } else { step.less };
            registers.interval = lsz;
        }
        self.renormalise();
        symbol
    }

    /// Decodes up to `count` zeros in a context for which zero is the more probable symbol, as many as need no shift;
    /// says how many.
    #[inline]
    pub(super) fn decode_zeros(&mut self, belief: Belief, count: u32) -> u32 {
        if belief & 1 == 1 {
            return 0;
        }
        let lsz = u32::from(STEPS[usize::from(belief)].lsz);
        let floor = ((self.registers.code >> FRACTION) as u32 + 1).max(0x8000);
        let count = count.min(self.registers.interval.saturating_sub(floor) / lsz);
        self.registers.interval -= count * lsz;
        count
    }

    #[inline(always)]
    fn renormalise(&mut self) {
        let by = self.registers.interval.leading_zeros() - 16;
        self.registers.interval <<= by;
        self.registers.code <<= by;
        self.registers.filled -= by;
        self.fill_if_short();
    }

    #[inline(always)]
    fn fill_if_short(&mut self) {
        if self.registers.filled < 16 {
            self.fill();
        }
    }

    /// Takes four octets in. Less than 16 places are filled.
    #[inline]
    fn fill(&mut self) {
        let word = match self.octets.get(self.at..).and_then(|rest| rest.first_chunk::<WORD>()) {
            Some(word) => u32::from_be_bytes(*word),
            None => self.last_word(),
        };
        self.registers.code |= u64::from(word) << (FRACTION - 32 - self.registers.filled);
        self.registers.filled += 32;
        self.at += WORD;
    }

    #[cold]
    fn last_word(&self) -> u32 {
        let mut word = [0; WORD];
        let rest = self.octets.get(self.at..).unwrap_or(&[]);
        word.iter_mut().zip(rest).for_each(|(place, octet)| *place = *octet);
        u32::from_be_bytes(word)
    }
}

#[cfg(test)]
mod tests {
    use super::super::qm_encoder::QmEncoder;
    use super::*;

    /// ITU-T T.82 7.1: symbols and contexts, the first in the most significant place, and the code they give.
    const SYMBOLS: [u16; 16] = [
        0x05E0, 0x0000, 0x8B00, 0x01C4, 0x1700, 0x0034, 0x7FFF, 0x1A3F, 0x951B, 0x05D8, 0x1D17, 0xE770, 0x0000, 0x0000,
        0x0656, 0x0E6A,
    ];
    const CONTEXTS: [u16; 16] = [0x0FE0, 0x0000, 0x0F00, 0x00F0, 0xFF00, 0x0000, 0x0000, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const CODE: [u8; 30] = [
        0x69, 0x89, 0x99, 0x5C, 0x32, 0xEA, 0xFA, 0xA0, 0xD5, 0xFF, 0x00, 0x52, 0x7F, 0xFF, 0x00, 0xFF, 0x00, 0xFF,
        0x00, 0xC0, 0x00, 0x00, 0x00, 0x3F, 0xFF, 0x00, 0x2D, 0x20, 0x82, 0x91,
    ];

    fn bits(words: [u16; 16]) -> impl Iterator<Item = usize> {
        words.into_iter().flat_map(|word| (0..16).rev().map(move |place| usize::from(word >> place & 1)))
    }

    #[test]
    fn the_test_sequence_is_encoded_as_the_recommendation_says() {
        let (mut encoder, mut beliefs, mut out) = (QmEncoder::new(), [0; 2], Vec::new());
        for (symbol, context) in bits(SYMBOLS).zip(bits(CONTEXTS)) {
            encoder.encode(&mut beliefs[context], symbol as u32, &mut out);
        }
        encoder.flush(&mut out);
        assert_eq!(out, CODE);
    }

    #[test]
    fn the_test_sequence_is_decoded() {
        let mut octets = CODE.to_vec();
        for at in (1..octets.len()).rev() {
            if octets[at - 1] == 0xFF {
                octets.remove(at);
            }
        }
        let mut decoder = QmDecoder::new(QmRegisters::new(), &octets);
        let mut beliefs = [0; 2];
        for (symbol, context) in bits(SYMBOLS).zip(bits(CONTEXTS)) {
            assert_eq!(decoder.decode(&mut beliefs[context]) as usize, symbol);
        }
        assert!((30 - 4..=30).contains(&decoder.used()), "{} octets", decoder.used());
    }
}
