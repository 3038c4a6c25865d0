//! From the network to the line.

use std::collections::VecDeque;

use super::{RelayConfig, Side, course::Course, fill::Rows, outward::Outward, passing};
use crate::{
    frame::{Fcf, Frame, Message},
    seam::{Carrier, Cut, Framing, FrontEnd, Order, Signal, Train},
    t38::{
        ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
        pacing::Pacing,
    },
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

/// What holds a fast signal back, so that its octets are there when they are wanted though the network is uneven.
const CUSHION: LineSpan = LineSpan::ms(240);

/// Silence after a signal of the line before we speak.
const TURNAROUND: LineSpan = LineSpan::ms(75);

/// Flags are sent to a machine that waits for an answer so long, and stop its T4 of 3 s - 15 %.
const SPOOFED_AFTER: LineSpan = LineSpan::ms(2200);

/// How long flags may go on before the answer: longer, and the machine takes them for nothing.
const SPOOFED_FOR: LineSpan = LineSpan::ms(3500);

/// A signal without packets for so long is over: its end was lost.
const STALL: LineSpan = LineSpan::ms(2500);

/// Octets that wait for the line at most: half a minute of the fastest modem.
const MOST_WAITING: usize = 64 * 1024;

/// Octets of a frame that are kept.
const LONGEST_FRAME: usize = 400;

/// A training check, 1.5 s, in milliseconds.
const CHECK_MS: u64 = 1500;

/// A signal for the line: on the air, or behind the one that is.
struct Spoken {
    signal: Signal,
    /// How long it is held back.
    held: LineSpan,
    ordered: bool,
    pieces: VecDeque<Piece>,
    /// Its last piece is among them, or went.
    complete: bool,
    /// Since when it is flags that nobody at the other end asked for.
    spoof: Option<LineTime>,
    /// Its rows, where it is a page of them.
    rows: Option<Rows>,
    /// When the line needs its first octet, and octets that were supplied since.
    begins: LineTime,
    supplied: u64,
}

/// What is to be supplied.
struct Piece {
    octets: Vec<u8>,
    cut: Cut,
}

pub(super) struct Inward {
    /// Signals in their order; the first is on the air when it was ordered.
    signals: VecDeque<Spoken>,
    waiting: usize,
    frame: Vec<u8>,
    damaged: bool,
    heard: LineTime,
    quiet_since: LineTime,
    /// The line's signal that flags were sent for.
    spoofed_for: Option<LineTime>,
}

/// Signals that wait at most.
const MOST_SIGNALS: usize = 4;

impl Spoken {
    fn new(signal: Signal, held: LineSpan) -> Self {
        Self {
            signal,
            held,
            ordered: false,
            pieces: VecDeque::new(),
            complete: false,
            spoof: None,
            rows: None,
            begins: LineTime::ZERO,
            supplied: 0,
        }
    }

    fn carrier(&self) -> Option<Carrier> {
        match self.signal {
            Signal::Data { carrier, .. } => Some(carrier),
            _ => None,
        }
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.complete, true) {
            match self.pieces.back_mut() {
                Some(last) => last.cut = Cut::Signal,
                None => self.pieces.push_back(Piece { octets: Vec::new(), cut: Cut::Signal }),
            }
        }
    }
}

