//! What packets say was heard at the other end of the network.

use std::collections::VecDeque;

use super::RateManagement;
use crate::{
    frame::{Fcf, Frame},
    seam::{Carrier, Evm, Framing, LineEvent, Listen, Stamped, Tone, Train},
    t38::{
        ifp::{DataType, Field, FieldType, Ifp, Indicator, turned},
        pacing::INTERVAL,
    },
    time::{LineSpan, LineTime},
};

/// A signal is over when nothing came of it for so long: its end was lost.
const DATA_STALL: LineSpan = LineSpan::ms(2500);

/// The same before its first data: the longest training, and what comes before it.
const OPENING_STALL: LineSpan = LineSpan::ms(5000);

/// Octets of a frame that are kept: an ECM frame has 260.
const LONGEST_FRAME: usize = 400;

/// Events that wait to be taken at most: a packet has no more fields.
const EVENTS: usize = 1024;

/// A signal that came by packets was received as well as can be.
const QUALITY: Evm = Evm(-600);

/// A training check of method 1 that was passed where the modem is: 1.5 s of zeros.
const CHECK_MS: u64 = 1500;

/// What happened, before it is known whether anybody listens.
#[derive(Debug)]
enum Heard {
    Tone(Tone),
    Up(Carrier),
    Trained(Carrier),
    Failed,
    Down,
    Frame { octets: Vec<u8>, intact: bool },
    Octets(Vec<u8>),
    Sent,
    Gap(LineSpan),
}

/// A signal of the far end.
struct On {
    carrier: Carrier,
    /// The last packet of it.
    heard: LineTime,
    /// Data of it came.
    data: bool,
}

pub(super) struct Hearing {
    rate_management: RateManagement,
    listen: Listen,
    on: Option<On>,
    /// The carrier that the machine was told of.
    told: Option<Carrier>,
    last: Option<Indicator>,
    frame: Vec<u8>,
    /// Something of the frame was lost.
    damaged: bool,
    /// A DCS was heard: what is trained next is checked.
    check_follows: bool,
    events: VecDeque<Stamped<Heard>>,
    /// The octets of the event given out last.
    given: Vec<u8>,
}

/// Whether a packet belongs to a signal of the far end, rather than to silence and tones.
pub(super) fn begins_signal(ifp: &Ifp<'_>) -> bool {
    matches!(ifp, Ifp::Indicator(Indicator::V21Preamble | Indicator::Training(_)) | Ifp::Data(..))
}

/// Whether both are the same modem at the same rate; with V.17, data does not tell which training there was.
fn same_modem(one: Carrier, other: Carrier) -> bool {
    DataType::of_carrier(one) == DataType::of_carrier(other)
}

impl Hearing {
    pub(super) fn new(rate_management: RateManagement) -> Self {
        Self {
            rate_management,
            listen: Listen::Nothing,
            on: None,
            told: None,
            last: None,
            frame: Vec::with_capacity(LONGEST_FRAME),
            damaged: false,
            check_follows: false,
            events: VecDeque::new(),
            given: Vec::new(),
        }
    }

    pub(super) fn listen(&mut self, listen: Listen) {
        self.listen = listen;
    }

    pub(super) fn sent(&mut self, at: LineTime) {
        self.push(at, Heard::Sent);
    }

    pub(super) fn packet(&mut self, ifp: &Ifp<'_>, now: LineTime) {
        match ifp {
            Ifp::Indicator(indicator) => self.indicator(*indicator, now),
            Ifp::Data(kind, fields) => self.data(*kind, fields, now),
        }
    }

    /// Packets are missing: of a frame, some of its octets or its end.
    pub(super) fn lost(&mut self, packets: u64, now: LineTime) {
        self.damaged = true;
        self.push(now, Heard::Gap(INTERVAL * packets.min(1000)));
    }

    /// Lets go of a signal whose end was lost.
    pub(super) fn tick(&mut self, now: LineTime) {
        if self.due().is_some_and(|due| due <= now) {
            self.down(now);
        }
    }

    pub(super) fn due(&self) -> Option<LineTime> {
        self.on.as_ref().map(|on| on.heard + if on.data { DATA_STALL } else { OPENING_STALL })
    }

    fn push(&mut self, at: LineTime, what: Heard) {
        if self.events.len() < EVENTS {
            self.events.push_back(Stamped { at, what });
        }
    }

