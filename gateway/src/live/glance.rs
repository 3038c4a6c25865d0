//! Where a call stands, in numbers that are each stored at once.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use answertone_t30::{audio::AudioFrontEnd, session::Session, t38::Counters, time::LineTime};

use crate::engine::Means;

/// Points of the constellation: as many as a receiver keeps.
const POINTS: usize = 64;

/// No such number.
const NONE: u32 = u32::MAX;

/// The modems by the names that reports give them.
const MODEMS: [&str; 5] = ["v27ter", "v29", "v17", "v21", "v34"];

/// The phases of a call.
const PHASES: [&str; 5] = ["A", "B", "C", "D", "E"];

/// Written by one thread, read by any.
pub struct Glance {
    looks: AtomicU32,
    phase: AtomicU32,
    page: AtomicU32,
    of: AtomicU32,
    percent: AtomicU32,
    rows: AtomicU32,
    modem: AtomicU32,
    bit_rate: AtomicU32,
    ecm: AtomicBool,
    level_db: AtomicU32,
    error_db: AtomicU32,
    seconds: AtomicU32,
    points: [AtomicU64; POINTS],
    by_packets: AtomicBool,
    packets: Packets,
}

/// What became of packets.
#[derive(Default)]
struct Packets {
    received: AtomicU64,
    lost: AtomicU64,
    late: AtomicU64,
    recovered: AtomicU64,
    malformed: AtomicU64,
}

/// Packets of a call by T.38.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketsSeen {
    /// Datagrams that came.
    pub received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came behind a later one, in time or not, and copies.
    pub late: u64,
    /// Packets that were lost and came by redundancy or parity.
    pub recovered: u64,
    /// What could not be read.
    pub malformed: u64,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// How often was looked; 0 before the first block.
    pub looks: u32,
    /// `A` to `E`.
    pub phase: &'static str,
    /// The page in hand, from 1; 0 before the first.
    pub page: u32,
    /// Pages to send.
    pub of: Option<u32>,
    /// How much of the page is through.
    pub percent: Option<u32>,
    /// Its rows so far.
    pub rows: u32,
    /// The modem agreed on.
    pub modem: Option<&'static str>,
    /// Its rate.
    pub bit_rate: u32,
    /// Whether errors are corrected.
    pub ecm: bool,
    /// What is heard, dBm0.
    pub level_db: f32,
    /// How far the points are from where they belong; none when we send only.
    pub error_db: Option<f32>,
    /// Line time since the call began.
    pub seconds: u32,
    /// The points of the signal received last; none of a call by packets.
    pub points: Vec<(f32, f32)>,
    /// Packets, while the call goes by T.38.
    pub packets: Option<PacketsSeen>,
}

impl Default for Glance {
    fn default() -> Self {
        let none = || AtomicU32::new(NONE);
        Self {
            looks: AtomicU32::new(0),
            phase: AtomicU32::new(0),
            page: AtomicU32::new(0),
            of: none(),
            percent: none(),
            rows: AtomicU32::new(0),
            modem: none(),
            bit_rate: AtomicU32::new(0),
            ecm: AtomicBool::new(false),
            level_db: AtomicU32::new(f32::to_bits(-100.0)),
            error_db: AtomicU32::new(f32::to_bits(f32::NAN)),
            seconds: AtomicU32::new(0),
            points: [const { AtomicU64::new(0) }; POINTS],
            by_packets: AtomicBool::new(false),
            packets: Packets::default(),
        }
    }
}

fn place(name: &str, of: &[&str]) -> u32 {
    of.iter().position(|other| *other == name).map_or(NONE, |place| place as u32)
}

fn some(value: u32) -> Option<u32> {
    (value != NONE).then_some(value)
}

