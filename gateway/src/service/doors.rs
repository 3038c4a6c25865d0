//! The ports where mail is taken.

use tokio::net::TcpListener;

use super::ServeError;
use crate::{
    config::{Api, Smtp},
    smtp::{Door, Protocol},
};

/// Opens all ports of the configuration.
pub(super) async fn open(config: &Smtp) -> Result<Vec<(TcpListener, Door)>, ServeError> {
    let plain =
        Door { tls: config.tls.0.clone(), logins: true, logins_in_clear: config.login_in_clear, ..Door::default() };
    let kinds = [
        ("smtp.listen", &config.listen, plain.clone()),
        ("smtp.listen_tls", &config.listen_tls, Door { tls_first: true, ..plain.clone() }),
        ("smtp.listen_lmtp", &config.listen_lmtp, Door { protocol: Protocol::Lmtp, ..plain }),
    ];
    let mut doors = vec![];
    for (key, addresses, door) in kinds {
        for address in addresses {
            let listener = TcpListener::bind(address).await;
            let listener = listener.map_err(|error| ServeError::Listen { key, address: *address, error })?;
            doors.push((listener, door.clone()));
        }
    }
    Ok(doors)
}

/// Opens the ports for other programs.
pub(super) async fn open_api(config: &Api) -> Result<Vec<TcpListener>, ServeError> {
    let mut listeners = vec![];
    for address in &config.listen {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| ServeError::Listen { key: "api.listen", address: *address, error })?);
    }
    Ok(listeners)
}
