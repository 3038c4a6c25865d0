//! The front end that turns orders into modem samples, and samples into stamped events.
//!
//! ```text
//!  rx block ─▶ DC block ─▶ level ─▶ V.21 always, fast modem when ordered, tones when ordered
//!                                       └▶ arbiter ─▶ frames, octets, marks ─▶ poll()
//!  tx block ◀─ modulator ◀─ bits ◀─ flags, frames, octets ◀─ supply()          order()
//! ```
//!
//! The driver gives one received block and takes one sent block in turn; [`AudioFrontEnd::receive`] comes first. Time
//! is the number of samples exchanged. Everything is made when the front end is made; no block allocates.

mod arbiter;
pub(crate) mod dc;
mod events;
mod filler;
mod mend;
pub(crate) mod modems;
mod rest;
mod rx;
#[cfg(test)]
mod tests;
mod tx;

use answertone_dsp::{
    modem::Receiver,
    pcm::{BLOCK_SAMPLES, Block, narrow, widen},
    units::{Dbm0, Hz},
};
use events::{EventQueue, Heard};
use rx::Receiving;
use tx::Sending;

use crate::{
    seam::{Carrier, Cut, FrontEnd, LineEvent, Order, Stamped},
    time::{LineSpan, LineTime},
};

/// Line time of one block.
pub const BLOCK_SPAN: LineSpan = LineSpan(BLOCK_SAMPLES as u64);

/// How long after our own signal the receiver stays muted: our hybrid's echo is over by then.
const ECHO_TAIL: LineSpan = LineSpan::ms(10);

/// How the front end sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioConfig {
    /// Level of every modem signal and tone at the line. National rules allow -15 to 0 dBm; -14 suits most.
    pub level: Dbm0,
    /// Whether the talker echo protection tone goes before V.29 and V.17 training. V.27ter always has it, ITU-T T.4 5.1.
    pub talker_echo_protection: bool,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self { level: Dbm0(-14.0), talker_echo_protection: false }
    }
}

/// What a fast modem knows of the signal it received last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FastSignal {
    /// Its carrier frequency less the nominal one.
    pub carrier_offset: Hz,
    /// Its symbol clock relative to nominal in parts per million; positive: the sender is slow.
    pub clock_offset_ppm: f32,
}

/// Modems over audio.
pub struct AudioFrontEnd {
    /// Start of the next block, in both directions.
    now: LineTime,
    receiving: Receiving,
    sending: Sending,
    events: EventQueue,
    /// Until when what is received is our own echo.
    muted_until: LineTime,
    hang_up: bool,
}

impl AudioFrontEnd {
    /// A front end on a line just opened: it listens for nothing and sends silence.
    pub fn new(config: AudioConfig) -> Self {
        Self {
            now: LineTime::ZERO,
            receiving: Receiving::new(),
            sending: Sending::new(config),
            events: EventQueue::new(),
            muted_until: LineTime::ZERO,
            hang_up: false,
        }
    }

    /// The same, which tells octets of HDLC frames while they come: [`LineEvent::FramePart`].
    pub fn telling_parts(mut self) -> Self {
        self.receiving.tell_parts();
        self
    }

    /// Takes the next received block. The next sent block is later than it by one block.
    pub fn receive(&mut self, block: &Block) {
        let mut samples = [0.0; BLOCK_SAMPLES];
        if self.now >= self.muted_until {
            widen(block, &mut samples);
        }
        self.receiving.run(self.now, &samples, &mut self.events);
        self.now += BLOCK_SPAN;
    }

    /// Lets a block pass that the transport lost.
    pub fn receive_lost(&mut self) {
        self.receiving.coast(self.now, &mut self.events);
        self.now += BLOCK_SPAN;
        self.events.push(self.now, Heard::Gap(BLOCK_SPAN));
    }

    /// Gives the next block to be sent.
    pub fn transmit(&mut self, block: &mut Block) {
        let mut samples = [0.0; BLOCK_SAMPLES];
        let ended = self.sending.run(self.now, &mut samples);
        narrow(&samples, block);
        if self.sending.echoes() || ended.is_some() {
            self.muted_until = self.now + BLOCK_SPAN + ECHO_TAIL;
        }
        if let Some(at) = ended {
            self.events.push(at, Heard::Sent);
        }
    }

    /// The moment at which the next block starts.
    pub fn now(&self) -> LineTime {
        self.now
    }

    /// Whether the machine asked to go on hook.
    pub fn wants_to_hang_up(&self) -> bool {
        self.hang_up
    }

    /// What the modem of the fast signal received last knows of it.
    pub fn fast_signal(&self) -> Option<FastSignal> {
        self.receiving.fast_signal()
    }

    /// Level of the line of late, whoever is speaking.
    pub fn level(&self) -> Dbm0 {
        self.receiving.level()
    }

    /// The modem of the fast signal received last, to look at.
    pub fn fast_receiver(&self) -> Option<&Receiver> {
        self.receiving.fast_receiver()
    }

    /// Times a fast signal went away and came back at once, and slips of the line that its modem got over.
    pub fn losses_bridged(&self) -> u32 {
        self.receiving.losses_bridged()
    }

    /// Time for which fast signals were there but their symbols were lost.
    pub fn time_lost(&self) -> LineSpan {
        self.receiving.time_lost()
    }

    /// Events that found no room because the driver did not ask for them.
    pub fn events_lost(&self) -> u64 {
        self.events.lost()
    }

    /// Whether a carrier can be both sent and received.
    pub fn offers(carrier: Carrier) -> bool {
        modems::offers(carrier)
    }
}

impl FrontEnd for AudioFrontEnd {
    fn order(&mut self, order: Order) {
        match order {
            Order::Listen(listen) => self.receiving.listen(listen, self.now),
            Order::Send { signal, at } => self.sending.begin(signal, at),
            Order::Hush => self.sending.hush(),
            Order::HangUp => self.hang_up = true,
        }
    }

    fn poll(&mut self) -> Option<Stamped<LineEvent<'_>>> {
        self.events.pop()
    }

    fn room(&self) -> usize {
        self.sending.room()
    }

    fn supply(&mut self, octets: &[u8], cut: Cut) {
        self.sending.supply(octets, cut);
    }
}
