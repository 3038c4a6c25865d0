//! A call that the modem makes by its own T.30, and what of it the host is to be told.

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
    session::{Event, Follows, Outcome, Output, ReceivedPage, Session, Verdict},
    time::{LineSpan, LineTime},
};

/// Rows that wait for the line at most: without error correction a moment's worth, with it those of the next block.
const ROWS_AHEAD: [usize; 2] = [40, 2000];

/// A host that does not say DC2 gets its page all the same after this.
const START_PATIENCE: LineSpan = LineSpan::ms(1500);

/// A host that gives nothing of a page for so long has given up.
const HOST_STALL: LineSpan = LineSpan::ms(20_000);

/// Octets of fill behind the return to control, as a line has it: hosts look ahead in their data, and efax does not see an
/// end that is the very last bit.
const FILL_OCTETS: usize = 8;

/// Zeros of an end-of-line code.
const EOL_ZEROS: u32 = 11;

/// Octets of a received page given to the host at a time.
const CHUNK: usize = 1024;

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

/// A page on its way from the host.
#[derive(Debug)]
struct Outgoing {
    unshield: Unshield,
    decoder: PageDecoder,
    /// Pels in a row, for the format that is recognised by the first octets.
    pels: u32,
    first: Vec<u8>,
    /// Rows given to the session.
    given: u32,
    /// When the host last gave something.
    moved: LineTime,
}

impl Outgoing {
    fn new(pels: u32, coding: Coding, now: LineTime) -> Self {
        let decoder = PageDecoder::new(pels, coding, DecodeLimits::default());
        Self { unshield: Unshield::default(), decoder, pels, first: Vec::new(), given: 0, moved: now }
    }

    /// Decodes octets. Some hosts give MMR where MMR cannot go on the line, and count on the modem: what does not begin with
    /// an end-of-line code is MMR.
    fn push(&mut self, octets: &[u8]) {
        if self.first.len() < 2 {
            self.first.extend_from_slice(octets);
            let [first, second, ..] = *self.first else { return };
            if u16::from_le_bytes([first, second]).trailing_zeros() < EOL_ZEROS {
                self.decoder = PageDecoder::new(self.pels, Coding::Mmr, DecodeLimits::default());
            }
            return self.decoder.push(&self.first);
        }
        self.decoder.push(octets);
    }
}

/// A page on its way to the host.
#[derive(Debug)]
struct Incoming {
    encoder: PageEncoder,
    coding: Coding,
    /// Rows encoded.
    given: u32,
    /// The host is ready, or counts as ready from then on.
    starts: LineTime,
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
        let session = Session::calling_with_growing(Arc::new(options.config()), now);
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

    /// `+FDT`. Whether there is a call that a page can be sent in.
    pub(crate) fn transmit(&mut self, terms: Terms, now: LineTime) -> bool {
        if !self.is_ready() || !self.session.is_caller() {
            return false;
        }
        self.options.capabilities = terms;
        self.session.reconfigure(Arc::new(self.options.config()));
        self.stage = Stage::Ready;
        self.session.begin_page(terms.page_resolution(), terms.page_width(), now);
        true
    }

    /// `+FET`, in Class 2. Whether a page waits for it.
    pub(crate) fn page_ends(&mut self, follows: Follows, now: LineTime) -> bool {
        let waits = matches!(self.stage, Stage::Given);
        if waits {
            self.end_page(follows, now);
        }
        waits
    }

    /// `+FDR`. `good`: what is thought of the page before. Whether there is a call that a page can be received in.
    pub(crate) fn receive(&mut self, good: bool, now: LineTime) -> bool {
        if !self.is_ready() || self.session.is_caller() {
            return false;
        }
        self.stage = Stage::Awaited;
        if std::mem::take(&mut self.unconfirmed) {
            if good {
                self.session.page_kept(Ok(()), now);
            } else {
                self.session.refuse_page(now);
            }
        }
        self.connect_incoming();
        true
    }

    /// Whether octets can be taken now.
    pub(crate) fn takes_octets(&self) -> bool {
        match self.stage {
            Stage::Page(_) => {
                let corrects = self.session.report().terms.is_some_and(|terms| terms.ecm.is_some());
                self.session.rows_waiting() < ROWS_AHEAD[usize::from(corrects)]
            }
            _ => true,
        }
    }

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

    fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Idle) && self.finished.is_none()
    }

    fn page_octet(&mut self, taken: Unshielded) {
        let reversed = |octet: u8, options: &Options| if options.reversed { octet.reverse_bits() } else { octet };
        match taken {
            Unshielded::Nothing => {}
            Unshielded::Data(octet) => self.decode(&[reversed(octet, &self.options)]),
            Unshielded::TwoEscapes => self.decode(&[reversed(0x10, &self.options); 2]),
            Unshielded::Cancel => self.session.cancel(self.now),
            Unshielded::End if self.dialect == Dialect::Two => {
                self.flush_rows();
                self.stage = Stage::Given;
                self.news.push_back(News::Done(true));
            }
            // A page without a word of what follows is the last one.
            Unshielded::End => self.end_page(Follows::Nothing, self.now),
            Unshielded::Mark(mark) => {
                if let Some(follows) = follows_of(mark) {
                    self.end_page(follows, self.now);
                }
            }
        }
    }

    fn decode(&mut self, octets: &[u8]) {
        let Stage::Page(outgoing) = &mut self.stage else { return };
        outgoing.push(octets);
        let (bitmap, now) = (outgoing.decoder.bitmap(), self.now);
        for row in outgoing.given..bitmap.height() {
            self.session.push_row(bitmap.row(row), now);
        }
        outgoing.given = bitmap.height();
    }

    /// The last row may want the end of the data to be told as one.
    fn flush_rows(&mut self) {
        let Stage::Page(outgoing) = std::mem::replace(&mut self.stage, Stage::Idle) else { return };
        let Outgoing { decoder, given, .. } = *outgoing;
        let page = decoder.finish().bitmap;
        for row in given..page.height() {
            self.session.push_row(page.row(row), self.now);
        }
    }

    fn end_page(&mut self, follows: Follows, now: LineTime) {
        self.flush_rows();
        self.session.end_page(follows, now);
        self.stage = Stage::Verdict(follows);
    }

    // What happens in the call.

    fn happened(&mut self, event: Event) {
        match event {
            Event::PeerKnown(_) if self.session.is_caller() => self.identified(Response::CalledIdentity),
            Event::Agreed(_) if !self.session.is_caller() => self.identified(Response::CallingIdentity),
            Event::PageBegun { .. } if self.session.is_caller() => self.connect_outgoing(),
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
            Event::PeerKnown(_) | Event::Agreed(_) | Event::OperatorWanted => {}
        }
        self.look_for_refused();
    }

    fn line(&mut self, response: Response, text: &str) {
        self.news.push_back(News::Line(format!("{}{text}", self.dialect.name(response))));
    }

    /// The other machine is known: the end of dialling and answering.
    fn identified(&mut self, identity: Response) {
        if !matches!(self.stage, Stage::Identification) {
            return;
        }
        self.line(Response::Connected, "");
        let peer = self.session.report().peer.clone();
        if let (Some(nsf), true) = (&peer.nsf, self.tells(3)) {
            let octets: Vec<String> = nsf.iter().map(|octet| format!("{octet:02X}")).collect();
            self.line(Response::NonStandard, &format!(":{}", octets.join(" ")));
        }
        if let (Some(ident), true) = (&peer.ident, self.tells(2)) {
            self.line(identity, &format!(":\"{}\"", printable(ident)));
        }
        if self.dialect != Dialect::Two && self.tells(2) {
            for (name, text) in [("+FSA", &peer.sub), ("+FPW", &peer.pwd)] {
                if let Some(text) = text {
                    self.news.push_back(News::Line(format!("{name}:\"{}\"", printable(text))));
                }
            }
        }
        if self.session.is_caller() {
            let can = Terms::of_machine(&peer.capabilities.unwrap_or_default());
            if self.tells(0) {
                self.line(Response::Capabilities, &format!(":{}", can.numbers(self.dialect == Dialect::TwoOne)));
            }
        } else {
            self.tell_terms();
        }
        self.done(true);
    }

    /// Whether the host wants to know: `+FNR`. Class 2 has no choice.
    fn tells(&self, what: usize) -> bool {
        self.dialect == Dialect::Two || self.options.told[what]
    }

    fn tell_terms(&mut self) {
        if let (Some(terms), true) = (self.session.report().terms, self.tells(1)) {
            let numbers = Terms::of_call(&terms).numbers(self.dialect == Dialect::TwoOne);
            self.line(Response::Terms, &format!(":{numbers}"));
        }
    }

    fn done(&mut self, well: bool) {
        self.stage = Stage::Idle;
        self.news.push_back(News::Done(well));
    }

    /// The line is ready for the host's page.
    fn connect_outgoing(&mut self) {
        let (Stage::Ready, Some(terms)) = (&self.stage, self.session.report().terms) else { return };
        self.tell_terms();
        self.news.push_back(News::Connect);
        if self.dialect == Dialect::Two {
            self.news.push_back(News::Octet(super::XON));
        }
        self.stage = Stage::Page(Box::new(Outgoing::new(terms.pels(), terms.coding, self.now)));
    }

    /// A page comes in and the host wants it.
    fn connect_incoming(&mut self) {
        let (Stage::Awaited, true, Some(terms)) = (&self.stage, self.page_begun, self.session.report().terms) else {
            return;
        };
        if self.dialect == Dialect::Two {
            self.news.push_back(News::Line("+FCFR".to_owned()));
        }
        self.tell_terms();
        self.news.push_back(News::Connect);
        let encoding = RowEncoding::on_line(terms.coding, terms.resolution.k());
        let encoder = PageEncoder::growing(terms.pels(), encoding);
        self.stage = Stage::Taken(Box::new(Incoming {
            encoder,
            coding: terms.coding,
            given: 0,
            starts: self.now + START_PATIENCE,
        }));
    }

    /// Gives the host what there is of the page.
    fn give_rows(&mut self) {
        let Stage::Taken(incoming) = &mut self.stage else { return };
        if incoming.starts > self.now {
            return;
        }
        let bitmap = self.arrived.as_ref().map(|page| &page.page.bitmap).or(self.session.rows_in_hand());
        if let Some(bitmap) = bitmap {
            while incoming.encoder.ready() < CHUNK && incoming.given < bitmap.height() {
                incoming.encoder.push_row(bitmap.row(incoming.given));
                incoming.given += 1;
            }
            if self.arrived.is_some() && incoming.given >= bitmap.height() {
                incoming.encoder.finish();
            }
        }
        let mut octets = vec![0; CHUNK];
        let count = incoming.encoder.fill(&mut octets);
        octets.truncate(count);
        let ended = incoming.encoder.is_ended();
        if ended && incoming.coding != Coding::Mmr {
            octets.extend([0; FILL_OCTETS]);
        }
        if !octets.is_empty() {
            // What Class 2 calls direct is reversed for pages received: modems do it so, and hosts count on it.
            if self.options.reversed != (self.dialect == Dialect::Two) {
                octets.iter_mut().for_each(|octet| *octet = octet.reverse_bits());
            }
            self.news.push_back(News::Data(octets));
        }
        if ended {
            self.page_taken();
        }
    }

    /// The host has the page: how it was and what follows.
    fn page_taken(&mut self) {
        let Some(page) = self.arrived.take() else { return };
        let follows = self.session.follows().unwrap_or(Follows::Nothing);
        (self.page_begun, self.unconfirmed) = (false, true);
        self.end_incoming(1, page.page.bitmap.height(), page.bad_rows, follows);
    }

    fn end_incoming(&mut self, status: u8, rows: u32, bad: u32, follows: Follows) {
        self.news.push_back(News::EndOfData);
        let status = match self.dialect {
            Dialect::Two => format!(":{status},{rows},{bad},0"),
            _ => format!(":{status},{rows},{bad},0,0"),
        };
        self.line(Response::PageStatus, &status);
        self.news.push_back(News::Line(format!("+FET:{}", parameters::number_of(follows))));
        self.done(true);
    }

    /// A page that was refused is not given out: the host must not wait for the rest of it.
    fn look_for_refused(&mut self) {
        let pages = &self.session.report().pages;
        let new = pages.len() > std::mem::replace(&mut self.reported, pages.len());
        let refused = pages.last().filter(|page| new && !page.sent && page.verdict == Verdict::Rejected);
        if let (Some((rows, bad)), Stage::Taken(_)) = (refused.map(|page| (page.rows, page.bad_rows)), &self.stage) {
            self.page_begun = false;
            self.end_incoming(2, rows, bad, Follows::Page);
        }
    }

    /// The other machine said what it thinks of the host's page.
    fn judged(&mut self, verdict: Verdict) {
        let Stage::Verdict(follows) = self.stage else { return };
        if self.dialect == Dialect::Two {
            self.line(Response::PageStatus, &format!(":{}", number_of(verdict)));
        }
        // After the last page the host hears of the call's end, which is near.
        if follows != Follows::Nothing || !verdict.is_good() {
            self.done(verdict.is_good() || self.dialect == Dialect::Two);
        }
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

/// What the mark behind the page's data says to follow, T.32: a comma, a semicolon, a full stop.
fn follows_of(mark: u8) -> Option<Follows> {
    Some(match mark {
        b',' => Follows::Page,
        b';' => Follows::Document,
        b'.' => Follows::Nothing,
        _ => return None,
    })
}

/// `+FPTS`: the number of a verdict.
fn number_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Confirmed | Verdict::RejectedYetTaken => 1,
        Verdict::Rejected | Verdict::Abandoned => 2,
        Verdict::ConfirmedRetrain => 3,
        Verdict::RejectedInterrupt => 4,
        Verdict::ConfirmedInterrupt => 5,
    }
}

/// Letters that cannot be taken for anything else.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| (' '..='~').contains(letter) && *letter != '"').collect()
}
