//! Somebody's mail server: takes everything and shows it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use crate::smtp::{self, Client, Door, Envelope, Intake, Limits, Recipient, Reply};

/// A mail that arrived.
pub(super) struct Arrived {
    pub(super) envelope: Envelope,
    pub(super) raw: Vec<u8>,
}

struct Sink(mpsc::UnboundedSender<Arrived>);

impl Intake for Sink {
    fn sender(&self, _: &Client, _: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn recipient(&self, _: &Client, _: &str, _: &Recipient) -> Result<(), Reply> {
        Ok(())
    }

    async fn deliver(&self, envelope: Envelope, raw: Vec<u8>) -> Result<Reply, Reply> {
        let gone = |_| Reply::new(451, "4.3.0", "nobody reads this mail any more");
        self.0.send(Arrived { envelope, raw }).map_err(gone)?;
        Ok(Reply::new(250, "2.0.0", "arrived"))
    }
}

/// Listens at a free port of this machine until `stop`.
pub(super) async fn listen(
    stop: watch::Receiver<bool>,
) -> std::io::Result<(SocketAddr, mpsc::UnboundedReceiver<Arrived>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (to, arrived) = mpsc::unbounded_channel();
    let limits = Limits {
        hostname: "mail.example".into(),
        message: 100 << 20,
        recipients: 10,
        connections: 10,
        idle: Duration::from_secs(60),
    };
    tokio::spawn(smtp::serve(listener, Door::default(), Arc::new(Sink(to)), limits, stop));
    Ok((address, arrived))
}
