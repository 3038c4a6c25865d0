//! When the next block is due on a line whose far end has a clock of its own.
//!
//! Blocks go by our clock, so that silence is sent without pause while nothing comes. The far end's clock differs by
//! some parts per million; left alone, its samples would pile up or run out and a slip would come of it. So our blocks
//! follow it: how far what came is ahead of what was played is watched, and the time between blocks is changed by parts
//! per million until it stays.

use std::time::{Duration, Instant};

use answertone_dsp::pcm::BLOCK_SAMPLES;

/// A block's length in the world's time.
pub(crate) const BLOCK_TIME: Duration = Duration::from_millis(10);

/// Blocks whose best lead counts as one observation: a second. What comes late says nothing of the clock.
const WINDOW: u32 = 100;

/// Parts per million for a millisecond that the far end is ahead.
const PPM_PER_MS: f64 = 10.0;

/// The most our clock is bent.
const MOST_PPM: f64 = 1000.0;

/// Later than this nothing is caught up with: the machine was asleep.
const MOST_LATE: Duration = Duration::from_secs(2);

/// Blocks in the world's time.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    due: Instant,
    ppm: f64,
    /// The lead at the start, in samples: what it should stay.
    wanted: Option<i64>,
    /// The best lead in this window.
    best: Option<i64>,
    blocks: u32,
}

impl Pacer {
    /// The first block is due now.
    pub(crate) fn new(now: Instant) -> Self {
        Self { due: now, ppm: 0.0, wanted: None, best: None, blocks: 0 }
    }

    /// When the next block is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Whether a block is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// So many samples that came are not played yet, right before a block is.
    pub(crate) fn lead(&mut self, samples: usize) {
        self.best = self.best.max(Some(samples as i64));
    }

    /// What came has no relation to what came before.
    pub(crate) fn begin_again(&mut self) {
        (self.wanted, self.best, self.blocks) = (None, None, 0);
    }

    /// A block went.
    pub(crate) fn went(&mut self, now: Instant) {
        self.blocks += 1;
        if self.blocks == WINDOW {
            self.blocks = 0;
            self.follow();
        }
        self.due += BLOCK_TIME.mul_f64(1.0 - self.ppm * 1e-6);
        if now.saturating_duration_since(self.due) > MOST_LATE {
            self.due = now;
        }
    }

    fn follow(&mut self) {
        let Some(best) = self.best.take() else { return };
        let wanted = *self.wanted.get_or_insert(best);
        let ahead_ms = (best - wanted) as f64 * 10.0 / BLOCK_SAMPLES as f64;
        self.ppm = (ahead_ms * PPM_PER_MS).clamp(-MOST_PPM, MOST_PPM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays ten minutes against a far clock that is off; how far the lead went, in samples.
    fn widest_lead(ppm: f64) -> (i64, i64) {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for block in 0..60_000u64 {
            let now = pacer.due();
            let elapsed = now.duration_since(start).as_secs_f64();
            let came = (elapsed * 50.0 * (1.0 + ppm * 1e-6)).floor() as i64 * 160 + 640;
            let lead = came - block as i64 * 80;
            pacer.lead(lead.max(0) as usize);
            pacer.went(now);
            (least, most) = (least.min(lead), most.max(lead));
        }
        (least, most)
    }

    #[test]
    fn blocks_follow_a_clock_that_is_off() {
        for ppm in [-200.0, -50.0, 0.0, 50.0, 200.0] {
            let (least, most) = widest_lead(ppm);
            assert!(least >= 160 && most <= 1120, "{ppm} ppm: {least} to {most} samples ahead, 640 wanted");
        }
    }

    #[test]
    fn a_machine_that_slept_does_not_catch_up() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        let later = start + Duration::from_secs(60);
        pacer.went(later);
        assert_eq!(pacer.due(), later);
    }
}
