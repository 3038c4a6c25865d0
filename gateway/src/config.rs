//! `answertone.toml`: from what is written to values that cannot be wrong.
//!
//! ```text
//!  file ──▶ raw::Raw (keys with their places) ──▶ check ──▶ Config
//!                                                └─▶ ConfigError: file, line, value, remedy
//! ```

mod network;
mod raw;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use answertone_dsp::tone::progress::TONES;
use answertone_hw::{LineUri, UriError};
use answertone_t30::session::Instead;
pub use network::Network;
use raw::{Key, Raw, RawLine};
use serde::Serialize;
use toml::Spanned;

use crate::{engine::Hearing, ifax::address::DialPlan, mail::Mailbox};

/// A configuration with every key and its comment; its values are the defaults.
pub const EXAMPLE: &str = include_str!("config/example.toml");

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
    pub store: StoreFolder,
    /// Who we are on the telephone.
    pub identity: Identity,
    /// E-mail to fax.
    pub offramp: Offramp,
    /// Fax to e-mail.
    pub onramp: Onramp,
    /// Telephone lines.
    #[serde(rename = "line")]
    pub lines: Vec<Line>,
}

/// Mail in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Smtp {
    /// Sockets.
    pub listen: Vec<SocketAddr>,
    /// Who may have faxes sent.
    pub allowed_senders: Vec<Network>,
    /// Largest message in octets.
    pub max_message_bytes: usize,
    /// Most recipients of a message.
    pub max_recipients: usize,
    /// Most connections at once.
    pub max_connections: usize,
    /// Silence after which a connection is closed.
    #[serde(rename = "idle_timeout_s", serialize_with = "as_seconds")]
    pub idle_timeout: Duration,
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

/// A password: it can be used but not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreFolder {
    /// The folder.
    pub dir: PathBuf,
}

/// Who we are on the telephone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identity {
    /// Our number, for CSI and TSI.
    pub station: String,
    /// Text at the head of pages.
    pub header: String,
}

/// E-mail to fax.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offramp {
    /// How numbers are dialled.
    #[serde(flatten)]
    pub dial: DialPlan,
    /// Attempts in all.
    pub attempts: u32,
    /// Waiting times between them.
    #[serde(rename = "retry_s", serialize_with = "all_as_seconds")]
    pub retry: Vec<Duration>,
    /// Most pages of a message.
    pub max_pages: usize,
    /// What is listened for in a call, and what ends it.
    #[serde(flatten)]
    pub hearing: Hearing,
}

/// How received pages are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// TIFF, RFC 3949.
    Tiff,
    /// PDF.
    Pdf,
    /// Both.
    Both,
}

/// Fax to e-mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Onramp {
    /// Where faxes go.
    pub mailbox: Mailbox,
    /// Who they come from when the caller is unknown.
    pub from: Mailbox,
    /// How.
    pub attach: Attach,
}

/// What a line is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Outgoing calls.
    Send,
    /// Incoming calls.
    Receive,
    /// Either.
    Both,
}

/// A telephone line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Its name in logs.
    pub name: String,
    /// Where it is, as written.
    #[serde(rename = "uri")]
    pub written: String,
    /// Where it is.
    #[serde(skip)]
    pub uri: LineUri,
    /// What it is for.
    #[serde(rename = "use")]
    pub purpose: Purpose,
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

