//! When a tone sounds: blocks of presence joined to bursts.

use crate::units::SampleIndex;

/// A burst of tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Its first sample.
    pub begin: SampleIndex,
    /// The sample after its last.
    pub end: SampleIndex,
}

impl Burst {
    /// Its length in samples.
    pub fn samples(&self) -> u64 {
        self.end.0.saturating_sub(self.begin.0)
    }
}

/// Joins presences to bursts, over short absences: a click or a reversal of phase does not end a burst.
#[derive(Clone, Debug)]
pub struct BurstTracker {
    /// Longest absence inside a burst, in samples.
    bridge: u64,
    burst: Option<Burst>,
}

impl BurstTracker {
    /// A tracker that joins what is at most `bridge` samples apart.
    pub fn new(bridge: u64) -> Self {
        Self { bridge, burst: None }
    }

    /// The tone sounded from `begin` to `end`.
    pub fn present(&mut self, begin: SampleIndex, end: SampleIndex) {
        match &mut self.burst {
            Some(burst) => burst.end = end,
            None => self.burst = Some(Burst { begin, end }),
        }
    }

    /// The tone was not there up to `now`; the burst that this ends.
    pub fn absent(&mut self, now: SampleIndex) -> Option<Burst> {
        self.burst.take_if(|burst| now.0 > burst.end.0 + self.bridge)
    }

    /// The burst under way.
    pub fn burst(&self) -> Option<Burst> {
        self.burst
    }

    /// Corrects the end of the burst under way.
    pub fn extend(&mut self, end: SampleIndex) {
        if let Some(burst) = &mut self.burst {
            burst.end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_does_not_end_a_burst_and_silence_does() {
        let mut tracker = BurstTracker::new(160);
        tracker.present(SampleIndex(100), SampleIndex(180));
        assert_eq!(tracker.absent(SampleIndex(260)), None);
        tracker.present(SampleIndex(260), SampleIndex(340));
        assert_eq!(tracker.absent(SampleIndex(500)), None);
        let burst = tracker.absent(SampleIndex(580)).expect("240 samples of silence");
        assert_eq!((burst.begin.0, burst.samples()), (100, 240));
        assert_eq!(tracker.burst(), None);
    }
}
