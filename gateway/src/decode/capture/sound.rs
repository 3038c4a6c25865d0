//! What is in RTP besides T.38: sound by G.711, and keys.

use answertone_dsp::g711::Law;
use answertone_t30::{
    observe::{Heard, What},
    time::LineTime,
};

use super::{Side, datagrams::Datagram};

/// Packets that make sound, and packets that make keys, at least.
const FEWEST: usize = 10;
const FEWEST_KEYS: usize = 3;
/// Samples of a flow that are kept.
const MOST_SAMPLES: u64 = 2 * 3600 * 8000;

/// What is in a packet of RTP besides its header's fixed part. RFC 3550 5.1.
pub(super) struct Rtp<'a> {
    pub(super) kind: u8,
    pub(super) stamp: u32,
    pub(super) payload: &'a [u8],
}

pub(super) fn rtp(octets: &[u8]) -> Option<Rtp<'_>> {
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

/// The key of a packet of telephone events, and its time stamp. RFC 4733 2.3.
pub(super) fn key(datagram: &Datagram) -> Option<(char, u32)> {
    const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
    let packet = rtp(&datagram.payload).filter(|packet| packet.kind >= 96)?;
    let &[event, _, _, _] = packet.payload else { return None };
    Some((*KEYS.get(usize::from(event))?, packet.stamp))
}

/// The coding of a flow's sound, if it has any.
pub(super) fn law_of(datagrams: &[&Datagram]) -> Option<Law> {
    let of_law = |wanted: Law| {
        let is = |datagram: &&&Datagram| rtp(&datagram.payload).and_then(|packet| law(packet.kind)) == Some(wanted);
        datagrams.iter().filter(|datagram| datagram.place.is_none()).filter(is).count()
    };
    let (mu, a) = (of_law(Law::Mu), of_law(Law::A));
    (mu.max(a) >= FEWEST).then_some(if a > mu { Law::A } else { Law::Mu })
}

impl Side {
    /// Keys, each of which has the same time stamp in all its packets; whether there are any.
    pub(super) fn add_keys(&mut self, datagrams: &[&Datagram], begun: LineTime) -> bool {
        let keyed = |datagram: &&Datagram| Some((key(datagram)?, LineTime(datagram.at.since(begun).0)));
        let keys: Vec<_> = datagrams.iter().filter_map(keyed).collect();
        if keys.len() < FEWEST_KEYS {
            return false;
        }
        let mut last = None;
        for (key, at) in keys {
            match self.keys.last_mut() {
                Some(heard) if last == Some(key) => heard.to = at,
                _ => self.keys.push(Heard { from: at, to: at, what: What::Digit(key.0) }),
            }
            last = Some(key);
        }
        true
    }

    /// Samples at the places that their time stamps give them; a stamp that jumps counts from its arrival.
    pub(super) fn add_sound(&mut self, datagrams: &[&Datagram], law_of_flow: Law, begun: LineTime) {
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
}