/// The file being checked, for messages.
struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn error(&self, offset: usize, what: String) -> ConfigError {
        let line = self.text[..offset.min(self.text.len())].matches('\n').count() + 1;
        ConfigError { place: format!("{}:{line}", self.name), what }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let message =
            error.message().replace("unknown field", "unknown key").replace("expected one of", "the keys here are");
        self.error(
            error.span().map_or(0, |span| span.start),
            format!("{message}; `answertone config example` shows every key"),
        )
    }

    fn refuse<T: fmt::Debug>(&self, key: &str, value: &Spanned<T>, remedy: &str) -> ConfigError {
        self.error(value.span().start, format!("{key} = {:?}: {remedy}", value.get_ref()))
    }

    fn check(&self, raw: Raw) -> Result<Config, ConfigError> {
        let hostname = self.hostname(raw.hostname)?;
        let domains = match raw.domains {
            Some(domains) if domains.get_ref().is_empty() => {
                return Err(self.refuse("domains", &domains, "write at least one domain"));
            }
            Some(domains) => domains.into_inner().iter().map(|domain| domain.to_lowercase()).collect(),
            None => vec![hostname.to_lowercase()],
        };
        let lines = raw.line.iter().map(|line| self.line(line)).collect::<Result<Vec<_>, _>>()?;
        self.names_differ(&raw.line)?;
        let offramp = raw.offramp;
        Ok(Config {
            smtp: self.smtp(raw.smtp)?,
            relay: self.relay(raw.relay)?,
            store: StoreFolder { dir: raw.store.dir.map_or("answertone-store".into(), |dir| dir.into_inner().into()) },
            identity: Identity {
                station: self.station(raw.identity.station)?,
                header: raw.identity.header.map_or_else(String::new, Spanned::into_inner),
            },
            offramp: Offramp {
                dial: DialPlan {
                    country_code: self.digits("offramp.country_code", offramp.country_code, "")?,
                    national_prefix: self.digits("offramp.national_prefix", offramp.national_prefix, "")?,
                    international_prefix: self.digits(
                        "offramp.international_prefix",
                        offramp.international_prefix,
                        "00",
                    )?,
                    outside_line: self.digits("offramp.outside_line", offramp.outside_line, "")?,
                },
                attempts: self.number("offramp.attempts", offramp.attempts, 4, 1, 50)? as u32,
                retry: self.waits("offramp.retry_s", offramp.retry_s, &[120, 300, 900])?,
                max_pages: self.number("offramp.max_pages", offramp.max_pages, 200, 1, 10_000)? as usize,
                hearing: self.hearing(offramp.country, offramp.give_up_on)?,
            },
            onramp: Onramp {
                mailbox: self.mailbox("onramp.mailbox", raw.onramp.mailbox, &format!("postmaster@{hostname}"))?,
                from: self.mailbox("onramp.from", raw.onramp.from, &format!("fax@{hostname}"))?,
                attach: self.choice(
                    "onramp.attach",
                    raw.onramp.attach,
                    Attach::Both,
                    &[("tiff", Attach::Tiff), ("pdf", Attach::Pdf), ("both", Attach::Both)],
                )?,
            },
            hostname,
            domains,
            lines,
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

    fn smtp(&self, raw: raw::RawSmtp) -> Result<Smtp, ConfigError> {
        let listen = match raw.listen {
            Some(list) => list.into_inner().iter().map(|one| self.socket(one)).collect::<Result<_, _>>()?,
            None => vec![SocketAddr::from(([127, 0, 0, 1], 2525))],
        };
        let allowed_senders = match raw.allowed_senders {
            Some(list) => list.into_inner().iter().map(|one| self.network(one)).collect::<Result<_, _>>()?,
            None => Network::loopback(),
        };
        Ok(Smtp {
            listen,
            allowed_senders,
            max_message_bytes: self.number(
                "smtp.max_message_bytes",
                raw.max_message_bytes,
                26_214_400,
                1024,
                1 << 30,
            )? as usize,
            max_recipients: self.number("smtp.max_recipients", raw.max_recipients, 50, 1, 10_000)? as usize,
            max_connections: self.number("smtp.max_connections", raw.max_connections, 64, 1, 10_000)? as usize,
            idle_timeout: Duration::from_secs(
                self.number("smtp.idle_timeout_s", raw.idle_timeout_s, 300, 1, 86_400)? as u64
            ),
        })
    }

    fn socket(&self, text: &Spanned<String>) -> Result<SocketAddr, ConfigError> {
        let remedy = "write an address and port such as \"127.0.0.1:2525\" or \"[::1]:2525\"";
        text.get_ref().parse().map_err(|_| self.refuse("smtp.listen", text, remedy))
    }

    fn network(&self, text: &Spanned<String>) -> Result<Network, ConfigError> {
        let remedy = "write a network such as \"192.168.1.0/24\" or a single address";
        text.get_ref().parse().map_err(|_| self.refuse("smtp.allowed_senders", text, remedy))
    }

    fn relay(&self, raw: raw::RawRelay) -> Result<Relay, ConfigError> {
        let names = [
            ("none", Tls::None),
            ("opportunistic", Tls::Opportunistic),
            ("required", Tls::Required),
            ("wrapped", Tls::Wrapped),
        ];
        let user = raw.user.map_or_else(String::new, Spanned::into_inner);
        let password_env = raw.password_env.map_or("ANSWERTONE_RELAY_PASSWORD".into(), Spanned::into_inner);
        let password = self.password(raw.password_file.as_ref(), &password_env)?;
        Ok(Relay {
            host: raw.host.map_or("127.0.0.1".into(), Spanned::into_inner),
            port: self.number("relay.port", raw.port, 25, 1, 65_535)? as u16,
            tls: self.choice("relay.tls", raw.tls, Tls::Opportunistic, &names)?,
            user,
            password_file: raw.password_file.map_or_else(String::new, Spanned::into_inner),
            password_env,
            password,
            retry: self.waits("relay.retry_s", raw.retry_s, &[10, 60, 300, 900, 3600])?,
        })
    }

    fn password(&self, file: Option<&Spanned<String>>, variable: &str) -> Result<Option<Secret>, ConfigError> {
        match file {
            Some(path) if !path.get_ref().is_empty() => match std::fs::read_to_string(path.get_ref()) {
                Ok(text) => Ok(Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned()))),
                Err(error) => Err(self.refuse("relay.password_file", path, &format!("cannot be read: {error}"))),
            },
            _ => Ok(std::env::var(variable).ok().map(Secret)),
        }
    }

    fn station(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(station) = key else { return Ok(String::new()) };
        let plain = |c: char| c.is_ascii_digit() || c == ' ' || c == '+';
        if station.get_ref().len() > 20 || !station.get_ref().chars().all(plain) {
            return Err(self.refuse(
                "identity.station",
                &station,
                "at most 20 digits, spaces and + fit (ITU-T T.30 5.3.6.2.4)",
            ));
        }
        Ok(station.into_inner())
    }

    fn line(&self, line: &Spanned<RawLine>) -> Result<Line, ConfigError> {
        let raw = line.get_ref();
        let uri = raw
            .uri
            .get_ref()
            .parse()
            .map_err(|error: UriError| self.refuse("line.uri", &raw.uri, &error.to_string()))?;
        let names = [("send", Purpose::Send), ("receive", Purpose::Receive), ("both", Purpose::Both)];
        Ok(Line {
            name: raw.name.get_ref().clone(),
            written: raw.uri.get_ref().clone(),
            uri,
            purpose: self.choice("line.use", raw.purpose.clone(), Purpose::Both, &names)?,
        })
    }

    fn names_differ(&self, lines: &[Spanned<RawLine>]) -> Result<(), ConfigError> {
        let mut seen = std::collections::HashSet::new();
        for line in lines {
            if !seen.insert(line.get_ref().name.get_ref().clone()) {
                return Err(self.refuse(
                    "line.name",
                    &line.get_ref().name,
                    "another line has this name; give each its own",
                ));
            }
        }
        Ok(())
    }

    fn digits(&self, key: &str, value: Key<String>, default: &str) -> Result<String, ConfigError> {
        let Some(value) = value else { return Ok(default.into()) };
        if !value.get_ref().chars().all(|c| c.is_ascii_digit() || "*#,".contains(c)) {
            return Err(self.refuse(
                key,
                &value,
                "write what is dialled: digits, *, # and a comma for a pause, without +",
            ));
        }
        Ok(value.into_inner())
    }

    fn number(&self, key: &str, value: Key<i64>, default: i64, least: i64, most: i64) -> Result<i64, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        if !(least..=most).contains(value.get_ref()) {
            return Err(self.refuse(key, &value, &format!("write a number from {least} to {most}")));
        }
        Ok(value.into_inner())
    }

    fn waits(&self, key: &str, value: Key<Vec<i64>>, default: &[u64]) -> Result<Vec<Duration>, ConfigError> {
        let Some(value) = value else { return Ok(default.iter().copied().map(Duration::from_secs).collect()) };
        let right = |s: &i64| (0..=604_800).contains(s);
        if value.get_ref().is_empty() || !value.get_ref().iter().all(right) {
            return Err(self.refuse(key, &value, "write at least one waiting time from 0 to 604800 seconds"));
        }
        Ok(value.into_inner().into_iter().map(|s| Duration::from_secs(s as u64)).collect())
    }

    fn hearing(&self, country: Key<String>, give_up_on: Key<Vec<String>>) -> Result<Hearing, ConfigError> {
        let usual = Hearing::default();
        let known = |country: &str| country == usual.country || TONES.iter().any(|tone| tone.country == country);
        if let Some(country) = country.as_ref().filter(|country| !known(country.get_ref())) {
            return Err(self.refuse(
                "offramp.country",
                country,
                "write \"any\", or a country such as \"us\" or \"de\"",
            ));
        }
        let listed = give_up_on.as_ref().map(|list| Hearing::give_up_list(list.get_ref().iter().map(String::as_str)));
        let listed = listed.transpose().map_err(|_| {
            let all = Instead::ALL.map(Instead::name).join(", ");
            let list = give_up_on.as_ref().expect("a wrong name is in a list");
            self.refuse("offramp.give_up_on", list, &format!("choose of {all}"))
        })?;
        Ok(Hearing {
            country: country.map_or(usual.country, Spanned::into_inner),
            give_up_on: listed.unwrap_or(usual.give_up_on),
        })
    }

    fn mailbox(&self, key: &str, value: Key<String>, default: &str) -> Result<Mailbox, ConfigError> {
        match value {
            None => Ok(Mailbox::parse(default).expect("a name at a checked host is an address")),
            Some(value) => Mailbox::parse(value.get_ref())
                .ok_or_else(|| self.refuse(key, &value, "write an e-mail address such as \"office@example.com\"")),
        }
    }

    fn choice<T: Copy>(
        &self,
        key: &str,
        value: Key<String>,
        default: T,
        names: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        let known: Vec<_> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let found = names.iter().find(|(name, _)| name == value.get_ref());
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| self.refuse(key, &value, &format!("write one of {}", known.join(", "))))
    }
}

fn as_seconds<S: serde::Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_secs())
}

fn all_as_seconds<S: serde::Serializer>(spans: &[Duration], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(spans.iter().map(Duration::as_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Config::parse(text, "a.toml").expect_err("should be refused").to_string()
    }

    #[test]
    fn the_example_is_the_defaults() {
        assert_eq!(Config::parse(EXAMPLE, "example").unwrap(), Config::default());
    }

    #[test]
    fn the_example_has_every_key_and_what_is_shown_can_be_read() {
        let shown = Config::default().to_toml().replace("line = []\n", "");
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
    }

    #[test]
    fn two_lines_of_one_name_are_refused() {
        let line = "[[line]]\nname = \"a\"\nuri = \"sim:?far=onramp\"\n";
        assert!(refusal(&format!("{line}{line}")).contains("another line has this name"));
    }
}
