//! UDPTL: a datagram holds a packet, its number, and earlier packets again or their parity. ITU-T T.38 clause 9.1.
//!
//! ```text
//!  number (2)  length packet   00 count  length packet ...                  redundancy: the newest first
//!  number (2)  length packet   80 span   count  length parity ...           parity m of n: the packets
//!                                                                           number + m - n·k, k from 1 to span
//! ```

use std::collections::VecDeque;

use super::{
    ifp::NoIfp,
    per::{Reader, Writer},
    sequence::{Arrival, Counters, Sequence, Way},
};
use crate::time::{LineSpan, LineTime};

/// Packets that parity of our own covers at most, and that of others is looked at for.
const MOST_COVERED: usize = 240;

/// Earlier packets in a datagram at most.
const MOST_REPEATED: usize = 15;

/// The smallest datagram that is believed to be the most a far end takes: some say 72 and mean nothing by it.
const LEAST_DATAGRAM: usize = 80;

/// What is taken for the most where nothing, or nonsense, is said.
const USUAL_DATAGRAM: usize = 400;

/// What a datagram has beside packets at most: number, lengths, counts.
const AROUND: usize = 10;

/// How lost datagrams are made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCorrection {
    /// Not at all.
    None,
    /// Each datagram holds so many of the packets before its own.
    Redundancy {
        /// Packets, 0 to 15.
        packets: u8,
    },
    /// Each datagram holds parity of packets before its own.
    Fec {
        /// Packets under one parity.
        span: u8,
        /// Parities.
        packets: u8,
    },
}

impl Default for ErrorCorrection {
    fn default() -> Self {
        Self::Redundancy { packets: 3 }
    }
}

/// Packets to datagrams.
#[derive(Clone, Debug)]
pub struct Sender {
    correction: ErrorCorrection,
    /// The number of the next datagram.
    number: u16,
    /// Packets sent, the newest in front.
    sent: VecDeque<Vec<u8>>,
    most: usize,
}

/// Datagrams to packets.
#[derive(Clone, Debug)]
pub struct Receiver {
    sequence: Sequence,
    parity: Vec<u8>,
}

/// The most octets a datagram may have by what the far end said, `T38FaxMaxDatagram`.
pub fn datagram_limit(said: Option<u32>) -> usize {
    said.map(|said| said as usize).filter(|&said| said >= LEAST_DATAGRAM).unwrap_or(USUAL_DATAGRAM)
}

impl ErrorCorrection {
    /// The same within what can be kept: span times packets is at most 240.
    fn bounded(self) -> Self {
        match self {
            Self::Fec { span: 0, .. } | Self::Fec { packets: 0, .. } => Self::None,
            Self::Fec { span, packets } => {
                let most = (MOST_COVERED / usize::from(packets)).clamp(1, 255) as u8;
                Self::Fec { span: span.min(most), packets: packets.min(MOST_COVERED as u8) }
            }
            Self::Redundancy { packets } => Self::Redundancy { packets: packets.min(MOST_REPEATED as u8) },
            Self::None => Self::None,
        }
    }

    /// Packets before the newest that are needed.
    fn memory(self) -> usize {
        match self {
            Self::None => 0,
            Self::Redundancy { packets } => packets.into(),
            Self::Fec { span, packets } => usize::from(span) * usize::from(packets),
        }
    }

    /// Octets that the packet of a datagram may have for all of it to fit.
    pub fn packet_limit(self, datagram: usize) -> usize {
        let packets = match self.bounded() {
            Self::None => 1,
            Self::Redundancy { packets } => 1 + usize::from(packets),
            Self::Fec { packets, .. } => 1 + usize::from(packets),
        };
        // Each has its length before it.
        (datagram.saturating_sub(AROUND) / packets).saturating_sub(2).max(20)
    }
}

impl Sender {
    /// A sender before its first packet. `most` is the longest datagram that the far end takes.
    pub fn new(correction: ErrorCorrection, most: usize) -> Self {
        Self { correction: correction.bounded(), number: 0, sent: VecDeque::new(), most }
    }

