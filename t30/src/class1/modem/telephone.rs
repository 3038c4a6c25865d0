//! Rings, going off hook, dialling, answering, hanging up.

use super::*;

/// Rings further apart than this are of two calls.
const RING_GAP: LineSpan = LineSpan::ms(8000);

/// Seconds that dialling itself may take beyond the wait for the answer.
const DIALLING: LineSpan = LineSpan::ms(30_000);

impl Modem {
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
    pub(super) fn is_unanswered(&self) -> bool {
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

    pub(super) fn dial(&mut self, text: &str) -> Done {
        let seconds = |number| u32::from(self.settings.register(number).unwrap_or(0));
        let times = DialTimes {
            before: seconds(6),
            answer: seconds(7),
            comma: seconds(8),
            waits: matches!(self.settings.progress, 2 | 4),
        };
        let dial = dial::read(text, self.settings.pulses, times);
        if dial.stored || self.hook == Hook::Busy {
            return Done::Over(ResultCode::Error);
        }
        self.connect(LineOrder::Dial(dial.steps), false, dial.back_to_commands);
        Done::Begun
    }

    pub(super) fn answer(&mut self) {
        self.last_ring = None;
        self.connect(LineOrder::Answer, true, false);
    }

    pub(super) fn connect(&mut self, order: LineOrder, answers: bool, back_to_commands: bool) {
        self.hook = Hook::Off;
        self.moved = self.now;
        // Every call has a front end of its own, which listens for nothing.
        self.listening = Listen::Nothing;
        self.hearing.clear();
        self.out.push_back(Output::Line(order));
        let give_up = self.now + self.settings.seconds(7) + DIALLING;
        self.activity = Activity::Connecting { answers, back_to_commands, give_up };
    }

    pub(super) fn busy_out(&mut self) {
        if self.hook == Hook::On {
            self.hook = Hook::Busy;
            self.out.push_back(Output::Line(LineOrder::BusyOut));
        }
    }

    pub(super) fn hang_up(&mut self) {
        if self.hook == Hook::Off {
            self.order(Order::Hush);
            self.listen(Listen::Nothing);
        }
        if self.hook != Hook::On {
            self.out.push_back(Output::Line(LineOrder::HangUp));
        }
        self.hook = Hook::On;
        (self.fax, self.fax_due) = (None, None);
        self.end_v8();
        self.hearing.clear();
        self.settings.forget_rings();
    }

    pub(super) fn begin_calling(&mut self) {
        match self.settings.class {
            Class::One | Class::OneV8 => {
                self.listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc });
                self.begin_v8(false);
                // CI stands in the place of CNG.
                if self.settings.v8.indicates().is_none() || self.talk.is_none() {
                    self.order(Order::Send { signal: Signal::Cng, at: self.now });
                }
                self.activity = Activity::Receiving(self.awaits_answer());
            }
            Class::Two(dialect) => self.begin_fax(Fax::calling(dialect, self.settings.pages.options(), self.now)),
            Class::Data => self.give_up(ResultCode::NoCarrier),
        }
    }

    /// The other side's first frames, which S7 gives time.
    pub(super) fn awaits_answer(&self) -> Receiving {
        let answer_by = Some(self.now + self.settings.seconds(7));
        let (carrier, framing) = (Carrier::V21, Framing::Hdlc);
        Receiving { carrier, framing, connected: false, answer_by, loss_until: None }
    }

    pub(super) fn begin_answering(&mut self) {
        match self.settings.class {
            Class::One | Class::OneV8 => {
                self.listen(Listen::Nothing);
                if self.begin_v8(true) {
                    self.activity = Activity::Negotiating;
                } else {
                    self.order(Order::Send { signal: Signal::Ced, at: self.now + ANSWER_SILENCE });
                    self.activity = Activity::AnswerTone;
                }
            }
            Class::Two(dialect) => self.begin_fax(Fax::answering(dialect, self.settings.pages.options(), self.now)),
            Class::Data => self.give_up(ResultCode::NoCarrier),
        }
    }

    pub(super) fn listen(&mut self, listen: Listen) {
        if self.listening != listen {
            self.listening = listen;
            self.order(Order::Listen(listen));
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        self.out.push_back(Output::Order(order));
    }
}
