//! `answertone.toml`: from what is written to values that cannot be wrong.
//!
//! ```text
//!  file ──▶ Raw (keys with their places) ──▶ a check for each section ──▶ Config
//!                                        └─▶ ConfigError: file, line, value, remedy
//! ```
//!
//! Each section has a file of its own, with what is written, what it becomes and its check.

mod api;
mod direct;
mod file;
mod line;
mod log;
mod mailbox;
mod network;
mod notices;
mod offramp;
mod onramp;
mod relay;
mod seal;
mod senders;
mod sip;
mod smtp;
mod store;
mod web;

use std::{fmt, path::Path};

pub use api::Api;
pub use direct::Direct;
use file::{File, Key};
pub use line::{Identity, Line, Purpose};
pub use log::{Log, LogFormat};
pub use mailbox::{Mailbox, Protocol};
pub use network::Network;
pub use notices::Notices;
pub use offramp::{CauseRule, Hours, Offramp, Rate};
pub use onramp::{Attach, CallerProof, CallerRule, FaxNotices, FaxNoticesTo, OfframpRule, Onramp, Route, Unrouted};
pub use relay::{OtherRelay, Relay, Tls};
pub use seal::{Seal, SealTo};
pub use senders::{Quota, SenderRule};
use serde::{Deserialize, Serialize};
pub use sip::{KeyPress, SipAccount};
pub use smtp::Smtp;
pub use store::{Spool, StoreConfig};
use toml::Spanned;
pub use web::Web;

/// A configuration with every key and its comment; its values are the defaults.
pub const EXAMPLE: &str = include_str!("config/example.toml");

/// What is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Raw {
    hostname: Key<String>,
    domains: Key<Vec<String>>,
    #[serde(default)]
    smtp: smtp::Raw,
    #[serde(default)]
    relay: relay::Raw,
    #[serde(default)]
    store: store::Raw,
    #[serde(default)]
    spool: store::RawSpool,
    #[serde(default)]
    identity: line::RawIdentity,
    #[serde(default)]
    offramp: offramp::Raw,
    #[serde(default)]
    notices: notices::Raw,
    #[serde(default)]
    onramp: onramp::Raw,
    #[serde(default)]
    direct: direct::Raw,
    #[serde(default)]
    api: api::Raw,
    #[serde(default)]
    seal: seal::Raw,
    #[serde(default)]
    seal_to: Vec<seal::RawTo>,
    #[serde(default)]
    mailbox: Vec<mailbox::Raw>,
    #[serde(default)]
    sender: Vec<senders::Raw>,
    #[serde(default)]
    web: web::Raw,
    #[serde(default)]
    log: log::Raw,
    #[serde(default)]
    sip: Vec<sip::Raw>,
    #[serde(default)]
    line: Vec<Spanned<line::RawLine>>,
}

/// The checked configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// The gateway's name in mail.
    pub hostname: String,
    /// Domains whose addresses are faxed, in small letters.
    pub domains: Vec<String>,
    /// Mail in.
    pub smtp: Smtp,
    /// Mail out.
    pub relay: Relay,
    /// Where everything is kept.
    pub store: StoreConfig,
    /// A folder whose messages are taken.
    pub spool: Spool,
    /// Who we are on the telephone.
    pub identity: Identity,
    /// E-mail to fax.
    pub offramp: Offramp,
    /// What is told to whom.
    pub notices: Notices,
    /// Fax to e-mail.
    pub onramp: Onramp,
    /// The operator's page.
    pub web: Web,
    /// What is told of what happens, and what is kept of calls.
    pub log: Log,
    /// Documents from gateway to gateway while a call is up.
    pub direct: Direct,
    /// How other programs use the gateway.
    pub api: Api,
    /// Keys for signed and sealed mail.
    pub seal: Seal,
    /// Mailboxes whose faxes are sealed.
    pub seal_to: Vec<SealTo>,
    /// Mailboxes that are fetched from.
    #[serde(rename = "mailbox")]
    pub mailboxes: Vec<Mailbox>,
    /// Who may have faxes sent.
    #[serde(rename = "sender")]
    pub senders: Vec<SenderRule>,
    /// Accounts at SIP servers and gateways.
    #[serde(rename = "sip")]
    pub accounts: Vec<SipAccount>,
    /// Telephone lines.
    #[serde(rename = "line")]
    pub lines: Vec<Line>,
}

/// A password: it can be used but not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ConfigError {
    place: String,
    what: String,
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            place: path.display().to_string(),
            what: format!("cannot be read: {error}; `answertone config example` prints a file to start from"),
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Checks the text of a file called `name`.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        let file = File { name, text };
        let raw: Raw = toml::from_str(text).map_err(|error| file.syntax(&error))?;
        file.check(raw)
    }

    /// The configuration in the shape of the file, without secrets.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("plain values can be written")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::parse("", "defaults").expect("defaults are right")
    }
}

