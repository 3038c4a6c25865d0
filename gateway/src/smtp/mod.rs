//! Mail in, RFC 5321: a server whose owner decides what is taken.
//!
//! ```text
//!  client ── EHLO, MAIL, RCPT ──▶ session ── sender? recipient? ──▶ Intake
//!         ── DATA ──────────────▶         ── deliver ───────────▶ Intake ── on disk ──▶ 250
//! ```
//!
//! The envelope decides who gets a message, never its headers. The 250 after DATA is said when [`Intake::deliver`]
//! has returned, so what it keeps is kept.

mod door;
mod login;
mod reply;
mod session;

use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

pub use door::{Door, Protocol, certificate};
pub use reply::Reply;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tracing::{debug, warn};

/// Who decides what is taken.
pub trait Intake: Send + Sync + 'static {
    /// Is that the password of that user? Nobody has one unless the owner says so.
    fn authenticate(
        &self,
        _client: &Client,
        _user: &str,
        _password: &str,
    ) -> impl Future<Output = Result<(), Reply>> + Send {
        async { Err(Reply::new(535, "5.7.8", "nobody can log in here")) }
    }

    /// May mail from this return path come in?
    fn sender(&self, client: &Client, from: &str) -> Result<(), Reply>;

    /// May this recipient be named, in a message from this return path?
    fn recipient(
        &self,
        client: &Client,
        from: &str,
        recipient: &Recipient,
    ) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Takes responsibility for a message. What is returned is said to the client.
    fn deliver(&self, envelope: Envelope, raw: Vec<u8>) -> impl Future<Output = Result<Reply, Reply>> + Send;
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub peer: IpAddr,
    /// Who it has proved to be.
    pub user: Option<String>,
}

/// What MAIL and RCPT said.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who brought it.
    pub client: Client,
    /// Return path; empty is the null sender.
    pub from: String,
    /// ENVID, RFC 3461 4.4.
    pub envelope_id: Option<String>,
    /// RET=FULL, RFC 3461 4.3.
    pub return_full: bool,
    /// Seconds it is to wait before it is sent on, RFC 4865.
    pub hold_s: u64,
    /// Recipients accepted.
    pub recipients: Vec<Recipient>,
}

/// What one RCPT said.
#[derive(Clone, Debug, Default)]
pub struct Recipient {
    /// The address; `postmaster` when that was named without a domain.
    pub address: String,
    /// ORCPT, RFC 3461 4.2.
    pub orcpt: Option<String>,
    /// NOTIFY, RFC 3461 4.1: the bits of [`notify`].
    pub notify: u64,
}

/// Bits of NOTIFY.
pub mod notify {
    pub use smtp_proto::{
        RCPT_NOTIFY_DELAY as DELAY, RCPT_NOTIFY_FAILURE as FAILURE, RCPT_NOTIFY_NEVER as NEVER,
        RCPT_NOTIFY_SUCCESS as SUCCESS,
    };
}

/// Bounds of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Name in greetings.
    pub hostname: String,
    /// Largest message in octets.
    pub message: usize,
    /// Most recipients of a message.
    pub recipients: usize,
    /// Most connections at once.
    pub connections: usize,
    /// Silence after which a connection is closed.
    pub idle: Duration,
}

/// The longest a message may ask to be held, RFC 4865: a month.
pub const LONGEST_HOLD_S: i64 = 31 * 86_400;

/// How long connections may finish what they are at when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves until `stop` turns true, then lets open connections finish the message they are at.
pub async fn serve<I: Intake>(
    listener: TcpListener,
    door: Door,
    intake: Arc<I>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let limits = Arc::new(limits);
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, mostly: waiting lets others end.
                warn!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            turn_away(stream, &limits.hostname);
            continue;
        };
        let client = Client { peer: peer.ip(), user: None };
        let (stream, intake) = (Box::new(stream), intake.clone());
        let session = session::Session::new(stream, door.clone(), client, intake, limits.clone(), stop.clone());
        sessions.spawn(async move {
            if let Err(error) = session.run().await {
                debug!(%error, %peer, "connection ended");
            }
            drop(place);
        });
    }
    let ended = async { while sessions.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, ended).await;
}

fn turn_away(mut stream: TcpStream, hostname: &str) {
    let line = format!("421 4.3.2 {hostname} has too many connections; try again later\r\n");
    tokio::spawn(async move {
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.write_all(line.as_bytes())).await;
    });
}

#[cfg(test)]
mod tests;
