//! Bits of image data in line order: the first bit is the least significant one of its octet.

use super::tables::Code;

/// Gathers code words into octets.
#[derive(Clone, Debug, Default)]
pub(super) struct BitWriter {
    octets: Vec<u8>,
    /// Bits that fill no octet yet are the least significant `held` ones.
    holding: u64,
    held: u32,
}

impl BitWriter {
    /// Adds a code word.
    #[inline]
    pub(super) fn code(&mut self, code: Code) {
        self.holding |= u64::from(code.bits) << self.held;
        self.held += code.len;
        if self.held >= 32 {
            self.octets.extend_from_slice(&(self.holding as u32).to_le_bytes());
            self.holding >>= 32;
            self.held -= 32;
        }
    }

    /// Adds zeros.
    pub(super) fn zeros(&mut self, mut count: u32) {
        while count > 0 {
            let len = count.min(31);
            self.code(Code { bits: 0, len });
            count -= len;
        }
    }

    /// Zeros up to the next whole octet.
    pub(super) fn align(&mut self) {
        self.zeros(self.bits().wrapping_neg() as u32 & 7);
    }

    /// Bits not yet taken.
    pub(super) fn bits(&self) -> u64 {
        self.octets.len() as u64 * 8 + u64::from(self.held)
    }

    /// Whole octets gathered so far; what [`BitWriter::drop_octets`] forgets.
    pub(super) fn octets(&mut self) -> &[u8] {
        while self.held >= 8 {
            self.octets.push(self.holding as u8);
            self.holding >>= 8;
            self.held -= 8;
        }
        &self.octets
    }

    /// All octets. There must be no bits that fill none.
    pub(super) fn into_octets(mut self) -> Vec<u8> {
        self.octets();
        debug_assert_eq!(self.held, 0, "the writer is aligned before its octets are taken");
        self.octets
    }

    /// Forgets the whole octets; bits that fill no octet stay.
    pub(super) fn drop_octets(&mut self) {
        self.octets.clear();
    }
}

/// Bits of one piece of the data, with what was left of the piece before it.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    /// The next bits; those beyond `count` are not to be believed.
    ahead: u64,
    count: u32,
    octets: &'a [u8],
}

/// Bits that stay between two pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftBits {
    bits: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(left: LeftBits, octets: &'a [u8]) -> Self {
        Self { ahead: left.bits, count: left.count, octets }
    }

    /// What is not taken yet. Only to be called when all octets are within reach.
    pub(super) fn left(mut self) -> LeftBits {
        self.refill();
        debug_assert!(self.octets.is_empty(), "a decoder stops only for want of bits");
        LeftBits { bits: self.ahead, count: self.count }
    }

    /// Brings at least 32 bits within reach, or all that there are.
    #[inline]
    pub(super) fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some((word, _)) = self.octets.split_first_chunk::<8>() {
            self.ahead |= u64::from_le_bytes(*word) << self.count;
            let taken = (63 - self.count) / 8;
            self.octets = &self.octets[taken as usize..];
            self.count += taken * 8;
            return;
        }
        self.refill_at_the_end();
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        while self.count < 56 {
            let Some((&octet, rest)) = self.octets.split_first() else {
                // Bits beyond the count were put there by a whole word: the octets they came from are taken by now.
                self.ahead &= (1 << self.count) - 1;
                return;
            };
            self.ahead |= u64::from(octet) << self.count;
            self.count += 8;
            self.octets = rest;
        }
    }

    /// The next `bits` bits, zeros where there are none.
    #[inline]
    pub(super) fn peek(&self, bits: u32) -> usize {
        (self.ahead & ((1 << bits) - 1)) as usize
    }

    /// Bits within reach.
    #[inline]
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Takes bits. They must be within reach.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) {
        debug_assert!(bits <= self.count && bits < 64);
        self.ahead >>= bits;
        self.count -= bits;
    }

    /// Takes the next bit, if there is one.
    pub(super) fn bit(&mut self) -> Option<bool> {
        self.refill();
        if self.count == 0 {
            return None;
        }
        let bit = self.ahead & 1 == 1;
        self.take(1);
        Some(bit)
    }

    /// How many of the bits within reach are zeros before a one; `Err` when all are.
    pub(super) fn zeros(&mut self) -> Result<u32, u32> {
        self.refill();
        let zeros = self.ahead.trailing_zeros();
        if zeros < self.count { Ok(zeros) } else { Err(self.count) }
    }

    /// How many of the bits within reach are ones before a zero.
    #[inline]
    pub(super) fn ones(&self) -> u32 {
        self.ahead.trailing_ones().min(self.count)
    }

    /// Takes what is left of the octet that was begun.
    pub(super) fn align(&mut self) {
        self.take(self.count % 8);
    }
}
