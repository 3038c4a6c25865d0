//! The modem itself: what the host says and what the line brings, and what follows from it.

mod commands;
mod fax;
mod receiving;
mod sending;
mod telephone;
mod v8;

use std::collections::VecDeque;

use super::{
    Caller, LineOrder, Output, Progress, Ring, V8Event, V8Order, V8Tone,
    command::{Command, Commands, Editor, Entered, Malformed, Wanted},
    dial::{self, DialTimes},
    hearing::{Hearing, patience},
    identity, modulation,
    result::ResultCode,
    sending::{Sending, Taken},
    settings::{Class, NotTaken, Settings},
    terminal::{Terminal, XOFF, XON},
    v8::Talk,
};
use crate::{
    class2::{Fax, News},
    hdlc,
    seam::{Carrier, Cut, Framing, LineEvent, Listen, Order, Signal, Stamped},
    session::TURNAROUND,
    time::{LineSpan, LineTime},
};

/// Octets of the host that wait until the modem can take them.
const MOST_WAITING: usize = 512;

/// Silence after going off hook to answer, ITU-T T.30 4.3.1: 1.8 to 2.5 s.
const ANSWER_SILENCE: LineSpan = LineSpan::ms(1900);

/// Rings further apart than this are of two calls.
const RING_GAP: LineSpan = LineSpan::ms(8000);

/// Off hook, and neither the host nor the line moves for so long: nobody is there any more.
const FORGOTTEN: LineSpan = LineSpan::ms(90_000);

/// How long a host may take to ask for silence behind our signal, and have it counted.
const HOST_DELAY: LineSpan = LineSpan::ms(60);

/// Seconds that dialling itself may take beyond the wait for the answer.
const DIALLING: LineSpan = LineSpan::ms(30_000);

/// Where the telephone's hook is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    On,
    Off,
    /// Off, without a call: callers find the line busy.
    Busy,
}

/// What the modem is about.
#[derive(Debug)]
enum Activity {
    /// Waits for a command.
    Commands,
    /// Dials, or goes off hook to answer.
    Connecting { answers: bool, back_to_commands: bool, give_up: LineTime },
    /// Sends the answer tone.
    AnswerTone,
    /// V.8 takes its course.
    Negotiating,
    /// `+FTS`: sends nothing.
    Silence { until: LineTime },
    /// `+FRS`: waits for silence so long.
    AwaitSilence { span: LineSpan, since: Option<LineTime> },
    /// `+FTM`, `+FTH`: waits until the other side is quiet.
    AwaitTurn { carrier: Carrier, framing: Framing, asked: LineTime },
    /// `+FTM`, `+FTH`.
    Sending(Box<Sending>),
    /// `+FRM`, `+FRH`, and the wait for the answer to a call.
    Receiving(Receiving),
    /// Class 2: a command waits for the call, or moves a page.
    Fax,
}

/// What is being received.
#[derive(Clone, Copy, Debug)]
struct Receiving {
    carrier: Carrier,
    framing: Framing,
    /// CONNECT was said.
    connected: bool,
    /// We called, and the other side has not spoken yet: until when that may be.
    answer_by: Option<LineTime>,
    /// The carrier went away and may come back until then.
    loss_until: Option<LineTime>,
}

/// What a command has come to.
enum Done {
    /// The next command may follow.
    Next,
    /// Something has begun; its end is the command's.
    Begun,
    /// The line is over with this.
    Over(ResultCode),
}

/// A fax modem as its host sees it.
pub struct Modem {
    settings: Settings,
    editor: Editor,
    commands: Commands,
    terminal: Terminal,
    waiting: VecDeque<u8>,
    /// A line feed behind the end of a command line says nothing.
    line_ended: bool,
    activity: Activity,
    /// Class 1.0: V.8 under way, also between commands.
    talk: Option<Talk>,
    /// Class 2: the call, also between commands.
    fax: Option<Box<Fax>>,
    /// When the call wants to know the time.
    fax_due: Option<LineTime>,
    hook: Hook,
    hearing: Hearing,
    listening: Listen,
    /// End of our own last signal.
    spoke_until: LineTime,
    last_ring: Option<LineTime>,
    /// When the host or the line last moved.
    moved: LineTime,
    now: LineTime,
    out: VecDeque<Output>,
}

