//! The modem itself: what the host says and what the line brings, and what follows from it.

mod commands;
mod fax;
mod host;
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

/// Silence after going off hook to answer, ITU-T T.30 4.3.1: 1.8 to 2.5 s.
const ANSWER_SILENCE: LineSpan = LineSpan::ms(1900);

/// Off hook, and neither the host nor the line moves for so long: nobody is there any more.
const FORGOTTEN: LineSpan = LineSpan::ms(90_000);

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
