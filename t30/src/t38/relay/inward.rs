//! From the network to the line.

use std::collections::VecDeque;

use super::{
    RelayConfig, RelayCounters, Side,
    course::Course,
    line_page::LinePage,
    outward::Outward,
    passing::{is_known, passing},
    spoken::Spoken,
};
use crate::{
    seam::{Carrier, Cut, Framing, FrontEnd, Signal, Train},
    t38::ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
    time::{LineSpan, LineTime},
};

/// What holds a fast signal back, so that its octets are there when they are wanted though the network is uneven.
const CUSHION: LineSpan = LineSpan::ms(240);

/// A frame that comes octet by octet begins on the line when this much of it is there.
const HEAD_START: LineSpan = LineSpan::ms(200);

/// Each frame that was too slow all the same doubles that, up to this: control frames are whole by then.
const LONGEST_HEAD_START: LineSpan = LineSpan::ms(2000);

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

pub(super) struct Inward {
    /// Signals in their order; the first is on the air when it was ordered.
    signals: VecDeque<Spoken>,
    waiting: usize,
    /// What came of the network's frame that is not over.
    frame: Vec<u8>,
    damaged: bool,
    /// Octets of it that the line got, or will.
    begun: usize,
    head_start: LineSpan,
    counters: RelayCounters,
    heard: LineTime,
    quiet_since: LineTime,
    /// The line's signal that flags were sent for.
    spoofed_for: Option<LineTime>,
}

/// Signals that wait at most.
const MOST_SIGNALS: usize = 4;

