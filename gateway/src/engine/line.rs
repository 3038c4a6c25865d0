//! One call: the blocks of its line, one after the other.
//!
//! ```text
//!  line ── rx block ──▶ front end ── events ──▶ session ── events ──▶ observer
//!       ◀── tx block ──           ◀── orders ──         ◀── octets for the signal being sent
//! ```

use std::time::Instant;

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{Exchange, LineError, Pace, PcmLine, PolledLine, Transport};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    handover::Baton,
    seam::{Cut, FrontEnd, LineEvent, Order, Stamped},
    session::{Instead, Output, Phase, Session},
    time::{LineSpan, LineTime},
};

use super::{CallObserver, CallReport, DeviceReport, Means, Role, ear::CallEar, recorder::Tape};

/// Octets asked of the session at a time; an ECM frame has 260.
const SUPPLY_OCTETS: usize = 264;

/// Blocks from one report of progress to the next: 250 ms.
const PROGRESS_BLOCKS: u32 = 25;

/// Silence that stands for a line hung up at the other end: the demodulators let go of what they still hold.
const CLOSING_BLOCKS: usize = 8;

/// The most digits of a call that are reported.
const MOST_DIGITS: usize = 64;

/// A call under way.
pub(crate) struct Call<O> {
    front: AudioFrontEnd,
    /// The moment at which the front end began.
    began: LineSpan,
    baton: Baton,
    session: Session,
    role: Role,
    observer: O,
    tape: Option<Tape>,
    /// The block to be sent next.
    tx: Block,
    /// When the session wants to be woken.
    due: Option<LineTime>,
    blocks: u32,
    cancelled: bool,
    lost: Option<LineError>,
    digits: String,
    ear: CallEar,
}

impl<O: CallObserver> Call<O> {
    pub(crate) fn new(session: Session, audio: AudioConfig, observer: O, tape: Option<Tape>) -> Self {
        Self::resume(session, audio, observer, tape, LineTime::ZERO, Baton::default())
    }

    /// A call that went on by other means until then.
    pub(crate) fn resume(
        session: Session,
        audio: AudioConfig,
        observer: O,
        tape: Option<Tape>,
        now: LineTime,
        baton: Baton,
    ) -> Self {
        let front = AudioFrontEnd::new(audio);
        let role = if session.is_caller() { Role::Caller } else { Role::Answerer };
        let ear = CallEar::new(&observer.hearing());
        let mut call = Self {
            front,
            began: now.since(LineTime::ZERO),
            baton,
            session,
            role,
            observer,
            tape,
            tx: SILENCE,
            due: None,
            blocks: 0,
            cancelled: false,
            lost: None,
            digits: String::with_capacity(MOST_DIGITS),
            ear,
        };
        if let Some(carrier) = call.baton.carrier_lost() {
            call.session.handle(Stamped { at: now, what: LineEvent::CarrierDown(carrier) });
        }
        call.baton.pass_on(&mut call.front, LineTime::ZERO);
        call.drain();
        call
    }

    /// The moment that the call has come to.
    pub(crate) fn now(&self) -> LineTime {
        self.front.now() + self.began
    }

    /// Whether the other end is a fax machine, beyond doubt.
    pub(crate) fn is_fax(&self) -> bool {
        self.baton.is_fax()
    }

    /// What a call needs that goes on by other means.
    pub(crate) fn into_parts(self) -> (Session, O, Baton) {
        (self.session, self.observer, self.baton)
    }

    /// Exchanges blocks on a line that waits by itself, until the session is over or the line is.
    pub(crate) fn run(mut self, line: &mut dyn PcmLine) -> (CallReport, O) {
        let (pace, mut rx) = (line.pace(), SILENCE);
        while !self.is_over() {
            let exchanged = line.exchange(&self.tx, &mut rx);
            self.exchanged(exchanged, &rx, pace);
            std::iter::from_fn(|| line.digit()).for_each(|digit| self.digit(digit));
        }
        // The last block made is still in hand; a line that is gone does not take it.
        if self.lost.is_none() && line.exchange(&self.tx, &mut rx).is_ok() {
            self.record(&rx, pace);
        }
        line.hang_up();
        let device = line.health().as_ref().map(DeviceReport::new);
        let (report, observer) = self.end(line.transport());
        (CallReport { device, ..report }, observer)
    }

    /// Exchanges a block on a polled line if one is due; whether one was.
    pub(crate) fn turn(&mut self, line: &mut dyn PolledLine, now: Instant) -> bool {
        let mut rx = SILENCE;
        let exchanged = match line.try_exchange(now, &self.tx, &mut rx) {
            Ok(None) => return false,
            Ok(Some(exchange)) => Ok(exchange),
            Err(error) => Err(error),
        };
        if self.is_over() {
            self.record(&rx, Pace::RealTime);
        } else {
            self.exchanged(exchanged, &rx, Pace::RealTime);
        }
        std::iter::from_fn(|| line.digit()).for_each(|digit| self.digit(digit));
        true
    }

