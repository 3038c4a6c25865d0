//! The caller's end: brings pages.

use std::{
    io,
    net::TcpStream,
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use answertone_t30::{frame::DirectPlace, image::Page, session::DirectNews};
use tokio_rustls::rustls::StreamOwned;

use super::wire::{PROTOCOL, read_kept, write_page};
use crate::t38::{sealed::Identity, tls};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(4);

/// How long the far end may say nothing: shorter than the call's own patience.
const SILENCE: Duration = Duration::from_secs(15);

/// Pages on their way.
pub(super) struct Bringing {
    news: Receiver<DirectNews>,
    way: Arc<Mutex<Way>>,
}

/// The connection while it lasts.
enum Way {
    Waiting,
    Open(TcpStream),
    Stopped,
}

fn locked(way: &Mutex<Way>) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Bringing {
    pub(super) fn begin(identity: Identity, place: DirectPlace, pages: Vec<Arc<Page>>) -> Self {
        let (to, news) = channel();
        let way = Arc::new(Mutex::new(Way::Waiting));
        let shared = way.clone();
        let bringing = move || {
            let told = to.clone();
            let brought = bring(&identity, place, &pages, &shared, &|kept| {
                let _ = told.send(DirectNews::Kept(kept));
            });
            if let Err(error) = brought {
                tracing::info!(%error, there = %place.address, "the document does not go directly; the call goes on");
                let _ = to.send(DirectNews::Over);
            }
        };
        // Without a thread nothing will be told, and the call goes on when its patience is over.
        let _ = thread::Builder::new().name("direct".into()).spawn(bringing);
        Self { news, way }
    }

    /// What came of it, waiting so long.
    pub(super) fn news(&mut self, wait: Duration) -> Option<DirectNews> {
        self.news.recv_timeout(wait).ok()
    }
}

impl Drop for Bringing {
    /// Nothing more is brought.
    fn drop(&mut self) {
        if let Way::Open(stream) = std::mem::replace(&mut *locked(&self.way), Way::Stopped) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn bring(
    identity: &Identity,
    place: DirectPlace,
    pages: &[Arc<Page>],
    way: &Mutex<Way>,
    kept: &dyn Fn(usize),
) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&place.address, CONNECTING)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    match &mut *locked(way) {
        Way::Stopped => return Err(io::Error::other("the call went on meanwhile")),
        open => *open = Way::Open(stream.try_clone()?),
    }
    let judge = move |found: &crate::t38::sealed::Fingerprint| found.half() == place.fingerprint;
    let connection = tls::client(identity, PROTOCOL, judge).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    for (index, page) in pages.iter().enumerate() {
        write_page(&mut tls, page, index + 1 == pages.len())?;
        read_kept(&mut tls)?;
        kept(index + 1);
    }
    tls.conn.send_close_notify();
    let _ = tls.conn.complete_io(&mut tls.sock);
    Ok(())
}
