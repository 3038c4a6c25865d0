//! `[direct]`: documents from gateway to gateway while a call is up.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Network,
    file::{File, Key, as_place},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    to: Key<Vec<Spanned<String>>>,
    listen: Key<String>,
    address: Key<String>,
}

/// Documents from gateway to gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Direct {
    /// Networks with gateways that documents are brought to; empty: none are.
    pub to: Vec<Network>,
    /// Where documents are taken.
    #[serde(serialize_with = "as_place")]
    pub listen: Option<SocketAddr>,
    /// That place as callers reach it.
    #[serde(serialize_with = "as_place")]
    pub address: Option<SocketAddr>,
}

impl File<'_> {
    pub(super) fn direct(&self, raw: Raw) -> Result<Direct, ConfigError> {
        let networks = raw.to.map_or_else(Vec::new, Spanned::into_inner);
        let address = self.place("direct.address", raw.address, "192.0.2.7:4711")?;
        let listen = self.place("direct.listen", raw.listen.clone(), "192.0.2.7:4711")?;
        if let (Some(listen), Some(key), None) = (listen, &raw.listen, address)
            && listen.ip().is_unspecified()
        {
            let remedy = "callers cannot be told this address; write the one that they reach into direct.address";
            return Err(self.refuse("direct.listen", key, remedy));
        }
        let to = networks.iter().map(|one| self.network("direct.to", one)).collect::<Result<_, _>>()?;
        Ok(Direct { to, listen, address })
    }
}
