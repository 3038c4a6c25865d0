//! `+FTM` and `+FTH`: octets of the host on their way to the line.

use std::collections::VecDeque;

use super::shield::{DLE, Unshield, Unshielded};
use crate::{
    seam::{Carrier, Cut, Framing, Train, V27terRate},
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

/// Octets of a page taken ahead of the line: less than the second that hosts expect in a modem.
const MOST_OCTETS: usize = 1024;

/// Octets of the longest frame that a host may send.
const MOST_FRAME_OCTETS: usize = 512;

/// Flags before V.21 frames, as the front end sends them.
const V21_PREAMBLE: LineSpan = LineSpan::ms(1000);

/// CONNECT goes out so long before the line can take the next octets: a host needs a moment.
const HEAD_START: LineSpan = LineSpan::ms(60);

/// A host that gives no octet for so long has given up, ITU-T T.31 8.3.3.
const HOST_STALL: LineSpan = LineSpan::ms(5000);

/// Want of octets that is filled up, where zeros came last: fill in a row of T.4.
const FILL_AFTER: LineSpan = LineSpan::ms(40);

/// Octets of fill at a time.
const FILL_OCTETS: usize = 16;

/// A frame of the host, without its check sequence.
#[derive(Debug)]
struct Frame {
    octets: Vec<u8>,
    last: bool,
}

/// A signal the host makes.
#[derive(Debug)]
pub(super) struct Sending {
    carrier: Carrier,
    framing: Framing,
    unshield: Unshield,
    /// Bare octets that wait, or those of the frame being entered.
    octets: VecDeque<u8>,
    frames: VecDeque<Frame>,
    /// Octets given of the first frame.
    given: usize,
    /// The octet given last.
    last: u8,
    /// The host has ended the signal.
    complete: bool,
    /// The front end has the whole signal.
    over: bool,
    /// When the host is to be told that it may go on.
    connect_due: Option<LineTime>,
    /// When what was entered so far has left.
    gone_by: LineTime,
    /// When the host, or the line, last moved.
    moved: LineTime,
    /// The line is gone; the host is heard out.
    lost: bool,
}

/// What an octet of the host meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing to say.
    Quiet,
    /// The host broke it off.
    Cancelled,
    /// The end of data for a line that is gone.
    EndOfLost,
}

impl Sending {
    /// A signal that begins at `at`.
    pub(super) fn new(carrier: Carrier, framing: Framing, at: LineTime) -> Self {
        let begins = match framing {
            Framing::Hdlc if carrier == Carrier::V21 => at,
            _ => LineTime(at.0 + training(carrier).0) - HEAD_START,
        };
        Self {
            carrier,
            framing,
            unshield: Unshield::default(),
            octets: VecDeque::new(),
            frames: VecDeque::new(),
            given: 0,
            last: 0xff,
            complete: false,
            over: false,
            connect_due: Some(begins),
            gone_by: at + if carrier == Carrier::V21 { V21_PREAMBLE } else { training(carrier) },
            moved: begins,
            lost: false,
        }
    }

    /// Octets of the host that can be taken now.
    pub(super) fn room(&self) -> usize {
        match (self.complete, self.framing) {
            (true, _) => 0,
            _ if self.lost => MOST_OCTETS,
            (_, Framing::Raw) => MOST_OCTETS - self.octets.len().min(MOST_OCTETS),
            (_, Framing::Hdlc) => {
                if self.connect_due.is_some() {
                    0
                } else {
                    1
                }
            }
        }
    }

    /// Whether so much waits that the host should pause, or so little that it should go on; none: as it is.
    pub(super) fn wants_pause(&self) -> Option<bool> {
        match self.octets.len() {
            _ if self.framing == Framing::Hdlc || self.complete => Some(false),
            waiting if waiting > MOST_OCTETS * 3 / 4 => Some(true),
            waiting if waiting < MOST_OCTETS / 4 => Some(false),
            _ => None,
        }
    }

