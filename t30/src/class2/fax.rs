//! A call that the modem makes by its own T.30, and what of it the host is to be told.

mod incoming;
mod outgoing;
mod telling;

use std::{collections::VecDeque, sync::Arc};

use super::{
    code::hang_up_code,
    dialect::{Dialect, Response},
    parameters::{self, Options, Terms},
};
use crate::{
    class1::{Unshield, Unshielded},
    image::{Coding, DecodeLimits, PageDecoder, PageEncoder, RowEncoding},
    seam::{Cut, LineEvent, Order, Stamped},
    session::{Document, Event, Follows, Outcome, Output, ReceivedPage, Session, Verdict},
    time::{LineSpan, LineTime},
};
use incoming::Incoming;
use outgoing::Outgoing;

/// A host that gives nothing of a page for so long has given up.
const HOST_STALL: LineSpan = LineSpan::ms(20_000);

/// Says that the host may begin, ITU-T T.32: to the modem DC2, to the host of Class 2 XON.
pub(crate) const DC2: u8 = 0x12;

/// What goes to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A line of information.
    Line(String),
    /// CONNECT.
    Connect,
    /// One octet as it is.
    Octet(u8),
    /// Page data, to be shielded.
    Data(Vec<u8>),
    /// The end of page data.
    EndOfData,
    /// The command is over, well or not.
    Done(bool),
}

/// What the host waits for.
#[derive(Debug)]
enum Stage {
    /// Nothing: it may give a command.
    Idle,
    /// The other machine's word, after dialling or answering.
    Identification,
    /// `+FDT`: the line is to be ready for the page.
    Ready,
    /// It gives a page.
    Page(Box<Outgoing>),
    /// Class 2: it gave a page and has not said what follows.
    Given,
    /// The verdict on its page. What was said to follow.
    Verdict(Follows),
    /// `+FDR`: a page.
    Awaited,
    /// It takes a page.
    Taken(Box<Incoming>),
}

/// A call.
pub(crate) struct Fax {
    session: Session,
    dialect: Dialect,
    options: Options,
    stage: Stage,
    /// The page that is received is on the line.
    page_begun: bool,
    /// A received page that is whole.
    arrived: Option<Box<ReceivedPage>>,
    /// A received page waits for the host's word.
    unconfirmed: bool,
    /// Pages in the report that were looked at.
    reported: usize,
    finished: Option<Outcome>,
    now: LineTime,
    news: VecDeque<News>,
}

impl Fax {
    pub(crate) fn calling(dialect: Dialect, options: Options, now: LineTime) -> Self {
        let config = Arc::new(options.config());
        let session = if options.polls {
            Session::calling(config, Document::default(), now)
        } else {
            Session::calling_with_growing(config, now)
        };
        Self::new(session, dialect, options, now)
    }

    pub(crate) fn answering(dialect: Dialect, options: Options, now: LineTime) -> Self {
        let session = Session::answering(Arc::new(options.config()), now);
        Self::new(session, dialect, options, now)
    }

    fn new(session: Session, dialect: Dialect, options: Options, now: LineTime) -> Self {
        Self {
            session,
            dialect,
            options,
            stage: Stage::Identification,
            page_begun: false,
            arrived: None,
            unconfirmed: false,
            reported: 0,
            finished: None,
            now,
            news: VecDeque::new(),
        }
    }

    // The line's side, as a session has it.

    pub(crate) fn handle(&mut self, event: Stamped<LineEvent<'_>>) {
        self.now = self.now.max(event.at);
        self.session.handle(event);
    }

    pub(crate) fn handle_timeout(&mut self, now: LineTime) {
        self.now = self.now.max(now);
        self.session.handle_timeout(now);
        let stalled = |outgoing: &Outgoing| now.since(outgoing.moved) >= HOST_STALL;
        if matches!(&self.stage, Stage::Page(outgoing) if stalled(outgoing)) {
            self.session.cancel(now);
        }
    }

