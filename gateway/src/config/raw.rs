//! The configuration as it is written: every key optional, each value with its place in the file.

use serde::Deserialize;
use toml::Spanned;

/// A key that may be absent.
pub(super) type Key<T> = Option<Spanned<T>>;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub hostname: Key<String>,
    pub domains: Key<Vec<String>>,
    #[serde(default)]
    pub smtp: RawSmtp,
    #[serde(default)]
    pub relay: RawRelay,
    #[serde(default)]
    pub store: RawStore,
    #[serde(default)]
    pub identity: RawIdentity,
    #[serde(default)]
    pub offramp: RawOfframp,
    #[serde(default)]
    pub onramp: RawOnramp,
    #[serde(default)]
    pub line: Vec<Spanned<RawLine>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSmtp {
    pub listen: Key<Vec<Spanned<String>>>,
    pub allowed_senders: Key<Vec<Spanned<String>>>,
    pub max_message_bytes: Key<i64>,
    pub max_recipients: Key<i64>,
    pub max_connections: Key<i64>,
    pub idle_timeout_s: Key<i64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelay {
    pub host: Key<String>,
    pub port: Key<i64>,
    pub tls: Key<String>,
    pub user: Key<String>,
    pub password_file: Key<String>,
    pub password_env: Key<String>,
    pub retry_s: Key<Vec<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub dir: Key<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    pub station: Key<String>,
    pub header: Key<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOfframp {
    pub country_code: Key<String>,
    pub national_prefix: Key<String>,
    pub international_prefix: Key<String>,
    pub outside_line: Key<String>,
    pub attempts: Key<i64>,
    pub retry_s: Key<Vec<i64>>,
    pub max_pages: Key<i64>,
    pub country: Key<String>,
    pub give_up_on: Key<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOnramp {
    pub mailbox: Key<String>,
    pub from: Key<String>,
    pub attach: Key<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLine {
    pub name: Spanned<String>,
    pub uri: Spanned<String>,
    #[serde(rename = "use")]
    pub purpose: Key<String>,
}
