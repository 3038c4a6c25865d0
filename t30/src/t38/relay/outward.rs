//! From the line to the network.

use std::collections::VecDeque;

use super::{
    RelayConfig, Side,
    course::Course,
    network_page::NetworkPage,
    passing::{is_known, passing},
};
use crate::{
    hdlc::MAX_FRAME_OCTETS,
    seam::{Carrier, LineEvent, Stamped, Tone},
    t38::{
        ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
        repeat::Repeat,
    },
    time::{LineSpan, LineTime},
};

/// Packets that wait to be taken at most.
const PACKETS: usize = 256;

/// Line time of octets in a packet in milliseconds.
const PACKET_MS: usize = 30;

/// How long an answer tone is told for; its end is not heard beside the flags that follow.
const CED: LineSpan = LineSpan::ms(2800);

/// A line's calling tone.
const CNG: LineSpan = LineSpan::ms(500);

pub(super) struct Outward {
    config: RelayConfig,
    /// The line's signal.
    on: Option<Carrier>,
    /// A tone is over then.
    tone_until: Option<LineTime>,
    /// Octets of a stream that make no packet yet.
    octets: Vec<u8>,
    /// Octets of the line since the last packet of the stream.
    heard: usize,
    /// The line's frame that is not over, and what was said of it.
    frame: Vec<u8>,
    said: Vec<u8>,
    /// The page on the line, where it does not pass as it is.
    page: Option<NetworkPage>,
    repeat: Repeat,
    packets: VecDeque<Vec<u8>>,
    /// When the line's last signal ended, while nobody answered.
    ended: Option<LineTime>,
}

impl Outward {
    pub(super) fn new(config: RelayConfig) -> Self {
        Self {
            config,
            on: None,
            tone_until: None,
            octets: Vec::new(),
            heard: 0,
            frame: Vec::new(),
            said: Vec::new(),
            page: None,
            repeat: Repeat::default(),
            packets: VecDeque::new(),
            ended: None,
        }
    }

    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    pub(super) fn is_silent(&self) -> bool {
        self.on.is_none() && self.repeat.due().is_none() && self.packets.is_empty()
    }

    /// Since when the line waits for an answer.
    pub(super) fn waits_since(&self) -> Option<LineTime> {
        self.ended.filter(|_| self.on.is_none())
    }

    pub(super) fn event(&mut self, event: Stamped<LineEvent<'_>>, course: &mut Course) {
        let at = event.at;
        match event.what {
            LineEvent::Tone(Tone::Cng) => self.tone(Indicator::Cng, CNG, at),
            LineEvent::Tone(Tone::Ced) => self.tone(Indicator::Ced, CED, at),
            LineEvent::CarrierUp(carrier) => self.up(carrier, course, at),
            LineEvent::Trained { carrier, .. } if self.on != Some(carrier) => self.up(carrier, course, at),
            LineEvent::FramePart { carrier, octets } => self.frame_part(carrier, octets, course, at),
            LineEvent::Frame { carrier, octets, intact } => self.frame(carrier, octets, intact, course, at),
            LineEvent::Octets(octets) if course.check_stays() => course.check(octets),
            LineEvent::Octets(octets) => self.stream(octets),
            LineEvent::CarrierDown(carrier) => self.down(carrier, course, at),
            LineEvent::Trained { .. } | LineEvent::TrainingFailed | LineEvent::Sent | LineEvent::Gap(_) => {}
        }
    }

    pub(super) fn advance(&mut self, now: LineTime) {
        if let Some(indicator) = self.repeat.poll(now) {
            self.put(&Ifp::Indicator(indicator));
        }
        if self.tone_until.take_if(|until| *until <= now).is_some() {
            self.say(Indicator::NoSignal, now);
        }
    }

    fn tone(&mut self, indicator: Indicator, lasts: LineSpan, at: LineTime) {
        self.say(indicator, at);
        self.tone_until = Some(at + lasts);
    }

    fn up(&mut self, carrier: Carrier, course: &Course, at: LineTime) {
        let agreed = course.page().filter(|_| carrier != Carrier::V21);
        self.page = agreed.and_then(|(terms, _)| NetworkPage::new(&terms, &self.config));
        (self.on, self.tone_until, self.ended) = (Some(carrier), None, None);
        self.octets.clear();
        self.heard = 0;
        self.frame.clear();
        self.said.clear();
        self.say(Indicator::of_carrier(carrier), at);
    }

    /// Octets of a frame that is not over. What is none of T.30, as a few bits of noise, has to have been a frame first.
    fn frame_part(&mut self, carrier: Carrier, octets: &[u8], course: &Course, at: LineTime) {
        if self.on.is_none() {
            self.up(carrier, course, at);
        }
        if self.frame.len() + octets.len() > MAX_FRAME_OCTETS {
            self.frame_is_bad(carrier);
            self.frame.clear();
        }
        self.frame.extend_from_slice(octets);
        let octets = course.corrected(Side::Line, &self.frame);
        let Some(passing) = is_known(&octets).then(|| passing(&octets, &self.config)).flatten() else { return };
        let unsaid = passing.get(self.said.len()..).unwrap_or_default();
        for piece in unsaid.chunks_exact(self.packet_octets(carrier)) {
            self.hdlc(carrier, piece, None);
            self.said.extend_from_slice(piece);
        }
    }

