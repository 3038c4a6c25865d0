//! Calls in captures of packets: G.711 in RTP, and T.38 in UDPTL.
//!
//! ```text
//!  pcap, pcapng ─▶ datagrams ─▶ flows ─┬▶ RTP: samples at their time stamps ─▶ ear ─┐
//!                                      └▶ UDPTL: packets in order ─▶ packet ear ────┴▶ call
//! ```
//! Datagrams between two hosts belong to one call until nothing comes for some seconds.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use answertone_dsp::g711::Law;
use answertone_t30::{
    observe::{Call, Channel, Heard, Observer, PacketEar, What},
    t38::{
        Arrival,
        ifp::{Ifp, Syntax},
        udptl,
    },
    time::{LineSpan, LineTime},
};
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader, traits::PcapNGPacketBlock};

use super::{DecodeError, Decoded, waterfall::Waterfall};

/// Octets of one block of a file at most.
const BLOCK: usize = 1 << 20;
/// Datagrams, samples of a flow, and flows that are kept.
const MOST_DATAGRAMS: usize = 2_000_000;
const MOST_SAMPLES: u64 = 2 * 3600 * 8000;
const MOST_FLOWS: usize = 256;
/// A pause after which another call begins.
const PAUSE: LineSpan = LineSpan::ms(20_000);
/// RTP packets that make a flow one, and its shortest.
const FEWEST: usize = 10;
/// A packet of UDPTL is waited for so long.
const PATIENCE: LineSpan = LineSpan::ms(2000);

/// A datagram of UDP and when it came.
struct Datagram {
    at: LineTime,
    from: SocketAddr,
    to: SocketAddr,
    payload: Vec<u8>,
}

/// Whether octets are the beginning of a capture.
pub fn is_capture(beginning: &[u8]) -> bool {
    const MAGIC: [[u8; 4]; 5] = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ];
    MAGIC.iter().any(|magic| beginning.starts_with(magic))
}

/// All calls of a capture, in the order of their beginnings.
///
/// # Errors
/// When the file cannot be read or holds neither RTP nor T.38.
pub fn open(path: &Path) -> Result<Vec<Decoded>, DecodeError> {
    calls(File::open(path).map_err(DecodeError::Io)?)
}

/// As [`open`], of anything that can be read.
///
/// # Errors
/// As [`open`].
pub fn calls(source: impl Read) -> Result<Vec<Decoded>, DecodeError> {
    let datagrams = read(source)?;
    let calls: Vec<Decoded> = apart(datagrams).into_iter().filter_map(call).collect();
    if calls.is_empty() { Err(DecodeError::NoCall) } else { Ok(calls) }
}

