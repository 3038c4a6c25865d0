//! From the line to the network.

use std::collections::VecDeque;

use super::{RelayConfig, Side, course::Course, fill::Thinner, passing};
use crate::{
    seam::{Carrier, LineEvent, Stamped, Tone},
    t38::{
        ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
        repeat::Repeat,
    },
    time::{LineSpan, LineTime},
};

/// Packets that wait to be taken at most.
const PACKETS: usize = 256;

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
    /// Takes fill out of the page on the line.
    thinner: Option<Thinner>,
    repeat: Repeat,
    packets: VecDeque<Vec<u8>>,
    /// When the line's last signal ended, while nobody answered.
    ended: Option<LineTime>,
}

impl Outward {
    pub(super) fn new(config: RelayConfig) -> Self {
        let (repeat, packets, octets) = (Repeat::default(), VecDeque::new(), Vec::new());
        Self { config, on: None, tone_until: None, octets, thinner: None, repeat, packets, ended: None }
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

    pub(super) fn event(&mut self, event: Stamped<LineEvent<'_>>, course: &mut Course, config: &RelayConfig) {
        let at = event.at;
        match event.what {
            LineEvent::Tone(Tone::Cng) => self.tone(Indicator::Cng, CNG, at),
            LineEvent::Tone(Tone::Ced) => self.tone(Indicator::Ced, CED, at),
            LineEvent::CarrierUp(carrier) => self.up(carrier, course, at),
            LineEvent::Trained { carrier, .. } if self.on != Some(carrier) => self.up(carrier, course, at),
            LineEvent::Frame { carrier, octets, intact } => self.frame(carrier, octets, intact, course, config, at),
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
        let thins = self.config.fill_removal && carrier != Carrier::V21 && course.row_bits().is_some();
        self.thinner = thins.then(Thinner::default);
        (self.on, self.tone_until, self.ended) = (Some(carrier), None, None);
        self.octets.clear();
        self.say(Indicator::of_carrier(carrier), at);
    }

    fn frame(
        &mut self,
        carrier: Carrier,
        octets: &[u8],
        intact: bool,
        course: &mut Course,
        config: &RelayConfig,
        at: LineTime,
    ) {
        if self.on.is_none() {
            self.up(carrier, course, at);
        }
        if intact {
            course.passes(Side::Line, octets);
        }
        let Some(octets) = (if intact { passing(octets, config) } else { Some(octets.to_vec()) }) else { return };
        let kind = DataType::of_carrier(carrier);
        let end = if intact { FieldType::FcsOk } else { FieldType::FcsBad };
        let turned: Vec<u8> = turned(&octets).collect();
        let mut pieces = turned.chunks(self.config.packet_limit).peekable();
        while let Some(piece) = pieces.next() {
            let mut fields = vec![Field { kind: FieldType::Hdlc, octets: piece }];
            fields.extend(pieces.peek().is_none().then_some(Field::mark(end)));
            self.data(kind, fields);
        }
    }

    fn stream(&mut self, octets: &[u8]) {
        match &mut self.thinner {
            Some(thinner) => self.octets.extend(thinner.push(octets)),
            None => self.octets.extend_from_slice(octets),
        }
        let Some(carrier) = self.on else { return self.octets.clear() };
        let enough = (carrier.bit_rate() as usize * 3 / 800).min(self.config.packet_limit);
        while self.octets.len() >= enough {
            self.send_octets(carrier, enough, false);
        }
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
        match course.framing(carrier) {
            Hdlc => self.data(DataType::of_carrier(carrier), vec![Field::mark(FieldType::HdlcSigEnd)]),
            Raw if course.check_stays() => {}
            Raw => {
                self.octets.extend(self.thinner.take().map(|mut thinner| thinner.finish()).unwrap_or_default());
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
