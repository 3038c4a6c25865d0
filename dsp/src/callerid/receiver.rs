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
        discriminator::{BALANCES, RESULTS, STRETCH, Stretch, ToneKernel},
        japan,
        message::{Message, MessageKind},
        octets::{Brought, OctetReader, Part},
        sender::Standard,
    },
    lanes::Lanes,
    pcm::SAMPLE_RATE,
    tone::ear::{Alone, EarBank, Listener, Piece},
};

/// Octets of the longest message, and some that go before a Japanese one.
const LONGEST: usize = 300;

/// Samples that a broken message waits for an intact one, and for which a message is not told twice.
const PATIENCE: u32 = (0.06 * SAMPLE_RATE.0) as u32;

/// Samples without a tone that end a message.
const GONE: u32 = 24;

/// Octets in a hundred of a broken message whose stop bit may be wrong; with more it is no message.
const MISFRAMED: usize = 25;

/// Receives messages, with or without a channel seizure.
#[derive(Clone, Debug)]
pub struct CallerIdReceiver(Alone<CallerIdListener>);

/// Receives messages on lines of a bank.
pub type CallerIdBank = EarBank<CallerIdListener>;

/// What one line brought of messages.
#[derive(Clone, Debug)]
pub struct CallerIdListener {
    standard: Standard,
    readers: [Reader; BALANCES.len()],
    /// Samples without a tone.
    gone: u32,
    telling: Telling,
}

/// What was told, and what waits to be.
#[derive(Clone, Debug)]
struct Telling {
    /// A broken message, and samples for which it still waits.
    broken: Option<(Message, u32)>,
    /// Samples since a message was told.
    told: u32,
}

/// One balance of mark and space.
#[derive(Clone, Debug)]
struct Reader {
    octets: OctetReader,
    gathered: Vec<u8>,
    misframed: usize,
    gathers: bool,
}

impl CallerIdReceiver {
    /// A receiver of one standard's modem and messages.
    pub fn new(standard: Standard) -> Self {
        Self(Alone::new(CallerIdListener::new(standard)))
    }

    /// Takes the next samples, in 16-bit scale. `found` is called with each message that is intact, and with one that is
    /// not if its type is known.
    pub fn run(&mut self, samples: &[f32], found: impl FnMut(Message)) {
        self.0.run(samples, found);
    }

    /// Forgets everything.
    pub fn restart(&mut self) {
        *self = Self::new(self.0.listener().standard);
    }
}

impl Listener for CallerIdListener {
    type Kernel = ToneKernel;
    type Heard = Message;
    const SAMPLES: usize = STRETCH;

    fn fresh(&self) -> Self {
        Self::new(self.standard)
    }

    fn kernel(&self) -> (ToneKernel, usize) {
        (ToneKernel::new(self.standard.modem()), RESULTS)
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<Message> {
        let stretch = Stretch::new(piece);
        let (mut from, mut heard) = (0, None);
        while from < STRETCH {
            let to = self.until_gone(stretch.steady, from);
            heard = self.read(&stretch, from, to).or(heard);
            from = to;
        }
        self.telling.pass(STRETCH as u32).or(heard)
    }
}

impl CallerIdListener {
    /// Of one standard's modem and messages.
    pub fn new(standard: Standard) -> Self {
        let bit_samples = SAMPLE_RATE.0 / standard.modem().rate.0;
        Self {
            standard,
            readers: core::array::from_fn(|balance| Reader::new(bit_samples, balance)),
            gone: 0,
            telling: Telling { broken: None, told: PATIENCE },
        }
    }

    /// Where the signal has been gone for long enough, or where the stretch ends.
    fn until_gone(&mut self, steady: u64, from: usize) -> usize {
        for at in from..STRETCH {
            self.gone = if steady >> at & 1 == 1 { 0 } else { self.gone + 1 };
            if self.gone == GONE {
                return at + 1;
            }
        }
        STRETCH
    }

    fn read<V: Lanes>(&mut self, stretch: &Stretch<'_, V>, from: usize, to: usize) -> Option<Message> {
        let mut heard = None;
        for reader in &mut self.readers {
            let mut part = Part { stretch, from, to };
            while let Some(brought) = reader.octets.next(&mut part) {
                if let Some(message) = reader.take(brought, self.standard) {
                    heard = self.telling.tell(message).or(heard);
                }
            }
            if self.gone == GONE {
                reader.end(None);
            }
        }
        heard
    }
}

impl Telling {
    fn tell(&mut self, message: Message) -> Option<Message> {
        if self.told < PATIENCE {
            return None;
        }
        if message.intact {
            self.broken = None;
            self.told = 0;
            return Some(message);
        }
        self.broken.get_or_insert((message, PATIENCE));
        None
    }

    /// So many samples went by; the broken message that need not wait any more.
    fn pass(&mut self, samples: u32) -> Option<Message> {
        self.told = self.told.saturating_add(samples);
        if let Some((_, wait)) = &mut self.broken {
            *wait = wait.saturating_sub(samples);
        }
        let (message, _) = self.broken.take_if(|broken| broken.1 == 0)?;
        self.told = 0;
        Some(message)
    }
}

impl Reader {
    fn new(bit_samples: f32, balance: usize) -> Self {
        Self {
            octets: OctetReader::new(bit_samples, balance),
            gathered: Vec::with_capacity(LONGEST),
            misframed: 0,
            gathers: false,
        }
    }

    fn take(&mut self, brought: Brought, standard: Standard) -> Option<Message> {
        match brought {
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
            // A row of zeros sums to zero, too, and so do some of what repeats itself.
            MessageKind::Other(code) => message.intact && code >= 0x80 && message.is_whole(),
            _ => message.intact || framed,
        })
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
