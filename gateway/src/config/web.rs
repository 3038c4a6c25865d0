//! `[web]`: the operator's page.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use toml::Spanned;

use super::{
    ConfigError, Network,
    file::{File, Key, text},
    smtp::Tls,
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: Key<Vec<Spanned<String>>>,
    operators: Key<Vec<String>>,
    certificate_file: Key<String>,
    key_file: Key<String>,
    session_minutes: Key<i64>,
    logins_per_minute: Key<i64>,
    metrics_from: Key<Vec<Spanned<String>>>,
}

/// The operator's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Web {
    /// Where it is served; empty for nowhere.
    pub listen: Vec<SocketAddr>,
    /// Users who see and may change everything.
    pub operators: Vec<String>,
    /// The certificate chain, PEM; empty for http.
    pub certificate_file: String,
    /// Its key, PEM.
    pub key_file: String,
    /// Both, ready for use.
    #[serde(skip)]
    pub tls: Tls,
    /// Idleness after which a session ends.
    #[serde(rename = "session_minutes", serialize_with = "as_minutes")]
    pub session: Duration,
    /// Most attempts to log in from one address in a minute.
    pub logins_per_minute: u32,
    /// Who may read the numbers without login.
    pub metrics_from: Vec<Network>,
}

fn as_minutes<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_secs() / 60)
}

impl File<'_> {
    pub(super) fn web(&self, raw: Raw) -> Result<Web, ConfigError> {
        let metrics_from = match raw.metrics_from {
            Some(list) => {
                let networks = list.into_inner();
                networks.iter().map(|one| self.network("web.metrics_from", one)).collect::<Result<_, _>>()?
            }
            None => Network::loopback(),
        };
        let minutes = self.number("web.session_minutes", raw.session_minutes, 480, 1, 100_000)?;
        let logins = self.number("web.logins_per_minute", raw.logins_per_minute, 10, 1, 10_000)?;
        let tls = self.certificate("web", raw.certificate_file.as_ref(), raw.key_file.as_ref())?;
        Ok(Web {
            listen: self.sockets("web.listen", raw.listen, &[])?,
            operators: raw.operators.map_or_else(Vec::new, Spanned::into_inner),
            tls,
            certificate_file: text(raw.certificate_file, ""),
            key_file: text(raw.key_file, ""),
            session: Duration::from_secs(minutes as u64 * 60),
            logins_per_minute: logins as u32,
            metrics_from,
        })
    }
}
