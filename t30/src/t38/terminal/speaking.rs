//! What the machine says, as packets, each when it is due.
//!
//! ```text
//!  Due ─▶ indicator ─▶ Opening (training lasts) ─▶ Running: data ─▶ Closing (the last of it lasts) ─▶ no signal
//! ```

use std::collections::VecDeque;

use super::{RateManagement, TerminalConfig, awareness::Awareness};
use crate::{
    frame::{Fcf, Frame},
    seam::{Carrier, Cut, Framing, Signal},
    t38::{
        ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
        pacing::{INTERVAL, Pacing},
        repeat::Repeat,
    },
    time::{LineSpan, LineTime},
};

/// Octets taken at a time: an ECM frame has 260.
const SUPPLY_OCTETS: usize = 264;

/// A calling tone comes every 3.5 s, ITU-T T.30 4.2, and is there for half a second.
const CNG_EVERY: LineSpan = LineSpan::ms(3500);
const CNG_LASTS: LineSpan = LineSpan::ms(500);

/// Packets that wait to be taken at most.
const PACKETS: usize = 256;

/// A signal that is this late keeps no schedule: it begins now.
const LATE: LineSpan = LineSpan::ms(100);

/// What becomes of the ordered signal.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Silent,
    Due(Signal, LineTime),
    /// A tone without end.
    Calling {
        next: LineTime,
        on: bool,
    },
    /// A carrier whose data is due then.
    Running {
        carrier: Carrier,
        framing: Framing,
        next: LineTime,
    },
    /// All of the signal is sent.
    Closing {
        until: LineTime,
    },
}

pub(super) struct Speaking {
    config: TerminalConfig,
    awareness: Awareness,
    stage: Stage,
    again: Repeat,
    /// Octets supplied: of the frame in hand, or of the stream.
    octets: Vec<u8>,
    /// The frame in hand is whole.
    frame_ready: bool,
    /// It is void.
    void: bool,
    /// The last octets of the signal were supplied.
    complete: bool,
    /// A DCS was sent: the next stream is a training check.
    check_follows: bool,
    /// The stream on the air is a training check.
    check: bool,
    /// Training checks so far.
    checks: u32,
    packets: VecDeque<Vec<u8>>,
}

impl Speaking {
    pub(super) fn new(config: TerminalConfig) -> Self {
        Self {
            config,
            awareness: Awareness::new(config.pacing == Pacing::Agreed),
            stage: Stage::Silent,
            again: Repeat::default(),
            octets: Vec::with_capacity(2 * SUPPLY_OCTETS),
            frame_ready: false,
            void: false,
            complete: false,
            check_follows: false,
            check: false,
            checks: 0,
            packets: VecDeque::new(),
        }
    }

    fn pacing(&self) -> Pacing {
        if self.awareness.is_agreed() { Pacing::Free } else { self.config.pacing }
    }

    /// An intact frame of the far end.
    pub(super) fn far_frame(&mut self, octets: &[u8]) {
        if let Frame::Known(message) = Frame::parse(octets) {
            self.awareness.heard(&message);
        }
    }

    /// Orders a signal. One still running is cut off.
    pub(super) fn begin(&mut self, signal: Signal, at: LineTime) {
        self.clear();
        self.stage = Stage::Due(signal, at);
    }

    /// Stops at once.
    pub(super) fn hush(&mut self) {
        if matches!(self.stage, Stage::Calling { .. } | Stage::Running { .. }) {
            self.say(Indicator::NoSignal, LineTime::ZERO);
        }
        self.clear();
        self.stage = Stage::Silent;
    }

    /// What was said is let out, but nothing goes on.
    pub(super) fn finish(&mut self) {
        if !matches!(self.stage, Stage::Closing { .. }) {
            self.hush();
        }
    }

    fn clear(&mut self) {
        self.octets.clear();
        (self.frame_ready, self.void, self.complete, self.check) = (false, false, false, false);
    }

