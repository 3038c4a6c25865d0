//! Messages as samples.

use alloc::{vec, vec::Vec};

use crate::{
    bits::BitQueue,
    callerid::{japan, message::Message},
    fsk::{BELL_202, FskModulator, FskSpec, V23_FORWARD},
    modem::Modulator,
    units::Dbm0,
};

/// Whose modem carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Telcordia GR-30: Bell 202.
    Bellcore,
    /// ETSI EN 300 659: V.23.
    Etsi,
    /// British Telecom, SIN 227: V.23, a shorter mark.
    Bt,
    /// NTT: V.23, octets of seven bits and parity in a frame of its own.
    Japan,
}

/// When a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before or between rings: the channel is seized first.
    On,
    /// In the middle of a call, after CAS and its acknowledgement.
    Off,
}

impl Standard {
    /// Its modem.
    pub fn modem(self) -> &'static FskSpec {
        match self {
            Self::Bellcore => &BELL_202,
            Self::Etsi | Self::Bt | Self::Japan => &V23_FORWARD,
        }
    }

    /// Bits of the channel seizure, 0 and 1 in turn, and of the mark after it: GR-30-CORE and EN 300 659-1, SIN 227. A
    /// Japanese terminal has answered the line before the message: there is only a mark.
    fn opening(self, hook: Hook) -> (usize, usize) {
        match (self, hook) {
            (Self::Bellcore | Self::Etsi, Hook::On) => (300, 180),
            (Self::Bellcore | Self::Etsi, Hook::Off) => (0, 80),
            (Self::Bt, Hook::On) => (250, 80),
            (Self::Bt, Hook::Off) => (0, 80),
            (Self::Japan, _) => (0, 180),
        }
    }
}

/// Mark bits after the message: the last octet is whole before the carrier goes.
const TAIL: usize = 10;

/// Sends messages.
#[derive(Clone, Debug)]
pub struct CallerIdSender {
    modulator: FskModulator,
    bits: BitQueue,
}

impl CallerIdSender {
    /// A message, ready to go. GR-30 wants -13.5 dBm at the exchange.
    pub fn new(message: &Message, standard: Standard, hook: Hook, level: Dbm0) -> Self {
        let octets = if standard == Standard::Japan { japan::octets(message) } else { message.octets() };
        let (seizure, mark) = standard.opening(hook);
        let mut bits = BitQueue::with_room(seizure + mark + octets.len() * 10 + TAIL);
        (0..seizure).for_each(|bit| bits.push(bit % 2 == 1));
        (0..mark).for_each(|_| bits.push(true));
        for octet in octets {
            bits.push(false);
            (0..8).for_each(|place| bits.push(octet >> place & 1 == 1));
            bits.push(true);
        }
        (0..TAIL).for_each(|_| bits.push(true));
        bits.finish();
        Self { modulator: FskModulator::new(standard.modem(), level), bits }
    }

    /// Writes the next samples; how many, fewer than asked for at the end.
    pub fn run(&mut self, out: &mut [f32]) -> usize {
        self.modulator.run(&mut self.bits, out)
    }

    /// All samples.
    pub fn samples(mut self) -> Vec<f32> {
        let mut samples = Vec::new();
        let mut block = vec![0.0; 80];
        loop {
            let count = self.run(&mut block);
            samples.extend(&block[..count]);
            if count < block.len() {
                return samples;
            }
        }
    }
}
