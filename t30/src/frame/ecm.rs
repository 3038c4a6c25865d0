//! Frames of the error correction mode: what PPS, EOR and PPR say. ITU-T T.30 (09/2005) Annex A.

use std::fmt;

/// Frames in a block at most, and places in a resend map.
const FRAMES: usize = 256;

/// Octets of a resend map.
const MAP_OCTETS: usize = FRAMES / 8;

/// The second facsimile control field of PPS and EOR: what follows the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostMessage {
    /// Another block of the same page.
    Null,
    /// More pages, back to phase B.
    Eom,
    /// More pages on the same terms.
    Mps,
    /// No more pages.
    Eop,
    /// End of selection.
    Eos,
    /// EOM and a request for the operator.
    PriEom,
    /// MPS and a request for the operator.
    PriMps,
    /// EOP and a request for the operator.
    PriEop,
}

/// Codes of the second control field, first bit of the line in the least significant place.
const POST_MESSAGES: [(PostMessage, u8, &str); 8] = [
    (PostMessage::Null, 0x00, "NULL"),
    (PostMessage::Eom, 0x8f, "EOM"),
    (PostMessage::Mps, 0x4f, "MPS"),
    (PostMessage::Eop, 0x2f, "EOP"),
    (PostMessage::Eos, 0x1f, "EOS"),
    (PostMessage::PriEom, 0x9f, "PRI-EOM"),
    (PostMessage::PriMps, 0x5f, "PRI-MPS"),
    (PostMessage::PriEop, 0x3f, "PRI-EOP"),
];

/// What a PPS frame says of the block before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialPage {
    /// What follows.
    pub then: PostMessage,
    /// Page of the call, counted from 0 modulo 256.
    pub page: u8,
    /// Block of the page, counted from 0 modulo 256.
    pub block: u8,
    /// Frames in the block, 1 to 256.
    pub frames: u16,
}

/// A PPR frame's map: frames to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendMap(pub [u8; MAP_OCTETS]);

impl PostMessage {
    /// Reads a code; the X bit that some machines leave out is not looked at.
    pub fn from_code(code: u8) -> Option<Self> {
        let same = |row: &&(Self, u8, &str)| row.1 & !1 == code & !1;
        POST_MESSAGES.iter().find(same).map(|row| row.0)
    }

    /// The octet on the line; it has the X bit of the frame it is in, but for NULL.
    pub fn code(self, x: bool) -> u8 {
        match self {
            Self::Null => 0,
            _ => self.row().1 & !1 | u8::from(x),
        }
    }

    fn row(self) -> &'static (Self, u8, &'static str) {
        POST_MESSAGES.iter().find(|row| row.0 == self).expect("every command has its row")
    }
}

impl PartialPage {
    /// Reads the information field of PPS.
    pub fn read(field: &[u8]) -> Option<Self> {
        let &[then, page, block, last_frame] = field.first_chunk::<4>()?;
        Some(Self { then: PostMessage::from_code(then)?, page, block, frames: u16::from(last_frame) + 1 })
    }

    /// The information field of PPS from a station with this X bit.
    pub fn field(&self, x: bool) -> [u8; 4] {
        [self.then.code(x), self.page, self.block, (self.frames.clamp(1, 256) - 1) as u8]
    }
}

impl ResendMap {
    /// A map that asks for every frame, those that were never sent included: Annex A.4.4 has ones there.
    pub const ALL: Self = Self([0xff; MAP_OCTETS]);

    /// Reads the information field of PPR; a field cut short asks for nothing more.
    pub fn read(field: &[u8]) -> Option<Self> {
        let mut map = [0; MAP_OCTETS];
        let len = field.len().min(MAP_OCTETS);
        map[..len].copy_from_slice(&field[..len]);
        (len > 0).then_some(Self(map))
    }

    /// Whether the frame is asked for.
    pub fn asks(&self, frame: u8) -> bool {
        self.0[usize::from(frame) / 8] >> (frame % 8) & 1 == 1
    }

    /// Marks a frame as received.
    pub fn received(&mut self, frame: u8) {
        self.0[usize::from(frame) / 8] &= !(1 << (frame % 8));
    }

    /// Marks a frame as missing.
    pub fn lost(&mut self, frame: u8) {
        self.0[usize::from(frame) / 8] |= 1 << (frame % 8);
    }

    /// Frames asked for among the first `frames`.
    pub fn asked(&self, frames: u16) -> impl Iterator<Item = u8> + '_ {
        (0..frames.min(256)).map(|frame| frame as u8).filter(|&frame| self.asks(frame))
    }
}

impl fmt::Display for PostMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().2)
    }
}

impl fmt::Display for PartialPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} page {} block {} frames {}", self.then, self.page, self.block, self.frames)
    }
}

impl fmt::Display for ResendMap {
    /// How many frames are asked for and the first few.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames:", self.asked(256).count())?;
        self.asked(256).take(8).try_for_each(|frame| write!(f, " {frame}"))?;
        if self.asked(256).count() > 8 { f.write_str(" ...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_asks_for_what_was_not_received() {
        let mut map = ResendMap::ALL;
        (0..=255).filter(|frame| ![0, 9].contains(frame)).for_each(|frame| map.received(frame));
        assert_eq!(map.0[..2], [0x01, 0x02]);
        assert_eq!(map.asked(256).collect::<Vec<_>>(), [0, 9]);
        assert_eq!(map.asked(9).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_partial_page_reads_back() {
        let partial = PartialPage { then: PostMessage::Null, page: 3, block: 255, frames: 256 };
        assert_eq!(PartialPage::read(&partial.field(true)), Some(partial));
        let polled = PartialPage { then: PostMessage::Mps, ..partial }.field(false);
        assert_eq!(polled[0], 0x4e);
        assert_eq!(PartialPage::read(&polled).map(|partial| partial.then), Some(PostMessage::Mps));
    }
}
