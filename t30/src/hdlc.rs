//! HDLC as T.30 uses it: flags, zero insertion and the frame check sequence, both ways, bit by bit.
//!
//! ```text
//! flag      address  control  facsimile fields  FCS (2 octets)  flag
//! 01111110  ........ ........ ........ ...      ........ ........  01111110
//!           └────── a zero goes in after five ones ──────────────┘
//! ```
//!
//! ITU-T T.30 5.3: each octet goes least significant place first in the view used here. The frame check sequence
//! is that of ISO/IEC 13239: x^16 + x^12 + x^5 + 1, preset to ones, sent complemented.

/// Octets of the longest frame taken in, frame check sequence included: an ECM frame has 262; NSF frames stay below.
pub const MAX_FRAME_OCTETS: usize = 320;

/// No octet of a frame takes more bits on the line than this, inserted zeros included.
pub const MAX_BITS_PER_OCTET: usize = 10;

/// Ones that end a frame as void: seven at least. With those of the octet before they are fewer than make a line idle.
const ABORT_ONES: usize = 8;

/// Octets of the frame check sequence.
const FCS_OCTETS: usize = 2;

/// The generator polynomial, x^16 left out, first bit in the least significant place.
const GENERATOR: u16 = 0x8408;

/// What the register holds after a whole frame with its check sequence arrived undamaged.
const GOOD_REMAINDER: u16 = 0xf0b8;

/// Frames to bits. Flags and frames may follow each other in any order; frames share the flag between them.
#[derive(Clone, Debug)]
pub struct Framer {
    ones: u8,
    check: u16,
}

/// Bits to frames.
#[derive(Clone, Debug)]
pub struct Deframer {
    octets: Box<[u8]>,
    len: usize,
    octet: u8,
    places: u8,
    ones: u8,
    hunting: bool,
}

/// What a bit completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A flag that ends no frame.
    Flag,
    /// A frame and the flag behind it.
    Frame {
        /// Address to the octet before the frame check sequence.
        octets: &'a [u8],
        /// Whether the check sequence was right and the frame a whole number of octets.
        intact: bool,
    },
    /// Seven ones in a row, or a frame longer than the room: what was collected is void until the next flag.
    Abort,
}

/// The frame check sequence of a frame's octets, in the order of the line.
pub fn frame_check_sequence(octets: &[u8]) -> [u8; FCS_OCTETS] {
    (!octets.iter().fold(u16::MAX, |check, &octet| advance(check, octet))).to_le_bytes()
}

fn advance(check: u16, octet: u8) -> u16 {
    check >> 8 ^ OF_OCTETS[usize::from(check as u8 ^ octet)]
}

/// What each octet makes of a check of zeros.
const OF_OCTETS: [u16; 256] = {
    let mut checks = [0; 256];
    let mut octet = 0;
    while octet < checks.len() {
        let mut check = octet as u16;
        let mut bit = 0;
        while bit < 8 {
            check = check >> 1 ^ if check & 1 == 1 { GENERATOR } else { 0 };
            bit += 1;
        }
        checks[octet] = check;
        octet += 1;
    }
    checks
};

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// A framer at the beginning of a frame.
    pub fn new() -> Self {
        Self { ones: 0, check: u16::MAX }
    }

    /// Gives the eight bits of a flag.
    pub fn flag(&mut self, mut give: impl FnMut(bool)) {
        (0..8).for_each(|place| give(0x7e_u8 >> place & 1 == 1));
        *self = Self::new();
    }

    /// Gives the bits of further octets of the frame, at most [`MAX_BITS_PER_OCTET`] for each.
    pub fn octets(&mut self, octets: &[u8], mut give: impl FnMut(bool)) {
        for &octet in octets {
            self.check = advance(self.check, octet);
            self.stuff(octet, &mut give);
        }
    }

    /// Gives the frame check sequence and the flag that ends the frame.
    pub fn end_frame(&mut self, mut give: impl FnMut(bool)) {
        for octet in (!self.check).to_le_bytes() {
            self.stuff(octet, &mut give);
        }
        self.flag(give);
    }

    /// Gives ones that no frame can hold and a flag: what was begun is no frame.
    pub fn abort(&mut self, mut give: impl FnMut(bool)) {
        (0..ABORT_ONES).for_each(|_| give(true));
        self.flag(give);
    }

    fn stuff(&mut self, octet: u8, give: &mut impl FnMut(bool)) {
        for place in 0..8 {
            let bit = octet >> place & 1 == 1;
            give(bit);
            self.ones = if bit { self.ones + 1 } else { 0 };
            if self.ones == 5 {
                give(false);
                self.ones = 0;
            }
        }
    }
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

impl Deframer {
    /// A deframer that waits for a flag.
    pub fn new() -> Self {
        Self {
            octets: vec![0; MAX_FRAME_OCTETS].into_boxed_slice(),
            len: 0,
            octet: 0,
            places: 0,
            ones: 0,
            hunting: true,
        }
    }

