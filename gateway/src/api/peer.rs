//! Who asks.

use std::net::{IpAddr, Ipv4Addr};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::net::{TcpListener, UnixListener};

/// Who asks: from where, and under which name its faxes are logged and counted.
#[derive(Clone, Copy)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) user: &'static str,
}

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { address: stream.remote_addr().ip(), user: "api" }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(_: IncomingStream<'_, UnixListener>) -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into(), user: "local" }
    }
}
