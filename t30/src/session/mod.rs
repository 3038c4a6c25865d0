//! The T.30 machine: what to say when, as a caller with a document or as an answerer.
//!
//! It has no clock and no line. A driver brings it what the front end heard, in order and stamped, and takes out what
//! it wants done:
//!
//! ```text
//! loop {
//!     while let Some(event) = front_end.poll() { session.handle(event); take everything from session.poll() }
//!     if the moment session.poll() waits for has come { session.handle_timeout(now); take everything }
//!     while front_end.room() > 0 { session.fill(..) → front_end.supply(..) }
//! }
//! ```
//!
//! What the front end does by itself: the second of flags before V.21 frames, training before fast signals and the
//! 200 ms of flags after it before HDLC frames; `Sent` comes after the last sample of everything ordered but CNG, and
//! does not come after `Hush`.

mod air;
mod burst;
mod config;
mod core;
mod direct;
mod ecm_receive;
mod ecm_send;
mod goodbye;
mod growing;
mod identify;
mod instead;
mod keep;
mod negotiate;
mod operator;
mod outcome;
mod poll;
mod receive;
mod report;
mod send;
mod setup;
mod state;
mod tcf;
mod terms;
mod timers;
mod trace;
mod training;

use std::sync::Arc;

pub use config::{
    Codings, Config, Document, FrameSize, Keeping, Limits, NotKept, Operator, QualityLimits, Refused, Resolutions,
};
pub use direct::{Direct, DirectNews, DirectStep};
pub use growing::Follows;
pub use instead::Instead;
pub use outcome::{Cause, Failure, Outcome, Phase, Side};
pub use report::{PageReport, Peer, Progress, ReceivedPage, Report, Verdict};
pub use terms::Terms;
pub use timers::{TURNAROUND, Timer};
pub use trace::{TraceKind, TraceLine};

use self::{
    burst::Brought,
    core::{Core, Out},
    goodbye::{Ended, Goodbye},
    growing::Growing,
    setup::{Answering, Calling},
    state::{Sign, State},
};
use crate::{
    frame::{Fcf, Width},
    image::{Bitmap, Page, Picture, Resolution},
    seam::{Carrier, Cut, LineEvent, Order, Stamped},
    time::LineTime,
};

/// CRP is said so often in succession; then silence has the other side say it again.
const REPEATS_ASKED: u32 = 2;

/// A call, from the moment the line is open to the moment it is hung up.
pub struct Session {
    core: Core,
    state: State,
}

/// What a session wants.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// The front end is to do this.
    Order(Order),
    /// The service is to know this.
    Event(Event),
    /// Nothing until then, or until something is heard.
    Wait(Option<LineTime>),
}

/// What the service gets to know.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// The other machine named itself.
    PeerKnown(Box<Peer>),
    /// Terms were agreed, again after every fall-back.
    Agreed(Terms),
    /// A page is on the line, counted from 1.
    PageBegun {
        /// Its number.
        number: usize,
    },
    /// A page was received. With [`Keeping::Awaited`] its confirmation waits for [`Session::page_kept`].
    Page(Box<ReceivedPage>),
    /// A page was sent and judged by the other side.
    PageSent {
        /// Its number, counted from 1.
        number: usize,
        /// What the other side said.
        verdict: Verdict,
    },
    /// The other side asks for a person, and with [`Operator::Called`] one is to be called to the telephone.
    OperatorWanted,
    /// A document goes, or may go, another way than the line: what the service is to do for that.
    Direct(DirectStep),
    /// The call is over; the last event.
    Finished(Outcome),
}

impl Session {
    /// Calls: the line is open, or ringing at the other end, and `document` is to be sent. With [`Config::poll`] the
    /// other side's document is asked for after that, and there may be no pages to send.
    pub fn calling(config: Arc<Config>, document: Document, now: LineTime) -> Self {
        let mut core = Core::new(config, document, true, now);
        let state = if core.document.pages.is_empty() && !core.config.poll {
            let detail = "give at least one page".to_owned();
            Goodbye::failed(&mut core, Cause::NothingToSend, None, Phase::A, detail)
        } else {
            Calling::enter(&mut core)
        };
        Self { core, state }
    }

