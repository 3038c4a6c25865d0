//! What groups of bits in DIS, DTC and DCS stand for: modems and rates, paper, minimum scan line times.

use std::{fmt, ops::BitOr};

use crate::image::PaperWidth;
use crate::seam::{Carrier, Train, V17Rate, V27terRate, V29Rate};

/// A set of modems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modems(u8);

impl Modems {
    /// V.27ter at 2400 bit/s only.
    pub const V27TER_2400: Self = Self(1);
    /// V.27ter at 4800 and 2400 bit/s.
    pub const V27TER: Self = Self(3);
    /// V.29 at 9600 and 7200 bit/s.
    pub const V29: Self = Self(4);
    /// V.17 at 14400 to 7200 bit/s.
    pub const V17: Self = Self(8);
    /// All of them.
    pub const ALL: Self = Self(15);

    /// Whether `other` is wholly in the set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both have.
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// None.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The modem this carrier needs.
    pub const fn of(carrier: Carrier) -> Self {
        match carrier {
            Carrier::V21 => Self(0),
            Carrier::V27ter(V27terRate::R2400) => Self::V27TER_2400,
            Carrier::V27ter(V27terRate::R4800) => Self::V27TER,
            Carrier::V29(_) => Self::V29,
            Carrier::V17(..) => Self::V17,
        }
    }
}

impl BitOr for Modems {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Modems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slow = if self.has(Self::V27TER) { "V.27ter" } else { "V.27ter 2400" };
        let names = [(Self::V27TER_2400, slow), (Self::V29, "V.29"), (Self::V17, "V.17")];
        let present: Vec<&str> = names.iter().filter(|(modem, _)| self.has(*modem)).map(|(_, name)| *name).collect();
        f.write_str(&present.join(" "))
    }
}

/// A value of bits 11 to 14 in DCS, first bit highest, and the carrier it chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarrierRow {
    /// Bits 11 to 14.
    pub bits: u8,
    /// The modem at its rate; V.17 with the long training that follows a DCS.
    pub carrier: Carrier,
}

const fn carrier_row(bits: u8, carrier: Carrier) -> CarrierRow {
    CarrierRow { bits, carrier }
}

/// Carriers for pages, fastest first and V.17 before V.29: the order of falling back. ITU-T T.30 table 2, bits 11 to 14.
pub const RATES: [CarrierRow; 8] = [
    carrier_row(0b0001, Carrier::V17(V17Rate::R14400, Train::Long)),
    carrier_row(0b0101, Carrier::V17(V17Rate::R12000, Train::Long)),
    carrier_row(0b1001, Carrier::V17(V17Rate::R9600, Train::Long)),
    carrier_row(0b1000, Carrier::V29(V29Rate::R9600)),
    carrier_row(0b1101, Carrier::V17(V17Rate::R7200, Train::Long)),
    carrier_row(0b1100, Carrier::V29(V29Rate::R7200)),
    carrier_row(0b0100, Carrier::V27ter(V27terRate::R4800)),
    carrier_row(0b0000, Carrier::V27ter(V27terRate::R2400)),
];

/// The carrier a DCS chooses; none for values without meaning.
pub fn carrier_of_rate_bits(bits: u8) -> Option<Carrier> {
    RATES.iter().find(|row| row.bits == bits).map(|row| row.carrier)
}

/// Bits 11 to 14 of a DCS; none for what cannot carry pages.
pub fn rate_bits_of_carrier(carrier: Carrier) -> Option<u8> {
    let long = match carrier {
        Carrier::V17(rate, _) => Carrier::V17(rate, Train::Long),
        other => other,
    };
    RATES.iter().find(|row| row.carrier == long).map(|row| row.bits)
}

/// The Recommendation the carrier is from, as transcripts show it.
pub const fn recommendation(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::V21 => "V.21",
        Carrier::V27ter(_) => "V.27ter",
        Carrier::V29(_) => "V.29",
        Carrier::V17(..) => "V.17",
    }
}

/// The modems a DIS offers. Values without meaning are read by what they are likeliest to come from: 1110 named V.33
/// beside V.29 and V.27ter; anything else counts as V.27ter at 2400 bit/s, which every machine has.
pub fn modems_of_rate_bits(bits: u8) -> Modems {
    match bits {
        0b0100 => Modems::V27TER,
        0b1000 => Modems::V29,
        0b1100 | 0b1110 => Modems::V27TER | Modems::V29,
        0b1101 => Modems::ALL,
        _ => Modems::V27TER_2400,
    }
}

/// Bits 11 to 14 of a DIS. V.17 can be offered only together with the others.
pub fn rate_bits_of_modems(modems: Modems) -> u8 {
    match modems {
        all if all.has(Modems::V17) => 0b1101,
        both if both.has(Modems::V27TER | Modems::V29) => 0b1100,
        fast if fast.has(Modems::V29) => 0b1000,
        slow if slow.has(Modems::V27TER) => 0b0100,
        _ => 0b0000,
    }
}

