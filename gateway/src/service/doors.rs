//! The ports where mail is taken, and the sockets where programs are served.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

use tokio::net::{TcpListener, UnixListener};
use tracing::warn;

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

/// Who owns the gateway's files, and its group.
const OWNER_AND_GROUP: u32 = 0o660;

/// Opens the socket for commands of this machine; none, and why in the log, where that cannot be.
pub(super) fn open_control(path: &Path) -> Option<UnixListener> {
    let opened = control(path);
    let failed = |error: &io::Error| {
        warn!(%error, path = %path.display(), "commands such as answertone send --queue will not reach this gateway");
    };
    opened.inspect_err(failed).ok()
}

fn control(path: &Path) -> io::Result<UnixListener> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::other("another gateway has it; give this one a store.dir of its own"));
    }
    // What a gateway left that was killed.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(OWNER_AND_GROUP))?;
    Ok(listener)
}
