//! V.8 in a call of class 1.0, led by the modem or by its host.

use super::*;
use crate::class1::{
    menu,
    v8::{self, Lead, Talk},
};

impl Modem {
    /// Something has come of V.8.
    pub fn v8(&mut self, event: V8Event<'_>, now: LineTime) {
        self.at(now);
        let Some(talk) = self.talk else { return };
        self.moved = self.now;
        if talk.tells()
            && let Some(line) = told(event, talk)
        {
            self.terminal.line(&line, &self.settings);
        }
        match event {
            V8Event::Answered(tone) => self.v8_answered(talk, tone),
            V8Event::Indicated(_) => {}
            V8Event::Menu(octets) => self.v8_menu(talk, octets),
            V8Event::Joined if talk.lead == Lead::Host && talk.answers => self.v8_pause(),
            V8Event::TimedOut if talk.lead == Lead::Host => self.v8_pause(),
            V8Event::Joined | V8Event::TimedOut => self.proceed(),
        }
        self.take_waiting();
    }

    /// Begins V.8, if the host wants it and this class has it.
    pub(super) fn begin_v8(&mut self, answers: bool) -> bool {
        let lead = self.settings.v8.lead(answers).filter(|_| self.settings.class == Class::OneV8);
        self.talk = lead.map(|lead| Talk::new(lead, answers));
        if self.talk.is_some() {
            let function = self.settings.v8.indicates();
            self.v8_order(if answers { V8Order::Answer(ANSWER_SILENCE) } else { V8Order::Call(function) });
        }
        self.talk.is_some()
    }

    fn v8_answered(&mut self, talk: Talk, tone: V8Tone) {
        // Frames may have come first: the host has them.
        if !matches!(self.activity, Activity::Receiving(Receiving { answer_by: Some(_), .. })) {
            return self.end_v8();
        }
        match talk.lead {
            Lead::Host => {
                self.order(Order::Hush);
                self.v8_pause();
            }
            Lead::Modem { .. } if tone == V8Tone::Modulated => {
                self.order(Order::Hush);
                self.v8_order(V8Order::Offer(menu::of_fax()));
                self.activity = Activity::Negotiating;
            }
            Lead::Modem { .. } => self.end_v8(),
        }
    }

    fn v8_menu(&mut self, talk: Talk, octets: &[u8]) {
        self.talk = Some(Talk { agreed: true, ..talk });
        match talk.lead {
            Lead::Host => self.v8_pause(),
            Lead::Modem { .. } if talk.answers => self.v8_order(V8Order::Offer(menu::joint(octets))),
            Lead::Modem { .. } => self.v8_order(V8Order::Join),
        }
    }

    /// The host is to say what comes next.
    fn v8_pause(&mut self) {
        self.finish(ResultCode::Ok);
    }

    /// `+A8M`: the host's menu. One that promises what there is not is refused, and the negotiation stays where it is.
    pub(super) fn offer_menu(&mut self, text: &str) -> Result<Done, NotTaken> {
        let led = self.talk.is_some_and(|talk| talk.lead == Lead::Host);
        let octets = v8::octets(text)?;
        if !led || !menu::can_be_kept(&octets) {
            return Err(NotTaken);
        }
        self.v8_order(V8Order::Offer(octets));
        self.activity = Activity::Negotiating;
        Ok(Done::Begun)
    }

    /// `ATO`: the host goes on. None: there is nothing to go on with.
    pub(super) fn go_on(&mut self) -> Option<Done> {
        let talk = self.talk.filter(|talk| talk.lead == Lead::Host)?;
        if talk.agreed && !talk.answers {
            self.v8_order(V8Order::Join);
            self.activity = Activity::Negotiating;
        } else {
            self.proceed();
        }
        Some(Done::Begun)
    }

    /// T.30 begins, as it would have without V.8.
    pub(super) fn proceed(&mut self) {
        let Some(talk) = self.talk else { return };
        self.end_v8();
        if talk.answers {
            return self.begin_sending(Carrier::V21, Framing::Hdlc, self.now);
        }
        // JM is no carrier of frames, though it looks like one.
        if !self.hearing.has_frames() {
            self.hearing.clear();
        }
        self.activity = Activity::Receiving(self.awaits_answer());
        self.give_frame();
    }

    pub(super) fn end_v8(&mut self) {
        if self.talk.take().is_some() {
            self.v8_order(V8Order::Stop);
        }
    }

    fn v8_order(&mut self, order: V8Order) {
        self.out.push_back(Output::V8(order));
    }
}

/// What the host is told of it.
fn told(event: V8Event<'_>, talk: Talk) -> Option<String> {
    Some(match event {
        V8Event::Answered(tone) => format!("+A8A:{}", tone as u8),
        V8Event::Indicated(function) => format!("+A8I:{function:02X}"),
        V8Event::Menu(octets) => format!("+A8M:{}", v8::hexadecimal(octets)),
        V8Event::Joined => "+A8J:1".to_owned(),
        V8Event::TimedOut if talk.agreed => "+A8J:0".to_owned(),
        V8Event::TimedOut => "+A8M:0".to_owned(),
    })
}