    /// The datagram of the next packet.
    pub fn send(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.most.min(1500));
        let mut writer = Writer::new(&mut out);
        writer.bits(self.number.into(), 16);
        writer.open(packet);
        match self.correction {
            ErrorCorrection::Fec { span, packets } => self.add_parity(&mut out, span.into(), packets.into()),
            _ => self.add_earlier(&mut out),
        }
        self.remember(packet);
        out
    }

    fn remember(&mut self, packet: &[u8]) {
        self.number = self.number.wrapping_add(1);
        self.sent.push_front(packet.to_vec());
        self.sent.truncate(self.correction.memory());
    }

    /// Earlier packets, as many as are wanted and have room.
    fn add_earlier(&self, out: &mut Vec<u8>) {
        let mut room = self.most.saturating_sub(out.len() + 2);
        let fits = |packet: &&Vec<u8>| {
            let left = room.checked_sub(packet.len() + 2);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let count = self.sent.iter().take_while(fits).count();
        out.extend_from_slice(&[0x00, count as u8]);
        let mut writer = Writer::new(out);
        self.sent.iter().take(count).for_each(|packet| writer.open(packet));
    }

    /// Parities, over shorter spans while few packets were sent; none where they have no room.
    fn add_parity(&self, out: &mut Vec<u8>, span: usize, packets: usize) {
        let span = span.min(self.sent.len() / packets);
        let longest = self.sent.iter().take(span * packets).map(Vec::len).max().unwrap_or(0);
        let fits = out.len() + 5 + packets * (longest + 2) <= self.most;
        let (span, packets) = if fits && span > 0 { (span, packets) } else { (0, 0) };
        out.push(0x80);
        write_integer(out, span);
        let mut writer = Writer::new(out);
        writer.length(packets);
        for m in 0..packets {
            // The newest packet, in front, is one before this datagram's.
            let covered = (1..=span).map(|k| &self.sent[packets * k - m - 1]);
            writer.open(&covered.fold(Vec::new(), |parity, packet| mixed(parity, packet)));
        }
    }
}

/// The exclusive or of both, as long as the longer.
fn mixed(mut parity: Vec<u8>, packet: &[u8]) -> Vec<u8> {
    parity.resize(parity.len().max(packet.len()), 0);
    parity.iter_mut().zip(packet).for_each(|(one, other)| *one ^= other);
    parity
}

/// An integer without bounds: its length, and its octets, sign included.
fn write_integer(out: &mut Vec<u8>, value: usize) {
    match value {
        0..=127 => out.extend_from_slice(&[1, value as u8]),
        _ => out.extend_from_slice(&[2, (value >> 8) as u8, value as u8]),
    }
}

fn read_integer(reader: &mut Reader<'_>) -> Result<usize, NoIfp> {
    let octets = reader.open()?;
    match octets {
        [] => Err(NoIfp::Short),
        [first, ..] if first & 0x80 != 0 || octets.len() > 3 => Err(NoIfp::Unknown),
        _ => Ok(octets.iter().fold(0, |value, &octet| value << 8 | usize::from(octet))),
    }
}

/// Whether more than padding is left when all that a datagram says it has was read: it is something else, such as sound.
fn is_longer(mut rest: Reader<'_>, has_parity: bool) -> bool {
    let mut read = || {
        if has_parity {
            read_integer(&mut rest)?;
        }
        let count = rest.length()?;
        (0..count).try_for_each(|_| rest.open().map(drop))
    };
    // One that ends before that was cut, and its packet is good.
    read().is_ok_and(|()| !rest.is_zero_from_here())
}

impl Receiver {
    /// A receiver before its first datagram. A missing packet is waited for so long.
    pub fn new(patience: LineSpan) -> Self {
        Self { sequence: Sequence::new(patience), parity: Vec::new() }
    }

    /// Takes in a datagram. What cannot be read is counted.
    pub fn receive(&mut self, datagram: &[u8], now: LineTime) {
        if self.read(datagram, now).is_err() {
            self.sequence.counters.malformed += 1;
        }
    }

    fn read(&mut self, datagram: &[u8], now: LineTime) -> Result<(), NoIfp> {
        let mut reader = Reader::new(datagram);
        let bits = reader.bits(16)? as u16;
        let packet = reader.open()?;
        let has_parity = reader.bit()?;
        if is_longer(reader, has_parity) {
            return Err(NoIfp::Long);
        }
        let Some(number) = self.sequence.number(bits) else { return Ok(()) };
        // The packet itself is good whatever becomes of the rest.
        self.sequence.put(number, packet, Way::Itself, now);
        if has_parity { self.read_parity(reader, number, now) } else { self.read_earlier(reader, number, now) }
    }

    fn read_earlier(&mut self, mut reader: Reader<'_>, number: u64, now: LineTime) -> Result<(), NoIfp> {
        for back in 1..=reader.length()? as u64 {
            let packet = reader.open()?;
            if let Some(earlier) = number.checked_sub(back).filter(|_| !packet.is_empty()) {
                self.sequence.put(earlier, packet, Way::Repeated, now);
            }
        }
        Ok(())
    }

    fn read_parity(&mut self, mut reader: Reader<'_>, number: u64, now: LineTime) -> Result<(), NoIfp> {
        let span = read_integer(&mut reader)?;
        let count = reader.length()?;
        if span == 0 || count == 0 {
            return Ok(());
        }
        if span.saturating_mul(count) > MOST_COVERED {
            return Err(NoIfp::TooMany);
        }
        let parities: Vec<&[u8]> = (0..count).map(|_| reader.open()).collect::<Result<_, _>>()?;
        // One packet found may be the one that another parity misses.
        while (0..count).any(|m| self.solve(number, m, count, span, parities[m], now)) {}
        Ok(())
    }

