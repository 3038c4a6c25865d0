//! Two sessions and an ideal line at the seam: no samples, true durations, half duplex, virtual time that jumps from
//! one thing that happens to the next. What goes over the line can be lost, damaged or replaced.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use answertone_t30::{
    frame::{Fcf, Frame, HalfPrint},
    hdlc::Framer,
    image::Page,
    seam::{Carrier, Cut, Evm, Framing, LineEvent, Listen, Order, Signal, Stamped, Tone, Train, V27terRate},
    session::{
        Config, DirectNews, DirectStep, Document, Event, NotKept, Outcome, Output, ReceivedPage, Report, Session,
        Verdict,
    },
    time::{LineSpan, LineTime},
};

/// How late a front end knows that a carrier came or went.
const DETECTION: LineSpan = LineSpan::ms(20);

/// Length of an answer tone.
const CED: LineSpan = LineSpan::ms(3000);

/// No call of these tests may last longer.
const LONGEST_CALL: LineTime = LineTime(8000 * 4 * 3600);

/// The two ends of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Caller,
    Answerer,
}

/// What goes over the line, as faults see it.
pub(crate) enum Passing<'a> {
    /// A whole signal, counted from 0 over both ends.
    Signal { index: usize, from: Side, signal: Signal },
    /// A frame, counted from 0 over both ends.
    Frame { index: usize, from: Side, carrier: Carrier, octets: &'a [u8] },
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    Pass,
    /// It is not heard at all.
    Lose,
    /// A frame's check sequence is wrong; a fast signal cannot be trained to; a bare stream has an error every second.
    Damage,
    /// Another frame is heard in its place.
    Instead(Vec<u8>),
}

/// What becomes of one thing that an end's front end has to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Twist {
    /// It is not told.
    Dropped,
    /// A frame's check sequence is wrong, octets are, training failed; anything else is not told.
    Damaged,
    /// It is told twice.
    Doubled,
    /// It is told so much later.
    Delayed(LineSpan),
}

/// A signal that was on the air.
#[derive(Clone, Debug)]
pub(crate) struct Aired {
    pub(crate) from: Side,
    pub(crate) signal: Signal,
    pub(crate) begin: LineTime,
    pub(crate) end: LineTime,
    /// Its frames' names.
    pub(crate) frames: Vec<&'static str>,
}

/// An end of the line.
struct End {
    session: Session,
    listen: Listen,
    /// Increases with every order to send or hush: what belongs to an older one is void.
    turn: u64,
    sending: Option<(Signal, LineTime)>,
    /// Signals cut short: what was still to be heard of them is void.
    hushes: u64,
    hung_up: bool,
    storage: Option<(LineSpan, Result<(), NotKept>)>,
    result: EndResult,
}

/// What came of a call at one end.
#[derive(Default)]
pub(crate) struct EndResult {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) received: Vec<ReceivedPage>,
    pub(crate) sent: Vec<(usize, Verdict)>,
    pub(crate) report: Report,
    pub(crate) trace: Vec<String>,
}

/// What came of a call.
pub(crate) struct CallResult {
    pub(crate) caller: EndResult,
    pub(crate) answerer: EndResult,
    pub(crate) aired: Vec<Aired>,
    pub(crate) frames: usize,
    /// Things told to the two sessions.
    pub(crate) events: usize,
    pub(crate) collisions: usize,
    pub(crate) ended: LineTime,
}

enum Happening {
    Begin { from: Side, turn: u64, signal: Signal },
    End { from: Side, turn: u64 },
    Hear { by: Side, hushes: u64, event: Owned, at: LineTime },
    Sent { by: Side, turn: u64 },
    Kept { by: Side, kept: Result<(), NotKept> },
    Direct { by: Side, news: DirectNews },
    Knock,
}

#[derive(Clone)]
enum Owned {
    Tone(Tone),
    Up(Carrier),
    Trained(Carrier),
    Failed,
    Down(Carrier),
    Frame { carrier: Carrier, octets: Vec<u8>, intact: bool },
    Octets(Vec<u8>),
}

