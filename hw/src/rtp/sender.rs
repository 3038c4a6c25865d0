//! Blocks in, packets of 20 ms out: of sound, or of a key that is pressed.

use std::collections::VecDeque;

use answertone_dsp::pcm::Block;
use rtp_types::RtpPacketBuilder;

use super::{codec::Codec, event};

/// Octets before the payload: no contributing source, no extension.
const HEADER_OCTETS: usize = 12;

/// The longest packet.
const MOST_OCTETS: usize = HEADER_OCTETS + 2 * PACKET_SAMPLES;

/// Samples of a packet: 20 ms.
pub(super) const PACKET_SAMPLES: usize = 160;

/// How long a key is pressed, in samples: 100 ms.
const KEY_SAMPLES: u16 = 5 * PACKET_SAMPLES as u16;

/// Its last packet is sent so often, RFC 4733 2.5.1.4.
const LAST_PACKETS: u8 = 3;

/// Packets of sound from one key to the next.
const PACKETS_BETWEEN: u8 = 4;

/// How loud a key is said to be, in -dBm0.
const KEY_LEVEL: u8 = 10;

/// Keys that wait at most.
const MOST_KEYS: usize = 64;

/// A key under way.
struct Key {
    code: u8,
    stamp: u32,
    samples: u16,
    /// How often its end was told.
    ends: u8,
}

/// The sending side.
pub struct Sender {
    codec: Codec,
    payload_type: u8,
    /// Who we are.
    pub(super) ssrc: u32,
    sequence: u16,
    stamp: u32,
    first: bool,
    /// The payload type of events.
    event_type: u8,
    waiting: VecDeque<u8>,
    key: Option<Key>,
    /// Packets of sound until the next key.
    pause: u8,
    payload: Vec<u8>,
    packet: [u8; MOST_OCTETS],
    /// Packets and octets of payload sent.
    pub(super) sent: (u32, u32),
}

impl Sender {
    /// Everything about a stream begins by chance, RFC 3550 5.1; `chance` is where from.
    pub fn new(codec: Codec, payload_type: u8, event_type: u8, chance: u64) -> Self {
        Self {
            codec,
            payload_type,
            ssrc: chance as u32,
            sequence: (chance >> 32) as u16 & 0x7fff,
            stamp: (chance >> 24) as u32,
            first: true,
            event_type,
            waiting: VecDeque::with_capacity(MOST_KEYS),
            key: None,
            pause: 0,
            payload: Vec::with_capacity(2 * PACKET_SAMPLES),
            packet: [0; MOST_OCTETS],
            sent: (0, 0),
        }
    }

    /// The time stamp of the next packet.
    pub(super) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Presses a key, in place of sound: after those that wait. False if there is no such key, or no room.
    pub fn press(&mut self, digit: char) -> bool {
        let code = event::code(digit).filter(|_| self.waiting.len() < MOST_KEYS);
        self.waiting.extend(code);
        code.is_some()
    }

    /// Takes a block; with every second one there is a packet.
    pub fn block(&mut self, tx: &Block) -> Option<&[u8]> {
        tx.iter().for_each(|sample| self.codec.encode(*sample, &mut self.payload));
        if self.payload.len() < PACKET_SAMPLES * self.codec.octets() {
            return None;
        }
        self.next_key();
        let octets = match self.key.take() {
            Some(key) => self.event(key),
            None => {
                self.pause = self.pause.saturating_sub(1);
                self.packet(self.payload_type, self.first, self.stamp)
            }
        };
        self.payload.clear();
        self.first = false;
        self.stamp = self.stamp.wrapping_add(PACKET_SAMPLES as u32);
        Some(&self.packet[..octets])
    }

    fn next_key(&mut self) {
        if self.key.is_none() && self.pause == 0 {
            self.key = self.waiting.pop_front().map(|code| Key { code, stamp: self.stamp, samples: 0, ends: 0 });
        }
    }

    /// A packet of a key: all have the time stamp of its beginning.
    fn event(&mut self, key: Key) -> usize {
        let begins = key.samples == 0;
        let samples = (key.samples + PACKET_SAMPLES as u16).min(KEY_SAMPLES);
        let over = samples == KEY_SAMPLES;
        let [high, low] = samples.to_be_bytes();
        self.payload.clear();
        self.payload.extend([key.code, u8::from(over) << 7 | KEY_LEVEL, high, low]);
        let octets = self.packet(self.event_type, begins, key.stamp);
        let ends = key.ends + u8::from(over);
        if ends < LAST_PACKETS {
            self.key = Some(Key { samples, ends, ..key });
        } else {
            self.pause = PACKETS_BETWEEN;
        }
        octets
    }

    fn packet(&mut self, payload_type: u8, marker: bool, stamp: u32) -> usize {
        let packet = RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(payload_type)
            .marker_bit(marker)
            .sequence_number(self.sequence)
            .timestamp(stamp)
            .ssrc(self.ssrc)
            .payload(self.payload.as_slice());
        let octets = packet.write_into(&mut self.packet).expect("a packet of 20 ms has its room");
        drop(packet);
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(self.payload.len() as u32));
        self.sequence = self.sequence.wrapping_add(1);
        octets
    }
}
