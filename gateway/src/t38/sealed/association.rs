//! One DTLS association: records in, records out, by the time that it is told. The key of our certificate decides who does it:
//! dimpl for elliptic curves, OpenSSL for RSA, where it was built in.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use dimpl::{Config, Dtls, Error, Output};

#[cfg(feature = "openssl")]
use super::rsa::RsaAssociation;
use super::{Fingerprint, Identity};

/// Octets of the longest record.
pub(super) const RECORD: usize = 17_000;

/// What came of records that are not verified yet is kept up to so many; a fax says more again.
pub(super) const MOST_OPENED: usize = 64;

/// Of ours at the start of a handshake, before it is sent again. It doubles each time.
const FIRST_PATIENCE: Duration = Duration::from_millis(300);

/// How often a flight is sent again; with [`FIRST_PATIENCE`] the last after 19 s.
const RETRIES: usize = 6;

/// No fragment of a handshake makes a datagram longer than this.
pub(super) const HANDSHAKE_DATAGRAM: usize = 1200;

/// It broke, and how.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

pub(super) enum Association {
    Curves(Box<CurveAssociation>),
    #[cfg(feature = "openssl")]
    Rsa(Box<RsaAssociation>),
}

pub(super) struct CurveAssociation {
    dtls: Dtls,
    connected: bool,
    closed: bool,
    /// What the far end's certificate has, once it came.
    certificate: Option<Fingerprint>,
    /// When it wants to be woken.
    due: Instant,
    records: VecDeque<Vec<u8>>,
    opened: VecDeque<Vec<u8>>,
    buffer: Vec<u8>,
}

fn config() -> Result<Arc<Config>, Error> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    // A server lets its client prove that it is where it says before it does work for it.
    let config = Config::builder().use_server_cookie(true).require_client_certificate(true);
    let config = config.mtu(HANDSHAKE_DATAGRAM).flight_start_rto(FIRST_PATIENCE).flight_retries(RETRIES);
    let config = Arc::new(config.build()?);
    Ok(CONFIG.get_or_init(|| config).clone())
}

/// Passes a call on to whoever does it.
macro_rules! passed_on {
    ($association:expr, $one:ident => $call:expr) => {
        match $association {
            Self::Curves($one) => $call,
            #[cfg(feature = "openssl")]
            Self::Rsa($one) => $call,
        }
    };
}

impl Association {
    /// One that says hello, or waits for one to be said.
    pub(super) fn new(active: bool, identity: &Identity, now: Instant) -> Result<Self, Broken> {
        if !identity.is_rsa() {
            return CurveAssociation::new(active, identity, now).map(Box::new).map(Self::Curves);
        }
        #[cfg(feature = "openssl")]
        return RsaAssociation::new(active, identity, now).map(Box::new).map(Self::Rsa);
        #[cfg(not(feature = "openssl"))]
        Err(Broken("our certificate is of RSA, and this program was built without OpenSSL, which that takes".into()))
    }

    pub(super) fn is_connected(&self) -> bool {
        passed_on!(self, one => one.is_connected())
    }

    pub(super) fn is_closed(&self) -> bool {
        passed_on!(self, one => one.is_closed())
    }

    /// What the far end's certificate has; that it has the key to it too is known once connected.
    pub(super) fn certificate(&self) -> Option<&Fingerprint> {
        passed_on!(self, one => one.certificate())
    }

    pub(super) fn due(&self) -> Instant {
        passed_on!(self, one => one.due())
    }

    pub(super) fn handle(&mut self, datagram: &[u8], now: Instant) -> Result<(), Broken> {
        passed_on!(self, one => one.handle(datagram, now))
    }

    pub(super) fn wake(&mut self, now: Instant) -> Result<(), Broken> {
        passed_on!(self, one => one.wake(now))
    }

    pub(super) fn seal(&mut self, octets: &[u8]) -> Result<(), Broken> {
        passed_on!(self, one => one.seal(octets))
    }

    /// Says good-bye.
    pub(super) fn close(&mut self) {
        passed_on!(self, one => one.close());
    }

    /// The next datagram to be sent.
    pub(super) fn poll_record(&mut self) -> Option<Vec<u8>> {
        passed_on!(self, one => one.poll_record())
    }

    /// The next that came sealed.
    pub(super) fn poll_opened(&mut self) -> Option<Vec<u8>> {
        passed_on!(self, one => one.poll_opened())
    }
}

impl CurveAssociation {
    fn new(active: bool, identity: &Identity, now: Instant) -> Result<Self, Broken> {
        let mut dtls = Dtls::new_auto(config()?, identity.for_dtls(), now);
        dtls.set_active(active);
        let mut association = Self {
            dtls,
            connected: false,
            closed: false,
            certificate: None,
            due: now,
            records: VecDeque::new(),
            opened: VecDeque::new(),
            buffer: vec![0; RECORD],
        };
        association.wake(now)?;
        Ok(association)
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn certificate(&self) -> Option<&Fingerprint> {
        self.certificate.as_ref()
    }

    fn due(&self) -> Instant {
        self.due
    }

    fn handle(&mut self, datagram: &[u8], now: Instant) -> Result<(), Broken> {
        self.dtls.handle_timeout(now)?;
        self.dtls.handle_packet(datagram)?;
        self.drain();
        Ok(())
    }

    fn wake(&mut self, now: Instant) -> Result<(), Broken> {
        if now >= self.due {
            self.dtls.handle_timeout(now)?;
            self.drain();
        }
        Ok(())
    }

    fn seal(&mut self, octets: &[u8]) -> Result<(), Broken> {
        self.dtls.send_application_data(octets)?;
        self.drain();
        Ok(())
    }

    fn close(&mut self) {
        if self.dtls.close().is_ok() {
            self.drain();
        }
    }

    fn poll_record(&mut self) -> Option<Vec<u8>> {
        self.records.pop_front()
    }

    fn poll_opened(&mut self) -> Option<Vec<u8>> {
        self.opened.pop_front()
    }

    fn drain(&mut self) {
        loop {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(octets) => self.records.push_back(octets.to_vec()),
                Output::BufferTooSmall { needed } => self.buffer.resize(needed, 0),
                Output::Connected => self.connected = true,
                Output::PeerCert(certificate) => self.certificate = Some(Fingerprint::of(certificate)),
                Output::ApplicationData(octets) if self.opened.len() < MOST_OPENED => {
                    self.opened.push_back(octets.to_vec());
                }
                Output::CloseNotify => self.closed = true,
                Output::Timeout(at) => {
                    self.due = at;
                    break;
                }
                _ => {}
            }
        }
    }
}
