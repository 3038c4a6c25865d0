//! Packets in, blocks out: what RTP's receiving side knows. No socket, no clock; time is an argument.

use std::{collections::VecDeque, time::Duration};

use answertone_dsp::pcm::Block;
use rtp_types::RtpPacket;

use super::{
    clock::ClockMeter,
    codec::Codec,
    event::Event,
    jitter::{Jitter, Put},
};
use crate::Transport;

/// Digits kept until somebody takes them.
const MOST_DIGITS: usize = 64;

/// Samples that a sender's time may jump by without beginning anew.
const MOST_JUMP: i64 = 4000;

/// Packets that come too late one after another until it is the sender's time that is taken to have changed.
const LATE_IN_A_ROW: u32 = 10;

/// A sender's stream and where its samples belong.
#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    /// The last time stamp, and the place that belongs to it.
    stamp: u32,
    place: i64,
    /// The highest sequence number, with its turns.
    sequence: i64,
}

impl Stream {
    fn place(&self, stamp: u32) -> i64 {
        self.place + i64::from(stamp.wrapping_sub(self.stamp) as i32)
    }

    /// Notes a packet; whether a later one came before it.
    fn note(&mut self, packet: &RtpPacket<'_>) -> bool {
        let step = i64::from(packet.sequence_number().wrapping_sub(self.sequence as u16) as i16);
        (self.place, self.stamp) = (self.place(packet.timestamp()), packet.timestamp());
        self.sequence += step.max(0);
        step < 0
    }
}

/// The receiving side.
pub struct Receiver {
    codec: Codec,
    payload_type: u8,
    event_type: u8,
    depth: i64,
    jitter: Jitter,
    clock: ClockMeter,
    stream: Option<Stream>,
    /// The stream before: packets of it may still be on their way.
    former: Option<Stream>,
    /// The event under way, by its time stamp.
    event: Option<u32>,
    digits: VecDeque<char>,
    seen: Transport,
    /// RFC 3550 6.4.1: the last transit and the smoothed change, in samples.
    transit: Option<f64>,
    changing: f64,
    first_sequence: i64,
    missing: u64,
    late_in_a_row: u32,
}

impl Receiver {
    /// Plays what is `depth` samples old. `payload_type` is the codec's, `event_type` that of telephone events.
    pub fn new(codec: Codec, payload_type: u8, event_type: u8, depth: usize) -> Self {
        Self {
            codec,
            payload_type,
            event_type,
            depth: depth as i64,
            jitter: Jitter::new(),
            clock: ClockMeter::new(),
            stream: None,
            former: None,
            event: None,
            digits: VecDeque::with_capacity(MOST_DIGITS),
            seen: Transport { kind: "rtp", ..Transport::default() },
            transit: None,
            changing: 0.0,
            first_sequence: 0,
            missing: 0,
            late_in_a_row: 0,
        }
    }

    /// Takes a datagram that arrived then; false if it is not RTP of this call.
    pub fn packet(&mut self, arrived: Duration, datagram: &[u8]) -> bool {
        let Ok(packet) = RtpPacket::parse(datagram) else { return false };
        let codec = match packet.payload_type() {
            kind if kind == self.payload_type => Some(self.codec),
            kind if kind == self.event_type => None,
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            // Comfort noise and what else there is: somebody is there, and says nothing.
            _ => return true,
        };
        let mut place = self.place(&packet);
        if self.late_in_a_row >= LATE_IN_A_ROW {
            self.late_in_a_row = 0;
            place = self.begin(packet.ssrc(), packet.timestamp(), i64::from(packet.sequence_number()));
        }
        match codec {
            Some(codec) => self.audio(codec, place, packet.payload(), arrived),
            None => self.event(packet.timestamp(), place, packet.payload()),
        }
        true
    }

