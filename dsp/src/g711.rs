//! ITU-T G.711: the two companding laws of the telephone network.
//!
//! Octets are as they travel: A-law with every second bit inverted, mu-law with all bits inverted. Linear values use
//! the whole 16-bit scale, where the loudest A-law value is 32256 and the loudest mu-law value 32124.
//!
//! A codec remembers nothing, so many lines need no bank: their blocks, one after another or end to end, go through
//! [`Law::encode_block`] and [`Law::decode_block`], which take as many samples at once as the machine can.

use crate::lanes::{Isa, Work};

/// A companding law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// A-law, used where the network is European.
    A,
    /// mu-law, used in North America and Japan.
    Mu,
}

impl Law {
    /// The octet for a linear sample.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => alaw::encode(sample),
            Self::Mu => ulaw::encode(sample),
        }
    }

    /// The linear sample of an octet.
    pub fn decode(self, octet: u8) -> i16 {
        match self {
            Self::A => alaw::decode(octet),
            Self::Mu => ulaw::decode(octet),
        }
    }

    /// The octets for linear samples; both slices have one length. The same octets as [`Law::encode`] gives.
    pub fn encode_block(self, samples: &[i16], octets: &mut [u8], isa: Isa) {
        match self {
            Self::A => isa.run(Encode { octet: alaw::encode_without_branch, samples, octets }),
            Self::Mu => isa.run(Encode { octet: ulaw::encode_without_branch, samples, octets }),
        }
    }

    /// The linear samples of octets; both slices have one length.
    pub fn decode_block(self, octets: &[u8], samples: &mut [i16]) {
        let table = match self {
            Self::A => &alaw::DECODED,
            Self::Mu => &ulaw::DECODED,
        };
        for (sample, octet) in samples.iter_mut().zip(octets) {
            *sample = table[usize::from(*octet)];
        }
    }

    /// The octet of silence.
    pub fn silence(self) -> u8 {
        self.encode(0)
    }
}

/// Encodes samples, each by itself.
struct Encode<'a, Octet> {
    octet: Octet,
    samples: &'a [i16],
    octets: &'a mut [u8],
}

impl<Octet: Fn(i16) -> u8> Work for Encode<'_, Octet> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (octet, sample) in self.octets.iter_mut().zip(self.samples) {
            *octet = (self.octet)(*sample);
        }
    }
}

/// Segment and step of a number of 16 to 65535: the places below its highest one that is set, and where that stands
/// above the lowest four. A float of it has both.
#[inline(always)]
fn segment_and_step(value: u32) -> u32 {
    ((value as f32).to_bits() >> 19) - ((127 + 4) << 4)
}

/// A-law, ITU-T G.711 table 1.
pub mod alaw {
    /// The sample of each octet.
    pub(super) const DECODED: [i16; 256] = {
        let mut decoded = [0; 256];
        let mut octet = 0;
        while octet < 256 {
            decoded[octet] = decode(octet as u8);
            octet += 1;
        }
        decoded
    };

    /// [`encode`], the same way for every sample.
    #[inline(always)]
    pub(super) fn encode_without_branch(sample: i16) -> u8 {
        let sample = i32::from(sample);
        let steps = ((sample ^ sample >> 31) >> 4) as u32;
        let sign = !(sample >> 24) as u32 & 0x80;
        // The two segments of single steps are the number itself.
        let above = super::segment_and_step(steps.max(16)) + 16;
        let code = if steps < 16 { steps } else { above };
        (sign | code) as u8 ^ EVEN_BITS
    }

    /// Inversion of the even bits, ITU-T G.711 table 1a note 2.
    const EVEN_BITS: u8 = 0x55;

    /// The octet for a linear sample; the value decoded from it is the middle of the interval that holds the sample.
    pub const fn encode(sample: i16) -> u8 {
        // The law counts in steps of 16; negative intervals mirror the positive ones about -1/2.
        let (sign, steps) = if sample >= 0 { (0x80, sample as u16 >> 4) } else { (0x00, !sample as u16 >> 4) };
        // Two segments of 16 single steps, then each segment doubles the step.
        let segment = if steps < 32 { steps >> 4 } else { 12 - steps.leading_zeros() as u16 };
        let shift = if segment < 2 { 0 } else { segment - 1 };
        (sign | (segment << 4) as u8 | (steps >> shift & 0x0F) as u8) ^ EVEN_BITS
    }

