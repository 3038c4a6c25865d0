//! TCP and TLS: connections that we make and that are made to us, and the messages on them. RFC 3261 18, RFC 5923.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls::pki_types::ServerName};

use super::{Hop, LONGEST, Message, Transport, split_port, trust::connector};
use crate::{config::SipAccount, smtp::certificate};

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);

/// Connections at once that are made to us, and as many that we make.
const MOST: usize = 256;

/// Messages that were read and not looked at yet: who sends more has to wait.
const MOST_WAITING: usize = 64;

/// What happened on streams.
pub(super) enum Arrival {
    Message(Hop, Box<Message>),
    /// Nobody could be reached there, and why.
    Unreachable(Hop, String),
    Nothing,
}

/// What a task of a connection tells.
enum Told {
    Message(u64, Box<Message>),
    Closed(u64),
    Failed(u64, String),
}

struct Connection {
    address: SocketAddr,
    to: UnboundedSender<Vec<u8>>,
    /// Its task, if others made it.
    made_to_us: Option<AbortHandle>,
    /// When it was made, or a message came by it.
    heard: Instant,
}

/// Which connections may be closed in favour of others.
pub(super) trait Worth {
    /// Whether messages of a call or a transaction under way go by that connection.
    fn is_in_use(&self, connection: u64) -> bool;

    /// Whether calls may come from there.
    fn is_known(&self, address: IpAddr) -> bool;
}

/// All connections.
pub(super) struct Streams {
    transport: Transport,
    connector: Option<TlsConnector>,
    acceptor: Option<TlsAcceptor>,
    /// Whose certificate the server has.
    server_name: String,
    open: HashMap<u64, Connection>,
    most: usize,
    next: u64,
    tell: Sender<Told>,
    told: Receiver<Told>,
}

impl Streams {
    pub(super) fn new(account: &SipAccount) -> Result<Self, String> {
        let (tell, told) = channel(MOST_WAITING);
        let tls = account.transport == Transport::Tls;
        let with_certificate = tls && !account.certificate_file.as_os_str().is_empty();
        let acceptor =
            with_certificate.then(|| certificate(&account.certificate_file, &account.key_file)).transpose()?;
        let server_name = split_port(&account.server).map(|(host, _)| host).unwrap_or_default();
        Ok(Self {
            transport: account.transport,
            connector: tls.then(|| connector(account)).transpose()?,
            acceptor,
            server_name,
            open: HashMap::new(),
            most: MOST,
            next: 1,
            tell,
            told,
        })
    }

    /// The next thing that happens.
    pub(super) async fn next(&mut self, listener: Option<&TcpListener>, worth: &impl Worth) -> Arrival {
        let accepted = async {
            match listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = self.told.recv() => told.map_or(Arrival::Nothing, |told| self.heard(told)),
            accepted = accepted => {
                match accepted {
                    Ok((stream, from)) if self.make_room(from.ip(), worth) => self.accept(stream, from),
                    Ok(_) => {}
                    // A descriptor too few: those that are open go on.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
                Arrival::Nothing
            }
        }
    }

    fn heard(&mut self, told: Told) -> Arrival {
        match told {
            Told::Message(id, message) => match self.open.get_mut(&id) {
                Some(connection) => {
                    connection.heard = Instant::now();
                    let address = connection.address;
                    Arrival::Message(self.hop(id, address), message)
                }
                None => Arrival::Nothing,
            },
            Told::Closed(id) => {
                self.open.remove(&id);
                Arrival::Nothing
            }
            Told::Failed(id, why) => match self.open.remove(&id) {
                Some(connection) => Arrival::Unreachable(self.hop(id, connection.address), why),
                None => Arrival::Nothing,
            },
        }
    }

    fn hop(&self, id: u64, address: SocketAddr) -> Hop {
        Hop { transport: self.transport, address, connection: Some(id) }
    }

    fn enter(&mut self, address: SocketAddr) -> (u64, UnboundedReceiver<Vec<u8>>) {
        let (to, from) = unbounded_channel();
        let id = self.next;
        self.next += 1;
        self.open.insert(id, Connection { address, to, made_to_us: None, heard: Instant::now() });
        (id, from)
    }

    /// Whether there is room for one more made to us. If need be the one that was silent longest goes, a stranger's before
    /// all others; nobody goes in favour of a stranger but strangers.
    fn make_room(&mut self, newcomer: IpAddr, worth: &impl Worth) -> bool {
        let made_to_us = || self.open.iter().filter(|(_, connection)| connection.made_to_us.is_some());
        if made_to_us().count() < self.most {
            return true;
        }
        let is_known = |connection: &Connection| worth.is_known(connection.address.ip());
        let may_go = made_to_us()
            .filter(|(id, connection)| !worth.is_in_use(**id) && (worth.is_known(newcomer) || !is_known(connection)));
        let longest = may_go.min_by_key(|(_, connection)| (is_known(connection), connection.heard)).map(|(id, _)| *id);
        let gone = longest.and_then(|id| self.open.remove(&id)).and_then(|connection| connection.made_to_us);
        gone.inspect(AbortHandle::abort).is_some()
    }

    fn accept(&mut self, stream: TcpStream, from: SocketAddr) {
        let (id, waiting) = self.enter(from);
        let (tell, acceptor) = (self.tell.clone(), self.acceptor.clone());
        let secured = self.transport == Transport::Tls;
        let task = tokio::spawn(async move {
            match acceptor.filter(|_| secured) {
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = timeout(CONNECTING, acceptor.accept(stream)).await {
                        carry(id, stream, waiting, &tell).await;
                    }
                }
                None if secured => {}
                None => carry(id, stream, waiting, &tell).await,
            }
            let _ = tell.send(Told::Closed(id)).await;
        });
        self.open.get_mut(&id).expect("it was just entered").made_to_us = Some(task.abort_handle());
    }

