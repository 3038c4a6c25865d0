//! Calls by SIP, RFC 3261: our own account at a server or a gateway, audio first and T.38 as soon as it is a fax.
//!
//! ```text
//!  sockets ◀─▶ endpoint ◀─▶ Agent (no I/O) ── Tidings ──▶ Leg: audio by RTP, T.38 by UDPTL, one session over both
//!                                          ◀─ Wish ─────
//! ```

mod agent;
mod call;
mod core;
mod dialog;
mod digest;
mod endpoint;
mod leg;
mod locate;
mod media;
mod message;
mod profile;
mod registration;
mod streams;
#[cfg(test)]
mod tests;
mod timer;
mod trust;
mod uri;

pub use self::{
    agent::Agent,
    core::{Hop, Transport},
    endpoint::{Endpoint, EndpointError},
    leg::{Leg, NoCall, Ringing},
    message::{LONGEST, Message, NotSip, Start},
    profile::{Policy, Profile},
    uri::{PORT, Parties, TLS_PORT, split_port},
};
use crate::sdp::Agreed;

/// Who we are in `User-Agent` and `Server`.
const PRODUCT: &str = concat!("Answertone/", env!("CARGO_PKG_VERSION"));

/// A call of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What an agent wants done, or known.
#[derive(Debug)]
pub enum Output {
    /// This is to be sent.
    Send {
        /// Where to.
        to: Hop,
        /// The message.
        octets: Vec<u8>,
    },
    /// Something happened in a call.
    Tell(CallId, Tidings),
    /// A call came, and is to be answered or turned away.
    Incoming(CallId, Box<Incoming>),
    /// For how long we are registered, or why not.
    Registered(Result<std::time::Duration, String>),
    /// Somebody waits for the places of a host, as `HOST` or `HOST:PORT`.
    Find(Seeker, String),
}

/// Who waits for places to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeker {
    /// The account, whose servers do not answer.
    Servers,
    /// A call to that host.
    Call(CallId),
}

/// A call that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Who calls whom.
    pub parties: Parties,
    /// The caller would rather have the fax as audio, RFC 6913.
    pub wants_audio: bool,
}

/// What happens in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tidings {
    /// It rings at the far end.
    Ringing,
    /// There is something to hear before the call is answered.
    Early(Agreed),
    /// From now on media are these: with the first of it the call is answered.
    Media(Agreed),
    /// The far end does not take T.38.
    StaysAudio {
        /// What it said.
        status: u16,
    },
    /// The far end does not take T.38 sealed, and it must be.
    Unsealed,
    /// New keys were not taken: those that there are stay in use.
    KeysStay,
    /// A digit was told beside the audio.
    Digit(char),
    /// It is over; the last of it.
    Ended(End),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Who ended it, or why it never began.
    pub cause: EndCause,
    /// The status that said so.
    pub status: Option<u16>,
    /// The same for people.
    pub reason: String,
}

/// What ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The far end hung up.
    FarEnd,
    /// The caller gave up before the answer.
    Cancelled,
    /// It was not taken.
    Refused,
    /// Nobody could be reached.
    Unreachable,
}

impl End {
    fn far_hung_up(reason: String) -> Self {
        Self { cause: EndCause::FarEnd, status: None, reason }
    }

    fn cancelled() -> Self {
        Self { cause: EndCause::Cancelled, status: None, reason: "the call was given up".into() }
    }

    fn refused(status: u16, reason: &str) -> Self {
        Self { cause: EndCause::Refused, status: Some(status), reason: reason.to_owned() }
    }

    /// Nobody was there to take it.
    fn unreachable(reason: String) -> Self {
        Self { cause: EndCause::Unreachable, status: None, reason }
    }

    fn of_response(response: &Message) -> Self {
        if response.header("Reason") == Some(core::OURSELVES) {
            return Self::unreachable(reason(response));
        }
        Self { cause: EndCause::Refused, status: response.status(), reason: reason(response) }
    }
}

/// The reason in a response, for people.
fn reason(response: &Message) -> String {
    match &response.start {
        Start::Response { reason, .. } => reason.clone(),
        Start::Request { .. } => String::new(),
    }
}
