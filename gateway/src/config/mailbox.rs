//! `[[mailbox]]`: mailboxes that are fetched from.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Secret, Tls,
    file::{File, Key, as_seconds, flag, text},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: Spanned<String>,
    protocol: Key<String>,
    host: Spanned<String>,
    port: Key<i64>,
    tls: Key<String>,
    ca_file: Key<String>,
    user: Spanned<String>,
    password_file: Key<String>,
    password_env: Key<String>,
    folder: Key<String>,
    keep: Key<bool>,
    poll_s: Key<i64>,
}

/// By what a mailbox is fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// RFC 3501.
    Imap,
    /// RFC 1939.
    Pop3,
}

/// A mailbox that is fetched from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mailbox {
    /// Its name in logs.
    pub name: String,
    /// By what.
    pub protocol: Protocol,
    /// The server's name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how it is encrypted.
    pub tls: Tls,
    /// Authorities to trust besides those of this machine, PEM; empty for none.
    pub ca_file: String,
    /// Login name.
    pub user: String,
    /// File with the password.
    pub password_file: String,
    /// Variable with the password.
    pub password_env: String,
    /// The password itself, never shown.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// Folder of IMAP.
    pub folder: String,
    /// Whether messages that were taken stay, marked as seen.
    pub keep: bool,
    /// Pause between fetches where the server does not tell of new messages.
    #[serde(rename = "poll_s", serialize_with = "as_seconds")]
    pub poll: Duration,
}

impl File<'_> {
    pub(super) fn mailbox_table(&self, raw: Raw, senders: usize) -> Result<Mailbox, ConfigError> {
        if senders == 0 {
            let remedy = "anybody can write to a mailbox; say in [[sender]] tables who may have faxes sent";
            return Err(self.refuse("mailbox.name", &raw.name, remedy));
        }
        let protocols = [("imap", Protocol::Imap), ("pop3", Protocol::Pop3)];
        let protocol = self.choice("mailbox.protocol", raw.protocol, Protocol::Imap, &protocols)?;
        let wires = [("none", Tls::None), ("required", Tls::Required), ("wrapped", Tls::Wrapped)];
        let tls = self.choice("mailbox.tls", raw.tls, Tls::Wrapped, &wires)?;
        let usual = match (protocol, tls) {
            (Protocol::Imap, Tls::Wrapped) => 993,
            (Protocol::Imap, _) => 143,
            (Protocol::Pop3, Tls::Wrapped) => 995,
            (Protocol::Pop3, _) => 110,
        };
        let password_env = text(raw.password_env, "ANSWERTONE_MAILBOX_PASSWORD");
        Ok(Mailbox {
            name: raw.name.into_inner(),
            protocol,
            host: raw.host.into_inner(),
            port: self.number("mailbox.port", raw.port, usual, 1, 65_535)? as u16,
            tls,
            ca_file: text(raw.ca_file, ""),
            user: raw.user.into_inner(),
            password: self.secret("mailbox.password_file", raw.password_file.as_ref(), &password_env)?,
            password_file: text(raw.password_file, ""),
            password_env,
            folder: text(raw.folder, "INBOX"),
            keep: flag(raw.keep, false),
            poll: Duration::from_secs(self.number("mailbox.poll_s", raw.poll_s, 60, 1, 86_400)? as u64),
        })
    }
}