    pub(super) fn take(&mut self, octet: u8, now: LineTime) -> Taken {
        self.moved = now.max(self.moved);
        match self.unshield.take(octet) {
            Unshielded::Data(octet) => self.push(octet),
            Unshielded::TwoEscapes => [DLE, DLE].into_iter().for_each(|octet| self.push(octet)),
            Unshielded::Cancel => return Taken::Cancelled,
            Unshielded::End if self.lost => return Taken::EndOfLost,
            Unshielded::End => self.end(now),
            Unshielded::Nothing | Unshielded::Mark(_) => {}
        }
        Taken::Quiet
    }

    fn push(&mut self, octet: u8) {
        let most = if self.framing == Framing::Hdlc { MOST_FRAME_OCTETS } else { MOST_OCTETS + 1 };
        if !self.lost && self.octets.len() < most {
            self.octets.push_back(octet);
        }
    }

    fn end(&mut self, now: LineTime) {
        if self.framing == Framing::Raw {
            self.complete = true;
            return;
        }
        let octets: Vec<u8> = self.octets.drain(..).collect();
        // The fifth place of the control field says that no frame follows; a frame of nothing ends the signal too.
        let last = octets.get(1).is_none_or(|control| control & 0x10 != 0);
        let bits = 8 * (octets.len() as u64 + 3) * 17 / 16;
        self.gone_by = self.gone_by.max(now) + LineSpan(bits * TICKS_PER_SECOND / u64::from(self.carrier.bit_rate()));
        self.complete = last;
        self.connect_due = (!last).then(|| self.gone_by - HEAD_START);
        self.frames.push_back(Frame { octets, last });
    }

    /// Whether the host is to be told that it may go on.
    pub(super) fn connects(&mut self, now: LineTime) -> bool {
        let due = self.connect_due.is_some_and(|due| due <= now);
        if due {
            self.connect_due = None;
            self.moved = now;
        }
        due
    }

    /// When the next of its moments is.
    pub(super) fn due(&self) -> Option<LineTime> {
        self.connect_due.or_else(|| (!self.complete).then(|| self.moved + HOST_STALL))
    }

    /// Whether the host has stopped in the middle.
    pub(super) fn is_stalled(&self, now: LineTime) -> bool {
        !self.complete && self.connect_due.is_none() && now >= self.moved + HOST_STALL
    }

    /// The line is gone. What the host still has to say is swallowed.
    pub(super) fn line_lost(&mut self) {
        self.lost = true;
        self.octets.clear();
        self.frames.clear();
    }

    /// Whether the host had ended the signal.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Writes the next octets for the line: how many, and what ends with them.
    pub(super) fn fill(&mut self, buf: &mut [u8], now: LineTime) -> (usize, Cut) {
        match self.framing {
            _ if self.over => (0, Cut::More),
            Framing::Raw => self.fill_bare(buf, now),
            Framing::Hdlc => self.fill_frames(buf),
        }
    }

    fn fill_bare(&mut self, buf: &mut [u8], now: LineTime) -> (usize, Cut) {
        let count = buf.len().min(self.octets.len());
        buf.iter_mut().zip(self.octets.drain(..count)).for_each(|(place, octet)| *place = octet);
        if count > 0 {
            self.last = buf[count - 1];
            self.moved = now.max(self.moved);
        }
        if self.complete && self.octets.is_empty() {
            self.over = true;
            return (count, Cut::Signal);
        }
        let starves = count == 0 && self.last == 0 && self.connect_due.is_none() && now.since(self.moved) >= FILL_AFTER;
        if starves && !self.lost {
            let fill = FILL_OCTETS.min(buf.len());
            buf[..fill].fill(0);
            return (fill, Cut::More);
        }
        (count, Cut::More)
    }