/// Reads datagrams. A file that breaks off ends there.
fn read(source: impl Read) -> Result<Vec<Datagram>, DecodeError> {
    let mut reader = create_reader(BLOCK, source).map_err(|_| DecodeError::Broken("no capture begins like this"))?;
    let (mut datagrams, mut clock) = (Vec::new(), Clock::default());
    while datagrams.len() < MOST_DATAGRAMS {
        let used = match reader.next() {
            Ok((used, block)) => {
                datagrams.extend(clock.packet(&block).and_then(|(link, octets, at)| datagram(link, octets, at)));
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
    Ok(datagrams)
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
    let Some(TransportSlice::Udp(udp)) = &packet.transport else { return None };
    Some(Datagram {
        at,
        from: SocketAddr::new(from, udp.source_port()),
        to: SocketAddr::new(to, udp.destination_port()),
        payload: udp.payload().to_vec(),
    })
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

/// Datagrams of each call: between the same hosts, without a long pause.
fn apart(datagrams: Vec<Datagram>) -> Vec<Vec<Datagram>> {
    let mut calls: Vec<Vec<Datagram>> = Vec::new();
    let mut of_hosts: BTreeMap<(IpAddr, IpAddr), usize> = BTreeMap::new();
    for datagram in datagrams {
        let hosts = (datagram.from.ip().min(datagram.to.ip()), datagram.from.ip().max(datagram.to.ip()));
        let call = of_hosts
            .get(&hosts)
            .copied()
            .filter(|call| calls[*call].last().is_none_or(|last: &Datagram| datagram.at.since(last.at) < PAUSE));
        match call {
            Some(call) => calls[call].push(datagram),
            None if calls.len() < MOST_FLOWS => {
                of_hosts.insert(hosts, calls.len());
                calls.push(vec![datagram]);
            }
            None => {}
        }
    }
    calls
}

/// What the datagrams of a flow are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    /// Sound, if any of it is G.711, and keys.
    Rtp(Option<Law>),
    Udptl(Syntax),
}

fn call(datagrams: Vec<Datagram>) -> Option<Decoded> {
    let mut flows: BTreeMap<(SocketAddr, SocketAddr), Vec<&Datagram>> = BTreeMap::new();
    for datagram in &datagrams {
        flows.entry((datagram.from, datagram.to)).or_default().push(datagram);
    }
    let begun = datagrams.first()?.at;
    let mut sides = [Side::default(), Side::default()];
    let mut what = Vec::new();
    for ((from, to), datagrams) in &flows {
        let Some(flow) = kind(datagrams) else { continue };
        let side = &mut sides[usize::from(from > to)];
        what.push(match flow {
            Flow::Rtp(law) => {
                side.add_keys(datagrams, begun);
                law.iter().for_each(|law| side.add_sound(datagrams, *law, begun));
                let coding = law.map_or("events", |law| if law == Law::A { "PCMA" } else { "PCMU" });
                format!("RTP {coding} from {from}")
            }
            Flow::Udptl(syntax) => {
                side.add_packets(datagrams, syntax, begun);
                format!("T.38 from {from}")
            }
        });
    }
    (!what.is_empty()).then(|| heard(what.join(", "), sides))
}

fn heard(what: String, mut sides: [Side; 2]) -> Decoded {
    let longest = sides.iter().map(|side| side.sound.len()).max().unwrap_or(0);
    let with_sound: Vec<usize> = (0..2).filter(|side| !sides[*side].sound.is_empty()).collect();
    let mut waterfalls: Vec<Waterfall> = with_sound.iter().map(|_| Waterfall::default()).collect();
    let mut observer = Observer::new(with_sound.len());
    sides.iter_mut().for_each(|side| side.sound.resize(longest, 0.0));
    let channels: Vec<&[f32]> = with_sound.iter().map(|side| sides[*side].sound.as_slice()).collect();
    observer.run(&channels);
    waterfalls.iter_mut().zip(&channels).for_each(|(waterfall, channel)| waterfall.push(channel));
    let mut sound = observer.finish().into_iter();
    let mut channels: Vec<Channel> = Vec::new();
    for (place, side) in sides.into_iter().enumerate() {
        let packets = side.packets.is_some() || !side.keys.is_empty();
        let mut more = side.packets.unwrap_or_default().finish();
        more.heard.extend(side.keys);
        let sound = if with_sound.contains(&place) { sound.next() } else { None };
        let channel = match sound {
            Some(mut sound) => {
                sound.heard.append(&mut more.heard);
                Some(sound)
            }
            None => packets.then_some(more),
        };
        channels.extend(channel.map(|mut channel| {
            channel.heard.sort_by_key(|heard| (heard.from, heard.to));
            channel
        }));
    }
    Decoded { source: what, call: Call::of(channels), waterfalls }
}

/// What one host sent.
#[derive(Default)]
struct Side {
    sound: Vec<f32>,
    packets: Option<PacketEar>,
    keys: Vec<Heard>,
}

/// What is in a packet of RTP besides its header's fixed part. RFC 3550 5.1.
struct Rtp<'a> {
    kind: u8,
    stamp: u32,
    payload: &'a [u8],
}

fn rtp(octets: &[u8]) -> Option<Rtp<'_>> {
    let header = octets.first_chunk::<12>()?;
    if header[0] >> 6 != 2 {
        return None;
    }
    let mut begin = 12 + 4 * usize::from(header[0] & 0x0f);
    if header[0] & 0x10 != 0 {
        let length = octets.get(begin + 2..begin + 4)?;
        begin += 4 + 4 * usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    let padding = if header[0] & 0x20 != 0 { usize::from(*octets.last()?) } else { 0 };
    let end = octets.len().checked_sub(padding)?;
    let stamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    Some(Rtp { kind: header[1] & 0x7f, stamp, payload: octets.get(begin..end)? })
}

fn law(kind: u8) -> Option<Law> {
    match kind {
        0 => Some(Law::Mu),
        8 => Some(Law::A),
        _ => None,
    }
}

fn kind(datagrams: &[&Datagram]) -> Option<Flow> {
    let of_law = |wanted: Law| {
        let is = |datagram: &&&Datagram| rtp(&datagram.payload).and_then(|packet| law(packet.kind)) == Some(wanted);
        datagrams.iter().filter(is).count()
    };
    let (mu, a) = (of_law(Law::Mu), of_law(Law::A));
    let packets = |syntax| {
        let mut ear = Packets { understood: 0, not_understood: 0, ear: PacketEar::default() };
        ear.take(datagrams, syntax, LineTime::ZERO);
        (ear.understood, ear.not_understood)
    };
    let (old, new) = (packets(Syntax::Y1998), packets(Syntax::Y2002));
    let (syntax, best) = if new.0 > old.0 { (Syntax::Y2002, new) } else { (Syntax::Y1998, old) };
    match () {
        () if mu.max(a) >= FEWEST && mu.max(a) > best.0 => Some(Flow::Rtp(Some(if a > mu { Law::A } else { Law::Mu }))),
        () if best.0 >= 3 && best.0 >= 2 * best.1 => Some(Flow::Udptl(syntax)),
        () if datagrams.iter().filter(|datagram| key(datagram).is_some()).count() >= 3 => Some(Flow::Rtp(None)),
        () => None,
    }
}

/// The key of a packet of telephone events, and its time stamp. RFC 4733 2.3.
fn key(datagram: &Datagram) -> Option<(char, u32)> {
    const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
    let packet = rtp(&datagram.payload).filter(|packet| packet.kind >= 96)?;
    let &[event, _, _, _] = packet.payload else { return None };
    Some((*KEYS.get(usize::from(event))?, packet.stamp))
}

impl Side {
    /// Keys, each of which has the same time stamp in all its packets.
    fn add_keys(&mut self, datagrams: &[&Datagram], begun: LineTime) {
        let keys = datagrams.iter().filter_map(|datagram| Some((key(datagram)?, LineTime(datagram.at.since(begun).0))));
        let mut last = None;
        for (key, at) in keys {
            match self.keys.last_mut() {
                Some(heard) if last == Some(key) => heard.to = at,
                _ => self.keys.push(Heard { from: at, to: at, what: What::Digit(key.0) }),
            }
            last = Some(key);
        }
    }

    /// Samples at the places that their time stamps give them; a stamp that jumps counts from its arrival.
    fn add_sound(&mut self, datagrams: &[&Datagram], law_of_flow: Law, begun: LineTime) {
        let mut origin: Option<(u32, u64)> = None;
        for datagram in datagrams {
            let Some(packet) = rtp(&datagram.payload).filter(|packet| law(packet.kind) == Some(law_of_flow)) else {
                continue;
            };
            let arrived = datagram.at.since(begun).0;
            let placed = |(stamp, at): (u32, u64)| at + u64::from(packet.stamp.wrapping_sub(stamp));
            let place = origin.map(placed).filter(|place| place.abs_diff(arrived) < 8000);
            let place = place.unwrap_or_else(|| {
                origin = Some((packet.stamp, arrived));
                arrived
            });
            if place + packet.payload.len() as u64 > MOST_SAMPLES {
                return;
            }
            let place = place as usize;
            self.sound.resize(self.sound.len().max(place + packet.payload.len()), 0.0);
            for (sample, octet) in self.sound[place..].iter_mut().zip(packet.payload) {
                *sample = f32::from(law_of_flow.decode(*octet));
            }
        }
    }

    fn add_packets(&mut self, datagrams: &[&Datagram], syntax: Syntax, begun: LineTime) {
        let ear = self.packets.take().unwrap_or_default();
        let mut packets = Packets { understood: 0, not_understood: 0, ear };
        packets.take(datagrams, syntax, begun);
        self.packets = Some(packets.ear);
    }
}

/// Packets of T.38 in their order.
struct Packets {
    understood: usize,
    not_understood: usize,
    ear: PacketEar,
}

impl Packets {
    fn take(&mut self, datagrams: &[&Datagram], syntax: Syntax, begun: LineTime) {
        let mut receiver = udptl::Receiver::new(PATIENCE);
        // Sound goes on for a while after the change to T.38.
        let packets = datagrams.iter().filter(|datagram| rtp(&datagram.payload).is_none_or(|rtp| rtp.kind > 34));
        let mut last = LineTime::ZERO;
        for datagram in packets {
            last = LineTime(datagram.at.since(begun).0);
            receiver.receive(&datagram.payload, last);
            self.drain(&mut receiver, syntax, last);
        }
        self.drain(&mut receiver, syntax, last + PATIENCE + PATIENCE);
        self.not_understood += usize::try_from(receiver.counters().malformed).unwrap_or(usize::MAX);
    }

    fn drain(&mut self, receiver: &mut udptl::Receiver, syntax: Syntax, now: LineTime) {
        while let Some(arrival) = receiver.poll(now) {
            match arrival {
                Arrival::Packet(octets) => match Ifp::read(octets, syntax) {
                    Ok(ifp) => {
                        self.understood += 1;
                        self.ear.packet(&ifp, now);
                    }
                    Err(_) => self.not_understood += 1,
                },
                Arrival::Lost(_) => self.ear.lost(),
            }
        }
    }
}
