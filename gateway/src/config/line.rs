//! `[identity]` and `[[line]]`: who we are on the telephone, and where.

use std::collections::HashSet;

use answertone_hw::{LineUri, UriError};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, SipAccount,
    file::{File, Key, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    station: Key<String>,
    header: Key<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLine {
    name: Spanned<String>,
    uri: Spanned<String>,
    #[serde(rename = "use")]
    purpose: Key<String>,
}

/// Who we are on the telephone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identity {
    /// Our number, for CSI and TSI.
    pub station: String,
    /// Text at the head of pages.
    pub header: String,
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

impl File<'_> {
    pub(super) fn identity(&self, raw: RawIdentity) -> Result<Identity, ConfigError> {
        Ok(Identity { station: self.station(raw.station)?, header: text(raw.header, "") })
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

    pub(super) fn lines(&self, raw: &[Spanned<RawLine>], accounts: &[SipAccount]) -> Result<Vec<Line>, ConfigError> {
        let lines = raw.iter().map(|line| self.line(line.get_ref(), accounts)).collect::<Result<Vec<_>, _>>()?;
        self.names_differ(raw)?;
        Ok(lines)
    }

    fn line(&self, raw: &RawLine, accounts: &[SipAccount]) -> Result<Line, ConfigError> {
        let uri = raw
            .uri
            .get_ref()
            .parse()
            .map_err(|error: UriError| self.refuse("line.uri", &raw.uri, &error.to_string()))?;
        let known = |name: &str| accounts.iter().any(|account| account.name == name);
        if let LineUri::Sip(params) = &uri
            && !known(&params.account)
        {
            return Err(self.refuse(
                "line.uri",
                &raw.uri,
                "there is no such account; write a [[sip]] table with this name",
            ));
        }
        let names = [("send", Purpose::Send), ("receive", Purpose::Receive), ("both", Purpose::Both)];
        Ok(Line {
            name: raw.name.get_ref().clone(),
            written: raw.uri.get_ref().clone(),
            uri,
            purpose: self.choice("line.use", raw.purpose.clone(), Purpose::Both, &names)?,
        })
    }

    fn names_differ(&self, lines: &[Spanned<RawLine>]) -> Result<(), ConfigError> {
        let mut seen = HashSet::new();
        match lines.iter().map(|line| &line.get_ref().name).find(|name| !seen.insert(name.get_ref())) {
            Some(name) => Err(self.refuse("line.name", name, "another line has this name; give each its own")),
            None => Ok(()),
        }
    }
}
