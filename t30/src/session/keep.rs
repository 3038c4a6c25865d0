//! A page is given out, and its confirmation waits until it is kept. With error correction RNR covers the wait.
//!
//! ```text
//! sender    PPS-x              RR              RR              ▶ next
//! receiver        0.3 s  RNR        RNR             MCF
//! ```

use super::{
    burst::Heard,
    config::NotKept,
    core::Core,
    growing::Follows,
    outcome::{Cause, Phase},
    receive::{self, Following},
    report::Verdict,
    state::{State, Step},
    terms::Terms,
    timers::Timer,
};
use crate::{
    frame::Fcf,
    time::{LineSpan, LineTime},
};

/// How long the answer waits before RNR is said in its place.
const RNR_AFTER: LineSpan = LineSpan::ms(300);

/// How long the sender may be left without an answer when there is no RNR: its T4 is 3 s.
const NO_ANSWER_AFTER: LineSpan = LineSpan::ms(2000);

/// A page waits for its storage.
pub(super) struct Keep {
    command: Heard,
    verdict: Verdict,
    following: Following,
    ecm: bool,
    /// RNR was said: the answer is given when RR asks for it.
    held: bool,
    /// What became of it, when that was known while RNR held the sender.
    kept: Option<Result<(), NotKept>>,
    since: LineTime,
}

impl Keep {
    pub(super) fn enter(
        core: &mut Core,
        terms: Terms,
        command: Heard,
        verdict: Verdict,
        following: Following,
    ) -> State {
        core.timers.stop(Timer::T2);
        let ecm = terms.ecm.is_some();
        core.start(Timer::Keeping, if ecm { RNR_AFTER } else { NO_ANSWER_AFTER });
        Self { command, verdict, following, ecm, held: false, kept: None, since: core.now }.into()
    }

    /// What follows the page.
    pub(super) fn follows(&self) -> Follows {
        match self.following {
            Following::Page(_) => Follows::Page,
            Following::Identification => Follows::Document,
            Following::Nothing => Follows::Nothing,
        }
    }

    /// The page is to be sent again.
    pub(super) fn refuse(&mut self) {
        self.verdict = Verdict::Rejected;
    }

    fn answer(self, core: &mut Core) -> State {
        core.timers.stop(Timer::Keeping);
        receive::answer(core, self.command, self.verdict, self.following)
    }

    /// The sender asks for the answer.
    fn asked(self, core: &mut Core) -> State {
        match self.kept.clone() {
            Some(Ok(())) => self.answer(core),
            Some(Err(NotKept(why))) => self.lost(core, None, why),
            None if self.ecm => self.not_ready(core),
            None => self.into(),
        }
    }

    fn not_ready(mut self, core: &mut Core) -> State {
        core.timers.stop(Timer::Keeping);
        if core.now.since(self.since) >= core.config.limits.keeping {
            return self.lost(core, Some(Timer::Keeping), "storing it took too long".into());
        }
        core.answer(self.command.clone(), Fcf::Rnr, &[]);
        self.held = true;
        self.into()
    }

    fn lost(self, core: &mut Core, timer: Option<Timer>, why: String) -> State {
        core.take_back_page();
        self.fail(core, Cause::PageNotKept, timer, why)
    }
}

impl Step for Keep {
    fn phase(&self) -> Phase {
        Phase::D
    }

    fn sent(self, core: &mut Core) -> State {
        core.listen_to_frames();
        core.await_command();
        self.into()
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Rr | Fcf::Crp => self.asked(core),
            _ if heard == self.command => self.asked(core),
            _ => self.unexpected(core, &heard),
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        core.await_command();
        self.into()
    }

    fn kept(mut self, core: &mut Core, kept: Result<(), NotKept>) -> State {
        match kept {
            // RNR is on the air or was heard: RR will ask.
            _ if self.held => {
                self.kept = Some(kept);
                self.into()
            }
            Err(NotKept(why)) => self.lost(core, None, why),
            Ok(()) => self.answer(core),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::Keeping if self.ecm => self.not_ready(core),
            Timer::Keeping => self.lost(core, Some(timer), "storing it took too long".into()),
            _ => self.fail(core, Cause::PeerSilent, Some(timer), "no RR after RNR"),
        }
    }
}