    fn indicator(&mut self, indicator: Indicator, now: LineTime) {
        let again = self.last.replace(indicator) == Some(indicator);
        match indicator {
            Indicator::V21Preamble => self.up(Carrier::V21, now),
            Indicator::Training(carrier) => self.up(carrier, now),
            Indicator::Cng | Indicator::Ced | Indicator::V8Ansam => {
                self.down(now);
                let tone = if indicator == Indicator::Cng { Tone::Cng } else { Tone::Ced };
                if !again {
                    self.push(now, Heard::Tone(tone));
                }
            }
            // V.34 comes after V.8, which no DIS of ours offers, and T.30 has no rate of V.33 any more: whoever says them
            // says that nothing comes which we could have been asked to follow.
            _ => self.down(now),
        }
    }

    /// A signal begins, unless it is the one that began and brought nothing yet: indicators are repeated.
    fn up(&mut self, carrier: Carrier, now: LineTime) {
        if let Some(on) = self.on.as_mut().filter(|on| on.carrier == carrier && !on.data) {
            on.heard = now;
            return;
        }
        self.down(now);
        self.on = Some(On { carrier, heard: now, data: false });
        self.damaged = false;
        self.push(now, Heard::Up(carrier));
        if std::mem::take(&mut self.check_follows) && self.rate_management == RateManagement::LocalTcf {
            let zeros = u64::from(carrier.bit_rate()) * CHECK_MS / 8000;
            self.push(now, Heard::Octets(vec![0; zeros as usize]));
        }
    }

    fn down(&mut self, now: LineTime) {
        if self.on.take().is_none() {
            return;
        }
        if !self.frame.is_empty() {
            self.damaged = true;
            self.end_frame(true, now);
        }
        self.push(now, Heard::Down);
    }

    fn data(&mut self, kind: DataType, fields: &[Field<'_>], now: LineTime) {
        let on = self.on.as_ref().map(|on| on.carrier).filter(|&on| kind == DataType::of_carrier(on));
        // The indicator was lost.
        let Some(carrier) = on.or(kind.carrier(Train::Long)) else { return };
        let damaged = self.damaged;
        if on.is_none() {
            let ends = fields.iter().all(|field| field.octets.is_empty());
            if ends {
                return;
            }
            self.up(carrier, now);
        }
        self.damaged = damaged;
        self.last = None;
        fields.iter().for_each(|field| self.field(carrier, field, now));
        if let Some(on) = &mut self.on {
            (on.heard, on.data) = (now, true);
        }
    }

    fn field(&mut self, carrier: Carrier, field: &Field<'_>, now: LineTime) {
        match field.kind {
            FieldType::Hdlc => self.frame_octets(carrier, field.octets),
            FieldType::FcsOk => self.end_frame(true, now),
            FieldType::FcsBad => self.end_frame(false, now),
            FieldType::FcsOkSigEnd => {
                self.end_frame(true, now);
                self.down(now);
            }
            FieldType::FcsBadSigEnd => {
                self.end_frame(false, now);
                self.down(now);
            }
            FieldType::HdlcSigEnd => self.down(now),
            FieldType::NonEcm => self.octets(field.octets, now),
            FieldType::NonEcmSigEnd => {
                self.octets(field.octets, now);
                self.down(now);
            }
            FieldType::Cm | FieldType::Jm | FieldType::Ci | FieldType::V34Rate => {}
        }
    }

    fn octets(&mut self, octets: &[u8], now: LineTime) {
        if !octets.is_empty() {
            self.push(now, Heard::Octets(turned(octets).collect()));
        }
    }

    fn frame_octets(&mut self, carrier: Carrier, octets: &[u8]) {
        // What was lost held the end of the frame before.
        if self.damaged && is_beginning(carrier, octets) {
            self.frame.clear();
            self.damaged = false;
        }
        let room = LONGEST_FRAME - self.frame.len();
        self.damaged |= octets.len() > room;
        self.frame.extend(turned(octets).take(room));
    }

    fn end_frame(&mut self, good: bool, now: LineTime) {
        let damaged = std::mem::take(&mut self.damaged);
        if self.frame.is_empty() && !damaged {
            return;
        }
        let octets = std::mem::replace(&mut self.frame, Vec::with_capacity(LONGEST_FRAME));
        let intact = good && !damaged && !octets.is_empty();
        if let (true, Frame::Known(message)) = (intact, Frame::parse(&octets)) {
            self.check_follows = message.fcf == Fcf::Dcs;
        }
        self.push(now, Heard::Frame { octets, intact });
    }

    /// The next thing that the machine listens for.
    pub(super) fn poll(&mut self, now: LineTime) -> Option<Stamped<LineEvent<'_>>> {
        loop {
            let Some(Stamped { at, what }) = self.events.pop_front() else {
                if !self.overlooked(now) {
                    return None;
                }
                continue;
            };
            if let Some(what) = self.told(at, what) {
                // The compiler does not see that the loop ends here.
                let what = match what {
                    Told::Plain(event) => event,
                    Told::Frame(carrier, intact) => LineEvent::Frame { carrier, octets: &self.given, intact },
                    Told::Octets => LineEvent::Octets(&self.given),
                };
                return Some(Stamped { at, what });
            }
        }
    }

