//! `websocket:` as a URI.

use std::{net::SocketAddr, time::Duration};

use crate::{UriError, query::Query};

const KNOWN: &str = "listen, connect, path, jitter, patience and calls";

/// How much of what came is held back, so that what comes late still comes in time.
const DEPTH_MS: usize = 80;

/// How long nothing may come: Asterisk sends while the call lasts.
const PATIENCE: Duration = Duration::from_secs(2);

const WANTED: &str = "write websocket:listen=HOST:PORT for Asterisk to connect to, or \
                      websocket:connect=HOST:PORT&path=/media/CONNECTION";

/// A WebSocket line: `websocket:listen=HOST:PORT` or `websocket:connect=HOST:PORT&path=/media/CONNECTION`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebSocketParams {
    /// Which side connects.
    pub side: Side,
    /// Samples held back.
    pub depth: usize,
    /// How long nothing may come before the line counts as dead.
    pub patience: Duration,
    /// Calls at once.
    pub calls: usize,
}

/// Which side of a connection we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Asterisk connects to us there.
    Listen(SocketAddr),
    /// We connect to its HTTP server there.
    Connect {
        /// The server.
        there: SocketAddr,
        /// What is asked of it.
        path: String,
    },
}

impl WebSocketParams {
    /// Reads what follows `websocket:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let mut query = Query::new("websocket", KNOWN, rest);
        let path = query.take("path");
        let side = match (query.address("listen")?, query.address("connect")?, path) {
            (Some(here), None, None) => Side::Listen(here),
            (None, Some(there), path) => Side::Connect { there, path: path.unwrap_or("/").to_owned() },
            _ => return Err(UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED }),
        };
        let depth = query.number("jitter", 20..=500, "write milliseconds from 20 to 500")?.unwrap_or(DEPTH_MS) * 8;
        let patience = query.number("patience", 1..=86_400, "write seconds from 1 to 86400")?;
        let calls = query.number("calls", 1..=500, "write how many calls may come at once, 1 to 500")?.unwrap_or(1);
        query.finish()?;
        Ok(Self { side, depth, patience: patience.map_or(PATIENCE, Duration::from_secs), calls })
    }
}
