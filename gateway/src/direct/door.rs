//! The answerer's end: a port where whoever was named in a call brings its pages.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use answertone_t30::{
    frame::{DirectPlace, HalfPrint},
    session::DirectNews,
};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::wire::{PROTOCOL, read_page, write_kept};
use crate::t38::{
    sealed::{Fingerprint, Identity},
    tls,
};

/// Between two looks whether the door is still wanted.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long the handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a page may take to come, and its answer to go: as long as a call waits for it.
const COMING: Duration = Duration::from_secs(30);

/// How long who connects may be nobody that a call has named.
const STRANGER: Duration = Duration::from_secs(4);

/// How long a page may take to be kept.
const KEEPING: Duration = Duration::from_secs(60);

/// Connections at once; others are closed at once.
const MOST_CONNECTIONS: usize = 64;

/// Calls that wait for their pages, by the certificate of who brings them.
type Awaited = Mutex<HashMap<HalfPrint, Waiting>>;

/// Where a connection takes what it brings.
struct Waiting {
    pages: Sender<DirectNews>,
    kept: Receiver<()>,
}

/// A port that takes pages.
pub struct Door {
    place: DirectPlace,
    awaited: Arc<Awaited>,
}

impl Door {
    /// Opens a port; `said` is the address that callers are told, if it is another.
    pub fn open(here: SocketAddr, said: Option<SocketAddr>) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(here)?;
        let address = said.unwrap_or(listener.local_addr()?);
        if address.ip().is_unspecified() {
            let what = "callers cannot be told this address; give the one that they reach, by direct.address or --direct-address";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        listener.set_nonblocking(true)?;
        let identity = Identity::fresh()?;
        let awaited = Arc::<Awaited>::default();
        // Whose certificate it is may be known a moment later: who brings may be here before the end of its NSS is.
        let config = tls::server_config(&identity, PROTOCOL, |_| true).map_err(io::Error::other)?;
        let place = DirectPlace { address, fingerprint: identity.fingerprint().half() };
        let door = Arc::new(Self { place, awaited: awaited.clone() });
        let wanted = Arc::downgrade(&door);
        let accepting = move || accept(&listener, &config, &awaited, &|| wanted.strong_count() > 0);
        thread::Builder::new().name("direct door".into()).spawn(accepting)?;
        Ok(door)
    }

    /// What callers are told.
    pub fn place(&self) -> DirectPlace {
        self.place
    }

    /// Lets who has this certificate bring pages until what is given back is dropped.
    pub(super) fn expect(self: &Arc<Self>, who: HalfPrint) -> Expecting {
        let ((pages, arrived), (keeps, kept)) = (channel(), channel());
        locked(&self.awaited).insert(who, Waiting { pages, kept });
        Expecting { door: self.clone(), who, arrived, keeps }
    }
}

fn locked(awaited: &Awaited) -> MutexGuard<'_, HashMap<HalfPrint, Waiting>> {
    awaited.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A call that waits for its pages.
pub(super) struct Expecting {
    door: Arc<Door>,
    who: HalfPrint,
    arrived: Receiver<DirectNews>,
    keeps: Sender<()>,
}

impl Expecting {
    /// What came, waiting so long.
    pub(super) fn news(&mut self, wait: Duration) -> Option<DirectNews> {
        self.arrived.recv_timeout(wait).ok()
    }

    /// The page given last is kept.
    pub(super) fn kept(&mut self) {
        let _ = self.keeps.send(());
    }
}

impl Drop for Expecting {
    fn drop(&mut self) {
        locked(&self.door.awaited).remove(&self.who);
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, awaited: &Arc<Awaited>, wanted: &dyn Fn() -> bool) {
    let open = Arc::new(AtomicUsize::new(0));
    while wanted() {
        let Ok((stream, from)) = listener.accept() else {
            thread::sleep(LOOK_AROUND);
            continue;
        };
        if open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
            continue;
        }
        let (config, awaited, held) = (config.clone(), awaited.clone(), Held::new(&open));
        let taking = move || {
            let _held = held;
            if let Err(error) = take(stream, config, &awaited) {
                tracing::info!(%error, %from, "a document does not come directly");
            }
        };
        // Who finds no thread finds the connection closed.
        let _ = thread::Builder::new().name("direct".into()).spawn(taking);
    }
}

/// A connection that counts.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The call that waits for this certificate; it has one connection.
fn awaited_by(awaited: &Awaited, who: HalfPrint) -> Option<Waiting> {
    let until = Instant::now() + STRANGER;
    loop {
        let waiting = locked(awaited).remove(&who);
        if waiting.is_some() || Instant::now() > until {
            return waiting;
        }
        thread::sleep(LOOK_AROUND);
    }
}

/// A stream that is over at a time: who sends an octet now and then does not hold it.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::Error::new(io::ErrorKind::TimedOut, "it takes too long")) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Takes pages and answers each when it is kept.
fn take(stream: TcpStream, config: Arc<ServerConfig>, awaited: &Awaited) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let stream = Timed { stream, until: Instant::now() + HANDSHAKE };
    let mut tls = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    let certificate = tls.conn.peer_certificates().and_then(|chain| chain.first());
    let who = certificate.map(|certificate| Fingerprint::of(certificate).half());
    let waiting = who.and_then(|who| awaited_by(awaited, who));
    let Waiting { pages, kept } = waiting.ok_or_else(|| io::Error::other("no call waits for it"))?;
    loop {
        tls.sock.until = Instant::now() + COMING;
        let (page, last) = read_page(&mut tls)?;
        let gone = |_| io::Error::other("the call is over");
        pages.send(DirectNews::Page { page, last }).map_err(gone)?;
        kept.recv_timeout(KEEPING).map_err(|_| io::Error::other("the page is not kept"))?;
        tls.sock.until = Instant::now() + COMING;
        write_kept(&mut tls)?;
        if last {
            tls.conn.send_close_notify();
            let _ = tls.conn.complete_io(&mut tls.sock);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_an_octet_now_and_then_does_not_hold_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut slow = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let trickle = thread::spawn(move || {
            while slow.write_all(&[0]).is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut timed = Timed { stream, until: Instant::now() + Duration::from_millis(100) };
        let over = timed.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(matches!(over.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{over}");
        drop(timed);
        trickle.join().unwrap();
    }
}
