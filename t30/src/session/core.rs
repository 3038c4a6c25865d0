//! What every state shares: the clock, timers, what goes out, what is heard, the report.

mod hears;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

use super::{
    Event,
    air::{Air, FrameQueue},
    burst::{Burst, Heard},
    config::{Config, Document},
    growing::Growing,
    outcome::Outcome,
    report::{PageReport, Report},
    terms::Terms,
    timers::{TURNAROUND, Timer, Timers},
    trace::{Trace, TraceKind},
};
use crate::{
    frame::{BitField, DirectOffer, Fcf, Ident, Message, recommendation},
    image::{Page, Picture},
    seam::{Carrier, Framing, Listen, Order, Signal},
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

/// Orders and events that may wait to be taken. No handler makes more than half of it.
const OUT_ROOM: usize = 32;

/// Response timer of automatic sets, T4: 3.0 s ± 15 %.
const T4: LineSpan = LineSpan::ms(3000);

/// The receiver's wait for a command, T2: 6 ± 1 s. A sender that repeats its command after 6 s is still heard.
const T2: LineSpan = LineSpan::ms(6500);

/// A carrier that stays up this long is no burst of frames: timers stop waiting for its end.
const LONGEST_BURST: LineSpan = LineSpan::ms(15_000);

/// How soon a timer that waits for quiet looks again.
const DEFERRED: LineSpan = LineSpan::ms(100);

/// Bits an octet takes on the line at most, inserted zeros and flags included.
const BITS_PER_OCTET: u64 = 10;

/// The front end has stopped working when it asks for nothing this long in the middle of a signal.
const FRONT_END_STALL: LineSpan = LineSpan::ms(30_000);

/// An order or an event that waits to be taken.
pub(super) enum Out {
    Order(Order),
    Event(Event),
}

/// The answer to a command, kept so that the command may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    command: Heard,
    reply: Fcf,
    field: Vec<u8>,
}

pub(super) struct Core {
    pub(super) config: Arc<Config>,
    /// Pages to send, of all documents.
    pub(super) document: Document,
    /// Pages of it that begin another document, counted from 0.
    pub(super) breaks: Vec<usize>,
    /// Pictures of its pages that have one, by the page, counted from 0.
    pub(super) pictures: BTreeMap<usize, Arc<Picture>>,
    /// Coarser renderings of its pages that have some, likewise.
    pub(super) renderings: BTreeMap<usize, Vec<Arc<Page>>>,
    /// The document is given while the call goes on: what came of its page in hand.
    pub(super) growing: Option<Growing>,
    /// Whether we called.
    pub(super) caller: bool,
    /// Whether pages go from us to the other side, now or next.
    pub(super) sending: bool,
    /// Whether we asked for the other side's document.
    pub(super) polled: bool,
    /// The first page that was given up while others were still to be sent.
    pub(super) undelivered: Option<String>,
    /// Passwords refused by FNV.
    pub(super) refusals: u32,
    /// CRP said since something whole was heard last.
    pub(super) repeats_asked: u32,
    pub(super) now: LineTime,
    pub(super) timers: Timers,
    pub(super) out: VecDeque<Out>,
    pub(super) air: Air,
    /// A signal with an end was ordered and has not ended.
    pub(super) speaking: bool,
    /// What the octets take on the line that the front end took since its watchdog last looked.
    owed: LineSpan,
    /// The bit rate of the signal on the air.
    rate: u32,
    /// Since when V.21 is heard.
    slow: Option<LineTime>,
    /// Since when a fast carrier is heard.
    fast: Option<LineTime>,
    pub(super) burst: Burst,
    /// Whether any V.21 signal was ever heard.
    pub(super) fax_heard: bool,
    /// The end of the last signal, theirs or ours.
    pub(super) quiet_since: LineTime,
    /// The end of our own last signal.
    pub(super) spoke_until: LineTime,
    /// The X bit of our frames: we received a valid DIS.
    pub(super) x: bool,
    pub(super) answered: Option<Answered>,
    pub(super) report: Report,
    pub(super) trace: Trace,
    /// No faster than this: what falling back has come to.
    pub(super) ceiling: Option<Carrier>,
    /// Pages received and taken.
    pub(super) pages_received: usize,
    /// Page and block of the ECM block confirmed last.
    pub(super) confirmed_block: Option<(u8, u8)>,
    /// What the other side offered in the NSF heard last.
    pub(super) offer: Option<DirectOffer>,
    /// Calling: the document was to go directly once.
    pub(super) went_directly: bool,
    /// Answering: the whole document came directly.
    pub(super) fetched: bool,
    /// The page in hand or last done, counted from 1.
    pub(super) page: usize,
    /// Rows of the page on the air that are encoded.
    pub(super) rows_given: u32,
    listening: Option<Listen>,
}

