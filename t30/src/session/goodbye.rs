//! Phase E: release.

use super::{
    core::Core,
    outcome::{Cause, Failure, Outcome, Phase},
    state::{State, Step},
    timers::{Timer, Timers},
};
use crate::frame::Fcf;

/// DCN is on the air; then the line is hung up.
pub(super) struct Goodbye {
    outcome: Outcome,
}

/// The line is hung up: nothing happens any more.
pub(super) struct Ended;

impl Goodbye {
    /// All is done: DCN and hang up.
    pub(super) fn completed(core: &mut Core) -> State {
        match core.undelivered.take() {
            Some(page) => Self::failed(core, Cause::PageRejected, None, Phase::D, page),
            None => Self::say(core, Outcome::Completed),
        }
    }

    /// The other side said DCN, or was to say it.
    pub(super) fn parted(core: &mut Core, outcome: Outcome) -> State {
        Self::hang_up(core, outcome)
    }

    /// What is on the air is our last word: then we hang up, without DCN, for the other side would speak into it.
    pub(super) fn after_answer(outcome: Outcome) -> State {
        Self { outcome }.into()
    }

    /// The other side said DCN too early.
    pub(super) fn left(core: &mut Core, phase: Phase) -> State {
        let failure = Failure::new(Cause::PeerDisconnected, None, phase, String::new());
        Self::hang_up(core, Outcome::Failed(failure))
    }

    /// It went wrong. Where a fax machine was heard and is not speaking, it is told by DCN.
    pub(super) fn failed(core: &mut Core, cause: Cause, timer: Option<Timer>, phase: Phase, detail: String) -> State {
        let outcome = Outcome::Failed(Failure::new(cause, timer, phase, detail));
        if cause == Cause::LineLost || !core.fax_heard {
            return Self::hang_up(core, outcome);
        }
        Self::say(core, outcome)
    }

    /// Like [`Self::failed`], and DCN is said even where nothing was heard.
    pub(super) fn told(core: &mut Core, cause: Cause, timer: Option<Timer>, phase: Phase, detail: String) -> State {
        Self::say(core, Outcome::Failed(Failure::new(cause, timer, phase, detail)))
    }

    fn say(core: &mut Core, outcome: Outcome) -> State {
        if core.speaking {
            core.hush();
            core.quiet_since = core.now;
        }
        if core.line_is_busy() {
            return Self::hang_up(core, outcome);
        }
        core.timers = Timers::default();
        core.say(&[(Fcf::Dcn, &[])]);
        Self { outcome }.into()
    }

    fn hang_up(core: &mut Core, outcome: Outcome) -> State {
        core.hang_up(outcome);
        Ended.into()
    }
}

impl Step for Goodbye {
    fn phase(&self) -> Phase {
        Phase::E
    }

    fn sent(self, core: &mut Core) -> State {
        Self::hang_up(core, self.outcome)
    }

    /// The other side parts too; our own outcome stands.
    fn disconnected(self, core: &mut Core) -> State {
        Self::hang_up(core, self.outcome)
    }

    fn expired(self, core: &mut Core, _timer: Timer) -> State {
        Self::hang_up(core, self.outcome)
    }

    /// Whatever fails now changes nothing of what the call came to.
    fn fail(self, core: &mut Core, cause: Cause, _timer: Option<Timer>, _detail: impl Into<String>) -> State {
        core.note(format_args!("{} while parting", cause.name()));
        Self::hang_up(core, self.outcome)
    }
}

impl Step for Ended {
    fn phase(&self) -> Phase {
        Phase::E
    }

    fn disconnected(self, _core: &mut Core) -> State {
        self.into()
    }

    fn fail(self, _core: &mut Core, _cause: Cause, _timer: Option<Timer>, _detail: impl Into<String>) -> State {
        self.into()
    }
}
