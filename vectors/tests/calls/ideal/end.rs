//! The two ends, and what came of a call.

use super::*;

/// An end of the line.
pub(super) struct End {
    pub(super) session: Session,
    pub(super) listen: Listen,
    /// Increases with every order to send or hush: what belongs to an older one is void.
    pub(super) turn: u64,
    pub(super) sending: Option<(Signal, LineTime)>,
    /// Signals cut short: what was still to be heard of them is void.
    pub(super) hushes: u64,
    pub(super) hung_up: bool,
    pub(super) storage: Option<(LineSpan, Result<(), NotKept>)>,
    pub(super) result: EndResult,
}

/// What came of a call at one end.
#[derive(Default)]
pub(crate) struct EndResult {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) received: Vec<ReceivedPage>,
    pub(crate) sent: Vec<(usize, Verdict)>,
    pub(crate) report: Report,
    pub(crate) trace: Vec<String>,
}

/// What came of a call.
pub(crate) struct CallResult {
    pub(crate) caller: EndResult,
    pub(crate) answerer: EndResult,
    pub(crate) aired: Vec<Aired>,
    pub(crate) frames: usize,
    /// Things told to the two sessions.
    pub(crate) events: usize,
    pub(crate) collisions: usize,
    pub(crate) ended: LineTime,
}

impl End {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            listen: Listen::Nothing,
            turn: 0,
            sending: None,
            hushes: 0,
            hung_up: false,
            storage: None,
            result: EndResult::default(),
        }
    }

    pub(super) fn wait(&mut self) -> Option<LineTime> {
        match self.session.poll() {
            Output::Wait(due) => due,
            other => panic!("{other:?} was not taken"),
        }
    }

    pub(super) fn transcript(&mut self) -> Vec<String> {
        self.session.take_trace().map(|line| line.to_string()).collect()
    }
}

impl CallResult {
    /// Both transcripts, for messages of failed tests.
    pub(crate) fn transcript(&self) -> String {
        format!("caller\n{}\nanswerer\n{}", self.caller.trace.join("\n"), self.answerer.trace.join("\n"))
    }

    /// Names of the frames one side said by V.21, in order.
    pub(crate) fn said(&self, side: Side) -> Vec<&'static str> {
        let slow =
            |aired: &&Aired| aired.from == side && matches!(aired.signal, Signal::Data { carrier: Carrier::V21, .. });
        self.aired.iter().filter(slow).flat_map(|aired| aired.frames.iter().copied()).collect()
    }
}
