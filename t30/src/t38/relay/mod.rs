//! Between a fax machine on a telephone line and T.38: the machine's signals become packets, and packets signals.
//!
//! ```text
//!            tones, frames, octets                       IFP packets
//!  FrontEnd ───────────────────────▶ outward ──────────────────────────▶ network
//!  (audio)  ◀─────────────────────── inward  ◀──────────────────────────
//!            orders, octets           └─ course: what is on its way next, read from the frames that pass
//! ```
//!
//! A driver calls [`Relay::advance`] with the front end once a block, and carries packets. Frames pass whole: one is on its
//! way when its check sequence was seen, so that a damaged one never passes as good.

mod course;
mod fill;
mod inward;
mod outward;

use course::Course;
use inward::Inward;
use outward::Outward;

use super::{
    ifp::{Ifp, NoIfp, Syntax},
    terminal::RateManagement,
};
use crate::{
    frame::{BitField, Fcf, Frame, Message},
    seam::{FrontEnd, LineEvent, Listen, Order},
    time::LineTime,
};

/// What becomes of non-standard facilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonStandard {
    /// They do not pass: machines that know each other by them would leave T.30, and the relay could not follow.
    #[default]
    Blocked,
    /// They pass.
    Passed,
}

/// How a relay works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayConfig {
    /// How packets are written.
    pub syntax: Syntax,
    /// Who makes the training check.
    pub rate_management: RateManagement,
    /// Octets of data in a packet at most.
    pub packet_limit: usize,
    /// What becomes of non-standard facilities.
    pub non_standard: NonStandard,
    /// Whether error correction is let through in DIS.
    pub ecm: bool,
    /// Whether fill goes out of pages without error correction on their way to the network, and is made for the line: both
    /// ends agreed on T38FaxFillBitRemoval.
    pub fill_removal: bool,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            syntax: Syntax::Y1998,
            rate_management: RateManagement::TransferredTcf,
            packet_limit: 300,
            non_standard: NonStandard::Blocked,
            ecm: true,
            fill_removal: false,
        }
    }
}

/// Which side of the relay something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Line,
    Network,
}

/// A relay in a call.
pub struct Relay {
    config: RelayConfig,
    course: Course,
    outward: Outward,
    inward: Inward,
    listening: Option<Listen>,
    over: bool,
}

impl Relay {
    /// A relay on a line that is off hook.
    pub fn new(config: RelayConfig) -> Self {
        Self {
            config,
            course: Course::new(config.rate_management),
            outward: Outward::new(config),
            inward: Inward::new(),
            listening: None,
            over: false,
        }
    }

    /// Takes in the next packet of the network in order.
    pub fn handle_packet(&mut self, packet: &[u8], now: LineTime) -> Result<(), NoIfp> {
        if !packet.is_empty() {
            let ifp = Ifp::read(packet, self.config.syntax)?;
            self.inward.packet(&ifp, &mut self.course, &self.config, now);
        }
        Ok(())
    }

    /// So many packets are missing before the next.
    pub fn handle_loss(&mut self, _packets: u64) {
        self.inward.lost();
    }

    /// Takes what the front end has to tell, and gives it what it is to do.
    pub fn advance(&mut self, front: &mut impl FrontEnd, now: LineTime) {
        while let Some(event) = front.poll() {
            if event.what == LineEvent::Sent {
                self.inward.sent(event.at);
            } else {
                self.outward.event(event, &mut self.course, &self.config);
            }
        }
        self.outward.advance(now);
        self.inward.advance(front, &self.outward, now);
        self.listen(front);
        self.over |= self.course.is_over() && self.outward.is_silent() && self.inward.is_silent();
    }

    fn listen(&mut self, front: &mut impl FrontEnd) {
        let listen = if self.inward.is_silent() { self.course.listen() } else { Listen::Nothing };
        if self.listening != Some(listen) {
            self.listening = Some(listen);
            front.order(Order::Listen(listen));
        }
    }

    /// The next packet to be sent.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.outward.poll()
    }

    /// Whether DCN passed, on whichever side; the rest may be on its way still.
    pub fn has_said_farewell(&self) -> bool {
        self.course.is_over()
    }

    /// Whether DCN passed, and all that belongs to it.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

/// What passes of a frame: none of those that do not, and capabilities less those that a relay cannot carry.
fn passing(octets: &[u8], config: &RelayConfig) -> Option<Vec<u8>> {
    /// Store and forward, real time over IP, V.8, flow control by T.38, Internet aware: there is a relay in between.
    const NOT_HERE: [u8; 5] = [1, 3, 6, 121, 123];
    /// Error correction, and what needs it.
    const ECM: [u8; 6] = [27, 31, 68, 69, 78, 79];
    let Frame::Known(message) = Frame::parse(octets) else { return Some(octets.to_vec()) };
    match message.fcf {
        Fcf::Nsf | Fcf::Nss | Fcf::Nsc if config.non_standard == NonStandard::Blocked => None,
        Fcf::Dis | Fcf::Dtc => {
            let bits = BitField::read(message.field).without(&NOT_HERE);
            let bits = if config.ecm { bits } else { bits.without(&ECM) };
            let mut out = Vec::with_capacity(octets.len());
            Message { field: bits.octets(), ..message }.write(&mut out);
            Some(out)
        }
        _ => Some(octets.to_vec()),
    }
}
