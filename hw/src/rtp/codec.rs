//! What RTP payloads are made of.

use answertone_dsp::g711::Law;

/// A codec of telephone samples at 8000 per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// G.711 mu-law, payload type 0 of RFC 3551.
    Pcmu,
    /// G.711 A-law, payload type 8 of RFC 3551.
    Pcma,
    /// 16 bit, big endian. Asterisk's `slin` has payload type 10.
    L16,
}

impl Codec {
    /// Codecs by the names of RFC 3551.
    pub const NAMES: [(&str, Self); 3] = [("pcmu", Self::Pcmu), ("pcma", Self::Pcma), ("l16", Self::L16)];

    /// The payload type when nothing else is agreed.
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::L16 => 10,
        }
    }

    /// Octets of a sample.
    pub fn octets(self) -> usize {
        if self == Self::L16 { 2 } else { 1 }
    }

    pub(super) fn encode(self, sample: i16, to: &mut Vec<u8>) {
        match self {
            Self::Pcmu => to.push(Law::Mu.encode(sample)),
            Self::Pcma => to.push(Law::A.encode(sample)),
            Self::L16 => to.extend(sample.to_be_bytes()),
        }
    }

    /// The sample in so many octets as one has.
    pub(super) fn decode(self, octets: &[u8]) -> i16 {
        match (self, octets) {
            (Self::Pcmu, [octet, ..]) => Law::Mu.decode(*octet),
            (Self::Pcma, [octet, ..]) => Law::A.decode(*octet),
            (Self::L16, [high, low, ..]) => i16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }
}