impl Inward {
    pub(super) fn new() -> Self {
        Self {
            signals: VecDeque::new(),
            waiting: 0,
            frame: Vec::with_capacity(LONGEST_FRAME),
            damaged: false,
            begun: 0,
            head_start: HEAD_START,
            counters: RelayCounters::default(),
            heard: LineTime::ZERO,
            quiet_since: LineTime::ZERO,
            spoofed_for: None,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.signals.is_empty()
    }

    pub(super) fn counters(&self) -> RelayCounters {
        self.counters
    }

    pub(super) fn lost(&mut self) {
        self.void();
        self.damaged = true;
    }

    /// The line has heard all of what was ordered.
    pub(super) fn sent(&mut self, at: LineTime) {
        if let Some(over) = self.signals.pop_front_if(|spoken| spoken.ordered) {
            self.waiting -= over.waiting();
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
            Ifp::Indicator(_) => self.end(course),
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

    fn begin(&mut self, carrier: Carrier, course: &mut Course, config: &RelayConfig) {
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
            self.end(course);
        }
        self.frame.clear();
        (self.damaged, self.begun) = (false, 0);
        if self.signals.len() >= MOST_SIGNALS {
            return;
        }
        let framing = course.framing(carrier);
        let held = if carrier == Carrier::V21 { LineSpan::ZERO } else { CUSHION };
        let agreed = course.page().filter(|_| carrier != Carrier::V21);
        let page = agreed.map(|(terms, row_bits)| LinePage::new(&terms, row_bits, config));
        self.signals.push_back(Spoken::new(Signal::Data { carrier, framing }, held).of_page(page));
        if course.check_stays() && carrier != Carrier::V21 {
            let zeros = u64::from(carrier.bit_rate()) * CHECK_MS / 8000;
            self.put(vec![0; zeros as usize], Cut::Signal);
            self.end(course);
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
        if let Some(spoken) = self.open() {
            spoken.spoof = None;
        }
        for field in fields {
            self.field(field, course, config);
            use FieldType::{FcsBadSigEnd, FcsOkSigEnd, HdlcSigEnd, NonEcmSigEnd};
            if matches!(field.kind, FcsOkSigEnd | FcsBadSigEnd | HdlcSigEnd | NonEcmSigEnd) {
                self.end(course);
                if any != Carrier::V21 {
                    course.fast_over();
                }
            }
        }
        self.grow(course, config);
    }

    fn field(&mut self, field: &Field<'_>, course: &mut Course, config: &RelayConfig) {
        match field.kind {
            FieldType::Hdlc => self.collect(field.octets),
            FieldType::FcsOk | FieldType::FcsOkSigEnd => self.frame(course, config),
            FieldType::FcsBad | FieldType::FcsBadSigEnd => self.drop_frame(),
            FieldType::NonEcm | FieldType::NonEcmSigEnd if !field.octets.is_empty() => {
                self.page(turned(field.octets).collect(), course);
            }
            _ => {}
        }
    }

    /// Octets of a stream: of rows, those that are whole.
    fn page(&mut self, octets: Vec<u8>, course: &mut Course) {
        let page = self.open().and_then(|spoken| spoken.page.as_mut());
        let octets = page.map(|page| page.push(&octets)).unwrap_or(octets);
        if !self.put(octets, Cut::More) {
            course.spoils(Side::Network);
        }
    }

    fn collect(&mut self, octets: &[u8]) {
        if self.damaged && matches!(octets, [0xff, 0xc0 | 0xc8, ..]) {
            self.drop_frame();
        }
        let room = LONGEST_FRAME - self.frame.len();
        if octets.len() > room {
            self.lost();
        }
        self.frame.extend(turned(octets).take(room));
    }

    /// Octets of a frame that is not over go to the line once there are enough to begin it.
    fn grow(&mut self, course: &Course, config: &RelayConfig) {
        let Some(carrier) = self.open_carrier().filter(|_| !self.damaged && is_known(&self.frame)) else { return };
        let enough = (u64::from(carrier.bit_rate()) * self.head_start.as_ms()).div_ceil(8000);
        if self.begun == 0 && (self.frame.len() as u64) < enough {
            return;
        }
        if let Some(octets) = self.passing(course, config) {
            self.counters.begun_early += u64::from(self.begun == 0);
            self.say(&octets, Cut::More);
        }
    }

    /// What passes of the frame.
    fn passing(&self, course: &Course, config: &RelayConfig) -> Option<Vec<u8>> {
        passing(&course.corrected(Side::Network, &self.frame), config)
    }

    /// Says what the line does not have yet of the frame.
    fn say(&mut self, octets: &[u8], cut: Cut) {
        let rest = octets.get(self.begun..).unwrap_or_default().to_vec();
        if self.put(rest, cut) {
            self.begun = octets.len();
        } else {
            self.lost();
        }
    }

    /// What the line has of the frame is made void.
    fn void(&mut self) {
        if std::mem::take(&mut self.begun) > 0 {
            self.put(Vec::new(), Cut::Abort);
        }
    }

    /// The frame is none.
    fn drop_frame(&mut self) {
        self.void();
        self.frame.clear();
        self.damaged = false;
    }

    /// The network is too slow for a frame that was begun: it is broken off, and begun again when more of it is there.
    fn tear(&mut self) {
        self.counters.torn += 1;
        self.void();
        self.head_start = (self.head_start * 2).min(LONGEST_HEAD_START);
    }

    /// A frame is whole. A damaged one does not reach the line as a frame, where its check sequence would make it good.
    fn frame(&mut self, course: &mut Course, config: &RelayConfig) {
        if !self.damaged && !self.frame.is_empty() {
            if let Some(octets) = self.passing(course, config) {
                self.say(&octets, Cut::Frame);
            }
            course.passes(Side::Network, &course.corrected(Side::Network, &self.frame));
            if !self.damaged {
                self.begun = 0;
            }
        }
        self.drop_frame();
    }

    /// Whether there was room for it.
    fn put(&mut self, octets: Vec<u8>, cut: Cut) -> bool {
        let count = octets.len();
        let has_room = self.waiting + count <= MOST_WAITING;
        if let Some(spoken) = self.open().filter(|_| has_room) {
            spoken.put(octets, cut);
            self.waiting += count;
        }
        has_room
    }

    /// The network's signal is over.
    fn end(&mut self, course: &mut Course) {
        if let Some((rest, readable)) = self.open().and_then(|spoken| spoken.page.as_mut()).map(LinePage::finish) {
            let has_room = self.put(rest, Cut::More);
            if !readable || !has_room {
                course.spoils(Side::Network);
            }
        }
        self.drop_frame();
        if let Some(spoken) = self.open() {
            spoken.end();
        }
    }

    pub(super) fn advance(&mut self, front: &mut impl FrontEnd, outward: &Outward, course: &mut Course, now: LineTime) {
        self.spoof(outward, now);
        if now.since(self.heard) > STALL && self.open().is_some_and(|spoken| spoken.spoof.is_none()) {
            self.end(course);
        }
        // A tone gives way to what comes behind it; a calling tone has the front end's own cadence.
        let gives_way = |spoken: &mut Spoken| spoken.ordered && spoken.carrier().is_none();
        if self.signals.len() > 1 || self.signals.front().is_some_and(|spoken| spoken.signal == Signal::Cng) {
            self.signals.pop_front_if(gives_way);
        }
        if let Some(spoken) = self.signals.front_mut().filter(|spoken| !spoken.ordered) {
            let at = (now + spoken.held).max(self.quiet_since + TURNAROUND);
            spoken.order(front, at);
        }
        self.supply(front, now);
        if self.begun > 0 && self.signals.front().is_some_and(|spoken| spoken.is_too_late(now)) {
            self.tear();
            self.supply(front, now);
        }
    }

    fn supply(&mut self, front: &mut impl FrontEnd, now: LineTime) {
        if let Some(spoken) = self.signals.front_mut().filter(|spoken| spoken.ordered) {
            self.waiting -= spoken.supply(front, now);
            spoken.smooth(front, now);
        }
    }

    /// Flags for a machine that has waited long for its answer, once, and not for ever.
    fn spoof(&mut self, outward: &Outward, now: LineTime) {
        let waits_since = outward.waits_since();
        if self.signals.is_empty() {
            let since = waits_since.filter(|&since| self.spoofed_for != Some(since) && since >= self.quiet_since);
            if since.is_some_and(|since| now.since(since) >= SPOOFED_AFTER) {
                self.spoofed_for = since;
                let flags = Signal::Data { carrier: Carrier::V21, framing: Framing::Hdlc };
                self.signals.push_back(Spoken::new(flags, LineSpan::ZERO).spoofed(now));
            }
        } else if let Some(spoken) = self.open()
            && spoken.spoof.is_some_and(|since| now.since(since) > SPOOFED_FOR)
        {
            spoken.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DCS of 14400 bit/s without error correction, CFR and MCF, as the line has them.
    const DCS: [u8; 6] = [0xff, 0x13, 0x83, 0x00, 0xe6, 0x70];
    const CFR: [u8; 3] = [0xff, 0x13, 0x84];
    const MCF: [u8; 3] = [0xff, 0x13, 0x8c];

    #[test]
    fn a_page_that_found_no_room_is_not_confirmed() {
        for (packets, answer) in [(600, 0x8c), (700, 0x4c)] {
            let (mut inward, config) = (Inward::new(), RelayConfig::default());
            let mut course = Course::new(config.rate_management);
            course.passes(Side::Network, &DCS);
            course.passes(Side::Line, &CFR);
            for _ in 0..packets {
                let fields = [Field { kind: FieldType::NonEcm, octets: &[0x55; 100] }];
                inward.packet(&Ifp::Data(DataType::V17R14400, fields.to_vec()), &mut course, &config, LineTime(8));
            }
            assert!(inward.waiting <= MOST_WAITING);
            assert_eq!(course.corrected(Side::Line, &MCF), [0xff, 0x13, answer], "{packets} packets");
        }
    }
}
