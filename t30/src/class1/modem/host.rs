//! Octets of the host: commands, what is to be sent, and what ends a wait.

use super::*;

/// Octets of the host that wait until the modem can take them.
const MOST_WAITING: usize = 512;

impl Modem {
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

    /// Takes the octets that wait, as far as the modem can take them now.
    pub(super) fn take_waiting(&mut self) {
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

    pub(super) fn octet(&mut self, octet: u8) {
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
}
