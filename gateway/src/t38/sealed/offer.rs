//! A sealed media description, from the offer to the end: who may speak, whom we believe, what waits.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use thiserror::Error as ThisError;

use super::{
    Fingerprint, Identity,
    association::{Association, Broken, Carried, RTP_FIRST_OCTETS},
};
use crate::hexadecimal::chance;

/// How long the handshake may take once the far end is known.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Places that may say hello before it is known which of them is the far end. Another one takes the place of the oldest
/// that has not shown a certificate.
const MOST_CANDIDATES: usize = 4;

/// How often a handshake that broke is begun again.
const MOST_RESTARTS: u32 = 3;

/// Datagrams of ours that wait for the end of the handshake; of more the oldest are dropped, as a network does.
const MOST_WAITING: usize = 32;

/// Octets of chance in a `tls-id`: 160 bits, where RFC 8842 4 wants 120.
const TLS_ID_OCTETS: usize = 20;

/// First octets of DTLS records, RFC 7345 5.2.2.
const DTLS_FIRST_OCTETS: std::ops::RangeInclusive<u8> = 20..=63;

/// Who begins the handshake, RFC 8842 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Who describes itself so does either.
    ActPass,
    /// It says hello.
    Active,
    /// It waits for hello.
    Passive,
}

impl Setup {
    /// What to answer to the far end's: it is active that knows where to.
    pub fn answer(self) -> Self {
        if self == Self::Active { Self::Passive } else { Self::Active }
    }

    /// The value of SDP's attribute `setup`.
    pub fn to_sdp(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }

    /// Reads the value of SDP's attribute; `holdconn` must not be used with DTLS.
    pub fn from_sdp(value: &str) -> Option<Self> {
        [Self::ActPass, Self::Active, Self::Passive]
            .into_iter()
            .find(|setup| value.trim().eq_ignore_ascii_case(setup.to_sdp()))
    }
}

/// What signalling says of the far end.
#[derive(Clone, Debug)]
pub struct Far {
    /// What its certificate must have: one of these.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether we say hello.
    pub we_are_active: bool,
    /// Where it is. Nobody else is heard. Without it, it is whoever shows the right certificate first.
    pub address: Option<SocketAddr>,
}

/// Why there will be no sealed media. All of them end it: nothing is sent in clear instead.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum SealError {
    /// It is somebody else.
    #[error("the far end's certificate is {0}, which is none that signalling gave; the media are ended")]
    WrongCertificate(Fingerprint),
    /// Nobody answered.
    #[error("the far end did not complete the DTLS handshake in {} s; nothing was sent in clear", HANDSHAKE.as_secs())]
    TimedOut,
    /// There is nowhere to say hello.
    #[error("a DTLS handshake cannot be begun without the far end's address; give it, or let the far end begin")]
    NoAddress,
    /// The far end said good-bye.
    #[error("the far end closed DTLS")]
    Closed,
    /// It broke.
    #[error("DTLS failed: {0}; nothing was sent in clear")]
    Broken(String),
}

/// What did not get through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that were not DTLS: in clear, or STUN.
    pub foreign: u64,
    /// Datagrams from elsewhere than the negotiated place.
    pub strangers: u64,
    /// Handshakes that were begun again.
    pub restarts: u32,
}

struct Candidate {
    address: SocketAddr,
    association: Association,
}

/// One sealed media description on one socket.
pub struct Sealed {
    carried: Carried,
    identity: Identity,
    tls_id: String,
    far: Option<Far>,
    accepted: Option<Instant>,
    candidates: Vec<Candidate>,
    failure: Option<SealError>,
    waiting: VecDeque<Vec<u8>>,
    transmits: VecDeque<(SocketAddr, Vec<u8>)>,
    counters: Counters,
}

