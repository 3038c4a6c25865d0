//! Connections and their first frame, which says which call it is.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Mutex,
    thread,
    time::Duration,
};

use super::{AudioSocketLine, AudioSocketParams, CallId, Side, frame::HEADER_OCTETS, lockstep};
use crate::{Line, OpenError, Pace, Watched};

/// Octets of the first frame: its header and the UUID.
pub const GREETING_OCTETS: usize = HEADER_OCTETS + 16;

/// How long who connected may take to say which call it is.
pub const GREETING_PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether somebody has connected, or nobody waits any more.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Ports that were listened at once, and are kept: calls that come between two of ours wait in their queue.
static LISTENERS: Mutex<Vec<(SocketAddr, TcpListener)>> = Mutex::new(Vec::new());

impl CallId {
    /// The call that a connection's first octets name.
    pub fn of_greeting(octets: &[u8; GREETING_OCTETS]) -> Option<Self> {
        let (header, id) = octets.split_at(HEADER_OCTETS);
        (header == [0x01, 0, 16]).then(|| Self(id.try_into().expect("16 octets are left")))
    }

    fn greeting(self) -> [u8; GREETING_OCTETS] {
        let mut octets = [0; GREETING_OCTETS];
        octets[..HEADER_OCTETS].copy_from_slice(&[0x01, 0, 16]);
        octets[HEADER_OCTETS..].copy_from_slice(&self.0);
        octets
    }
}

/// Opens the line: connects, or waits until the call comes or `waited_for` says that nobody wants it any more.
pub(crate) fn open(params: &AudioSocketParams, waited_for: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    match params.side {
        Side::Connect(there) => connect(there, params),
        Side::Listen(here) => accept(here, params, waited_for),
    }
}

/// A line over a connection that has said which call it is.
pub fn connected(stream: TcpStream, params: &AudioSocketParams) -> io::Result<Line> {
    match params.pace {
        Pace::RealTime => Ok(Line::Polled(Box::new(AudioSocketLine::new(stream, params)?))),
        Pace::Unpaced => {
            let line = lockstep::line(stream)?;
            Ok(Line::Own(Box::new(Watched::with_patience(Box::new(line), params.patience))))
        }
    }
}

fn connect(there: SocketAddr, params: &AudioSocketParams) -> Result<Line, OpenError> {
    let failed = |error: io::Error| OpenError::Network {
        line: "audiosocket:connect",
        address: there.to_string(),
        reason: format!("{error}; check that an AudioSocket server listens there"),
    };
    let mut stream = TcpStream::connect_timeout(&there, CONNECT_PATIENCE).map_err(failed)?;
    stream.write_all(&params.call.unwrap_or(CallId([0; 16])).greeting()).map_err(failed)?;
    connected(stream, params).map_err(failed)
}

/// Listens at a port that may be listened at already.
pub(crate) fn listener(here: SocketAddr) -> io::Result<TcpListener> {
    let mut listeners = LISTENERS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, listener)) = listeners.iter().find(|(address, _)| *address == here) {
        return listener.try_clone();
    }
    let listener = TcpListener::bind(here)?;
    listener.set_nonblocking(true)?;
    listeners.push((here, listener.try_clone()?));
    Ok(listener)
}

fn accept(here: SocketAddr, params: &AudioSocketParams, waited_for: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    let failed = |error: io::Error| OpenError::listening("audiosocket:listen", here, &error);
    let listener = listener(here).map_err(failed)?;
    while waited_for() {
        match listener.accept() {
            Ok((stream, _)) => {
                if let Some(stream) = wanted(stream, params) {
                    return connected(stream, params).map_err(failed);
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

/// The connection if it is the call that is waited for; another is closed, which hangs it up.
fn wanted(mut stream: TcpStream, params: &AudioSocketParams) -> Option<TcpStream> {
    let mut octets = [0; GREETING_OCTETS];
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(GREETING_PATIENCE)).ok()?;
    stream.read_exact(&mut octets).ok()?;
    stream.set_read_timeout(None).ok()?;
    let call = CallId::of_greeting(&octets)?;
    params.call.is_none_or(|wanted| wanted == call).then_some(stream)
}
