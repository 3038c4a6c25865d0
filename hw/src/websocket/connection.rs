//! Connections, their handshake, and the number that came with it.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tungstenite::{
    Error, HandshakeError, WebSocket,
    handshake::{
        HandshakeRole,
        server::{ErrorResponse, Request, Response},
    },
};

use super::{Side, WebSocketLine, WebSocketParams};
use crate::{Line, OpenError, audiosocket::listener};

/// How long a handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(2);

/// From one look at a handshake to the next.
const HANDSHAKE_NAP: Duration = Duration::from_millis(2);

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether somebody has connected, or nobody waits any more.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// The header in which a client names what it wants to speak.
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// Opens the line: connects, or waits until the call comes or `waited_for` says that nobody wants it any more.
pub(crate) fn open(params: &WebSocketParams, waited_for: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    let line = match &params.side {
        Side::Connect { there, path } => connect(*there, path, params)?,
        Side::Listen(here) => accept(*here, params, waited_for)?,
    };
    Ok(Line::Polled(Box::new(line)))
}

fn connect(there: SocketAddr, path: &str, params: &WebSocketParams) -> Result<WebSocketLine, OpenError> {
    let failed = |error: io::Error| OpenError::Network {
        line: "websocket:connect",
        address: there.to_string(),
        reason: format!("{error}; check that Asterisk's HTTP server listens there and the path is right"),
    };
    let stream = TcpStream::connect_timeout(&there, CONNECT_PATIENCE).map_err(failed)?;
    stream.set_nonblocking(true).map_err(failed)?;
    let handshake = tungstenite::client(format!("ws://{there}{path}"), stream);
    let (socket, _) = finish(handshake).map_err(failed)?;
    WebSocketLine::new(socket, params, None).map_err(failed)
}

fn accept(
    here: SocketAddr,
    params: &WebSocketParams,
    waited_for: &dyn Fn() -> bool,
) -> Result<WebSocketLine, OpenError> {
    let failed = |error: io::Error| OpenError::listening("websocket:listen", here, &error);
    let listener = listener(here).map_err(failed)?;
    while waited_for() {
        match listener.accept() {
            Ok((stream, _)) => {
                // Who does not speak WebSocket is no call.
                if let Ok((socket, number)) = welcome(stream) {
                    return WebSocketLine::new(socket, params, number).map_err(failed);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {
                thread::sleep(LOOK_AROUND);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Err(OpenError::NobodyWaits)
}

/// Answers the handshake; the number that was called, if the address that was asked for has one.
pub(super) fn welcome(stream: TcpStream) -> io::Result<(WebSocket<TcpStream>, Option<String>)> {
    stream.set_nonblocking(true)?;
    let mut number = None;
    #[allow(clippy::result_large_err, reason = "the library wants it so")]
    let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        number = request.uri().query().and_then(called);
        // One of those that are offered.
        let offered = request.headers().get(PROTOCOL).and_then(|offered| offered.to_str().ok());
        if let Some(protocol) = offered.and_then(|offered| offered.split(',').next()?.trim().parse().ok()) {
            response.headers_mut().insert(PROTOCOL, protocol);
        }
        Ok(response)
    };
    let socket = finish(tungstenite::accept_hdr(stream, answer))?;
    Ok((socket, number))
}

/// The digits of `number=`.
fn called(query: &str) -> Option<String> {
    let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "number")?;
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// Goes on with a handshake until it is over, but not for ever, however slowly the far end writes.
fn finish<R: HandshakeRole>(mut handshake: Result<R::FinalResult, HandshakeError<R>>) -> io::Result<R::FinalResult> {
    let deadline = Instant::now() + HANDSHAKE_PATIENCE;
    loop {
        handshake = match handshake {
            Ok(done) => return Ok(done),
            Err(HandshakeError::Interrupted(waiting)) if Instant::now() < deadline => {
                thread::sleep(HANDSHAKE_NAP);
                waiting.handshake()
            }
            Err(HandshakeError::Interrupted(_)) => return Err(ErrorKind::TimedOut.into()),
            Err(HandshakeError::Failure(Error::Io(error))) => return Err(error),
            Err(HandshakeError::Failure(error)) => return Err(io::Error::other(error)),
        }
    }
}
