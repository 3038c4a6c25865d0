//! A fax machine on a telephone line and T.38 on the network, in real time: the line's blocks are the clock.

use std::{
    io,
    thread::sleep,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{LineError, Pace, PcmLine};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    t38::{Arrival, Counters, Wire, relay::Relay},
    time::LineTime,
};

use super::path::Path;

/// The longest datagram that UDP carries.
const LONGEST_DATAGRAM: usize = 65_536;

/// Datagrams taken in a block; what is beyond them waits for the next.
const DATAGRAMS_A_BLOCK: usize = 16;

/// The time of a block.
const BLOCK_TIME: Duration = Duration::from_millis(10);

/// What came of a relayed call.
#[derive(Debug)]
pub struct Relayed {
    /// DCN passed, and all that belongs to it.
    pub completed: bool,
    /// How long the line was off hook, in seconds.
    pub seconds: f64,
    /// Datagrams sent.
    pub sent: u64,
    /// What became of those that came.
    pub counters: Counters,
    /// Packets that were no IFP.
    pub unread: u64,
    /// Why it ended before its end.
    pub failure: Option<RelayFailure>,
}

/// Why a relayed call ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum RelayFailure {
    /// The telephone line.
    #[error("the telephone line: {0}")]
    Line(#[from] LineError),
    /// The network.
    #[error("the network: {0}")]
    Network(#[from] io::Error),
    /// We ended it.
    #[error("ended here")]
    Cancelled,
}

struct Running<'a> {
    path: &'a mut dyn Path,
    front: AudioFrontEnd,
    relay: Relay,
    wire: Wire,
    buffer: Vec<u8>,
    sent: u64,
    unread: u64,
}

/// Carries a call until both machines are done with it, or either side is gone. The line is off hook.
pub fn run_relay(
    line: &mut dyn PcmLine,
    path: &mut dyn Path,
    relay: Relay,
    wire: Wire,
    audio: AudioConfig,
    cancelled: &mut dyn FnMut() -> bool,
) -> Relayed {
    let (front, buffer) = (AudioFrontEnd::new(audio).telling_parts(), vec![0; LONGEST_DATAGRAM]);
    let mut running = Running { path, front, relay, wire, buffer, sent: 0, unread: 0 };
    let (mut tx, mut rx, began, mut blocks) = (SILENCE, SILENCE, Instant::now(), 0);
    let failure = loop {
        let step = line.exchange(&tx, &mut rx).map_err(RelayFailure::from);
        match step.and_then(|exchange| Ok(running.block(exchange.lost_samples > 0, &rx)?)) {
            Ok(block) => tx = block,
            Err(failure) => break Some(failure),
        }
        if running.relay.is_over() {
            break None;
        }
        if cancelled() {
            break Some(RelayFailure::Cancelled);
        }
        blocks += 1;
        // The network has its own time; a line without one must not run ahead of it.
        if line.pace() == Pace::Unpaced {
            sleep((BLOCK_TIME * blocks).saturating_sub(began.elapsed()));
        }
    };
    line.hang_up();
    Relayed {
        completed: running.relay.is_over(),
        seconds: running.front.now().since(LineTime::ZERO).seconds(),
        sent: running.sent,
        counters: running.wire.counters(),
        unread: running.unread,
        failure: failure.filter(|_| !running.relay.has_said_farewell()),
    }
}

impl Running<'_> {
    /// One block of the line, and the packets that came and go with it.
    fn block(&mut self, lost: bool, rx: &Block) -> io::Result<Block> {
        if lost {
            self.front.receive_lost()
        } else {
            self.front.receive(rx)
        }
        self.hear()?;
        let now = self.front.now();
        while let Some(arrival) = self.wire.poll(now) {
            match arrival {
                Arrival::Packet(packet) => self.unread += u64::from(self.relay.handle_packet(packet, now).is_err()),
                Arrival::Lost(count) => self.relay.handle_loss(count),
            }
        }
        self.relay.advance(&mut self.front, now);
        while let Some(packet) = self.relay.poll_packet() {
            self.path.send(&self.wire.send(&packet, now))?;
            self.sent += 1;
        }
        let mut tx = SILENCE;
        self.front.transmit(&mut tx);
        Ok(tx)
    }

    fn hear(&mut self) -> io::Result<()> {
        for _ in 0..DATAGRAMS_A_BLOCK {
            match self.path.receive(&mut self.buffer, Duration::ZERO)? {
                Some(count) => self.wire.receive(&self.buffer[..count], self.front.now()),
                None => break,
            }
        }
        Ok(())
    }
}