    /// Finds the one packet that is missing under a parity; whether there was one.
    fn solve(&mut self, number: u64, m: usize, count: usize, span: usize, parity: &[u8], now: LineTime) -> bool {
        let covered = |k: usize| (number + m as u64).checked_sub((count * k) as u64);
        let mut missing = (1..=span).filter_map(covered).filter(|&one| !self.sequence.has(one));
        let (Some(hole), None) = (missing.next(), missing.next()) else { return false };
        self.parity.clear();
        self.parity.extend_from_slice(parity);
        for packet in (1..=span).filter_map(covered).filter_map(|one| self.sequence.get(one)) {
            self.parity.iter_mut().zip(packet).for_each(|(one, other)| *one ^= other);
        }
        self.sequence.put(hole, &self.parity, Way::Repeated, now);
        self.sequence.has(hole)
    }

    /// The next packet in order, or what is missing there. A packet may be empty.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the datagrams of so many packets pass, but for those that are lost.
    fn carried(correction: ErrorCorrection, packets: u8, lost: impl Fn(u8) -> bool) -> (Vec<u8>, u64) {
        let (mut sender, mut receiver) = (Sender::new(correction, 1400), Receiver::new(LineSpan::ms(10)));
        let mut came = Vec::new();
        let mut missing = 0;
        for number in 0..packets {
            let datagram = sender.send(&vec![number; 1 + usize::from(number) % 5]);
            let now = LineTime(u64::from(number) * 240);
            if !lost(number) {
                receiver.receive(&datagram, now);
            }
            let now = if number + 1 == packets { now + LineSpan::ms(1000) } else { now };
            while let Some(arrival) = receiver.poll(now) {
                match arrival {
                    Arrival::Packet(packet) => came.push(packet[0]),
                    Arrival::Lost(count) => missing += count,
                }
            }
        }
        (came, missing)
    }

    #[test]
    fn as_many_lost_in_succession_as_are_repeated_do_no_harm() {
        let lost = |number: u8| matches!(number, 0..=2 | 10..=12);
        let all: Vec<u8> = (0..20).collect();
        assert_eq!(carried(ErrorCorrection::Redundancy { packets: 3 }, 20, lost), (all, 0));
        assert_eq!(carried(ErrorCorrection::None, 20, lost).1, 6);
    }

    #[test]
    fn parity_finds_as_many_in_succession_as_there_are_parities() {
        for (span, packets) in [(1, 1), (3, 3), (4, 2), (2, 7), (7, 1), (20, 12), (200, 1)] {
            let correction = ErrorCorrection::Fec { span, packets };
            let lost = |number: u8| (30..30 + packets).contains(&number);
            // Unless holes are waited for, a parity that comes later would be too late.
            let (came, missing) = carried(correction, 60, lost);
            assert_eq!((came.len(), missing), (60, 0), "span {span} of {packets}");
        }
    }

    #[test]
    fn a_datagram_is_never_longer_than_the_far_end_takes() {
        for correction in [ErrorCorrection::Redundancy { packets: 15 }, ErrorCorrection::Fec { span: 3, packets: 5 }] {
            let mut sender = Sender::new(correction, 300);
            for length in [1, 50, 200, 280, 100, 30, 10, 10, 10, 10, 200, 10] {
                assert!(sender.send(&vec![7; length]).len() <= 300);
            }
        }
        assert_eq!(datagram_limit(Some(72)), 400);
        assert_eq!(datagram_limit(Some(176)), 176);
    }

    #[test]
    fn numbers_of_nobody_do_not_end_a_call() {
        let mut sender = Sender::new(ErrorCorrection::None, 1400);
        let mut receiver = Receiver::new(LineSpan::ms(10));
        let take = |receiver: &mut Receiver| matches!(receiver.poll(LineTime(0)), Some(Arrival::Packet(_)));
        receiver.receive(&sender.send(&[1]), LineTime(0));
        assert!(take(&mut receiver));
        for bits in [0xffff_u16, 0x8000, 0x1234] {
            receiver.receive(&[&bits.to_be_bytes()[..], b"\x01\x06\x00\x00"].concat(), LineTime(0));
            assert!(!take(&mut receiver));
        }
        receiver.receive(&sender.send(&[2]), LineTime(0));
        assert!(take(&mut receiver));
        let mut again = Sender { number: 40_000, ..Sender::new(ErrorCorrection::None, 1400) };
        (0..3).for_each(|_| receiver.receive(&again.send(&[3]), LineTime(0)));
        assert!(take(&mut receiver), "a count that goes on is believed");
        assert_eq!(receiver.counters().restarts, 1);
    }
}
