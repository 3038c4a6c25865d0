//! One direction of a T.38 call, as its packets tell it.

use answertone_dsp::units::{Db, Dbm0, Hz};

use super::{
    ear::Channel,
    heard::{AnswerTone, Burst, Control, Heard, HeardFrame, What},
    line::LineLevels,
};
use crate::{
    seam::{Carrier, Train},
    t38::ifp::{Field, FieldType, Ifp, Indicator, turned},
    time::{LineSpan, LineTime},
};

/// Octets of a frame, octets of a signal and things of a channel that are kept at most.
const LONGEST_FRAME: usize = 400;
const MOST_OCTETS: usize = 4 << 20;
const MOST: usize = 50_000;

/// Reads packets in their order.
#[derive(Default)]
pub struct PacketEar {
    heard: Vec<Heard>,
    /// The tone under way.
    tone: Option<(LineTime, What)>,
    signal: Option<Signal>,
    last: LineTime,
}

/// A signal under way.
struct Signal {
    from: LineTime,
    carrier: Carrier,
    frames: Vec<HeardFrame>,
    octets: Vec<u8>,
    /// The frame under way: its octets, its beginning, and whether something of it was lost.
    frame: Vec<u8>,
    frame_from: LineTime,
    damaged: bool,
}

impl PacketEar {
    /// Takes the next packet.
    pub fn packet(&mut self, ifp: &Ifp<'_>, at: LineTime) {
        self.last = at;
        match ifp {
            Ifp::Indicator(indicator) => self.indicator(*indicator, at),
            Ifp::Data(kind, fields) => {
                let Some(carrier) = kind.carrier(Train::Long) else { return };
                let same = |signal: &Signal| same_modem(signal.carrier, carrier);
                if !self.signal.as_ref().is_some_and(same) {
                    // Its indicator was lost, unless nothing is left but its end.
                    if fields.iter().all(|field| field.octets.is_empty()) {
                        return;
                    }
                    self.begin(carrier, at);
                }
                fields.iter().for_each(|field| self.field(field, at));
            }
        }
    }

    /// Packets are missing.
    pub fn lost(&mut self) {
        self.signal.iter_mut().for_each(|signal| signal.damaged = true);
    }

    /// What the packets held.
    pub fn finish(mut self) -> Channel {
        self.end(self.last);
        Channel { heard: self.heard, line: LineLevels::default() }
    }

    fn indicator(&mut self, indicator: Indicator, at: LineTime) {
        let tone = match indicator {
            Indicator::Cng => Some(What::Cng),
            Indicator::Ced => Some(What::Answer(AnswerTone { reversals: 0, modulated: false })),
            Indicator::V8Ansam => Some(What::Answer(AnswerTone { reversals: 0, modulated: true })),
            _ => None,
        };
        let carrier = match indicator {
            Indicator::V21Preamble => Some(Carrier::V21),
            Indicator::Training(carrier) => Some(carrier),
            _ => None,
        };
        // Indicators are repeated.
        let again = self.tone.as_ref().zip(tone.as_ref()).is_some_and(|((_, on), tone)| on.name() == tone.name())
            || self.signal.as_ref().is_some_and(|signal| Some(signal.carrier) == carrier && signal.is_empty());
        if again {
            return;
        }
        self.end(at);
        self.tone = tone.map(|tone| (at, tone));
        if let Some(carrier) = carrier {
            self.begin(carrier, at);
        }
    }

    fn begin(&mut self, carrier: Carrier, at: LineTime) {
        self.end(at);
        self.signal = Some(Signal {
            from: at,
            carrier,
            frames: Vec::new(),
            octets: Vec::new(),
            frame: Vec::new(),
            frame_from: at,
            damaged: false,
        });
    }

    fn end(&mut self, at: LineTime) {
        if let Some((from, what)) = self.tone.take() {
            self.keep(Heard { from, to: at, what });
        }
        if let Some(signal) = self.signal.take() {
            self.keep(signal.finish(at));
        }
    }

    fn keep(&mut self, heard: Heard) {
        if self.heard.len() < MOST {
            self.heard.push(heard);
        }
    }

    fn field(&mut self, field: &Field<'_>, at: LineTime) {
        let Some(signal) = &mut self.signal else { return };
        match field.kind {
            FieldType::Hdlc => signal.frame_octets(field.octets, at),
            FieldType::FcsOk | FieldType::FcsOkSigEnd => signal.end_frame(true, at),
            FieldType::FcsBad | FieldType::FcsBadSigEnd => signal.end_frame(false, at),
            FieldType::NonEcm | FieldType::NonEcmSigEnd => {
                let room = MOST_OCTETS - signal.octets.len();
                signal.octets.extend(turned(field.octets).take(room));
            }
            _ => {}
        }
        let over = [FieldType::HdlcSigEnd, FieldType::FcsOkSigEnd, FieldType::FcsBadSigEnd, FieldType::NonEcmSigEnd];
        if over.contains(&field.kind) {
            self.end(at);
        }
    }
}