    /// The linear sample of an octet.
    pub const fn decode(octet: u8) -> i16 {
        let code = octet ^ EVEN_BITS;
        let segment = code >> 4 & 0x07;
        let step = ((code & 0x0F) as i16) << 4;
        let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
        if code & 0x80 == 0 { -magnitude } else { magnitude }
    }
}

/// mu-law, ITU-T G.711 table 2.
pub mod ulaw {
    /// The sample of each octet.
    pub(super) const DECODED: [i16; 256] = {
        let mut decoded = [0; 256];
        let mut octet = 0;
        while octet < 256 {
            decoded[octet] = decode(octet as u8);
            octet += 1;
        }
        decoded
    };

    /// [`encode`], the same way for every sample.
    #[inline(always)]
    pub(super) fn encode_without_branch(sample: i16) -> u8 {
        let sample = i32::from(sample);
        let biased = sample.unsigned_abs().min(u32::from(CLIP)) + u32::from(BIAS);
        let sign = (sample >> 24) as u32 & 0x80;
        !((sign | (super::segment_and_step(biased) - (3 << 4))) as u8)
    }

    /// Moves the segment borders to powers of two.
    const BIAS: u16 = 132;

    /// Loudest magnitude that still has an interval of its own.
    const CLIP: u16 = 32635;

    /// The octet for a linear sample.
    pub const fn encode(sample: i16) -> u8 {
        let sign = if sample < 0 { 0x80 } else { 0x00 };
        let magnitude = sample.unsigned_abs();
        let biased = if magnitude > CLIP { CLIP } else { magnitude } + BIAS;
        let segment = 8 - biased.leading_zeros() as u16;
        !(sign | (segment << 4) as u8 | (biased >> (segment + 3) & 0x0F) as u8)
    }

    /// The linear sample of an octet.
    pub const fn decode(octet: u8) -> i16 {
        let code = !octet;
        let segment = code >> 4 & 0x07;
        let magnitude = ((((code & 0x0F) as i32) << 3) + BIAS as i32) << segment;
        let magnitude = (magnitude - BIAS as i32) as i16;
        if code & 0x80 == 0 { magnitude } else { -magnitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_comes_back() {
        for octet in 0..=255u8 {
            assert_eq!(alaw::encode(alaw::decode(octet)), octet, "A-law {octet:02x}");
            // mu-law has two zeros; the positive one is sent.
            let expected = if octet == 0x7F { 0xFF } else { octet };
            assert_eq!(ulaw::encode(ulaw::decode(octet)), expected, "mu-law {octet:02x}");
        }
    }

    #[test]
    fn louder_samples_never_become_quieter_and_stay_within_half_a_step() {
        for law in [Law::A, Law::Mu] {
            let mut before = i32::MIN;
            for sample in i16::MIN..=i16::MAX {
                let decoded = i32::from(law.decode(law.encode(sample)));
                assert!(decoded >= before, "{law:?} {sample}");
                before = decoded;
                // Steps are a sixteenth of the lower border of their segment.
                let half_step = 8 + i32::from(sample).abs() / 32;
                assert!((decoded - i32::from(sample)).abs() <= half_step, "{law:?} {sample}: {decoded}");
            }
        }
    }

    #[test]
    fn blocks_are_coded_as_single_samples_are() {
        let samples: std::vec::Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let mut octets = std::vec![0; samples.len()];
        let mut decoded = std::vec![0; samples.len()];
        for law in [Law::A, Law::Mu] {
            for isa in Isa::all() {
                law.encode_block(&samples, &mut octets, isa);
                for (sample, octet) in samples.iter().zip(&octets) {
                    assert_eq!(law.encode(*sample), *octet, "{law:?} {sample} by {}", isa.name());
                }
            }
            law.decode_block(&octets, &mut decoded);
            assert!(octets.iter().zip(&decoded).all(|(octet, sample)| law.decode(*octet) == *sample));
        }
    }

    #[test]
    fn the_digital_milliwatt_is_0_dbm0() {
        let a = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4].map(|octet| f32::from(alaw::decode(octet)));
        let mean_square = a.iter().map(|sample| sample * sample).sum::<f32>() / 8.0;
        assert!(crate::units::Dbm0::from_mean_square(mean_square).0.abs() < 0.01);
    }
}
