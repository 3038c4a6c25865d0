//! Lines made of PCM: where samples come from and go to.

use answertone_dsp::pcm::Block;

/// What one exchange of blocks was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Samples of the received block that the transport lost and filled with silence: 0 to 80.
    pub lost_samples: usize,
}

/// Whose clock a line runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A clock of the world: blocks come every 10 ms, and a wall-clock watchdog makes sense.
    RealTime,
    /// None: blocks come as fast as both ends work.
    Unpaced,
}

/// A full-duplex telephone line of samples, off hook.
pub trait PcmLine: Send {
    /// Exchanges one block each way; returns when the far clock says so. Never shorter, never longer.
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError>;

    /// Whose clock it runs by.
    fn pace(&self) -> Pace;

    /// Goes on hook. Samples not yet delivered are delivered first where the transport allows it.
    fn hang_up(&mut self);
}

/// Why a line cannot go on.
#[derive(Debug)]
pub enum LineError {
    /// The far end hung up, or the file ended.
    HungUp,
    /// The transport failed.
    Failed(std::io::Error),
}