/// Data does not tell which training of V.17 went before it.
fn same_modem(one: Carrier, other: Carrier) -> bool {
    (one.modem(), one.bit_rate()) == (other.modem(), other.bit_rate())
}

impl Signal {
    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.octets.is_empty() && self.frame.is_empty()
    }

    fn frame_octets(&mut self, octets: &[u8], at: LineTime) {
        if self.frame.is_empty() {
            self.frame_from = at;
        }
        let room = LONGEST_FRAME - self.frame.len();
        self.damaged |= octets.len() > room;
        self.frame.extend(turned(octets).take(room));
    }

    fn end_frame(&mut self, good: bool, at: LineTime) {
        let damaged = std::mem::take(&mut self.damaged);
        let octets = std::mem::take(&mut self.frame);
        if !octets.is_empty() {
            self.frames.push(HeardFrame { from: self.frame_from, to: at, octets, intact: good && !damaged });
        }
    }

    fn finish(mut self, at: LineTime) -> Heard {
        self.end_frame(false, at);
        let from = self.from;
        let what = match self.carrier {
            Carrier::V21 => What::Control(Control { flags: 0, frames: self.frames }),
            _ => What::Burst(Box::new(self.burst())),
        };
        Heard { from, to: at, what }
    }

    fn burst(self) -> Burst {
        let is_zero = |octet: &&u8| **octet == 0;
        let zeros = self.octets.chunk_by(|one, other| (*one == 0) == (*other == 0));
        let longest = zeros.map(|run| run.iter().filter(is_zero).count()).max().unwrap_or(0) as u64 * 8;
        let early =
            self.octets.iter().take(self.carrier.bit_rate() as usize * 3 / 16).filter(is_zero).count() as u64 * 8;
        Burst {
            carrier: self.carrier,
            relayed: true,
            trained: self.from,
            evm: Db(0.0),
            last_evm: Db(0.0),
            level: Dbm0(0.0),
            carrier_offset: Hz(0.0),
            clock_offset_ppm: 0.0,
            slips: Vec::new(),
            returns: Vec::new(),
            lost: LineSpan::ZERO,
            bits: self.octets.len() as u64 * 8,
            longest_zeros: longest,
            early_zeros: early,
            frames: self.frames,
            octets: self.octets,
            points: Vec::new(),
            ideal: Vec::new(),
            errors: Vec::new(),
            taps: Vec::new(),
            sound: Vec::new(),
            sound_taps: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{frame::Fcf, seam::V29Rate, t38::ifp::DataType};

    fn data(kind: DataType, fields: &[(FieldType, &'static [u8])]) -> Ifp<'static> {
        Ifp::Data(kind, fields.iter().map(|(kind, octets)| Field { kind: *kind, octets }).collect())
    }

    #[test]
    fn packets_give_tones_frames_and_image_data() {
        let mut ear = PacketEar::default();
        let training = Ifp::Indicator(Indicator::Training(Carrier::V29(V29Rate::R9600)));
        let packets = [
            Ifp::Indicator(Indicator::Cng),
            Ifp::Indicator(Indicator::Cng),
            Ifp::Indicator(Indicator::V21Preamble),
            // MCF, most significant place first.
            data(
                DataType::V21,
                &[(FieldType::Hdlc, &[0xff, 0xc8]), (FieldType::Hdlc, &[0x31]), (FieldType::FcsOkSigEnd, &[])],
            ),
            training,
            data(DataType::V29R9600, &[(FieldType::NonEcm, &[0x80, 0x01])]),
            data(DataType::V29R9600, &[(FieldType::NonEcmSigEnd, &[])]),
        ];
        packets.iter().zip(0..).for_each(|(packet, at)| ear.packet(packet, LineTime(at * 240)));
        let heard = ear.finish().heard;
        let names: Vec<&str> = heard.iter().map(|heard| heard.what.name()).collect();
        assert_eq!(names, ["cng", "control", "image"]);
        let What::Control(control) = &heard[1].what else { panic!("{heard:?}") };
        assert!(control.has(Fcf::Mcf));
        let What::Burst(burst) = &heard[2].what else { panic!("{heard:?}") };
        assert_eq!(burst.octets, [0x01, 0x80]);
    }

    #[test]
    fn a_frame_of_which_a_packet_was_lost_is_damaged_and_the_next_is_not() {
        let mut ear = PacketEar::default();
        let frame = |end| data(DataType::V21, &[(FieldType::Hdlc, &[0xff, 0xc8, 0x31]), (end, &[])]);
        ear.packet(&data(DataType::V21, &[(FieldType::Hdlc, &[0xff])]), LineTime(0));
        ear.lost();
        ear.packet(&frame(FieldType::FcsOk), LineTime(240));
        ear.packet(&frame(FieldType::FcsOkSigEnd), LineTime(480));
        let heard = ear.finish().heard;
        let What::Control(control) = &heard[0].what else { panic!("{heard:?}") };
        assert_eq!(control.frames.iter().map(|frame| frame.intact).collect::<Vec<_>>(), [false, true]);
    }
}