/// The certificate of who brings a document another way than the line.
const BRINGER: HalfPrint = [0xb1; 16];

/// What a page takes on that way, and an answer.
const PASSAGE: LineSpan = LineSpan::ms(100);

/// Another way than the line, as far as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Pages that come through before it breaks.
    pub(crate) pages: usize,
    /// Whether the answer to the last of them comes back.
    pub(crate) answered: bool,
    /// Whether it is told that it broke, or nothing more is heard of it.
    pub(crate) told: bool,
    awaited: bool,
    over: bool,
    to_bring: VecDeque<(Page, bool)>,
}

impl Way {
    pub(crate) fn breaking(pages: usize, answered: bool, told: bool) -> Self {
        Self { pages, answered, told, awaited: false, over: false, to_bring: VecDeque::new() }
    }
}

/// A call over an ideal line.
pub(crate) struct Call<'f> {
    ends: [End; 2],
    now: LineTime,
    due: BinaryHeap<Reverse<(LineTime, u64)>>,
    what: VecDeque<(u64, Happening)>,
    serial: u64,
    faults: Box<dyn FnMut(Passing<'_>) -> Fate + 'f>,
    twist: Option<(usize, Twist)>,
    events: usize,
    aired: Vec<Aired>,
    frames: usize,
    collisions: usize,
    cancel: Option<(Side, LineTime)>,
    way: Way,
}

impl<'f> Call<'f> {
    pub(crate) fn new(caller: &Config, document: Document, answerer: &Config) -> Self {
        let now = LineTime::ZERO;
        let caller = Session::calling(Arc::new(caller.clone()), document, now);
        Self::between(caller, Session::answering(Arc::new(answerer.clone()), now))
    }

    pub(crate) fn between(caller: Session, answerer: Session) -> Self {
        let now = LineTime::ZERO;
        Self {
            ends: [End::new(caller), End::new(answerer)],
            now,
            due: BinaryHeap::new(),
            what: VecDeque::new(),
            serial: 0,
            faults: Box::new(|_| Fate::Pass),
            twist: None,
            events: 0,
            aired: Vec::new(),
            frames: 0,
            collisions: 0,
            cancel: None,
            way: Way::breaking(usize::MAX, true, true),
        }
    }

