//! Two sealed ends and a network between them that loses, delays and reorders, in virtual time.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use answertone_gateway::t38::sealed::{Far, Fingerprint, Identity, Leg, Legs, Sealed};

/// The way of every datagram takes so long.
const DELAY: Duration = Duration::from_millis(40);

/// Some datagrams take so much longer.
const LATE: Duration = Duration::from_millis(70);

/// The address of an end's leg.
pub(crate) fn address(end: usize, leg: Leg) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, end as u8 + 1], 4000 + leg.0 as u16))
}

pub(crate) fn identity() -> Identity {
    Identity::fresh().expect("certificates can be made")
}

/// What an end is told of the other.
pub(crate) fn far(fingerprint: Fingerprint, we_are_active: bool, address: SocketAddr) -> Far {
    Far { fingerprints: vec![fingerprint], we_are_active, address: Some(address) }
}

/// Two that know each other; the first is active.
pub(crate) fn acquainted(leg: Leg, now: Instant) -> [Sealed; 2] {
    let mut both = [(); 2].map(|()| Sealed::offer(identity()));
    let fingerprints = both.each_ref().map(Sealed::fingerprint);
    for end in [0, 1] {
        both[end].accept(far(fingerprints[1 - end].clone(), end == 0, address(1 - end, leg)), now);
    }
    both
}

/// The same for RTP.
pub(crate) fn acquainted_by_rtp(now: Instant) -> [Sealed; 2] {
    let mut both = [(); 2].map(|()| Sealed::offer(identity()).carrying_rtp());
    let fingerprints = both.each_ref().map(Sealed::fingerprint);
    for end in [0, 1] {
        both[end].accept(far(fingerprints[1 - end].clone(), end == 0, address(1 - end, Leg(0))), now);
    }
    both
}

/// A datagram on its way.
type Flight = Reverse<(Instant, u64, usize, Leg, SocketAddr, Vec<u8>)>;

/// The network and its ends.
pub(crate) struct World {
    pub(crate) ends: [Legs; 2],
    pub(crate) now: Instant,
    /// Every octet string that went over the network.
    pub(crate) sniffed: Vec<Vec<u8>>,
    flights: BinaryHeap<Flight>,
    serial: u64,
    chance: u64,
    loss_percent: u64,
    late_percent: u64,
}

impl World {
    pub(crate) fn new(both: [Sealed; 2], now: Instant, loss_percent: u64, late_percent: u64, seed: u64) -> Self {
        Self {
            ends: both.map(Legs::new),
            now,
            sniffed: Vec::new(),
            flights: BinaryHeap::new(),
            serial: 0,
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            loss_percent,
            late_percent,
        }
    }

    /// The next moment at which something happens.
    pub(crate) fn next(&self) -> Option<Instant> {
        let arrival = self.flights.peek().map(|Reverse((at, ..))| *at);
        self.ends.iter().filter_map(Legs::due).chain(arrival).min()
    }

    /// Time goes on to that moment.
    pub(crate) fn step(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while self.flights.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
            let Some(Reverse((_, _, to, leg, from, datagram))) = self.flights.pop() else { break };
            self.ends[to].handle(leg, &datagram, from, self.now);
        }
        self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
        self.send();
    }

    /// Puts what the ends have to send on its way.
    pub(crate) fn send(&mut self) {
        for end in [0, 1] {
            while let Some((leg, to, datagram)) = self.ends[end].poll_transmit() {
                assert_eq!(to, address(1 - end, leg), "it goes where it was negotiated");
                self.sniffed.push(datagram.clone());
                if self.draw() < self.loss_percent {
                    continue;
                }
                let late = if self.draw() < self.late_percent { LATE } else { Duration::ZERO };
                self.serial += 1;
                let from = address(end, leg);
                self.flights.push(Reverse((self.now + DELAY + late, self.serial, 1 - end, leg, from, datagram)));
            }
        }
    }

    /// Goes on until that is so, at most so long.
    pub(crate) fn until(&mut self, limit: Duration, what: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        self.send();
        while !what(self) {
            match self.next().filter(|next| *next <= end) {
                Some(next) => self.step(next.max(self.now + Duration::from_micros(125))),
                None => return what(self),
            }
        }
        true
    }

    /// 0 to 99.
    fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 33) % 100
    }
}
