//! A voice request: before a page is answered, or after it was, a person is called to the telephone, T3.
//!
//! ```text
//! sender    page  PRI-x          PRI-x ...
//! receiver               T3             PIP or PIN, and people talk; nobody came: MCF or RTN
//! ```
//!
//! Where there is nobody to be called, PRI-x is answered as x, and PIP and PIN are taken for MCF and RTN.

use super::{
    Event,
    burst::Heard,
    config::Operator,
    core::Core,
    goodbye::Goodbye,
    outcome::{Cause, Failure, Outcome, Phase},
    receive::{self, Following},
    report::Verdict,
    state::{State, Step},
    timers::{T3, Timer},
};
use crate::{
    frame::{Fcf, PartialPage, PostMessage},
    time::LineTime,
};

/// The receiver of a page waits for a person before it answers.
pub(super) struct AwaitOperator {
    command: Heard,
    verdict: Verdict,
    following: Following,
    /// The person's answer, while the sender is asking again.
    there: Option<bool>,
}

/// Whether a person is to be called before this command is answered.
pub(super) fn is_wanted(core: &Core, command: &Heard) -> bool {
    let asks = match command.fcf {
        Fcf::PriMps | Fcf::PriEom | Fcf::PriEop => true,
        Fcf::Pps => PartialPage::read(&command.field)
            .is_some_and(|page| matches!(page.then, PostMessage::PriMps | PostMessage::PriEom | PostMessage::PriEop)),
        _ => false,
    };
    asks && core.config.operator == Operator::Called
}

/// The other side's answer to a page asks for a person; the pages go on meanwhile.
pub(super) fn note_request(core: &mut Core, verdict: Verdict) {
    let asks = matches!(verdict, Verdict::ConfirmedInterrupt | Verdict::RejectedInterrupt);
    if asks && core.config.operator == Operator::Called {
        core.event(Event::OperatorWanted);
    }
}

impl AwaitOperator {
    pub(super) fn enter(core: &mut Core, command: Heard, verdict: Verdict, following: Following) -> State {
        core.note("the other side asks for a person");
        core.event(Event::OperatorWanted);
        core.timers.stop(Timer::T2);
        core.listen_to_frames();
        core.start(Timer::T3, T3);
        Self { command, verdict, following, there: None }.into()
    }

    /// Acts on what is known when the line is quiet.
    fn settled(self, core: &mut Core) -> State {
        match self.there {
            None => self.into(),
            Some(_) if core.line_is_busy() => self.into(),
            Some(true) => self.hand_over(core),
            Some(false) => self.go_on(core),
        }
    }

    /// People talk: after our answer the line is theirs, and nothing more is said.
    fn hand_over(self, core: &mut Core) -> State {
        core.timers.stop(Timer::T3);
        let good = self.verdict.is_good();
        core.answer(self.command, if good { Fcf::Pip } else { Fcf::Pin }, &[]);
        core.report.handed_over = true;
        let detail = "the page was refused, and a person took the telephone".to_owned();
        let refused = || Outcome::Failed(Failure::new(Cause::PageRejected, None, Phase::D, detail));
        Goodbye::after_answer(if good { Outcome::Completed } else { refused() })
    }

    /// Nobody comes: the answer is that to x.
    fn go_on(self, core: &mut Core) -> State {
        core.timers.stop(Timer::T3);
        receive::say_verdict(core, self.command, self.verdict, self.following)
    }
}

impl Step for AwaitOperator {
    fn phase(&self) -> Phase {
        Phase::D
    }

    /// It asks again for want of an answer.
    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        if heard == self.command || heard.fcf == Fcf::Crp { self.settled(core) } else { self.unexpected(core, &heard) }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        self.settled(core)
    }

    fn operator(mut self, core: &mut Core, there: bool) -> State {
        self.there = Some(there);
        self.settled(core)
    }

    fn expired(self, core: &mut Core, _timer: Timer) -> State {
        self.go_on(core)
    }
}
