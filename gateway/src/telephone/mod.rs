//! Before a call: dialling on a line with a hook switch, and waiting for one to ring.
//!
//! ```text
//!  dial:    off hook ─▶ dial tone ─▶ digits, pulses, flashes, pauses ─▶ the call
//!  answer:  ring ─▶ caller ID between rings ─▶ ring ... ─▶ off hook ─▶ the call
//! ```

mod answer;
mod dial;
mod line_card;

use std::io;

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{LineError, PcmLine, hook::Hook};
use answertone_t30::session::Instead;
use thiserror::Error;

pub(crate) use answer::{Listener, told};
pub use answer::{Rings, await_ring, open, rung};
pub use dial::{BadDialString, DialString, dial};
pub use line_card::LineCard;

/// Blocks in a second.
const BLOCKS_PER_SECOND: u32 = 100;

/// Why there is no call.
#[derive(Debug, Error)]
pub enum NoCall {
    /// No dial tone came.
    #[error("no dial tone in {0} s; check the wiring, try --country, or dial blind by leaving W out of --dial")]
    NoDialTone(u32),
    /// Nobody answered with silence.
    #[error("no answer that is silence in {0} s")]
    NoQuietAnswer(u32),
    /// The network says that it cannot.
    #[error("the exchange answers the dialling with its {} tone", .0.name())]
    Refused(Instead),
    /// The hook switch does not work.
    #[error("the hook switch failed: {0}")]
    Hook(#[from] io::Error),
    /// The line ended.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Ctrl-C.
    #[error("stopped before the call began")]
    Cancelled,
}

/// A line before its call, and who may say at every block that there is to be none.
struct Handset<'a> {
    line: &'a mut dyn PcmLine,
    cancelled: &'a mut dyn FnMut() -> bool,
}

impl NoCall {
    /// What the network said, or did not say, if it was that.
    pub fn heard(&self) -> Option<Instead> {
        match self {
            Self::NoDialTone(_) => Some(Instead::NoDialTone),
            Self::Refused(instead) => Some(*instead),
            _ => None,
        }
    }
}

impl Handset<'_> {
    fn exchange(&mut self, tx: &Block) -> Result<Block, NoCall> {
        if (self.cancelled)() {
            return Err(NoCall::Cancelled);
        }
        let mut rx = SILENCE;
        self.line.exchange(tx, &mut rx)?;
        Ok(rx)
    }

    fn silence(&mut self, blocks: u32) -> Result<(), NoCall> {
        (0..blocks).try_for_each(|_| self.exchange(&SILENCE).map(|_| ()))
    }

    /// Sets the hook of a line that has one.
    fn hook(&mut self, off_hook: bool) -> Result<(), NoCall> {
        self.line.hook().map_or(Ok(()), |hook| hook.set(off_hook)).map_err(NoCall::Hook)
    }

    /// Asks something of the switch that only some can do by themselves.
    fn by_itself(&mut self, what: impl FnOnce(&mut dyn Hook) -> io::Result<bool>) -> Result<bool, NoCall> {
        self.line.hook().map_or(Ok(false), what).map_err(NoCall::Hook)
    }
}

/// Whether a line can be on hook.
pub fn has_switch(line: &mut dyn PcmLine) -> bool {
    line.hook().is_some_and(|hook: &mut dyn Hook| hook.is_switch())
}

/// Goes off hook on a line that has a switch.
pub fn lift(line: &mut dyn PcmLine) -> Result<(), NoCall> {
    line.hook().map_or(Ok(()), |hook| hook.set(true)).map_err(NoCall::Hook)
}

#[cfg(test)]
mod tests;
