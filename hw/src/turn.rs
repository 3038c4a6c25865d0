//! A turn of a line whose far end is on a network: what has come is read, a block is played, and one is sent.
//!
//! Lines differ in what carries their samples; when a turn is due, what ends a call and whose clock is followed are the
//! same for all.

use std::time::{Duration, Instant};

use answertone_dsp::pcm::Block;

use crate::{Exchange, LineError, pacer::Pacer};

/// How far a call is.
pub(crate) struct Course {
    pacer: Pacer,
    heard_at: Instant,
    hung_up: bool,
}

impl Course {
    /// The first turn is due now.
    pub(crate) fn new(now: Instant) -> Self {
        Self { pacer: Pacer::new(now), heard_at: now, hung_up: false }
    }

    /// Blocks begin now, whatever was before.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.pacer = Pacer::new(now);
    }

    /// When the next turn is due.
    pub(crate) fn due(&self) -> Instant {
        self.pacer.due()
    }

    /// The far end is there.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Goes on hook; false if it is already.
    pub(crate) fn hang_up(&mut self) -> bool {
        !std::mem::replace(&mut self.hung_up, true)
    }
}

/// What a line does at its turns.
pub(crate) trait Turns {
    /// How far the call is.
    fn course(&mut self) -> &mut Course;

    /// Reads what has come.
    fn receive(&mut self, now: Instant) -> Result<(), LineError>;

    /// Whether the far end is gone and all that came of it was played.
    fn is_over(&self) -> bool;

    /// How long nothing may come.
    fn patience(&self) -> Duration;

    /// Samples that came and are not played yet, while there is no disturbance.
    fn lead(&self) -> Option<usize>;

    /// The next block, and how many of its samples count as lost.
    fn play(&mut self, rx: &mut Block) -> usize;

    /// Sends a block, or keeps it until there are enough.
    fn send(&mut self, tx: &Block, now: Instant) -> Result<(), LineError>;

    /// One turn, if it is due.
    fn turn(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        if self.course().hung_up {
            return Err(LineError::HungUp);
        }
        if !self.course().pacer.is_due(now) {
            return Ok(None);
        }
        self.receive(now)?;
        if self.is_over() {
            return Err(LineError::HungUp);
        }
        let patience = self.patience();
        if now.saturating_duration_since(self.course().heard_at) > patience {
            return Err(LineError::Stalled(patience));
        }
        match self.lead() {
            Some(samples) => self.course().pacer.lead(samples),
            None => self.course().pacer.begin_again(),
        }
        let lost_samples = self.play(rx);
        self.send(tx, now)?;
        self.course().pacer.went(now);
        Ok(Some(Exchange { lost_samples }))
    }
}
