//! The states of a call, and how what happens reaches them.
//!
//! ```text
//! caller     Calling ─ DIS ─▶ SendDcs ─▶ SendTcf ─▶ AwaitConfirmation ─ CFR ─▶ SendImage ─▶ AwaitVerdict ─┐
//!                               ▲ FTT, RTP, RTN        │                        SendBlock ─▶ AwaitBlockVerdict
//!                               └──────────────────────┴────────────────────────────────────────────── MCF ┴▶ Goodbye
//! polling    ... Ask ─ DCS ─▶ CheckTraining: the caller receives; Identify ─ DTC ─▶ SendDcs: the answerer sends
//! answerer   Answering ─▶ Identify ─ DCS ─▶ CheckTraining ─▶ ReceivePage   ─┬▶ Keep ─▶ MCF ─▶ next page
//!                            ▲                   ▲           ReceiveBlocks ─┘            └──▶ AwaitCommand ─▶ end
//!                            └─ EOM ─────────────┴─ RTN, RTP ──────────────── AwaitCommand
//! ```

use super::{
    burst::Heard,
    config::NotKept,
    core::Core,
    direct::{Bring, DirectNews, Fetch},
    ecm_receive::ReceiveBlocks,
    ecm_send::{AwaitBlockVerdict, SendBlock},
    goodbye::{Ended, Goodbye},
    growing::{AwaitPage, AwaitRows},
    identify::{AwaitCommand, Identify},
    keep::Keep,
    negotiate::{AwaitConfirmation, SendDcs, SendTcf},
    operator::AwaitOperator,
    outcome::{Cause, Phase},
    poll::Ask,
    receive::ReceivePage,
    send::{AwaitVerdict, SendImage},
    setup::{Answering, AwaitDis, Calling},
    timers::Timer,
    training::CheckTraining,
};
use crate::{
    image::Bitmap,
    seam::{Carrier, Tone},
    time::LineTime,
};

/// Things heard that are neither frames nor octets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sign {
    Tone(Tone),
    CarrierUp(Carrier),
    Trained(Carrier),
    TrainingFailed,
    /// A fast carrier went away.
    FastDown,
}

/// What a state does with what happens to it: each handler gives the next state.
pub(super) trait Step: Into<State> + Sized {
    fn phase(&self) -> Phase;

    /// Rows of the page being received.
    fn rows(&self) -> u32 {
        0
    }

    /// The rows of the page being received.
    fn bitmap(&self) -> Option<&Bitmap> {
        None
    }

    /// Whether what was damaged can only have been the command or response awaited, so that CRP may ask for it again.
    fn may_ask_again(&self) -> bool {
        false
    }

    /// How much of the page being sent is gone, where this state knows.
    fn percent(&self) -> Option<u8> {
        None
    }

    /// What we said or transmitted is over.
    fn sent(self, _core: &mut Core) -> State {
        self.into()
    }

    /// A burst is over and this was its command or response; the line is quiet. `began`: the burst's first sample.
    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        self.unexpected(core, &heard)
    }

    /// A burst is over and there was nothing whole in it.
    fn nothing_heard(self, _core: &mut Core) -> State {
        self.into()
    }

    /// A burst is over and its command or response is of no known kind.
    fn unknown_heard(self, core: &mut Core) -> State {
        self.nothing_heard(core)
    }

    /// DCN.
    fn disconnected(self, core: &mut Core) -> State {
        let phase = self.phase();
        Goodbye::left(core, phase)
    }

    fn sign(self, _core: &mut Core, _sign: Sign) -> State {
        self.into()
    }

    /// Octets of a bare stream.
    fn octets(self, _core: &mut Core, _octets: &[u8]) -> State {
        self.into()
    }

    /// A frame of the fast carrier.
    fn fast_frame(self, _core: &mut Core, _octets: &[u8], _intact: bool) -> State {
        self.into()
    }

    /// A timer ran out; it is stopped.
    fn expired(self, _core: &mut Core, _timer: Timer) -> State {
        self.into()
    }

    /// The page given out last was stored, or not.
    fn kept(self, _core: &mut Core, _kept: Result<(), NotKept>) -> State {
        self.into()
    }

    /// A person who was called is there, or is not.
    fn operator(self, _core: &mut Core, _there: bool) -> State {
        self.into()
    }

    /// Something came of a document that goes another way.
    fn direct(self, _core: &mut Core, _news: DirectNews) -> State {
        self.into()
    }

    /// More of a document that grows is there.
    fn grown(self, _core: &mut Core) -> State {
        self.into()
    }

    fn unexpected(self, core: &mut Core, heard: &Heard) -> State {
        core.note(format_args!("{} is not awaited here", heard.fcf.name()));
        self.into()
    }

    fn fail(self, core: &mut Core, cause: Cause, timer: Option<Timer>, detail: impl Into<String>) -> State {
        Goodbye::failed(core, cause, timer, self.phase(), detail.into())
    }
}

