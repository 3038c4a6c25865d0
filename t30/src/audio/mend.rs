//! Frames of the control channel with a hole where the transport lost a packet. A packet of 20 ms holds six bits: what
//! fits in the hole, by the frame check sequence and by what a frame of T.30 begins with, is put there. Where packets seem
//! to have been repeated in the place of lost ones, one of them is taken for a hole after the other. And what is not answered
//! is sent again: a frame that has too many holes is completed by what came of it the time before.
//!
//! One packet in a hundred lost would otherwise spoil every second long frame, and T.30 sends a frame three times only.

use std::ops::Range;

use crate::hdlc::{Deframer, Found, MAX_BITS_PER_OCTET};

/// Bits since the last flag that are kept: a frame of 48 octets; those of T.30 that decide are shorter.
const ROOM: usize = 48 * MAX_BITS_PER_OCTET;

/// Bits that a packet which was taken for a repeated one reaches back when that is noticed, and in all.
const DOUBTED_BACK: usize = 6;
const DOUBTED: usize = 8;

/// Flags before a frame that a lost packet may hide.
const HIDDEN_FLAGS: usize = 2;

/// Bits behind the closing flag that the silence after a signal may have been taken for.
const MOST_BEHIND: usize = 14;

/// Doubts that are kept. Of each come 2^8 trials.
const MOST_DOUBTS: usize = 4;

/// Lost bits that are tried. Of 2^9 trials at 16 bits of check and 15 of the frame's beginning none fits by chance.
const MOST_LOST: usize = 9;

/// A flag, which no bit of a frame can be.
const FLAG: [bool; 8] = [false, true, true, true, true, true, true, false];

/// What every frame of T.30 begins with: the address, and the control field but for its final bit. ITU-T T.30 5.3.4, 5.3.5.
const ADDRESS: u8 = 0xff;
const CONTROL: u8 = 0x03;
const FINAL: u8 = 0x10;

/// A few places, and how many there are in all.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    first: [usize; MOST_LOST],
    count: usize,
}

impl Places {
    fn add(&mut self, place: usize) {
        if let Some(next) = self.first.get_mut(self.count) {
            *next = place;
        }
        self.count += 1;
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &usize> + ExactSizeIterator {
        self.first[..self.count.min(MOST_LOST)].iter()
    }
}

/// Of a range, those below an end.
impl From<(Range<usize>, usize)> for Places {
    fn from((range, end): (Range<usize>, usize)) -> Self {
        let mut places = Self::default();
        range.take_while(|place| *place < end).for_each(|place| places.add(place));
        places
    }
}

/// Bits between two flags, and which of them are not known for certain.
struct Heard {
    bits: Box<[bool]>,
    lost: Box<[bool]>,
    len: usize,
}

impl Heard {
    fn new() -> Self {
        Self { bits: vec![false; ROOM].into(), lost: vec![false; ROOM].into(), len: 0 }
    }

    fn keep(&mut self, other: &Self) {
        self.bits.copy_from_slice(&other.bits);
        self.lost.copy_from_slice(&other.lost);
        self.len = other.len;
    }

    /// Whether both may be the same frame: what is certain in both is the same.
    fn agrees(&self, other: &Self) -> bool {
        let differs = |place: usize| self.bits[place] != other.bits[place] && !self.lost[place] && !other.lost[place];
        self.len == other.len && !(0..self.len).any(differs)
    }

    /// Takes from the other what is certain there and lost here.
    fn complete(&mut self, other: &Self) {
        for place in 0..self.len {
            if self.lost[place] && !other.lost[place] {
                (self.bits[place], self.lost[place]) = (other.bits[place], false);
            }
        }
    }
}

/// The bits since the last flag, those of the last frame that could not be mended, and what mending needs.
pub(super) struct Mender {
    heard: Heard,
    before: Heard,
    /// The first bits of packets that may have been repeated ones.
    doubts: [usize; MOST_DOUBTS],
    doubts_len: usize,
    /// More bits came than are kept.
    too_much: bool,
    trial: Deframer,
    mended: Box<[u8]>,
}

impl Mender {
    pub(super) fn new() -> Self {
        Self {
            heard: Heard::new(),
            before: Heard::new(),
            doubts: [0; MOST_DOUBTS],
            doubts_len: 0,
            too_much: false,
            trial: Deframer::new(),
            mended: vec![0; ROOM / 8].into(),
        }
    }

    /// Forgets what was before a flag.
    pub(super) fn restart(&mut self) {
        (self.heard.len, self.doubts_len, self.too_much) = (0, 0, false);
    }

    /// Takes the next bit, or the place of a lost one.
    pub(super) fn push(&mut self, bit: bool, lost: bool) {
        self.too_much |= self.heard.len == ROOM;
        if self.too_much {
            return;
        }
        let place = self.heard.len;
        (self.heard.bits[place], self.heard.lost[place]) = (bit, lost);
        self.heard.len += 1;
    }

