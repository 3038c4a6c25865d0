//! The seals of a call: keys that wait for the next one, those that are in use, and those that are being changed.
//!
//! ```text
//!  spare ── our offer goes out ──▶ opened: who says hello is answered, and believed later
//!        ── theirs is answered ──▶ opened ── the far end's part is known ──▶ accepted: in use
//! ```
//! Each seal has keys and a place of its own, RFC 8842 3; the next ones wait before they are wanted.

use std::{
    io,
    net::{IpAddr, UdpSocket},
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use super::Sockets;
use crate::{
    sdp::{Image, OwnSeal, Sealing},
    t38::{
        Change, DtlsPath, Path,
        sealed::{Far, Identity, Sealed},
    },
};

/// Keys for one seal, and the socket that they are for.
struct Keys {
    own: OwnSeal,
    socket: UdpSocket,
    sealed: Sealed,
}

/// The seals of a call.
pub(super) struct Seals {
    address: IpAddr,
    ports: Option<(u16, u16)>,
    spare: Option<Keys>,
    path: Option<DtlsPath>,
    changes: Option<Sender<Change>>,
    /// Our name of the keys that were opened last,
    opened: String,
    /// and of those that the far end has accepted.
    accepted: String,
    /// After how long keys are changed, and since when they are in use.
    lifetime: Option<Duration>,
    since: Instant,
}

impl Seals {
    /// Keys for calls at that address, by one of those ports; changed so often.
    pub(super) fn new(address: IpAddr, ports: Option<(u16, u16)>, lifetime: Option<Duration>) -> io::Result<Self> {
        let mut seals = Self {
            address,
            ports,
            spare: None,
            path: None,
            changes: None,
            opened: String::new(),
            accepted: String::new(),
            lifetime,
            since: Instant::now(),
        };
        seals.renew()?;
        Ok(seals)
    }

    /// Makes keys for the next seal; what is to be said of them.
    pub(super) fn renew(&mut self) -> io::Result<OwnSeal> {
        let Sockets { socket, port } = Sockets::open(self.address, self.ports)?;
        let sealed = Sealed::offer(Identity::fresh()?);
        let own = OwnSeal { fingerprint: sealed.fingerprint().to_sdp(), tls_id: sealed.tls_id().to_owned(), port };
        self.spare = Some(Keys { own: own.clone(), socket, sealed });
        Ok(own)
    }

    /// What is to be said of the keys that wait.
    pub(super) fn own(&self) -> Option<OwnSeal> {
        self.spare.as_ref().map(|keys| keys.own.clone())
    }

    /// Opens the keys that wait: they are in an offer that goes out, or in an answer.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let Some(Keys { own, socket, sealed }) = self.spare.take() else { return Ok(()) };
        self.opened = own.tls_id;
        match &self.changes {
            // A path that is gone needs no keys.
            Some(changes) => drop(changes.send(Change::Rekey(socket, Box::new(sealed)))),
            None => {
                let (path, changes) = DtlsPath::negotiated(socket, sealed)?;
                (self.path, self.changes) = (Some(path), Some(changes));
            }
        }
        Ok(())
    }

    /// The far end's part of a seal is known; whether it is a new one.
    pub(super) fn accept(&mut self, image: &Image, sealing: &Sealing) -> io::Result<bool> {
        if sealing.ours == self.accepted {
            return Ok(false);
        }
        if self.opened != sealing.ours {
            self.open()?;
        }
        if self.opened != sealing.ours {
            let gone = "the far end changed its part of the seal, and there are no keys of ours left to change with it; call \
                        again, and set sip.seal = \"never\" if that happens with each call";
            return Err(io::Error::other(gone));
        }
        let fingerprints = sealing.fingerprints.iter().filter_map(|each| each.parse().ok()).collect();
        let far = Far { fingerprints, we_are_active: sealing.active, address: image.remote };
        if let Some(changes) = &self.changes {
            let _ = changes.send(Change::Accept(far));
        }
        self.accepted.clone_from(&self.opened);
        self.since = Instant::now();
        Ok(true)
    }

    /// Whether the keys in use are to be changed now; then those that wait are opened.
    pub(super) fn grow_old(&mut self) -> bool {
        let old = self.lifetime.is_some_and(|lifetime| self.since.elapsed() > lifetime);
        let ready = self.spare.is_some() && self.opened == self.accepted && !self.accepted.is_empty();
        if !old || !ready {
            return false;
        }
        self.since = Instant::now();
        self.open().is_ok()
    }

    /// The far end does not take new keys.
    pub(super) fn withdraw(&mut self) {
        if self.opened != self.accepted {
            if let Some(changes) = &self.changes {
                let _ = changes.send(Change::Withdraw);
            }
            self.opened.clone_from(&self.accepted);
        }
    }

    /// The path of a call that is sealed.
    pub(super) fn take_path(&mut self) -> Option<DtlsPath> {
        self.path.take()
    }

    /// The call is not sealed any more; whether keys are gone with it that are still in an offer.
    pub(super) fn leave(&mut self) -> bool {
        let gone = self.opened != self.accepted;
        self.changes = None;
        self.opened.clear();
        self.accepted.clear();
        gone
    }

    /// Waits, and answers who says hello to what was offered.
    pub(super) fn wait(&mut self, span: Duration) {
        let heard = self.path.as_mut().map(|path| path.receive(&mut [], span));
        if !matches!(heard, Some(Ok(_))) {
            std::thread::sleep(span);
        }
    }
}