impl Glance {
    pub(super) fn write(&self, session: &Session, at: LineTime, by: &Means<'_>) {
        let now = session.progress();
        self.phase.store(place(now.phase.name(), &PHASES), Relaxed);
        self.page.store(now.page as u32, Relaxed);
        self.of.store(now.of.map_or(NONE, |of| of as u32), Relaxed);
        self.percent.store(now.percent.map_or(NONE, u32::from), Relaxed);
        self.rows.store(now.rows, Relaxed);
        self.modem.store(now.carrier.map_or(NONE, |carrier| place(carrier.modem(), &MODEMS)), Relaxed);
        self.bit_rate.store(now.carrier.map_or(0, |carrier| carrier.bit_rate()), Relaxed);
        self.ecm.store(now.ecm, Relaxed);
        self.seconds.store(at.since(LineTime::ZERO).seconds() as u32, Relaxed);
        self.by_packets.store(matches!(by, Means::Packets(_)), Relaxed);
        match by {
            Means::Sound(front) => self.write_sound(front),
            Means::Packets(counters) => self.packets.write(counters),
        }
        self.looks.fetch_add(1, Relaxed);
    }

    fn write_sound(&self, front: &AudioFrontEnd) {
        self.level_db.store(front.level().0.to_bits(), Relaxed);
        if let Some(receiver) = front.fast_receiver() {
            self.error_db.store(receiver.error_level().0.to_bits(), Relaxed);
            for (place, point) in self.points.iter().zip(receiver.points()) {
                place.store(u64::from(point.re.to_bits()) << 32 | u64::from(point.im.to_bits()), Relaxed);
            }
        }
    }

    /// Reads it.
    pub fn read(&self) -> Seen {
        let number = |value: &AtomicU32| f32::from_bits(value.load(Relaxed));
        let point = |both: u64| (f32::from_bits((both >> 32) as u32), f32::from_bits(both as u32));
        let by_packets = self.by_packets.load(Relaxed);
        let points = self.points.iter().filter(|_| !by_packets).map(|point| point.load(Relaxed)).filter(|both| *both != 0).map(point);
        Seen {
            looks: self.looks.load(Relaxed),
            phase: PHASES.get(self.phase.load(Relaxed) as usize).copied().unwrap_or("A"),
            page: self.page.load(Relaxed),
            of: some(self.of.load(Relaxed)),
            percent: some(self.percent.load(Relaxed)),
            rows: self.rows.load(Relaxed),
            modem: MODEMS.get(self.modem.load(Relaxed) as usize).copied(),
            bit_rate: self.bit_rate.load(Relaxed),
            ecm: self.ecm.load(Relaxed),
            level_db: number(&self.level_db),
            error_db: Some(number(&self.error_db)).filter(|error| error.is_finite() && !by_packets),
            seconds: self.seconds.load(Relaxed),
            points: points.collect(),
            packets: by_packets.then(|| self.packets.read()),
        }
    }
}

impl Packets {
    fn write(&self, counters: &Counters) {
        self.received.store(counters.received, Relaxed);
        self.lost.store(counters.lost, Relaxed);
        self.late.store(counters.reordered + counters.duplicates, Relaxed);
        self.recovered.store(counters.recovered, Relaxed);
        self.malformed.store(counters.malformed, Relaxed);
    }

    fn read(&self) -> PacketsSeen {
        PacketsSeen {
            received: self.received.load(Relaxed),
            lost: self.lost.load(Relaxed),
            late: self.late.load(Relaxed),
            recovered: self.recovered.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use answertone_t30::{audio::AudioConfig, session::Config, time::LineTime};

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let glance = Glance::default();
        assert_eq!(glance.read().looks, 0);
        let session = Session::answering(Arc::new(Config::default()), LineTime::ZERO);
        let front = AudioFrontEnd::new(AudioConfig::default());
        glance.write(&session, front.now(), &Means::Sound(&front));
        let seen = glance.read();
        assert_eq!((seen.looks, seen.phase, seen.of, seen.modem), (1, "A", None, None));
        assert!(seen.level_db < -60.0 && seen.error_db.is_none() && seen.points.is_empty());
        assert_eq!(seen.packets, None);
        let counters = Counters { received: 40, lost: 2, reordered: 1, ..Counters::default() };
        glance.write(&session, front.now(), &Means::Packets(counters));
        let packets = PacketsSeen { received: 40, lost: 2, late: 1, ..PacketsSeen::default() };
        assert_eq!(glance.read().packets, Some(packets));
    }
}
