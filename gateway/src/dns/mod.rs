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
        Some(server) => {
            let at_port = |mut connection: ConnectionConfig| {
                connection.port = server.port();
                connection
            };
            let connections = vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())];
            let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
            MessageAuthenticator::new(ResolverConfig::from_parts(None, vec![], servers), ResolverOpts::default())
        }
    };
    authenticator.map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "../../tests/zone/mod.rs"]
pub(crate) mod zone;