impl Modem {
    /// A modem that is on hook.
    pub fn new(now: LineTime) -> Self {
        Self {
            settings: Settings::new(),
            editor: Editor::new(),
            commands: Commands::default(),
            terminal: Terminal::default(),
            waiting: VecDeque::new(),
            line_ended: false,
            activity: Activity::Commands,
            talk: None,
            fax: None,
            fax_due: None,
            hook: Hook::On,
            hearing: Hearing::default(),
            listening: Listen::Nothing,
            spoke_until: LineTime::ZERO,
            last_ring: None,
            moved: now,
            now,
            out: VecDeque::new(),
        }
    }

    // The host's side.

    /// Octets of the host that can be taken now. Those that are not taken are the transport's to hold: that is how a page
    /// goes no faster than the line.
    ///
    /// A host that asks and does not read the answers is held, or answers would be lost.
    pub fn room(&self) -> usize {
        let held = matches!(self.activity, Activity::Commands) && self.terminal.is_filling();
        if held { 0 } else { MOST_WAITING - self.waiting.len() }
    }

    /// Takes octets of the host, at most as many as there is room for.
    pub fn host(&mut self, octets: &[u8], now: LineTime) {
        self.at(now);
        if !octets.is_empty() {
            self.moved = self.now;
        }
        let fitting = octets.len().min(self.room());
        self.waiting.extend(&octets[..fitting]);
        self.take_waiting();
    }

    /// Writes the next octets for the host.
    pub fn to_host(&mut self, buf: &mut [u8]) -> usize {
        self.terminal.read(buf)
    }

    /// Whether there are octets for the host.
    pub fn has_octets(&self) -> bool {
        self.terminal.has_octets()
    }

    /// Octets of received data that found no room because the host did not read.
    pub fn octets_lost(&self) -> u64 {
        self.terminal.lost()
    }

    /// The host is gone: whatever is under way ends, and the line is hung up.
    pub fn host_gone(&mut self, now: LineTime) {
        self.at(now);
        self.hang_up();
        self.activity = Activity::Commands;
        self.commands = Commands::default();
        self.editor.clear();
        self.waiting.clear();
        self.terminal.clear();
        if self.settings.host_gone == 3 {
            self.settings = Settings::new();
        }
    }

    // The line's side.

    /// Whether the line is off hook with a call, or about to be.
    pub fn is_off_hook(&self) -> bool {
        self.hook == Hook::Off
    }

    /// The line rings, once.
    pub fn ring(&mut self, ring: &Ring, now: LineTime) {
        self.at(now);
        if self.hook != Hook::On {
            return;
        }
        if self.last_ring.is_none_or(|last| now.since(last) > RING_GAP) {
            self.settings.forget_rings();
        }
        self.last_ring = Some(now);
        if self.settings.tells_ring_lengths() {
            ring.lines().iter().for_each(|line| self.terminal.line(line, &self.settings));
        }
        self.terminal.result(ResultCode::Ring, &self.settings);
        let rings = self.settings.count_ring();
        let wanted = self.settings.rings_to_answer();
        if wanted > 0 && rings >= wanted && matches!(self.activity, Activity::Commands) {
            self.editor.clear();
            self.commands = Commands::default();
            self.answer();
        }
    }

    /// Says who calls, before the first ring or between the first and the second.
    pub fn caller(&mut self, caller: &Caller, now: LineTime) {
        self.at(now);
        let lines = match self.settings.caller_id() {
            1 => caller.lines(),
            2 => vec![caller.message()],
            _ => Vec::new(),
        };
        lines.iter().for_each(|line| self.terminal.line(line, &self.settings));
    }

    /// What has come of dialling, or of going off hook.
    pub fn progress(&mut self, progress: Progress, now: LineTime) {
        self.at(now);
        let code = match progress {
            Progress::Connected => return self.connected(),
            Progress::NoDialTone => ResultCode::NoDialTone,
            Progress::Busy => ResultCode::Busy,
            Progress::NoAnswer => ResultCode::NoAnswer,
            Progress::Failed => ResultCode::NoCarrier,
        };
        // What the exchange says after the other side has answered is no matter of the number's.
        if self.is_unanswered() {
            self.give_up(code);
            self.take_waiting();
        }
    }

    fn connected(&mut self) {
        let Activity::Connecting { answers, back_to_commands, .. } = self.activity else { return };
        if answers {
            self.begin_answering();
        } else if back_to_commands {
            self.finish(ResultCode::Ok);
        } else {
            self.begin_calling();
        }
        self.take_waiting();
    }

