//! IFP packets as RTP, RFC 4612: the payload is the packet; earlier packets may go with it as RFC 2198 says.
//!
//! ```text
//!  RTP header (12)  packet
//!  RTP header (12)  1 type offset(14) length(10)  ...  0 type   earlier packets, the oldest first   packet
//! ```

use std::collections::VecDeque;

use super::sequence::{Arrival, Counters, LONGEST_PACKET, Sequence, Way};
use crate::time::{LineSpan, LineTime};

/// The first octet of a header without padding, extension or sources.
const VERSION_2: u8 = 0x80;

/// Octets of a header without contributing sources.
const HEADER: usize = 12;

/// Earlier packets taken from a datagram at most.
const MOST_REPEATED: usize = 15;

/// The longest packet that RFC 2198 can repeat, and how far back it can reach in time stamps.
const LONGEST_REPEATED: usize = 1023;
const FARTHEST_BACK: u32 = (1 << 14) - 1;

/// Payload types, as SDP gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// Of `t38/8000`.
    pub t38: u8,
    /// Of `red/8000`, and how many earlier packets go along; none: no redundancy is sent.
    pub red: Option<(u8, u8)>,
}

/// Packets to datagrams.
#[derive(Clone, Debug)]
pub struct Sender {
    types: PayloadTypes,
    number: u16,
    source: u32,
    /// Packets sent with their time stamps, the newest in front.
    sent: VecDeque<(u32, Vec<u8>)>,
}

/// Datagrams to packets.
#[derive(Clone, Debug)]
pub struct Receiver {
    types: PayloadTypes,
    sequence: Sequence,
}

impl Sender {
    /// A sender before its first packet; `source` and `number` are drawn by the caller.
    pub fn new(types: PayloadTypes, source: u32, number: u16) -> Self {
        Self { types, number, source, sent: VecDeque::new() }
    }

    /// The datagram of the next packet. The clock of `t38/8000` is line time.
    pub fn send(&mut self, packet: &[u8], now: LineTime) -> Vec<u8> {
        let stamp = now.0 as u32;
        let repeats = |(then, earlier): &&(u32, Vec<u8>)| {
            stamp.wrapping_sub(*then) <= FARTHEST_BACK && (1..=LONGEST_REPEATED).contains(&earlier.len())
        };
        let earlier: Vec<_> = self.sent.iter().take_while(repeats).collect();
        let kind = self.types.red.map_or(self.types.t38, |(red, _)| red);
        let mut out = vec![VERSION_2, kind & 0x7f];
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&stamp.to_be_bytes());
        out.extend_from_slice(&self.source.to_be_bytes());
        if self.types.red.is_some() {
            for (then, packet) in earlier.iter().rev() {
                let block = stamp.wrapping_sub(*then) << 10 | packet.len() as u32;
                out.push(0x80 | self.types.t38);
                out.extend_from_slice(&block.to_be_bytes()[1..]);
            }
            out.push(self.types.t38 & 0x7f);
            earlier.iter().rev().for_each(|(_, packet)| out.extend_from_slice(packet));
        }
        out.extend_from_slice(packet);
        self.number = self.number.wrapping_add(1);
        self.sent.push_front((stamp, packet.to_vec()));
        self.sent.truncate(self.types.red.map_or(0, |(_, count)| usize::from(count).min(MOST_REPEATED)));
        out
    }
}

impl Receiver {
    /// A receiver before its first datagram. A missing packet is waited for so long.
    pub fn new(types: PayloadTypes, patience: LineSpan) -> Self {
        Self { types, sequence: Sequence::new(patience) }
    }

    /// Takes in a datagram. Other payloads and what cannot be read are counted.
    pub fn receive(&mut self, datagram: &[u8], now: LineTime) {
        if self.read(datagram, now).is_none() {
            self.sequence.counters.malformed += 1;
        }
    }

    fn read(&mut self, datagram: &[u8], now: LineTime) -> Option<()> {
        let (header, _) = datagram.split_first_chunk::<HEADER>()?;
        let kind = header[1] & 0x7f;
        let payload = payload(datagram)?;
        let number = u16::from_be_bytes([header[2], header[3]]);
        if kind == self.types.t38 {
            let number = self.sequence.number(number)?;
            self.sequence.put(number, payload, Way::Itself, now);
            return Some(());
        }
        self.types.red.filter(|&(red, _)| red == kind)?;
        let blocks = blocks(payload)?;
        let number = self.sequence.number(number)?;
        for (back, block) in blocks.into_iter().rev().enumerate() {
            let way = if back == 0 { Way::Itself } else { Way::Repeated };
            self.sequence.put(number.checked_sub(back as u64)?, block, way, now);
        }
        Some(())
    }

    /// The next packet in order, or what is missing there.
    pub fn poll(&mut self, now: LineTime) -> Option<Arrival<'_>> {
        self.sequence.poll(now)
    }

    /// When to ask again though nothing came.
    pub fn due(&self) -> Option<LineTime> {
        self.sequence.due()
    }

    /// What became of datagrams so far.
    pub fn counters(&self) -> Counters {
        self.sequence.counters
    }
}

/// What is behind the header, its sources and extension, less the padding.
fn payload(datagram: &[u8]) -> Option<&[u8]> {
    let first = *datagram.first()?;
    if first & 0xc0 != VERSION_2 {
        return None;
    }
    let mut begin = HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let length = datagram.get(begin + 2..begin + 4)?;
        begin += 4 + 4 * usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    let padding = if first & 0x20 == 0 { 0 } else { usize::from(*datagram.last()?) };
    let payload = datagram.get(begin..datagram.len().checked_sub(padding)?)?;
    (payload.len() <= LONGEST_PACKET * 2).then_some(payload)
}

/// The blocks of RFC 2198, the datagram's own last.
fn blocks(mut payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut lengths = Vec::new();
    loop {
        let (&first, rest) = payload.split_first()?;
        if first & 0x80 == 0 {
            payload = rest;
            break;
        }
        let (&[_, high, low], rest) = rest.split_first_chunk::<3>()?;
        lengths.push(usize::from(high & 3) << 8 | usize::from(low));
        if lengths.len() > MOST_REPEATED {
            return None;
        }
        payload = rest;
    }
    let mut blocks = Vec::with_capacity(lengths.len() + 1);
    for length in lengths {
        let (block, rest) = payload.split_at_checked(length)?;
        blocks.push(block);
        payload = rest;
    }
    blocks.push(payload);
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_comes_with_the_next() {
        let types = PayloadTypes { t38: 96, red: Some((97, 2)) };
        let (mut sender, mut receiver) =
            (Sender::new(types, 0x1234_5678, u16::MAX - 3), Receiver::new(types, LineSpan::ms(20)));
        let mut came = Vec::new();
        for number in 0..9u8 {
            let now = LineTime(u64::from(number) * 240);
            let datagram = sender.send(&[number, 0x55], now);
            if ![3, 4, 6].contains(&number) {
                receiver.receive(&datagram, now);
            }
            while let Some(Arrival::Packet(packet)) = receiver.poll(now) {
                came.push(packet[0]);
            }
        }
        assert_eq!(came, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_bare_packet_is_the_payload() {
        let types = PayloadTypes { t38: 96, red: None };
        let datagram = Sender::new(types, 1, 2).send(&[0x06], LineTime(8));
        assert_eq!(datagram, [0x80, 96, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 0x06]);
    }
}
