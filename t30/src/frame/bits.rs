//! The bits of DIS, DTC and DCS as rows: reading, writing and showing walk the same table.
//!
//! ITU-T T.30 (09/2005) table 2. Bits are counted from 1 in the order of the line; every eighth from the 24th on says
//! that another octet follows. Bits without meaning are kept and shown.

use std::fmt;

use super::capability::{LENGTHS, MIN_SCAN_TIMES, Width, carrier_of_rate_bits, modems_of_rate_bits, recommendation};

/// Octets kept of an information field; table 2 defines sixteen.
const MAX_OCTETS: usize = 24;

/// Octets in the shortest information field.
const MIN_OCTETS: usize = 3;

/// Names of bits the machine acts on.
pub mod bit {
    /// Ready to transmit a document: polling.
    pub const POLLING: u8 = 9;
    /// Can receive; in DCS: shall receive.
    pub const RECEIVES: u8 = 10;
    /// R8 x 7.7 lines/mm or 200 x 200.
    pub const FINE: u8 = 15;
    /// Two-dimensional coding, MR.
    pub const MR: u8 = 16;
    /// Error correction mode.
    pub const ECM: u8 = 27;
    /// In DCS: ECM frames of 64 octets.
    pub const SHORT_FRAMES: u8 = 28;
    /// In DIS: ECM frames of 64 octets preferred.
    pub const SHORT_FRAMES_PREFERRED: u8 = 7;
    /// T.6 coding, MMR.
    pub const T6: u8 = 31;
    /// FNV is understood, and said.
    pub const FIELD_NOT_VALID: u8 = 33;
    /// Subaddressing: SUB.
    pub const SUB: u8 = 49;
    /// In DIS and DTC: password, PWD. In DCS: sender identification, SID.
    pub const PASSWORD: u8 = 50;
    /// Selective polling: SEP.
    pub const SELECTIVE_POLLING: u8 = 47;
    /// Polled subaddress: PSA.
    pub const POLLED_SUBADDRESS: u8 = 35;
    /// R8 x 15.4 lines/mm or 200 x 400.
    pub const SUPERFINE: u8 = 41;
    /// 300 x 300.
    pub const DPI_300: u8 = 42;
    /// R16 x 15.4 lines/mm or 400 x 400.
    pub const DPI_400: u8 = 43;
    /// Inch-based resolution.
    pub const INCH: u8 = 44;
    /// In DIS: resolution based on the millimetre preferred.
    pub const METRIC_PREFERRED: u8 = 45;
    /// In DIS: at 15.4 lines/mm a row needs half the time it needs at 7.7.
    pub const HALF_TIME: u8 = 46;
    /// 600 x 600.
    pub const DPI_600: u8 = 105;
    /// 1200 x 1200.
    pub const DPI_1200: u8 = 106;
    /// 300 x 600.
    pub const DPI_300X600: u8 = 107;
    /// 400 x 800.
    pub const DPI_400X800: u8 = 108;
    /// 600 x 1200.
    pub const DPI_600X1200: u8 = 109;
    /// In DIS: MR with more than four rows between two coded by themselves, where there are more than 200 to the inch.
    pub const LONG_K: u8 = 122;
    /// T.85 coding, JBIG.
    pub const T85: u8 = 78;
    /// T.81 grey pictures.
    pub const JPEG: u8 = 68;
    /// Colour in them.
    pub const COLOUR: u8 = 69;
    /// Pictures at 300 x 300 or 400 x 400.
    pub const COLOUR_FINER: u8 = 97;
    /// T.85 in stripes that are not of 128 rows.
    pub const T85_STRIPES: u8 = 79;
}

/// What a bit is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Nothing: it stands alone.
    Flag,
    /// Bits 11 to 14.
    Rate,
    /// Bits 17 and 18.
    Width,
    /// Bits 19 and 20.
    Length,
    /// Bits 21 to 23.
    MinScan,
    /// Bits 92 to 94.
    MixedRaster,
    /// Bits 117 and 118.
    SharedMemory,
    /// Bits 124 to 126.
    Jbig2,
    /// Another octet follows.
    Extend,
    /// No meaning, to be sent as zero.
    Reserved,
}

/// One bit of table 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRow {
    /// Its place, counted from 1.
    pub bit: u8,
    /// What it says in DIS and DTC; empty: it is to be zero there.
    pub capability: &'static str,
    /// What it says in DCS; empty: it is to be zero there.
    pub command: &'static str,
    /// What it is part of.
    pub field: Field,
    /// Bits that are to be one with it.
    pub needs: &'static [u8],
}

