//! The parameters of a network line's URI: `name=value&name=value`.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    ops::RangeInclusive,
    str::FromStr,
};

use crate::UriError;

/// Parameters not taken yet.
pub(crate) struct Query<'a> {
    scheme: &'static str,
    known: &'static str,
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Query<'a> {
    /// What follows the scheme; `known` names the parameters for messages.
    pub(crate) fn new(scheme: &'static str, known: &'static str, rest: &'a str) -> Self {
        let pairs = rest.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty());
        Self { scheme, known, pairs: pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect() }
    }

    /// The value of a parameter, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.pairs.iter().position(|(known, _)| *known == name)?;
        Some(self.pairs.remove(at).1)
    }

    /// What is wrong with a value, and what to write.
    pub(crate) fn bad(&self, name: &str, value: &str, wanted: &str) -> UriError {
        UriError::BadNetworkValue {
            scheme: self.scheme,
            name: name.to_owned(),
            value: value.to_owned(),
            wanted: wanted.to_owned(),
        }
    }

    /// A number in its range.
    pub(crate) fn number<T: FromStr + PartialOrd>(
        &mut self,
        name: &str,
        range: RangeInclusive<T>,
        wanted: &str,
    ) -> Result<Option<T>, UriError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.bad(name, value, wanted)),
        }
    }

    /// A value that reads as one of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        wanted: &str,
    ) -> Result<Option<T>, UriError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let chosen = choices.iter().find(|(word, _)| *word == value);
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| self.bad(name, value, wanted))
    }

    /// An address and a port; names are looked up.
    pub(crate) fn address(&mut self, name: &str) -> Result<Option<SocketAddr>, UriError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let first = value.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let wanted = "write an address and a port, as 127.0.0.1:9092 or pbx.example:9092";
        first.map(Some).ok_or_else(|| self.bad(name, value, wanted))
    }

    /// Nothing may be left that nobody knows, or that was written twice.
    pub(crate) fn finish(self) -> Result<(), UriError> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(UriError::UnknownNetworkParameter {
                scheme: self.scheme,
                name: (*name).to_owned(),
                known: self.known,
            }),
        }
    }
}