    /// Whether we have called and the other side has not spoken.
    fn is_unanswered(&self) -> bool {
        match self.activity {
            Activity::Connecting { .. } | Activity::Receiving(Receiving { answer_by: Some(_), .. }) => true,
            Activity::Fax => self.fax.as_ref().is_some_and(|fax| fax.is_unanswered()),
            _ => false,
        }
    }

    /// The other end hung up, or the line failed.
    pub fn line_lost(&mut self, now: LineTime) {
        self.at(now);
        if self.hook != Hook::Off {
            return;
        }
        if self.fax.is_some() {
            return self.fax_lost();
        }
        self.hang_up();
        match &mut self.activity {
            Activity::Commands => {}
            Activity::Sending(sending) if !sending.is_complete() => sending.line_lost(),
            Activity::Receiving(_) => self.end_receiving(),
            _ => self.finish(ResultCode::NoCarrier),
        }
        self.take_waiting();
    }

    /// Says of every block of the line whether it was silent.
    pub fn silence(&mut self, silent: bool, now: LineTime) {
        self.at(now);
        let Activity::AwaitSilence { span, since } = &mut self.activity else { return };
        match (silent, *since) {
            (false, _) => *since = None,
            (true, None) => *since = Some(now),
            (true, Some(began)) if now.since(began) >= *span => self.finish(ResultCode::Ok),
            (true, Some(_)) => {}
        }
        self.take_waiting();
    }

    /// Takes in what happened on the line.
    pub fn handle(&mut self, event: Stamped<LineEvent<'_>>) {
        self.at(event.at);
        if self.fax.is_some() {
            return self.fax_event(event);
        }
        match event.what {
            LineEvent::CarrierUp(carrier) => self.carrier_up(carrier, event.at),
            LineEvent::Trained { carrier, .. } => self.trained(carrier),
            LineEvent::CarrierDown(carrier) => self.carrier_down(carrier, event.at),
            LineEvent::Frame { octets, intact, .. } => self.frame(octets, intact),
            LineEvent::Octets(octets) => self.octets(octets),
            LineEvent::Sent => self.sent(event.at),
            LineEvent::Tone(_) | LineEvent::TrainingFailed | LineEvent::FramePart { .. } | LineEvent::Gap(_) => {}
        }
        self.take_waiting();
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: LineTime) {
        self.at(now);
        self.expire();
        self.fax_timeout();
        if self.hook == Hook::Off && now.since(self.moved) >= FORGOTTEN {
            self.forgotten();
        }
        self.take_waiting();
    }

