//! Session timers, RFC 4028: a call whose other end is gone is not kept for ever.

use std::time::Duration;

use super::message::{Message, parameter};

/// The shortest interval, RFC 4028 5.
pub(super) const LEAST: u32 = 90;

/// The timer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionTimer {
    interval: Duration,
    /// Whether we say that we are still there; else we wait to be told.
    refreshing: bool,
    /// When the session was refreshed last, and how often that was tried since.
    since: Duration,
    attempts: u32,
}

impl SessionTimer {
    /// What a 2xx to an INVITE or UPDATE agrees on. `asked` says whether the request was ours.
    pub(super) fn agreed(answer: &Message, asked: bool, now: Duration) -> Option<Self> {
        let seconds = answer.number("Session-Expires")?.clamp(LEAST.into(), 86_400);
        let refresher = parameter(answer.header("Session-Expires")?, "refresher").unwrap_or("uac");
        let refreshing = refresher.eq_ignore_ascii_case("uac") == asked;
        Some(Self { interval: Duration::from_secs(seconds), refreshing, since: now, attempts: 0 })
    }

    /// When something is to be done.
    pub(super) fn due(&self) -> Duration {
        let early = match (self.refreshing, self.attempts) {
            (true, 0) => self.interval / 2,
            (true, 1) => self.interval / 4,
            (true, _) => Duration::ZERO,
            (false, _) => (self.interval / 3).min(Duration::from_secs(32)),
        };
        self.since + self.interval - early
    }

    /// Whether we are to refresh; else the call is to be ended, RFC 4028 10.
    pub(super) fn refreshes(&self) -> bool {
        self.refreshing && self.attempts < 2
    }

    /// The refreshing was begun; should it fail, it is tried once more before the end.
    pub(super) fn tried(self) -> Self {
        Self { attempts: self.attempts + 1, ..self }
    }

    /// The session was refreshed, and the interval stays what it was.
    pub(super) fn refreshed(self, now: Duration) -> Self {
        Self { since: now, attempts: 0, ..self }
    }

    /// Why a call ends whose session was not refreshed.
    pub(super) fn end(&self) -> &'static str {
        if self.refreshing {
            "the far end did not let us refresh the session"
        } else {
            "the far end did not refresh the session"
        }
    }
}

/// What a request's timer is answered with: what it asks for, or what we want.
pub(super) fn answer(request: &Message, ours: u32) -> Option<String> {
    let can = request.lists("Supported", "timer") || request.lists("Require", "timer");
    match request.number("Session-Expires") {
        Some(seconds) => {
            let asked = request.header("Session-Expires").and_then(|value| parameter(value, "refresher"));
            let refresher = asked.unwrap_or(if can { "uac" } else { "uas" });
            Some(format!("{seconds};refresher={refresher}"))
        }
        None if ours > 0 => Some(format!("{ours};refresher=uas")),
        None => None,
    }
}