    pub(crate) fn with_faults(mut self, faults: impl FnMut(Passing<'_>) -> Fate + 'f) -> Self {
        self.faults = Box::new(faults);
        self
    }

    /// Does this to the event told at that place, counted from 0 over both ends.
    pub(crate) fn twisted(mut self, place: usize, twist: Twist) -> Self {
        self.twist = Some((place, twist));
        self
    }

    /// The answerer stores a page in that time, with that result.
    pub(crate) fn with_storage(mut self, takes: LineSpan, kept: Result<(), NotKept>) -> Self {
        self.ends[1].storage = Some((takes, kept));
        self
    }

    pub(crate) fn cancelled(mut self, by: Side, at: LineTime) -> Self {
        self.cancel = Some((by, at));
        self
    }

    /// Documents that go another way go that one.
    pub(crate) fn with_way(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    pub(crate) fn run(mut self) -> CallResult {
        self.drain();
        while self.ends.iter().any(|end| !end.session.is_finished()) {
            self.step();
            assert!(self.now < LONGEST_CALL, "the call does not end:\n{}", self.transcript());
        }
        let transcripts: Vec<Vec<String>> = self.ends.iter_mut().map(End::transcript).collect();
        let [caller, answerer] = self.ends;
        let mut results = [caller, answerer].into_iter().zip(transcripts).map(|(end, trace)| EndResult {
            report: end.session.report().clone(),
            trace,
            ..end.result
        });
        let (caller, answerer) = (results.next().expect("two ends"), results.next().expect("two ends"));
        CallResult {
            caller,
            answerer,
            aired: self.aired,
            frames: self.frames,
            events: self.events,
            collisions: self.collisions,
            ended: self.now,
        }
    }

    fn transcript(&mut self) -> String {
        let [caller, answerer] = &mut self.ends;
        format!("caller\n{}\nanswerer\n{}", caller.transcript().join("\n"), answerer.transcript().join("\n"))
    }

    /// Goes to the next moment at which anything is due and does it.
    fn step(&mut self) {
        let queued = self.due.peek().map(|Reverse((at, _))| *at);
        let waits = self.ends.iter_mut().filter_map(End::wait).min();
        let cancel = self.cancel.map(|(_, at)| at);
        let next = [queued, waits, cancel].into_iter().flatten().min().expect("a session that is not over waits");
        self.now = self.now.max(next);
        if let Some((side, at)) = self.cancel
            && at <= self.now
        {
            self.cancel = None;
            self.end(side).session.cancel(at);
            self.drain();
        }
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= self.now) {
            let Reverse((_, serial)) = self.due.pop().expect("just peeked");
            let place = self.what.iter().position(|(s, _)| *s == serial).expect("what is due is kept");
            let (_, happening) = self.what.remove(place).expect("just found");
            self.happen(happening);
            self.drain();
        }
        for side in [Side::Caller, Side::Answerer] {
            let now = self.now;
            if self.end(side).wait().is_some_and(|at| at <= now) {
                self.end(side).session.handle_timeout(now);
            }
        }
        self.drain();
    }

    fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    fn at(&mut self, at: LineTime, happening: Happening) {
        self.serial += 1;
        self.due.push(Reverse((at.max(self.now), self.serial)));
        self.what.push_back((self.serial, happening));
    }

    fn drain(&mut self) {
        for side in [Side::Caller, Side::Answerer] {
            loop {
                match self.end(side).session.poll() {
                    Output::Order(order) => self.order(side, order),
                    Output::Event(event) => self.event(side, event),
                    Output::Wait(_) => break,
                }
            }
        }
    }

    fn order(&mut self, side: Side, order: Order) {
        match order {
            Order::Listen(listen) => self.end(side).listen = listen,
            Order::Send { signal, at } => {
                self.silence(side);
                let turn = self.end(side).turn;
                self.at(at, Happening::Begin { from: side, turn, signal });
            }
            Order::Hush => self.silence(side),
            Order::HangUp => {
                self.silence(side);
                self.end(side).hung_up = true;
            }
        }
    }

    /// What is on the air or ordered is over.
    fn silence(&mut self, side: Side) {
        let now = self.now;
        self.end(side).turn += 1;
        if let Some((Signal::Data { carrier, .. }, _)) = self.end(side).sending.take() {
            if let Some(last) = self.aired.iter_mut().rfind(|aired| aired.from == side) {
                last.end = now;
            }
            self.end(side).hushes += 1;
            self.hear(side.other(), now + DETECTION, now, Owned::Down(carrier));
        }
    }

    fn event(&mut self, side: Side, event: Event) {
        match event {
            Event::Page(page) => {
                if let Some((takes, kept)) = self.end(side).storage.clone() {
                    let at = self.now + takes;
                    self.at(at, Happening::Kept { by: side, kept });
                }
                self.end(side).result.received.push(*page);
            }
            Event::PageSent { number, verdict } => self.end(side).result.sent.push((number, verdict)),
            Event::Finished(outcome) => {
                let before = self.end(side).result.outcome.replace(outcome);
                assert_eq!(before, None, "a call ends once");
            }
            Event::PeerKnown(_) | Event::Agreed(_) | Event::PageBegun { .. } | Event::OperatorWanted => {}
            Event::Direct(step) => self.direct(side, step),
        }
    }

    /// What the service does for a document that goes another way.
    fn direct(&mut self, side: Side, step: DirectStep) {
        match step {
            DirectStep::Offered(_) => self.news(Side::Caller, DirectNews::Go(BRINGER)),
            DirectStep::Await(who) => self.way.awaited = who == BRINGER,
            DirectStep::Bring(_, pages) => {
                let last = pages.len() - 1;
                self.way.to_bring = pages.iter().enumerate().map(|(at, page)| ((**page).clone(), at == last)).collect();
                // NSS is heard a little later than it was said.
                self.at(self.now + PASSAGE, Happening::Knock);
            }
            DirectStep::Kept(_) => {
                assert_eq!(side, Side::Answerer);
                self.way.pages -= 1;
                if self.way.pages > 0 || self.way.answered {
                    let kept = self.end(Side::Answerer).result.received.len();
                    self.news(Side::Caller, DirectNews::Kept(kept));
                }
                self.bring();
            }
            DirectStep::Stop => self.way.over = true,
        }
    }

    /// The next page sets off, if the way goes on.
    fn bring(&mut self) {
        if self.way.pages == 0 || !self.way.awaited {
            if self.way.told && !self.way.to_bring.is_empty() {
                self.news(Side::Caller, DirectNews::Over);
            }
            return;
        }
        if let Some((page, last)) = self.way.to_bring.pop_front() {
            self.news(Side::Answerer, DirectNews::Page { page, last });
        }
    }

    fn news(&mut self, by: Side, news: DirectNews) {
        self.at(self.now + PASSAGE, Happening::Direct { by, news });
    }

    fn hear(&mut self, by: Side, delivered: LineTime, at: LineTime, event: Owned) {
        let hushes = self.end(by.other()).hushes;
        self.at(delivered, Happening::Hear { by, hushes, event, at });
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Begin { from, turn, signal } if self.end(from).turn == turn => self.begin(from, signal),
            Happening::End { from, turn } if self.end(from).turn == turn => self.end(from).sending = None,
            Happening::Sent { by, turn } if self.end(by).turn == turn => {
                let at = self.now;
                self.end(by).session.handle(Stamped { at, what: LineEvent::Sent });
            }
            Happening::Knock => self.bring(),
            Happening::Direct { by, news } => {
                let (now, late) = (self.now, self.way.over && !matches!(news, DirectNews::Go(_)));
                if !late {
                    self.end(by).session.direct(news, now);
                }
            }
            Happening::Kept { by, kept } => {
                let now = self.now;
                self.end(by).session.page_kept(kept, now);
            }
            Happening::Hear { by, hushes, event, at }
                if !self.end(by).hung_up && self.end(by.other()).hushes == hushes =>
            {
                self.tell(by, event, at)
            }
            _ => {}
        }
    }