    /// The next thing the modem wants. The driver asks until it is told to wait.
    pub fn poll(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.due()))
    }

    /// Writes the next octets of the signal that was ordered: how many, and what ends with them.
    pub fn fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        if self.fax.is_some() {
            return self.fax_fill(buf);
        }
        let Activity::Sending(sending) = &mut self.activity else { return (0, Cut::More) };
        let filled = sending.fill(buf, self.now);
        self.take_waiting();
        filled
    }

    fn at(&mut self, now: LineTime) {
        self.now = self.now.max(now);
    }

    fn due(&self) -> Option<LineTime> {
        let own = match &self.activity {
            Activity::Connecting { give_up, .. } => Some(*give_up),
            Activity::Silence { until } => Some(*until),
            Activity::AwaitTurn { asked, .. } => Some(patience(*asked)),
            Activity::Sending(sending) => sending.due(),
            Activity::Receiving(receiving) => receiving.answer_by.into_iter().chain(receiving.loss_until).min(),
            Activity::Commands
            | Activity::AnswerTone
            | Activity::Negotiating
            | Activity::AwaitSilence { .. }
            | Activity::Fax => None,
        };
        let forgotten = (self.hook == Hook::Off).then(|| self.moved + FORGOTTEN);
        own.into_iter().chain(forgotten).chain(self.fax_due).min()
    }

    fn expire(&mut self) {
        let now = self.now;
        match &mut self.activity {
            Activity::Connecting { give_up, .. } if *give_up <= now => self.give_up(ResultCode::NoAnswer),
            Activity::Silence { until } if *until <= now => self.finish(ResultCode::Ok),
            Activity::AwaitTurn { carrier, framing, asked } if patience(*asked) <= now => {
                let (carrier, framing) = (*carrier, *framing);
                self.begin_sending(carrier, framing, now);
            }
            Activity::Sending(sending) => {
                if sending.connects(now) {
                    self.terminal.result(ResultCode::Connect, &self.settings);
                } else if sending.is_stalled(now) {
                    let lost = self.hook != Hook::Off;
                    self.break_off(if lost { ResultCode::NoCarrier } else { ResultCode::Error });
                }
            }
            Activity::Receiving(Receiving { answer_by: Some(by), .. }) if *by <= now => {
                self.give_up(ResultCode::NoCarrier)
            }
            Activity::Receiving(Receiving { loss_until: Some(until), .. }) if *until <= now => self.end_receiving(),
            _ => {}
        }
    }

    /// Nobody is there any more: the line must not stay off hook.
    fn forgotten(&mut self) {
        self.hang_up();
        match self.activity {
            Activity::Commands => {}
            Activity::Receiving(_) => self.end_receiving(),
            _ => self.finish(ResultCode::NoCarrier),
        }
    }

    // Octets of the host.

    /// Takes the octets that wait, as far as the modem can take them now.
    fn take_waiting(&mut self) {
        while self.takes_octets()
            && let Some(octet) = self.waiting.pop_front()
        {
            self.octet(octet);
        }
        let pause = match &self.activity {
            Activity::Sending(sending) if self.settings.flow_in_stream() => sending.wants_pause(),
            _ => Some(false),
        };
        self.terminal.ask_pause(pause.unwrap_or(self.terminal.pausing()));
    }

    fn takes_octets(&self) -> bool {
        match &self.activity {
            Activity::Sending(sending) => sending.room() > 0,
            Activity::Fax => self.fax.as_ref().is_none_or(|fax| fax.takes_octets()),
            _ => true,
        }
    }

    fn octet(&mut self, octet: u8) {
        let feed = std::mem::replace(&mut self.line_ended, false) && octet == self.settings.line_feed();
        match &mut self.activity {
            Activity::Commands => self.command_octet(octet),
            Activity::Sending(sending) => match sending.take(octet, self.now) {
                Taken::Quiet => {}
                Taken::Cancelled => self.break_off(ResultCode::Ok),
                Taken::EndOfLost => self.finish(ResultCode::NoCarrier),
            },
            Activity::Receiving(_) if octet == XON || octet == XOFF => self.terminal.pause(octet == XOFF),
            _ if feed => {}
            Activity::Fax => self.fax_octet(octet),
            _ => self.abort(),
        }
    }

    fn command_octet(&mut self, octet: u8) {
        if self.settings.echo {
            self.terminal.echo(octet);
        }
        match self.editor.take(octet, self.settings.end_of_line(), self.settings.backspace()) {
            Entered::Nothing => {}
            Entered::Overlong => self.terminal.result(ResultCode::Error, &self.settings),
            Entered::Line(body) => {
                self.line_ended = true;
                self.commands = Commands::new(&body);
                self.run();
            }
        }
    }

    /// Any octet ends what is being waited for, ITU-T T.31 8.3 and V.250 5.6.1.
    fn abort(&mut self) {
        self.terminal.pause(false);
        match self.activity {
            Activity::Connecting { .. } | Activity::AnswerTone | Activity::Negotiating => {
                self.give_up(ResultCode::NoCarrier);
            }
            Activity::Receiving(Receiving { answer_by: Some(_), .. }) => self.give_up(ResultCode::NoCarrier),
            Activity::Receiving(Receiving { connected: true, .. }) => {
                self.terminal.end_of_data();
                self.finish(ResultCode::Ok);
            }
            _ => self.finish(ResultCode::Ok),
        }
    }

    /// Runs the commands of the line until one takes time.
    fn run(&mut self) {
        loop {
            let done = match self.commands.next() {
                None => Done::Over(ResultCode::Ok),
                Some(Err(Malformed)) => Done::Over(ResultCode::Error),
                Some(Ok(command)) => self.execute(command).unwrap_or(Done::Over(ResultCode::Error)),
            };
            match done {
                Done::Next => {}
                Done::Begun => return,
                Done::Over(code) => {
                    self.commands = Commands::default();
                    return self.terminal.result(code, &self.settings);
                }
            }
        }
    }

    /// What took time is over. After OK the rest of the line follows.
    fn finish(&mut self, code: ResultCode) {
        self.activity = Activity::Commands;
        if code == ResultCode::Ok {
            return self.run();
        }
        self.commands = Commands::default();
        self.terminal.result(code, &self.settings);
    }

    /// The call has come to nothing.
    fn give_up(&mut self, code: ResultCode) {
        self.hang_up();
        self.finish(code);
    }

    fn break_off(&mut self, code: ResultCode) {
        self.order(Order::Hush);
        self.spoke_until = self.now;
        self.listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc });
        self.finish(code);
    }
}
