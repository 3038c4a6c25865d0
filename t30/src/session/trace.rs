//! The transcript: what was ordered, sent, heard and awaited, in a ring of bounded size.

use std::{collections::VecDeque, fmt};

use crate::time::LineTime;

/// What kind of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TraceKind {
    /// We sent it.
    Sent,
    /// The other side sent it.
    Heard,
    /// It arrived damaged.
    Damaged,
    /// A timer ran out.
    Timer,
    /// Anything else worth knowing.
    Note,
}

/// A line of the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at: LineTime,
    /// What kind.
    pub kind: TraceKind,
    /// The frame, signal, timer or note.
    pub text: String,
}

impl TraceKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Heard => "heard",
            Self::Damaged => "damaged",
            Self::Timer => "timer",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.to_string();
        write!(f, "{at:>9}  {:<7}  {}", self.kind.name(), self.text.trim_end())
    }
}

/// Lines nobody took yet; the oldest go when there are too many.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    lines: VecDeque<TraceLine>,
    room: usize,
}

impl Trace {
    pub(super) fn new(room: usize) -> Self {
        Self { lines: VecDeque::new(), room }
    }

    pub(super) fn add(&mut self, at: LineTime, kind: TraceKind, text: impl fmt::Display) {
        if self.room == 0 {
            return;
        }
        if self.lines.len() == self.room {
            self.lines.pop_front();
        }
        self.lines.push_back(TraceLine { at, kind, text: text.to_string() });
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = TraceLine> + '_ {
        self.lines.drain(..)
    }
}