impl BitRow {
    const fn new(bit: u8, capability: &'static str, command: &'static str, field: Field) -> Self {
        Self { bit, capability, command, field, needs: &[] }
    }

    const fn needs(self, needs: &'static [u8]) -> Self {
        Self { needs, ..self }
    }
}

const fn flag(bit: u8, name: &'static str) -> BitRow {
    BitRow::new(bit, name, name, Field::Flag)
}

const fn either(bit: u8, capability: &'static str, command: &'static str) -> BitRow {
    BitRow::new(bit, capability, command, Field::Flag)
}

const fn part(bit: u8, name: &'static str, field: Field) -> BitRow {
    BitRow::new(bit, name, name, field)
}

const fn reserved(bit: u8) -> BitRow {
    BitRow::new(bit, "", "", Field::Reserved)
}

const fn extend(bit: u8) -> BitRow {
    BitRow::new(bit, "extend", "extend", Field::Extend)
}

/// Table 2, bits 1 to 128.
pub const BIT_ROWS: [BitRow; 128] = [
    flag(1, "T.37"),
    reserved(2),
    flag(3, "T.38"),
    flag(4, "mobile network"),
    reserved(5),
    either(6, "V.8", ""),
    either(bit::SHORT_FRAMES_PREFERRED, "64-octet frames preferred", ""),
    reserved(8),
    either(bit::POLLING, "has a document", ""),
    either(bit::RECEIVES, "receives", "receive"),
    part(11, "rate", Field::Rate),
    part(12, "rate", Field::Rate),
    part(13, "rate", Field::Rate),
    part(14, "rate", Field::Rate),
    flag(bit::FINE, "fine"),
    flag(bit::MR, "MR"),
    part(17, "width", Field::Width),
    part(18, "width", Field::Width),
    part(19, "length", Field::Length),
    part(20, "length", Field::Length),
    part(21, "minimum scan line time", Field::MinScan),
    part(22, "minimum scan line time", Field::MinScan),
    part(23, "minimum scan line time", Field::MinScan),
    extend(24),
    reserved(25),
    flag(26, "uncompressed mode"),
    flag(bit::ECM, "ECM"),
    either(bit::SHORT_FRAMES, "", "64-octet frames").needs(&[bit::ECM]),
    reserved(29),
    reserved(30),
    flag(bit::T6, "T.6").needs(&[bit::ECM]),
    extend(32),
    flag(bit::FIELD_NOT_VALID, "field not valid"),
    either(34, "multiple selective polling", ""),
    either(35, "polled subaddress", ""),
    flag(36, "T.43").needs(&[bit::ECM, 68, 69]),
    flag(37, "plane interleave"),
    flag(38, "G.726 voice").needs(&[bit::ECM]),
    reserved(39),
    extend(40),
    flag(bit::SUPERFINE, "superfine"),
    flag(bit::DPI_300, "300 dpi"),
    flag(bit::DPI_400, "400 dpi"),
    either(bit::INCH, "inch preferred", "inch"),
    either(bit::METRIC_PREFERRED, "metric preferred", ""),
    either(bit::HALF_TIME, "half time at 15.4 lines/mm", ""),
    either(47, "selective polling", ""),
    extend(48),
    flag(bit::SUB, "subaddress"),
    either(bit::PASSWORD, "password", "sender identification"),
    either(51, "has a data file", ""),
    reserved(52),
    flag(53, "binary file transfer").needs(&[bit::ECM]),
    flag(54, "document transfer").needs(&[bit::ECM]),
    flag(55, "EDI").needs(&[bit::ECM]),
    extend(56),
    flag(57, "basic transfer").needs(&[bit::ECM]),
    reserved(58),
    either(59, "has a character document", "").needs(&[bit::ECM]),
    flag(60, "character mode").needs(&[bit::ECM]),
    reserved(61),
    flag(62, "mixed mode").needs(&[bit::ECM]),
    reserved(63),
    extend(64),
    either(65, "processable mode 26", "").needs(&[bit::ECM]),
    flag(66, "digital network"),
    flag(67, "duplex"),
    flag(68, "JPEG").needs(&[bit::ECM]),
    flag(69, "full colour"),
    either(70, "", "preferred Huffman tables").needs(&[68]),
    flag(71, "12 bits a component"),
    extend(72),
    flag(73, "no subsampling"),
    flag(74, "custom illuminant"),
    flag(75, "custom gamut"),
    flag(76, "Letter"),
    flag(77, "Legal"),
    flag(bit::T85, "T.85").needs(&[bit::ECM]),
    flag(bit::T85_STRIPES, "T.85 L0").needs(&[bit::ECM, bit::T85]),
    extend(80),
    flag(81, "HKM keys"),
    flag(82, "RSA keys"),
    flag(83, "override"),
    flag(84, "HFX40 cipher"),
    flag(85, "cipher 2"),
    flag(86, "cipher 3"),
    flag(87, "HFX40-I hash"),
    extend(88),
    flag(89, "hash 2"),
    flag(90, "hash 3"),
    reserved(91),
    part(92, "T.44", Field::MixedRaster).needs(&[bit::ECM]),
    part(93, "T.44", Field::MixedRaster).needs(&[bit::ECM]),
    part(94, "T.44", Field::MixedRaster).needs(&[bit::ECM]),
    flag(95, "T.44 full-page stripes"),
    extend(96),
    flag(97, "colour 300 or 400 dpi").needs(&[68]),
    flag(98, "colour 100 dpi").needs(&[68]),
    flag(99, "phase C file negotiation"),
    either(100, "extended file negotiation", ""),
    either(101, "internet polling address", ""),
    flag(102, "internet routing address"),
    reserved(103),
    extend(104),
    flag(bit::DPI_600, "600 dpi"),
    flag(bit::DPI_1200, "1200 dpi"),
    flag(bit::DPI_300X600, "300x600 dpi"),
    flag(bit::DPI_400X800, "400x800 dpi"),
    flag(bit::DPI_600X1200, "600x1200 dpi"),
    flag(110, "colour 600 dpi").needs(&[68, 105]),
    flag(111, "colour 1200 dpi").needs(&[68, 106]),
    extend(112),
    flag(113, "double-sided alternate"),
    flag(114, "double-sided continuous"),
    either(115, "T.44 black and white", "").needs(&[bit::ECM]),
    flag(116, "T.45").needs(&[bit::ECM]),
    part(117, "shared memory", Field::SharedMemory),
    part(118, "shared memory", Field::SharedMemory),
    flag(119, "T.44 colour space"),
    extend(120),
    flag(121, "T.38 flow control"),
    either(bit::LONG_K, "K above 4", ""),
    flag(123, "internet-aware"),
    part(124, "T.88", Field::Jbig2),
    part(125, "T.88", Field::Jbig2),
    part(126, "T.88", Field::Jbig2),
    flag(127, "sYCC-JPEG").needs(&[bit::ECM]),
    extend(128),
];

