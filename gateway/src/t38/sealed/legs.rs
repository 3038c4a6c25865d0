//! Keys are changed by a new association at a new place, RFC 8842 3; until the old one is let go of, both are heard.
//!
//! ```text
//!  leg 0 ══════ sends and hears ══════╪══ hears ══╡ good-bye
//!  leg 1           └ handshake ───────╪══ sends and hears ══════
//!                                  sealed       OVERLAP
//! ```

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{SealError, Sealed};

/// How long the old keys are kept when the new ones are in use.
const OVERLAP: Duration = Duration::from_secs(5);

/// Which socket it is on: the first has number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg(pub usize);

struct One {
    leg: Leg,
    sealed: Sealed,
}

/// The sealed media of a call while its keys change.
pub struct Legs {
    /// In the order of their making; the last is the newest.
    all: Vec<One>,
    made: usize,
    /// When what is older than the newest is let go of.
    parting: Option<Instant>,
    /// Last words of legs that are gone.
    farewells: VecDeque<(Leg, SocketAddr, Vec<u8>)>,
}

impl Legs {
    /// Media that begin with that.
    pub fn new(sealed: Sealed) -> Self {
        Self { all: vec![One { leg: Leg(0), sealed }], made: 1, parting: None, farewells: VecDeque::new() }
    }

    /// New keys: what was negotiated anew, on a socket of its own.
    pub fn rekey(&mut self, sealed: Sealed) -> Leg {
        let leg = Leg(self.made);
        self.made += 1;
        self.all.push(One { leg, sealed });
        leg
    }

    /// The newest keys are not taken by the far end: those of before stay in use.
    pub fn withdraw(&mut self) {
        if self.all.len() > 1 {
            self.all.pop();
            self.parting = None;
        }
    }

    /// The newest, for signalling.
    pub fn newest(&mut self) -> &mut Sealed {
        &mut self.all.last_mut().expect("there is always one").sealed
    }

    /// The leg that we send on: the newest that is sealed.
    pub fn speaking(&self) -> Option<Leg> {
        self.all.iter().rev().find(|one| one.sealed.is_sealed()).map(|one| one.leg)
    }

    /// Whether a leg is still in use.
    pub fn has(&self, leg: Leg) -> bool {
        self.all.iter().any(|one| one.leg == leg)
    }

    /// Takes in a datagram.
    pub fn handle(&mut self, leg: Leg, datagram: &[u8], from: SocketAddr, now: Instant) {
        if let Some(one) = self.all.iter_mut().find(|one| one.leg == leg) {
            one.sealed.handle(datagram, from, now);
        }
        self.go_on(now);
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.all.iter_mut().for_each(|one| one.sealed.handle_timeout(now));
        self.go_on(now);
    }

    /// When to call [`Legs::handle_timeout`].
    pub fn due(&self) -> Option<Instant> {
        self.all.iter().filter_map(|one| one.sealed.due()).chain(self.parting).min()
    }

    /// Sends to the far end.
    pub fn seal(&mut self, octets: &[u8]) {
        let leg = self.speaking().unwrap_or(self.all[0].leg);
        if let Some(one) = self.all.iter_mut().find(|one| one.leg == leg) {
            one.sealed.seal(octets);
        }
    }

    /// The next datagram to be sent: on which leg, and where to.
    pub fn poll_transmit(&mut self) -> Option<(Leg, SocketAddr, Vec<u8>)> {
        let next = |one: &mut One| one.sealed.poll_transmit().map(|(to, octets)| (one.leg, to, octets));
        self.farewells.pop_front().or_else(|| self.all.iter_mut().find_map(next))
    }

    /// The next that came from the far end, on whatever leg.
    pub fn poll_opened(&mut self) -> Option<Vec<u8>> {
        self.all.iter_mut().find_map(|one| one.sealed.poll_opened())
    }

    /// Why the media are over: no leg is left that works.
    pub fn failure(&self) -> Option<&SealError> {
        // A far end that is somebody else ends the media at once, whichever leg it is on.
        let wrong = |error: &&SealError| matches!(error, SealError::WrongCertificate(_));
        let failures = || self.all.iter().filter_map(|one| one.sealed.failure());
        failures().find(wrong).or_else(|| failures().next_back().filter(|_| failures().count() == self.all.len()))
    }

    /// Says good-bye on all of them.
    pub fn close(&mut self) {
        self.all.iter_mut().for_each(|one| one.sealed.close());
    }

    /// Lets go of the old keys when the new ones have been in use for a while.
    fn go_on(&mut self, now: Instant) {
        if self.all.len() > 1 && self.speaking() == self.all.last().map(|one| one.leg) {
            self.parting.get_or_insert(now + OVERLAP);
        }
        if self.parting.take_if(|at| *at <= now).is_none() {
            return;
        }
        for mut one in self.all.drain(..self.all.len() - 1) {
            one.sealed.close();
            self.farewells
                .extend(std::iter::from_fn(|| one.sealed.poll_transmit()).map(|(to, octets)| (one.leg, to, octets)));
        }
    }
}
