//! Names that are asked for: by whom, and what telephone numbers stand for.

pub mod number;

use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::MessageAuthenticator;

/// Who asks that server, or those of this machine.
///
/// # Errors
/// This machine has none, for people.
pub fn asked_of(server: Option<SocketAddr>) -> Result<MessageAuthenticator, String> {
    let authenticator = match server {
        None => MessageAuthenticator::new_system_conf(),
        Some(server) => MessageAuthenticator::new(asking(server), ResolverOpts::default()),
    };
    authenticator.map_err(|error| error.to_string())
}

/// Asks that server alone, by datagrams and where these are too short by a stream.
pub(crate) fn asking(server: SocketAddr) -> ResolverConfig {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(at_port).into();
    ResolverConfig::from_parts(None, vec![], vec![NameServerConfig::new(server.ip(), true, connections)])
}

#[cfg(test)]
#[allow(dead_code, reason = "other tests of the gateway use the rest of these")]
#[path = "../../tests/zone/mod.rs"]
pub(crate) mod zone;