impl Core {
    pub(super) fn new(config: Arc<Config>, document: Document, caller: bool, now: LineTime) -> Self {
        let mut timers = Timers::default();
        timers.start(Timer::Call, now + config.limits.call);
        Self {
            trace: Trace::new(config.limits.trace_lines),
            report: Report { began: now, ..Report::default() },
            config,
            sending: !document.pages.is_empty(),
            document,
            breaks: Vec::new(),
            pictures: BTreeMap::new(),
            renderings: BTreeMap::new(),
            growing: None,
            caller,
            polled: false,
            undelivered: None,
            refusals: 0,
            repeats_asked: 0,
            now,
            timers,
            out: VecDeque::with_capacity(OUT_ROOM),
            air: Air::Silent,
            speaking: false,
            owed: LineSpan::ZERO,
            rate: 0,
            slow: None,
            fast: None,
            burst: Burst::default(),
            fax_heard: false,
            quiet_since: now,
            spoke_until: now,
            x: false,
            answered: None,
            ceiling: None,
            pages_received: 0,
            confirmed_block: None,
            offer: None,
            went_directly: false,
            fetched: false,
            page: 0,
            rows_given: 0,
            listening: None,
        }
    }

    // What goes out.

    pub(super) fn event(&mut self, event: Event) {
        if let Event::PageBegun { number } = event {
            (self.page, self.rows_given) = (number, 0);
        }
        self.put(Out::Event(event));
    }

    fn put(&mut self, out: Out) {
        debug_assert!(self.out.len() < OUT_ROOM, "the driver takes what is put out after every call");
        self.out.push_back(out);
    }

    pub(super) fn listen(&mut self, listen: Listen) {
        if self.listening != Some(listen) {
            self.listening = Some(listen);
            self.put(Out::Order(Order::Listen(listen)));
        }
    }

