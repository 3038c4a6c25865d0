//! A whole call over packets: a session, its front end and the wire, driven by datagrams and the time.
//!
//! ```text
//! loop {
//!     datagram came ─▶ handle_datagram      │  due() has come ─▶ handle_timeout
//!     poll_datagram ─▶ send each            │  poll_event ─▶ tell each
//! }
//! ```

use std::collections::VecDeque;

use super::{
    sequence::{Arrival, Counters},
    terminal::{Terminal, TerminalConfig},
    wire::Wire,
};
use crate::{
    handover::Baton,
    seam::{Cut, FrontEnd, LineEvent, Stamped},
    session::{DirectNews, Event, NotKept, Output, Session},
    time::LineTime,
};

/// Octets asked of the session at a time; an ECM frame has 260.
const SUPPLY_OCTETS: usize = 264;

/// A call under way.
pub struct Call {
    session: Session,
    terminal: Terminal,
    wire: Wire,
    baton: Baton,
    now: LineTime,
    /// When the session wants to be woken.
    due: Option<LineTime>,
    datagrams: VecDeque<Vec<u8>>,
    events: VecDeque<Stamped<Event>>,
    /// Packets that were no IFP.
    unread: u64,
    sent: u64,
}

impl Call {
    /// A call that begins now.
    pub fn new(session: Session, config: TerminalConfig, wire: Wire) -> Self {
        Self::resume(session, config, wire, LineTime::ZERO, Baton::default())
    }

    /// A call that went on by other means until now.
    pub fn resume(session: Session, config: TerminalConfig, wire: Wire, now: LineTime, baton: Baton) -> Self {
        let mut call = Self {
            session,
            terminal: Terminal::new(config),
            wire,
            baton,
            now,
            due: None,
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
            unread: 0,
            sent: 0,
        };
        if let Some(carrier) = call.baton.carrier_lost() {
            call.session.handle(Stamped { at: now, what: LineEvent::CarrierDown(carrier) });
        }
        call.terminal.handle_timeout(now);
        call.baton.pass_on(&mut call.terminal, now);
        call.drain();
        call.go_on();
        call
    }

    /// The session and what a new front end has to know, for a call that goes on by other means.
    pub fn into_parts(self) -> (Session, Baton) {
        (self.session, self.baton)
    }

    /// Takes in a datagram, or octets of a stream.
    pub fn handle_datagram(&mut self, octets: &[u8], now: LineTime) {
        self.now = self.now.max(now);
        self.wire.receive(octets, self.now);
        self.go_on();
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: LineTime) {
        self.now = self.now.max(now);
        self.go_on();
    }

    /// The next datagram to be sent, or octets of the stream.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// The next thing that the service is to know.
    pub fn poll_event(&mut self) -> Option<Stamped<Event>> {
        self.events.pop_front()
    }

    /// When the time is wanted next.
    pub fn due(&self) -> Option<LineTime> {
        [self.due, self.terminal.due(), self.wire.due()].into_iter().flatten().min()
    }

    /// Says what became of the page given out last.
    pub fn page_kept(&mut self, kept: Result<(), NotKept>, now: LineTime) {
        self.now = self.now.max(now);
        self.session.page_kept(kept, self.now);
        self.drain();
        self.go_on();
    }

    /// What comes of a document that goes another way, see [`Session::direct`].
    pub fn direct(&mut self, news: DirectNews, now: LineTime) {
        self.now = self.now.max(now);
        self.session.direct(news, self.now);
        self.drain();
        self.go_on();
    }

    /// Ends the call from our side.
    pub fn cancel(&mut self, now: LineTime) {
        self.now = self.now.max(now);
        self.session.cancel(self.now);
        self.drain();
        self.go_on();
    }

    /// What carries the call is gone.
    pub fn line_lost(&mut self, now: LineTime) {
        self.now = self.now.max(now);
        self.session.line_lost(self.now);
        self.drain();
    }

    /// Whether the machine has hung up, and all it said was given out.
    pub fn is_over(&self) -> bool {
        self.session.is_finished() && self.terminal.is_over() && self.datagrams.is_empty()
    }

    /// The machine.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The machine, to take its transcript.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The moment it has come to.
    pub fn now(&self) -> LineTime {
        self.now
    }

    /// What became of datagrams; packets that could not be read count as malformed too.
    pub fn counters(&self) -> Counters {
        let counters = self.wire.counters();
        Counters { malformed: counters.malformed + self.unread, ..counters }
    }

    /// Datagrams sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    fn go_on(&mut self) {
        while let Some(arrival) = self.wire.poll(self.now) {
            match arrival {
                Arrival::Packet(packet) => {
                    self.unread += u64::from(self.terminal.handle_packet(packet, self.now).is_err());
                }
                Arrival::Lost(count) => self.terminal.handle_loss(count, self.now),
            }
            self.hear();
        }
        if self.due.is_some_and(|due| due <= self.now) {
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.speak();
    }

    /// Tells the machine what was heard, and takes what it wants.
    fn hear(&mut self) {
        while let Some(event) = self.terminal.poll() {
            self.baton.heard(&event.what);
            self.session.handle(event);
            self.drain();
        }
    }

    /// Gives the front end what it has room for, and lets it send what is due.
    fn speak(&mut self) {
        loop {
            self.terminal.handle_timeout(self.now);
            self.hear();
            let topped_up = self.top_up();
            while let Some(packet) = self.terminal.poll_packet() {
                self.sent += 1;
                self.datagrams.push_back(self.wire.send(&packet, self.now));
            }
            if !topped_up {
                break;
            }
        }
    }

    /// Whether the machine had anything to give.
    fn top_up(&mut self) -> bool {
        let (mut octets, mut any) = ([0; SUPPLY_OCTETS], false);
        if self.baton.refill(&mut self.terminal) {
            return false;
        }
        loop {
            let room = self.terminal.room().min(SUPPLY_OCTETS);
            if room == 0 {
                return any;
            }
            let (filled, cut) = self.session.fill(&mut octets[..room]);
            if filled == 0 && cut == Cut::More {
                return any;
            }
            self.baton.supplied(&octets[..filled], cut);
            self.terminal.supply(&octets[..filled], cut);
            any = true;
        }
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Output::Order(order) => {
                    self.baton.ordered(&order);
                    self.terminal.order(order);
                }
                Output::Event(what) => self.events.push_back(Stamped { at: self.now, what }),
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
            }
        }
    }
}
