//! Datagrams of a capture file, and octets of streams, with their times.

use std::{
    collections::HashSet,
    io::Read,
    net::{IpAddr, SocketAddr},
};

use answertone_t30::time::LineTime;
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader, traits::PcapNGPacketBlock};

use crate::decode::DecodeError;

/// Octets of one block of a file at most.
const BLOCK: usize = 1 << 20;
/// Datagrams that are kept, and octets in them.
const MOST_DATAGRAMS: usize = 2_000_000;
const MOST_OCTETS: usize = 400 << 20;
/// Streams that are kept.
const MOST_STREAMS: usize = 64;
/// Packets of T.38 on a stream begin so. RFC 1006 6.
const TPKT: [u8; 2] = [3, 0];

/// A datagram of UDP, or a segment of TCP, and when it came.
pub(crate) struct Datagram {
    pub(crate) at: LineTime,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// Where in its stream a segment belongs; none of a datagram.
    pub(crate) place: Option<u32>,
    pub(crate) payload: Vec<u8>,
}

/// Reads datagrams. A file that breaks off ends there.
pub(crate) fn read(source: impl Read) -> Result<Vec<Datagram>, DecodeError> {
    let mut reader = create_reader(BLOCK, source).map_err(|_| DecodeError::Broken("no capture begins like this"))?;
    let (mut kept, mut clock) = (Kept::default(), Clock::default());
    while kept.has_room() {
        let used = match reader.next() {
            Ok((used, block)) => {
                let datagram = clock.packet(&block).and_then(|(link, octets, at)| datagram(link, octets, at));
                datagram.into_iter().for_each(|datagram| kept.take(datagram));
                Some(used)
            }
            Err(PcapError::Incomplete(_)) => None,
            Err(_) => break,
        };
        match used {
            Some(used) => reader.consume(used),
            None if reader.reader_exhausted() || reader.refill().is_err() => break,
            None => {}
        }
    }
    Ok(kept.datagrams)
}

/// What is kept of a file.
#[derive(Default)]
struct Kept {
    datagrams: Vec<Datagram>,
    octets: usize,
    /// Streams that are like T.38.
    streams: HashSet<(SocketAddr, SocketAddr)>,
}

impl Kept {
    fn has_room(&self) -> bool {
        self.datagrams.len() < MOST_DATAGRAMS && self.octets < MOST_OCTETS
    }

    /// Of streams, only those are kept that are like T.38.
    fn take(&mut self, datagram: Datagram) {
        let stream = (datagram.from, datagram.to);
        if datagram.place.is_some() && datagram.payload.starts_with(&TPKT) && self.streams.len() < MOST_STREAMS {
            self.streams.insert(stream);
        }
        if datagram.place.is_none() || self.streams.contains(&stream) {
            self.octets += datagram.payload.len();
            self.datagrams.push(datagram);
        }
    }
}

/// The links of a file and their clocks.
#[derive(Default)]
struct Clock {
    /// pcap: the one link there is, and whether it counts nanoseconds.
    link: Option<(Linktype, bool)>,
    /// pcapng: each interface, and parts of its second.
    interfaces: Vec<(Linktype, u64)>,
    /// Microseconds of the first packet.
    first: Option<u64>,
}

impl Clock {
    /// The packet that a block is, and when it came.
    fn packet<'block>(&mut self, block: &'block PcapBlockOwned<'_>) -> Option<(Linktype, &'block [u8], LineTime)> {
        let (link, octets, micros) = match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.link = Some((header.network, header.is_nanosecond_precision()));
                return None;
            }
            PcapBlockOwned::Legacy(packet) => {
                let (link, nanoseconds) = self.link?;
                let part = if nanoseconds { packet.ts_usec / 1000 } else { packet.ts_usec };
                (link, packet.data, u64::from(packet.ts_sec) * 1_000_000 + u64::from(part))
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let parts = interface.ts_resolution().unwrap_or(1_000_000).max(1);
                self.interfaces.push((interface.linktype, parts));
                return None;
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let (link, parts) = *self.interfaces.get(packet.if_id as usize)?;
                let ticks = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                (link, packet.packet_data(), u64::try_from(ticks * 1_000_000 / u128::from(parts)).ok()?)
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                return None;
            }
            PcapBlockOwned::NG(_) => return None,
        };
        let first = *self.first.get_or_insert(micros);
        Some((link, octets, LineTime(micros.saturating_sub(first).saturating_mul(8) / 1000)))
    }
}

fn datagram(link: Linktype, octets: &[u8], at: LineTime) -> Option<Datagram> {
    let packet = sliced(link, octets)?;
    let (from, to): (IpAddr, IpAddr) = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Arp(_) => return None,
    };
    let (ports, place, payload) = match &packet.transport {
        Some(TransportSlice::Udp(udp)) => ((udp.source_port(), udp.destination_port()), None, udp.payload()),
        Some(TransportSlice::Tcp(tcp)) if !tcp.payload().is_empty() => {
            ((tcp.source_port(), tcp.destination_port()), Some(tcp.sequence_number()), tcp.payload())
        }
        _ => return None,
    };
    let (from, to) = (SocketAddr::new(from, ports.0), SocketAddr::new(to, ports.1));
    Some(Datagram { at, from, to, place, payload: payload.to_vec() })
}

/// A packet of IP by what is around it.
fn sliced(link: Linktype, octets: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    let by_type = |place: usize, header: usize| {
        let kind = octets.get(place..place + 2)?;
        let kind = EtherType(u16::from_be_bytes([kind[0], kind[1]]));
        Some(LaxSlicedPacket::from_ether_type(kind, octets.get(header..)?))
    };
    match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(octets).ok(),
        Linktype::LINUX_SLL => by_type(14, 16),
        Linktype::LINUX_SLL2 => by_type(0, 20),
        Linktype::NULL | Linktype::LOOP => LaxSlicedPacket::from_ip(octets.get(4..)?).ok(),
        _ => LaxSlicedPacket::from_ip(octets).ok(),
    }
}