    /// The far end answers: nothing needs to last any more. Whether all of a signal was sent and only lasted.
    pub(super) fn end_early(&mut self) -> bool {
        let ends = matches!(self.stage, Stage::Closing { .. });
        if ends {
            self.stage = Stage::Silent;
        }
        ends
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.stage, Stage::Silent) && self.again.due().is_none() && self.packets.is_empty()
    }

    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    /// When time is wanted next.
    pub(super) fn due(&self, now: LineTime) -> Option<LineTime> {
        let stage = match self.stage {
            Stage::Silent => None,
            Stage::Due(_, at) => Some(at),
            Stage::Calling { next, .. } => Some(next),
            // Nothing to send yet: the machine is asked again soon.
            Stage::Running { next, .. } if !self.has_packet() => Some(next.max(now + self.pacing().interval())),
            Stage::Running { next, .. } => Some(next),
            Stage::Closing { until } => Some(until),
        };
        [stage, self.again.due()].into_iter().flatten().min()
    }

    /// Octets wanted now.
    pub(super) fn room(&self) -> usize {
        let wanted = self.data().is_some() && !self.complete && !self.frame_ready && self.octets.len() < SUPPLY_OCTETS;
        if wanted { SUPPLY_OCTETS } else { 0 }
    }

    fn data(&self) -> Option<(Carrier, Framing)> {
        match self.stage {
            Stage::Due(Signal::Data { carrier, framing }, _) | Stage::Running { carrier, framing, .. } => {
                Some((carrier, framing))
            }
            _ => None,
        }
    }

    /// Takes octets of the signal. What exceeds the room is not taken.
    pub(super) fn supply(&mut self, octets: &[u8], cut: Cut) {
        let Some((_, framing)) = self.data().filter(|_| self.room() > 0) else { return };
        self.octets.extend_from_slice(&octets[..octets.len().min(SUPPLY_OCTETS)]);
        self.frame_ready = framing == Framing::Hdlc && cut != Cut::More;
        self.void = cut == Cut::Abort;
        self.complete = cut == Cut::Signal;
    }

    /// Makes the packets that are due; whether a signal ended.
    pub(super) fn advance(&mut self, now: LineTime) -> bool {
        if let Some(indicator) = self.again.poll(now) {
            self.put(&Ifp::Indicator(indicator));
        }
        match self.stage {
            Stage::Silent => false,
            Stage::Due(signal, at) if at <= now => {
                let at = if now.since(at) > LATE { now } else { at };
                self.open(signal, at);
                self.advance(now)
            }
            Stage::Calling { next, on } if next <= now => {
                self.call(next.max(now), !on);
                false
            }
            Stage::Running { carrier, framing, next } if next <= now && self.has_packet() => {
                let next = if now.since(next) > LATE { now } else { next };
                self.run(carrier, framing, next);
                self.advance(now)
            }
            Stage::Closing { until } if until <= now => {
                self.clear();
                self.say(Indicator::NoSignal, now);
                self.stage = Stage::Silent;
                true
            }
            _ => false,
        }
    }

    fn open(&mut self, signal: Signal, at: LineTime) {
        match signal {
            Signal::Cng => self.call(at, true),
            Signal::Ced => {
                self.say(Indicator::Ced, at);
                self.stage = Stage::Closing { until: at + self.pacing().answer_tone() };
            }
            Signal::Data { carrier, framing } => {
                let check_follows = std::mem::take(&mut self.check_follows);
                self.check = check_follows && carrier != Carrier::V21 && framing == Framing::Raw;
                self.checks += u32::from(self.check);
                self.say(Indicator::of_carrier(carrier), at);
                let next = at + self.pacing().opening(carrier, framing);
                self.stage = Stage::Running { carrier, framing, next };
            }
        }
    }

    fn call(&mut self, at: LineTime, on: bool) {
        self.say(if on { Indicator::Cng } else { Indicator::NoSignal }, at);
        let lasts = if on { CNG_LASTS } else { LineSpan(CNG_EVERY.0 - CNG_LASTS.0) };
        self.stage = Stage::Calling { next: at + lasts, on };
    }

    /// Says an indicator now and twice again.
    fn say(&mut self, indicator: Indicator, now: LineTime) {
        self.put(&Ifp::Indicator(indicator));
        self.again.said(indicator, now);
    }

    fn put(&mut self, packet: &Ifp<'_>) {
        if self.packets.len() < PACKETS {
            self.packets.push_back(packet.to_octets(self.config.syntax));
        }
    }

    /// Whether there is enough for a packet.
    fn has_packet(&self) -> bool {
        match self.data() {
            Some((_, Framing::Hdlc)) => self.frame_ready || self.complete,
            Some((carrier, Framing::Raw)) => self.complete || self.octets.len() >= self.stream_octets(carrier),
            None => false,
        }
    }

    /// Octets of a stream in a packet.
    fn stream_octets(&self, carrier: Carrier) -> usize {
        let octets = u64::from(carrier.bit_rate()) * INTERVAL.as_ms() / 8000;
        (octets as usize).clamp(1, self.config.packet_limit.min(SUPPLY_OCTETS))
    }

    fn run(&mut self, carrier: Carrier, framing: Framing, at: LineTime) {
        // Data follows: the indicator is known by it.
        self.again.stop();
        let lasts = match framing {
            Framing::Hdlc => self.frame(carrier),
            Framing::Raw => self.stream(carrier),
        };
        let next = at + lasts;
        let over = self.complete && self.octets.is_empty() && !self.frame_ready;
        self.stage = if over { Stage::Closing { until: next } } else { Stage::Running { carrier, framing, next } };
    }

    /// Sends the frame in hand, in as many packets as it takes; how long it lasts.
    fn frame(&mut self, carrier: Carrier) -> LineSpan {
        let octets = self.awareness.told(std::mem::take(&mut self.octets));
        self.frame_ready = false;
        if std::mem::take(&mut self.void) {
            return LineSpan::ZERO;
        }
        if let Frame::Known(message) = Frame::parse(&octets) {
            self.check_follows = message.fcf == Fcf::Dcs;
        }
        let kind = DataType::of_carrier(carrier);
        let end = match (octets.is_empty(), self.complete) {
            (true, _) => FieldType::HdlcSigEnd,
            (false, true) => FieldType::FcsOkSigEnd,
            (false, false) => FieldType::FcsOk,
        };
        let turned: Vec<u8> = turned(&octets).collect();
        let mut pieces = turned.chunks(self.config.packet_limit).peekable();
        while let Some(piece) = pieces.next() {
            let mut fields = vec![Field { kind: FieldType::Hdlc, octets: piece }];
            fields.extend(pieces.peek().is_none().then_some(Field::mark(end)));
            self.put(&Ifp::Data(kind, fields));
        }
        if octets.is_empty() {
            self.put(&Ifp::Data(kind, vec![Field::mark(end)]));
        }
        self.pacing().frame(&octets, carrier)
    }

    /// By method 1 the other end makes its own, and ours need only last. But a terminal made of spandsp, as that of Asterisk,
    /// agrees to method 1 and waits for the octets all the same; to others zeros among zeros are no matter. Where they
    /// are, the next try goes without.
    fn transfers_check(&self) -> bool {
        self.config.rate_management == RateManagement::TransferredTcf || !self.checks.is_multiple_of(2)
    }

    /// Sends the next octets of a stream; how long they last.
    fn stream(&mut self, carrier: Carrier) -> LineSpan {
        let count = self.octets.len().min(self.stream_octets(carrier));
        let octets: Vec<u8> = turned(&self.octets[..count]).collect();
        self.octets.drain(..count);
        let mut fields = Vec::with_capacity(2);
        if count > 0 {
            fields.push(Field { kind: FieldType::NonEcm, octets: &octets });
        }
        if self.complete && self.octets.is_empty() {
            fields.push(Field::mark(FieldType::NonEcmSigEnd));
        }
        if !self.check || self.transfers_check() {
            self.put(&Ifp::Data(DataType::of_carrier(carrier), fields));
        }
        let pacing = if self.check { Pacing::Nominal } else { self.pacing() };
        pacing.stream(count, carrier)
    }
}
