//! Phase A: the caller's tone, the answerer's tone, and the caller's wait for DIS.
//!
//! ```text
//! caller    CNG ... CNG ...                     ▶ DCS
//! answerer          silence 2 s, CED, 75 ms, DIS
//! ```

use super::{
    Event,
    air::Air,
    burst::Heard,
    core::Core,
    direct,
    growing::{After, AwaitPage},
    identify::Identify,
    negotiate,
    outcome::{Cause, Phase},
    poll::{self, Ask},
    state::{Sign, State, Step},
    timers::Timer,
    trace::TraceKind,
};
use crate::{
    frame::{Fcf, bit},
    seam::{Carrier, Listen, Signal, Tone},
    time::{LineSpan, LineTime},
};

/// Silence the answering station leaves before its tone, ITU-T T.30 4.3.3.2: 1.8 to 2.5 s.
const ANSWER_SILENCE: LineSpan = LineSpan::ms(1850);

/// Caller: CNG is on the air, nobody is known yet.
pub(super) struct Calling;

/// Caller after EOM: back in phase B, page `page` is next.
pub(super) struct AwaitDis {
    pub(super) page: usize,
    pub(super) resends: u32,
}

/// Answerer: silence, then CED.
pub(super) struct Answering;

impl Calling {
    pub(super) fn enter(core: &mut Core) -> State {
        core.listen(Listen::Tones);
        core.call_out();
        core.start(Timer::T0, core.config.limits.answer);
        core.note("calling");
        Self.into()
    }

    fn someone_answers(self, core: &mut Core) -> State {
        if core.timers.runs(Timer::T0) {
            core.timers.stop(Timer::T0);
            core.hush();
            core.start(Timer::T1, core.config.limits.identification);
        }
        self.into()
    }
}

impl Step for Calling {
    fn phase(&self) -> Phase {
        Phase::A
    }

    fn sign(self, core: &mut Core, sign: Sign) -> State {
        match sign {
            Sign::Tone(Tone::Ced) | Sign::CarrierUp(Carrier::V21) => self.someone_answers(core),
            _ => self.into(),
        }
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dis => {
                core.hush();
                offered(core, &heard, 0, 0)
            }
            _ => self.unexpected(core, &heard),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        core.hush();
        let cause = if core.fax_heard { Cause::PeerSilent } else { Cause::NoFaxHeard };
        self.fail(core, cause, Some(timer), "no DIS was heard")
    }
}

impl AwaitDis {
    pub(super) fn enter(core: &mut Core, page: usize, resends: u32) -> State {
        core.listen_to_frames();
        core.start(Timer::T1, core.config.limits.identification);
        Self { page, resends }.into()
    }
}

impl Step for AwaitDis {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Dis | Fcf::Dtc => offered(core, &heard, self.page, self.resends),
            _ => self.unexpected(core, &heard),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        self.fail(core, Cause::PeerSilent, Some(timer), "no DIS after EOM")
    }
}

/// The other side said what it can do.
fn offered(core: &mut Core, dis: &Heard, page: usize, resends: u32) -> State {
    core.timers.stop(Timer::T0);
    core.timers.stop(Timer::T1);
    core.x = core.caller;
    poll::note_capabilities(core, dis);
    core.event(Event::PeerKnown(Box::new(core.report.peer.clone())));
    if core.growing.is_some() {
        return AwaitPage::enter(core, page, After::Identification);
    }
    if let Some(bring) = direct::begin(core, page) {
        return bring;
    }
    match page < core.document.pages.len() || !core.is_to_poll() {
        true => negotiate::propose(core, page, resends),
        false if core.theirs().has(bit::POLLING) => Ask::enter(core, 1),
        false => poll::nothing_there(core),
    }
}

impl Answering {
    pub(super) fn enter(core: &mut Core) -> State {
        core.listen(Listen::Tones);
        core.note("answering");
        let at = core.now + ANSWER_SILENCE;
        core.trace.add(at, TraceKind::Sent, "CED");
        core.send(Signal::Ced, at, Air::Silent);
        Self.into()
    }
}

impl Step for Answering {
    fn phase(&self) -> Phase {
        Phase::A
    }

    fn sent(self, core: &mut Core) -> State {
        Identify::enter(core)
    }
}
