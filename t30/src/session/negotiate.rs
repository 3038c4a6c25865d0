//! Phase B at the sender: DCS, training check, confirmation.
//!
//! ```text
//! sender    [SID SUB PWD TSI] DCS  75 ms  TCF              ▶ page
//! receiver                                     CFR or FTT
//! ```

use super::{
    air::Air,
    burst::Heard,
    core::Core,
    goodbye::Goodbye,
    outcome::{Cause, Phase},
    poll, send,
    state::{State, Step},
    tcf::tcf_octets,
    terms::{Mismatch, Terms},
    timers::Timer,
};
use crate::{
    frame::{Fcf, FieldNotValid, Ident, bit},
    seam::Framing,
    time::LineTime,
};

/// A command without answer is said so often, ITU-T T.30 5.4.2.
pub(super) const TRIES: u32 = 3;

/// What is being sent: a page of the document on these terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// The page's place in the document.
    pub(super) page: usize,
    pub(super) terms: Terms,
    /// How often it was sent before and refused.
    pub(super) resends: u32,
}

/// DCS is on the air.
pub(super) struct SendDcs {
    job: Job,
    tries: u32,
}

/// The training check is on the air.
pub(super) struct SendTcf {
    job: Job,
    tries: u32,
}

/// CFR or FTT is awaited.
pub(super) struct AwaitConfirmation {
    job: Job,
    tries: u32,
}

/// The best terms for a page that is there.
pub(super) fn terms_of(core: &Core, page: usize) -> Option<Result<Terms, Mismatch>> {
    let theirs = core.theirs();
    let terms = Terms::choose(&core.config, &theirs, core.document.pages.get(page)?, core.ceiling);
    let picture = core.pictures.get(&page);
    Some(terms.map(|terms| picture.map_or(terms, |picture| terms.for_picture(&core.config, &theirs, picture))))
}

/// Chooses terms for the page and commands them.
pub(super) fn propose(core: &mut Core, page: usize, resends: u32) -> State {
    let Some(terms) = terms_of(core, page) else {
        return Goodbye::failed(core, Cause::NothingToSend, None, Phase::B, String::new());
    };
    match terms {
        Ok(terms) => {
            core.sending = true;
            core.agreed(terms);
            SendDcs::enter(core, Job { page, terms, resends }, 1)
        }
        Err(mismatch) => Goodbye::failed(core, Cause::Incompatible, None, Phase::B, mismatch.0),
    }
}

/// Like [`propose`], a rate lower than `terms` if there is one.
pub(super) fn propose_slower(core: &mut Core, terms: &Terms, page: usize, resends: u32) -> State {
    if let Some(slower) = terms.step_down(&core.config, &core.theirs()) {
        core.ceiling = Some(slower);
    }
    propose(core, page, resends)
}

impl SendDcs {
    fn enter(core: &mut Core, job: Job, tries: u32) -> State {
        core.report.trainings += 1;
        say_dcs(core, &job.terms);
        Self { job, tries }.into()
    }
}

/// What goes before a command: SUB, PWD and SID go only from a caller, to machines whose DIS takes them.
pub(super) fn identities(core: &Core) -> Vec<(Fcf, Vec<u8>)> {
    let (theirs, caller) = (core.theirs(), core.caller);
    let wanted = |text: &Option<String>, bit| {
        text.as_deref().filter(|_| caller && theirs.has(bit)).map(|text| Ident::new(text).field().to_vec())
    };
    let identities = [
        (Fcf::Sid, wanted(&core.config.sid, bit::PASSWORD)),
        (Fcf::Sub, wanted(&core.config.sub, bit::SUB)),
        (Fcf::Pwd, wanted(&core.config.pwd, bit::PASSWORD)),
        (Fcf::Tsi, core.config.ident().map(|ident| ident.field().to_vec())),
    ];
    identities.into_iter().filter_map(|(fcf, field)| Some((fcf, field?))).collect()
}

fn say_dcs(core: &mut Core, terms: &Terms) {
    let said = identities(core);
    let says = |fcf| said.iter().any(|(said, _)| *said == fcf);
    let mut dcs = terms.command(says(Fcf::Sub), says(Fcf::Sid));
    if core.theirs().has(bit::FIELD_NOT_VALID) {
        dcs.set(bit::FIELD_NOT_VALID);
    }
    let nss = core.config.nss.clone();
    let mut frames: Vec<(Fcf, &[u8])> = nss.iter().map(|field| (Fcf::Nss, &field[..])).collect();
    frames.extend(said.iter().map(|(fcf, field)| (*fcf, &field[..])));
    frames.push((Fcf::Dcs, dcs.octets()));
    core.say(&frames);
}

impl Step for SendDcs {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn sent(self, core: &mut Core) -> State {
        let carrier = self.job.terms.carrier;
        core.transmit(carrier, Framing::Raw, Air::Zeros(tcf_octets(carrier)), "training check");
        SendTcf { job: self.job, tries: self.tries }.into()
    }
}

impl Step for SendTcf {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn sent(self, core: &mut Core) -> State {
        core.await_response();
        AwaitConfirmation { job: self.job, tries: self.tries }.into()
    }
}

impl AwaitConfirmation {
    fn again(self, core: &mut Core, timer: Option<Timer>) -> State {
        if self.tries >= TRIES {
            return self.fail(core, Cause::PeerSilent, timer, "no answer to DCS and training check");
        }
        SendDcs::enter(core, self.job, self.tries + 1)
    }

    /// FTT: the next modem or rate. Below the lowest there is none.
    fn fall_back(mut self, core: &mut Core) -> State {
        let Some(carrier) = self.job.terms.fall_back(&core.config, &core.theirs()) else {
            return self.fail(core, Cause::TrainingFailed, None, "FTT at the lowest rate");
        };
        core.ceiling = Some(carrier);
        self.job.terms.carrier = carrier;
        core.agreed(self.job.terms);
        SendDcs::enter(core, self.job, 1)
    }
}

impl Step for AwaitConfirmation {
    fn phase(&self) -> Phase {
        Phase::B
    }

    fn may_ask_again(&self) -> bool {
        true
    }

    fn heard(self, core: &mut Core, heard: Heard, _began: LineTime) -> State {
        match heard.fcf {
            Fcf::Cfr => send::page(core, self.job),
            Fcf::Ftt => self.fall_back(core),
            // DIS again: it did not hear our DCS.
            Fcf::Dis | Fcf::Dtc => {
                poll::note_capabilities(core, &heard);
                self.again(core, None)
            }
            Fcf::Fnv => self.fail(core, Cause::PeerRefused, None, FieldNotValid(&heard.field).to_string()),
            Fcf::Crp => self.again(core, None),
            _ => self.unexpected(core, &heard),
        }
    }

    fn expired(self, core: &mut Core, timer: Timer) -> State {
        self.again(core, Some(timer))
    }
}
