//! Frames of the control channel with a hole where the transport lost a packet. A packet of 20 ms holds six bits: what
//! fits in the hole, by the frame check sequence and by what a frame of T.30 begins with, is put there.
//!
//! One packet in a hundred lost would otherwise spoil every second long frame, and T.30 sends a frame three times only.

use crate::hdlc::{Deframer, Found, MAX_BITS_PER_OCTET};

/// Bits since the last flag that are kept: a frame of 48 octets; those of T.30 that decide are shorter.
const ROOM: usize = 48 * MAX_BITS_PER_OCTET;

/// Lost bits that are tried. Of 2^9 trials at 16 bits of check and 15 of the frame's beginning none fits by chance.
const MOST_LOST: usize = 9;

/// A flag, which no bit of a frame can be.
const FLAG: [bool; 8] = [false, true, true, true, true, true, true, false];

/// What every frame of T.30 begins with: the address, and the control field but for its final bit. ITU-T T.30 5.3.4, 5.3.5.
const ADDRESS: u8 = 0xff;
const CONTROL: u8 = 0x03;
const FINAL: u8 = 0x10;

/// The bits since the last flag, and which of them were lost.
pub(super) struct Mender {
    bits: Box<[bool]>,
    len: usize,
    lost: [usize; MOST_LOST],
    lost_len: usize,
    /// More bits came, or were lost, than are kept.
    too_much: bool,
    trial: Deframer,
    mended: Box<[u8]>,
}

impl Mender {
    pub(super) fn new() -> Self {
        Self {
            bits: vec![false; ROOM].into(),
            len: 0,
            lost: [0; MOST_LOST],
            lost_len: 0,
            too_much: false,
            trial: Deframer::new(),
            mended: vec![0; ROOM / 8].into(),
        }
    }

    /// Forgets what was before a flag.
    pub(super) fn restart(&mut self) {
        (self.len, self.lost_len, self.too_much) = (0, 0, false);
    }

    /// Takes the next bit, or the place of a lost one.
    pub(super) fn push(&mut self, bit: bool, lost: bool) {
        self.too_much |= self.len == ROOM || lost && self.lost_len == MOST_LOST;
        if self.too_much {
            return;
        }
        if lost {
            self.lost[self.lost_len] = self.len;
            self.lost_len += 1;
        }
        self.bits[self.len] = bit;
        self.len += 1;
    }

    /// The frame that the bits up to the flag behind it are, if lost bits alone are wrong and only one frame fits.
    pub(super) fn mend(&mut self) -> Option<&[u8]> {
        if self.too_much || self.lost_len == 0 {
            return None;
        }
        let mut found = None;
        for trial in 0..1_u32 << self.lost_len {
            self.fill(trial);
            let Some(len) = self.try_frame() else { continue };
            if found.is_some() {
                return None;
            }
            found = Some(len);
        }
        found.map(|len| &self.mended[..len])
    }

    fn fill(&mut self, trial: u32) {
        for (place, lost) in self.lost[..self.lost_len].iter().enumerate() {
            self.bits[*lost] = trial >> place & 1 == 1;
        }
    }

    /// The length of the frame that the bits are now, if they are one.
    fn try_frame(&mut self) -> Option<usize> {
        self.trial.reset();
        FLAG.iter().for_each(|bit| _ = self.trial.push(*bit));
        let (last, before) = self.bits[..self.len].split_last()?;
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
