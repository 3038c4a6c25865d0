//! Calls that are made and taken: what there is before the answer.

use std::{
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use answertone_dsp::pcm::SILENCE;
use answertone_hw::PolledLine;
use answertone_t30::session::Instead;

use super::{LOOK_AROUND, Leg, Seals, Sockets};
use crate::{
    engine::{CallEar, Hearing},
    sdp::Local,
    sip::{
        End, EndCause, Parties, Policy, Tidings,
        endpoint::{Endpoint, Rung, Wish},
    },
};

/// How long it may ring.
const RINGING: Duration = Duration::from_secs(90);

/// A call that rings.
pub struct Ringing {
    endpoint: Arc<Endpoint>,
    rung: Rung,
}

/// Why there is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct NoCall {
    /// As the job's cause.
    pub cause: &'static str,
    /// What was heard in place of a fax machine, if that was it.
    pub instead: Option<Instead>,
    /// For people.
    pub said: String,
}

impl NoCall {
    fn new(cause: &'static str, instead: Option<Instead>, said: impl Into<String>) -> Self {
        Self { cause, instead, said: said.into() }
    }

    /// What the far end's refusal means.
    fn of(end: &End) -> Self {
        let said = match end.status {
            Some(status) => format!("the call was not taken: {status} {}", end.reason),
            None => end.reason.clone(),
        };
        let (cause, instead) = match end.status.unwrap_or_default() {
            _ if end.cause == EndCause::Unreachable => ("no_line", None),
            486 | 600 => ("busy", Some(Instead::Busy)),
            404 | 410 | 484 | 485 | 604 => ("number_wrong", Some(Instead::NumberUnobtainable)),
            480 | 487 | 603 => ("no_answer", None),
            401 | 403 | 407 | 408 => ("no_line", None),
            488 | 606 | 415 => ("no_line", None),
            500..=599 => ("congestion", Some(Instead::Congestion)),
            _ => ("no_answer", None),
        };
        Self::new(cause, instead, said)
    }
}

impl Endpoint {
    /// Calls a number, and waits until it is answered, or `cancelled`. What is heard before the answer may end the call too.
    pub fn call(&self, number: &str, hearing: &Hearing, cancelled: &mut dyn FnMut() -> bool) -> Result<Leg, NoCall> {
        let failed = |error: &dyn std::fmt::Display| NoCall::new("no_line", None, error.to_string());
        let sockets = self.sockets().map_err(|error| failed(&error))?;
        let (to, tidings) = channel();
        let (placed, place) = channel();
        let seals = self.seals().map_err(|error| failed(&error))?;
        let local = self.description(&sockets, seals.as_ref());
        self.wish(Wish::Dial { number: number.to_owned(), local, tidings: to, placed });
        let call = place.recv().ok().flatten().ok_or_else(|| {
            failed(&format!(
                "{number:?} cannot be called; write an address such as sip:fax@192.0.2.1, or where the account has a server \
                 a number without spaces"
            ))
        })?;
        let parties = Parties { caller: None, dialled: Some(number.to_owned()) };
        let mut leg = Leg::new(self, call, tidings, sockets, seals, parties, true).map_err(|error| failed(&error))?;
        let answered = leg.until_answered(hearing, cancelled);
        answered.map(|()| leg)
    }

    /// Keys for a call, where calls may be sealed.
    fn seals(&self) -> std::io::Result<Option<Seals>> {
        let account = &self.account;
        let seals = account.t38 && account.seal != Policy::Never;
        seals.then(|| Seals::new(account.listen.ip(), account.ports, account.rekey)).transpose()
    }

    fn description(&self, sockets: &Sockets, seals: Option<&Seals>) -> Local {
        Local {
            address: self.address,
            port: sockets.port,
            session: u64::from(sockets.port),
            version: 1,
            t38: self.account.own_t38(),
            seal: seals.and_then(Seals::own),
            kept: None,
        }
    }

    /// Waits so long for a call to come.
    pub fn next_call(self: &Arc<Self>, wait: Duration) -> Option<Ringing> {
        self.rung(wait).map(|rung| Ringing { endpoint: self.clone(), rung })
    }
}

impl Ringing {
    /// Who calls whom.
    pub fn parties(&self) -> &Parties {
        &self.rung.incoming.parties
    }

    /// Answers it.
    pub fn answer(self) -> Result<Leg, NoCall> {
        let failed = |error: &dyn std::fmt::Display| NoCall::new("no_line", None, error.to_string());
        let Rung { call, incoming, tidings } = self.rung;
        let prepared = self.endpoint.sockets().and_then(|sockets| Ok((sockets, self.endpoint.seals()?)));
        let (sockets, seals) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.endpoint.wish(Wish::Reject(call, 503, "Service Unavailable"));
                return Err(failed(&error));
            }
        };
        let local = self.endpoint.description(&sockets, seals.as_ref());
        self.endpoint.wish(Wish::Answer(call, local));
        let leg = Leg::new(&self.endpoint, call, tidings, sockets, seals, incoming.parties, false);
        let mut leg = leg.map_err(|error| failed(&error))?;
        leg.asked |= incoming.wants_audio;
        leg.until_answered(&Hearing::default(), &mut || false)?;
        Ok(leg)
    }

    /// Turns it away.
    pub fn reject(self) {
        self.endpoint.wish(Wish::Reject(self.rung.call, 480, "Temporarily Unavailable"));
    }
}

impl Leg {
    /// Waits for the answer; what is heard before may end the call.
    fn until_answered(&mut self, hearing: &Hearing, cancelled: &mut dyn FnMut() -> bool) -> Result<(), NoCall> {
        let (until, mut ear) = (Instant::now() + RINGING, CallEar::new(hearing));
        loop {
            match self.tidings.recv_timeout(LOOK_AROUND.min(self.until_due())) {
                Ok(Tidings::Media(media)) => {
                    self.take(media);
                    return Ok(());
                }
                Ok(Tidings::Early(media)) => self.take(media),
                Ok(Tidings::Ended(end)) => return Err(NoCall::of(&end)),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(NoCall::new("no_line", None, "the account is closed"));
                }
            }
            if let Some(instead) = self.heard_early(&mut ear) {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("busy", Some(instead), format!("heard before the answer: {}", instead.name())));
            }
            if cancelled() {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("cancelled", None, "the call was given up before the answer"));
            }
            if Instant::now() > until {
                self.wish(Wish::HangUp(self.call));
                return Err(NoCall::new("no_answer", None, format!("nobody answered in {} s", RINGING.as_secs())));
            }
        }
    }

    fn until_due(&self) -> Duration {
        self.line.as_ref().map_or(LOOK_AROUND, |line| line.due().saturating_duration_since(Instant::now()))
    }

    fn heard_early(&mut self, ear: &mut CallEar) -> Option<Instead> {
        let mut rx = SILENCE;
        let heard = self.line.as_mut()?.try_exchange(Instant::now(), &SILENCE, &mut rx);
        matches!(heard, Ok(Some(_))).then(|| ear.hear(&rx)).flatten()
    }
}
