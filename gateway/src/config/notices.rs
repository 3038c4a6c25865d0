//! `[notices]`: what senders and the administrator are told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    file::{File, Key, as_seconds, flag},
};
use crate::mail::Mailbox;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    gather: Key<bool>,
    split: Key<bool>,
    max_recipients: Key<i64>,
    thumbnail: Key<bool>,
    unasked_failures: Key<bool>,
    answer_requests: Key<bool>,
    negotiate: Key<bool>,
    negotiate_wait_s: Key<i64>,
    delay_s: Key<i64>,
    attempts: Key<i64>,
    administrator: Key<String>,
}

/// What senders and the administrator are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notices {
    /// One notice for all recipients of a message once all are done, RFC 4161 2.4 case 2, instead of one for each.
    pub gather: bool,
    /// With that: success and failure in notices of their own.
    pub split: bool,
    /// With that: most recipients in one notice.
    pub max_recipients: usize,
    /// Whether the first page is shown in small.
    pub thumbnail: bool,
    /// Whether failures are told to who did not ask for notices.
    pub unasked_failures: bool,
    /// Whether requests for disposition notifications are answered.
    pub answer_requests: bool,
    /// Whether who says that it has better forms of a document is asked for one, RFC 3297.
    pub negotiate: bool,
    /// How long a fax waits for that.
    #[serde(rename = "negotiate_wait_s", serialize_with = "as_seconds")]
    pub negotiate_wait: Duration,
    /// After how long a fax that still waits is told as delayed, to who asked for that.
    #[serde(rename = "delay_s", serialize_with = "as_seconds")]
    pub delay: Duration,
    /// How often the relay is asked to take a notice before the administrator is told instead.
    pub attempts: i64,
    /// Who that is.
    pub administrator: Mailbox,
}

impl File<'_> {
    pub(super) fn notices(&self, raw: Raw, hostname: &str) -> Result<Notices, ConfigError> {
        Ok(Notices {
            gather: flag(raw.gather, false),
            split: flag(raw.split, true),
            max_recipients: self.number("notices.max_recipients", raw.max_recipients, 10, 1, 1000)? as usize,
            thumbnail: flag(raw.thumbnail, false),
            unasked_failures: flag(raw.unasked_failures, true),
            answer_requests: flag(raw.answer_requests, true),
            negotiate: flag(raw.negotiate, true),
            negotiate_wait: self.seconds("notices.negotiate_wait_s", raw.negotiate_wait_s, 600)?,
            delay: self.seconds("notices.delay_s", raw.delay_s, 14_400)?,
            attempts: self.number("notices.attempts", raw.attempts, 20, 1, 1000)?,
            administrator: self.mailbox(
                "notices.administrator",
                raw.administrator,
                &format!("postmaster@{hostname}"),
            )?,
        })
    }
}
