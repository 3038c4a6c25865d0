//! Packets in the order they were sent, from datagrams that are lost, doubled, late and in any order.
//!
//! ```text
//!      given out │ next                       highest
//!  ... ▣ ▣ ▣ ▣ ▣ │ ▢  ▣  ▣  ▢  ▣ ...             a hole is waited for, then told as lost
//!      └ kept for parity
//! ```

use crate::time::{LineSpan, LineTime};

/// Packets kept: those that wait behind a hole, and those that parity may still need.
const KEPT: u64 = 256;

/// Packets that wait behind a hole at most: who sends so fast does not mean the wait.
const MOST_HELD: u64 = 48;

/// A number this far ahead is no loss but another count, or nobody's packet.
const LONGEST_LEAP: u64 = 200;

/// Packets in succession that count as another count: a sender that began anew, or one that leapt.
const NEW_COUNT: u32 = 3;

/// The longest packet kept. An ECM frame makes one of 270 octets.
pub const LONGEST_PACKET: usize = 4096;

/// What became of datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that were read.
    pub received: u64,
    /// Datagrams, or parts of them, that could not be read.
    pub malformed: u64,
    /// Packets that came again, or too late.
    pub duplicates: u64,
    /// Packets that came behind a later one, and in time.
    pub reordered: u64,
    /// Packets that came by redundancy or parity only.
    pub recovered: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Times the far end's count began anew.
    pub restarts: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A packet.
    Packet(&'a [u8]),
    /// So many packets are missing here.
    Lost(u64),
}

/// A packet that came, kept by its number.
#[derive(Clone, Debug, Default)]
struct Kept {
    number: Option<u64>,
    octets: Vec<u8>,
    came: LineTime,
}

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As the datagram's own.
    Itself,
    /// With a later one.
    Repeated,
}

/// The receiver's count.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    kept: Vec<Kept>,
    /// The number that is given out next; none before the first packet. The lowest sixteen bits are those of the wire.
    next: Option<u64>,
    /// The highest number that came.
    highest: u64,
    /// Another count: the number that would be next in it, and packets seen of it.
    other: Option<(u16, u32)>,
    /// How long a hole is waited for.
    patience: LineSpan,
    pub(super) counters: Counters,
}

impl Sequence {
    pub(super) fn new(patience: LineSpan) -> Self {
        let kept = vec![Kept::default(); KEPT as usize];
        Self { kept, next: None, highest: 0, other: None, patience, counters: Counters::default() }
    }

    /// Finds the whole number of a datagram by its sixteen bits; none where it is of another count.
    pub(super) fn number(&mut self, bits: u16) -> Option<u64> {
        self.counters.received += 1;
        let Some(next) = self.next else { return Some(self.begin(bits)) };
        let ahead = bits.wrapping_sub(next as u16) as i16;
        let number = next.checked_add_signed(i64::from(ahead))?;
        if number + KEPT >= self.highest && number <= self.highest.max(next) + LONGEST_LEAP {
            self.other = None;
            return Some(number);
        }
        let seen = self.other.filter(|&(expected, _)| expected == bits).map_or(1, |(_, seen)| seen + 1);
        self.other = Some((bits.wrapping_add(1), seen));
        if seen < NEW_COUNT {
            return None;
        }
        self.counters.restarts += 1;
        self.kept.iter_mut().for_each(|kept| kept.number = None);
        Some(self.begin(bits))
    }

    /// The first number that is seen. A call begins at 0: the packets before a low one are lost so far.
    fn begin(&mut self, bits: u16) -> u64 {
        const ROOM_TO_LOOK_BACK: u64 = 1 << 16;
        let number = ROOM_TO_LOOK_BACK + u64::from(bits);
        let lost = if bits < 16 { u64::from(bits) } else { 0 };
        self.next = Some(number - lost);
        self.highest = number;
        self.other = None;
        number
    }

    /// Takes in a packet.
    pub(super) fn put(&mut self, number: u64, octets: &[u8], way: Way, now: LineTime) {
        let Some(next) = self.next else { return };
        if octets.len() > LONGEST_PACKET {
            self.counters.malformed += 1;
            return;
        }
        let have = self.has(number) || number + KEPT <= self.highest || number < next && way == Way::Repeated;
        if have || number > next + KEPT {
            self.counters.duplicates += u64::from(have && way == Way::Itself);
            return;
        }
        match way {
            _ if number < next => self.counters.duplicates += 1,
            Way::Repeated => self.counters.recovered += 1,
            Way::Itself => self.counters.reordered += u64::from(number < self.highest),
        }
        self.highest = self.highest.max(number);
        let place = &mut self.kept[(number % KEPT) as usize];
        (place.number, place.came) = (Some(number), now);
        place.octets.clear();
        place.octets.extend_from_slice(octets);
    }

    /// The packet of that number, if it came and is still kept.
    pub(super) fn get(&self, number: u64) -> Option<&[u8]> {
        let kept = &self.kept[(number % KEPT) as usize];
        (kept.number == Some(number)).then_some(&kept.octets[..])
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.get(number).is_some()
    }

    /// The next packet in order, or what is missing there.
    pub(super) fn poll(&mut self, now: LineTime) -> Option<Arrival<'_>> {
        let next = self.next?;
        if self.has(next) {
            self.next = Some(next + 1);
            return self.get(next).map(Arrival::Packet);
        }
        let (number, came) = self.behind_the_hole()?;
        if now < came + self.patience && self.highest - next < MOST_HELD {
            return None;
        }
        self.counters.lost += number - next;
        self.next = Some(number);
        Some(Arrival::Lost(number - next))
    }

    /// When a hole stops being waited for.
    pub(super) fn due(&self) -> Option<LineTime> {
        self.behind_the_hole().map(|(_, came)| came + self.patience)
    }

    /// The first packet that came behind the next one, which did not.
    fn behind_the_hole(&self) -> Option<(u64, LineTime)> {
        let next = self.next.filter(|&next| !self.has(next) && next < self.highest)?;
        let number = (next + 1..=self.highest).find(|&number| self.has(number))?;
        Some((number, self.kept[(number % KEPT) as usize].came))
    }
}
