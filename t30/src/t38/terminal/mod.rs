//! A fax machine's front end over packets: signals become indicators and data, and back. ITU-T T.38 clauses 6 to 8.
//!
//! ```text
//!  order, supply ─▶ speaking ─▶ IFP packets, each when it is due
//!  poll          ◀─ hearing  ◀─ IFP packets in order, and what is missing between them
//! ```

mod awareness;
mod hearing;
mod speaking;

use hearing::Hearing;
use speaking::Speaking;

use super::{
    ifp::{Ifp, NoIfp, Syntax},
    pacing::Pacing,
};
use crate::{
    seam::{Cut, FrontEnd, LineEvent, Order, Stamped},
    time::LineTime,
};

/// Who makes the training check. T.38 8.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateManagement {
    /// Method 2: it travels as data. Usual over UDP.
    #[default]
    TransferredTcf,
    /// Method 1: each end makes and checks its own. Usual over TCP.
    LocalTcf,
}

/// What both ends agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalConfig {
    /// How packets are written.
    pub syntax: Syntax,
    /// Who makes the training check.
    pub rate_management: RateManagement,
    /// Octets of data in a packet at most.
    pub packet_limit: usize,
    /// Whether signals last.
    pub pacing: Pacing,
}

impl Default for TerminalConfig {
    fn default() -> Self {
        Self {
            syntax: Syntax::Y1998,
            rate_management: RateManagement::TransferredTcf,
            packet_limit: 300,
            pacing: Pacing::Nominal,
        }
    }
}

/// The front end.
pub struct Terminal {
    config: TerminalConfig,
    now: LineTime,
    hearing: Hearing,
    speaking: Speaking,
    hang_up: bool,
}

impl Terminal {
    /// A front end on a call just begun.
    pub fn new(config: TerminalConfig) -> Self {
        Self {
            config,
            now: LineTime::ZERO,
            hearing: Hearing::new(config.rate_management),
            speaking: Speaking::new(config),
            hang_up: false,
        }
    }

    /// Takes in the next packet in order.
    pub fn handle_packet(&mut self, packet: &[u8], now: LineTime) -> Result<(), NoIfp> {
        self.now = self.now.max(now);
        if packet.is_empty() {
            return Ok(());
        }
        let ifp = Ifp::read(packet, self.config.syntax)?;
        // All of our signal is with the far end when it answers it.
        if hearing::begins_signal(&ifp) && self.speaking.end_early() {
            self.hearing.sent(self.now);
        }
        self.hearing.packet(&ifp, self.now);
        Ok(())
    }

    /// So many packets are missing before the next.
    pub fn handle_loss(&mut self, packets: u64, now: LineTime) {
        self.now = self.now.max(now);
        self.hearing.lost(packets, self.now);
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: LineTime) {
        self.now = self.now.max(now);
        self.hearing.tick(self.now);
        if self.speaking.advance(self.now) {
            self.hearing.sent(self.now);
        }
    }

    /// The next packet to be sent now.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.speaking.poll()
    }

    /// When the time is wanted next.
    pub fn due(&self) -> Option<LineTime> {
        [self.speaking.due(self.now), self.hearing.due()].into_iter().flatten().min()
    }

    /// Whether the machine has hung up and all it said was sent.
    pub fn is_over(&self) -> bool {
        self.hang_up && self.speaking.is_silent()
    }

    /// Whether the machine asked to go on hook.
    pub fn wants_to_hang_up(&self) -> bool {
        self.hang_up
    }
}

impl FrontEnd for Terminal {
    fn order(&mut self, order: Order) {
        match order {
            Order::Listen(listen) => self.hearing.listen(listen),
            Order::Send { signal, at } => self.speaking.begin(signal, at),
            Order::Hush => self.speaking.hush(),
            Order::HangUp => {
                self.speaking.finish();
                self.hang_up = true;
            }
        }
    }

    fn poll(&mut self) -> Option<Stamped<LineEvent<'_>>> {
        let event = self.hearing.poll(self.now)?;
        if let LineEvent::Frame { octets, intact: true, .. } = event.what {
            self.speaking.far_frame(octets);
        }
        Some(event)
    }

    fn room(&self) -> usize {
        self.speaking.room()
    }

    fn supply(&mut self, octets: &[u8], cut: Cut) {
        self.speaking.supply(octets, cut);
    }
}
