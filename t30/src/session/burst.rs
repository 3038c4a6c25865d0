//! A burst of V.21 frames: those that accompany are noted as they come, the command or response is acted on when the
//! carrier has gone, so that we never speak into the other side's signal.

use crate::{
    frame::{DirectBringer, Fcf, Message},
    time::LineTime,
};

/// A command or response, kept until its burst is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) fcf: Fcf,
    pub(super) field: Vec<u8>,
}

/// What a burst has brought so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Burst {
    began: Option<LineTime>,
    main: Option<Heard>,
    /// The last frame was intact, and its control field is none of the Recommendation.
    unknown: bool,
    damaged: bool,
}

/// What a burst was, when it is over.
pub(super) enum Brought {
    /// A command or response.
    Message(Heard, LineTime),
    /// A frame that ends a burst, intact, of a kind that is not known.
    Unknown,
    /// A signal of V.21 without an intact command or response; whether there were damaged frames in it.
    Nothing { damaged: bool },
}

impl Burst {
    pub(super) fn began(at: LineTime) -> Self {
        Self { began: Some(at), ..Self::default() }
    }

    pub(super) fn damage(&mut self) {
        self.damaged = true;
    }

    pub(super) fn take(&mut self, message: &Message<'_>) {
        // NSS is a command of its own between machines of ours.
        let brings = message.last && message.fcf == Fcf::Nss && DirectBringer::read(message.field).is_some();
        if brings || !message.fcf.accompanies() {
            self.main = Some(Heard { fcf: message.fcf, field: message.field.to_vec() });
        }
    }

    /// A frame of unknown kind; whether it was to be the last.
    pub(super) fn take_unknown(&mut self, last: bool) {
        self.unknown |= last;
    }

    pub(super) fn end(&mut self, now: LineTime) -> Option<Brought> {
        let Self { began, main, unknown, damaged } = std::mem::take(self);
        match main {
            Some(heard) => Some(Brought::Message(heard, began.unwrap_or(now))),
            None if unknown => Some(Brought::Unknown),
            None => (damaged || began.is_some()).then_some(Brought::Nothing { damaged }),
        }
    }
}
