//! UDPTL within DTLS on sockets, in real time.

use std::{
    io,
    net::UdpSocket,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use super::{
    path::{Path, SHORTEST_WAIT, is_passing},
    sealed::{Far, Leg, Legs, SealError, Sealed},
};

/// The longest datagram that UDP carries.
const LONGEST_DATAGRAM: usize = 65_536;

/// While two sockets are open each is listened to for so long at a time.
const TURN: Duration = Duration::from_millis(5);

/// What signalling changes while a call goes on.
pub enum Change {
    /// The far end's description is there.
    Accept(Far),
    /// New keys, on a socket of their own.
    Rekey(UdpSocket, Box<Sealed>),
    /// The far end does not take the new keys.
    Withdraw,
}

/// A path whose datagrams are sealed.
pub struct DtlsPath {
    sockets: Vec<(Leg, UdpSocket)>,
    legs: Legs,
    changes: Option<Receiver<Change>>,
    buffer: Vec<u8>,
}

impl DtlsPath {
    /// A path over a socket.
    pub fn new(socket: UdpSocket, sealed: Sealed) -> io::Result<Self> {
        let sockets = vec![(Leg(0), socket)];
        let mut path = Self { sockets, legs: Legs::new(sealed), changes: None, buffer: vec![0; LONGEST_DATAGRAM] };
        path.go_on()?;
        Ok(path)
    }

    /// The same, and how to tell it what was negotiated.
    pub fn negotiated(socket: UdpSocket, sealed: Sealed) -> io::Result<(Self, Sender<Change>)> {
        let (to, changes) = channel();
        let mut path = Self::new(socket, sealed)?;
        path.changes = Some(changes);
        Ok((path, to))
    }

    /// Whether the handshake is over and the far end is who it must be.
    pub fn is_sealed(&self) -> bool {
        self.legs.speaking().is_some()
    }

    fn change(&mut self) {
        let Some(changes) = &self.changes else { return };
        let now = Instant::now();
        for change in changes.try_iter() {
            match change {
                Change::Accept(far) => self.legs.newest().accept(far, now),
                Change::Rekey(socket, sealed) => self.sockets.push((self.legs.rekey(*sealed), socket)),
                Change::Withdraw => self.legs.withdraw(),
            }
        }
    }

    /// Does what is due and sends what there is.
    fn go_on(&mut self) -> io::Result<()> {
        self.change();
        self.legs.handle_timeout(Instant::now());
        self.transmit();
        self.sockets.retain(|(leg, _)| self.legs.has(*leg));
        self.legs.failure().map_or(Ok(()), |failure| Err(failed(failure)))
    }

    fn transmit(&mut self) {
        while let Some((leg, to, octets)) = self.legs.poll_transmit() {
            if let Some((_, socket)) = self.sockets.iter().find(|(of, _)| *of == leg) {
                // What cannot be sent now is lost, as any datagram may be.
                let _ = socket.send_to(&octets, to);
            }
        }
    }

    /// Listens to every socket, together at most so long.
    fn listen(&mut self, wait: Duration) -> io::Result<()> {
        let each = if self.sockets.len() > 1 { wait.min(TURN) } else { wait };
        for (leg, socket) in &self.sockets {
            socket.set_read_timeout(Some(each.max(SHORTEST_WAIT)))?;
            match socket.recv_from(&mut self.buffer) {
                Ok((count, from)) => self.legs.handle(*leg, &self.buffer[..count], from, Instant::now()),
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn failed(failure: &SealError) -> io::Error {
    use io::ErrorKind::{ConnectionAborted, PermissionDenied, TimedOut, UnexpectedEof};
    let kind = match failure {
        SealError::WrongCertificate(_) => PermissionDenied,
        SealError::TimedOut => TimedOut,
        SealError::Closed => UnexpectedEof,
        SealError::NoAddress | SealError::Broken(_) => ConnectionAborted,
    };
    io::Error::new(kind, failure.to_string())
}

impl Path for DtlsPath {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.legs.seal(octets);
        self.go_on()
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        let mut opened = self.legs.poll_opened();
        if opened.is_none() {
            self.go_on()?;
            let due = self.legs.due().map_or(wait, |due| due.saturating_duration_since(Instant::now()));
            self.listen(wait.min(due))?;
            opened = self.legs.poll_opened();
            self.go_on()?;
        }
        Ok(opened.map(|octets| {
            let count = octets.len().min(buffer.len());
            buffer[..count].copy_from_slice(&octets[..count]);
            count
        }))
    }

    fn kind(&self) -> &'static str {
        "dtls"
    }
}

impl Drop for DtlsPath {
    /// Says good-bye; a far end that does not hear it finds out by itself.
    fn drop(&mut self) {
        self.legs.close();
        self.transmit();
    }
}
