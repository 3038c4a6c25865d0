//! `[relay]`: mail out.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::Spanned;

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
    others: Key<Vec<Spanned<String>>>,
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

/// Another relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OtherRelay(String);

impl OtherRelay {
    /// Its host and port.
    pub fn place(&self) -> (String, u16) {
        let whole = || (self.0.clone(), 25);
        let Some((host, port)) = self.0.rsplit_once(':') else { return whole() };
        port.parse().map_or_else(|_| whole(), |port| (host.to_owned(), port))
    }
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
    /// Relays that are asked, in this order, when that one cannot take a mail now, in the same manner.
    pub others: Vec<OtherRelay>,
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
            others: self.others(raw.others)?,
            retry: self.waits("relay.retry_s", raw.retry_s, &[10, 60, 300, 900, 3600])?,
        })
    }

    fn others(&self, key: Key<Vec<Spanned<String>>>) -> Result<Vec<OtherRelay>, ConfigError> {
        let places = key.map(Spanned::into_inner).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
        let wrong = |text: &&Spanned<String>| text.get_ref().is_empty() || !text.get_ref().chars().all(plain);
        match places.iter().find(wrong) {
            Some(text) => {
                Err(self.refuse("relay.others", text, "write a host and port such as \"mail2.example.com:25\""))
            }
            None => Ok(places.into_iter().map(|text| OtherRelay(text.into_inner())).collect()),
        }
    }
}
