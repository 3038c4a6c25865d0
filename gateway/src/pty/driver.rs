//! One modem at work: host, modem, front end and line, block by block.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use answertone_dsp::{
    level::PowerMeter,
    pcm::{BLOCK_SAMPLES, Block, SILENCE, widen},
    units::Dbm0,
};
use answertone_hw::{Pace, PcmLine};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    class1::{LineOrder, Modem, Negotiation, Output, Progress},
    seam::{Cut, FrontEnd, Order, Stamped},
    time::{LineSpan, LineTime},
};

use super::{
    terminal::{Look, Terminal},
    trunk::{Trunk, TrunkEvent},
};

/// How often a modem on hook looks at its bell and its host.
const IDLE: Duration = Duration::from_millis(20);

/// A block's length in the world's time.
const BLOCK_TIME: Duration = Duration::from_millis(10);

/// Below this level a line is silent.
const SILENT: Dbm0 = Dbm0(-40.0);

/// Octets moved at a time.
const CHUNK: usize = 512;

/// Blocks of silence that stand for a line hung up at the other end.
const CLOSING_BLOCKS: usize = 12;

/// Says to all modems that they are to end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends them.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether they are to end.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call under way.
struct Call {
    line: Box<dyn PcmLine>,
    front: AudioFrontEnd,
    /// V.8, until T.30 begins.
    v8: Option<Negotiation>,
    /// Level of our signals.
    level: Dbm0,
    /// The modem's time when the front end's began.
    origin: LineTime,
    tx: Block,
    meter: PowerMeter,
    /// When the next block is due, on a line without a clock of its own: hosts have one.
    due: Instant,
}

/// A modem with its host and its line.
pub struct Driver {
    terminal: Terminal,
    modem: Modem,
    trunk: Box<dyn Trunk>,
    call: Option<Call>,
    /// The call under way is hung up, though another may be dialled already.
    hung_up: bool,
    audio: AudioConfig,
    /// The modem is busy to callers while no host is there.
    busy_without_host: bool,
    host_is_there: bool,
    began: Instant,
    now: LineTime,
    due: Option<LineTime>,
    unsent: Vec<u8>,
}

impl Driver {
    /// A modem on hook.
    pub fn new(terminal: Terminal, trunk: Box<dyn Trunk>, audio: AudioConfig, busy_without_host: bool) -> Self {
        let mut driver = Self {
            terminal,
            modem: Modem::new(LineTime::ZERO),
            trunk,
            call: None,
            hung_up: false,
            audio,
            busy_without_host,
            host_is_there: true,
            began: Instant::now(),
            now: LineTime::ZERO,
            due: None,
            unsent: Vec::new(),
        };
        driver.look_at_host();
        driver
    }

    /// Runs until it is stopped; hangs up then.
    pub fn run(mut self, stop: &Stop) {
        while !stop.is_stopped() {
            self.look_at_host();
            self.look_at_line();
            match self.call.take() {
                Some(call) => self.block(call),
                None => self.idle(),
            }
            self.drain();
        }
        self.modem.host_gone(self.now);
        self.drain();
        self.trunk.hang_up();
    }

    /// A host that goes leaves the line on hook and a fresh terminal.
    fn look_at_host(&mut self) {
        let Look { there, went } = self.terminal.look();
        if went || !there && self.host_is_there {
            self.host_went(there, Vec::new());
        }
        if there != self.host_is_there {
            tracing::debug!(there, "host");
            self.host_is_there = there;
            if self.busy_without_host {
                self.trunk.be_busy(!there);
            }
        }
    }

    /// The host is gone, and another may be there already, whose words are among these and those not read yet.
    fn host_went(&mut self, another: bool, mut words: Vec<u8>) {
        self.modem.host_gone(self.now);
        self.unsent.clear();
        self.terminal.renew();
        self.drain();
        if another {
            self.terminal.read_all(&mut words);
            let words = newcomers_words(&words);
            self.modem.host(&words[..words.len().min(self.modem.room())], self.now);
            self.drain();
        }
    }

    fn look_at_line(&mut self) {
        while let Some(event) = self.trunk.event() {
            match event {
                TrunkEvent::Ring(caller, ring) => {
                    if let Some(caller) = caller {
                        self.modem.caller(&caller, self.now);
                    }
                    self.modem.ring(&ring, self.now);
                }
                TrunkEvent::Caller(caller) => self.modem.caller(&caller, self.now),
                TrunkEvent::Connected(line) => self.connected(line),
                TrunkEvent::Failed(progress) => self.modem.progress(progress, self.now),
            }
            self.drain();
        }
    }

