//! Facsimile frames as values: address, control, facsimile control field, facsimile information field.
//!
//! Reading never fails: what is not known keeps its octets and can be shown and written back. ITU-T T.30 (09/2005) 5.3.

mod bits;
mod capability;
mod direct;
mod ecm;
mod fcf;
mod ident;
mod internet;
mod vendor;

use std::fmt;

pub use bits::{BIT_ROWS, BitField, BitRow, Field, bit};
pub use capability::{
    CarrierRow, LENGTHS, Length, MIN_SCAN_TIMES, MinScanRow, Modems, RATES, Width, carrier_of_rate_bits,
    modems_of_rate_bits, rate_bits_of_carrier, rate_bits_of_modems, recommendation,
};
pub use direct::{DirectBringer, DirectOffer, DirectPlace, HalfPrint};
pub use ecm::{PartialPage, PostMessage, ResendMap};
pub use fcf::{Fcf, XBit};
pub use ident::Ident;
pub use internet::{FieldNotValid, InternetAddress};
pub use vendor::Vendor;

/// The address every frame carries: all ones, ITU-T T.30 5.3.4.
const ADDRESS: u8 = 0xff;

/// The control field of a frame that another follows in the same burst, ITU-T T.30 5.3.5.
const CONTROL: u8 = 0x03;

/// The control field of a burst's last frame.
const CONTROL_LAST: u8 = 0x13;

/// A frame between its flags, frame check sequence taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A frame of T.30.
    Known(Message<'a>),
    /// Anything else, whole.
    Unknown(&'a [u8]),
}

/// A T.30 frame: what it says and to whom it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Whether it is marked as the last of its burst.
    pub last: bool,
    /// The facsimile control field.
    pub fcf: Fcf,
    /// The X bit: one from the station that received a valid DIS, ITU-T T.30 5.3.6.1. Zero where the code has none.
    pub x: bool,
    /// The facsimile information field.
    pub field: &'a [u8],
}

/// Whether the octets begin as the last frame of a burst does, whatever control field follows.
pub fn is_last(octets: &[u8]) -> bool {
    octets.starts_with(&[ADDRESS, CONTROL_LAST])
}

/// Whether octets begin as a frame of T.30 does, whatever follows.
pub(crate) fn is_addressed(octets: &[u8]) -> bool {
    octets.starts_with(&[ADDRESS, CONTROL]) || is_last(octets)
}

impl<'a> Frame<'a> {
    /// Reads a frame's octets.
    pub fn parse(octets: &'a [u8]) -> Self {
        Message::parse(octets).map_or(Self::Unknown(octets), Self::Known)
    }

    /// Adds the frame's octets to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Known(message) => message.write(out),
            Self::Unknown(octets) => out.extend_from_slice(octets),
        }
    }
}

impl<'a> Message<'a> {
    fn parse(octets: &'a [u8]) -> Option<Self> {
        let (&[address, control, code], field) = octets.split_first_chunk::<3>()?;
        let (fcf, x) = Fcf::from_code(code)?;
        let last = control == CONTROL_LAST;
        (address == ADDRESS && (last || control == CONTROL)).then_some(Self { last, fcf, x, field })
    }

    /// Adds the frame's octets to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let control = if self.last { CONTROL_LAST } else { CONTROL };
        out.extend_from_slice(&[ADDRESS, control, self.fcf.code(self.x)]);
        out.extend_from_slice(self.field);
    }
}

impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(message) => message.fmt(f),
            Self::Unknown(octets) => write!(f, "?    {}", Hex(octets)),
        }
    }
}

impl fmt::Display for Message<'_> {
    /// The frame's name and what its information field says, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}", self.fcf.name())?;
        match self.fcf {
            Fcf::Dis | Fcf::Dtc => write!(f, " {}", BitField::read(self.field).as_capabilities()),
            Fcf::Dcs | Fcf::Ctc => write!(f, " {}", BitField::read(self.field).as_command()),
            Fcf::Csi | Fcf::Cig | Fcf::Tsi | Fcf::Pwd | Fcf::Sep | Fcf::Psa | Fcf::Sub | Fcf::Sid => {
                write!(f, " \"{}\"", Ident::read(self.field))
            }
            Fcf::Csa | Fcf::Tsa | Fcf::Cia | Fcf::Ira | Fcf::Isp => match InternetAddress::read(self.field) {
                Some(address) => write!(f, " {address}"),
                None => write!(f, " {}", Hex(self.field)),
            },
            Fcf::Fnv => write!(f, " {}, {}", FieldNotValid(self.field), Hex(self.field)),
            Fcf::Pps => self.partial_page(f),
            Fcf::Eor => self.end_of_retransmission(f),
            Fcf::Ppr => ResendMap::read(self.field).map_or(Ok(()), |map| write!(f, " {map}")),
            Fcf::Fcd => {
                write!(f, " frame {}, {} octets", self.field.first().unwrap_or(&0), self.field.len().max(1) - 1)
            }
            _ if self.field.is_empty() => Ok(()),
            _ => write!(f, " {}", Hex(self.field)),
        }
    }
}

impl Message<'_> {
    fn partial_page(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PartialPage::read(self.field) {
            Some(partial) => write!(f, " {partial}"),
            None => write!(f, " {}", Hex(self.field)),
        }
    }

    fn end_of_retransmission(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.first().and_then(|&code| PostMessage::from_code(code)) {
            Some(command) => write!(f, " {command}"),
            None => write!(f, " {}", Hex(self.field)),
        }
    }
}

/// Octets as two-digit hexadecimal numbers.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(place, octet)| {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{octet:02x}")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_octets_read_and_write_back(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let frame = Frame::parse(&octets);
            let mut written = Vec::new();
            frame.write(&mut written);
            prop_assert_eq!(&written, &octets);
            prop_assert!(!frame.to_string().is_empty());
        }

        #[test]
        fn frames_of_known_kind_write_back(
            code in any::<u8>(), last in any::<bool>(), field in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut octets = vec![ADDRESS, if last { CONTROL_LAST } else { CONTROL }, code];
            octets.extend(field);
            let frame = Frame::parse(&octets);
            let mut written = Vec::new();
            frame.write(&mut written);
            prop_assert_eq!(&written, &octets);
            prop_assert!(!frame.to_string().is_empty());
        }
    }

    #[test]
    fn frames_are_shown_for_people() {
        let shown = |octets: &[u8]| Frame::parse(octets).to_string();
        assert_eq!(
            shown(&[0xff, 0x13, 0x83, 0x00, 0x62, 0xf8, 0x44]),
            "DCS  14400 V.17, fine, A4, unlimited, 0 ms, ECM, T.6"
        );
        assert_eq!(
            shown(&[0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x44]),
            "DIS  receives, V.27ter V.29 V.17, fine, MR, A4, unlimited, 0 ms, ECM, T.6"
        );
        assert_eq!(shown(&[0xff, 0x13, 0xbf, 0x2f, 0x00, 0x00, 0x04]), "PPS  EOP page 0 block 0 frames 5");
        assert_eq!(shown(&[0xff, 0x13, 0x8c]), "MCF ");
        assert_eq!(shown(&[0xff, 0x13]), "?    ff 13");
    }
}
