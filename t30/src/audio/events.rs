//! What was heard, waiting to be asked for: a queue of fixed size.

use std::collections::VecDeque;

use crate::{
    seam::{Carrier, Evm, LineEvent, Stamped, Tone},
    time::{LineSpan, LineTime},
};

/// Events that one block can cause at most: marks of two demodulators, frames, octets, tones, the end of a signal.
const EVENTS: usize = 64;

/// Octets that one block can bring at most: a frame of 260 octets kept by the deframer, and what follows it.
const OCTETS: usize = 2048;

/// A [`LineEvent`] without its octets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard {
    Tone(Tone),
    CarrierUp(Carrier),
    Trained(Carrier, Evm),
    TrainingFailed,
    CarrierDown(Carrier),
    Frame(Carrier, Place, bool),
    FramePart(Carrier, Place),
    Octets(Place),
    Sent,
    Gap(LineSpan),
}

/// Where an event's octets are in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    first: usize,
    len: usize,
}

/// Events in the order they were found.
pub(super) struct EventQueue {
    events: VecDeque<Stamped<Heard>>,
    octets: Vec<u8>,
    lost: u64,
}

impl EventQueue {
    pub(super) fn new() -> Self {
        Self { events: VecDeque::with_capacity(EVENTS), octets: Vec::with_capacity(OCTETS), lost: 0 }
    }

    /// Adds an event without octets.
    pub(super) fn push(&mut self, at: LineTime, what: Heard) {
        if self.events.len() < EVENTS {
            self.events.push_back(Stamped { at, what });
        } else {
            self.lost += 1;
        }
    }

    /// Adds a frame.
    pub(super) fn frame(&mut self, at: LineTime, carrier: Carrier, octets: &[u8], intact: bool) {
        if let Some(place) = self.store(octets) {
            self.push(at, Heard::Frame(carrier, place, intact));
        }
    }

    /// Adds octets of a frame that is not over, to the last event where that is possible.
    pub(super) fn frame_part(&mut self, at: LineTime, carrier: Carrier, octets: &[u8]) {
        let Some(place) = self.store(octets) else { return };
        match self.events.back_mut() {
            Some(Stamped { at: stamp, what: Heard::FramePart(on, last) })
                if *on == carrier && last.first + last.len == place.first =>
            {
                last.len += place.len;
                *stamp = at;
            }
            _ => self.push(at, Heard::FramePart(carrier, place)),
        }
    }

    /// Adds an octet of a bare stream, to the last event where that is possible.
    pub(super) fn octet(&mut self, at: LineTime, octet: u8) {
        let Some(place) = self.store(&[octet]) else { return };
        match self.events.back_mut() {
            Some(Stamped { at: stamp, what: Heard::Octets(last) }) if last.first + last.len == place.first => {
                last.len += 1;
                *stamp = at;
            }
            _ => self.push(at, Heard::Octets(place)),
        }
    }

    fn store(&mut self, octets: &[u8]) -> Option<Place> {
        if self.octets.len() + octets.len() > OCTETS {
            self.lost += 1;
            return None;
        }
        let place = Place { first: self.octets.len(), len: octets.len() };
        self.octets.extend_from_slice(octets);
        Some(place)
    }

    /// Takes the oldest event.
    pub(super) fn pop(&mut self) -> Option<Stamped<LineEvent<'_>>> {
        let Some(Stamped { at, what }) = self.events.pop_front() else {
            self.octets.clear();
            return None;
        };
        let octets = |place: Place| &self.octets[place.first..place.first + place.len];
        let what = match what {
            Heard::Tone(tone) => LineEvent::Tone(tone),
            Heard::CarrierUp(carrier) => LineEvent::CarrierUp(carrier),
            Heard::Trained(carrier, quality) => LineEvent::Trained { carrier, quality },
            Heard::TrainingFailed => LineEvent::TrainingFailed,
            Heard::CarrierDown(carrier) => LineEvent::CarrierDown(carrier),
            Heard::Frame(carrier, place, intact) => LineEvent::Frame { carrier, octets: octets(place), intact },
            Heard::FramePart(carrier, place) => LineEvent::FramePart { carrier, octets: octets(place) },
            Heard::Octets(place) => LineEvent::Octets(octets(place)),
            Heard::Sent => LineEvent::Sent,
            Heard::Gap(span) => LineEvent::Gap(span),
        };
        Some(Stamped { at, what })
    }

    /// Events and octets that found no room: the driver did not ask for what came before.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}
