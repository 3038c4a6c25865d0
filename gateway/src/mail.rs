//! Mail addresses, and handing a message to the relay.

use std::{fmt, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Ehlo, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter, RcptParameter},
    },
};
use serde::Serialize;

use crate::config::{Relay, Tls};

/// A mail address that can be written in an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Mailbox(String);

impl Mailbox {
    /// Reads an address; none when it could not stand in an SMTP command.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Address>().ok().map(|address| Self(address.to_string()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why the relay did not take a message.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// It may take it later.
    #[error("{0}")]
    Later(String),
    /// It never will.
    #[error("{0}")]
    Never(String),
}

/// The longest wait for an answer of the relay, RFC 5321 4.5.3.2 asks for more only after the final dot.
const PATIENCE: Duration = Duration::from_secs(60);

/// The way to the relays: the first that takes a message now.
pub struct MailOut {
    relay: Relay,
    hello: ClientId,
    /// In the order in which they are asked.
    places: Vec<Place>,
}

struct Place {
    host: String,
    port: u16,
    /// How TLS is spoken there; none where it never is.
    tls: Option<TlsParameters>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A message with its envelope.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Return path; empty is the null sender.
    pub from: &'a str,
    /// To whom.
    pub to: &'a str,
    /// ENVID under which delivery, delay and failure are to be told, RFC 3461; none to leave that to the relay.
    pub envelope_id: Option<&'a str>,
    /// The message.
    pub raw: &'a [u8],
}

impl MailOut {
    /// Prepares the way; nothing is connected yet.
    pub fn new(relay: &Relay, hostname: &str) -> Result<Self, RelayError> {
        let first = (relay.host.clone(), relay.port);
        let places = [first].into_iter().chain(relay.others.iter().map(|other| other.place()));
        let places = places.map(|(host, port)| Ok(Place { tls: sealed(relay.tls, &host)?, host, port }));
        let places = places.collect::<Result<_, _>>()?;
        Ok(Self { relay: relay.clone(), hello: ClientId::Domain(hostname.into()), places })
    }

    /// Hands over one message; who has taken it.
    pub async fn send(&self, mail: Outgoing<'_>) -> Result<String, RelayError> {
        let from = if mail.from.is_empty() { None } else { Some(address(mail.from)?) };
        let to = address(mail.to)?;
        let mut said = String::new();
        for place in &self.places {
            match self.hand_over(place, from.clone(), to.clone(), &mail).await {
                Ok(()) => return Ok(place.to_string()),
                Err(error) if error.is_permanent() => return Err(RelayError::Never(told(place, &error))),
                Err(error) if said.is_empty() => said = told(place, &error),
                Err(error) => said = format!("{said}; {}", told(place, &error)),
            }
        }
        Err(RelayError::Later(said))
    }

    async fn hand_over(
        &self,
        place: &Place,
        from: Option<Address>,
        to: Address,
        mail: &Outgoing<'_>,
    ) -> Result<(), SmtpError> {
        let mut connection = self.connected(place).await?;
        let reports = mail.envelope_id.filter(|_| !mail.from.is_empty());
        let reports = match reports {
            Some(id) if self.tells_of_delivery(&mut connection).await? => Some(id),
            _ => None,
        };
        let eight_bits = !mail.raw.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime);
        let body = eight_bits.then_some(MailParameter::Body(MailBodyParameter::EightBitMime));
        let ours = body.into_iter().chain(reports.into_iter().flat_map(of_mail));
        connection.command(Mail::new(from, ours.collect())).await?;
        let asked = reports.map_or_else(Vec::new, |_| of_recipient(mail.to));
        connection.command(Rcpt::new(to, asked)).await?;
        connection.command(Data).await?;
        connection.message(mail.raw).await?;
        // What was taken is taken, however the goodbye goes.
        let _ = connection.quit().await;
        Ok(())
    }

    async fn connected(&self, place: &Place) -> Result<AsyncSmtpConnection, SmtpError> {
        let wrapped = place.tls.clone().filter(|_| self.relay.tls == Tls::Wrapped);
        let to = (place.host.as_str(), place.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(to, Some(PATIENCE), &self.hello, wrapped, None).await?;
        if let Some(tls) = &place.tls
            && (self.relay.tls == Tls::Required || self.relay.tls == Tls::Opportunistic && connection.can_starttls())
        {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let (false, Some(password)) = (self.relay.user.is_empty(), &self.relay.password) {
            let credentials = Credentials::new(self.relay.user.clone(), password.0.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    /// Whether the relay offers DSN.
    async fn tells_of_delivery(&self, connection: &mut AsyncSmtpConnection) -> Result<bool, SmtpError> {
        let offered = connection.command(Ehlo::new(self.hello.clone())).await?;
        Ok(offered.message().any(|line| line.trim().eq_ignore_ascii_case("DSN")))
    }
}

fn of_mail(envelope_id: &str) -> [MailParameter; 2] {
    let other = |keyword: &str, value: String| MailParameter::Other { keyword: keyword.into(), value: Some(value) };
    [other("RET", "HDRS".into()), other("ENVID", xtext(envelope_id))]
}

/// Delivery is asked for by NOTIFY=SUCCESS, RFC 2532 2.1.
fn of_recipient(to: &str) -> Vec<RcptParameter> {
    let other = |keyword: &str, value: String| RcptParameter::Other { keyword: keyword.into(), value: Some(value) };
    vec![other("NOTIFY", "SUCCESS,FAILURE,DELAY".into()), other("ORCPT", format!("rfc822;{}", xtext(to)))]
}

/// RFC 3461 4.
fn xtext(text: &str) -> String {
    let plain = |octet: &u8| (b'!'..=b'~').contains(octet) && !b"+=".contains(octet);
    text.bytes()
        .map(|octet| if plain(&octet) { char::from(octet).to_string() } else { format!("+{octet:02X}") })
        .collect()
}

fn told(place: &Place, error: &dyn std::error::Error) -> String {
    let mut text = format!("relay {place}: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn address(text: &str) -> Result<Address, RelayError> {
    text.parse().map_err(|_| RelayError::Never(format!("{text:?} is not a mail address")))
}

fn sealed(tls: Tls, host: &str) -> Result<Option<TlsParameters>, RelayError> {
    match tls {
        Tls::None => Ok(None),
        _ => TlsParameters::new(host.to_owned())
            .map(Some)
            .map_err(|error| RelayError::Never(format!("TLS to {host}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xtext_cannot_hold_is_written_in_hexadecimal() {
        assert_eq!(xtext("FAX=+1555@gw"), "FAX+3D+2B1555@gw");
        assert_eq!(xtext("fax.5.17@gw"), "fax.5.17@gw");
    }
}
