//! Parity over RTP packets, RFC 5109, one level over all of each payload; it rides beside the packets as RFC 2198 says.
//!
//! ```text
//!  0 L P X CC   M PT   number of the first   time stamps   lengths   octets under it   mask (16 bits; 48 with L)   octets
//!  └───────────── each of the packets' own, added without carry ──┘
//! ```
//!
//! What is covered is the packets as they would be alone: without extension, padding and sources, in the type of `t38/8000`.

/// Octets before the mask, and of the mask.
const BEFORE_MASK: usize = 12;
const SHORT_MASK: usize = 2;
const LONG_MASK: usize = 6;

/// The bit that says that the mask is long.
const LONG: u8 = 0x40;

/// Packets from the first to the last that a mask can name.
pub(super) const MOST_APART: usize = 8 * LONG_MASK;

/// A packet that is covered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Covered<'a> {
    /// Its number.
    pub(super) number: u16,
    /// Its time stamp.
    pub(super) stamp: u32,
    /// Its payload.
    pub(super) octets: &'a [u8],
}

/// A parity that came.
#[derive(Clone, Debug)]
pub(super) struct Parity<'a> {
    /// The lowest number under it.
    pub(super) base: u16,
    mask: u64,
    length: u16,
    octets: &'a [u8],
}

/// Writes the parity of packets, the lowest number first; they are no further apart than [`MOST_APART`].
pub(super) fn write(packets: &[Covered<'_>], kind: u8, out: &mut Vec<u8>) {
    let Some(base) = packets.first().map(|packet| packet.number) else { return };
    let (mut mask, mut stamps, mut lengths, mut types) = (0_u64, 0, 0_u16, 0);
    let longest = packets.iter().map(|packet| packet.octets.len()).max().unwrap_or(0);
    let mut octets = vec![0; longest];
    for packet in packets {
        mask |= 1 << (MOST_APART as u16 - 1 - packet.number.wrapping_sub(base));
        stamps ^= packet.stamp;
        lengths ^= packet.octets.len() as u16;
        types ^= kind & 0x7f;
        octets.iter_mut().zip(packet.octets).for_each(|(one, other)| *one ^= other);
    }
    let mask = &mask.to_be_bytes()[8 - LONG_MASK..];
    let is_long = mask[SHORT_MASK..].iter().any(|&octet| octet != 0);
    out.extend_from_slice(&[if is_long { LONG } else { 0 }, types]);
    out.extend_from_slice(&base.to_be_bytes());
    out.extend_from_slice(&u32::to_be_bytes(stamps));
    out.extend_from_slice(&lengths.to_be_bytes());
    out.extend_from_slice(&(longest as u16).to_be_bytes());
    out.extend_from_slice(if is_long { mask } else { &mask[..SHORT_MASK] });
    out.extend_from_slice(&octets);
}

impl<'a> Parity<'a> {
    /// Reads one.
    pub(super) fn read(block: &'a [u8]) -> Option<Self> {
        let (header, rest) = block.split_first_chunk::<BEFORE_MASK>()?;
        let (mask, octets) = rest.split_at_checked(if header[0] & LONG == 0 { SHORT_MASK } else { LONG_MASK })?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let octets = octets.get(..usize::from(word(10)))?;
        let mask = mask.iter().enumerate().fold(0, |all, (at, &octet)| all | u64::from(octet) << (40 - 8 * at));
        Some(Self { base: word(2), mask, length: word(8), octets })
    }

    /// The packets under it, counted from the lowest.
    pub(super) fn covers(&self) -> impl Iterator<Item = u64> + use<> {
        let mask = self.mask;
        (0..MOST_APART as u64).filter(move |place| mask >> (MOST_APART as u64 - 1 - place) & 1 == 1)
    }

    /// The packet that is missing, by all others under it; none where they do not fit together.
    pub(super) fn missing<'b>(&self, others: impl Iterator<Item = &'b [u8]>) -> Option<Vec<u8>> {
        let (mut octets, mut length) = (self.octets.to_vec(), self.length);
        for other in others {
            length ^= other.len() as u16;
            octets.iter_mut().zip(other).for_each(|(one, other)| *one ^= other);
        }
        (usize::from(length) <= octets.len()).then(|| octets[..usize::from(length)].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parity_is_laid_out_as_the_rfc_says() {
        let packets =
            [Covered { number: 8, stamp: 3, octets: &[0xc0, 0x01] }, Covered { number: 10, stamp: 9, octets: &[0x06] }];
        let mut out = Vec::new();
        write(&packets, 11, &mut out);
        assert_eq!(out, [0, 0, 0, 8, 0, 0, 0, 10, 0, 3, 0, 2, 0b1010_0000, 0, 0xc6, 0x01]);
        let parity = Parity::read(&out).expect("it is whole");
        assert_eq!((parity.base, parity.covers().collect::<Vec<_>>()), (8, vec![0, 2]));
        assert_eq!(parity.missing([&[0x06][..]].into_iter()), Some(vec![0xc0, 0x01]));
        assert_eq!(parity.missing([&[0xc0, 0x01][..]].into_iter()), Some(vec![0x06]));
        assert!((0..out.len()).all(|count| Parity::read(&out[..count]).is_none()));
    }

    #[test]
    fn packets_far_apart_have_the_long_mask() {
        let packets = [0_u16, 47].map(|away| Covered { number: 0xfff8_u16.wrapping_add(away), stamp: 1, octets: &[7] });
        let mut out = Vec::new();
        write(&packets, 96, &mut out);
        assert_eq!((out[0], out.len()), (0x40, 12 + 6 + 1));
        let parity = Parity::read(&out).expect("it is whole");
        assert_eq!((parity.base, parity.covers().collect::<Vec<_>>()), (0xfff8, vec![0, 47]));
    }
}
