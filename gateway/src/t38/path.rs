//! Where datagrams of a call go and come from.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::Duration,
};

/// Carries datagrams, or octets of a stream.
pub trait Path: Send {
    /// Sends. What cannot be sent now is lost, as any datagram may be; an error means that nothing will ever come through.
    fn send(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Waits at most so long for something to come; the octets of it, if anything did. An error ends the call.
    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>>;

    /// Sends there from now on: signalling says that the far end has moved.
    fn redirect(&mut self, _remote: Option<SocketAddr>) {}

    /// What it is: `udptl`, `rtp`, `tcp`, `dtls`, `tls`.
    fn kind(&self) -> &'static str;
}

/// UDP.
pub struct UdpPath {
    socket: UdpSocket,
    /// Where to send; not known before the first datagram came.
    remote: Option<SocketAddr>,
    kind: &'static str,
}

impl UdpPath {
    /// A path from a socket to an address. Without one the first sender is it; with one, only its machine is heard, but
    /// it may send from another port, and then it is answered there.
    pub fn new(socket: UdpSocket, remote: Option<SocketAddr>, kind: &'static str) -> Self {
        Self { socket, remote, kind }
    }

    /// Whether a datagram from there belongs to the call; if so that is where ours go.
    fn accepts(&mut self, from: SocketAddr) -> bool {
        let known = self.remote.is_none_or(|remote| remote.ip().to_canonical() == from.ip().to_canonical());
        if known {
            self.remote = Some(from);
        }
        known
    }
}

impl Path for UdpPath {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        if let Some(remote) = self.remote {
            // A network that is down for a moment loses datagrams; nothing else tells that from a far end that is gone.
            let _ = self.socket.send_to(octets, remote);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        self.socket.set_read_timeout(Some(wait.max(SHORTEST_WAIT)))?;
        match self.socket.recv_from(buffer) {
            Ok((count, from)) => Ok(Some(count).filter(|_| self.accepts(from))),
            Err(error) if is_passing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn kind(&self) -> &'static str {
        self.kind
    }
}

/// Sockets take no wait of nothing.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Whether nothing is wrong but that nothing came, or that a datagram of ours found nobody.
pub(super) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | Interrupted | TimedOut | WouldBlock)
}

/// TCP.
pub struct TcpPath(TcpStream);

/// How long the far end may take no octets.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

impl TcpPath {
    /// A path over a stream that is connected.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        prepared(stream).map(Self)
    }
}

/// A stream as calls want it.
pub(super) fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(WRITE_PATIENCE))?;
    Ok(stream)
}

impl Path for TcpPath {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets)
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        self.0.set_read_timeout(Some(wait.max(SHORTEST_WAIT)))?;
        match self.0.read(buffer) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the far end closed the connection")),
            Ok(count) => Ok(Some(count)),
            Err(error) if is_passing(&error) && error.kind() != io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn kind(&self) -> &'static str {
        "tcp"
    }
}
