//! Mail addresses, and handing a message to the relay.

use std::{fmt, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls as Wire, TlsParameters},
        extension::ClientId,
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

/// The way to the relay.
pub struct MailOut {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    place: String,
}

/// The longest wait for an answer of the relay, RFC 5321 4.5.3.2 asks for more only after the final dot.
const PATIENCE: Duration = Duration::from_secs(60);

impl MailOut {
    /// Prepares the way; nothing is connected yet.
    pub fn new(relay: &Relay, hostname: &str) -> Result<Self, RelayError> {
        let wire = wire(relay)?;
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay.host)
            .port(relay.port)
            .tls(wire)
            .hello_name(ClientId::Domain(hostname.into()))
            .timeout(Some(PATIENCE));
        if let (false, Some(password)) = (relay.user.is_empty(), &relay.password) {
            transport = transport.credentials(Credentials::new(relay.user.clone(), password.0.clone()));
        }
        Ok(Self { transport: transport.build(), place: format!("{}:{}", relay.host, relay.port) })
    }

    /// Hands over one message; an empty `from` is the null sender.
    pub async fn send(&self, from: &str, to: &str, raw: &[u8]) -> Result<(), RelayError> {
        let from = if from.is_empty() { None } else { Some(address(from)?) };
        let envelope = Envelope::new(from, vec![address(to)?]).map_err(|error| RelayError::Never(error.to_string()))?;
        match self.transport.send_raw(&envelope, raw).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(RelayError::Never(self.told(&error))),
            Err(error) => Err(RelayError::Later(self.told(&error))),
        }
    }

    fn told(&self, error: &dyn std::error::Error) -> String {
        let mut text = format!("relay {}: {error}", self.place);
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
}

fn address(text: &str) -> Result<Address, RelayError> {
    text.parse().map_err(|_| RelayError::Never(format!("{text:?} is not a mail address")))
}

fn wire(relay: &Relay) -> Result<Wire, RelayError> {
    let parameters = || {
        TlsParameters::new(relay.host.clone())
            .map_err(|error| RelayError::Never(format!("TLS to {}: {error}", relay.host)))
    };
    Ok(match relay.tls {
        Tls::None => Wire::None,
        Tls::Opportunistic => Wire::Opportunistic(parameters()?),
        Tls::Required => Wire::Required(parameters()?),
        Tls::Wrapped => Wire::Wrapper(parameters()?),
    })
}