    fn connected(&mut self, line: Box<dyn PcmLine>) {
        tracing::debug!(at = %self.now, "connected");
        self.hung_up = false;
        self.call = Some(Call {
            line,
            front: AudioFrontEnd::new(self.audio),
            v8: None,
            level: self.audio.level,
            origin: self.now,
            tx: SILENCE,
            meter: PowerMeter::new(5.0),
            due: Instant::now(),
        });
        self.modem.progress(Progress::Connected, self.now);
    }

    /// Waits a moment for the host, on hook.
    fn idle(&mut self) {
        // What the modem does not take now is there all the time: there is nothing to wait for.
        if self.host_is_there && self.modem.room() > 0 {
            self.terminal.wait(if self.modem.has_octets() { BLOCK_TIME } else { IDLE });
        } else {
            thread::sleep(IDLE);
        }
        let elapsed = LineSpan(self.began.elapsed().as_micros() as u64 / 125);
        self.now = self.now.max(LineTime(elapsed.0));
        self.exchange_with_host(None);
        self.expire();
    }

    /// One block each way.
    fn block(&mut self, mut call: Call) {
        let mut rx = SILENCE;
        let tx = call.tx;
        let exchanged = call.line.exchange(&tx, &mut rx);
        if call.line.pace() == Pace::Unpaced {
            call.due += BLOCK_TIME;
            thread::sleep(call.due.saturating_duration_since(Instant::now()));
        }
        self.exchange_with_host(Some(&mut call));
        match exchanged {
            Ok(exchange) => self.hear(&mut call, &rx, exchange.lost_samples > 0),
            Err(error) => {
                tracing::debug!(%error, "the line is gone");
                for _ in 0..CLOSING_BLOCKS {
                    self.hear(&mut call, &SILENCE, false);
                }
                self.modem.line_lost(self.now);
                self.drain_into(Some(&mut call));
                return call.line.hang_up();
            }
        }
        self.keep(call);
    }

    fn hear(&mut self, call: &mut Call, rx: &Block, lost: bool) {
        if lost {
            call.front.receive_lost();
        } else {
            call.front.receive(rx);
        }
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(rx, &mut samples);
        call.meter.run(&samples);
        let origin = call.origin;
        self.now = LineTime(origin.0 + call.front.now().0);
        while let Some(Stamped { at, what }) = call.front.poll() {
            self.modem.handle(Stamped { at: LineTime(origin.0 + at.0), what });
            self.drain_into(Some(call));
        }
        if let Some(v8) = &mut call.v8 {
            v8.receive(&samples, |event| self.modem.v8(event, self.now));
            self.drain_into(Some(call));
        }
        self.modem.silence(call.meter.level() < SILENT, self.now);
        self.drain_into(Some(call));
        self.expire();
        self.drain_into(Some(call));
        self.top_up(call);
        call.front.transmit(&mut call.tx);
        if let Some(v8) = &mut call.v8 {
            v8.transmit(&mut call.tx);
        }
        self.write_to_host();
    }

    fn expire(&mut self) {
        if self.due.is_some_and(|due| due <= self.now) {
            self.modem.handle_timeout(self.now);
        }
    }

    /// Gives the signal being sent what it has room for.
    fn top_up(&mut self, call: &mut Call) {
        let mut octets = [0; CHUNK];
        loop {
            let room = call.front.room().min(CHUNK);
            if room == 0 {
                break;
            }
            let (filled, cut) = self.modem.fill(&mut octets[..room]);
            call.front.supply(&octets[..filled], cut);
            if filled == 0 && cut == Cut::More {
                break;
            }
        }
    }

    fn drain(&mut self) {
        let mut call = self.call.take();
        self.drain_into(call.as_mut());
        if let Some(call) = call {
            self.keep(call);
        }
        self.write_to_host();
    }

    /// The call goes on, unless it is hung up.
    fn keep(&mut self, mut call: Call) {
        if std::mem::take(&mut self.hung_up) || !self.modem.is_off_hook() {
            tracing::debug!(at = %self.now, "hung up");
            call.line.hang_up();
        } else {
            self.call = Some(call);
        }
    }