    /// The packet that ends about here may have been put in the place of a lost one.
    pub(super) fn doubt(&mut self) {
        if self.doubts_len < MOST_DOUBTS {
            self.doubts[self.doubts_len] = self.heard.len.saturating_sub(DOUBTED_BACK);
            self.doubts_len += 1;
        }
    }

    /// The frame that the bits up to the flag behind it are, if those that are not certain alone are wrong and only one
    /// frame fits; also by what is known of the last frame that was lost, since frames that are not answered are repeated.
    pub(super) fn mend(&mut self) -> Option<&[u8]> {
        if self.too_much {
            return None;
        }
        let len = self.mend_alone().or_else(|| self.mend_by_the_last())?;
        Some(&self.mended[..len])
    }

    /// The frame whose closing flag was lost, when the signal has ended behind it.
    pub(super) fn mend_at_end(&mut self) -> Option<&[u8]> {
        if self.too_much {
            return None;
        }
        let heard = self.heard.len;
        let len = (0..=MOST_BEHIND).find_map(|behind| self.try_end(heard.checked_sub(behind)?))?;
        Some(&self.mended[..len])
    }

    /// The length of the frame whose closing flag ends at that bit, if it may have been there unheard.
    fn try_end(&mut self, end: usize) -> Option<usize> {
        let flag = end.checked_sub(FLAG.len())?..end;
        let unheard = |place: usize| self.heard.lost[place];
        let may_be = |(place, bit): (usize, &bool)| unheard(place) || self.heard.bits[place] == *bit;
        if !flag.clone().any(unheard) || !flag.clone().zip(&FLAG).all(may_be) {
            return None;
        }
        let kept: [bool; FLAG.len()] = std::array::from_fn(|place| self.heard.bits[flag.start + place]);
        self.heard.bits[flag.clone()].copy_from_slice(&FLAG);
        self.heard.len = end;
        let found = match self.lost_in(0..flag.start) {
            Places { count: 0, .. } => self.try_frame(0),
            places => self.try_all(&places, 0).flatten(),
        };
        self.heard.bits[flag].copy_from_slice(&kept);
        found
    }

    fn mend_alone(&mut self) -> Option<usize> {
        let mut found = None;
        for flags in 0..=HIDDEN_FLAGS {
            let first = flags * FLAG.len();
            let hides_flags = flags == 0 || self.heard.lost[..first.min(self.heard.len)].contains(&true);
            found =
                found.or(if hides_flags { self.try_all(&self.lost_in(first..self.heard.len), first)? } else { None });
        }
        for doubt in 0..self.doubts_len {
            let here = self.try_all(&Places::from((self.doubted(doubt), self.heard.len)), 0)?;
            if found.is_some() && here.is_some() {
                return None;
            }
            found = found.or(here);
        }
        found
    }

    /// Once more with all that is doubtful lost, and what is known of it from the last time.
    fn mend_by_the_last(&mut self) -> Option<usize> {
        for doubt in 0..self.doubts_len {
            let doubted = self.doubted(doubt);
            let end = doubted.end.min(self.heard.len);
            self.heard.lost[doubted.start.min(end)..end].fill(true);
        }
        let agrees = self.heard.agrees(&self.before);
        let uncertain = self.lost().count;
        if agrees {
            self.heard.complete(&self.before);
        }
        self.before.keep(&self.heard);
        if agrees && self.lost().count < uncertain { self.try_all(&self.lost(), 0)? } else { None }
    }

    fn doubted(&self, doubt: usize) -> Range<usize> {
        self.doubts[doubt]..self.doubts[doubt] + DOUBTED
    }

    fn lost(&self) -> Places {
        self.lost_in(0..self.heard.len)
    }

    fn lost_in(&self, bits: Range<usize>) -> Places {
        let mut places = Places::default();
        bits.filter(|place| self.heard.lost[*place]).for_each(|place| places.add(place));
        places
    }

    /// The length of the frame from a first bit on that comes of a filling of these places, if any does; nothing at all when
    /// several fit.
    /// The bits are what they were after it.
    fn try_all(&mut self, places: &Places, first: usize) -> Option<Option<usize>> {
        if places.count == 0 || places.count > MOST_LOST {
            return Some(None);
        }
        let before = self.word(places);
        let mut found = None;
        for trial in 0..1_u32 << places.count {
            self.fill(places, trial);
            let Some(len) = self.try_frame(first) else { continue };
            if found.is_some() {
                return None;
            }
            found = Some(len);
        }
        self.fill(places, before);
        Some(found)
    }

    fn word(&self, places: &Places) -> u32 {
        places.iter().rev().fold(0, |word, place| word << 1 | u32::from(self.heard.bits[*place]))
    }

