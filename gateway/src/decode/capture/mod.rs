//! Calls in captures of packets: G.711 in RTP, and T.38 in UDPTL, RTP and TCP.
//!
//! ```text
//!  pcap, pcapng ─▶ datagrams ─▶ flows ─┬▶ RTP: samples at their time stamps ─▶ ear ─┐
//!                                      └▶ T.38: packets in order ─▶ packet ear ─────┴▶ call
//! ```
//! Datagrams between two hosts belong to one call until nothing comes for some seconds.

pub(crate) mod datagrams;
mod packets;
mod sound;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use answertone_dsp::g711::Law;
use answertone_t30::{
    observe::{Call, Channel, Heard, LineLevels, Observer, PacketEar, What},
    time::{LineSpan, LineTime},
};

use self::{datagrams::Datagram, packets::Way};
use super::{DecodeError, Decoded, waterfall::Waterfall};

/// Calls that are kept.
const MOST_FLOWS: usize = 256;
/// A pause after which another call begins.
const PAUSE: LineSpan = LineSpan::ms(20_000);
/// Sound and packets of one key are no farther apart.
const KEY_LATER: LineSpan = LineSpan::ms(150);

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
    let datagrams = datagrams::read(source)?;
    let calls: Vec<Decoded> = apart(datagrams).into_iter().filter_map(call).collect();
    if calls.is_empty() { Err(DecodeError::NoCall) } else { Ok(calls) }
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

fn call(datagrams: Vec<Datagram>) -> Option<Decoded> {
    let mut flows: BTreeMap<(bool, SocketAddr, SocketAddr), Vec<&Datagram>> = BTreeMap::new();
    for datagram in &datagrams {
        flows.entry((datagram.place.is_some(), datagram.from, datagram.to)).or_default().push(datagram);
    }
    let begun = datagrams.first()?.at;
    let mut sides = [Side::default(), Side::default()];
    let mut what = Vec::new();
    for ((_, from, to), datagrams) in &flows {
        let side = &mut sides[usize::from(from > to)];
        what.extend(side.add(datagrams, begun).into_iter().map(|kind| format!("{kind} from {from}")));
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
    let channels = sides
        .into_iter()
        .enumerate()
        .filter_map(|(place, side)| side.channel(if with_sound.contains(&place) { sound.next() } else { None }));
    Decoded { source: what, call: Call::of(channels.collect()), waterfalls }
}

fn is_same_key(heard: &Heard, key: &Heard) -> bool {
    let near = heard.from <= key.to + KEY_LATER && key.from <= heard.to + KEY_LATER;
    matches!((&heard.what, &key.what), (What::Digit(one), What::Digit(other)) if one == other && near)
}

/// What one host sent.
#[derive(Default)]
struct Side {
    sound: Vec<f32>,
    packets: Option<PacketEar>,
    keys: Vec<Heard>,
}

impl Side {
    /// All that was heard of the side; none where nothing was.
    fn channel(self, sound: Option<Channel>) -> Option<Channel> {
        let (packets, keys) = (self.packets.map(PacketEar::finish), self.keys);
        if sound.is_none() && packets.is_none() && keys.is_empty() {
            return None;
        }
        let mut channel = sound.unwrap_or(Channel { heard: Vec::new(), line: LineLevels::default() });
        // A key is often heard for a moment before its packets say it.
        channel.heard.retain(|heard| !keys.iter().any(|key| is_same_key(heard, key)));
        channel.heard.extend(keys);
        channel.heard.extend(packets.into_iter().flat_map(|packets| packets.heard));
        channel.heard.sort_by_key(|heard| (heard.from, heard.to));
        Some(channel)
    }

    /// Adds all that a flow is: sound may become T.38 on the same ports. What that was.
    fn add(&mut self, datagrams: &[&Datagram], begun: LineTime) -> Vec<&'static str> {
        let way = packets::way(datagrams);
        way.iter().for_each(|way| self.add_packets(datagrams, *way, begun));
        let law = sound::law_of(datagrams);
        law.iter().for_each(|law| self.add_sound(datagrams, *law, begun));
        let keys = self.add_keys(datagrams, begun);
        let sound = law.map(|law| if law == Law::A { "RTP PCMA" } else { "RTP PCMU" });
        let events = (keys && law.is_none()).then_some("RTP events");
        [way.map(Way::name), sound, events].into_iter().flatten().collect()
    }
}
