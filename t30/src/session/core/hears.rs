//! What the core makes of what is heard: carriers, frames, and what they tell of the other machine.

use super::{Burst, Core, Timer, TraceKind};
use crate::{
    frame::{DirectOffer, Fcf, Frame, Ident, InternetAddress, Message, Vendor, is_addressed, is_last, recommendation},
    seam::{Carrier, Evm, Tone},
    time::{LineSpan, LineTime},
};

/// The burst is taken for over this long after its last frame, though the carrier stays.
const BURST_END: LineSpan = LineSpan::ms(1000);

impl Core {
    pub(in super::super) fn carrier_up(&mut self, carrier: Carrier, at: LineTime) {
        if carrier != Carrier::V21 {
            self.fast = Some(at);
            return;
        }
        self.fax_heard = true;
        self.slow = Some(at);
        self.burst = Burst::began(at);
    }

    /// A fast carrier was trained to, so it is there, whether its beginning was reported or not.
    pub(in super::super) fn trained(&mut self, carrier: Carrier, quality: Evm, at: LineTime) {
        self.fast.get_or_insert(at);
        self.report.quality = Some(quality);
        let (rate, modem, decibels) = (carrier.bit_rate(), recommendation(carrier), f64::from(quality.0) / 10.0);
        self.trace.add(at, TraceKind::Heard, format_args!("{rate} {modem}, error vector {decibels:.1} dB"));
    }

    pub(in super::super) fn heard_tone(&mut self, tone: Tone, at: LineTime) {
        let name = match tone {
            Tone::Cng => "CNG",
            Tone::Ced => "CED",
        };
        self.trace.add(at, TraceKind::Heard, name);
    }

    pub(in super::super) fn carrier_down(&mut self, carrier: Carrier, at: LineTime) {
        match carrier {
            Carrier::V21 => self.slow = None,
            _ => self.fast = None,
        }
        self.quiet_since = self.quiet_since.max(at);
        self.timers.stop(Timer::BurstEnd);
    }

    /// Whether anything is heard.
    pub(in super::super) fn line_is_busy(&self) -> bool {
        self.slow.is_some() || self.fast.is_some()
    }

    /// Takes in a frame of the control channel.
    pub(in super::super) fn control_frame(&mut self, octets: &[u8], intact: bool, at: LineTime) {
        self.fax_heard = true;
        if !intact {
            self.report.damaged_frames += 1;
            self.trace.add(at, TraceKind::Damaged, format_args!("frame of {} octets", octets.len()));
            return self.burst.damage();
        }
        let frame = Frame::parse(octets);
        self.trace.add(at, TraceKind::Heard, frame);
        let message = match frame {
            Frame::Known(message) => message,
            Frame::Unknown(octets) => {
                self.report.unknown_frames += u32::from(is_addressed(octets));
                return self.burst.take_unknown(is_last(octets));
            }
        };
        // Whole frames do not come beside a fast signal: its end was missed.
        self.fast = None;
        self.note_peer(&message);
        self.burst.take(&message);
        if message.last {
            self.timers.start(Timer::BurstEnd, at.max(self.now) + BURST_END);
        }
    }

    /// Keeps what a frame says of the other machine.
    fn note_peer(&mut self, message: &Message<'_>) {
        if message.fcf == Fcf::Nsf {
            self.offer = DirectOffer::read(message.field);
        }
        let peer = &mut self.report.peer;
        let text = || Some(Ident::read(message.field).as_str().to_owned());
        match message.fcf {
            Fcf::Csi | Fcf::Tsi | Fcf::Cig => peer.ident = text(),
            Fcf::Sep => peer.sep = text(),
            Fcf::Psa => peer.psa = text(),
            Fcf::Tsa | Fcf::Cia | Fcf::Csa => add_address(&mut peer.internet_address, message.field),
            Fcf::Ira | Fcf::Isp => add_address(&mut peer.routing_address, message.field),
            Fcf::Fdm => peer.file_diagnostics = Some(message.field.to_vec()),
            Fcf::Fnv => peer.not_valid = Some(message.field.to_vec()),
            Fcf::Sub => peer.sub = text(),
            Fcf::Pwd => peer.pwd = text(),
            Fcf::Sid => peer.sid = text(),
            Fcf::Nsf | Fcf::Nss | Fcf::Nsc => {
                let Vendor { name, model } = Vendor::read(message.field);
                (peer.vendor, peer.model) = (name, model);
                peer.nsf = Some(message.field.to_vec());
            }
            _ => {}
        }
    }
}

/// Octets of an internet address that are kept, over all its frames.
const ADDRESS_ROOM: usize = 400;

/// Adds what a frame holds of an address; the first frame begins it anew.
fn add_address(address: &mut Option<String>, field: &[u8]) {
    let Some(part) = InternetAddress::read(field) else { return };
    let before = address.take().filter(|_| part.sequence > 0).unwrap_or_default();
    let room = ADDRESS_ROOM.saturating_sub(before.len());
    *address = Some(before + &part.text.chars().take(room).collect::<String>());
}
