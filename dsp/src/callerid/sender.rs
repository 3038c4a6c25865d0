//! Messages as samples.

use alloc::{vec, vec::Vec};

use crate::{
    bits::BitQueue,
    callerid::message::Message,
    fsk::{BELL_202, FskModulator, FskSpec, V23_FORWARD},
    modem::Modulator,
    units::Dbm0,
};

/// Whose modem carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Telcordia GR-30: Bell 202.
    Bellcore,
    /// ETSI EN 300 659 and SIN 227: V.23.
    Etsi,
}

impl Standard {
    /// Its modem.
    pub fn modem(self) -> &'static FskSpec {
        match self {
            Self::Bellcore => &BELL_202,
            Self::Etsi => &V23_FORWARD,
        }
    }
}

/// Bits of the channel seizure, 0 and 1 in turn, and of the mark after it, GR-30-CORE and EN 300 659-1.
const SEIZURE: usize = 300;
const MARK: usize = 180;

/// Mark bits after the message: the last octet is whole before the carrier goes.
const TAIL: usize = 10;

/// Sends messages on hook, seizure first.
#[derive(Clone, Debug)]
pub struct CallerIdSender {
    modulator: FskModulator,
    bits: BitQueue,
}

impl CallerIdSender {
    /// A message, ready to go. GR-30 wants -13.5 dBm at the exchange.
    pub fn new(message: &Message, standard: Standard, level: Dbm0) -> Self {
        let octets = message.octets();
        let mut bits = BitQueue::with_room(SEIZURE + MARK + octets.len() * 10 + TAIL);
        (0..SEIZURE).for_each(|bit| bits.push(bit % 2 == 1));
        (0..MARK).for_each(|_| bits.push(true));
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
