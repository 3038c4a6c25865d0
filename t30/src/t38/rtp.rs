//! IFP packets as RTP, RFC 4612: the payload is the packet; earlier packets may go with it as RFC 2198 says.
//!
//! ```text
//!  RTP header (12)  packet
//!  RTP header (12)  1 type offset(14) length(10)  ...  0 type   earlier packets, the oldest first   packet
//!                   └ of earlier packets, or of parities
//! ```

use std::collections::VecDeque;

use super::{
    rtp_parity::{self, Covered, MOST_APART, Parity},
    sequence::{Arrival, Counters, LONGEST_PACKET, Sequence, Way},
};
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
    /// Of `ulpfec/8000`, whose parities ride in `red/8000`; none: none are sent.
    pub fec: Option<Fec>,
}

/// Parity over RTP packets, RFC 5109.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fec {
    /// Its payload type.
    pub kind: u8,
    /// Packets under a parity, each so far from the next as there are parities in a datagram.
    pub span: u8,
    /// Parities in a datagram: so many packets lost in succession are found.
    pub parities: u8,
}

impl Fec {
    /// Packets under a parity that a mask can name.
    fn span(&self) -> usize {
        usize::from(self.span).clamp(1, 1 + (MOST_APART - 1) / self.parities())
    }

    fn parities(&self) -> usize {
        usize::from(self.parities).clamp(1, MOST_REPEATED)
    }
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
        let repeated = self.types.red.map_or(0, |(_, count)| usize::from(count).min(MOST_REPEATED));
        let earlier: Vec<_> = self.sent.iter().take(repeated).take_while(repeats).collect();
        let parities: Vec<Vec<u8>> = self.parities().filter(|parity| parity.len() <= LONGEST_REPEATED).collect();
        let kind = self.types.red.map_or(self.types.t38, |(red, _)| red);
        let mut out = vec![VERSION_2, kind & 0x7f];
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&stamp.to_be_bytes());
        out.extend_from_slice(&self.source.to_be_bytes());
        if self.types.red.is_some() {
            for parity in &parities {
                block_header(self.types.fec.map_or(0, |fec| fec.kind), 0, parity.len(), &mut out);
            }
            for (then, packet) in earlier.iter().rev() {
                block_header(self.types.t38, stamp.wrapping_sub(*then), packet.len(), &mut out);
            }
            out.push(self.types.t38 & 0x7f);
            parities.iter().for_each(|parity| out.extend_from_slice(parity));
            earlier.iter().rev().for_each(|(_, packet)| out.extend_from_slice(packet));
        }
        out.extend_from_slice(packet);
        self.number = self.number.wrapping_add(1);
        self.sent.push_front((stamp, packet.to_vec()));
        let covered = self.types.fec.map_or(0, |fec| fec.span() * fec.parities());
        self.sent.truncate(repeated.max(covered));
        out
    }

    /// Parities over what was sent, each over packets as far from one another as there are parities.
    fn parities(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let fec = self.types.fec.filter(|_| self.types.red.is_some());
        let (span, count) = fec.map_or((0, 0), |fec| (fec.span(), fec.parities()));
        (0..count)
            .map(move |place| self.parity((place..).step_by(count).take(span)))
            .filter(|parity| !parity.is_empty())
    }

    /// The parity of packets so far back.
    fn parity(&self, backs: impl Iterator<Item = usize>) -> Vec<u8> {
        let covered = |back: usize| {
            let (stamp, octets) = self.sent.get(back)?;
            Some(Covered { number: self.number.wrapping_sub(1 + back as u16), stamp: *stamp, octets })
        };
        let mut covered: Vec<_> = backs.filter_map(covered).collect();
        covered.reverse();
        let mut out = Vec::new();
        rtp_parity::write(&covered, self.types.t38, &mut out);
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
        let packets = blocks.iter().filter(|(kind, _)| *kind == self.types.t38);
        for (back, (_, block)) in packets.rev().enumerate() {
            let way = if back == 0 { Way::Itself } else { Way::Repeated };
            self.sequence.put(number.checked_sub(back as u64)?, block, way, now);
        }
        self.solve_all(&blocks, number, now);
        Some(())
    }

    fn solve_all(&mut self, blocks: &[(u8, &[u8])], number: u64, now: LineTime) {
        let Some(fec) = self.types.fec else { return };
        let ours = blocks.iter().filter(|(kind, _)| *kind == fec.kind);
        let parities: Vec<_> = ours.filter_map(|(_, block)| Parity::read(block)).collect();
        // One packet found may be the one that another parity misses.
        while parities.iter().any(|parity| self.solve(parity, number, now)) {}
    }

    /// Finds the one packet that is missing under a parity which came with that datagram; whether there was one.
    fn solve(&mut self, parity: &Parity<'_>, number: u64, now: LineTime) -> bool {
        let base = number.saturating_sub(u64::from((number as u16).wrapping_sub(parity.base)));
        let covered: Vec<u64> = parity.covers().map(|place| base + place).collect();
        let mut missing = covered.iter().filter(|&&one| !self.sequence.has(one));
        let (Some(&hole), None) = (missing.next(), missing.next()) else { return false };
        let others = covered.iter().filter_map(|&one| self.sequence.get(one));
        let Some(octets) = parity.missing(others) else { return false };
        self.sequence.put(hole, &octets, Way::Repeated, now);
        self.sequence.has(hole)
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

/// The header of a block that is not the datagram's own.
fn block_header(kind: u8, back: u32, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | kind);
    out.extend_from_slice(&(back << 10 | length as u32).to_be_bytes()[1..]);
}