    /// Moves what the modem wants to where it belongs.
    fn drain_into(&mut self, call: Option<&mut Call>) {
        let mut orders = Vec::new();
        self.take_orders(&mut orders);
        if let Some(call) = call {
            orders.into_iter().for_each(|order| call.order(order));
        }
    }

    fn take_orders(&mut self, orders: &mut Vec<Output>) {
        loop {
            match self.modem.poll() {
                Output::Line(order) => self.line_order(&order),
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
                order => orders.push(order),
            }
        }
    }

    fn line_order(&mut self, order: &LineOrder) {
        tracing::debug!(?order, at = %self.now, "line");
        match order {
            LineOrder::Dial(steps) => self.trunk.dial(steps),
            LineOrder::Answer => self.trunk.answer(),
            LineOrder::BusyOut => self.trunk.be_busy(true),
            LineOrder::HangUp => {
                self.hung_up = true;
                self.trunk.hang_up();
                self.trunk.be_busy(self.busy_without_host && !self.host_is_there);
            }
        }
    }

    fn exchange_with_host(&mut self, mut call: Option<&mut Call>) {
        // A host that came this moment is greeted first, or its answers would be nobody's.
        if !self.host_is_there {
            return;
        }
        let mut octets = [0; CHUNK];
        loop {
            let room = self.modem.room().min(CHUNK);
            let count = self.terminal.read(&mut octets[..room]);
            if count == 0 {
                break;
            }
            tracing::trace!(at = %self.now, octets = %octets[..count.min(80)].escape_ascii(), "host");
            // Whose they are is known only after they are there.
            let Look { there, went } = self.terminal.look();
            if went || !there {
                return self.host_went(there, octets[..count].to_vec());
            }
            self.modem.host(&octets[..count], self.now);
            self.drain_into(call.as_deref_mut());
        }
        self.write_to_host();
    }

    /// What the host does not take waits; without a host nothing does.
    fn write_to_host(&mut self) {
        let mut octets = [0; CHUNK];
        loop {
            if self.unsent.is_empty() {
                let count = self.modem.to_host(&mut octets);
                self.unsent.extend_from_slice(&octets[..count]);
            }
            if self.unsent.is_empty() {
                return;
            }
            if !self.host_is_there {
                self.unsent.clear();
                continue;
            }
            let taken = self.terminal.write(&self.unsent);
            tracing::trace!(at = %self.now, octets = %self.unsent[..taken.min(80)].escape_ascii(), "to host");
            self.unsent.drain(..taken);
            if taken == 0 {
                return;
            }
        }
    }
}

/// How commands begin that have a sense only in the middle of things: they are the last words of a host that is gone.
const LAST_WORDS: [&[u8]; 8] = [b"D", b"A", b"+FT", b"+FR", b"+FD", b"+FE", b"+FK", b"O"];

/// Of words of which the first are a host's that is gone and the last perhaps another's: the last command line, if it is
/// one that a host begins with.
fn newcomers_words(words: &[u8]) -> &[u8] {
    let Some(begins) = words.windows(2).rposition(|pair| pair.eq_ignore_ascii_case(b"AT")) else { return words };
    let line = &words[begins..];
    let begun = |last: &&[u8]| line[2..].get(..last.len()).is_some_and(|start| start.eq_ignore_ascii_case(last));
    if LAST_WORDS.iter().any(begun) { &[] } else { line }
}

impl Call {
    /// Orders are stamped by the modem's time.
    fn order(&mut self, order: Output) {
        match order {
            Output::Order(Order::Send { signal, at }) => {
                self.front.order(Order::Send { signal, at: LineTime(at.since(self.origin).0) });
            }
            Output::Order(order) => self.front.order(order),
            Output::V8(order) => self.v8 = Negotiation::after(order, self.v8.take(), self.level),
            Output::Line(_) | Output::Wait(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_begins_with_its_last_line() {
        assert_eq!(newcomers_words(b"ATD200\rATZE0\r"), b"ATZE0\r");
        assert_eq!(newcomers_words(b"\0\0\0atz\r"), b"atz\r");
        assert_eq!(newcomers_words(b"\x10\x03"), b"\x10\x03");
        assert_eq!(newcomers_words(b"AT"), b"AT");
        for last in [&b"ATD200\r"[..], b"\0\0at+frm=96\r", b"ATA\r"] {
            assert_eq!(newcomers_words(last), b"");
        }
    }
}