    /// A signal that began while nobody listened, and is still there; whether there is one.
    fn overlooked(&mut self, now: LineTime) -> bool {
        let on = self.on.as_ref().filter(|on| self.told.is_none() && self.hears(on.carrier));
        let Some(carrier) = on.map(|on| on.carrier) else { return false };
        self.push(now, Heard::Up(carrier));
        true
    }

    /// Whether a carrier is listened for at all.
    fn hears(&self, carrier: Carrier) -> bool {
        match self.listen {
            Listen::Nothing => false,
            Listen::Tones => carrier == Carrier::V21,
            Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc | Framing::Raw } => carrier == Carrier::V21,
            Listen::To { .. } => true,
        }
    }

    /// What of it the machine is told.
    fn told(&mut self, at: LineTime, what: Heard) -> Option<Told> {
        let event = match what {
            Heard::Up(carrier) => {
                if !self.hears(carrier) {
                    return None;
                }
                let told = self.expected(carrier);
                self.told = Some(told.unwrap_or(carrier));
                if carrier != Carrier::V21 {
                    let outcome = told.map_or(Heard::Failed, Heard::Trained);
                    self.events.push_front(Stamped { at, what: outcome });
                }
                LineEvent::CarrierUp(self.told.unwrap_or(carrier))
            }
            Heard::Down => LineEvent::CarrierDown(self.told.take()?),
            Heard::Sent => LineEvent::Sent,
            Heard::Gap(span) => LineEvent::Gap(span),
            Heard::Tone(tone) if self.listen == Listen::Tones => LineEvent::Tone(tone),
            Heard::Tone(_) => return None,
            Heard::Trained(carrier) => LineEvent::Trained { carrier, quality: QUALITY },
            Heard::Failed => LineEvent::TrainingFailed,
            Heard::Frame { octets, intact } => {
                let carrier = self.told?;
                self.given = octets;
                return Some(Told::Frame(carrier, intact)).filter(|_| self.hears(carrier));
            }
            Heard::Octets(octets) => {
                let carrier = self.told?;
                self.given = octets;
                return Some(Told::Octets).filter(|_| self.hears(carrier));
            }
        };
        Some(Told::Plain(event))
    }

    /// The carrier that is listened to, where this is it.
    fn expected(&self, carrier: Carrier) -> Option<Carrier> {
        match self.listen {
            Listen::To { carrier: expected, .. } if same_modem(expected, carrier) => Some(expected),
            _ => None,
        }
    }
}

/// An event for the machine; octets are in `given`.
enum Told {
    Plain(LineEvent<'static>),
    Frame(Carrier, bool),
    Octets,
}

/// Whether octets, as they are in packets, can only be the first of a frame: address and control; on a fast carrier the
/// code of an image frame too, which as image is all but impossible there.
fn is_beginning(carrier: Carrier, octets: &[u8]) -> bool {
    match carrier {
        Carrier::V21 => matches!(octets, [0xff, 0xc0 | 0xc8, ..]),
        _ => matches!(octets, [0xff, 0xc0, 0x60 | 0x61, ..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{V17Rate, V27terRate};

    #[test]
    fn modems_that_were_not_offered_are_not_heard_and_do_no_harm() {
        let mut hearing = Hearing::new(RateManagement::TransferredTcf);
        let carrier = Carrier::V17(V17Rate::R14400, Train::Long);
        hearing.listen(Listen::To { carrier, framing: Framing::Raw });
        let octets = [Field { kind: FieldType::NonEcm, octets: &[0; 40] }];
        for packet in [
            Ifp::Indicator(Indicator::V34Control),
            Ifp::Indicator(Indicator::V33Training14400),
            Ifp::Data(DataType::V33R14400, octets.to_vec()),
            Ifp::Data(DataType::V34Primary, octets.to_vec()),
        ] {
            hearing.packet(&packet, LineTime(8));
            assert_eq!(hearing.poll(LineTime(8)), None, "{packet:?}");
        }
        let other = Carrier::V27ter(V27terRate::R4800);
        hearing.packet(&Ifp::Indicator(Indicator::Training(other)), LineTime(16));
        hearing.packet(&Ifp::Indicator(Indicator::V33Training12000), LineTime(24));
        let mut heard = Vec::new();
        while let Some(event) = hearing.poll(LineTime(24)) {
            heard.push(format!("{:?}", event.what));
        }
        assert_eq!(heard.first(), Some(&format!("{:?}", LineEvent::CarrierUp(other))), "{heard:?}");
        assert!(heard.last().is_some_and(|last| last.starts_with("CarrierDown")), "{heard:?}");
    }
}
