//! Lines made of PCM: where samples come from and go to.
//!
//! ```text
//!  engine ── exchange(tx block) ──▶ PcmLine ──▶ simulated line, WAV files, standard streams
//!         ◀───── rx block ────────
//! ```
//!
//! A line is named by a [`LineUri`] and made by [`open`]; a simulated line has two ends and is made by [`sim::pair`].

pub mod sim;
mod stdio;
mod uri;
mod watchdog;
mod wav;

use std::{io, time::Duration};

use answertone_dsp::pcm::Block;
pub use stdio::FramedLine;
use thiserror::Error;
pub use uri::{LineUri, UriError};
pub use watchdog::Watched;
pub use wav::WavLine;

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
#[derive(Debug, Error)]
pub enum LineError {
    /// The far end hung up, or the file ended.
    #[error("the far end hung up")]
    HungUp,
    /// No block came for so long.
    #[error("no audio came from the line for {} s; check that the device or the far system is still running", .0.as_secs_f32())]
    Stalled(Duration),
    /// The transport failed.
    #[error("the line failed: {0}")]
    Failed(#[from] io::Error),
}

/// Why a line could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A simulated line has two ends; one alone cannot be opened.
    #[error("a simulated line needs a far end; it is made as a pair")]
    NeedsFarEnd,
    /// A WAV file could not be used.
    #[error("{path}: {reason}")]
    Wav {
        /// The file.
        path: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

/// Opens a line of one end.
pub fn open(uri: &LineUri) -> Result<Box<dyn PcmLine>, OpenError> {
    match uri {
        LineUri::Sim(_) => Err(OpenError::NeedsFarEnd),
        LineUri::Wav { input, output } => Ok(Box::new(WavLine::open(input, output.as_deref())?)),
        LineUri::Stdio { patience } => {
            let line = FramedLine::new(io::stdin(), io::stdout());
            Ok(Box::new(Watched::with_patience(Box::new(line), *patience)))
        }
    }
}