impl File<'_> {
    fn check(&self, raw: Raw) -> Result<Config, ConfigError> {
        let hostname = self.hostname(raw.hostname)?;
        let seal = self.seal(raw.seal)?;
        let accounts = self.accounts(raw.sip)?;
        Ok(Config {
            domains: self.domains(raw.domains, &hostname)?,
            smtp: self.smtp(raw.smtp)?,
            relay: self.relay(raw.relay)?,
            store: self.store(raw.store)?,
            spool: self.spool(raw.spool),
            identity: self.identity(raw.identity)?,
            offramp: self.offramp(raw.offramp)?,
            notices: self.notices(raw.notices, &hostname)?,
            onramp: self.onramp(raw.onramp, &hostname)?,
            web: self.web(raw.web)?,
            log: self.log(raw.log)?,
            direct: self.direct(raw.direct)?,
            api: self.api(raw.api)?,
            seal_to: raw.seal_to.into_iter().map(|one| self.seal_to(one, &seal)).collect::<Result<_, _>>()?,
            seal,
            mailboxes: {
                let tables = raw.sender.len();
                raw.mailbox.into_iter().map(|one| self.mailbox_table(one, tables)).collect::<Result<_, _>>()?
            },
            senders: raw.sender.into_iter().map(|sender| self.sender(sender)).collect::<Result<_, _>>()?,
            lines: self.lines(&raw.line, &accounts)?,
            accounts,
            hostname,
        })
    }

    fn hostname(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(name) = key else { return Ok("localhost".into()) };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            return Err(self.refuse("hostname", &name, "write a host name such as \"fax.example.com\""));
        }
        Ok(name.into_inner())
    }

    fn domains(&self, key: Key<Vec<String>>, hostname: &str) -> Result<Vec<String>, ConfigError> {
        match key {
            Some(domains) if domains.get_ref().is_empty() => {
                Err(self.refuse("domains", &domains, "write at least one domain"))
            }
            Some(domains) => Ok(domains.into_inner().iter().map(|domain| domain.to_lowercase()).collect()),
            None => Ok(vec![hostname.to_lowercase()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays of tables: the example shows them as comments.
    const TABLES: [&str; 11] =
        ["line", "seal_to", "sip", "mailbox", "sender", "cause", "hours", "rate", "gateway", "caller", "route"];

    fn refusal(text: &str) -> String {
        Config::parse(text, "a.toml").expect_err("should be refused").to_string()
    }

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(Config::parse(EXAMPLE, "example").unwrap(), Config::default());
    }

    #[test]
    fn the_example_has_every_key_and_what_is_shown_can_be_read() {
        let shown = Config::default()
            .to_toml()
            .lines()
            .filter(|line| !line.ends_with(" = []") || !TABLES.iter().any(|table| line.starts_with(table)))
            .fold(String::new(), |text, line| text + line + "\n");
        for line in shown.lines().filter(|line| line.contains(" = ")) {
            let key = line.split(" = ").next().unwrap();
            assert!(
                EXAMPLE.lines().any(|line| line.trim_start_matches("# ").starts_with(key)),
                "{key} is not in the example"
            );
        }
        assert_eq!(Config::parse(&shown, "shown").unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        let text = refusal("hostname = \"a\"\n[smtp]\nlisten_on = []\n");
        assert!(text.starts_with("a.toml:3: unknown key `listen_on`"), "{text}");
    }

    #[test]
    fn impossible_values_are_named_with_line_value_and_remedy() {
        let text = refusal("\n[relay]\nport = 70000\n");
        assert_eq!(text, "a.toml:3: relay.port = 70000: write a number from 1 to 65535");
        let text = refusal("[relay]\ntls = \"yes\"\n");
        assert!(text.contains("a.toml:2: relay.tls = \"yes\": write one of \"none\""), "{text}");
        assert!(refusal("[smtp]\nlisten = [\n \"nowhere\"]").starts_with("a.toml:3: smtp.listen = \"nowhere\""));
        assert!(refusal("[identity]\nstation = \"call me\"").contains("at most 20 digits"));
        assert!(refusal("hostname = ").starts_with("a.toml:1: "));
        let unspecified = "[direct]\nlisten = \"0.0.0.0:4711\"\n";
        assert!(refusal(unspecified).contains("into direct.address"));
        assert!(Config::parse(&format!("{unspecified}address = \"192.0.2.7:4711\""), "a.toml").is_ok());
    }

    #[test]
    fn two_lines_of_one_name_are_refused() {
        let line = "[[line]]\nname = \"a\"\nuri = \"sim:?far=onramp\"\n";
        assert!(refusal(&format!("{line}{line}")).contains("another line has this name"));
    }
}
