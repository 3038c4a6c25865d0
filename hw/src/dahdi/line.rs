//! A channel as a line: the driver's clock, its hook and its events.

use std::{
    io,
    time::{Duration, Instant},
};

use answertone_dsp::{
    g711::Law,
    pcm::{BLOCK_SAMPLES, Block, SILENCE},
};

use super::{
    DahdiParams, Samples,
    channel::{Channel, ChannelEvent, Hook as Position, Moved},
};
use crate::{
    Exchange, LineError, PolledLine,
    hook::{Hook, Signals},
};

/// How soon a channel that had no block yet is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(2);

/// Most of the time from one block to the next.
const MOST_OF_A_BLOCK: Duration = Duration::from_millis(9);

/// How long the driver may give no block.
const PATIENCE: Duration = Duration::from_secs(2);

/// Octets of a block of 16-bit samples.
const MOST_OCTETS: usize = 2 * BLOCK_SAMPLES;

/// A line over a telephone channel.
pub struct DahdiLine<C> {
    channel: C,
    samples: Samples,
    /// What has been read of a block.
    heard: [u8; MOST_OCTETS],
    filled: usize,
    due: Instant,
    heard_at: Instant,
    off_hook: bool,
    answered_by_polarity: bool,
    ended: Option<ChannelEvent>,
    ringing: Ringing,
}

/// What the driver has told of ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ringing {
    Silent,
    /// A ring has begun.
    Sounding,
    /// One was told when it was over already.
    Struck,
}

impl<C: Channel> DahdiLine<C> {
    /// A line on hook.
    pub fn new(channel: C, params: &DahdiParams) -> Self {
        let now = Instant::now();
        Self {
            channel,
            samples: params.samples,
            heard: [0; MOST_OCTETS],
            filled: 0,
            due: now,
            heard_at: now,
            off_hook: false,
            answered_by_polarity: false,
            ended: None,
            ringing: Ringing::Silent,
        }
    }

    fn octets(&self) -> usize {
        if self.samples == Samples::Linear { MOST_OCTETS } else { BLOCK_SAMPLES }
    }

    fn events(&mut self) -> Result<(), LineError> {
        while let Some(event) = self.channel.event()? {
            match event {
                ChannelEvent::Alarm | ChannelEvent::Removed => self.ended = Some(event),
                _ if self.off_hook => self.supervise(event),
                ChannelEvent::RingBegins => self.ringing = Ringing::Sounding,
                ChannelEvent::RingOrOffHook if self.ringing == Ringing::Sounding => self.ringing = Ringing::Silent,
                ChannelEvent::RingOrOffHook => self.ringing = Ringing::Struck,
                _ => {}
            }
        }
        match self.ended {
            None => Ok(()),
            Some(ChannelEvent::OnHook) => Err(LineError::HungUp),
            Some(ChannelEvent::Removed) => Err(gone()),
            Some(_) => Err(failed("the span is in alarm: check the cable and the exchange")),
        }
    }

    /// What the far side did in a call.
    fn supervise(&mut self, event: ChannelEvent) {
        match event {
            ChannelEvent::OnHook => self.ended = Some(event),
            // The first reversal says that the other side answered, the second that it is gone.
            ChannelEvent::Polarity if self.answered_by_polarity => self.ended = Some(ChannelEvent::OnHook),
            ChannelEvent::Polarity => self.answered_by_polarity = true,
            _ => {}
        }
    }

    /// Reads the rest of a block; whether it is whole.
    fn read(&mut self) -> Result<bool, LineError> {
        let octets = self.octets();
        while self.filled < octets {
            match self.channel.read(&mut self.heard[self.filled..octets])? {
                Moved::Octets(0) | Moved::NotYet => return Ok(false),
                Moved::Octets(count) => self.filled += count,
                Moved::EventWaits => self.events()?,
            }
        }
        self.filled = 0;
        Ok(true)
    }

    fn write(&mut self, tx: &Block) -> Result<(), LineError> {
        let mut octets = [0; MOST_OCTETS];
        self.samples.encode(tx, &mut octets);
        match self.channel.write(&octets[..self.octets()])? {
            Moved::EventWaits => self.events(),
            // The driver's buffers are full: it sends what it has.
            Moved::Octets(_) | Moved::NotYet => Ok(()),
        }
    }
}

fn gone() -> LineError {
    failed("the channel is gone from this machine; check the card and its driver")
}

fn failed(what: &str) -> LineError {
    LineError::Failed(std::io::Error::other(what))
}

impl Samples {
    fn encode(self, block: &Block, octets: &mut [u8; MOST_OCTETS]) {
        match self.law() {
            Some(law) => octets.iter_mut().zip(block).for_each(|(octet, sample)| *octet = law.encode(*sample)),
            None => {
                let pairs = octets.chunks_exact_mut(2).zip(block);
                pairs.for_each(|(pair, sample)| pair.copy_from_slice(&sample.to_ne_bytes()));
            }
        }
    }

    fn decode(self, octets: &[u8; MOST_OCTETS], block: &mut Block) {
        match self.law() {
            Some(law) => block.iter_mut().zip(octets).for_each(|(sample, octet)| *sample = law.decode(*octet)),
            None => {
                let pairs = block.iter_mut().zip(octets.chunks_exact(2));
                pairs.for_each(|(sample, pair)| *sample = i16::from_ne_bytes([pair[0], pair[1]]));
            }
        }
    }

    fn law(self) -> Option<Law> {
        match self {
            Self::Linear => None,
            Self::Companded(law) => Some(law),
        }
    }
}

impl<C: Channel> PolledLine for DahdiLine<C> {
    fn due(&self) -> Instant {
        self.due
    }

    /// The driver's clock decides: a block is due when one can be read.
    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        if now < self.due {
            return Ok(None);
        }
        if !self.read()? {
            self.due = now + ASK_AGAIN;
            let dead = now.saturating_duration_since(self.heard_at) > PATIENCE;
            return if dead { Err(LineError::Stalled(PATIENCE)) } else { Ok(None) };
        }
        *rx = SILENCE;
        self.samples.decode(&self.heard, rx);
        self.write(tx)?;
        (self.heard_at, self.due) = (now, now + MOST_OF_A_BLOCK);
        Ok(Some(Exchange::default()))
    }

    fn hang_up(&mut self) {
        self.on_hook();
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        Some(self)
    }
}

impl<C: Channel> Hook for DahdiLine<C> {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        if off_hook != self.off_hook {
            self.channel.hook(if off_hook { Position::Off } else { Position::On })?;
            (self.off_hook, self.answered_by_polarity, self.ringing) = (off_hook, false, Ringing::Silent);
            // A call that was over is over for good.
            self.ended.take_if(|event| *event == ChannelEvent::OnHook);
        }
        Ok(())
    }

    fn poll(&mut self) -> io::Result<Signals> {
        let rings = self.ringing != Ringing::Silent;
        if self.ringing == Ringing::Struck {
            self.ringing = Ringing::Silent;
        }
        Ok(Signals { ringing: Some(rings), lifted: None })
    }

    fn flash(&mut self) -> io::Result<bool> {
        self.channel.hook(Position::Flash).map(|()| true)
    }

    fn pulses(&mut self, count: u32) -> io::Result<bool> {
        self.channel.dial(&format!("P{}", count % 10)).map(|()| true)
    }
}
