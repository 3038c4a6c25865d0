//! Phase B at the receiver: the training check after DCS.
//!
//! ```text
//! sender    DCS  75 ms  training, 1.5 s of zeros                 ▶ page or DCS
//! receiver                                       75 ms  CFR | FTT
//! ```

use super::{
    Event,
    burst::Heard,
    core::Core,
    goodbye::Goodbye,
    identify::{AwaitCommand, Silence},
    outcome::{Cause, Phase},
    poll, receive,
    state::{Sign, State, Step},
    tcf::TrainingCheck,
    terms::Terms,
    timers::Timer,
};
use crate::{
    frame::{BitField, Fcf},
    seam::{Framing, Listen},
    time::{LineSpan, LineTime},
};

/// From the end of DCS the training check is over by now: gap, the longest training with protection, 1.5 s + 10 %.
const CHECK_OVER: LineSpan = LineSpan::ms(4000);

/// A signal that ends sooner than this after DCS was none: the echo of DCS, or a click.
const CHECK_NOT_OVER: LineSpan = LineSpan::ms(1200);

/// The training check is awaited or heard.
pub(super) struct CheckTraining {
    dcs: Heard,
    terms: Terms,
    check: TrainingCheck,
    since: LineTime,
    /// What the transport had lost before the check.
    lost_before: LineSpan,
    trained: bool,
    /// The call is to end: the check is answered by DCN, which the sender would not hear before.
    leaving: bool,
}

impl CheckTraining {
    pub(super) fn enter(core: &mut Core, dcs: Heard) -> State {
        [Timer::T1, Timer::T2, Timer::T4].into_iter().for_each(|timer| core.timers.stop(timer));
        let terms = match Terms::read(&core.config, &BitField::read(&dcs.field)) {
            Ok(terms) => terms,
            Err(mismatch) => {
                return Goodbye::failed(core, Cause::Incompatible, None, Phase::B, mismatch.0);
            }
        };
        if core.report.terms.is_none() {
            core.event(Event::PeerKnown(Box::new(core.report.peer.clone())));
        }
        core.report.trainings += 1;
        core.sending = false;
        core.confirmed_block = None;
        core.agreed(terms);
        core.listen(Listen::To { carrier: terms.carrier, framing: Framing::Raw });
        core.start(Timer::TrainingCheck, CHECK_OVER);
        Self {
            dcs,
            terms,
            check: TrainingCheck::default(),
            since: core.quiet_since,
            lost_before: core.report.lost,
            trained: false,
            leaving: false,
        }
        .into()
    }

    fn judge(self, core: &mut Core) -> State {
        core.timers.stop(Timer::TrainingCheck);
        if self.leaving {
            return Goodbye::failed(core, Cause::LocalCancel, None, Phase::B, String::new());
        }
        if let Some(why) = core.refusal() {
            return poll::refuse(core, self.dcs, why);
        }
        if !core.caller && !core.config.receives {
            return self.fail(
                core,
                Cause::Incompatible,
                None,
                "it wants to send, and we only have a document to be polled",
            );
        }
        let (run, errors) = (self.check.longest_run(self.terms.carrier), self.check.errors());
        let lost = LineSpan(core.report.lost.0 - self.lost_before.0);
        let good = match self.terms.ecm {
            Some(_) => self.check.is_good_but_for_losses(self.terms.carrier, lost),
            None => self.check.is_good(self.terms.carrier),
        };
        let good = self.trained && good;
        let words = if self.trained { "training check" } else { "no training check" };
        core.note(format_args!("{words}: {} ms without error, {errors} bit errors", run.as_ms()));
        if good {
            core.answer(self.dcs, Fcf::Cfr, &[]);
            return receive::page(core, self.terms);
        }
        core.answer(self.dcs, Fcf::Ftt, &[]);
        AwaitCommand::enter(Silence::Lost)
    }
}

impl Step for CheckTraining {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn sign(mut self, core: &mut Core, sign: Sign) -> State {
        match sign {
            Sign::Trained(_) => {
                self.trained = true;
                self.check = TrainingCheck::default();
                self.lost_before = core.report.lost;
                self.into()
            }
            Sign::FastDown if core.quiet_since.since(self.since) >= CHECK_NOT_OVER => self.judge(core),
            _ => self.into(),
        }
    }

    fn octets(mut self, _core: &mut Core, octets: &[u8]) -> State {
        self.check.push(octets);
        self.into()
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dcs => Self::enter(core, heard),
            _ => self.unexpected(core, &heard),
        }
    }

    fn expired(self, core: &mut Core, _timer: Timer) -> State {
        self.judge(core)
    }

    fn fail(mut self, core: &mut Core, cause: Cause, timer: Option<Timer>, detail: impl Into<String>) -> State {
        if cause == Cause::LocalCancel {
            self.leaving = true;
            return self.into();
        }
        Goodbye::failed(core, cause, timer, Phase::B, detail.into())
    }
}