    /// Tells an event, unless it is the one that something is done to.
    fn tell(&mut self, by: Side, event: Owned, at: LineTime) {
        self.events += 1;
        let Some((_, twist)) = self.twist.filter(|(place, _)| place + 1 == self.events) else {
            return self.heard(by, event, at);
        };
        match (twist, event) {
            (Twist::Doubled, event) => {
                self.heard(by, event.clone(), at);
                self.drain();
                self.heard(by, event, at);
            }
            (Twist::Delayed(span), event) => {
                self.twist = None;
                self.hear(by, self.now + span, at, event);
            }
            (Twist::Damaged, Owned::Frame { carrier, octets, .. }) => {
                self.heard(by, Owned::Frame { carrier, octets, intact: false }, at);
            }
            (Twist::Damaged, Owned::Octets(octets)) => {
                let octets = octets.iter().map(|octet| octet ^ 0x5a).collect();
                self.heard(by, Owned::Octets(octets), at);
            }
            (Twist::Damaged, Owned::Trained(_)) => self.heard(by, Owned::Failed, at),
            (Twist::Dropped | Twist::Damaged, _) => {}
        }
    }

    fn heard(&mut self, by: Side, event: Owned, at: LineTime) {
        let end = self.end(by);
        if end.listen == Listen::Nothing && !matches!(event, Owned::Down(_)) {
            return;
        }
        let what = match &event {
            Owned::Tone(_) if end.listen != Listen::Tones => return,
            Owned::Tone(tone) => LineEvent::Tone(*tone),
            Owned::Up(carrier) => LineEvent::CarrierUp(*carrier),
            Owned::Trained(carrier) => LineEvent::Trained { carrier: *carrier, quality: Evm(-300) },
            Owned::Failed => LineEvent::TrainingFailed,
            Owned::Down(carrier) => LineEvent::CarrierDown(*carrier),
            Owned::Frame { carrier, octets, intact } => LineEvent::Frame { carrier: *carrier, octets, intact: *intact },
            Owned::Octets(octets) => LineEvent::Octets(octets),
        };
        end.session.handle(Stamped { at, what });
    }

