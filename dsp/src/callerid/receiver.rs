//! Samples to messages.
//!
//! ```text
//!  samples ─▶ FSK ─▶ bits ─▶ ≥ 12 ones ─▶ 0 octet 1, 0 octet 1, … ─▶ type, length, body, checksum ─▶ message
//! ```

use alloc::vec::Vec;

use crate::{
    bits::{BitRun, Mark},
    callerid::{
        message::{Message, MessageKind},
        sender::Standard,
    },
    fsk::FskDemodulator,
    modem::Demodulator,
};

/// Ones in a row that are a mark and no part of the seizure or of an octet.
const LEAST_MARK: u32 = 12;

/// Ones between two octets that end a message: GR-30 allows 10.
const MOST_IDLE: u32 = 60;

/// Octets of the longest message.
const LONGEST: usize = 258;

/// Samples given to the demodulator at once.
const CHUNK: usize = 80;

/// Where the receiver is in a message.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Waits for a mark; how many ones came in a row.
    Seizure(u32),
    /// Between two octets; how many ones came since the last.
    Idle(u32),
    /// In an octet: the bits so far, the first in the least place.
    Octet { octet: u8, bits: u32 },
    /// The stop bit of this octet is due.
    Stop(u8),
}

/// Receives messages, with or without a channel seizure.
#[derive(Clone, Debug)]
pub struct CallerIdReceiver {
    demodulator: FskDemodulator,
    run: BitRun,
    place: Place,
    octets: Vec<u8>,
}

impl CallerIdReceiver {
    /// A receiver of one standard's modem.
    pub fn new(standard: Standard) -> Self {
        Self {
            demodulator: FskDemodulator::new(standard.modem()),
            run: BitRun::with_room(2 * CHUNK),
            place: Place::Seizure(0),
            octets: Vec::with_capacity(LONGEST),
        }
    }

    /// Takes the next samples, in 16-bit scale. `found` is called with each message that is intact, and with one that is
    /// not if its type is known.
    pub fn run(&mut self, samples: &[f32], mut found: impl FnMut(Message)) {
        for samples in samples.chunks(CHUNK) {
            self.run.clear();
            self.demodulator.run(samples, &mut self.run);
            for at in 0..=self.run.bits().len() {
                let mut marks = self.run.marks().iter().filter(|mark| mark.bit == at);
                if marks.any(|mark| matches!(mark.mark, Mark::CarrierUp | Mark::CarrierDown)) {
                    self.forget();
                }
                let bit = self.run.bits().get(at).copied();
                if let Some(message) = bit.and_then(|bit| self.bit(bit)) {
                    found(message);
                }
            }
        }
    }

    /// Forgets everything.
    pub fn restart(&mut self) {
        self.demodulator.restart();
        self.forget();
    }

    fn forget(&mut self) {
        self.octets.clear();
        self.place = Place::Seizure(0);
    }

    fn bit(&mut self, bit: bool) -> Option<Message> {
        self.place = match (self.place, bit) {
            (Place::Seizure(ones), true) => Place::Seizure(ones + 1),
            (Place::Seizure(ones), false) if ones < LEAST_MARK => Place::Seizure(0),
            (Place::Seizure(_) | Place::Idle(_), false) => Place::Octet { octet: 0, bits: 0 },
            (Place::Idle(MOST_IDLE), true) => {
                self.octets.clear();
                Place::Seizure(MOST_IDLE)
            }
            (Place::Idle(ones), true) => Place::Idle(ones + 1),
            (Place::Octet { octet, bits }, bit) => {
                let octet = octet | u8::from(bit) << bits;
                if bits == 7 { Place::Stop(octet) } else { Place::Octet { octet, bits: bits + 1 } }
            }
            // A stop bit that is wrong is a bit error like any other: the checksum tells.
            (Place::Stop(octet), _) => return self.octet(octet),
        };
        None
    }

    fn octet(&mut self, octet: u8) -> Option<Message> {
        self.place = Place::Idle(0);
        self.octets.push(octet);
        let message = Message::read(&self.octets)?;
        self.octets.clear();
        (message.intact || !matches!(message.kind, MessageKind::Other(_))).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        callerid::{CallerId, CallerIdSender},
        channel::{Impairments, carry},
        units::{Db, Dbm0},
    };

    fn received(samples: &[f32], standard: Standard) -> Vec<Message> {
        let mut receiver = CallerIdReceiver::new(standard);
        let mut messages = Vec::new();
        samples.chunks(160).for_each(|block| receiver.run(block, |message| messages.push(message)));
        messages
    }

    #[test]
    fn messages_come_through_a_quiet_noisy_line() {
        let id = CallerId {
            date: Some("05271036".into()),
            number: Some("8128771511".into()),
            name: Some("A NAME OF 15 CH".into()),
            ..CallerId::default()
        };
        for standard in [Standard::Bellcore, Standard::Etsi] {
            for message in [Message::multiple(&id), Message::single(&id)] {
                let mut samples = alloc::vec![0.0; 4000];
                samples.extend(CallerIdSender::new(&message, standard, Dbm0(-13.5)).samples());
                samples.extend([0.0; 800]);
                let line = Impairments { gain: Db(-22.0), noise: Some(Dbm0(-55.0)), ..Impairments::default() };
                assert_eq!(
                    received(&carry(&line, 3, &samples), standard),
                    core::slice::from_ref(&message),
                    "{standard:?}"
                );
                assert_eq!(received(&samples, standard), [message], "{standard:?}");
            }
        }
    }

    #[test]
    fn a_message_cut_short_is_none() {
        let message = Message::multiple(&CallerId { number: Some("5551212".into()), ..CallerId::default() });
        let mut samples = CallerIdSender::new(&message, Standard::Bellcore, Dbm0(-13.5)).samples();
        samples.truncate(samples.len() - 400);
        samples.extend([0.0; 4000]);
        assert_eq!(received(&samples, Standard::Bellcore), []);
    }
}