    pub(super) fn listen_to_frames(&mut self) {
        self.listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc });
    }

    /// The earliest moment at which we may answer.
    pub(super) fn turn(&self) -> LineTime {
        (self.quiet_since + TURNAROUND).max(self.now)
    }

    /// Orders a signal with an end, and hears nothing meanwhile: our own echo would be taken for the other side.
    fn speak(&mut self, signal: Signal, at: LineTime, air: Air) {
        self.listen(Listen::Nothing);
        self.send(signal, at, air);
    }

    /// Orders a tone without end.
    pub(super) fn call_out(&mut self) {
        self.put(Out::Order(Order::Send { signal: Signal::Cng, at: self.now }));
    }

    /// Orders a signal with an end.
    pub(super) fn send(&mut self, signal: Signal, at: LineTime, air: Air) {
        self.put(Out::Order(Order::Send { signal, at }));
        (self.air, self.speaking, self.owed) = (air, true, LineSpan::ZERO);
        self.rate = match signal {
            Signal::Data { carrier, .. } => carrier.bit_rate(),
            Signal::Ced | Signal::Cng => 0,
        };
        (self.slow, self.fast, self.burst) = (None, None, Burst::default());
        for timer in [Timer::T2, Timer::T4, Timer::BurstEnd] {
            self.timers.stop(timer);
        }
        self.timers.start(Timer::Sending, at + FRONT_END_STALL);
    }

    /// Sends frames in one burst as soon as we may.
    pub(super) fn say(&mut self, frames: &[(Fcf, &[u8])]) {
        let (at, mut queue) = (self.turn(), FrameQueue::default());
        for (place, &(fcf, field)) in frames.iter().enumerate() {
            let message = Message { last: place + 1 == frames.len(), fcf, x: self.x, field };
            let mut octets = Vec::with_capacity(3 + field.len());
            message.write(&mut octets);
            self.trace.add(at, TraceKind::Sent, message);
            queue.push(octets);
        }
        self.speak(Signal::Data { carrier: Carrier::V21, framing: Framing::Hdlc }, at, Air::Frames(queue));
    }

    /// Answers a command and remembers the answer.
    pub(super) fn answer(&mut self, command: Heard, reply: Fcf, field: &[u8]) {
        self.say(&[(reply, field)]);
        self.answered = Some(Answered { command, reply, field: field.to_vec() });
    }

    /// Says the last answer again, if there was one.
    pub(super) fn answer_again(&mut self) {
        if let Some(Answered { reply, field, .. }) = self.answered.clone() {
            self.say(&[(reply, &field)]);
        }
    }

    /// Sends fast data as soon as we may.
    pub(super) fn transmit(&mut self, carrier: Carrier, framing: Framing, air: Air, what: impl fmt::Display) {
        let at = self.turn();
        let (rate, modem) = (carrier.bit_rate(), recommendation(carrier));
        self.trace.add(at, TraceKind::Sent, format_args!("{what} at {rate} {modem}"));
        self.speak(Signal::Data { carrier, framing }, at, air);
    }

    /// What we said is over.
    pub(super) fn spoken(&mut self, at: LineTime) {
        self.timers.stop(Timer::Sending);
        self.speaking = false;
        self.quiet_since = self.quiet_since.max(at);
        self.spoke_until = at;
    }

    /// The front end took octets of the signal on the air.
    pub(super) fn supplied(&mut self, octets: usize) {
        if self.rate > 0 {
            self.owed = self.owed + LineSpan(octets as u64 * BITS_PER_OCTET * TICKS_PER_SECOND / u64::from(self.rate));
        }
        match &self.air {
            Air::Image(feed) => self.rows_given = feed.rows_done(),
            // Frames that are sent again take nothing back.
            Air::Block(feed) => self.rows_given = self.rows_given.max(feed.rows_done()),
            Air::Silent | Air::Frames(_) | Air::Zeros(_) => {}
        }
    }

    /// Whether the front end took octets since this was asked last; then it has the time they take.
    pub(super) fn goes_on(&mut self) -> bool {
        let owed = std::mem::take(&mut self.owed);
        let goes_on = owed > LineSpan::ZERO;
        if goes_on {
            self.start(Timer::Sending, owed + FRONT_END_STALL);
        }
        goes_on
    }

    /// Stops whatever is on the air.
    pub(super) fn hush(&mut self) {
        self.put(Out::Order(Order::Hush));
        self.air = Air::Silent;
        self.speaking = false;
        self.timers.stop(Timer::Sending);
    }

    /// Goes on hook and ends the session.
    pub(super) fn hang_up(&mut self, outcome: Outcome) {
        match &outcome {
            Outcome::Completed => self.note("completed"),
            Outcome::Failed(failure) => self.note(failure.to_string()),
        }
        self.timers = Timers::default();
        (self.air, self.speaking) = (Air::Silent, false);
        self.report.ended = Some(self.now);
        self.report.outcome = Some(outcome.clone());
        self.put(Out::Order(Order::HangUp));
        self.event(Event::Finished(outcome));
    }

    // Timers.

    pub(super) fn start(&mut self, timer: Timer, span: LineSpan) {
        self.timers.start(timer, self.now + span);
    }

    /// The wait for a response to what we just said.
    pub(super) fn await_response(&mut self) {
        self.listen_to_frames();
        self.start(Timer::T4, T4 + self.path_delay());
    }

    /// The wait for a command. While a fast carrier is heard there is none to wait for.
    pub(super) fn await_command(&mut self) {
        match self.fast {
            Some(_) => self.timers.stop(Timer::T2),
            None => self.start(Timer::T2, T2 + self.path_delay()),
        }
    }

    /// The transport's delay, at most a second of it.
    fn path_delay(&self) -> LineSpan {
        self.config.path_delay.min(LineSpan::ms(1000))
    }

    /// Whether a timer that would make us speak is to wait for the other side's end; then it was started anew.
    pub(super) fn defer(&mut self, timer: Timer) -> bool {
        let recent = |since: &Option<LineTime>| since.is_some_and(|since| self.now.since(since) < LONGEST_BURST);
        let busy = recent(&self.slow) || recent(&self.fast);
        let waits = timer.waits_for_quiet() && busy && !self.speaking;
        if waits {
            self.start(timer, DEFERRED);
        }
        waits
    }

    // What is agreed and done.

    /// Whether this command is the one answered last, said again because the answer was not heard.
    pub(super) fn is_repeated(&self, command: &Heard) -> bool {
        self.answered.as_ref().is_some_and(|answered| answered.command == *command)
    }

    /// What was answered last.
    pub(super) fn last_reply(&self) -> Option<Fcf> {
        self.answered.as_ref().map(|answered| answered.reply)
    }

    pub(super) fn note(&mut self, text: impl fmt::Display) {
        self.trace.add(self.now, TraceKind::Note, text);
    }

    /// The other side's DIS.
    pub(super) fn theirs(&self) -> BitField {
        self.report.peer.capabilities.unwrap_or_default()
    }

    /// Whether the other side's document is still to be asked for.
    pub(super) fn is_to_poll(&self) -> bool {
        self.caller && self.config.poll && !self.polled
    }

    /// Why the other side is sent away, if it is: the password it gave is not the one expected.
    pub(super) fn refusal(&self) -> Option<String> {
        let expected = Ident::new(self.config.expect_pwd.as_deref().filter(|_| !self.caller)?);
        match &self.report.peer.pwd {
            Some(given) if *given == expected.as_str() => None,
            Some(_) => Some("it gave another password".to_owned()),
            None => Some("it gave no password".to_owned()),
        }
    }

    /// The number of a page of the document, counted from 1.
    pub(super) fn page_number(&self, page: usize) -> usize {
        self.document.first + page + 1
    }

    pub(super) fn agreed(&mut self, terms: Terms) {
        self.report.terms = Some(terms);
        self.event(Event::Agreed(terms));
    }

    pub(super) fn page_done(&mut self, page: PageReport) {
        self.page = page.number;
        self.report.pages.push(page);
    }

    /// The page given out last could not be kept: it does not count.
    pub(super) fn take_back_page(&mut self) {
        self.pages_received -= 1;
        self.report.pages.pop();
    }

    /// Whether as many pages were received as are wanted.
    pub(super) fn has_enough_pages(&self) -> bool {
        self.config.limits.pages.is_some_and(|most| self.pages_received >= most)
    }

    /// Page and block that a block without PPS is counted as.
    pub(super) fn next_block(&self) -> (u8, u8) {
        self.confirmed_block.map_or((0, 0), |(page, block)| (page, block.wrapping_add(1)))
    }

    /// How much of the page on the air is encoded, in percent.
    pub(super) fn percent(&self) -> Option<u8> {
        let pages = Some(&self.document.pages).filter(|_| self.sending)?;
        let page = pages.get(self.page.checked_sub(self.document.first + 1)?)?;
        Some((self.rows_given * 100 / page.bitmap.height().max(1)).min(100) as u8)
    }
}
