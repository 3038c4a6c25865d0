//! Between a fax machine on a telephone line and T.38: the machine's signals become packets, and packets signals.
//!
//! ```text
//!            tones, frames, octets                       IFP packets
//!  FrontEnd ───────────────────────▶ outward ──────────────────────────▶ network
//!  (audio)  ◀─────────────────────── inward  ◀──────────────────────────
//!            orders, octets           └─ course: what is on its way next, read from the frames that pass
//! ```
//!
//! A driver calls [`Relay::advance`] with the front end once a block, and carries packets. Frames pass octet by octet while
//! they come, where the front end tells them so; that one was damaged is known at its end, and its other end is made bad too.

mod course;
mod fill;
mod inward;
mod line_page;
mod network_page;
mod outward;
mod passing;
mod spoken;
mod transcode;

use course::Course;
use inward::Inward;
use outward::Outward;
pub use transcode::Transcoding;

use super::{
    ifp::{Ifp, NoIfp, Syntax},
    terminal::RateManagement,
};
use crate::{
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
    /// What pages without error correction are on the network instead of MH or MR, where both ends announced it.
    pub transcoding: Option<Transcoding>,
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
            transcoding: None,
        }
    }
}

/// Which side of the relay something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Line,
    Network,
}

/// What a relay did beyond passing on what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayCounters {
    /// Frames for the line that were begun before they were whole.
    pub begun_early: u64,
    /// Those of them for which the network was too slow: they were broken off, and sent whole when they had come.
    pub torn: u64,
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
                self.outward.event(event, &mut self.course);
            }
        }
        self.outward.advance(now);
        self.inward.advance(front, &self.outward, &mut self.course, now);
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

    /// What it did so far.
    pub fn counters(&self) -> RelayCounters {
        self.inward.counters()
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
