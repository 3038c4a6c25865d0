//! An indicator said more than once: where no redundancy goes with packets one may be lost, and the last packets of a
//! signal need others behind them for their redundancy.

use super::{ifp::Indicator, pacing::INTERVAL};
use crate::time::LineTime;

/// How often.
const TIMES: u32 = 3;

/// What is still to be said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Repeat(Option<(Indicator, u32, LineTime)>);

impl Repeat {
    /// An indicator was said the first time.
    pub(super) fn said(&mut self, indicator: Indicator, now: LineTime) {
        self.0 = Some((indicator, TIMES - 1, now + INTERVAL));
    }

    /// Nothing needs to be said again.
    pub(super) fn stop(&mut self) {
        self.0 = None;
    }

    pub(super) fn due(&self) -> Option<LineTime> {
        self.0.map(|(_, _, next)| next)
    }

    /// The indicator to be said again now.
    pub(super) fn poll(&mut self, now: LineTime) -> Option<Indicator> {
        let (indicator, left, _) = self.0.filter(|&(_, _, next)| next <= now)?;
        self.0 = (left > 1).then_some((indicator, left - 1, now + INTERVAL));
        Some(indicator)
    }
}
