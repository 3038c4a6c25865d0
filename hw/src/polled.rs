//! Lines that never wait, so that one thread can serve many.
//!
//! ```text
//!  engine ── try_exchange(now, tx block) ──▶ PolledLine     not due: nothing happens
//!         ◀── rx block ─────────────────────                due: one block each way
//! ```

use std::{
    ops::DerefMut,
    thread,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::Block;

use crate::{Exchange, LineError, Pace, PcmLine, Transport, hook::Hook};

/// A full-duplex telephone line of samples, off hook, that is asked when its next block is due.
pub trait PolledLine: Send {
    /// When the next block is due.
    fn due(&self) -> Instant;

    /// Exchanges one block each way if it is due by now. Never waits: not for the far end, a device or a disk.
    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError>;

    /// Goes on hook.
    fn hang_up(&mut self);

    /// A digit the far side has told beside the audio, the oldest not yet taken.
    fn digit(&mut self) -> Option<char> {
        None
    }

    /// The number that was called, where the transport has told it.
    fn called(&self) -> Option<&str> {
        None
    }

    /// What the transport has seen so far.
    fn transport(&self) -> Option<Transport> {
        None
    }

    /// The line's hook switch, where it has one.
    fn hook(&mut self) -> Option<&mut dyn Hook> {
        None
    }
}

/// A line that is owned elsewhere, or on the heap.
impl<P> PolledLine for P
where
    P: DerefMut + Send,
    P::Target: PolledLine,
{
    fn due(&self) -> Instant {
        (**self).due()
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        (**self).try_exchange(now, tx, rx)
    }

    fn hang_up(&mut self) {
        (**self).hang_up();
    }

    fn digit(&mut self) -> Option<char> {
        (**self).digit()
    }

    fn called(&self) -> Option<&str> {
        (**self).called()
    }

    fn transport(&self) -> Option<Transport> {
        (**self).transport()
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        (**self).hook()
    }
}

/// The longest sleep at a time: a far end that has gone is noticed then.
const NAP: Duration = Duration::from_millis(20);

/// A polled line for who has a thread to wait on.
pub struct Waiting<L>(pub L);

impl<L: PolledLine> PcmLine for Waiting<L> {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        loop {
            let now = Instant::now();
            if let Some(exchange) = self.0.try_exchange(now, tx, rx)? {
                return Ok(exchange);
            }
            thread::sleep(self.0.due().saturating_duration_since(now).min(NAP));
        }
    }

    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn hang_up(&mut self) {
        self.0.hang_up();
    }

    fn digit(&mut self) -> Option<char> {
        self.0.digit()
    }

    fn transport(&self) -> Option<Transport> {
        self.0.transport()
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        self.0.hook()
    }
}
