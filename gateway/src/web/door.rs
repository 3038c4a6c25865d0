//! Where browsers come in, with TLS where there is a certificate.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{config::Web, service::ServeError};

/// How long a browser may take for its part of TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// When the system has no more room for connections.
const BREATH: Duration = Duration::from_millis(200);
/// Connections that wait to be served.
const WAITING: usize = 64;

/// A socket of the page.
pub(crate) struct WebDoor {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// Opens all sockets of the configuration.
pub(crate) async fn open(web: &Web) -> Result<Vec<WebDoor>, ServeError> {
    let mut doors = vec![];
    for address in &web.listen {
        let refused = |error| ServeError::Listen { key: "web.listen", address: *address, error };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        doors.push(WebDoor { listener, address, tls: web.tls.0.clone() });
    }
    Ok(doors)
}

impl WebDoor {
    /// What to type into a browser.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}/", if self.is_secure() { "https" } else { "http" }, self.address)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Doors>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Self {
        *stream.remote_addr()
    }
}

/// All doors as one. A browser that is slow in its handshake holds nobody up.
pub(super) struct Doors {
    arrived: mpsc::Receiver<(Stream, Peer)>,
    first: SocketAddr,
    _porters: JoinSet<()>,
}

impl Doors {
    pub(super) fn open(doors: Vec<WebDoor>) -> Self {
        let (to, arrived) = mpsc::channel(WAITING);
        let first = doors.first().map_or_else(|| ([127, 0, 0, 1], 0).into(), |door| door.address);
        let mut porters = JoinSet::new();
        for door in doors {
            porters.spawn(stand_at(door, to.clone()));
        }
        Self { arrived, first, _porters: porters }
    }
}

async fn stand_at(door: WebDoor, to: mpsc::Sender<(Stream, Peer)>) {
    let mut greeting = JoinSet::new();
    loop {
        while greeting.try_join_next().is_some() {}
        match door.listener.accept().await {
            Ok((stream, peer)) => {
                let (to, tls) = (to.clone(), door.tls.clone());
                greeting.spawn(async move {
                    if let Some(stream) = greeted(stream, tls).await {
                        let _ = to.send((stream, Peer(peer))).await;
                    }
                });
            }
            Err(_) => sleep(BREATH).await,
        }
    }
}

async fn greeted(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Stream> {
    let _ = stream.set_nodelay(true);
    match tls {
        None => Some(Stream::Plain(stream)),
        Some(tls) => {
            let secured = timeout(HANDSHAKE, tls.accept(stream)).await.ok()?.ok()?;
            Some(Stream::Tls(Box::new(secured)))
        }
    }
}

impl Listener for Doors {
    type Io = Stream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Stream, Peer) {
        match self.arrived.recv().await {
            Some(arrived) => arrived,
            // No door is left; whoever serves is stopped by other means.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer(self.first))
    }
}

/// A connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, to),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, to),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, from),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
