//! TCP and TLS: connections that we make and that are made to us, and the messages on them. RFC 3261 18, RFC 5923.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls::pki_types::ServerName};

use super::{Hop, LONGEST, Message, Transport, split_port, trust::connector};
use crate::{config::SipAccount, smtp::certificate};

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(10);

/// Connections at once.
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
}

/// All connections.
pub(super) struct Streams {
    transport: Transport,
    connector: Option<TlsConnector>,
    acceptor: Option<TlsAcceptor>,
    /// Whose certificate the server has.
    server_name: String,
    open: HashMap<u64, Connection>,
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
            next: 1,
            tell,
            told,
        })
    }

    /// The next thing that happens.
    pub(super) async fn next(&mut self, listener: Option<&TcpListener>) -> Arrival {
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
                    Ok((stream, from)) if self.open.len() < MOST => self.accept(stream, from),
                    // A descriptor too few: those that are open go on.
                    Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
                Arrival::Nothing
            }
        }
    }

    fn heard(&mut self, told: Told) -> Arrival {
        match told {
            Told::Message(id, message) => match self.open.get(&id) {
                Some(connection) => Arrival::Message(self.hop(id, connection.address), message),
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
        self.open.insert(id, Connection { address, to });
        (id, from)
    }

    fn accept(&mut self, stream: TcpStream, from: SocketAddr) {
        let (id, waiting) = self.enter(from);
        let (tell, acceptor) = (self.tell.clone(), self.acceptor.clone());
        let secured = self.transport == Transport::Tls;
        tokio::spawn(async move {
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
    }

    /// Sends on the connection named, or on one to that address, or on a new one.
    pub(super) fn send(&mut self, to: Hop, octets: Vec<u8>) {
        let by_address = || self.open.values().find(|connection| connection.address == to.address);
        let connection = to.connection.and_then(|id| self.open.get(&id)).or_else(by_address);
        if connection.is_some_and(|connection| connection.to.send(octets.clone()).is_ok()) {
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
