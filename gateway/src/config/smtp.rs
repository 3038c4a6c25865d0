//! `[smtp]`: mail in.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Network,
    file::{File, Key, as_seconds},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: Key<Vec<Spanned<String>>>,
    allowed_senders: Key<Vec<Spanned<String>>>,
    max_message_bytes: Key<i64>,
    max_recipients: Key<i64>,
    max_connections: Key<i64>,
    idle_timeout_s: Key<i64>,
}

/// Mail in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Smtp {
    /// Sockets.
    pub listen: Vec<SocketAddr>,
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
        Ok(Smtp {
            listen: self.sockets("smtp.listen", raw.listen, &[([127, 0, 0, 1], 2525).into()])?,
            allowed_senders,
            max_message_bytes: octets as usize,
            max_recipients: self.number("smtp.max_recipients", raw.max_recipients, 50, 1, 10_000)? as usize,
            max_connections: self.number("smtp.max_connections", raw.max_connections, 64, 1, 10_000)? as usize,
            idle_timeout: Duration::from_secs(idle as u64),
        })
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
