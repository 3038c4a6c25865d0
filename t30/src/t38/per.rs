//! The aligned packed encoding rules, ITU-T X.691, as far as T.38 needs them.

use super::ifp::NoIfp;

/// Lengths below this take one octet, and those below [`LONG`] two.
const SHORT: usize = 128;
const LONG: usize = 16_384;

/// Bits of an encoding, from the most significant of each octet on.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    all: &'a [u8],
    /// Bits taken so far.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Result<bool, NoIfp> {
        let octet = self.all.get(self.at / 8).ok_or(NoIfp::Short)?;
        let bit = octet >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Ok(bit)
    }

    pub(super) fn bits(&mut self, count: usize) -> Result<usize, NoIfp> {
        (0..count).try_fold(0, |value, _| Ok(value << 1 | usize::from(self.bit()?)))
    }

    /// An enumeration with an extension marker: so many bits for values of the root, then those of the extension.
    pub(super) fn enumerated(&mut self, bits: usize, root: usize) -> Result<usize, NoIfp> {
        if !self.bit()? {
            return self.bits(bits).and_then(|value| if value < root { Ok(value) } else { Err(NoIfp::Unknown) });
        }
        match self.bit()? {
            // Extension values of 64 and more: none is defined.
            true => Err(NoIfp::Unknown),
            false => Ok(root + self.bits(6)?),
        }
    }

    /// Goes on at the next octet, unless it stands at the beginning of one.
    pub(super) fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    /// A length without bounds, aligned.
    pub(super) fn length(&mut self) -> Result<usize, NoIfp> {
        self.align();
        match self.bits(8)? {
            short if short < SHORT => Ok(short),
            long if long < 0xc0 => Ok((long & 0x3f) << 8 | self.bits(8)?),
            // Fragments of 16384: a datagram has no room for them.
            _ => Err(NoIfp::Unknown),
        }
    }

    /// Octets with a length of 1 to 65535, aligned.
    pub(super) fn octets(&mut self) -> Result<&'a [u8], NoIfp> {
        self.align();
        let count = self.bits(16)? + 1;
        self.take(count)
    }

    /// Octets with a length without bounds.
    pub(super) fn open(&mut self) -> Result<&'a [u8], NoIfp> {
        let count = self.length()?;
        self.take(count)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], NoIfp> {
        let begin = self.at / 8;
        let octets = self.all.get(begin..begin + count).ok_or(NoIfp::Short)?;
        self.at += count * 8;
        Ok(octets)
    }

    /// Octets that it has been in, if nothing but zeros is left of the last.
    pub(super) fn octets_taken(mut self) -> Result<usize, NoIfp> {
        while !self.at.is_multiple_of(8) {
            if self.bit()? {
                return Err(NoIfp::Unknown);
            }
        }
        Ok(self.at / 8)
    }

    /// Whether nothing but zeros is left.
    pub(super) fn is_zero_from_here(mut self) -> bool {
        while !self.at.is_multiple_of(8) {
            if self.bit() != Ok(false) {
                return false;
            }
        }
        self.all[self.at / 8..].iter().all(|&octet| octet == 0)
    }
}

/// Writes an encoding.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Places still free in the last octet.
    free: u32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, free: 0 }
    }

    pub(super) fn bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.out.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.out.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }

    pub(super) fn bits(&mut self, value: usize, count: usize) {
        (0..count).rev().for_each(|place| self.bit(value >> place & 1 == 1));
    }

    pub(super) fn enumerated(&mut self, value: usize, bits: usize, root: usize) {
        self.bit(value >= root);
        match value.checked_sub(root) {
            None => self.bits(value, bits),
            Some(beyond) => self.bits(beyond, 7),
        }
    }

    pub(super) fn align(&mut self) {
        self.free = 0;
    }

    /// A length below 16384.
    pub(super) fn length(&mut self, length: usize) {
        debug_assert!(length < LONG, "longer than a datagram");
        self.align();
        match length {
            short if short < SHORT => self.bits(short, 8),
            long => self.bits(0x8000 | long, 16),
        }
    }

    /// 1 to 65535 octets with their length.
    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.align();
        self.bits(octets.len() - 1, 16);
        self.out.extend_from_slice(octets);
    }

    /// Octets with a length without bounds, below 16384.
    pub(super) fn open(&mut self, octets: &[u8]) {
        self.length(octets.len());
        self.out.extend_from_slice(octets);
    }
}