/// The information field of DIS, DTC, DCS or CTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BitField {
    octets: [u8; MAX_OCTETS],
    len: usize,
}

impl BitField {
    /// A field of nothing but zeros, three octets long.
    pub fn new() -> Self {
        Self { octets: [0; MAX_OCTETS], len: MIN_OCTETS }
    }

    /// Reads an information field. Octets past the twenty-fourth are not looked at.
    pub fn read(field: &[u8]) -> Self {
        let len = field.len().min(MAX_OCTETS);
        let mut octets = [0; MAX_OCTETS];
        octets[..len].copy_from_slice(&field[..len]);
        Self { octets, len }
    }

    /// The octets as they go on the line.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    /// Whether the bit is one; bits past the end are zero, and so is what follows an octet that says it is the last.
    pub fn has(&self, bit: u8) -> bool {
        let (octet, place) = place(bit);
        octet < self.said() && self.octets[octet] >> place & 1 == 1
    }

    /// Octets up to the first that has no extend bit.
    fn said(&self) -> usize {
        let last = (MIN_OCTETS - 1..self.len).find(|&octet| self.octets[octet] & 0x80 == 0);
        last.map_or(self.len, |last| last + 1)
    }

    /// Sets a bit to one and the extend bits before it.
    ///
    /// # Panics
    /// On a bit that table 2 does not have.
    pub fn set(&mut self, bit: u8) {
        assert!((1..=128).contains(&bit), "bit {bit} is not in table 2 of T.30");
        let (octet, place) = place(bit);
        self.octets[octet] |= 1 << place;
        self.len = self.len.max(octet + 1);
        (MIN_OCTETS - 1..octet).for_each(|before| self.octets[before] |= 0x80);
    }

    /// The same field with these bits zero.
    pub fn without(mut self, bits: &[u8]) -> Self {
        for (octet, place) in bits.iter().map(|&bit| place(bit)).filter(|&(octet, _)| octet < self.len) {
            self.octets[octet] &= !(1 << place);
        }
        self
    }

