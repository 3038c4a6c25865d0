//! `[store]` and `[spool]`: where everything is kept and for how long, and a folder whose messages are taken.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError,
    file::{File, Key, as_seconds, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    dir: Key<String>,
    url: Key<String>,
    pages: Key<String>,
    lease_s: Key<i64>,
    wipe_after_days: Key<i64>,
    forget_after_days: Key<i64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpool {
    dir: Key<String>,
}

/// Where everything is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreConfig {
    /// The folder of SQLite.
    pub dir: PathBuf,
    /// A PostgreSQL database that several gateways share instead; empty for none.
    pub url: String,
    /// Where pages lie, as `file:///FOLDER` or `s3://BUCKET/FOLDER`; empty: in the database.
    pub pages: String,
    /// After how long a gateway that says nothing is taken for dead by the others.
    #[serde(rename = "lease_s", serialize_with = "as_seconds")]
    pub lease: Duration,
    /// Days after which what was said is wiped of faxes and mails that are over: messages, pages, notices. 0: never.
    pub wipe_after_days: i64,
    /// Days after which also the log forgets them. 0: never.
    pub forget_after_days: i64,
}

impl StoreConfig {
    /// The socket by which commands of this machine reach the gateway.
    pub fn control(&self) -> PathBuf {
        self.dir.join("control")
    }
}

/// A folder whose messages are taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spool {
    /// The folder; empty for none.
    pub dir: PathBuf,
}

impl File<'_> {
    pub(super) fn store(&self, raw: Raw) -> Result<StoreConfig, ConfigError> {
        Ok(StoreConfig {
            dir: text(raw.dir, "answertone-store").into(),
            url: self.database(raw.url)?,
            pages: self.pages(raw.pages)?,
            lease: Duration::from_secs(self.number("store.lease_s", raw.lease_s, 30, 1, 3600)? as u64),
            wipe_after_days: self.number("store.wipe_after_days", raw.wipe_after_days, 90, 0, 36_500)?,
            forget_after_days: self.number("store.forget_after_days", raw.forget_after_days, 0, 0, 36_500)?,
        })
    }

    /// Secrets stay out of the configuration: it is shown and copied.
    fn database(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(url) = key.filter(|url| !url.get_ref().is_empty()) else { return Ok(String::new()) };
        let at_server = url.get_ref().strip_prefix("postgres://").or(url.get_ref().strip_prefix("postgresql://"));
        let Some(rest) = at_server else {
            return Err(self.refuse(
                "store.url",
                &url,
                "write a URL such as \"postgres://answertone@db.example/answertone\"",
            ));
        };
        let user =
            rest.split(['/', '?']).next().and_then(|server| server.rsplit_once('@')).map_or("", |(user, _)| user);
        if user.contains(':') {
            let remedy = "put the password into ~/.pgpass or the environment variable PGPASSWORD instead";
            return Err(self.refuse("store.url", &Spanned::new(url.span(), "(with a password)"), remedy));
        }
        Ok(url.into_inner())
    }

    fn pages(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(url) = key.filter(|url| !url.get_ref().is_empty()) else { return Ok(String::new()) };
        let names_place = |rest: &str| !rest.is_empty() && !rest.contains('@');
        let right = url.get_ref().strip_prefix("s3://").is_some_and(names_place)
            || url.get_ref().strip_prefix("file://").is_some_and(|folder| folder.starts_with('/'));
        if !right {
            let remedy = "write a folder as \"file:///var/lib/answertone/pages\", or \"s3://bucket/folder\"; keys go into the environment";
            return Err(self.refuse("store.pages", &url, remedy));
        }
        Ok(url.into_inner())
    }

    pub(super) fn spool(&self, raw: RawSpool) -> Spool {
        Spool { dir: text(raw.dir, "").into() }
    }
}
