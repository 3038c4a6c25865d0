//! The arithmetic encoder of ITU-T T.82 (03/93) 6.8.2: symbols to octets.

use super::states::{Belief, STEPS};

/// Places of the code register below the octet that goes out next.
const SPARE: u32 = 19;

/// The encoder's registers. One stripe is one code.
#[derive(Clone, Copy, Debug)]
pub(super) struct QmEncoder {
    /// Where the interval begins: 16 places of fraction, 3 that keep a carry from running, an octet and the carry.
    code: u32,
    /// Length of the interval.
    interval: u32,
    /// Shifts until an octet is whole.
    shifts: u32,
    /// The last octet, which a carry may still change; none before the first.
    held: Option<u8>,
    /// Octets 0xFF behind it, which a carry would run through.
    stacked: u32,
    /// Zeros behind those, written only when something follows: those at the end of a stripe are left out.
    zeros: u32,
}

impl QmEncoder {
    pub(super) fn new() -> Self {
        Self { code: 0, interval: 0x1_0000, shifts: 11, held: None, stacked: 0, zeros: 0 }
    }

    /// Encodes a symbol, 0 or 1, in a context.
    #[inline(always)]
    pub(super) fn encode(&mut self, belief: &mut Belief, symbol: u32, out: &mut Vec<u8>) {
        let step = STEPS[usize::from(*belief)];
        let lsz = u32::from(step.lsz);
        self.interval -= lsz;
        if symbol == u32::from(*belief & 1) {
            if self.interval >= 0x8000 {
                return;
            }
            // The shorter part of the interval is always the less probable symbol's, so the two may change places.
            if self.interval < lsz {
                self.code += self.interval;
                self.interval = lsz;
            }
            *belief = step.more;
        } else {
            if self.interval >= lsz {
                self.code += self.interval;
                self.interval = lsz;
            }
            *belief = step.less;
        }
        self.renormalise(out);
    }

    /// Encodes up to `count` zeros in a context for which zero is the more probable symbol, as many as need no shift;
    /// says how many.
    #[inline]
    pub(super) fn encode_zeros(&mut self, belief: Belief, count: u32) -> u32 {
        if belief & 1 == 1 {
            return 0;
        }
        let lsz = u32::from(STEPS[usize::from(belief)].lsz);
        let count = count.min((self.interval - 0x8000) / lsz);
        self.interval -= count * lsz;
        count
    }

    fn renormalise(&mut self, out: &mut Vec<u8>) {
        while self.interval < 0x8000 {
            let by = (self.interval.leading_zeros() - 16).min(self.shifts);
            self.interval <<= by;
            self.code <<= by;
            self.shifts -= by;
            if self.shifts == 0 {
                self.octet_out(out);
                self.shifts = 8;
            }
        }
    }

    fn octet_out(&mut self, out: &mut Vec<u8>) {
        let octet = self.code >> SPARE;
        self.code &= (1 << SPARE) - 1;
        match octet {
            0xFF => self.stacked += 1,
            _ => self.settle(octet, out),
        }
    }

    /// The octets held are what they are, with the carry of the next one, which is held now.
    fn settle(&mut self, octet: u32, out: &mut Vec<u8>) {
        self.release(octet > 0xFF, out);
        self.held = Some(octet as u8);
    }

    fn release(&mut self, carry: bool, out: &mut Vec<u8>) {
        if let Some(held) = self.held.take() {
            self.write(held.wrapping_add(u8::from(carry)), out);
        }
        for _ in 0..std::mem::take(&mut self.stacked) {
            self.write(if carry { 0 } else { 0xFF }, out);
        }
    }

    /// Writes an octet, and behind 0xFF the zero that tells it from a marker.
    fn write(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == 0 {
            self.zeros += 1;
            return;
        }
        out.extend(std::iter::repeat_n(0, std::mem::take(&mut self.zeros) as usize));
        out.push(octet);
        if octet == 0xFF {
            out.push(0);
        }
    }

    /// Ends the code with the number of the interval that has the most zeros at its end, and leaves those out.
    pub(super) fn flush(mut self, out: &mut Vec<u8>) {
        let roundest = (self.code + self.interval - 1) & !0xFFFF;
        self.code = if roundest < self.code { roundest + 0x8000 } else { roundest };
        self.code <<= self.shifts;
        self.release(self.code > 0x7FF_FFFF, out);
        self.write((self.code >> SPARE) as u8, out);
        self.write((self.code >> (SPARE - 8)) as u8, out);
    }
}
