//! Samples to messages.
//!
//! ```text
//!                                        ┌ mark > 1/2 space ─▶ octets ─▶ message ┐
//!  samples ─▶ envelopes of mark, space ─┼ mark > space     ─▶ octets ─▶ message ┼─▶ the first that is intact
//!                                        └ mark > 2 space   ─▶ octets ─▶ message ┘
//! ```
//!
//! A line may weaken one tone by 6 dB and more against the other; nobody knows by how much before the message, so all
//! are tried.

use alloc::vec::Vec;

use crate::{
    callerid::{
        discriminator::{Discriminator, Envelopes},
        japan,
        message::{Message, MessageKind},
        octets::{Brought, OctetReader},
        sender::Standard,
    },
    pcm::SAMPLE_RATE,
    units::Dbm0,
};

/// How much stronger the mark has to be than the space in amplitude, to be one.
const BALANCES: [f32; 5] = [1.0, 0.6, 1.6, 0.35, 2.8];

/// Octets of the longest message, and some that go before a Japanese one.
const LONGEST: usize = 300;

/// Least peak of a tone: -52 dBm0.
fn faintest() -> f32 {
    Dbm0(-52.0).rms() * core::f32::consts::SQRT_2
}

/// Part of the power that is in the two tones while there is a signal.
const LEAST_SHARE: f32 = 0.4;

/// Samples that a broken message waits for an intact one, and for which a message is not told twice.
const PATIENCE: u32 = (0.06 * SAMPLE_RATE.0) as u32;

/// Samples without a tone that end a message.
const GONE: u32 = 24;

/// Octets in a hundred of a broken message whose stop bit may be wrong; with more it is no message.
const MISFRAMED: usize = 25;

/// Receives messages, with or without a channel seizure.
#[derive(Clone, Debug)]
pub struct CallerIdReceiver {
    standard: Standard,
    discriminator: Discriminator,
    readers: Vec<Reader>,
    /// A broken message, and samples for which it still waits.
    broken: Option<(Message, u32)>,
    /// Samples since a message was told.
    told: u32,
}

/// One balance of mark and space.
#[derive(Clone, Debug)]
struct Reader {
    balance: f32,
    octets: OctetReader,
    gathered: Vec<u8>,
    misframed: usize,
    gathers: bool,
    /// Samples without a tone.
    gone: u32,
}

impl CallerIdReceiver {
    /// A receiver of one standard's modem and messages.
    pub fn new(standard: Standard) -> Self {
        let bit_samples = SAMPLE_RATE.0 / standard.modem().rate.0;
        let reader = |balance: f32| Reader {
            balance,
            octets: OctetReader::new(bit_samples),
            gathered: Vec::with_capacity(LONGEST),
            misframed: 0,
            gathers: false,
            gone: 0,
        };
        Self {
            standard,
            discriminator: Discriminator::new(standard.modem()),
            readers: BALANCES.into_iter().map(reader).collect(),
            broken: None,
            told: PATIENCE,
        }
    }

    /// Takes the next samples, in 16-bit scale. `found` is called with each message that is intact, and with one that is
    /// not if its type is known.
    pub fn run(&mut self, samples: &[f32], mut found: impl FnMut(Message)) {
        for sample in samples {
            let envelopes = self.discriminator.push(*sample);
            self.told = self.told.saturating_add(1);
            for at in 0..self.readers.len() {
                if let Some(message) = self.readers[at].push(&envelopes, self.standard) {
                    self.tell(message, &mut found);
                }
            }
            if let Some((_, wait)) = &mut self.broken {
                *wait -= 1;
            }
            if let Some((message, _)) = self.broken.take_if(|broken| broken.1 == 0) {
                self.told = 0;
                found(message);
            }
        }
    }

    /// Forgets everything.
    pub fn restart(&mut self) {
        *self = Self::new(self.standard);
    }

    fn tell(&mut self, message: Message, found: &mut impl FnMut(Message)) {
        if self.told < PATIENCE {
            return;
        }
        if message.intact {
            self.broken = None;
            self.told = 0;
            found(message);
        } else if self.broken.is_none() {
            self.broken = Some((message, PATIENCE));
        }
    }
}

impl Reader {
    fn push(&mut self, envelopes: &Envelopes, standard: Standard) -> Option<Message> {
        let Envelopes { mark, space, all } = *envelopes;
        let steady = mark.max(space) > faintest() && mark * mark + space * space > LEAST_SHARE * all;
        self.gone = if steady { 0 } else { self.gone + 1 };
        if self.gone == GONE {
            self.end(None);
        }
        match self.octets.push(mark - self.balance * space, steady)? {
            Brought::Begin => {
                self.gathered.clear();
                (self.misframed, self.gathers) = (0, true);
                None
            }
            Brought::End => self.end(None),
            Brought::Octet(octet, framed) if self.gathers => self.octet(octet, framed, standard),
            Brought::Octet(..) => None,
        }
    }

    fn octet(&mut self, octet: u8, framed: bool, standard: Standard) -> Option<Message> {
        self.gathered.push(octet);
        self.misframed += usize::from(!framed);
        let message = match standard {
            Standard::Japan => japan::read(&self.gathered),
            _ => Message::read(&self.gathered),
        };
        if message.is_some() || self.gathered.len() >= LONGEST {
            return self.end(message);
        }
        None
    }

    /// Nothing more is gathered; the message, if it is worth telling.
    fn end(&mut self, message: Option<Message>) -> Option<Message> {
        let framed = self.misframed * 100 <= self.gathered.len() * MISFRAMED;
        self.gathers = false;
        self.octets.clear();
        message.filter(|message| match message.kind {
            // A row of zeros sums to zero, too.
            MessageKind::Other(code) => message.intact && code >= 0x80 && !message.body.is_empty(),
            _ => message.intact || framed,
        })
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