/// Recording widths, by the paper they are named for. ITU-T T.30 table 2, bits 17 and 18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 215 mm, 1728 pels at R8.
    #[default]
    A4,
    /// 255 mm, 2048 pels at R8.
    B4,
    /// 303 mm, 2432 pels at R8.
    A3,
}

impl Width {
    /// Every width, narrowest first.
    pub const ALL: [Self; 3] = [Self::A4, Self::B4, Self::A3];

    /// Pels in a row at R8 (204 or 200 to the inch).
    pub const fn pels(self) -> u32 {
        match self {
            Self::A4 => 1728,
            Self::B4 => 2048,
            Self::A3 => 2432,
        }
    }

    /// The paper, as pages have it.
    pub const fn paper(self) -> PaperWidth {
        match self {
            Self::A4 => PaperWidth::A4,
            Self::B4 => PaperWidth::B4,
            Self::A3 => PaperWidth::A3,
        }
    }

    /// Reads the value of bits 17 and 18, first bit highest. 11 is invalid and read as the widest.
    pub const fn of_bits(bits: u8) -> Self {
        match bits {
            0b00 => Self::A4,
            0b10 => Self::B4,
            _ => Self::A3,
        }
    }

    /// The value of bits 17 and 18, first bit highest.
    pub const fn bits(self) -> u8 {
        match self {
            Self::A4 => 0b00,
            Self::B4 => 0b10,
            Self::A3 => 0b01,
        }
    }

    pub(super) const fn show(self, command: bool) -> &'static str {
        match (self, command) {
            (Self::A4, _) => "A4",
            (Self::B4, true) => "B4",
            (Self::B4, false) => "A4/B4",
            (Self::A3, true) => "A3",
            (Self::A3, false) => "A4/B4/A3",
        }
    }
}

/// Recording lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// 297 mm.
    A4,
    /// As long as it takes.
    Unlimited,
    /// 364 mm; a machine with this can do A4 too.
    B4,
    /// A value without meaning.
    Invalid,
}

/// Lengths by the value of bits 19 and 20, first bit highest.
pub const LENGTHS: [Length; 4] = [Length::A4, Length::Unlimited, Length::B4, Length::Invalid];

impl Length {
    pub(super) const fn show(self, command: bool) -> &'static str {
        match (self, command) {
            (Self::A4, _) => "A4 long",
            (Self::Unlimited, _) => "unlimited",
            (Self::B4, true) => "B4 long",
            (Self::B4, false) => "A4/B4 long",
            (Self::Invalid, _) => "length 11",
        }
    }
}

/// Minimum transmission times of a coded line in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinScanRow {
    /// At 3.85 lines/mm.
    pub standard_ms: u32,
    /// At 7.7 lines/mm.
    pub fine_ms: u32,
}

const fn min_scan(standard_ms: u32, fine_ms: u32) -> MinScanRow {
    MinScanRow { standard_ms, fine_ms }
}

/// Times by the value of bits 21 to 23, first bit highest. In DCS only the rows with equal times are used.
pub const MIN_SCAN_TIMES: [MinScanRow; 8] = [
    min_scan(20, 20),
    min_scan(40, 40),
    min_scan(10, 10),
    min_scan(10, 5),
    min_scan(5, 5),
    min_scan(40, 20),
    min_scan(20, 10),
    min_scan(0, 0),
];

impl MinScanRow {
    /// The value of bits 21 to 23 for the shortest time that is not below `ms` at any resolution.
    pub fn bits_for(ms: u32) -> u8 {
        let equal = (0..8_u8).filter(|&bits| {
            let row = MIN_SCAN_TIMES[usize::from(bits)];
            row.standard_ms == row.fine_ms && row.fine_ms >= ms
        });
        equal.min_by_key(|&bits| MIN_SCAN_TIMES[usize::from(bits)].fine_ms).unwrap_or(0b001)
    }

    pub(super) fn show(self) -> String {
        match self {
            Self { standard_ms, fine_ms } if standard_ms == fine_ms => format!("{standard_ms} ms"),
            Self { standard_ms, fine_ms } => format!("{standard_ms}/{fine_ms} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for row in RATES {
            assert_eq!(carrier_of_rate_bits(row.bits), Some(row.carrier));
            assert_eq!(rate_bits_of_carrier(row.carrier), Some(row.bits));
        }
    }

    #[test]
    fn times_are_rounded_up_to_what_can_be_said() {
        let said = |ms| MIN_SCAN_TIMES[usize::from(MinScanRow::bits_for(ms))].fine_ms;
        assert_eq!([0, 3, 5, 10, 15, 40, 99].map(said), [0, 5, 5, 10, 20, 40, 40]);
    }
}
