//! Phase B at the receiver: DIS until somebody answers, and the wait for a command later in the call.
//!
//! ```text
//! receiver  [NSF CSI] DIS   3 s   [NSF CSI] DIS   ... until T1
//! sender                                        DCS ...
//! ```

use super::{
    burst::Heard,
    core::Core,
    direct,
    goodbye::Goodbye,
    outcome::{Cause, Failure, Outcome, Phase},
    poll::{self, Ask},
    report::Verdict,
    state::{State, Step},
    timers::Timer,
    training::CheckTraining,
};
use crate::{
    frame::Fcf,
    time::{LineSpan, LineTime},
};

/// The wait after a burst that brought nothing: the sender's training check and gaps pass before DIS goes out again.
const AFTER_DAMAGE: LineSpan = LineSpan::ms(3700);

/// DIS is on the air or an answer to it is awaited.
pub(super) struct Identify {
    /// T1 ran out while DIS was on the air: its answer is the last to be awaited.
    last: bool,
    /// DIS said since anything was heard.
    said: u32,
}

/// What silence means to a receiver that waits for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The sender is gone.
    Lost,
    /// EOM was answered: say DIS again.
    Identify,
    /// EOP was answered: all is done.
    Done,
    /// FNV was said: another password may come.
    Refused,
}

/// DCS or DCN is awaited: after FTT, EOM, EOP, RTN and RTP.
pub(super) struct AwaitCommand {
    silence: Silence,
}

impl Identify {
    pub(super) fn enter(core: &mut Core) -> State {
        Self::say(core, 1)
    }

    fn say(core: &mut Core, said: u32) -> State {
        if !core.timers.runs(Timer::T1) {
            core.start(Timer::T1, core.config.limits.identification);
        }
        let ident = core.config.ident().map(|ident| ident.field());
        let nsf = direct::offer(core).or_else(|| core.config.nsf.clone());
        let dis = poll::invitation(core);
        let mut frames: Vec<(Fcf, &[u8])> = Vec::with_capacity(3);
        frames.extend(nsf.as_ref().map(|field| (Fcf::Nsf, &field[..])));
        frames.extend(ident.as_ref().map(|field| (Fcf::Csi, &field[..])));
        frames.push((Fcf::Dis, dis.octets()));
        core.say(&frames);
        Self { last: false, said }.into()
    }

    /// Something that is no answer to DIS.
    fn noise(self, core: &mut Core, heard: &Heard) -> State {
        leave_room_for_training(core);
        Self { said: 0, ..self }.unexpected(core, heard)
    }

    /// DCN goes out though nobody was heard: somebody may hear us.
    fn give_up(self, core: &mut Core, timer: Timer) -> State {
        if let Some(over) = direct::parted(core) {
            return over;
        }
        let cause = if core.fax_heard { Cause::PeerSilent } else { Cause::NoFaxHeard };
        Goodbye::told(core, cause, Some(timer), Phase::B, "no answer to DIS".to_owned())
    }

    fn may_say_again(&self, core: &Core) -> bool {
        !self.last && core.config.limits.identification_tries.is_none_or(|most| self.said < most)
    }
}

/// Something was heard that may have been DCS: we stay silent while a training check may follow.
pub(super) fn leave_room_for_training(core: &mut Core) {
    core.start(Timer::T4, AFTER_DAMAGE);
    core.timers.extend(Timer::T1, core.now + AFTER_DAMAGE);
}

