//! Two sessions and an ideal line at the seam: no samples, true durations, half duplex, virtual time that jumps from
//! one thing that happens to the next. What goes over the line can be lost, damaged or replaced.

#[path = "ideal/air.rs"]
mod air;
#[path = "ideal/end.rs"]
mod end;
#[path = "ideal/way.rs"]
mod way;

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

use air::{DETECTION, Owned};
pub(crate) use air::{frame, name};
pub(crate) use end::CallResult;
use end::{End, EndResult};
pub(crate) use way::Way;

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

enum Happening {
    Begin { from: Side, turn: u64, signal: Signal },
    End { from: Side, turn: u64 },
    Hear { by: Side, hushes: u64, event: Owned, at: LineTime },
    Sent { by: Side, turn: u64 },
    Kept { by: Side, kept: Result<(), NotKept> },
    Direct { by: Side, news: DirectNews },
    Knock,
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
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Caller => Self::Answerer,
            Self::Answerer => Self::Caller,
        }
    }
}