impl Inward {
    pub(super) fn new() -> Self {
        Self {
            signals: VecDeque::new(),
            waiting: 0,
            frame: Vec::with_capacity(LONGEST_FRAME),
            damaged: false,
            heard: LineTime::ZERO,
            quiet_since: LineTime::ZERO,
            spoofed_for: None,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.signals.is_empty()
    }

    pub(super) fn lost(&mut self) {
        self.damaged = true;
    }

    /// The line has heard all of what was ordered.
    pub(super) fn sent(&mut self, at: LineTime) {
        if let Some(over) = self.signals.pop_front_if(|spoken| spoken.ordered) {
            self.waiting -= over.pieces.iter().map(|piece| piece.octets.len()).sum::<usize>();
        }
        self.quiet_since = at;
    }

    pub(super) fn packet(&mut self, ifp: &Ifp<'_>, course: &mut Course, config: &RelayConfig, now: LineTime) {
        self.heard = now;
        match ifp {
            Ifp::Indicator(Indicator::V21Preamble) => self.begin(Carrier::V21, course, config),
            Ifp::Indicator(Indicator::Training(carrier)) => self.begin(*carrier, course, config),
            Ifp::Indicator(Indicator::Ced | Indicator::V8Ansam) => self.tone(Signal::Ced),
            Ifp::Indicator(Indicator::Cng) => self.tone(Signal::Cng),
            Ifp::Indicator(_) => self.end(),
            Ifp::Data(kind, fields) => self.data(*kind, fields, course, config),
        }
    }

    fn tone(&mut self, signal: Signal) {
        if self.signals.is_empty() {
            self.signals.push_back(Spoken::new(signal, LineSpan::ZERO));
        }
    }

    /// The signal that packets of a carrier belong to.
    fn open(&mut self) -> Option<&mut Spoken> {
        self.signals.back_mut().filter(|spoken| !spoken.complete && spoken.carrier().is_some())
    }

    fn open_carrier(&mut self) -> Option<Carrier> {
        self.open().and_then(|spoken| spoken.carrier())
    }

    fn begin(&mut self, carrier: Carrier, course: &Course, config: &RelayConfig) {
        let last = self.signals.back().and_then(Spoken::carrier).map(DataType::of_carrier);
        if course.check_stays() && carrier != Carrier::V21 && last == Some(DataType::of_carrier(carrier)) {
            // Said again: our own check is on its way already.
            return;
        }
        if let Some(spoken) = self.open() {
            let same = spoken.carrier().map(DataType::of_carrier) == Some(DataType::of_carrier(carrier));
            if same {
                // Said again, or the flags that went before.
                spoken.spoof = None;
                return;
            }
            self.end();
        }
        self.frame.clear();
        self.damaged = false;
        if self.signals.len() >= MOST_SIGNALS {
            return;
        }
        let framing = course.framing(carrier);
        let held = if carrier == Carrier::V21 { LineSpan::ZERO } else { CUSHION };
        let least = course.row_bits().filter(|_| carrier != Carrier::V21);
        let rows = least.map(|least| Rows::new(if config.fill_removal { least } else { 0 }));
        self.signals.push_back(Spoken { rows, ..Spoken::new(Signal::Data { carrier, framing }, held) });
        if course.check_stays() && carrier != Carrier::V21 {
            let zeros = u64::from(carrier.bit_rate()) * CHECK_MS / 8000;
            self.put(vec![0; zeros as usize], Cut::Signal);
            self.end();
        }
    }

    fn data(&mut self, kind: DataType, fields: &[Field<'_>], course: &mut Course, config: &RelayConfig) {
        let Some(any) = kind.carrier(Train::Long) else { return };
        if self.open_carrier().is_none_or(|on| DataType::of_carrier(on) != kind) {
            let checked = course.check_stays() && any != Carrier::V21;
            if checked || fields.iter().all(|field| field.octets.is_empty()) {
                return;
            }
            // The indicator was lost; the course knows which training it was.
            let known = course.fast().map(|(fast, _)| fast).filter(|&fast| DataType::of_carrier(fast) == kind);
            self.begin(known.unwrap_or(any), course, config);
        }
        for field in fields {
            self.field(field, course, config);
            use FieldType::{FcsBadSigEnd, FcsOkSigEnd, HdlcSigEnd, NonEcmSigEnd};
            if matches!(field.kind, FcsOkSigEnd | FcsBadSigEnd | HdlcSigEnd | NonEcmSigEnd) {
                self.end();
                if any != Carrier::V21 {
                    course.fast_over();
                }
            }
        }
    }

    fn field(&mut self, field: &Field<'_>, course: &mut Course, config: &RelayConfig) {
        match field.kind {
            FieldType::Hdlc => self.collect(field.octets),
            FieldType::FcsOk | FieldType::FcsOkSigEnd => self.frame(course, config),
            FieldType::FcsBad | FieldType::FcsBadSigEnd => self.frame.clear(),
            FieldType::NonEcm | FieldType::NonEcmSigEnd if !field.octets.is_empty() => {
                self.page(turned(field.octets).collect());
            }
            _ => {}
        }
    }

    /// Octets of a stream: of rows, those that are whole.
    fn page(&mut self, octets: Vec<u8>) {
        let rows = self.open().and_then(|spoken| spoken.rows.as_mut());
        let octets = rows.map(|rows| rows.push(&octets)).unwrap_or(octets);
        self.put(octets, Cut::More);
    }

    fn collect(&mut self, octets: &[u8]) {
        if self.damaged && matches!(octets, [0xff, 0xc0 | 0xc8, ..]) {
            self.frame.clear();
            self.damaged = false;
        }
        let room = LONGEST_FRAME - self.frame.len();
        self.damaged |= octets.len() > room;
        self.frame.extend(turned(octets).take(room));
    }

    /// A frame is whole. A damaged one does not reach the line, where its check sequence would make it good.
    fn frame(&mut self, course: &mut Course, config: &RelayConfig) {
        let octets = std::mem::take(&mut self.frame);
        if std::mem::take(&mut self.damaged) || octets.is_empty() {
            return;
        }
        let octets = refused(octets, course);
        course.passes(Side::Network, &octets);
        if let Some(octets) = passing(&octets, config) {
            self.put(octets, Cut::Frame);
        }
    }

    fn put(&mut self, octets: Vec<u8>, cut: Cut) {
        if self.waiting + octets.len() > MOST_WAITING {
            return;
        }
        self.waiting += octets.len();
        match self.open() {
            Some(spoken) => spoken.pieces.push_back(Piece { octets, cut }),
            None => self.waiting -= octets.len(),
        }
    }

    /// The network's signal is over.
    fn end(&mut self) {
        if let Some(rest) = self.open().and_then(|spoken| spoken.rows.as_mut()).map(Rows::finish) {
            self.put(rest, Cut::More);
        }
        if let Some(spoken) = self.open() {
            spoken.end();
        }
    }

    pub(super) fn advance(&mut self, front: &mut impl FrontEnd, outward: &Outward, now: LineTime) {
        self.spoof(outward, now);
        if now.since(self.heard) > STALL && self.open().is_some_and(|spoken| spoken.spoof.is_none()) {
            self.end();
        }
        // A tone gives way to what comes behind it; a calling tone has the front end's own cadence.
        let gives_way = |spoken: &mut Spoken| spoken.ordered && spoken.carrier().is_none();
        if self.signals.len() > 1 || self.signals.front().is_some_and(|spoken| spoken.signal == Signal::Cng) {
            self.signals.pop_front_if(gives_way);
        }
        if let Some(spoken) = self.signals.front_mut().filter(|spoken| !spoken.ordered) {
            spoken.ordered = true;
            let at = (now + spoken.held).max(self.quiet_since + TURNAROUND);
            if let Signal::Data { carrier, framing } = spoken.signal {
                spoken.begins = at + Pacing::Nominal.opening(carrier, framing);
            }
            front.order(Order::Send { signal: spoken.signal, at });
        }
        self.supply(front);
        self.smooth(front, now);
    }

    /// Flags for a machine that has waited long for its answer, once, and not for ever.
    fn spoof(&mut self, outward: &Outward, now: LineTime) {
        let waits_since = outward.waits_since();
        if self.signals.is_empty() {
            let since = waits_since.filter(|&since| self.spoofed_for != Some(since) && since >= self.quiet_since);
            if since.is_some_and(|since| now.since(since) >= SPOOFED_AFTER) {
                self.spoofed_for = since;
                let flags = Signal::Data { carrier: Carrier::V21, framing: Framing::Hdlc };
                self.signals.push_back(Spoken { spoof: Some(now), ..Spoken::new(flags, LineSpan::ZERO) });
            }
        } else if let Some(spoken) = self.open()
            && spoken.spoof.is_some_and(|since| now.since(since) > SPOOFED_FOR)
        {
            spoken.end();
        }
    }

    fn supply(&mut self, front: &mut impl FrontEnd) {
        let Some(spoken) = self.signals.front_mut().filter(|spoken| spoken.ordered) else { return };
        while let Some(piece) = spoken.pieces.front_mut() {
            let room = front.room();
            if room == 0 {
                return;
            }
            let count = piece.octets.len().min(room);
            let whole = count == piece.octets.len();
            front.supply(&piece.octets[..count], if whole { piece.cut } else { Cut::More });
            piece.octets.drain(..count);
            self.waiting -= count;
            spoken.supplied += count as u64;
            if whole {
                spoken.pieces.pop_front();
            }
        }
    }
}

/// The line is given fill when what is supplied lasts no longer than this,
const LOW: LineSpan = LineSpan::ms(60);

/// and of it so much.
const SMOOTHING: LineSpan = LineSpan::ms(40);

impl Inward {
    /// A network that is slower than the modem for a while, or that thins rows out, is waited for between two rows.
    fn smooth(&mut self, front: &mut impl FrontEnd, now: LineTime) {
        let Some(spoken) = self.signals.front_mut().filter(|spoken| spoken.ordered && spoken.pieces.is_empty()) else {
            return;
        };
        let (Some(carrier), false) = (spoken.carrier(), spoken.complete) else { return };
        let rate = u64::from(carrier.bit_rate());
        let lasts = spoken.begins + LineSpan(8 * spoken.supplied * TICKS_PER_SECOND / rate);
        if lasts.since(now) > LOW {
            return;
        }
        let octets = (rate * SMOOTHING.as_ms() / 8000) as usize;
        if let Some(fill) = spoken.rows.as_mut().and_then(|rows| rows.pause(octets.min(front.room()))) {
            front.supply(&fill[..fill.len().min(front.room())], Cut::More);
            spoken.supplied += fill.len() as u64;
        }
    }
}

/// FTT in place of a CFR for a training check that was bad where it was checked.
fn refused(octets: Vec<u8>, course: &mut Course) -> Vec<u8> {
    match Frame::parse(&octets) {
        Frame::Known(message) if message.fcf == Fcf::Cfr && course.refuses() => {
            let mut out = Vec::with_capacity(octets.len());
            Message { fcf: Fcf::Ftt, ..message }.write(&mut out);
            out
        }
        _ => octets,
    }
}
