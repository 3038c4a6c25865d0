//! Polling: the caller asks for the answerer's document.
//!
//! ```text
//! caller               [NSC CIG PSA SEP PWD] DTC                  CFR or FTT
//! answerer  DIS, bit 9                            [TSI] DCS  TCF             ▶ page
//! ```

use super::{
    Event,
    burst::Heard,
    core::Core,
    goodbye::Goodbye,
    identify::{AwaitCommand, Silence, leave_room_for_training},
    negotiate::{self, TRIES},
    outcome::{Cause, Failure, Outcome, Phase},
    state::{State, Step},
    terms::capabilities,
    timers::{T5, Timer},
    training::CheckTraining,
};
use crate::{
    frame::{BitField, Fcf, FieldNotValid, Ident, bit},
    time::LineTime,
};

/// DTC is on the air or DCS is awaited.
pub(super) struct Ask {
    tries: u32,
}

/// Our DIS: what we can do and whether there is a document to be polled.
pub(super) fn invitation(core: &Core) -> BitField {
    let mut dis = capabilities(&core.config);
    if !core.document.pages.is_empty() {
        [bit::POLLING, bit::SELECTIVE_POLLING, bit::POLLED_SUBADDRESS].into_iter().for_each(|bit| dis.set(bit));
    }
    dis
}

/// Keeps what DIS or DTC says. Who sends DTC is ready to receive, whatever its bit 10 says.
pub(super) fn note_capabilities(core: &mut Core, said: &Heard) {
    let mut bits = BitField::read(&said.field);
    if said.fcf == Fcf::Dtc {
        bits.set(bit::RECEIVES);
    }
    core.report.peer.capabilities = Some(bits);
}

/// The caller wants a document and the other side has none.
pub(super) fn nothing_there(core: &mut Core) -> State {
    let detail = "its DIS offers none".to_owned();
    Goodbye::failed(core, Cause::NothingToPoll, None, Phase::B, detail)
}

/// The answerer heard DTC: the document goes out, if there is one and it is for this caller.
pub(super) fn polled(core: &mut Core, dtc: &Heard) -> State {
    [Timer::T1, Timer::T2, Timer::T4].into_iter().for_each(|timer| core.timers.stop(timer));
    note_capabilities(core, dtc);
    core.event(Event::PeerKnown(Box::new(core.report.peer.clone())));
    if let Some(why) = core.refusal() {
        return refuse(core, dtc.clone(), why);
    }
    if core.document.pages.is_empty() {
        let detail = "the caller polls, and nothing is there for it".to_owned();
        return Goodbye::failed(core, Cause::NothingToPoll, None, Phase::B, detail);
    }
    if !is_for(core, core.report.peer.sep.as_deref()) {
        let detail = "the document is held under another selective polling address".to_owned();
        return Goodbye::failed(core, Cause::NothingToPoll, None, Phase::B, detail);
    }
    negotiate::propose(core, 0, 0)
}

/// The password given with this command is not the one expected: FNV where the other side understands it, so that it may
/// give another, three times at most; else DCN.
pub(super) fn refuse(core: &mut Core, command: Heard, why: String) -> State {
    core.refusals += 1;
    if !BitField::read(&command.field).has(bit::FIELD_NOT_VALID) || core.refusals > TRIES {
        return Goodbye::failed(core, Cause::PasswordRefused, None, Phase::B, why);
    }
    core.note(why);
    core.answer(command, Fcf::Fnv, FieldNotValid::PASSWORD.0);
    AwaitCommand::enter(Silence::Refused)
}

/// Whether the document is for those who give this selective polling address.
fn is_for(core: &Core, given: Option<&str>) -> bool {
    let held_under = core.config.sep.as_deref().map(Ident::new);
    held_under.is_none_or(|address| given == Some(address.as_str()))
}

impl Ask {
    pub(super) fn enter(core: &mut Core, tries: u32) -> State {
        core.polled = true;
        core.sending = false;
        say_dtc(core);
        Self { tries }.into()
    }

    /// TNR: it has the document and cannot send it yet. TR asks how it stands.
    fn not_ready(self, core: &mut Core) -> State {
        if !core.timers.runs(Timer::T5) {
            core.start(Timer::T5, T5);
        }
        core.say(&[(Fcf::Tr, &[])]);
        Self { tries: 1 }.into()
    }

    fn again(self, core: &mut Core, timer: Option<Timer>) -> State {
        if self.tries >= TRIES {
            return self.fail(core, Cause::PeerSilent, timer, "no answer to DTC");
        }
        Self::enter(core, self.tries + 1)
    }
}

/// DTC and what goes before it. PWD, SEP and PSA go only to machines whose DIS takes them.
fn say_dtc(core: &mut Core) {
    let theirs = core.theirs();
    let config = core.config.clone();
    let wanted =
        |text: &Option<String>, bit| text.as_deref().filter(|_| theirs.has(bit)).map(|t| Ident::new(t).field());
    let identities = [
        (Fcf::Psa, wanted(&config.psa, bit::POLLED_SUBADDRESS), bit::POLLED_SUBADDRESS),
        (Fcf::Sep, wanted(&config.sep, bit::SELECTIVE_POLLING), bit::SELECTIVE_POLLING),
        (Fcf::Pwd, wanted(&config.pwd, bit::PASSWORD), bit::PASSWORD),
    ];
    let cig = config.ident().map(|ident| ident.field());
    let mut frames: Vec<(Fcf, &[u8])> = config.nsc.iter().map(|field| (Fcf::Nsc, &field[..])).collect();
    frames.extend(cig.iter().map(|field| (Fcf::Cig, &field[..])));
    let dtc = request(core, identities.iter().filter(|(_, field, _)| field.is_some()).map(|&(_, _, bit)| bit));
    frames.extend(identities.iter().filter_map(|(fcf, field, _)| Some((*fcf, &field.as_ref()?[..]))));
    frames.push((Fcf::Dtc, dtc.octets()));
    core.say(&frames);
}

/// Our capabilities as DTC: what goes with it is announced, what DIS would invite is not.
fn request(core: &Core, sent: impl Iterator<Item = u8>) -> BitField {
    let invited = [bit::SUB, bit::PASSWORD];
    let mut dtc = capabilities(&core.config).without(&invited);
    let complaints = Some(bit::FIELD_NOT_VALID).filter(|&bit| core.theirs().has(bit));
    sent.chain(complaints).for_each(|bit| dtc.set(bit));
    dtc
}

impl Step for Ask {
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
                core.timers.stop(Timer::T5);
                CheckTraining::enter(core, heard)
            }
            // DIS again: it did not hear our DTC.
            Fcf::Dis | Fcf::Crp => self.again(core, None),
            Fcf::Tnr => self.not_ready(core),
            Fcf::Fnv => self.fail(core, Cause::PeerRefused, None, FieldNotValid(&heard.field).to_string()),
            _ => {
                leave_room_for_training(core);
                self.unexpected(core, &heard)
            }
        }
    }

    fn nothing_heard(self, core: &mut Core) -> State {
        leave_room_for_training(core);
        self.into()
    }

    fn disconnected(self, core: &mut Core) -> State {
        let failure = Failure::new(Cause::PeerRefused, None, Phase::B, "DCN in answer to our poll".to_owned());
        Goodbye::parted(core, Outcome::Failed(failure))
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        match timer {
            Timer::T5 => self.fail(core, Cause::PeerNotReady, Some(timer), "TNR without end"),
            _ => self.again(core, Some(timer)),
        }
    }
}
