//! `[relay]`: mail out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ConfigError, Secret,
    file::{File, Key, all_as_seconds, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    host: Key<String>,
    port: Key<i64>,
    tls: Key<String>,
    user: Key<String>,
    password_file: Key<String>,
    password_env: Key<String>,
    retry_s: Key<Vec<i64>>,
}

/// How the relay is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// In the clear.
    None,
    /// STARTTLS where offered.
    Opportunistic,
    /// STARTTLS or nothing.
    Required,
    /// TLS from the first octet.
    Wrapped,
}

/// Mail out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how it is encrypted.
    pub tls: Tls,
    /// Login name; empty for none.
    pub user: String,
    /// File with the password.
    pub password_file: String,
    /// Variable with the password.
    pub password_env: String,
    /// The password itself, never shown.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// Waiting times between attempts.
    #[serde(rename = "retry_s", serialize_with = "all_as_seconds")]
    pub retry: Vec<Duration>,
}

impl File<'_> {
    pub(super) fn relay(&self, raw: Raw) -> Result<Relay, ConfigError> {
        let names = [
            ("none", Tls::None),
            ("opportunistic", Tls::Opportunistic),
            ("required", Tls::Required),
            ("wrapped", Tls::Wrapped),
        ];
        let password_env = text(raw.password_env, "ANSWERTONE_RELAY_PASSWORD");
        let password = self.secret("relay.password_file", raw.password_file.as_ref(), &password_env)?;
        Ok(Relay {
            host: text(raw.host, "127.0.0.1"),
            port: self.number("relay.port", raw.port, 25, 1, 65_535)? as u16,
            tls: self.choice("relay.tls", raw.tls, Tls::Opportunistic, &names)?,
            user: text(raw.user, ""),
            password_file: text(raw.password_file, ""),
            password_env,
            password,
            retry: self.waits("relay.retry_s", raw.retry_s, &[10, 60, 300, 900, 3600])?,
        })
    }
}
