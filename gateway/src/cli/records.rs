//! What is written down of a call, as options.

use std::path::PathBuf;

use clap::Args;

/// What to write down of a call.
#[derive(Args, Clone, Debug)]
pub(super) struct RecordArgs {
    /// Record the call: left is sent, right is received.
    #[arg(long, value_name = "F.wav")]
    pub(super) record: Option<PathBuf>,
    /// Write what was sent, heard and awaited.
    #[arg(long, value_name = "F.txt")]
    pub(super) transcript: Option<PathBuf>,
}

impl RecordArgs {
    /// Whether anything is to be written.
    pub(super) fn any(&self) -> bool {
        self.record.is_some() || self.transcript.is_some()
    }
}