    /// Answers: the line was just taken off hook.
    pub fn answering(config: Arc<Config>, now: LineTime) -> Self {
        let mut core = Core::new(config, Document::default(), false, now);
        let state = Answering::enter(&mut core);
        Self { core, state }
    }

    /// Calls, with a document that is given while the call goes on: see [`Self::begin_page`].
    pub fn calling_with_growing(config: Arc<Config>, now: LineTime) -> Self {
        let mut core = Core::new(config, Document::default(), true, now);
        core.growing = Some(Growing::default());
        core.sending = true;
        let state = Calling::enter(&mut core);
        Self { core, state }
    }

    /// Sends this document too, in the same call, after the one before: EOM lies between them, and each may have terms
    /// of its own. An answering session holds its documents to be polled.
    pub fn then_sending(mut self, document: Document) -> Self {
        let core = &mut self.core;
        if !core.document.pages.is_empty() {
            core.breaks.push(core.document.pages.len());
        }
        core.document.pages.extend(document.pages);
        self
    }

    /// Gives a page, counted from 0 over all documents, a picture: where both sides have JPEG and error correction, it is
    /// sent in the page's place.
    pub fn with_picture(mut self, page: usize, picture: Arc<Picture>) -> Self {
        self.core.pictures.insert(page, picture);
        self
    }

    /// Gives a page, counted from 0 over all documents, renderings of its original at coarser resolutions: where the other
    /// side takes no more, one of them is sent rather than the page reduced, in which thin strokes run together.
    pub fn with_renderings(mut self, page: usize, coarser: Vec<Arc<Page>>) -> Self {
        self.core.renderings.insert(page, coarser);
        self
    }

    /// Whether this session is the calling one.
    pub fn is_caller(&self) -> bool {
        self.core.caller
    }

    /// Takes in what happened on the line.
    pub fn handle(&mut self, event: Stamped<LineEvent<'_>>) {
        let at = event.at;
        self.core.now = self.core.now.max(at);
        match event.what {
            LineEvent::Tone(tone) => {
                self.core.heard_tone(tone, at);
                self.step(|state, core| state.sign(core, Sign::Tone(tone)));
            }
            LineEvent::CarrierUp(carrier) => self.carrier_up(carrier, at),
            LineEvent::CarrierDown(carrier) => self.carrier_down(carrier, at),
            LineEvent::Trained { carrier, quality } => {
                self.core.trained(carrier, quality, at);
                self.step(|state, core| state.sign(core, Sign::Trained(carrier)));
            }
            LineEvent::TrainingFailed => {
                self.core.note("training was not followed");
                self.step(|state, core| state.sign(core, Sign::TrainingFailed));
            }
            LineEvent::Frame { carrier: Carrier::V21, octets, intact } => self.control_frame(octets, intact, at),
            LineEvent::Frame { octets, intact, .. } => self.step(|state, core| state.fast_frame(core, octets, intact)),
            LineEvent::FramePart { .. } => {}
            LineEvent::Octets(octets) => self.step(|state, core| state.octets(core, octets)),
            LineEvent::Sent => self.sent(at),
            LineEvent::Gap(span) => self.core.report.lost = self.core.report.lost + span,
        }
    }

    /// Says what time it is; timers that have run out by then act.
    pub fn handle_timeout(&mut self, now: LineTime) {
        self.core.now = self.core.now.max(now);
        while let Some(timer) = self.core.timers.ended(self.core.now) {
            self.core.timers.stop(timer);
            if !self.core.defer(timer) {
                self.expired(timer);
            }
        }
    }

    /// The next thing the session wants. The driver asks until it is told to wait.
    pub fn poll(&mut self) -> Output {
        match self.core.out.pop_front() {
            Some(Out::Order(order)) => Output::Order(order),
            Some(Out::Event(event)) => Output::Event(event),
            None => Output::Wait(self.core.timers.due()),
        }
    }