    /// A signal goes on the air: all of it is made at once and what will be heard of it is put in the queue.
    fn begin(&mut self, from: Side, signal: Signal) {
        let now = self.now;
        if signal != Signal::Cng {
            let other = self.end(from.other()).sending;
            self.collisions += usize::from(other.is_some_and(|(_, until)| until > now));
        }
        let index = self.aired.len();
        let fate = (self.faults)(Passing::Signal { index, from, signal });
        let mut aired = Aired { from, signal, begin: now, end: now, frames: Vec::new() };
        let turn = self.end(from).turn;
        match signal {
            Signal::Cng => {
                if fate == Fate::Pass {
                    self.hear(from.other(), now + LineSpan::ms(500), now, Owned::Tone(Tone::Cng));
                }
                return;
            }
            Signal::Ced => {
                aired.end = now + CED;
                if fate == Fate::Pass {
                    self.hear(from.other(), now + LineSpan::ms(500), now, Owned::Tone(Tone::Ced));
                }
            }
            Signal::Data { carrier, framing } => self.transmit(from, carrier, framing, &fate, &mut aired),
        }
        let end = aired.end;
        self.end(from).sending = Some((signal, end));
        self.aired.push(aired);
        self.at(end, Happening::End { from, turn });
        self.at(end, Happening::Sent { by: from, turn });
    }

    fn transmit(&mut self, from: Side, carrier: Carrier, framing: Framing, fate: &Fate, aired: &mut Aired) {
        let to = from.other();
        let listen = self.end(to).listen;
        let fits = carrier == Carrier::V21 || listen == Listen::To { carrier, framing };
        let tries =
            matches!(listen, Listen::To { carrier: Carrier::V27ter(_) | Carrier::V29(_) | Carrier::V17(..), .. });
        let audible = *fate != Fate::Lose && (carrier == Carrier::V21 && listen != Listen::Nothing || tries);
        let trained = aired.begin + preamble(carrier, framing);
        let heard_as = match (carrier, listen) {
            (Carrier::V21, _) => Carrier::V21,
            (_, Listen::To { carrier, .. }) => carrier,
            _ => carrier,
        };
        let follows = audible && fits && (carrier == Carrier::V21 || *fate != Fate::Damage || framing == Framing::Raw);
        if audible {
            self.hear(to, aired.begin + DETECTION, aired.begin, Owned::Up(heard_as));
            if carrier != Carrier::V21 {
                let event = if follows { Owned::Trained(carrier) } else { Owned::Failed };
                self.hear(to, trained, trained, event);
            }
        }
        let mut end = trained;
        for (octets, cut) in self.pull(from) {
            let bits = if framing == Framing::Hdlc { frame_bits(&octets) } else { octets.len() as u64 * 8 };
            end += LineSpan((bits * 8000).div_ceil(u64::from(carrier.bit_rate())));
            if framing == Framing::Hdlc {
                aired.frames.push(name(&octets));
                if let Some(frame) = self.frame(from, carrier, octets, fate)
                    && follows
                {
                    self.hear(to, end, end, frame);
                }
            } else if follows {
                let octets = if *fate == Fate::Damage { with_errors(octets, carrier) } else { octets };
                self.hear(to, end, end, Owned::Octets(octets));
            }
            assert!(cut != Cut::Frame || framing == Framing::Hdlc, "bare streams have no frames");
        }
        aired.end = end;
        if audible {
            self.hear(to, end + DETECTION, end, Owned::Down(heard_as));
        }
    }