    /// Takes the next bit of the line.
    pub fn push(&mut self, bit: bool) -> Option<Found<'_>> {
        if bit {
            return self.one();
        }
        match std::mem::take(&mut self.ones) {
            6 => Some(self.end_of_frame()),
            5 => None, // an inserted zero
            _ => self.data(false),
        }
    }

    /// What there is of a frame that is not over: all but the octets that may be its check sequence.
    pub fn so_far(&self) -> &[u8] {
        let known = if self.hunting { 0 } else { self.len.saturating_sub(FCS_OCTETS) };
        &self.octets[..known]
    }

    /// Forgets a frame begun and waits for a flag: the carrier went away.
    pub fn reset(&mut self) {
        self.begin(true);
        self.ones = 0;
    }

    fn one(&mut self) -> Option<Found<'_>> {
        self.ones = self.ones.saturating_add(1).min(8);
        match self.ones {
            0..=5 => self.data(true),
            7 => self.abort(),
            _ => None,
        }
    }

    fn data(&mut self, bit: bool) -> Option<Found<'_>> {
        if self.hunting {
            return None;
        }
        self.octet |= u8::from(bit) << self.places;
        self.places += 1;
        if self.places == 8 { self.keep_octet() } else { None }
    }

    fn keep_octet(&mut self) -> Option<Found<'_>> {
        if self.len == self.octets.len() {
            return self.abort();
        }
        self.octets[self.len] = self.octet;
        self.len += 1;
        (self.octet, self.places) = (0, 0);
        None
    }

    fn abort(&mut self) -> Option<Found<'_>> {
        let had_frame = !self.hunting && self.len > 0;
        self.begin(true);
        had_frame.then_some(Found::Abort)
    }

    /// The flag's own first six bits are in `places`: a frame of whole octets leaves exactly those.
    fn end_of_frame(&mut self) -> Found<'_> {
        let (len, whole, hunted) = (self.len, self.places == 6, self.hunting);
        self.begin(false);
        if hunted || len <= FCS_OCTETS {
            return Found::Flag;
        }
        let remainder = self.octets[..len].iter().fold(u16::MAX, |check, &octet| advance(check, octet));
        Found::Frame { octets: &self.octets[..len - FCS_OCTETS], intact: whole && remainder == GOOD_REMAINDER }
    }

    fn begin(&mut self, hunting: bool) {
        (self.len, self.octet, self.places, self.hunting) = (0, 0, 0, hunting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(frames: &[&[u8]]) -> Vec<bool> {
        let (mut framer, mut bits) = (Framer::new(), Vec::new());
        framer.flag(|bit| bits.push(bit));
        for frame in frames {
            framer.octets(frame, |bit| bits.push(bit));
            framer.end_frame(|bit| bits.push(bit));
        }
        bits
    }

    fn frames(bits: impl IntoIterator<Item = bool>) -> Vec<(Vec<u8>, bool)> {
        let (mut deframer, mut frames) = (Deframer::new(), Vec::new());
        for bit in bits {
            if let Some(Found::Frame { octets, intact }) = deframer.push(bit) {
                frames.push((octets.to_vec(), intact));
            }
        }
        frames
    }

    #[test]
    fn frames_come_back() {
        let sent: [&[u8]; 3] = [&[0xff, 0x13, 0x8c], &[0xff; 40], &[0x7e, 0x3e, 0x7c, 0x00, 0xf8]];
        let heard = frames(line(&sent));
        assert_eq!(heard, sent.map(|frame| (frame.to_vec(), true)));
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        for flipped in 8..48 {
            let mut bits = line(&[&[0xff, 0x13, 0x8c]]);
            bits[flipped] = !bits[flipped];
            assert!(frames(bits).iter().all(|(_, intact)| !intact), "bit {flipped}");
        }
    }

    #[test]
    fn flags_may_share_their_zero() {
        let mut bits = vec![false];
        for _ in 0..4 {
            bits.extend([true, true, true, true, true, true, false]);
        }
        let mut framer = Framer::new();
        framer.octets(&[0xff, 0x13, 0x31], |bit| bits.push(bit));
        framer.end_frame(|bit| bits.push(bit));
        bits.extend([true, true, true, true, true, true, false]);
        assert_eq!(frames(bits), [(vec![0xff, 0x13, 0x31], true)]);
    }

    #[test]
    fn seven_ones_abort_and_the_next_frame_is_heard() {
        let mut bits = line(&[]);
        bits.extend([false, true, false, true, true, false, false, false, true]);
        bits.extend([true; 20]);
        bits.extend(line(&[&[1, 2, 3]]));
        assert_eq!(frames(bits), [(vec![1, 2, 3], true)]);
    }

    #[test]
    fn what_is_aborted_is_no_frame_and_the_next_is_heard() {
        for begun in [[0xff, 0x13, 0xff], [0, 0xf8, 0xfe]] {
            let (mut framer, mut bits) = (Framer::new(), Vec::new());
            framer.flag(|bit| bits.push(bit));
            framer.octets(&begun, |bit| bits.push(bit));
            framer.abort(|bit| bits.push(bit));
            framer.octets(&[0xff, 0x13, 0x31], |bit| bits.push(bit));
            framer.end_frame(|bit| bits.push(bit));
            assert_eq!(frames(bits), [(vec![0xff, 0x13, 0x31], true)]);
        }
    }

    #[test]
    fn a_frame_is_known_but_for_two_octets_while_it_comes() {
        let (mut deframer, mut known) = (Deframer::new(), vec![0]);
        for bit in line(&[&[0xff, 0x13, 0x8c, 0x7e]]) {
            if deframer.push(bit).is_some() {
                assert!(deframer.so_far().is_empty(), "nothing of the next yet");
            }
            let count = deframer.so_far().len();
            assert!([0xff, 0x13, 0x8c, 0x7e].starts_with(deframer.so_far()));
            known.extend((known.last() != Some(&count)).then_some(count));
        }
        assert_eq!(known, [0, 1, 2, 3, 4, 0]);
    }

    #[test]
    fn a_frame_without_end_takes_no_more_than_its_room() {
        let mut deframer = Deframer::new();
        line(&[]).into_iter().for_each(|bit| assert!(!matches!(deframer.push(bit), Some(Found::Abort))));
        let aborts = (0..100_000).filter(|n| deframer.push(n % 2 == 0) == Some(Found::Abort)).count();
        assert_eq!(aborts, 1);
    }
}
