//! Blocks in, packets of 20 ms out.

use answertone_dsp::pcm::Block;
use rtp_types::RtpPacketBuilder;

use super::codec::Codec;

/// Octets before the payload: no contributing source, no extension.
const HEADER_OCTETS: usize = 12;

/// The longest packet.
const MOST_OCTETS: usize = HEADER_OCTETS + 2 * PACKET_SAMPLES;

/// Samples of a packet: 20 ms.
pub(super) const PACKET_SAMPLES: usize = 160;

/// The sending side.
pub struct Sender {
    codec: Codec,
    payload_type: u8,
    /// Who we are.
    pub(super) ssrc: u32,
    sequence: u16,
    stamp: u32,
    first: bool,
    payload: Vec<u8>,
    packet: [u8; MOST_OCTETS],
    /// Packets and octets of payload sent.
    pub(super) sent: (u32, u32),
}

impl Sender {
    /// Everything about a stream begins by chance, RFC 3550 5.1; `chance` is where from.
    pub fn new(codec: Codec, payload_type: u8, chance: u64) -> Self {
        Self {
            codec,
            payload_type,
            ssrc: chance as u32,
            sequence: (chance >> 32) as u16 & 0x7fff,
            stamp: (chance >> 24) as u32,
            first: true,
            payload: Vec::with_capacity(2 * PACKET_SAMPLES),
            packet: [0; MOST_OCTETS],
            sent: (0, 0),
        }
    }

    /// The time stamp of the next packet.
    pub(super) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Takes a block; with every second one there is a packet.
    pub fn block(&mut self, tx: &Block) -> Option<&[u8]> {
        tx.iter().for_each(|sample| self.codec.encode(*sample, &mut self.payload));
        if self.payload.len() < PACKET_SAMPLES * self.codec.octets() {
            return None;
        }
        let length = self.payload.len();
        let packet = RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(self.payload_type)
            .marker_bit(self.first)
            .sequence_number(self.sequence)
            .timestamp(self.stamp)
            .ssrc(self.ssrc)
            .payload(self.payload.as_slice());
        let octets = packet.write_into(&mut self.packet).expect("a packet of 20 ms has its room");
        drop(packet);
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(length as u32));
        self.payload.clear();
        self.first = false;
        self.sequence = self.sequence.wrapping_add(1);
        self.stamp = self.stamp.wrapping_add(PACKET_SAMPLES as u32);
        Some(&self.packet[..octets])
    }
}