    /// Everything of the signal, a frame or up to 1000 octets at a time.
    fn pull(&mut self, from: Side) -> Vec<(Vec<u8>, Cut)> {
        let mut pieces: Vec<(Vec<u8>, Cut)> = Vec::new();
        loop {
            let mut buf = vec![0; 1000];
            let (count, cut) = self.end(from).session.fill(&mut buf);
            assert!(count > 0 || cut == Cut::Signal, "a session has its signal ready when it is due");
            buf.truncate(count);
            pieces.push((buf, cut));
            if cut == Cut::Signal {
                return pieces;
            }
        }
    }

    fn frame(&mut self, from: Side, carrier: Carrier, octets: Vec<u8>, signal: &Fate) -> Option<Owned> {
        let index = self.frames;
        self.frames += 1;
        let fate = (self.faults)(Passing::Frame { index, from, carrier, octets: &octets });
        let intact = *signal != Fate::Damage && fate != Fate::Damage;
        match fate {
            Fate::Lose => None,
            Fate::Instead(octets) => Some(Owned::Frame { carrier, octets, intact }),
            Fate::Pass | Fate::Damage => Some(Owned::Frame { carrier, octets, intact }),
        }
    }
}

impl End {
    fn new(session: Session) -> Self {
        Self {
            session,
            listen: Listen::Nothing,
            turn: 0,
            sending: None,
            hushes: 0,
            hung_up: false,
            storage: None,
            result: EndResult::default(),
        }
    }

    fn wait(&mut self) -> Option<LineTime> {
        match self.session.poll() {
            Output::Wait(due) => due,
            other => panic!("{other:?} was not taken"),
        }
    }

    fn transcript(&mut self) -> Vec<String> {
        self.session.take_trace().map(|line| line.to_string()).collect()
    }
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Caller => Self::Answerer,
            Self::Answerer => Self::Caller,
        }
    }
}

impl CallResult {
    /// Both transcripts, for messages of failed tests.
    pub(crate) fn transcript(&self) -> String {
        format!("caller\n{}\nanswerer\n{}", self.caller.trace.join("\n"), self.answerer.trace.join("\n"))
    }

    /// Names of the frames one side said by V.21, in order.
    pub(crate) fn said(&self, side: Side) -> Vec<&'static str> {
        let slow =
            |aired: &&Aired| aired.from == side && matches!(aired.signal, Signal::Data { carrier: Carrier::V21, .. });
        self.aired.iter().filter(slow).flat_map(|aired| aired.frames.iter().copied()).collect()
    }
}

/// The control field's name.
pub(crate) fn name(octets: &[u8]) -> &'static str {
    match Frame::parse(octets) {
        Frame::Known(message) => message.fcf.name(),
        Frame::Unknown(_) => "?",
    }
}

/// A frame of our own making, from a station with the X bit given.
pub(crate) fn frame(fcf: Fcf, x: bool, field: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff, 0x13, fcf.code(x)];
    octets.extend_from_slice(field);
    octets
}

/// Flags of V.21, training of the others, 200 ms of flags before fast frames.
fn preamble(carrier: Carrier, framing: Framing) -> LineSpan {
    let training = match carrier {
        Carrier::V21 => return LineSpan::ms(1000),
        Carrier::V27ter(V27terRate::R2400) => 943,
        Carrier::V27ter(V27terRate::R4800) => 708,
        Carrier::V29(_) => 253,
        Carrier::V17(_, Train::Long) => 1393,
        Carrier::V17(_, Train::Short) => 142,
    };
    LineSpan::ms(training + if framing == Framing::Hdlc { 200 } else { 0 })
}

/// Bits of a frame with its closing flag.
fn frame_bits(octets: &[u8]) -> u64 {
    let (mut framer, mut bits) = (Framer::new(), 0);
    framer.octets(octets, |_| bits += 1);
    framer.end_frame(|_| bits += 1);
    bits
}

/// One octet wrong in every half second.
fn with_errors(mut octets: Vec<u8>, carrier: Carrier) -> Vec<u8> {
    let every = (carrier.bit_rate() / 16) as usize;
    octets.iter_mut().skip(every / 2).step_by(every).for_each(|octet| *octet ^= 0x5a);
    octets
}