    fn frame(&mut self, carrier: Carrier, octets: &[u8], intact: bool, course: &mut Course, at: LineTime) {
        if self.on.is_none() {
            self.up(carrier, course, at);
        }
        if intact {
            let octets = course.corrected(Side::Line, octets);
            course.passes(Side::Line, &octets);
            self.good_frame(carrier, passing(&octets, &self.config));
        } else if !self.said.is_empty() || octets.is_empty() {
            self.frame_is_bad(carrier);
        } else {
            self.hdlc(carrier, octets, Some(FieldType::FcsBad));
        }
        self.frame.clear();
        self.said.clear();
    }

    /// Says the rest of a frame. One that was mended may not be what was said of it: it is said anew.
    fn good_frame(&mut self, carrier: Carrier, passing: Option<Vec<u8>>) {
        if passing.as_ref().is_none_or(|passing| !passing.starts_with(&self.said)) {
            self.frame_is_bad(carrier);
        }
        if let Some(passing) = passing {
            self.hdlc(carrier, &passing[self.said.len()..], Some(FieldType::FcsOk));
        }
    }

    /// What was said of the frame was none.
    fn frame_is_bad(&mut self, carrier: Carrier) {
        if !std::mem::take(&mut self.said).is_empty() {
            self.hdlc(carrier, &[], Some(FieldType::FcsBad));
        }
    }

    /// Octets of a frame, and how it ends.
    fn hdlc(&mut self, carrier: Carrier, octets: &[u8], end: Option<FieldType>) {
        let kind = DataType::of_carrier(carrier);
        let turned: Vec<u8> = turned(octets).collect();
        let mut pieces = turned.chunks(self.config.packet_limit).peekable();
        if turned.is_empty() {
            return self.data(kind, end.map(Field::mark).into_iter().collect());
        }
        while let Some(piece) = pieces.next() {
            let mut fields = vec![Field { kind: FieldType::Hdlc, octets: piece }];
            fields.extend(end.filter(|_| pieces.peek().is_none()).map(Field::mark));
            self.data(kind, fields);
        }
    }

    /// Octets of a packet while they come.
    fn packet_octets(&self, carrier: Carrier) -> usize {
        (carrier.bit_rate() as usize * PACKET_MS / 8000).clamp(1, self.config.packet_limit)
    }

    fn stream(&mut self, octets: &[u8]) {
        match &mut self.page {
            Some(page) => self.octets.extend(page.push(octets)),
            None => self.octets.extend_from_slice(octets),
        }
        let Some(carrier) = self.on else { return self.octets.clear() };
        self.heard += octets.len();
        // What is thinned out is no later for it.
        let enough = self.packet_octets(carrier);
        while self.octets.len() >= enough || self.heard >= enough && !self.octets.is_empty() {
            self.heard = self.heard.saturating_sub(enough);
            self.send_octets(carrier, enough.min(self.octets.len()), false);
        }
        self.heard = self.heard.min(enough);
    }

    fn send_octets(&mut self, carrier: Carrier, count: usize, last: bool) {
        let octets: Vec<u8> = turned(&self.octets[..count]).collect();
        self.octets.drain(..count);
        let mut fields = Vec::with_capacity(2);
        if count > 0 {
            fields.push(Field { kind: FieldType::NonEcm, octets: &octets });
        }
        fields.extend(last.then_some(Field::mark(FieldType::NonEcmSigEnd)));
        self.data(DataType::of_carrier(carrier), fields);
    }

    fn down(&mut self, carrier: Carrier, course: &mut Course, at: LineTime) {
        if self.on.is_none() {
            return;
        }
        use crate::seam::Framing::{Hdlc, Raw};
        self.frame_is_bad(carrier);
        match course.framing(carrier) {
            Hdlc => self.data(DataType::of_carrier(carrier), vec![Field::mark(FieldType::HdlcSigEnd)]),
            Raw if course.check_stays() => {}
            Raw => {
                let (rest, readable) = self.page.take().map_or((Vec::new(), true), NetworkPage::finish);
                self.octets.extend(rest);
                if !readable {
                    course.spoils(Side::Line);
                }
                self.send_octets(carrier, self.octets.len(), true);
            }
        }
        if carrier != Carrier::V21 {
            course.fast_over();
        }
        (self.on, self.ended) = (None, Some(at));
        self.say(Indicator::NoSignal, at);
    }

    fn say(&mut self, indicator: Indicator, now: LineTime) {
        self.put(&Ifp::Indicator(indicator));
        self.repeat.said(indicator, now);
    }

    fn data(&mut self, kind: DataType, fields: Vec<Field<'_>>) {
        self.repeat.stop();
        self.put(&Ifp::Data(kind, fields));
    }

    fn put(&mut self, packet: &Ifp<'_>) {
        if self.packets.len() < PACKETS {
            self.packets.push_back(packet.to_octets(self.config.syntax));
        }
    }
}