    fn fill(&mut self, places: &Places, word: u32) {
        for (index, place) in places.iter().enumerate() {
            self.heard.bits[*place] = word >> index & 1 == 1;
        }
    }

    /// The length of the frame that the bits are now, if they are one.
    fn try_frame(&mut self, first: usize) -> Option<usize> {
        self.trial.reset();
        FLAG.iter().for_each(|bit| _ = self.trial.push(*bit));
        let (last, before) = self.heard.bits[..self.heard.len].get(first..)?.split_last()?;
        if before.iter().any(|bit| self.trial.push(*bit).is_some()) {
            return None;
        }
        let Some(Found::Frame { octets: [ADDRESS, control, rest @ ..], intact: true }) = self.trial.push(*last) else {
            return None;
        };
        let len = rest.len() + 2;
        if control & !FINAL != CONTROL || len > self.mended.len() {
            return None;
        }
        self.mended[..2].copy_from_slice(&[ADDRESS, *control]);
        self.mended[2..len].copy_from_slice(rest);
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdlc::Framer;

    /// What is mended of a frame of which these bits are lost.
    fn mended(frame: &[u8], lost: std::ops::Range<usize>) -> Option<Vec<u8>> {
        let (mut framer, mut bits) = (Framer::new(), Vec::new());
        framer.octets(frame, |bit| bits.push(bit));
        framer.end_frame(|bit| bits.push(bit));
        let mut mender = Mender::new();
        for (place, bit) in bits.iter().enumerate() {
            mender.push(*bit && !lost.contains(&place), lost.contains(&place));
        }
        mender.mend().map(<[u8]>::to_vec)
    }

    #[test]
    fn a_frame_is_mended_wherever_its_hole_is() {
        let frames: [&[u8]; 3] = [&[0xff, 0x13, 0x31], &[0xff, 0x13, 0xbf, 0x2f, 0, 0, 0xff], &[0xff; 2]];
        let resend = [&[0xff, 0x13, 0xbc][..], &[0x5a; 32]].concat();
        for first in 0..resend.len() * 8 {
            assert_eq!(mended(&resend, first..first + 7).as_deref(), Some(&resend[..]), "hole at {first}");
        }
        for frame in &frames[..2] {
            for first in 0..frame.len() * 8 {
                assert_eq!(mended(frame, first..first + 8).as_deref(), Some(*frame), "hole at {first}");
            }
        }
        assert_eq!(mended(frames[2], 3..9), None);
    }

    #[test]
    fn a_repeated_packet_is_mended_among_others_that_only_seem_to_be() {
        let frame = [&[0xff, 0x13, 0xbc][..], &[0x5a; 32]].concat();
        let (mut framer, mut bits) = (Framer::new(), Vec::new());
        framer.octets(&frame, |bit| bits.push(bit));
        framer.end_frame(|bit| bits.push(bit));
        for at in (10..bits.len() - 20).step_by(7) {
            let mut got = bits.clone();
            got.copy_within(at - 6..at, at);
            let mut mender = Mender::new();
            for (place, bit) in got.iter().enumerate() {
                if place == at + 6 || place == 30 || place == 200 {
                    mender.doubt();
                }
                mender.push(*bit, false);
            }
            assert!(got == bits || mender.mend() == Some(&frame[..]), "a packet repeated at bit {at}");
        }
    }

    #[test]
    fn two_times_a_frame_with_many_holes_make_it_whole() {
        let frame = [&[0xff, 0x13, 0xbc][..], &[0x5a; 32]].concat();
        let (mut framer, mut bits) = (Framer::new(), Vec::new());
        framer.octets(&frame, |bit| bits.push(bit));
        framer.end_frame(|bit| bits.push(bit));
        let mut mender = Mender::new();
        let mut hear = |holes: [usize; 3], inverted: usize| {
            mender.restart();
            for (place, bit) in bits.iter().enumerate() {
                let lost = holes.iter().any(|hole| (*hole..hole + 8).contains(&place));
                mender.push(!lost && *bit != (place == inverted), lost);
            }
            mender.mend().map(<[u8]>::to_vec)
        };
        assert_eq!(hear([20, 60, 100], usize::MAX), None);
        assert_eq!(hear([40, 100, 180], 70), None, "an error beside the holes");
        assert_eq!(hear([20, 60, 100], usize::MAX), None);
        assert_eq!(hear([40, 102, 180], usize::MAX), Some(frame));
    }

    #[test]
    fn what_is_no_frame_is_not_made_one() {
        let mut state = 1_u32;
        for _ in 0..200 {
            let mut mender = Mender::new();
            for place in 0..150 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                mender.push(state >> 31 == 1, (40..48).contains(&place));
            }
            FLAG.iter().for_each(|bit| mender.push(*bit, false));
            assert_eq!(mender.mend(), None);
        }
        assert_eq!(mended(&[0xff, 0x13, 0x31], 10..30), None);
    }
}