/// The blocks of RFC 2198 with their types, the datagram's own last.
fn blocks(mut payload: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut lengths = Vec::new();
    let own = loop {
        let (&first, rest) = payload.split_first()?;
        if first & 0x80 == 0 {
            payload = rest;
            break first;
        }
        let (&[_, high, low], rest) = rest.split_first_chunk::<3>()?;
        lengths.push((first & 0x7f, usize::from(high & 3) << 8 | usize::from(low)));
        if lengths.len() > 2 * MOST_REPEATED {
            return None;
        }
        payload = rest;
    };
    let mut blocks = Vec::with_capacity(lengths.len() + 1);
    for (kind, length) in lengths {
        let (block, rest) = payload.split_at_checked(length)?;
        blocks.push((kind, block));
        payload = rest;
    }
    blocks.push((own, payload));
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_comes_with_the_next() {
        let types = PayloadTypes { t38: 96, red: Some((97, 2)), fec: None };
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
    fn parity_finds_as_many_in_succession_as_there_are_parities() {
        for (span, parities) in [(1, 1), (3, 3), (4, 2), (2, 7), (16, 1), (48, 1), (3, 15)] {
            let fec = Some(Fec { kind: 98, span, parities });
            let types = PayloadTypes { t38: 96, red: Some((97, 0)), fec };
            let (mut sender, mut receiver) =
                (Sender::new(types, 7, u16::MAX - 30), Receiver::new(types, LineSpan::ms(150)));
            let mut came = Vec::new();
            for number in 0..120_u8 {
                let now = LineTime(u64::from(number) * 8);
                let datagram = sender.send(&vec![number; 1 + usize::from(number) % 9], now);
                if !(50..50 + parities).contains(&number) {
                    receiver.receive(&datagram, now);
                }
                while let Some(Arrival::Packet(packet)) = receiver.poll(now) {
                    assert_eq!(packet.len(), 1 + usize::from(packet[0]) % 9);
                    came.push(packet[0]);
                }
            }
            assert_eq!(came, (0..120).collect::<Vec<u8>>(), "span {span} of {parities}");
            assert_eq!(receiver.counters().recovered, u64::from(parities));
        }
    }

    #[test]
    fn a_bare_packet_is_the_payload() {
        let types = PayloadTypes { t38: 96, red: None, fec: None };
        let datagram = Sender::new(types, 1, 2).send(&[0x06], LineTime(8));
        assert_eq!(datagram, [0x80, 96, 0, 2, 0, 0, 0, 8, 0, 0, 0, 1, 0x06]);
    }
}
