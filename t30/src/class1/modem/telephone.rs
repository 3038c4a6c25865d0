//! Going off hook, dialling, answering, hanging up.

use super::*;

impl Modem {
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
