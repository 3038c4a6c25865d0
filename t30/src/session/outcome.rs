//! How a call ended, and who or what ended it.

use std::fmt;

use super::{instead::Instead, timers::Timer};

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every page was sent and confirmed, or received and kept.
    Completed,
    /// It went wrong.
    Failed(Failure),
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// Whose doing it was.
    pub side: Side,
    /// The timer that ran out, if one did.
    pub timer: Option<Timer>,
    /// The phase of the call.
    pub phase: Phase,
    /// More, for people: what was awaited or what did not fit.
    pub detail: String,
}

/// Whose doing a failure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Ours.
    Local,
    /// The other machine's.
    Remote,
    /// The line's.
    Line,
}

/// Phases of a call, ITU-T T.30 clause 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Call establishment: tones.
    A,
    /// Identification, commands, training check.
    B,
    /// The page itself.
    C,
    /// After the page: was it good, what follows.
    D,
    /// Release.
    E,
}

/// Causes of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No tone, no signal of a fax machine.
    NoFaxHeard,
    /// Something else was heard, and the call given up for it.
    HeardInstead(Instead),
    /// A fax machine was there, but what was awaited did not come.
    PeerSilent,
    /// The other side hung up by DCN before the work was done.
    PeerDisconnected,
    /// The other side kept saying that it is not ready.
    PeerNotReady,
    /// The two machines have nothing in common that would do.
    Incompatible,
    /// The training check failed at every rate.
    TrainingFailed,
    /// A page did not arrive well enough, as often as it was sent.
    PageRejected,
    /// A received page could not be stored.
    PageNotKept,
    /// A page, or the call, took longer than allowed.
    TooLong,
    /// The password given is not the one expected.
    PasswordRefused,
    /// A poll, and nothing to be polled is there.
    NothingToPoll,
    /// The other side did not go along with what we sent: a poll, or a field it calls not valid.
    PeerRefused,
    /// The other side answered with a frame of no known kind.
    UnknownResponse,
    /// The other side gave a command of no known kind after a page.
    UnknownCommand,
    /// There are no pages to send.
    NothingToSend,
    /// Stopped at our end.
    LocalCancel,
    /// The line or what carries it went away.
    LineLost,
}

impl Cause {
    /// The name in machine-readable results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoFaxHeard => "no_fax_heard",
            Self::HeardInstead(instead) => instead.name(),
            Self::PeerSilent => "peer_silent",
            Self::PeerDisconnected => "peer_disconnected",
            Self::PeerNotReady => "peer_not_ready",
            Self::Incompatible => "incompatible",
            Self::TrainingFailed => "training_failed",
            Self::PageRejected => "page_rejected",
            Self::PageNotKept => "page_not_kept",
            Self::TooLong => "too_long",
            Self::PasswordRefused => "password_refused",
            Self::NothingToPoll => "nothing_to_poll",
            Self::PeerRefused => "peer_refused",
            Self::UnknownResponse => "unknown_response",
            Self::UnknownCommand => "unknown_command",
            Self::NothingToSend => "nothing_to_send",
            Self::LocalCancel => "local_cancel",
            Self::LineLost => "line_lost",
        }
    }

    /// Whose doing it is.
    pub const fn side(self) -> Side {
        match self {
            Self::HeardInstead(Instead::NoDialTone) => Side::Line,
            Self::HeardInstead(_)
            | Self::NoFaxHeard
            | Self::PeerSilent
            | Self::PeerDisconnected
            | Self::PeerNotReady => Side::Remote,
            Self::TrainingFailed | Self::PageRejected | Self::LineLost => Side::Line,
            Self::Incompatible | Self::PasswordRefused | Self::NothingToPoll => Side::Remote,
            Self::PeerRefused | Self::UnknownResponse | Self::UnknownCommand => Side::Remote,
            Self::PageNotKept | Self::TooLong | Self::NothingToSend | Self::LocalCancel => Side::Local,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::NoFaxHeard => "no fax machine was heard",
            Self::HeardInstead(instead) => instead.text(),
            Self::PeerSilent => "the other fax machine fell silent",
            Self::PeerDisconnected => "the other fax machine disconnected",
            Self::PeerNotReady => "the other fax machine stayed not ready",
            Self::Incompatible => "the fax machines do not fit",
            Self::TrainingFailed => "training failed at every rate",
            Self::PageRejected => "the page did not arrive well enough",
            Self::PageNotKept => "a received page could not be stored",
            Self::TooLong => "it took longer than allowed",
            Self::PasswordRefused => "the password was refused",
            Self::NothingToPoll => "there is no document to be polled",
            Self::PeerRefused => "the other fax machine refused",
            Self::UnknownResponse => "the other fax machine answered with a frame of no known kind",
            Self::UnknownCommand => "the other fax machine gave a command of no known kind",
            Self::NothingToSend => "there is no page to send",
            Self::LocalCancel => "the call was cancelled here",
            Self::LineLost => "the line was lost",
        }
    }
}

impl Side {
    /// The name in machine-readable results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Line => "line",
        }
    }
}

impl Phase {
    /// The letter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }
}

impl Failure {
    pub(super) fn new(cause: Cause, timer: Option<Timer>, phase: Phase, detail: String) -> Self {
        Self { cause, side: cause.side(), timer, phase, detail }
    }

    /// A sentence for people.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (phase {}", self.cause.text(), self.phase.name())?;
        if let Some(timer) = self.timer {
            write!(f, ", {}", timer.name())?;
        }
        f.write_str(")")?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}
