//! The jitter buffer: samples at their places in time.
//!
//! Its depth is fixed. Nothing is stretched and no place is moved: for a modem a sample that is missing is better than
//! one in the wrong place.

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block};

/// Places that are kept, a second. A power of two.
const PLACES: usize = 8192;

/// Blocks without a sample that count as lost; after them the sender is silent rather than late.
const LOST_BLOCKS: u32 = 20;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It will be played.
    Kept,
    /// All of it is there already.
    Duplicate,
    /// All of it should have been played before.
    Late,
    /// It belongs to another second.
    Astray,
}

/// Samples from where they are played on.
pub(super) struct Jitter {
    samples: Box<[i16]>,
    /// Which place a sample belongs to; tells old ones from new ones.
    marks: Box<[i64]>,
    /// The place that is played next.
    next: i64,
    /// Behind the last sample that came.
    end: i64,
    /// Where the first sample was put: before it nothing can be lost.
    begin: Option<i64>,
    /// Blocks since a sample was played.
    dry: u32,
}

impl Jitter {
    /// Nothing has come.
    pub(super) fn new() -> Self {
        Self {
            samples: vec![0; PLACES].into(),
            marks: vec![i64::MIN; PLACES].into(),
            next: 0,
            end: 0,
            begin: None,
            dry: 0,
        }
    }

    /// The place that is played next.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Behind the last sample that came.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// Whether samples are being played.
    pub(super) fn is_playing(&self) -> bool {
        self.begin.is_some_and(|begin| begin <= self.next) && self.dry == 0
    }

    /// Puts samples at their places.
    pub(super) fn put(&mut self, at: i64, samples: impl ExactSizeIterator<Item = i16>) -> Put {
        let end = at + samples.len() as i64;
        if end <= self.next {
            return Put::Late;
        }
        if end > self.next + PLACES as i64 {
            return Put::Astray;
        }
        self.begin.get_or_insert(at);
        self.end = self.end.max(end);
        let mut fresh = false;
        for (place, sample) in (at..end).zip(samples) {
            let index = place as usize % PLACES;
            if place >= self.next && self.marks[index] != place {
                self.marks[index] = place;
                self.samples[index] = sample;
                fresh = true;
            }
        }
        if fresh { Put::Kept } else { Put::Duplicate }
    }

    /// Plays a block; how many of its samples are missing.
    pub(super) fn block(&mut self, rx: &mut Block) -> usize {
        let mut there = 0;
        for (place, sample) in (self.next..).zip(rx.iter_mut()) {
            let index = place as usize % PLACES;
            let is_there = self.marks[index] == place;
            *sample = if is_there { self.samples[index] } else { 0 };
            there += usize::from(is_there);
        }
        self.next += BLOCK_SAMPLES as i64;
        self.dry = if there > 0 { 0 } else { self.dry.saturating_add(1) };
        let begun = self.begin.is_some_and(|begin| begin < self.next - BLOCK_SAMPLES as i64 + 1);
        if begun && self.dry <= LOST_BLOCKS { BLOCK_SAMPLES - there } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(at: i64) -> impl ExactSizeIterator<Item = i16> {
        (0..160i16).map(move |sample| at as i16 + sample)
    }

    #[test]
    fn packets_are_played_where_they_belong_however_they_come() {
        let mut jitter = Jitter::new();
        assert_eq!(jitter.put(320, packet(320)), Put::Kept);
        assert_eq!(jitter.put(160, packet(160)), Put::Kept);
        assert_eq!(jitter.put(160, packet(160)), Put::Duplicate);
        let mut rx = [0; 80];
        let mut heard = vec![];
        let lost: Vec<usize> = (0..7).map(|_| (jitter.block(&mut rx), heard.push(rx[79])).0).collect();
        assert_eq!(heard, [0, 0, 239, 319, 399, 479, 0]);
        assert_eq!(lost, [0, 0, 0, 0, 0, 0, 80], "before the first packet nothing is lost");
        assert_eq!(jitter.put(320, packet(320)), Put::Late);
        assert_eq!(jitter.put(100_000, packet(0)), Put::Astray);
    }

    #[test]
    fn a_sender_that_stops_is_lost_at_first_and_silent_then() {
        let mut jitter = Jitter::new();
        jitter.put(0, packet(0));
        let lost = (0..200).filter(|_| jitter.block(&mut [0; 80]) > 0).count();
        assert_eq!(lost, LOST_BLOCKS as usize);
    }
}
