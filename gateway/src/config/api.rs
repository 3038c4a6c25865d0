//! `[api]`: how other programs use the gateway.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Secret,
    file::{File, Key, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    listen: Key<Vec<Spanned<String>>>,
    token_file: Key<String>,
    token_env: Key<String>,
    webhooks: Key<Vec<Spanned<String>>>,
    webhook_secret_file: Key<String>,
    webhook_secret_env: Key<String>,
}

/// How other programs use the gateway.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Api {
    /// Sockets of HTTP in the clear.
    pub listen: Vec<SocketAddr>,
    /// File with the token that programs show.
    pub token_file: String,
    /// Variable with it.
    pub token_env: String,
    /// The token itself, never shown.
    #[serde(skip)]
    pub token: Option<Secret>,
    /// Addresses that are told of each fax that is over.
    pub webhooks: Vec<String>,
    /// File with the secret that what is told is signed with.
    pub webhook_secret_file: String,
    /// Variable with it.
    pub webhook_secret_env: String,
    /// The secret itself, never shown.
    #[serde(skip)]
    pub webhook_secret: Option<Secret>,
}

/// A token that can be guessed is none.
const SHORTEST_TOKEN: usize = 16;

impl File<'_> {
    pub(super) fn api(&self, raw: Raw) -> Result<Api, ConfigError> {
        let token_env = text(raw.token_env, "ANSWERTONE_API_TOKEN");
        let token = self.secret("api.token_file", raw.token_file.as_ref(), &token_env)?;
        let token = token.filter(|token| token.0.len() >= SHORTEST_TOKEN);
        let given = raw.listen.as_ref().filter(|list| !list.get_ref().is_empty());
        if let (Some(key), None) = (given, &token) {
            let remedy =
                "programs need a token of 16 characters or more; write it into a file and name that as api.token_file";
            return Err(self.refuse("api.listen", key, remedy));
        }
        let webhook_secret_env = text(raw.webhook_secret_env, "ANSWERTONE_WEBHOOK_SECRET");
        Ok(Api {
            listen: self.sockets("api.listen", raw.listen, &[])?,
            token_file: text(raw.token_file, ""),
            token_env,
            token,
            webhooks: self.addresses(raw.webhooks)?,
            webhook_secret: self.secret(
                "api.webhook_secret_file",
                raw.webhook_secret_file.as_ref(),
                &webhook_secret_env,
            )?,
            webhook_secret_file: text(raw.webhook_secret_file, ""),
            webhook_secret_env,
        })
    }

    fn addresses(&self, key: Key<Vec<Spanned<String>>>) -> Result<Vec<String>, ConfigError> {
        let urls = key.map(Spanned::into_inner).unwrap_or_default();
        match urls.iter().find(|url| !["http://", "https://"].iter().any(|scheme| url.get_ref().starts_with(scheme))) {
            Some(url) => Err(self.refuse("api.webhooks", url, "write a URL such as \"https://example.com/faxes\"")),
            None => Ok(urls.into_iter().map(Spanned::into_inner).collect()),
        }
    }
}
