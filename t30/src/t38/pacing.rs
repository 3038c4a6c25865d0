//! When packets are due: signals last as long as they would on a telephone line, because at the other end there may be one.

use crate::{
    hdlc::{Framer, frame_check_sequence},
    seam::{Carrier, Framing, Train, V27terRate},
    time::{LineSpan, TICKS_PER_SECOND},
};

/// Whether signals last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// As on a telephone line.
    #[default]
    Nominal,
    /// As short as the network makes them from the command on in which both ends say that they are Internet aware; as on a
    /// telephone line until then.
    Agreed,
    /// As short as the network makes them: both ends know that no telephone line is between them.
    Free,
}

/// Line time in a packet of a bare stream, and between repetitions of an indicator.
pub const INTERVAL: LineSpan = LineSpan::ms(30);

/// Between packets when nothing has to last: a network takes so many without dropping them.
const FREE_INTERVAL: LineSpan = LineSpan::ms(4);

/// Flags before the first frame on a fast carrier, ITU-T T.4 Annex A.
const FAST_PREAMBLE_MS: u64 = 200;

/// An answer tone: 2.6 to 4 s, ITU-T T.30 4.3.3.2.
const CED_MS: u64 = 3000;

impl Pacing {
    /// From the indicator of a carrier to its first data: flags of V.21, training of the others.
    pub fn opening(self, carrier: Carrier, framing: Framing) -> LineSpan {
        if self == Self::Free {
            return FREE_INTERVAL;
        }
        let training_ms = match carrier {
            Carrier::V21 => return LineSpan::ms(1000),
            Carrier::V27ter(V27terRate::R2400) => 943,
            Carrier::V27ter(V27terRate::R4800) => 708,
            Carrier::V29(_) => 253,
            Carrier::V17(_, Train::Long) => 1393,
            Carrier::V17(_, Train::Short) => 142,
        };
        LineSpan::ms(training_ms + if framing == Framing::Hdlc { FAST_PREAMBLE_MS } else { 0 })
    }

    /// How long so many octets of a bare stream last.
    pub fn stream(self, octets: usize, carrier: Carrier) -> LineSpan {
        match self {
            Self::Nominal | Self::Agreed => span(8 * octets as u64, carrier),
            Self::Free => FREE_INTERVAL,
        }
    }

    /// How long a frame lasts, with its check sequence, inserted zeros and a flag.
    pub fn frame(self, octets: &[u8], carrier: Carrier) -> LineSpan {
        match self {
            Self::Nominal | Self::Agreed => span(frame_bits(octets), carrier),
            Self::Free => FREE_INTERVAL,
        }
    }

    /// How long an answer tone lasts.
    pub fn answer_tone(self) -> LineSpan {
        match self {
            Self::Nominal | Self::Agreed => LineSpan::ms(CED_MS),
            Self::Free => LineSpan::ms(CED_MS / 10),
        }
    }

    /// From one packet to the next at least.
    pub fn interval(self) -> LineSpan {
        match self {
            Self::Nominal | Self::Agreed => INTERVAL,
            Self::Free => FREE_INTERVAL,
        }
    }
}

/// The line time of so many bits.
fn span(bits: u64, carrier: Carrier) -> LineSpan {
    LineSpan(bits * TICKS_PER_SECOND / u64::from(carrier.bit_rate()))
}

fn frame_bits(octets: &[u8]) -> u64 {
    let (mut framer, mut bits) = (Framer::new(), 0);
    framer.octets(octets, |_| bits += 1);
    framer.octets(&frame_check_sequence(octets), |_| bits += 1);
    framer.flag(|_| bits += 1);
    bits
}
