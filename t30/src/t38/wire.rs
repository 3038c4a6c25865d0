//! How packets travel: as UDPTL, as RTP, or on a stream.

use super::{
    ifp::Syntax,
    rtp,
    sequence::{Arrival, Counters},
    tpkt,
    udptl::{self, ErrorCorrection},
};
use crate::time::{LineSpan, LineTime};

/// A missing datagram is waited for so long: one that was overtaken comes, and so does the parity of a later one.
pub const PATIENCE: LineSpan = LineSpan::ms(150);

/// Packets to what is sent, and what came to packets. What is sent is a datagram; on a stream, octets of it.
pub enum Wire {
    /// UDPTL over UDP or DTLS.
    Udptl(Box<udptl::Sender>, Box<udptl::Receiver>),
    /// RTP.
    Rtp(Box<rtp::Sender>, Box<rtp::Receiver>),
    /// TPKT over TCP or TLS.
    Tpkt {
        /// The stream that comes.
        stream: tpkt::Stream,
        /// It cannot be read any further.
        broken: bool,
        /// Packets that came.
        received: u64,
    },
}

impl Wire {
    /// UDPTL with that correction, and datagrams no longer than `most` octets.
    pub fn udptl(correction: ErrorCorrection, most: usize) -> Self {
        let (sender, receiver) = (udptl::Sender::new(correction, most), udptl::Receiver::new(PATIENCE));
        Self::Udptl(Box::new(sender), Box::new(receiver))
    }

    /// RTP; `source` and `number` are drawn by the caller.
    pub fn rtp(types: rtp::PayloadTypes, source: u32, number: u16) -> Self {
        let receiver = rtp::Receiver::new(types, PATIENCE);
        Self::Rtp(Box::new(rtp::Sender::new(types, source, number)), Box::new(receiver))
    }

    /// A stream, of packets in that syntax.
    pub fn tpkt(syntax: Syntax) -> Self {
        Self::Tpkt { stream: tpkt::Stream::new(syntax), broken: false, received: 0 }
    }

    /// What is to be sent for a packet.
    pub fn send(&mut self, packet: &[u8], now: LineTime) -> Vec<u8> {
        match self {
            Self::Udptl(sender, _) => sender.send(packet),
            Self::Rtp(sender, _) => sender.send(packet, now),
            Self::Tpkt { stream, .. } => stream.wrap(packet),
        }
    }

    /// Takes in what came.
    pub fn receive(&mut self, octets: &[u8], now: LineTime) {
        match self {
            Self::Udptl(_, receiver) => receiver.receive(octets, now),
            Self::Rtp(_, receiver) => receiver.receive(octets, now),
            Self::Tpkt { stream, broken, .. } => *broken |= stream.receive(octets).is_err(),
        }
    }

    /// The next packet in order, or what is missing there.
    pub fn poll(&mut self, now: LineTime) -> Option<Arrival<'_>> {
        match self {
            Self::Udptl(_, receiver) => receiver.poll(now),
            Self::Rtp(_, receiver) => receiver.poll(now),
            Self::Tpkt { broken: true, .. } => None,
            Self::Tpkt { stream, broken, received } => match stream.poll() {
                Ok(packet) => {
                    *received += u64::from(packet.is_some());
                    packet.map(Arrival::Packet)
                }
                Err(_) => {
                    *broken = true;
                    None
                }
            },
        }
    }

    /// When to ask again though nothing came.
    pub fn due(&self) -> Option<LineTime> {
        match self {
            Self::Udptl(_, receiver) => receiver.due(),
            Self::Rtp(_, receiver) => receiver.due(),
            Self::Tpkt { .. } => None,
        }
    }

    /// Whether nothing more can come.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Tpkt { broken: true, .. })
    }

    /// What became of what came.
    pub fn counters(&self) -> Counters {
        match self {
            Self::Udptl(_, receiver) => receiver.counters(),
            Self::Rtp(_, receiver) => receiver.counters(),
            Self::Tpkt { received, broken, .. } => {
                Counters { received: *received, malformed: u64::from(*broken), ..Counters::default() }
            }
        }
    }
}
