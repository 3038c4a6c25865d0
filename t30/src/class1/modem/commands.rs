//! Carrying out the commands of a line.

use super::*;

/// How long a host may take to ask for silence behind our signal, and have it counted.
const HOST_DELAY: LineSpan = LineSpan::ms(60);

impl Modem {
    pub(super) fn execute(&mut self, command: Command) -> Result<Done, NotTaken> {
        match command {
            Command::Basic { name, value } => self.basic(&name, value),
            Command::SetRegister(number, value) => self.settings.set_register(number, value).map(|()| Done::Next),
            Command::AskRegister(number) => {
                let value = self.settings.register(number)?;
                self.tell(&format!("{value:03}"))
            }
            Command::Dial(text) => Ok(self.dial(&text)),
            Command::Extended { name, wanted } => self.extended(&name, wanted),
        }
    }

    pub(super) fn tell(&mut self, text: &str) -> Result<Done, NotTaken> {
        self.terminal.line(text, &self.settings);
        Ok(Done::Next)
    }

    pub(super) fn basic(&mut self, name: &str, value: u32) -> Result<Done, NotTaken> {
        match (name, value) {
            ("A", _) => {
                self.answer();
                return Ok(Done::Begun);
            }
            ("H", 0) => self.hang_up(),
            ("H", 1) => self.busy_out(),
            ("Z", 0 | 1) => {
                self.hang_up();
                self.settings = Settings::new();
            }
            ("I", value) => return self.tell(identity::information(value).ok_or(NotTaken)?),
            ("O", _) => return Ok(self.go_on().unwrap_or(Done::Over(ResultCode::NoCarrier))),
            ("&V", 0) => self.view(),
            _ => self.settings.letter(name, value)?,
        }
        Ok(Done::Next)
    }

    /// The settings, for people.
    pub(super) fn view(&mut self) {
        for number in 0..=12 {
            let value = self.settings.register(number).unwrap_or(0);
            self.terminal.line(&format!("S{number:02}={value:03}"), &self.settings);
        }
        for name in Settings::names() {
            let value = self.settings.value(name).unwrap_or_default();
            self.terminal.line(&format!("{name}={value}"), &self.settings);
        }
    }

    pub(super) fn extended(&mut self, name: &str, wanted: Wanted) -> Result<Done, NotTaken> {
        if let Some(text) = identity::extended(name).filter(|_| matches!(wanted, Wanted::Act | Wanted::Ask)) {
            return self.tell(text);
        }
        match (name, wanted) {
            ("+FCLASS", wanted) => self.class(wanted),
            ("+FTS", wanted) => self.transmit_silence(wanted),
            ("+FRS", wanted) => self.receive_silence(wanted),
            ("+FTM", wanted) => self.transmit(wanted, Framing::Raw),
            ("+FTH", wanted) => self.transmit(wanted, Framing::Hdlc),
            ("+FRM", wanted) => self.receive(wanted, Framing::Raw),
            ("+FRH", wanted) => self.receive(wanted, Framing::Hdlc),
            (name, wanted) if fax::is_action(name) && wanted != Wanted::Test => self.fax_command(name, &wanted),
            ("+A8M", Wanted::Set(text)) => self.offer_menu(&text),
            ("+FIP", Wanted::Act) => {
                self.settings.pages.renew();
                Ok(Done::Next)
            }
            (name, Wanted::Set(text)) => self.settings.set(name, &text).map(|()| Done::Next),
            (name, Wanted::Ask) => self.tell(&self.settings.value(name)?),
            (name, Wanted::Test) => self.tell(Settings::range(name)?),
            (_, Wanted::Act) => Err(NotTaken),
        }
    }

    pub(super) fn class(&mut self, wanted: Wanted) -> Result<Done, NotTaken> {
        match wanted {
            Wanted::Set(name) => self.settings.set_class(&name).map(|()| Done::Next),
            Wanted::Ask => self.tell(self.settings.class_name()),
            Wanted::Test => self.tell(&Settings::class_names()),
            Wanted::Act => Err(NotTaken),
        }
    }

    /// The number that a command of Class 1 is given; it needs the class, and a call where `calls` says so.
    pub(super) fn action(&mut self, wanted: &Wanted, test: &str) -> Result<Option<u32>, NotTaken> {
        let classed = matches!(self.settings.class, Class::One | Class::OneV8);
        match wanted {
            Wanted::Test => self.tell(test).map(|_| None),
            Wanted::Set(number) if classed && self.hook == Hook::Off => number.parse().map(Some).map_err(|_| NotTaken),
            _ => Err(NotTaken),
        }
    }

    pub(super) fn transmit_silence(&mut self, wanted: Wanted) -> Result<Done, NotTaken> {
        let Some(number) = self.action(&wanted, "0-255")?.filter(|number| *number <= 255) else {
            return if wanted == Wanted::Test { Ok(Done::Next) } else { Err(NotTaken) };
        };
        // The silence while the host took its time to ask counts too.
        let span = LineSpan::ms(10) * u64::from(number);
        let until = (self.spoke_until + span).max(self.now + span - HOST_DELAY).max(self.now);
        self.activity = Activity::Silence { until };
        Ok(Done::Begun)
    }

    pub(super) fn receive_silence(&mut self, wanted: Wanted) -> Result<Done, NotTaken> {
        let Some(number) = self.action(&wanted, "0-255")?.filter(|number| *number <= 255) else {
            return if wanted == Wanted::Test { Ok(Done::Next) } else { Err(NotTaken) };
        };
        self.activity = Activity::AwaitSilence { span: LineSpan::ms(10) * u64::from(number), since: None };
        Ok(Done::Begun)
    }

    pub(super) fn transmit(&mut self, wanted: Wanted, framing: Framing) -> Result<Done, NotTaken> {
        let Some(carrier) = self.carrier(&wanted, framing)? else { return Ok(Done::Next) };
        self.activity = Activity::AwaitTurn { carrier, framing, asked: self.now };
        self.take_turn();
        Ok(Done::Begun)
    }

    pub(super) fn receive(&mut self, wanted: Wanted, framing: Framing) -> Result<Done, NotTaken> {
        let Some(carrier) = self.carrier(&wanted, framing)? else { return Ok(Done::Next) };
        self.listen(Listen::To { carrier, framing });
        let receiving = Receiving { carrier, framing, connected: false, answer_by: None, loss_until: None };
        self.activity = Activity::Receiving(receiving);
        if framing == Framing::Hdlc {
            self.give_frame();
        }
        Ok(Done::Begun)
    }

    pub(super) fn carrier(&mut self, wanted: &Wanted, framing: Framing) -> Result<Option<Carrier>, NotTaken> {
        let frames = framing == Framing::Hdlc;
        let Some(number) = self.action(wanted, &modulation::numbers(frames))? else { return Ok(None) };
        let carrier = if frames { modulation::framed(number) } else { modulation::fast(number) };
        carrier.map(Some).ok_or(NotTaken)
    }
}