macro_rules! states {
    ($($state:ident),* $(,)?) => {
        pub(super) enum State { $($state($state)),* }

        $(impl From<$state> for State {
            fn from(state: $state) -> Self {
                Self::$state(state)
            }
        })*

        impl State {
            pub(super) fn phase(&self) -> Phase {
                match self { $(Self::$state(state) => state.phase()),* }
            }
            pub(super) fn rows(&self) -> u32 {
                match self { $(Self::$state(state) => state.rows()),* }
            }
            pub(super) fn may_ask_again(&self) -> bool {
                match self { $(Self::$state(state) => state.may_ask_again()),* }
            }
            pub(super) fn percent(&self) -> Option<u8> {
                match self { $(Self::$state(state) => state.percent()),* }
            }
            pub(super) fn sent(self, core: &mut Core) -> Self {
                match self { $(Self::$state(state) => state.sent(core)),* }
            }
            pub(super) fn heard(self, core: &mut Core, heard: Heard, began: LineTime) -> Self {
                match self { $(Self::$state(state) => state.heard(core, heard, began)),* }
            }
            pub(super) fn nothing_heard(self, core: &mut Core) -> Self {
                match self { $(Self::$state(state) => state.nothing_heard(core)),* }
            }
            pub(super) fn unknown_heard(self, core: &mut Core) -> Self {
                match self { $(Self::$state(state) => state.unknown_heard(core)),* }
            }
            pub(super) fn disconnected(self, core: &mut Core) -> Self {
                match self { $(Self::$state(state) => state.disconnected(core)),* }
            }
            pub(super) fn sign(self, core: &mut Core, sign: Sign) -> Self {
                match self { $(Self::$state(state) => state.sign(core, sign)),* }
            }
            pub(super) fn octets(self, core: &mut Core, octets: &[u8]) -> Self {
                match self { $(Self::$state(state) => state.octets(core, octets)),* }
            }
            pub(super) fn fast_frame(self, core: &mut Core, octets: &[u8], intact: bool) -> Self {
                match self { $(Self::$state(state) => state.fast_frame(core, octets, intact)),* }
            }
            pub(super) fn expired(self, core: &mut Core, timer: Timer) -> Self {
                match self { $(Self::$state(state) => state.expired(core, timer)),* }
            }
            pub(super) fn fail(self, core: &mut Core, cause: Cause, timer: Option<Timer>, detail: String) -> Self {
                match self { $(Self::$state(state) => state.fail(core, cause, timer, detail)),* }
            }
            pub(super) fn operator(self, core: &mut Core, there: bool) -> Self {
                match self { $(Self::$state(state) => state.operator(core, there)),* }
            }
            pub(super) fn bitmap(&self) -> Option<&Bitmap> {
                match self { $(Self::$state(state) => state.bitmap()),* }
            }
            pub(super) fn direct(self, core: &mut Core, news: DirectNews) -> Self {
                match self { $(Self::$state(state) => state.direct(core, news)),* }
            }
            pub(super) fn grown(self, core: &mut Core) -> Self {
                match self { $(Self::$state(state) => state.grown(core)),* }
            }
            pub(super) fn kept(self, core: &mut Core, kept: Result<(), NotKept>) -> Self {
                match self { $(Self::$state(state) => state.kept(core, kept)),* }
            }
        }
    };
}

states! {
    Calling, AwaitDis, SendDcs, SendTcf, AwaitConfirmation, SendImage, AwaitVerdict, SendBlock, AwaitBlockVerdict,
    Ask, Answering, Identify, CheckTraining, ReceivePage, ReceiveBlocks, Keep, AwaitOperator, AwaitCommand,
    AwaitPage, AwaitRows, Bring, Fetch, Goodbye, Ended,
}

impl State {
    pub(super) fn is_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}