impl Sealed {
    /// One that is offered, or that will answer an offer. Who says hello before [`Sealed::accept`] is answered, but nothing
    /// that comes from it is given out before its certificate has been compared.
    pub fn offer(identity: Identity) -> Self {
        Self {
            carried: Carried::Udptl,
            identity,
            tls_id: chance::<TLS_ID_OCTETS>(),
            far: None,
            accepted: None,
            candidates: Vec::new(),
            failure: None,
            waiting: VecDeque::new(),
            transmits: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// The same for packets of RTP, which go as SRTP under keys of DTLS, RFC 5764, and not within it.
    #[must_use]
    pub fn carrying_rtp(self) -> Self {
        Self { carried: Carried::Rtp, ..self }
    }

    /// What to write into `a=fingerprint`.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint()
    }

    /// What to write into `a=tls-id`; in an answer only if the offer had one.
    pub fn tls_id(&self) -> &str {
        &self.tls_id
    }

    /// The far end's description is there.
    pub fn accept(&mut self, far: Far, now: Instant) {
        self.accepted = Some(now);
        let wanted = |candidate: &Candidate| {
            !far.we_are_active && far.address.is_none_or(|there| same(there, candidate.address))
        };
        self.candidates.retain(wanted);
        let (active, address) = (far.we_are_active, far.address);
        self.far = Some(far);
        match (active, address) {
            (true, Some(there)) => self.begin(there, now),
            (true, None) => self.failure = Some(SealError::NoAddress),
            (false, _) => self.judge(),
        }
    }

    /// Whether the handshake is over and the far end is who it must be.
    pub fn is_sealed(&self) -> bool {
        self.failure.is_none() && self.trusted().is_some()
    }

    /// Why it is over.
    pub fn failure(&self) -> Option<&SealError> {
        self.failure.as_ref()
    }

    /// What did not get through.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes in a datagram.
    pub fn handle(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) {
        if self.failure.is_some() {
            return;
        }
        let is_in = |octets: std::ops::RangeInclusive<u8>| datagram.first().is_some_and(|first| octets.contains(first));
        let is_rtp = self.carried == Carried::Rtp && is_in(RTP_FIRST_OCTETS);
        if !is_rtp && !is_in(DTLS_FIRST_OCTETS) {
            self.counters.foreign += 1;
            return;
        }
        // Nobody is answered who begins with RTP.
        let known = |this: &mut Self| this.candidates.iter().position(|candidate| same(candidate.address, from));
        let place = if is_rtp { known(self) } else { self.candidate(from, now) };
        let Some(place) = place else {
            self.counters.strangers += 1;
            return;
        };
        let handled = self.candidates[place].association.handle(datagram, now);
        self.went(place, handled, now);
        self.judge();
        self.collect();
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.failure.is_some() {
            return;
        }
        for place in (0..self.candidates.len()).rev() {
            let woken = self.candidates[place].association.wake(now);
            self.went(place, woken, now);
        }
        if !self.is_sealed() && self.accepted.is_some_and(|since| now.duration_since(since) > HANDSHAKE) {
            self.failure = Some(SealError::TimedOut);
        }
        self.collect();
    }

    /// When to call [`Sealed::handle_timeout`].
    pub fn due(&self) -> Option<Instant> {
        if self.failure.is_some() {
            return None;
        }
        let limit =
            self.accepted.filter(|_| !self.is_sealed()).map(|since| since + HANDSHAKE + Duration::from_millis(1));
        self.candidates.iter().map(|candidate| candidate.association.due()).chain(limit).min()
    }

    /// Sends to the far end; until it is known and sealed, waits for that.
    pub fn seal(&mut self, octets: &[u8]) {
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(octets.to_vec());
        self.collect();
    }

    /// The next datagram to be sent, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.transmits.pop_front()
    }

    /// The next that came from the far end.
    pub fn poll_opened(&mut self) -> Option<Vec<u8>> {
        let opened = self.trusted().and_then(|place| self.candidates[place].association.poll_opened());
        let closed = |candidate: &Candidate| candidate.association.is_closed();
        if opened.is_none()
            && self.failure.is_none()
            && self.trusted().is_some_and(|place| closed(&self.candidates[place]))
        {
            self.failure = Some(SealError::Closed);
        }
        opened
    }

    /// Says good-bye.
    pub fn close(&mut self) {
        if let Some(place) = self.trusted() {
            self.candidates[place].association.close();
            self.collect();
        }
    }