    /// Sends on the connection named, or on one to that address, or on a new one.
    pub(super) fn send(&mut self, to: Hop, octets: Vec<u8>) {
        let by_address = || self.open.values().find(|connection| connection.address == to.address);
        let connection = to.connection.and_then(|id| self.open.get(&id)).or_else(by_address);
        if connection.is_some_and(|connection| connection.to.send(octets.clone()).is_ok()) {
            return;
        }
        if self.open.values().filter(|connection| connection.made_to_us.is_none()).count() >= self.most {
            tracing::warn!(to = %to.address, most = self.most, "no connection: as many as we may make are open; have fewer calls at once");
            return;
        }
        let (id, waiting) = self.enter(to.address);
        let _ = self.open[&id].to.send(octets);
        let (tell, connector) = (self.tell.clone(), self.connector.clone());
        let name = if self.server_name.is_empty() { to.address.ip().to_string() } else { self.server_name.clone() };
        tokio::spawn(async move {
            let connected = timeout(CONNECTING, connect(to.address, connector, name)).await;
            let last = match connected.unwrap_or_else(|_| Err(format!("no answer in {} s", CONNECTING.as_secs()))) {
                Ok(stream) => {
                    carry(id, stream, waiting, &tell).await;
                    Told::Closed(id)
                }
                Err(why) => {
                    tracing::warn!(to = %to.address, why, "no connection");
                    Told::Failed(id, format!("no connection: {why}"))
                }
            };
            let _ = tell.send(last).await;
        });
    }
}

/// What carries octets both ways.
trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Carrier for C {}

/// A connection, with TLS where the transport is that; or why there is none.
async fn connect(to: SocketAddr, connector: Option<TlsConnector>, name: String) -> Result<Box<dyn Carrier>, String> {
    let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let Some(connector) = connector else { return Ok(Box::new(stream)) };
    let server = ServerName::try_from(name.clone()).map_err(|error| format!("{name}: {error}"))?;
    match connector.connect(server, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(format!("{name}: {error}; see sip.ca_file, or sip.verify = false to trust anybody")),
    }
}

/// Carries messages both ways until either end has enough.
async fn carry(
    id: u64,
    stream: impl AsyncRead + AsyncWrite,
    mut waiting: UnboundedReceiver<Vec<u8>>,
    tell: &Sender<Told>,
) {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let (mut octets, mut buffer) = (vec![], vec![0; 8192]);
    loop {
        tokio::select! {
            read = reading.read(&mut buffer) => match read {
                Ok(count) if count > 0 && octets.len() <= LONGEST => {
                    octets.extend_from_slice(&buffer[..count]);
                    loop {
                        match Message::take(&mut octets) {
                            Ok(Some(message)) => drop(tell.send(Told::Message(id, Box::new(message))).await),
                            Ok(None) => break,
                            Err(_) => return,
                        }
                    }
                }
                _ => return,
            },
            message = waiting.recv() => match message {
                Some(message) => {
                    if writing.write_all(&message).await.is_err() || writing.flush().await.is_err() {
                        return;
                    }
                }
                None => return,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// The connections in use; who calls from a network address is known, from 127.0.0.9 a stranger.
    struct InUse(Vec<u64>);

    impl Worth for InUse {
        fn is_in_use(&self, connection: u64) -> bool {
            self.0.contains(&connection)
        }

        fn is_known(&self, address: IpAddr) -> bool {
            address.to_string() != "127.0.0.9"
        }
    }

    /// A connection made to us from there, once it is taken or closed again.
    async fn made(streams: &mut Streams, listener: &TcpListener, from: &str, in_use: &InUse) -> TcpStream {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        streams.next(Some(listener), in_use).await;
        stream
    }

    #[tokio::test]
    async fn who_is_silent_longest_makes_room() {
        let text = "[[sip]]\nname = \"office\"\nallowed = [\"127.0.0.0/8\"]\ntransport = \"tcp\"\n";
        let account = Config::parse(text, "test").unwrap().accounts.remove(0);
        let mut streams = Streams::new(&account).unwrap();
        streams.most = 3;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let in_use = InUse(vec![1]);
        let mut ends = vec![];
        for from in ["127.0.0.1", "127.0.0.1", "127.0.0.9", "127.0.0.1", "127.0.0.9", "127.0.0.1"] {
            ends.push(made(&mut streams, &listener, from, &in_use).await);
        }
        // The stranger goes first, a stranger does not come in, and then it is the turn of the oldest that is not in use.
        let mut open: Vec<u64> = streams.open.keys().copied().collect();
        open.sort_unstable();
        assert_eq!(open, [1, 4, 5]);
        for closed in [2, 4, 1] {
            assert_eq!(ends[closed].read(&mut [0; 1]).await.unwrap(), 0, "{closed}");
        }
        let options = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n";
        ends[5].write_all(options.as_bytes()).await.unwrap();
        let Arrival::Message(from, message) = streams.next(None, &in_use).await else { panic!("nothing came") };
        assert_eq!((from.connection, message.method()), (Some(5), "OPTIONS"));
    }
}