    /// Writes the next octets of the signal that was ordered: how many, and what ends with them.
    pub fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        growing::feed_air(&mut self.core, buf.len());
        let (count, cut) = self.core.air.fill(buf);
        self.core.supplied(count);
        (count, cut)
    }

    /// Other settings from now on; what is agreed stays so.
    pub fn reconfigure(&mut self, config: Arc<Config>) {
        self.core.config = config;
    }

    /// Carriers faster than that, in bit/s, are neither offered nor used from now on; what is agreed stays so.
    pub fn limit_rate(&mut self, limit: u32) {
        let config = Arc::make_mut(&mut self.core.config);
        config.max_rate = Some(config.max_rate.map_or(limit, |before| before.min(limit)));
    }

    /// The document that grows has another page, for which terms are agreed now, or those of the page before hold. When
    /// it has begun, [`Event::PageBegun`], its rows are wanted.
    pub fn begin_page(&mut self, resolution: Resolution, width: Width, now: LineTime) {
        self.core.now = self.core.now.max(now);
        if self.core.growing.is_none() {
            return;
        }
        let bitmap = Bitmap::new(resolution.pels(width.paper()));
        self.core.document.pages.push(Arc::new(Page { bitmap, resolution }));
        self.step(|state, core| state.grown(core));
    }

    /// Rows of the growing page that wait for the line: at most 2048, and those beyond are lost.
    pub fn rows_waiting(&self) -> usize {
        self.core.growing.as_ref().map_or(0, Growing::waiting)
    }

    /// A row of the growing page, as wide as its terms say.
    pub fn push_row(&mut self, row: &[u8], now: LineTime) {
        self.core.now = self.core.now.max(now);
        if let Some(growing) = &mut self.core.growing {
            growing.push(row);
            self.step(|state, core| state.grown(core));
        }
    }

    /// The growing page has no more rows, and what follows it is known.
    pub fn end_page(&mut self, follows: Follows, now: LineTime) {
        self.core.now = self.core.now.max(now);
        if let Some(growing) = &mut self.core.growing {
            growing.end(follows);
            self.step(|state, core| state.grown(core));
        }
    }

    /// The rows so far of the page being received.
    pub fn rows_in_hand(&self) -> Option<&Bitmap> {
        self.state.bitmap()
    }

    /// What follows the page that was given out last and is not kept yet.
    pub fn follows(&self) -> Option<Follows> {
        match &self.state {
            State::Keep(keep) => Some(keep.follows()),
            _ => None,
        }
    }

    /// The page given out last is not good enough: RTN in place of MCF.
    pub fn refuse_page(&mut self, now: LineTime) {
        self.core.now = self.core.now.max(now);
        if let State::Keep(keep) = &mut self.state {
            keep.refuse();
            self.step(|state, core| state.kept(core, Ok(())));
        }
    }

    /// Says that the page given out last is stored for good, or is not.
    pub fn page_kept(&mut self, kept: Result<(), NotKept>, now: LineTime) {
        self.core.now = self.core.now.max(now);
        self.step(|state, core| state.kept(core, kept));
    }

    /// Says whether the person who was called is there. If so the line is his: it is answered by PIP or PIN, and the
    /// session ends without DCN. Else the call goes on.
    pub fn operator_answers(&mut self, there: bool, now: LineTime) {
        self.core.now = self.core.now.max(now);
        self.step(|state, core| state.operator(core, there));
    }

    /// Says what comes of a document that goes another way than the line; see [`Event::Direct`].
    pub fn direct(&mut self, news: DirectNews, now: LineTime) {
        self.core.now = self.core.now.max(now);
        self.step(|state, core| state.direct(core, news));
    }

    /// Ends the call from our side: with DCN where the other side is not speaking.
    pub fn cancel(&mut self, now: LineTime) {
        self.end(Cause::LocalCancel, now);
    }

    /// Ends a call in which something else than a fax machine is heard. Whoever listens to the line knows; the session
    /// hears fax machines only.
    pub fn give_up(&mut self, instead: Instead, now: LineTime) {
        self.end(Cause::HeardInstead(instead), now);
    }

    /// The line, or what carries it, is gone.
    pub fn line_lost(&mut self, now: LineTime) {
        self.end(Cause::LineLost, now);
    }

    /// Whether the call is over; [`Event::Finished`] was given out or waits to be.
    pub fn is_finished(&self) -> bool {
        self.state.is_ended()
    }

    /// Where the call stands.
    pub fn progress(&self) -> Progress {
        let core = &self.core;
        let sending = core.sending;
        let terms = core.report.terms;
        Progress {
            phase: self.state.phase(),
            page: core.page,
            of: sending.then_some(core.document.first + core.document.pages.len()),
            percent: self.state.percent().or_else(|| core.percent()),
            rows: if sending { core.rows_given } else { self.state.rows() },
            carrier: terms.map(|terms| terms.carrier),
            ecm: terms.is_some_and(|terms| terms.ecm.is_some()),
        }
    }

    /// What there is to tell of the call so far.
    pub fn report(&self) -> &Report {
        &self.core.report
    }

    /// Takes the lines of the transcript that nobody took yet.
    pub fn take_trace(&mut self) -> impl Iterator<Item = TraceLine> + '_ {
        self.core.trace.take()
    }

    fn step(&mut self, step: impl FnOnce(State, &mut Core) -> State) {
        let state = std::mem::replace(&mut self.state, Ended.into());
        if state.is_ended() {
            return;
        }
        self.state = step(state, &mut self.core);
    }

    fn carrier_up(&mut self, carrier: Carrier, at: LineTime) {
        self.end_burst();
        self.core.carrier_up(carrier, at);
        self.step(|state, core| state.sign(core, Sign::CarrierUp(carrier)));
    }

    fn carrier_down(&mut self, carrier: Carrier, at: LineTime) {
        self.core.carrier_down(carrier, at);
        match carrier {
            Carrier::V21 => self.end_burst(),
            _ => self.step(|state, core| state.sign(core, Sign::FastDown)),
        }
    }

    fn control_frame(&mut self, octets: &[u8], intact: bool, at: LineTime) {
        if !self.core.speaking {
            self.core.control_frame(octets, intact, at);
        }
    }

    /// A burst is over: what it brought is acted on.
    fn end_burst(&mut self) {
        match self.core.burst.end(self.core.now) {
            Some(Brought::Message(heard, _)) if heard.fcf == Fcf::Dcn => {
                self.step(|state, core| state.disconnected(core));
            }
            Some(Brought::Message(heard, began)) => {
                self.core.repeats_asked = 0;
                self.step(|state, core| state.heard(core, heard, began));
            }
            Some(Brought::Unknown) => self.step(|state, core| state.unknown_heard(core)),
            // Our own echo: what we say is not over yet, and no wait begins.
            Some(Brought::Nothing { .. }) if self.core.speaking => {}
            Some(Brought::Nothing { damaged: true }) if self.may_ask_again() => {
                self.core.repeats_asked += 1;
                self.core.say(&[(Fcf::Crp, &[])]);
            }
            Some(Brought::Nothing { .. }) => self.step(|state, core| state.nothing_heard(core)),
            None => {}
        }
    }

    fn may_ask_again(&self) -> bool {
        let core = &self.core;
        let may = core.config.ask_again && core.repeats_asked < REPEATS_ASKED && !core.speaking && !core.line_is_busy();
        may && self.state.may_ask_again()
    }

    fn sent(&mut self, at: LineTime) {
        if !self.core.speaking {
            return;
        }
        self.core.spoken(at);
        self.step(|state, core| state.sent(core));
    }

    fn expired(&mut self, timer: Timer) {
        match timer {
            Timer::BurstEnd => {
                self.core.carrier_down(Carrier::V21, self.core.now);
                self.end_burst();
            }
            Timer::Sending if self.core.goes_on() => {}
            Timer::Sending => self.fail(Cause::LineLost, Some(timer), "the front end stopped sending"),
            Timer::Call => self.fail(Cause::TooLong, Some(timer), "the call"),
            _ => {
                self.core.trace.add(self.core.now, TraceKind::Timer, timer.name());
                self.step(|state, core| state.expired(core, timer));
            }
        }
    }

    fn end(&mut self, cause: Cause, now: LineTime) {
        self.core.now = self.core.now.max(now);
        self.fail(cause, None, "");
    }

    fn fail(&mut self, cause: Cause, timer: Option<Timer>, detail: &str) {
        let detail = detail.to_owned();
        self.step(|state, core| state.fail(core, cause, timer, detail));
    }
}
