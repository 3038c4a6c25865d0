//! Calls of Class 2: the modem's own T.30 between its host and the line.

use super::*;
use crate::session::Follows;

/// Whether the command moves a call on, and is more than a setting.
pub(super) fn is_action(name: &str) -> bool {
    matches!(name, "+FDT" | "+FDR" | "+FET" | "+FK" | "+FKS")
}

impl Modem {
    pub(super) fn begin_fax(&mut self, fax: Fax) {
        self.fax = Some(Box::new(fax));
        self.activity = Activity::Fax;
        self.drain_fax();
    }

    /// The commands of a call.
    pub(super) fn fax_command(&mut self, name: &str, wanted: &Wanted) -> Result<Done, NotTaken> {
        if !matches!(self.settings.class, Class::Two(_)) {
            return Err(NotTaken);
        }
        let now = self.now;
        let Some(fax) = &mut self.fax else {
            // A call that is over is ended.
            return if matches!(name, "+FK" | "+FKS") { Ok(Done::Next) } else { Err(NotTaken) };
        };
        let begun = match (name, wanted) {
            ("+FDT", Wanted::Act) => fax.transmit(self.settings.pages.terms(), now),
            ("+FDT", Wanted::Set(text)) => {
                let terms = self.settings.pages.terms().for_page(text).ok_or(NotTaken)?;
                fax.transmit(terms, now)
            }
            ("+FDR", Wanted::Act) => fax.receive(self.settings.pages.takes_page(), now),
            ("+FET", Wanted::Set(text)) => fax.page_ends(follows(text).ok_or(NotTaken)?, now),
            ("+FK" | "+FKS", Wanted::Act) => fax.cancel(now),
            _ => return Err(NotTaken),
        };
        if !begun {
            return Err(NotTaken);
        }
        self.activity = Activity::Fax;
        self.drain_fax();
        Ok(Done::Begun)
    }

    pub(super) fn fax_event(&mut self, event: Stamped<LineEvent<'_>>) {
        self.moved = self.now;
        if let Some(fax) = &mut self.fax {
            fax.handle(event);
        }
        self.drain_fax();
        self.take_waiting();
    }

    pub(super) fn fax_timeout(&mut self) {
        if let Some(fax) = &mut self.fax {
            fax.handle_timeout(self.now);
            self.drain_fax();
        }
    }

    pub(super) fn fax_lost(&mut self) {
        if let Some(fax) = &mut self.fax {
            fax.line_lost(self.now);
        }
        self.drain_fax();
        self.hang_up();
        self.take_waiting();
    }

    pub(super) fn fax_fill(&mut self, buf: &mut [u8]) -> (usize, Cut) {
        let Some(fax) = &mut self.fax else { return (0, Cut::More) };
        let filled = fax.fill(buf);
        if filled.0 > 0 {
            self.moved = self.now;
        }
        self.take_waiting();
        filled
    }

    pub(super) fn fax_octet(&mut self, octet: u8) {
        let Some(fax) = &mut self.fax else { return };
        if fax.is_given_page() && matches!(octet, XON | XOFF | CAN) {
            self.terminal.pause(octet == XOFF);
        }
        if fax.octet(octet, self.now) {
            return self.drain_fax();
        }
        if octet == CAN || !fax.is_moving_page() {
            fax.cancel(self.now);
        }
        self.drain_fax();
    }

    /// Moves what the call wants to where it belongs.
    fn drain_fax(&mut self) {
        while let Some(fax) = &mut self.fax {
            match fax.poll() {
                Ok(order) => self.order(order),
                Err(until) => {
                    self.fax_due = until.into_iter().chain(fax.due()).min();
                    let room = !self.terminal.is_filling();
                    match fax.news(room) {
                        Some(news) => self.tell_news(news),
                        None if fax.is_over() => return self.hang_up(),
                        None => return,
                    }
                }
            }
        }
    }

    fn tell_news(&mut self, news: News) {
        let settings = &self.settings;
        match news {
            News::Line(text) => self.terminal.line(&text, settings),
            News::Connect => self.terminal.result(ResultCode::Connect, settings),
            News::Octet(octet) => self.terminal.echo(octet),
            // There is room: the call asks before.
            News::Data(octets) => drop(self.terminal.data(&octets, settings)),
            News::EndOfData => self.terminal.end_of_data(),
            News::Done(well) => {
                let over = self.fax.as_ref().is_some_and(|fax| fax.is_over());
                if over {
                    self.hang_up();
                }
                self.finish(if well { ResultCode::Ok } else { ResultCode::Error });
            }
        }
    }
}

/// Breaks a page off.
const CAN: u8 = 0x18;

fn follows(text: &str) -> Option<Follows> {
    Some(match text.trim() {
        "0" => Follows::Page,
        "1" => Follows::Document,
        "2" => Follows::Nothing,
        _ => return None,
    })
}