    pub(crate) fn line_lost(&mut self, now: LineTime) {
        self.session.line_lost(now);
    }

    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        self.session.fill(buf)
    }

    /// The next order; none: nothing more until the moment that is told, if one is.
    pub(crate) fn poll(&mut self) -> Result<Order, Option<LineTime>> {
        loop {
            match self.session.poll() {
                // The modem hangs up when its host knows.
                Output::Order(Order::HangUp) => {}
                Output::Order(order) => return Ok(order),
                Output::Event(event) => self.happened(event),
                Output::Wait(until) => return Err(until),
            }
        }
    }

    /// When something is due that the session does not know of.
    pub(crate) fn due(&self) -> Option<LineTime> {
        match &self.stage {
            Stage::Page(outgoing) => Some(outgoing.moved + HOST_STALL),
            Stage::Taken(incoming) if incoming.starts > self.now => Some(incoming.starts),
            _ => None,
        }
    }

    /// What the host is to be told next. `data`: there is room for data.
    pub(crate) fn news(&mut self, data: bool) -> Option<News> {
        if self.news.is_empty() && data {
            self.give_rows();
        }
        self.news.pop_front()
    }

    /// The call is over and the host knows.
    pub(crate) fn is_over(&self) -> bool {
        self.finished.is_some() && matches!(self.stage, Stage::Idle)
    }

    // The host's side.

    /// An octet of the host that is no command. False: it breaks off what is under way.
    pub(crate) fn octet(&mut self, octet: u8, now: LineTime) -> bool {
        self.now = self.now.max(now);
        match &mut self.stage {
            Stage::Page(outgoing) => {
                outgoing.moved = now;
                let taken = outgoing.unshield.take(octet);
                self.page_octet(taken);
                true
            }
            Stage::Taken(incoming) if octet == DC2 || octet == super::XON => {
                incoming.starts = incoming.starts.min(now);
                true
            }
            _ => matches!(octet, b'\r' | b'\n' | super::XON | super::XOFF | DC2),
        }
    }

    /// Ends the call, and has the host wait for its end: `+FK`, or an octet where none is awaited.
    pub(crate) fn cancel(&mut self, now: LineTime) -> bool {
        if matches!(self.stage, Stage::Idle) {
            self.stage = Stage::Awaited;
        }
        self.session.cancel(now);
        true
    }

    /// Whether the host is being given a page.
    pub(crate) fn is_given_page(&self) -> bool {
        matches!(self.stage, Stage::Taken(_))
    }

    /// Whether page data go one way or the other.
    pub(crate) fn is_moving_page(&self) -> bool {
        matches!(self.stage, Stage::Page(_) | Stage::Taken(_))
    }

    /// Whether we have called and the other machine has not spoken.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.stage, Stage::Identification) && self.session.is_caller()
    }

    /// Whether the host's pages go out in this call, or others come in.
    fn sends(&self) -> bool {
        self.session.is_caller() && !self.options.polls
    }

    fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Idle) && self.finished.is_none()
    }

    // What happens in the call.

    fn happened(&mut self, event: Event) {
        match event {
            Event::PeerKnown(_) if self.session.is_caller() => self.identified(Response::CalledIdentity),
            Event::Agreed(_) if !self.session.is_caller() => self.identified(Response::CallingIdentity),
            Event::PageBegun { .. } if self.sends() => self.connect_outgoing(),
            Event::PageBegun { .. } => {
                self.page_begun = true;
                self.connect_incoming();
            }
            Event::Page(page) => {
                self.arrived = Some(page);
            }
            Event::PageSent { verdict, .. } => self.judged(verdict),
            Event::Finished(outcome) => self.ended(outcome),
            // The host is not told: it calls nobody.
            Event::PeerKnown(_) | Event::Agreed(_) | Event::OperatorWanted | Event::Direct(_) => {}
        }
        self.look_for_refused();
    }

    fn line(&mut self, response: Response, text: &str) {
        self.news.push_back(News::Line(format!("{}{text}", self.dialect.name(response))));
    }

    fn done(&mut self, well: bool) {
        self.stage = Stage::Idle;
        self.news.push_back(News::Done(well));
    }

    fn ended(&mut self, outcome: Outcome) {
        let code = hang_up_code(&outcome, self.session.is_caller());
        if matches!(self.stage, Stage::Taken(_)) {
            self.news.push_back(News::EndOfData);
        }
        let waited = !matches!(self.stage, Stage::Idle);
        self.finished = Some(outcome);
        self.news.push_back(News::Line(self.dialect.hang_up(code)));
        if waited {
            self.done(code == 0 || code == 2);
        }
    }
}
