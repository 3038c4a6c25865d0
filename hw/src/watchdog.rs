//! A wall-clock watchdog: time on a line is counted in samples, so when samples stop, somebody else must notice.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use answertone_dsp::pcm::{Block, SILENCE};

use crate::{Exchange, LineError, Pace, PcmLine};

/// How long a line with a clock of its own may go without a block: two hundred blocks.
const REAL_TIME_PATIENCE: Duration = Duration::from_secs(2);

/// A line that reports [`LineError::Stalled`] when it gives no block for too long.
///
/// The line lives on a thread of its own, because a call into a dead device may never come back; that thread is
/// left to itself then.
pub struct Watched {
    to_line: Option<SyncSender<Block>>,
    from_line: Receiver<Result<(Block, Exchange), LineError>>,
    pace: Pace,
    patience: Duration,
}

impl Watched {
    /// Watches a line with a clock of its own: two seconds without a block are too long.
    pub fn new(line: Box<dyn PcmLine>) -> Self {
        Self::with_patience(line, REAL_TIME_PATIENCE)
    }

    /// Watches a line that may take so long for a block.
    pub fn with_patience(mut line: Box<dyn PcmLine>, patience: Duration) -> Self {
        let pace = line.pace();
        let (to_line, orders) = sync_channel::<Block>(1);
        let (results, from_line) = sync_channel(1);
        thread::spawn(move || {
            while let Ok(tx) = orders.recv() {
                let mut rx = SILENCE;
                let result = line.exchange(&tx, &mut rx).map(|exchange| (rx, exchange));
                if results.send(result).is_err() {
                    break;
                }
            }
            line.hang_up();
        });
        Self { to_line: Some(to_line), from_line, pace, patience }
    }
}

impl PcmLine for Watched {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        let to_line = self.to_line.as_ref().ok_or(LineError::HungUp)?;
        to_line.send(*tx).map_err(|_| LineError::HungUp)?;
        let (block, exchange) = match self.from_line.recv_timeout(self.patience) {
            Ok(result) => result?,
            Err(RecvTimeoutError::Disconnected) => return Err(LineError::HungUp),
            Err(RecvTimeoutError::Timeout) => {
                self.to_line = None;
                return Err(LineError::Stalled(self.patience));
            }
        };
        *rx = block;
        Ok(exchange)
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    /// Waits until the line has hung up, which may still deliver samples; not for one that has stalled.
    fn hang_up(&mut self) {
        if self.to_line.take().is_some() {
            // The thread gives no more results; it ends, and this with it.
            let _ = self.from_line.recv_timeout(self.patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dead;

    impl PcmLine for Dead {
        fn exchange(&mut self, _: &Block, _: &mut Block) -> Result<Exchange, LineError> {
            thread::sleep(Duration::from_secs(3600));
            Ok(Exchange::default())
        }

        fn pace(&self) -> Pace {
            Pace::RealTime
        }

        fn hang_up(&mut self) {}
    }

    #[test]
    fn a_line_that_gives_no_block_is_stalled() {
        let mut line = Watched::with_patience(Box::new(Dead), Duration::from_millis(20));
        let mut rx = SILENCE;
        assert!(matches!(line.exchange(&SILENCE, &mut rx), Err(LineError::Stalled(_))));
        line.hang_up();
        assert!(matches!(line.exchange(&SILENCE, &mut rx), Err(LineError::HungUp)));
    }

    /// Says on a channel when it has hung up.
    struct Slow(SyncSender<()>);

    impl PcmLine for Slow {
        fn exchange(&mut self, _: &Block, _: &mut Block) -> Result<Exchange, LineError> {
            Ok(Exchange::default())
        }

        fn pace(&self) -> Pace {
            Pace::Unpaced
        }

        fn hang_up(&mut self) {
            thread::sleep(Duration::from_millis(50));
            self.0.send(()).unwrap();
        }
    }

    #[test]
    fn a_hang_up_is_over_when_the_line_has_hung_up() {
        let (said, hung_up) = sync_channel(1);
        let mut line = Watched::with_patience(Box::new(Slow(said)), Duration::from_secs(60));
        assert_eq!(line.pace(), Pace::Unpaced);
        line.exchange(&SILENCE, &mut SILENCE.clone()).unwrap();
        line.hang_up();
        assert_eq!(hung_up.try_recv(), Ok(()));
    }
}
