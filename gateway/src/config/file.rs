//! The file being checked: messages with file, line, value and remedy, and the checks that many keys share.

use std::{fmt, net::SocketAddr, time::Duration};

use toml::Spanned;

use super::{ConfigError, Secret};
use crate::{mail::Mailbox, pattern::Pattern};

/// A key that may be absent, with its place in the file.
pub(super) type Key<T> = Option<Spanned<T>>;

/// The file being checked, for messages.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl File<'_> {
    fn error(&self, offset: usize, what: String) -> ConfigError {
        let line = self.text[..offset.min(self.text.len())].matches('\n').count() + 1;
        ConfigError { place: format!("{}:{line}", self.name), what }
    }

    pub(super) fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let message =
            error.message().replace("unknown field", "unknown key").replace("expected one of", "the keys here are");
        self.error(
            error.span().map_or(0, |span| span.start),
            format!("{message}; `answertone config example` shows every key"),
        )
    }

    /// Refuses a value with what to write instead.
    pub(super) fn refuse<T: fmt::Debug>(&self, key: &str, value: &Spanned<T>, remedy: &str) -> ConfigError {
        self.error(value.span().start, format!("{key} = {:?}: {remedy}", value.get_ref()))
    }

    pub(super) fn number(
        &self,
        key: &str,
        value: Key<i64>,
        default: i64,
        least: i64,
        most: i64,
    ) -> Result<i64, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        if !(least..=most).contains(value.get_ref()) {
            return Err(self.refuse(key, &value, &format!("write a number from {least} to {most}")));
        }
        Ok(value.into_inner())
    }

    /// A bound that is none when the key is left out.
    pub(super) fn bound(&self, key: &str, value: Key<i64>) -> Result<Option<i64>, ConfigError> {
        value.map(|value| self.number(key, Some(value), 0, 0, 1_000_000_000)).transpose()
    }

    /// An amount of money, in whatever currency the operator counts.
    pub(super) fn amount(&self, key: &str, value: Key<f64>) -> Result<Option<f64>, ConfigError> {
        let Some(value) = value else { return Ok(None) };
        if !(0.0..1e9).contains(value.get_ref()) {
            return Err(self.refuse(key, &value, "write an amount that is not negative, such as 0.05"));
        }
        Ok(Some(value.into_inner()))
    }

    pub(super) fn seconds(&self, key: &str, value: Key<i64>, default: i64) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(self.number(key, value, default, 0, 315_360_000)? as u64))
    }

    pub(super) fn waits(&self, key: &str, value: Key<Vec<i64>>, default: &[u64]) -> Result<Vec<Duration>, ConfigError> {
        let Some(value) = value else { return Ok(default.iter().copied().map(Duration::from_secs).collect()) };
        let right = |s: &i64| (0..=604_800).contains(s);
        if value.get_ref().is_empty() || !value.get_ref().iter().all(right) {
            return Err(self.refuse(key, &value, "write at least one waiting time from 0 to 604800 seconds"));
        }
        Ok(value.into_inner().into_iter().map(|s| Duration::from_secs(s as u64)).collect())
    }

    pub(super) fn digits(&self, key: &str, value: Key<String>, default: &str) -> Result<String, ConfigError> {
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

    pub(super) fn mailbox(&self, key: &str, value: Key<String>, default: &str) -> Result<Mailbox, ConfigError> {
        match value {
            None => Ok(Mailbox::parse(default).expect("a name at a checked host is an address")),
            Some(value) => self.address(key, &value),
        }
    }

    pub(super) fn address(&self, key: &str, value: &Spanned<String>) -> Result<Mailbox, ConfigError> {
        Mailbox::parse(value.get_ref())
            .ok_or_else(|| self.refuse(key, value, "write an e-mail address such as \"office@example.com\""))
    }

    /// An address and a port, or "" for none.
    pub(super) fn place(&self, key: &str, value: Key<String>, like: &str) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(value) = value.filter(|value| !value.get_ref().is_empty()) else { return Ok(None) };
        let remedy = || self.refuse(key, &value, &format!("write an address and a port such as \"{like}\", or \"\""));
        value.get_ref().parse().map(Some).map_err(|_| remedy())
    }

    pub(super) fn choice<T: Copy>(
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

    /// A secret from the file named, or else from the environment variable.
    pub(super) fn secret(
        &self,
        key: &str,
        file: Option<&Spanned<String>>,
        variable: &str,
    ) -> Result<Option<Secret>, ConfigError> {
        match file {
            Some(path) if !path.get_ref().is_empty() => match std::fs::read_to_string(path.get_ref()) {
                Ok(text) => Ok(Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned()))),
                Err(error) => Err(self.refuse(key, path, &format!("cannot be read: {error}"))),
            },
            _ => Ok(std::env::var(variable).ok().map(Secret)),
        }
    }
}

/// A text as written, or the default.
pub(super) fn text(value: Key<String>, default: &str) -> String {
    value.map_or_else(|| default.into(), Spanned::into_inner)
}

/// A yes or no, or the default.
pub(super) fn flag(value: Key<bool>, default: bool) -> bool {
    value.map_or(default, Spanned::into_inner)
}

/// Patterns as written; a key left out has those of `default`.
pub(super) fn patterns(value: Key<Vec<String>>, default: &[&str]) -> Vec<Pattern> {
    match value {
        Some(list) => list.into_inner().into_iter().map(Pattern::new).collect(),
        None => default.iter().copied().map(Pattern::new).collect(),
    }
}

/// Writes a place as its key is read.
pub(super) fn as_place<S: serde::Serializer>(place: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&place.map_or_else(String::new, |place| place.to_string()))
}

/// Writes a span as its keys are read, in seconds.
pub(super) fn as_seconds<S: serde::Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(span.as_secs())
}

/// The same for several.
pub(super) fn all_as_seconds<S: serde::Serializer>(spans: &[Duration], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(spans.iter().map(Duration::as_secs))
}
