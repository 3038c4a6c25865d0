//! A signal for the line: on the air, or behind the one that is.

use std::collections::VecDeque;

use super::line_page::LinePage;
use crate::{
    hdlc::Framer,
    seam::{Carrier, Cut, Framing, FrontEnd, Order, Signal},
    t38::pacing::Pacing,
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

/// The line is given fill when what is supplied lasts no longer than this,
const LOW: LineSpan = LineSpan::ms(60);

/// and of it so much.
const SMOOTHING: LineSpan = LineSpan::ms(40);

/// A frame whose next octets are not there when what is supplied lasts no longer than this will not be whole on the line.
const TOO_LATE: LineSpan = LineSpan::ms(25);

/// A signal, and what is to be supplied of it.
pub(super) struct Spoken {
    pub(super) signal: Signal,
    /// How long it is held back.
    pub(super) held: LineSpan,
    pub(super) ordered: bool,
    pieces: VecDeque<Piece>,
    /// Its last piece is among them, or went.
    pub(super) complete: bool,
    /// Since when it is flags that nobody at the other end asked for.
    pub(super) spoof: Option<LineTime>,
    /// The page, where it is one of rows.
    pub(super) page: Option<LinePage>,
    /// Until when the line has enough of what was supplied.
    lasts_until: LineTime,
    /// Counts the bits of its frames.
    framer: Framer,
}

/// What is to be supplied.
struct Piece {
    octets: Vec<u8>,
    cut: Cut,
}

impl Spoken {
    pub(super) fn new(signal: Signal, held: LineSpan) -> Self {
        Self {
            signal,
            held,
            ordered: false,
            pieces: VecDeque::new(),
            complete: false,
            spoof: None,
            page: None,
            lasts_until: LineTime::ZERO,
            framer: Framer::new(),
        }
    }

    /// The same, of a page of rows if it is one.
    pub(super) fn of_page(self, page: Option<LinePage>) -> Self {
        Self { page, ..self }
    }

    /// The same, which nobody at the other end asked for.
    pub(super) fn spoofed(self, now: LineTime) -> Self {
        Self { spoof: Some(now), ..self }
    }

    pub(super) fn carrier(&self) -> Option<Carrier> {
        match self.signal {
            Signal::Data { carrier, .. } => Some(carrier),
            _ => None,
        }
    }

    /// Octets that wait.
    pub(super) fn waiting(&self) -> usize {
        self.pieces.iter().map(|piece| piece.octets.len()).sum()
    }

    pub(super) fn put(&mut self, octets: Vec<u8>, cut: Cut) {
        if !octets.is_empty() || cut != Cut::More {
            self.pieces.push_back(Piece { octets, cut });
        }
    }

    pub(super) fn end(&mut self) {
        if !std::mem::replace(&mut self.complete, true) {
            match self.pieces.back_mut().filter(|last| last.cut != Cut::Abort) {
                Some(last) => last.cut = Cut::Signal,
                None => self.put(Vec::new(), Cut::Signal),
            }
        }
    }

    /// Orders it for then.
    pub(super) fn order(&mut self, front: &mut impl FrontEnd, at: LineTime) {
        self.ordered = true;
        if let Signal::Data { carrier, framing } = self.signal {
            self.lasts_until = at + Pacing::Nominal.opening(carrier, framing);
        }
        front.order(Order::Send { signal: self.signal, at });
    }

    /// Gives the line as much as it takes; how many octets that was.
    pub(super) fn supply(&mut self, front: &mut impl FrontEnd, now: LineTime) -> usize {
        let mut supplied = 0;
        while let Some(piece) = self.pieces.front_mut() {
            let room = front.room();
            if room == 0 {
                break;
            }
            let count = piece.octets.len().min(room);
            let octets: Vec<u8> = piece.octets.drain(..count).collect();
            let cut = if piece.octets.is_empty() { piece.cut } else { Cut::More };
            if piece.octets.is_empty() {
                self.pieces.pop_front();
            }
            front.supply(&octets, cut);
            self.lasts(&octets, cut, now);
            supplied += count;
        }
        supplied
    }

    fn lasts(&mut self, octets: &[u8], cut: Cut, now: LineTime) {
        let Signal::Data { carrier, framing } = self.signal else { return };
        let bits = if framing == Framing::Hdlc { self.frame_bits(octets, cut) } else { 8 * octets.len() as u64 };
        let lasts = LineSpan(bits * TICKS_PER_SECOND / u64::from(carrier.bit_rate()));
        self.lasts_until = self.lasts_until.max(now) + lasts;
    }

    fn frame_bits(&mut self, octets: &[u8], cut: Cut) -> u64 {
        let mut bits = 0;
        self.framer.octets(octets, |_| bits += 1);
        match cut {
            Cut::More => {}
            Cut::Abort => self.framer.abort(|_| bits += 1),
            Cut::Frame | Cut::Signal => self.framer.end_frame(|_| bits += 1),
        }
        bits
    }

    /// Whether the frame on the line breaks off unless more of it comes at once.
    pub(super) fn is_too_late(&self, now: LineTime) -> bool {
        self.lacks_within(TOO_LATE, now)
    }

    /// Whether the line will be without octets of ours in so short a time.
    fn lacks_within(&self, span: LineSpan, now: LineTime) -> bool {
        self.ordered && !self.complete && self.pieces.is_empty() && self.lasts_until.since(now) <= span
    }

    /// A network that is slower than the modem for a while, or that thins rows out, is waited for between two rows.
    pub(super) fn smooth(&mut self, front: &mut impl FrontEnd, now: LineTime) {
        let Some(carrier) = self.carrier().filter(|_| self.lacks_within(LOW, now)) else { return };
        let octets = (u64::from(carrier.bit_rate()) * SMOOTHING.as_ms() / 8000) as usize;
        if let Some(fill) = self.page.as_mut().and_then(|page| page.pause(octets.min(front.room()))) {
            let count = fill.len().min(front.room());
            front.supply(&fill[..count], Cut::More);
            self.lasts(&fill[..count], Cut::More, now);
        }
    }
}