    fn fill_frames(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        let Some(frame) = self.frames.front() else { return (0, Cut::More) };
        let left = &frame.octets[self.given..];
        let count = left.len().min(buf.len());
        buf[..count].copy_from_slice(&left[..count]);
        if count < left.len() {
            self.given += count;
            return (count, Cut::More);
        }
        self.given = 0;
        self.over = frame.last;
        self.frames.pop_front();
        (count, if self.over { Cut::Signal } else { Cut::Frame })
    }
}

/// How long the carrier trains before its first bit.
fn training(carrier: Carrier) -> LineSpan {
    match carrier {
        Carrier::V21 => LineSpan::ZERO,
        Carrier::V27ter(V27terRate::R2400) => LineSpan::ms(1158),
        Carrier::V27ter(V27terRate::R4800) => LineSpan::ms(923),
        Carrier::V29(_) => LineSpan::ms(253),
        Carrier::V17(_, Train::Long) => LineSpan::ms(1393),
        Carrier::V17(_, Train::Short) => LineSpan::ms(142),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::V29Rate;

    const FAST: Carrier = Carrier::V29(V29Rate::R9600);

    fn enter(sending: &mut Sending, octets: &[u8]) {
        octets.iter().for_each(|octet| assert_eq!(sending.take(*octet, LineTime(0)), Taken::Quiet));
    }

    #[test]
    fn frames_are_cut_by_their_final_bit() {
        let mut sending = Sending::new(Carrier::V21, Framing::Hdlc, LineTime(0));
        assert!(sending.connects(LineTime(0)));
        enter(&mut sending, b"\xff\x03\x10\x10\x42\x10\x03");
        assert!(!sending.is_complete() && sending.room() == 0);
        let mut buf = [0; 300];
        assert_eq!(sending.fill(&mut buf, LineTime(0)), (4, Cut::Frame));
        assert_eq!(buf[..4], [0xff, 0x03, 0x10, 0x42]);
        assert!(sending.connects(LineTime(20_000)));
        enter(&mut sending, b"\xff\x13\x84\x10\x03");
        assert!(sending.is_complete());
        assert_eq!(sending.fill(&mut buf, LineTime(0)), (3, Cut::Signal));
        assert_eq!(sending.fill(&mut buf, LineTime(0)), (0, Cut::More));
    }

    #[test]
    fn a_page_is_taken_at_the_speed_of_the_line() {
        let mut sending = Sending::new(FAST, Framing::Raw, LineTime(0));
        assert_eq!(sending.room(), MOST_OCTETS);
        enter(&mut sending, &[0; MOST_OCTETS]);
        assert_eq!((sending.room(), sending.wants_pause()), (0, Some(true)));
        let mut buf = [0; 264];
        (0..3).for_each(|_| assert_eq!(sending.fill(&mut buf, LineTime(9)), (264, Cut::More)));
        assert_eq!((sending.room(), sending.wants_pause()), (792, Some(false)));
        enter(&mut sending, &[DLE, 3]);
        assert_eq!(sending.fill(&mut buf, LineTime(9)), (232, Cut::Signal));
    }

    #[test]
    fn want_of_octets_is_filled_with_zeros_where_zeros_may_be() {
        let (mut buf, late) = ([9; 264], LineTime(80_000));
        for (octet, fill) in [(0, FILL_OCTETS), (7, 0)] {
            let mut sending = Sending::new(FAST, Framing::Raw, LineTime(0));
            assert!(sending.connects(late));
            sending.take(octet, late);
            assert_eq!(sending.fill(&mut buf, late), (1, Cut::More));
            assert_eq!(sending.fill(&mut buf, late), (0, Cut::More));
            assert_eq!(sending.fill(&mut buf, late + LineSpan::ms(50)), (fill, Cut::More));
            assert!(!sending.is_stalled(late + LineSpan::ms(4999)) && sending.is_stalled(late + LineSpan::ms(5000)));
        }
    }
}