    /// The value of a field of several bits, its first bit highest.
    pub fn value(&self, field: Field) -> u8 {
        rows_of(field).fold(0, |value, row| value << 1 | u8::from(self.has(row.bit)))
    }

    /// Sets a field of several bits, its first bit highest.
    pub fn set_value(&mut self, field: Field, value: u8) {
        let bits = rows_of(field).count();
        rows_of(field)
            .enumerate()
            .filter(|(n, _)| value >> (bits - 1 - n) & 1 == 1)
            .for_each(|(_, row)| self.set(row.bit));
    }

    /// The first bit that is one without one of those it needs, and the one it needs.
    pub fn unmet_need(&self) -> Option<(u8, u8)> {
        let set = BIT_ROWS.iter().filter(|row| self.has(row.bit));
        set.flat_map(|row| row.needs.iter().map(|&need| (row.bit, need))).find(|&(_, need)| !self.has(need))
    }

    /// To be shown as DIS or DTC.
    pub fn as_capabilities(&self) -> impl fmt::Display + '_ {
        Shown { bits: self, command: false }
    }

    /// To be shown as DCS.
    pub fn as_command(&self) -> impl fmt::Display + '_ {
        Shown { bits: self, command: true }
    }
}

/// Octet and place of a bit.
fn place(bit: u8) -> (usize, u8) {
    (usize::from(bit - 1) / 8, (bit - 1) % 8)
}

fn rows_of(field: Field) -> impl Iterator<Item = &'static BitRow> {
    BIT_ROWS.iter().filter(move |row| row.field == field)
}

struct Shown<'a> {
    bits: &'a BitField,
    command: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        let within = BIT_ROWS.iter().filter(|row| usize::from(row.bit) <= self.bits.len * 8);
        for text in within.filter_map(|row| self.text(row)) {
            write!(f, "{gap}{text}")?;
            gap = ", ";
        }
        Ok(())
    }
}

impl Shown<'_> {
    /// What the row's bit says, once for each field; nothing for a zero and for what goes without saying.
    fn text(&self, row: &BitRow) -> Option<String> {
        let label = if self.command { row.command } else { row.capability };
        let starts_field = rows_of(row.field).next() == Some(row);
        let value = self.bits.value(row.field);
        match row.field {
            Field::Extend => None,
            Field::Flag if !self.bits.has(row.bit) || (self.command && row.bit == bit::RECEIVES) => None,
            Field::Flag if !label.is_empty() => Some(label.to_owned()),
            Field::Flag | Field::Reserved => self.bits.has(row.bit).then(|| format!("bit {}", row.bit)),
            _ if !starts_field => None,
            Field::Rate => Some(self.rate(value)),
            Field::Width => Some(Width::of_bits(value).show(self.command).to_owned()),
            Field::Length => Some(LENGTHS[usize::from(value)].show(self.command).to_owned()),
            Field::MinScan => Some(MIN_SCAN_TIMES[usize::from(value)].show()),
            Field::MixedRaster | Field::SharedMemory | Field::Jbig2 => (value != 0).then(|| format!("{label} {value}")),
        }
    }

    fn rate(&self, value: u8) -> String {
        if !self.command {
            return modems_of_rate_bits(value).to_string();
        }
        carrier_of_rate_bits(value).map_or_else(
            || format!("rate {value:04b}"),
            |carrier| format!("{} {}", carrier.bit_rate(), recommendation(carrier)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_bits() {
        for (place, row) in BIT_ROWS.iter().enumerate() {
            assert_eq!(usize::from(row.bit), place + 1);
            let extends = row.bit >= 24 && row.bit % 8 == 0;
            assert_eq!(row.field == Field::Extend, extends, "bit {}", row.bit);
        }
    }

    #[test]
    fn setting_a_bit_sets_the_extend_bits_before_it() {
        let mut bits = BitField::new();
        bits.set(bit::T6);
        bits.set_value(Field::Rate, 0b0001);
        assert_eq!(bits.octets(), [0x00, 0x20, 0x80, 0x40]);
        assert_eq!(bits.value(Field::Rate), 0b0001);
        assert_eq!(bits.unmet_need(), Some((bit::T6, bit::ECM)));
    }

    #[test]
    fn bits_without_meaning_are_shown() {
        let bits = BitField::read(&[0x12, 0x42, 0x00]);
        assert_eq!(bits.as_command().to_string(), "bit 2, bit 5, 2400 V.27ter, fine, A4, A4 long, 20 ms");
    }
}
