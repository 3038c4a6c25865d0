//! Two calls and a network between them that loses, delays, doubles and reorders datagrams, in virtual time.

use std::{cmp::Reverse, collections::BinaryHeap};

use answertone_t30::{
    session::{Event, Outcome, ReceivedPage},
    t38::Call,
    time::{LineSpan, LineTime},
};

/// No call of these tests may last longer.
const LONGEST_CALL: LineTime = LineTime(8000 * 3600);

/// What the network does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Of a hundred datagrams so many are lost.
    pub(crate) loss_percent: u64,
    /// Of a hundred so many come so much later than the others, and so behind some of them.
    pub(crate) late_percent: u64,
    pub(crate) late: LineSpan,
    /// The way of every datagram takes so long.
    pub(crate) delay: LineSpan,
    /// Of a hundred so many come twice.
    pub(crate) doubled_percent: u64,
    /// So often, and so long each time, none gets through before the time is over.
    pub(crate) stall: Option<[LineSpan; 2]>,
    /// Between these moments all are lost.
    pub(crate) outage: Option<[LineTime; 2]>,
    pub(crate) seed: u64,
}

impl Network {
    pub(crate) const GOOD: Self = Self {
        loss_percent: 0,
        late_percent: 0,
        late: LineSpan::ms(70),
        delay: LineSpan::ms(40),
        doubled_percent: 0,
        stall: None,
        outage: None,
        seed: 1,
    };
}

/// What came of an end.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) received: Vec<ReceivedPage>,
    pub(crate) trace: Vec<String>,
}

/// What came of a call.
pub(crate) struct Carried {
    pub(crate) caller: End,
    pub(crate) answerer: End,
    pub(crate) ended: LineTime,
    pub(crate) calls: [Call; 2],
}

impl Carried {
    pub(crate) fn transcript(&self) -> String {
        let [caller, answerer] = [&self.caller, &self.answerer].map(|end| end.trace.join("\n"));
        let counters = self.calls.each_ref().map(|call| call.counters());
        format!("caller\n{caller}\nanswerer\n{answerer}\n{counters:?}")
    }
}

type Flight = Reverse<(LineTime, u64, usize, Vec<u8>)>;

struct Run {
    calls: [Call; 2],
    ends: [End; 2],
    flights: BinaryHeap<Flight>,
    serial: u64,
    chance: Chance,
    network: Network,
}

/// What becomes of datagrams, by a seed.
pub(crate) struct Chance(u64);

impl Network {
    /// How long a datagram is held.
    pub(crate) fn held(&self, now: LineTime) -> LineSpan {
        self.stall.map_or(LineSpan::ZERO, |[every, lasts]| LineSpan(lasts.0.saturating_sub(now.0 % every.0)))
    }

    /// Whether nothing gets through.
    pub(crate) fn is_out(&self, now: LineTime) -> bool {
        self.outage.is_some_and(|[from, to]| (from..to).contains(&now))
    }

    pub(crate) fn chance(&self, seed: u64) -> Chance {
        Chance((self.seed + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
}

impl Chance {
    /// How much later than others a datagram comes; none: it is lost.
    pub(crate) fn fate(&mut self, network: &Network) -> Option<LineSpan> {
        if self.draw() < network.loss_percent {
            return None;
        }
        Some(if self.draw() < network.late_percent { network.late } else { LineSpan::ZERO })
    }

    /// 0 to 99.
    fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % 100
    }
}

/// Lets a call go over the network until both ends are over.
pub(crate) fn carry(calls: [Call; 2], network: Network) -> Carried {
    let chance = network.chance(0);
    let ends = [End::default(), End::default()];
    let mut run = Run { calls, ends, flights: BinaryHeap::new(), serial: 0, chance, network };
    let mut now = LineTime::ZERO;
    run.take(now);
    while !run.calls.iter().all(Call::is_over) && now < LONGEST_CALL {
        let arrival = run.flights.peek().map(|Reverse((at, ..))| *at);
        let due = run.calls.iter().filter(|call| !call.is_over()).filter_map(Call::due).min();
        let Some(next) = [arrival, due].into_iter().flatten().min() else { break };
        // A due moment that has passed must not stop time.
        now = next.max(now + LineSpan(1));
        run.step(now);
    }
    let [caller, answerer] = run.ends;
    Carried { caller, answerer, ended: now, calls: run.calls }
}

impl Run {
    fn step(&mut self, now: LineTime) {
        while self.flights.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((_, _, to, datagram))) = self.flights.pop() else { break };
            self.calls[to].handle_datagram(&datagram, now);
            self.take(now);
        }
        self.calls.iter_mut().for_each(|call| call.handle_timeout(now));
        self.take(now);
    }

    fn take(&mut self, now: LineTime) {
        for side in [0, 1] {
            while let Some(datagram) = self.calls[side].poll_datagram() {
                self.send(1 - side, datagram, now);
            }
            while let Some(event) = self.calls[side].poll_event() {
                self.event(side, event.what);
            }
            let trace = self.calls[side].session_mut().take_trace().map(|line| line.to_string());
            self.ends[side].trace.extend(trace);
        }
    }

    fn event(&mut self, side: usize, event: Event) {
        match event {
            Event::Page(page) => self.ends[side].received.push(*page),
            Event::Finished(outcome) => self.ends[side].outcome = Some(outcome),
            _ => {}
        }
    }

    fn send(&mut self, to: usize, datagram: Vec<u8>, now: LineTime) {
        let Some(late) = self.chance.fate(&self.network).filter(|_| !self.network.is_out(now)) else { return };
        let times = if self.chance.draw() < self.network.doubled_percent { 2 } else { 1 };
        for copy in 0..times {
            self.serial += 1;
            let at = now + self.network.held(now) + self.network.delay + late + LineSpan::ms(15) * copy;
            self.flights.push(Reverse((at, self.serial, to, datagram.clone())));
        }
    }
}