impl Step for Identify {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn sent(self, core: &mut Core) -> State {
        core.await_response();
        self.into()
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dcs => {
                core.timers.stop(Timer::T1);
                CheckTraining::enter(core, heard)
            }
            Fcf::Dtc => poll::polled(core, &heard),
            Fcf::Nss => match direct::accepted(core, &heard) {
                Some(fetch) => fetch,
                None => self.noise(core, &heard),
            },
            // Our own, come back from the line.
            Fcf::Dis if heard.field == poll::invitation(core).octets() => {
                leave_room_for_training(core);
                self.unexpected(core, &heard)
            }
            // It takes itself for the called station and can receive.
            Fcf::Dis => {
                core.x = true;
                poll::polled(core, &heard)
            }
            Fcf::Crp if !self.last => Self::enter(core),
            _ => self.noise(core, &heard),
        }
    }

    fn disconnected(self, core: &mut Core) -> State {
        direct::parted(core).unwrap_or_else(|| Goodbye::left(core, Phase::B))
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        leave_room_for_training(core);
        Self { said: 0, ..self }.into()
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::T4 if self.may_say_again(core) => Self::say(core, self.said + 1),
            Timer::T1 if core.speaking => Self { last: true, ..self }.into(),
            _ if self.last => self.give_up(core, Timer::T1),
            _ => self.give_up(core, timer),
        }
    }
}

impl AwaitCommand {
    pub(super) fn enter(silence: Silence) -> State {
        Self { silence }.into()
    }

    /// No better password came.
    fn refused(core: &mut Core, timer: Option<Timer>) -> State {
        let detail = core.refusal().unwrap_or_default();
        Goodbye::parted(core, Outcome::Failed(Failure::new(Cause::PasswordRefused, timer, Phase::B, detail)))
    }

    /// The last page was answered, and the sender does not part as it should: the fax is here all the same.
    fn over_without(core: &mut Core, why: &str) -> State {
        core.note(format_args!("{why}; the last page was answered before"));
        Self::over(core)
    }

    /// The sender is gone; whether the call was a success depends on the last page.
    fn over(core: &mut Core) -> State {
        match core.report.pages.last() {
            Some(page) if !page.verdict.is_good() => {
                let detail = format!("page {}: {}", page.number, page.verdict.name());
                Goodbye::parted(core, Outcome::Failed(Failure::new(Cause::PageRejected, None, Phase::D, detail)))
            }
            _ => Goodbye::parted(core, Outcome::Completed),
        }
    }
}

impl Step for AwaitCommand {
    fn phase(&self) -> Phase {
        match self.silence {
            Silence::Done => Phase::E,
            _ => Phase::B,
        }
    }

    fn sent(self, core: &mut Core) -> State {
        core.listen_to_frames();
        core.await_command();
        self.into()
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dcs => CheckTraining::enter(core, heard),
            Fcf::Dtc if !core.caller => poll::polled(core, &heard),
            Fcf::Crp | Fcf::Rr => {
                core.answer_again();
                self.into()
            }
            _ if core.is_repeated(&heard) => {
                core.answer_again();
                self.into()
            }
            _ => {
                core.await_command();
                self.unexpected(core, &heard)
            }
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        core.await_command();
        self.into()
    }

    fn disconnected(self, core: &mut Core) -> State {
        match self.silence {
            Silence::Done => Self::over(core),
            Silence::Refused => Self::refused(core, None),
            // The sender gave up on a page we refused.
            _ if core.report.pages.last().is_some_and(|page| page.verdict == Verdict::Rejected) => Self::over(core),
            _ => Goodbye::left(core, Phase::B),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match self.silence {
            Silence::Identify if core.caller => Ask::enter(core, 1),
            Silence::Identify => Identify::enter(core),
            Silence::Done => Self::over_without(core, "DCN was not heard"),
            Silence::Refused => Self::refused(core, Some(timer)),
            Silence::Lost => self.fail(core, Cause::PeerSilent, Some(timer), "no command"),
        }
    }

    /// Once the last page was answered nothing can be lost any more.
    fn fail(self, core: &mut Core, cause: Cause, timer: Option<Timer>, detail: impl Into<String>) -> State {
        match (self.silence, cause) {
            (Silence::Done, Cause::LocalCancel) => {
                core.note("cancelled when all was done: the answer to the last page is still sent");
                self.into()
            }
            (Silence::Done, Cause::LineLost) => Self::over_without(core, "the line was lost"),
            (Silence::Done, _) => Self::over_without(core, cause.name()),
            _ => Goodbye::failed(core, cause, timer, self.phase(), detail.into()),
        }
    }
}