    /// The one whose certificate is right.
    fn trusted(&self) -> Option<usize> {
        let far = self.far.as_ref()?;
        let right = |found: &Fingerprint| far.fingerprints.contains(found);
        let trusted =
            |one: &Candidate| one.association.is_connected() && one.association.certificate().is_some_and(right);
        self.candidates.iter().position(trusted)
    }

    /// The association with that place, a new one if it may say hello to us.
    fn candidate(&mut self, from: SocketAddr, now: Instant) -> Option<usize> {
        if let Some(place) = self.candidates.iter().position(|candidate| same(candidate.address, from)) {
            return Some(place);
        }
        let welcome = match &self.far {
            Some(far) => !far.we_are_active && !self.is_sealed() && far.address.is_none_or(|there| same(there, from)),
            None => true,
        };
        if !welcome {
            return None;
        }
        if self.candidates.len() == MOST_CANDIDATES {
            let unproven = |candidate: &Candidate| candidate.association.certificate().is_none();
            self.candidates.remove(self.candidates.iter().position(unproven)?);
        }
        let association = Association::new(self.carried, false, &self.identity, now).ok()?;
        self.candidates.push(Candidate { address: from, association });
        Some(self.candidates.len() - 1)
    }

    fn begin(&mut self, there: SocketAddr, now: Instant) {
        match Association::new(self.carried, true, &self.identity, now) {
            Ok(association) => self.candidates.push(Candidate { address: there, association }),
            Err(error) => self.failure = Some(SealError::Broken(error.0)),
        }
        self.collect();
    }

    /// A handshake that broke is begun again a few times, since anybody can send nonsense; what broke later is over.
    fn went(&mut self, place: usize, result: Result<(), Broken>, now: Instant) {
        let Err(Broken(error)) = result else { return };
        let Candidate { address, association } = self.candidates.remove(place);
        let active = self.far.as_ref().is_some_and(|far| far.we_are_active);
        if association.is_connected() || self.counters.restarts == MOST_RESTARTS {
            if self.far.is_some() {
                self.failure = Some(SealError::Broken(error));
            }
            return;
        }
        self.counters.restarts += u32::from(self.far.is_some());
        if active {
            self.begin(address, now);
        }
    }

    /// Compares certificates: at the negotiated place a wrong one is the end; where no place was given, it is nobody.
    fn judge(&mut self) {
        let Some(far) = &self.far else { return };
        let wrong =
            |one: &Candidate| one.association.certificate().is_some_and(|found| !far.fingerprints.contains(found));
        if far.address.is_some() {
            let found = self.candidates.iter().find(|one| wrong(one)).and_then(|one| one.association.certificate());
            self.failure = found.cloned().map(SealError::WrongCertificate).or(self.failure.take());
        } else {
            self.candidates.retain(|one| !wrong(one));
        }
        if self.failure.is_some() {
            self.candidates.clear();
        } else if let Some(place) = self.trusted() {
            self.candidates.swap(0, place);
            self.candidates.truncate(1);
        }
    }

    /// Takes what is to be sent out of the associations.
    fn collect(&mut self) {
        if let Some(place) = self.trusted() {
            while let Some(octets) = self.waiting.pop_front() {
                if let Err(Broken(error)) = self.candidates[place].association.seal(&octets) {
                    self.failure = Some(SealError::Broken(error));
                }
            }
        }
        for candidate in &mut self.candidates {
            while let Some(record) = candidate.association.poll_record() {
                self.transmits.push_back((candidate.address, record));
            }
        }
    }
}

/// Addresses that differ only by how an IPv4 address is written in IPv6 are the same.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    (one.ip().to_canonical(), one.port()) == (other.ip().to_canonical(), other.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offer_has_a_tls_id_of_its_own() {
        let ids = [(); 2].map(|()| Sealed::offer(Identity::fresh().unwrap()).tls_id().to_owned());
        assert_ne!(ids[0], ids[1]);
        assert!(ids.iter().all(|id| (20..=255).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric())));
    }
}