    /// Where a packet's first sample belongs. A sender that begins anew goes on behind what came last.
    fn place(&mut self, packet: &RtpPacket<'_>) -> i64 {
        let (ssrc, stamp) = (packet.ssrc(), packet.timestamp());
        if let Some(former) = self.former.filter(|former| former.ssrc == ssrc) {
            return former.place(stamp);
        }
        if let Some(stream) = &mut self.stream
            && stream.ssrc == ssrc
            && (stream.place(stamp) - self.jitter.next()).abs() <= MOST_JUMP
        {
            let is_event = packet.payload_type() == self.event_type;
            // All packets of an event have the time stamp of its beginning.
            let place = stream.place(stamp);
            if !is_event && stream.note(packet) {
                self.seen.reordered += 1;
            }
            return place;
        }
        self.begin(ssrc, stamp, i64::from(packet.sequence_number()))
    }

    fn begin(&mut self, ssrc: u32, stamp: u32, sequence: i64) -> i64 {
        let next = self.jitter.next();
        let goes_on = self.stream.is_some() && (next..=next + 2 * self.depth).contains(&self.jitter.end());
        let place = if goes_on { self.jitter.end() } else { next + self.depth };
        self.seen.restarts += u64::from(self.stream.is_some());
        self.former = self.stream.filter(|stream| stream.ssrc != ssrc);
        self.stream = Some(Stream { ssrc, stamp, place, sequence });
        self.first_sequence = sequence;
        self.transit = None;
        self.clock.begin_again();
        place
    }

    fn audio(&mut self, codec: Codec, place: i64, payload: &[u8], arrived: Duration) {
        let samples = payload.chunks_exact(codec.octets()).map(|octets| codec.decode(octets));
        match self.jitter.put(place, samples) {
            Put::Kept => {
                self.late_in_a_row = 0;
                self.seen.received += 1;
                self.clock.packet(arrived, place);
                self.note_transit(arrived, place);
            }
            Put::Late => {
                self.seen.late += 1;
                self.late_in_a_row += 1;
            }
            Put::Duplicate => self.seen.duplicates += 1,
            Put::Astray => {}
        }
    }

    fn note_transit(&mut self, arrived: Duration, place: i64) {
        let transit = arrived.as_secs_f64() * 8000.0 - place as f64;
        if let Some(before) = self.transit.replace(transit) {
            self.changing += ((transit - before).abs() - self.changing) / 16.0;
        }
    }

    /// While an event lasts the sender says nothing else: that is silence, not loss.
    fn event(&mut self, stamp: u32, place: i64, payload: &[u8]) {
        let Some(event) = Event::parse(payload) else { return };
        if self.event.replace(stamp) != Some(stamp)
            && let Some(digit) = event.digit
            && self.digits.len() < MOST_DIGITS
        {
            self.digits.push_back(digit);
        }
        let begin = place.max(self.jitter.next());
        let silence = (place + i64::from(event.samples) - begin).clamp(0, MOST_JUMP);
        self.jitter.put(begin, std::iter::repeat_n(0, silence as usize));
    }

    /// The next block; how many of its samples are missing.
    pub fn block(&mut self, rx: &mut Block) -> usize {
        let missing = self.jitter.block(rx);
        self.missing += missing as u64;
        missing
    }

    /// How much is there while it is played.
    pub(super) fn lead(&self) -> Option<usize> {
        self.jitter.is_playing().then(|| (self.jitter.end() - self.jitter.next()).max(0) as usize)
    }

    /// Whether anything has come.
    pub fn has_begun(&self) -> bool {
        self.stream.is_some()
    }

    /// A digit told by an event.
    pub fn digit(&mut self) -> Option<char> {
        self.digits.pop_front()
    }

    /// What was seen so far.
    pub fn seen(&self) -> Transport {
        let jitter = self.transit.map(|_| (self.changing / 8.0) as f32);
        Transport { missing_ms: self.missing / 8, jitter_ms: jitter, clock_ppm: self.clock.ppm(), ..self.seen }
    }

    /// The sender, and what a report on it says: packets expected, packets received, highest sequence number, jitter.
    pub(super) fn reception(&self) -> Option<Reception> {
        let stream = self.stream?;
        Some(Reception {
            ssrc: stream.ssrc,
            expected: (stream.sequence - self.first_sequence + 1).max(0) as u64,
            received: self.seen.received,
            highest: stream.sequence as u32,
            jitter: self.changing as u32,
        })
    }
}

/// What a report block of RTCP tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reception {
    pub(super) ssrc: u32,
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) highest: u32,
    pub(super) jitter: u32,
}
