//! `[smtp]`: mail in.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;
use toml::Spanned;

use super::{
    ConfigError, Network,
    file::{File, Key, as_place, as_seconds, flag, text},
};
use crate::smtp;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: Key<Vec<Spanned<String>>>,
    listen_tls: Key<Vec<Spanned<String>>>,
    listen_lmtp: Key<Vec<Spanned<String>>>,
    name_server: Key<String>,
    certificate_file: Key<String>,
    key_file: Key<String>,
    login_in_clear: Key<bool>,
    login_failures: Key<i64>,
    lock_out_s: Key<i64>,
    allowed_senders: Key<Vec<Spanned<String>>>,
    max_message_bytes: Key<i64>,
    max_recipients: Key<i64>,
    max_connections: Key<i64>,
    idle_timeout_s: Key<i64>,
}

/// Certificate and key. Two of them are never compared: what was read from the same files is the same.
#[derive(Clone, Default)]
pub struct Tls(pub Option<TlsAcceptor>);

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "(certificate)" } else { "(no certificate)" })
    }
}

/// Mail in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Smtp {
    /// Sockets of SMTP, with STARTTLS where there is a certificate.
    pub listen: Vec<SocketAddr>,
    /// Sockets of SMTP with TLS from the first octet.
    pub listen_tls: Vec<SocketAddr>,
    /// Sockets of LMTP.
    pub listen_lmtp: Vec<SocketAddr>,
    /// Who is asked for SPF, DKIM, DMARC and ENUM; none: who this machine asks.
    #[serde(serialize_with = "as_place")]
    pub name_server: Option<SocketAddr>,
    /// The certificate chain, PEM; empty for no TLS.
    pub certificate_file: String,
    /// Its key, PEM.
    pub key_file: String,
    /// Both, ready for use.
    #[serde(skip)]
    pub tls: Tls,
    /// Whether passwords are taken without TLS.
    pub login_in_clear: bool,
    /// Failures after which users are locked out,
    pub login_failures: i64,
    /// and for how long.
    #[serde(rename = "lock_out_s", serialize_with = "as_seconds")]
    pub lock_out: Duration,
    /// Who may have faxes sent without saying who they are.
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

impl File<'_> {
    pub(super) fn smtp(&self, raw: Raw) -> Result<Smtp, ConfigError> {
        let allowed_senders = match raw.allowed_senders {
            Some(list) => list
                .into_inner()
                .iter()
                .map(|one| self.network("smtp.allowed_senders", one))
                .collect::<Result<_, _>>()?,
            None => Network::loopback(),
        };
        let idle = self.number("smtp.idle_timeout_s", raw.idle_timeout_s, 300, 1, 86_400)?;
        let octets = self.number("smtp.max_message_bytes", raw.max_message_bytes, 26_214_400, 1024, 1 << 30)?;
        let tls = self.certificate("smtp", raw.certificate_file.as_ref(), raw.key_file.as_ref())?;
        let listen_tls = self.sockets("smtp.listen_tls", raw.listen_tls.clone(), &[])?;
        if let (Some(key), None) = (raw.listen_tls.filter(|list| !list.get_ref().is_empty()), &tls.0) {
            return Err(self.refuse("smtp.listen_tls", &key, "write smtp.certificate_file and smtp.key_file too"));
        }
        Ok(Smtp {
            listen_tls,
            listen_lmtp: self.sockets("smtp.listen_lmtp", raw.listen_lmtp, &[])?,
            name_server: self.place("smtp.name_server", raw.name_server, "192.0.2.53:53")?,
            certificate_file: text(raw.certificate_file, ""),
            key_file: text(raw.key_file, ""),
            tls,
            login_in_clear: flag(raw.login_in_clear, false),
            login_failures: self.number("smtp.login_failures", raw.login_failures, 5, 1, 1000)?,
            lock_out: self.seconds("smtp.lock_out_s", raw.lock_out_s, 900)?,
            listen: self.sockets("smtp.listen", raw.listen, &[([127, 0, 0, 1], 2525).into()])?,
            allowed_senders,
            max_message_bytes: octets as usize,
            max_recipients: self.number("smtp.max_recipients", raw.max_recipients, 50, 1, 10_000)? as usize,
            max_connections: self.number("smtp.max_connections", raw.max_connections, 64, 1, 10_000)? as usize,
            idle_timeout: Duration::from_secs(idle as u64),
        })
    }

    pub(super) fn certificate(
        &self,
        table: &str,
        chain: Option<&Spanned<String>>,
        key: Option<&Spanned<String>>,
    ) -> Result<Tls, ConfigError> {
        let name = format!("{table}.certificate_file");
        let given = |file: Option<&Spanned<String>>| file.filter(|file| !file.get_ref().is_empty()).cloned();
        match (given(chain), given(key)) {
            (None, None) => Ok(Tls(None)),
            (Some(chain), Some(key)) => smtp::certificate(chain.get_ref().as_ref(), key.get_ref().as_ref())
                .map(|tls| Tls(Some(tls)))
                .map_err(|said| self.refuse(&name, &chain, &said)),
            (Some(file), None) | (None, Some(file)) => {
                Err(self.refuse(&name, &file, &format!("write {table}.certificate_file and {table}.key_file both")))
            }
        }
    }

    pub(super) fn sockets(
        &self,
        key: &str,
        list: Key<Vec<Spanned<String>>>,
        default: &[SocketAddr],
    ) -> Result<Vec<SocketAddr>, ConfigError> {
        let remedy = "write an address and port such as \"127.0.0.1:2525\" or \"[::1]:2525\"";
        let Some(list) = list else { return Ok(default.to_vec()) };
        list.into_inner()
            .iter()
            .map(|text| text.get_ref().parse().map_err(|_| self.refuse(key, text, remedy)))
            .collect()
    }

    pub(super) fn network(&self, key: &str, text: &Spanned<String>) -> Result<Network, ConfigError> {
        let remedy = "write a network such as \"192.168.1.0/24\" or a single address";
        text.get_ref().parse().map_err(|_| self.refuse(key, text, remedy))
    }
}