    /// Whether the session is over, up to its last block, or the line is.
    pub(crate) fn is_over(&self) -> bool {
        self.front.wants_to_hang_up() || self.lost.is_some()
    }

    /// The report of a call that is over, on a line that was hung up.
    pub(crate) fn end(mut self, transport: Option<Transport>) -> (CallReport, O) {
        self.observe();
        if self.front.events_lost() > 0 {
            tracing::warn!(
                events = self.front.events_lost(),
                "the line brought more in one block than there is room for"
            );
        }
        let report = CallReport { heard: self.ear.heard(), ..CallReport::new(self.role, &self.session, &self.front) };
        (report.on(self.lost.as_ref(), self.digits, transport), self.observer)
    }

    fn exchanged(&mut self, exchanged: Result<Exchange, LineError>, rx: &Block, pace: Pace) {
        match exchanged {
            Ok(exchange) => {
                self.record(rx, pace);
                self.block(exchange, rx);
                self.observe();
            }
            Err(error) => self.line_lost(error),
        }
    }

    fn record(&self, rx: &Block, pace: Pace) {
        if let Some(tape) = &self.tape {
            tape.write(&self.tx, rx, pace);
        }
    }

    /// A digit was told beside the audio.
    pub(crate) fn digit(&mut self, digit: char) {
        if self.digits.len() < MOST_DIGITS {
            self.digits.push(digit);
        }
        self.observer.digit(self.now(), digit);
    }

    /// One block each way.
    fn block(&mut self, exchange: Exchange, rx: &Block) {
        if exchange.lost_samples > 0 {
            self.front.receive_lost();
        } else {
            self.front.receive(rx);
            if let Some(instead) = self.ear.hear(rx) {
                self.give_up(instead);
            }
        }
        while let Some(event) = self.front.poll() {
            self.baton.heard(&event.what);
            self.session.handle(Stamped { at: event.at + self.began, what: event.what });
            self.drain();
        }
        let now = self.now();
        if self.due.is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
            self.drain();
        }
        self.top_up();
        self.front.transmit(&mut self.tx);
    }

    /// Whoever was called is no fax machine: unless one is heard already, or we are the one that was called.
    fn give_up(&mut self, instead: Instead) {
        if self.role == Role::Caller && self.session.progress().phase == Phase::A {
            self.session.give_up(instead, self.now());
            self.drain();
        }
    }

    /// Ends a call that never came to its first block.
    pub(crate) fn not_connected(mut self, why: Instead) -> CallReport {
        self.session.give_up(why, self.now());
        self.drain();
        CallReport { heard: Some(why.name()), ..self.end(None).0 }
    }

    /// Moves what the session wants to where it belongs.
    fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Output::Order(order) => self.order(order),
                Output::Event(event) => self.observer.event(self.now(), event),
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
            }
        }
    }

    /// Orders are in the call's time.
    fn order(&mut self, order: Order) {
        self.baton.ordered(&order);
        self.front.order(match order {
            Order::Send { signal, at } => Order::Send { signal, at: at - self.began },
            other => other,
        });
    }

    /// Gives the signal being sent what it has room for.
    fn top_up(&mut self) {
        let mut octets = [0; SUPPLY_OCTETS];
        if self.baton.refill(&mut self.front) {
            return;
        }
        loop {
            let room = self.front.room().min(SUPPLY_OCTETS);
            if room == 0 {
                break;
            }
            let (filled, cut) = self.session.fill(&mut octets[..room]);
            self.baton.supplied(&octets[..filled], cut);
            self.front.supply(&octets[..filled], cut);
            if filled == 0 && cut == Cut::More {
                break;
            }
        }
    }

    /// What the observer wants and gets between blocks.
    fn observe(&mut self) {
        let now = self.now();
        if let Some(there) = self.observer.operator() {
            self.session.operator_answers(there, now);
            self.drain();
        }
        if let Some(kept) = self.observer.page_kept() {
            self.session.page_kept(kept, now);
            self.drain();
        }
        if let Some(news) = self.observer.direct() {
            self.session.direct(news, now);
            self.drain();
        }
        if !self.cancelled && self.observer.cancelled() {
            self.cancelled = true;
            self.session.cancel(now);
            self.drain();
        }
        for line in self.session.take_trace() {
            self.observer.trace(&line);
        }
        self.blocks += 1;
        if self.blocks.is_multiple_of(PROGRESS_BLOCKS) {
            self.observer.progress(&self.session.progress());
            self.observer.look(&self.session, now, &Means::Sound(&self.front));
        }
    }

    /// The other end may have hung up on its last word: that is heard out before the line counts as lost.
    pub(crate) fn line_lost(&mut self, error: LineError) {
        tracing::debug!(%error, "line lost");
        for _ in 0..CLOSING_BLOCKS {
            self.block(Exchange::default(), &SILENCE);
        }
        self.session.line_lost(self.now());
        self.drain();
        self.lost = Some(error);
    }
}
