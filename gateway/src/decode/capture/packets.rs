//! Packets of T.38: in UDPTL, in RTP, or on a stream.

use std::collections::BTreeMap;

use answertone_t30::{
    observe::PacketEar,
    t38::{
        Arrival, Wire,
        ifp::{Ifp, Syntax},
        rtp::PayloadTypes,
        udptl::ErrorCorrection,
    },
    time::{LineSpan, LineTime},
};

use super::{
    Side,
    datagrams::Datagram,
    sound::{key, rtp},
};

/// Fewer packets are none of T.38.
const FEWEST: usize = 3;
/// The first type of RTP that only signalling gives a meaning, and how many of them are tried.
const FIRST_DYNAMIC: u8 = 96;
const MOST_TYPES: usize = 3;
/// Long after all that is waited for.
const AFTERWARDS: LineSpan = LineSpan::ms(10_000);
/// Half the places that TCP counts.
const HALF: u32 = 1 << 31;

/// How packets travel, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Way {
    by: By,
    syntax: Syntax,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Udptl,
    Rtp(PayloadTypes),
    Tpkt,
}

impl Way {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self.by {
            By::Udptl => "T.38",
            By::Rtp(_) => "T.38 in RTP",
            By::Tpkt => "T.38 over TCP",
        }
    }
}

/// How the packets of a flow travel: as most of them make sense.
pub(super) fn way(datagrams: &[&Datagram]) -> Option<Way> {
    let ways =
        ways(datagrams).into_iter().flat_map(|by| [Syntax::Y1998, Syntax::Y2002].map(|syntax| Way { by, syntax }));
    let tried = ways.map(|way| {
        let mut packets = Packets::default();
        packets.take(datagrams, way, LineTime::ZERO);
        (way, packets.understood, packets.not_understood)
    });
    let sound = tried.filter(|(_, good, bad)| *good >= FEWEST && *good >= 2 * *bad);
    // Of ways that do the same, the first.
    sound.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(way, ..)| way)
}

fn ways(datagrams: &[&Datagram]) -> Vec<By> {
    if datagrams.first().is_some_and(|datagram| datagram.place.is_some()) {
        return vec![By::Tpkt];
    }
    let mut types: BTreeMap<u8, usize> = BTreeMap::new();
    for datagram in datagrams.iter().filter(|datagram| key(datagram).is_none()) {
        let dynamic = rtp(&datagram.payload).filter(|packet| packet.kind >= FIRST_DYNAMIC);
        dynamic.into_iter().for_each(|packet| *types.entry(packet.kind).or_default() += 1);
    }
    let mut types: Vec<(usize, u8)> = types.into_iter().map(|(kind, count)| (count, kind)).collect();
    types.sort_unstable_by(|one, other| other.cmp(one));
    let types: Vec<u8> = types.into_iter().take(MOST_TYPES).map(|(_, kind)| kind).collect();
    let alone = types.iter().map(|t38| PayloadTypes { t38: *t38, red: None, fec: None });
    let repeated = types.iter().filter_map(|red| {
        let mut packets = datagrams.iter().filter_map(|datagram| rtp(&datagram.payload));
        let t38 = packets.find_map(|packet| (packet.kind == *red).then(|| own_kind(packet.payload)).flatten())?;
        Some(PayloadTypes { t38, red: Some((*red, 0)), fec: None })
    });
    [By::Udptl].into_iter().chain(alone.chain(repeated).map(By::Rtp)).collect()
}

/// The type of the newest block of a payload that repeats earlier ones: behind the headers of those. RFC 2198 3.
fn own_kind(payload: &[u8]) -> Option<u8> {
    payload.iter().step_by(4).find(|octet| **octet & 0x80 == 0).copied()
}

impl Side {
    pub(super) fn add_packets(&mut self, datagrams: &[&Datagram], way: Way, begun: LineTime) {
        let ear = self.packets.take().unwrap_or_default();
        let mut packets = Packets { ear, ..Packets::default() };
        packets.take(datagrams, way, begun);
        self.packets = Some(packets.ear);
    }
}

/// Packets of T.38 in their order.
#[derive(Default)]
struct Packets {
    understood: usize,
    not_understood: usize,
    ear: PacketEar,
}

impl Packets {
    fn take(&mut self, datagrams: &[&Datagram], way: Way, begun: LineTime) {
        match way.by {
            By::Tpkt => self.take_stream(datagrams, way, begun),
            by => self.take_datagrams(datagrams.iter().filter(|datagram| is_of(&datagram.payload, by)), way, begun),
        }
    }

    fn take_datagrams<'a>(&mut self, datagrams: impl Iterator<Item = &'a &'a Datagram>, way: Way, begun: LineTime) {
        let (mut wire, mut now) = (wire(way), LineTime::ZERO);
        for datagram in datagrams {
            now = LineTime(datagram.at.since(begun).0);
            wire.receive(&datagram.payload, now);
            self.drain(&mut wire, way.syntax, now);
        }
        self.drain(&mut wire, way.syntax, now + AFTERWARDS);
        self.not_understood += usize::try_from(wire.counters().malformed).unwrap_or(usize::MAX);
    }

    /// Segments in the order of their places. After a hole, packets begin where a segment does.
    fn take_stream(&mut self, datagrams: &[&Datagram], way: Way, begun: LineTime) {
        let Some(first) = datagrams.first().and_then(|datagram| datagram.place) else { return };
        let distance = |datagram: &Datagram| datagram.place.unwrap_or(first).wrapping_sub(first).wrapping_add(HALF);
        let mut segments: Vec<&&Datagram> = datagrams.iter().collect();
        segments.sort_by_key(|segment| distance(segment));
        let (mut wire, mut due, mut now) = (wire(way), distance(segments[0]), LineTime::ZERO);
        for segment in segments {
            now = now.max(LineTime(segment.at.since(begun).0));
            let known = due.saturating_sub(distance(segment)) as usize;
            if distance(segment) > due || wire.is_broken() {
                self.ear.lost();
                wire = self::wire(way);
            }
            // What comes again is left out.
            let fresh = segment.payload.get(known..).unwrap_or_default();
            wire.receive(fresh, now);
            self.drain(&mut wire, way.syntax, now);
            self.not_understood += usize::from(wire.is_broken());
            due = due.max(distance(segment).saturating_add(segment.payload.len() as u32));
        }
    }

    fn drain(&mut self, wire: &mut Wire, syntax: Syntax, now: LineTime) {
        while let Some(arrival) = wire.poll(now) {
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

fn wire(way: Way) -> Wire {
    match way.by {
        By::Udptl => Wire::udptl(ErrorCorrection::None, 0),
        By::Rtp(types) => Wire::rtp(types, 0, 0),
        By::Tpkt => Wire::tpkt(way.syntax),
    }
}

/// Sound goes on for a while after the change to T.38, and keys may come in between.
fn is_of(payload: &[u8], by: By) -> bool {
    let kind = rtp(payload).map(|packet| packet.kind);
    match by {
        By::Udptl => kind.is_none_or(|kind| kind > 34),
        By::Rtp(types) => kind.is_some_and(|kind| kind == types.t38 || types.red.is_some_and(|red| red.0 == kind)),
        By::Tpkt => true,
    }
}
