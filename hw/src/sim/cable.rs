//! Two polled ends joined by a cable: nothing is changed on the way, and nobody waits.

use std::{
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{Block, SILENCE};

use crate::{Exchange, LineError, PolledLine, Transport};

/// A block's length in the world's time.
const BLOCK_TIME: Duration = Duration::from_millis(10);

/// Blocks on their way from the start, so that the ends may be served one after the other.
const UNDER_WAY: usize = 3;

/// Blocks that the cable holds.
const MOST_UNDER_WAY: usize = 64;

/// One end of a cable.
pub struct CableEnd {
    to_far: Option<SyncSender<Block>>,
    from_far: Receiver<Block>,
    due: Instant,
    /// Blocks that were not there when they were due; they are dropped when they come.
    owed: usize,
    missing: u64,
}

/// Both ends of a cable, with their first block due at `start`.
pub fn cable(start: Instant) -> (CableEnd, CableEnd) {
    let (a_to_b, b_from_a) = sync_channel(MOST_UNDER_WAY);
    let (b_to_a, a_from_b) = sync_channel(MOST_UNDER_WAY);
    for _ in 0..UNDER_WAY {
        a_to_b.try_send(SILENCE).expect("a new cable has room");
        b_to_a.try_send(SILENCE).expect("a new cable has room");
    }
    let end = |to_far, from_far| CableEnd { to_far: Some(to_far), from_far, due: start, owed: 0, missing: 0 };
    (end(a_to_b, a_from_b), end(b_to_a, b_from_a))
}

impl CableEnd {
    fn receive(&mut self, rx: &mut Block) -> Result<Exchange, LineError> {
        loop {
            match self.from_far.try_recv() {
                Ok(_) if self.owed > 0 => self.owed -= 1,
                Ok(block) => {
                    *rx = block;
                    return Ok(Exchange::default());
                }
                Err(TryRecvError::Empty) => {
                    self.owed += 1;
                    self.missing += 1;
                    *rx = SILENCE;
                    return Ok(Exchange { lost_samples: rx.len() });
                }
                Err(TryRecvError::Disconnected) => return Err(LineError::HungUp),
            }
        }
    }
}

impl PolledLine for CableEnd {
    fn due(&self) -> Instant {
        self.due
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        let to_far = self.to_far.as_ref().ok_or(LineError::HungUp)?;
        if now < self.due {
            return Ok(None);
        }
        // An end that is not served any more takes nothing; that it is gone shows when it is heard.
        let _ = to_far.try_send(*tx);
        let exchange = self.receive(rx)?;
        self.due += BLOCK_TIME;
        Ok(Some(exchange))
    }

    fn hang_up(&mut self) {
        self.to_far = None;
    }

    fn transport(&self) -> Option<Transport> {
        Some(Transport { kind: "cable", missing_ms: self.missing * 10, ..Transport::default() })
    }
}
