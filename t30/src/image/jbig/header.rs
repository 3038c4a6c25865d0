//! The header of an image, ITU-T T.82 (03/93) 6.2, as ITU-T T.85 (08/95) restricts it, and the marker codes.

/// Octets of a header.
pub(super) const HEADER_OCTETS: usize = 20;

/// Rows of a stripe that every machine with T.85 takes, T.85 5.2.
pub const BASIC_STRIPE_ROWS: u32 = 128;

/// Rows when they are not known yet: a NEWLEN marker tells them later.
pub(super) const UNKNOWN_ROWS: u32 = u32::MAX;

/// The farthest an adaptive pel may move, MX.
pub(super) const MAX_AT_OFFSET: u8 = 127;

/// Option bits of octet 19. All others are zero in T.85.
const TWO_ROWS: u8 = 0x40;
const VARIABLE_LENGTH: u8 = 0x20;
const TYPICAL: u8 = 0x08;

/// TPDON and DPON tell of layers beside the first, of which there are none: some programs set them all the same.
const WITHOUT_MEANING: u8 = 0x14;

/// Second octets of markers, behind 0xFF; T.82 table 27.
pub(super) mod marker {
    /// 0xFF itself.
    pub(in super::super) const STUFF: u8 = 0x00;
    /// End of a stripe; what was learnt is kept.
    pub(in super::super) const SDNORM: u8 = 0x02;
    /// End of a stripe; the next one begins as a page does.
    pub(in super::super) const SDRST: u8 = 0x03;
    /// New number of rows, four octets.
    pub(in super::super) const NEWLEN: u8 = 0x05;
    /// The adaptive pel moves: row (four octets), across, up.
    pub(in super::super) const ATMOVE: u8 = 0x06;
    /// Text: length (four octets), octets.
    pub(in super::super) const COMMENT: u8 = 0x07;
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JbigHeader {
    /// Pels in a row, XD.
    pub(super) width: u32,
    /// Rows, YD, or [`UNKNOWN_ROWS`].
    pub(super) rows: u32,
    /// Rows of a stripe, L0.
    pub(super) stripe_rows: u32,
    /// The farthest an adaptive pel will move, MX.
    pub(super) max_at_offset: u8,
    /// LRLTWO: contexts from two rows, else three.
    pub(super) two_rows: bool,
    /// VLENGTH: a NEWLEN marker may follow.
    pub(super) variable_length: bool,
    /// TPBON: typical prediction.
    pub(super) typical: bool,
}

impl JbigHeader {
    /// Reads a header; none when it is not one of T.85.
    pub(super) fn read(octets: &[u8; HEADER_OCTETS]) -> Option<Self> {
        let long = |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        let [lowest, highest, planes] = [octets[0], octets[1], octets[2]];
        let [max_at_offset, max_at_rise, order, options] = [octets[16], octets[17], octets[18], octets[19]];
        let header = Self {
            width: long(4),
            rows: long(8),
            stripe_rows: long(12),
            max_at_offset,
            two_rows: options & TWO_ROWS != 0,
            variable_length: options & VARIABLE_LENGTH != 0,
            typical: options & TYPICAL != 0,
        };
        let one_plain_layer = lowest == 0 && highest == 0 && planes == 1 && max_at_rise == 0 && order & 0xF0 == 0;
        let known_options = options & !(TWO_ROWS | VARIABLE_LENGTH | TYPICAL | WITHOUT_MEANING) == 0;
        let sizes = header.width > 0 && header.stripe_rows > 0 && max_at_offset <= MAX_AT_OFFSET;
        (one_plain_layer && known_options && sizes).then_some(header)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0, 1, 0]);
        [self.width, self.rows, self.stripe_rows].iter().for_each(|long| out.extend_from_slice(&long.to_be_bytes()));
        let options = [(self.two_rows, TWO_ROWS), (self.variable_length, VARIABLE_LENGTH), (self.typical, TYPICAL)];
        let options = options.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit);
        out.extend_from_slice(&[self.max_at_offset, 0, 0, options]);
    }
}

/// The nearest an adaptive pel may be to the pel it tells of when it is moved: those nearer are in the template.
pub(super) const fn nearest_at_offset(two_rows: bool) -> u8 {
    if two_rows { 5 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_and_others_are_refused() {
        let header = JbigHeader {
            width: 1728,
            rows: 2376,
            stripe_rows: 128,
            max_at_offset: 8,
            two_rows: true,
            variable_length: false,
            typical: true,
        };
        let mut octets = Vec::new();
        header.write(&mut octets);
        let octets: [u8; HEADER_OCTETS] = octets.try_into().expect("a header is twenty octets");
        assert_eq!(JbigHeader::read(&octets), Some(header));
        for (at, value) in [(0, 1), (1, 1), (2, 2), (7, 0), (16, 128), (17, 1), (18, 16), (19, 0x02), (19, 0x80)] {
            let mut changed = octets;
            changed[at] = value;
            changed[6] = if at == 7 { 0 } else { changed[6] };
            assert_eq!(JbigHeader::read(&changed), None, "octet {at} is {value}");
        }
    }
}
