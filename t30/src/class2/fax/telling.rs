//! What the host is told of the other machine and of what was agreed.

use super::*;
use crate::frame::bit;

impl Fax {
    /// The other machine is known: the end of dialling and answering.
    pub(super) fn identified(&mut self, identity: Response) {
        if !matches!(self.stage, Stage::Identification) {
            return;
        }
        self.line(Response::Connected, "");
        let peer = self.session.report().peer.clone();
        if let (Some(nsf), true) = (&peer.nsf, self.tells(3)) {
            let octets: Vec<String> = nsf.iter().map(|octet| format!("{octet:02X}")).collect();
            self.line(Response::NonStandard, &format!(":{}", octets.join(" ")));
        }
        if let (Some(ident), true) = (&peer.ident, self.tells(2)) {
            self.line(identity, &format!(":\"{}\"", printable(ident)));
        }
        if self.dialect != Dialect::Two && self.tells(2) {
            for (name, text) in [("+FSA", &peer.sub), ("+FPW", &peer.pwd)] {
                if let Some(text) = text {
                    self.news.push_back(News::Line(format!("{name}:\"{}\"", printable(text))));
                }
            }
        }
        if self.session.is_caller() {
            let bits = peer.capabilities.unwrap_or_default();
            if bits.has(bit::POLLING) {
                self.line(Response::Polled, "");
            }
            let can = Terms::of_machine(&bits);
            if self.tells(0) {
                self.line(Response::Capabilities, &format!(":{}", can.numbers(self.dialect == Dialect::TwoOne)));
            }
        } else {
            self.tell_terms();
        }
        self.done(true);
    }

    /// Whether the host wants to know: `+FNR`. Class 2 has no choice.
    pub(super) fn tells(&self, what: usize) -> bool {
        self.dialect == Dialect::Two || self.options.told[what]
    }

    pub(super) fn tell_terms(&mut self) {
        if let (Some(terms), true) = (self.session.report().terms, self.tells(1)) {
            let numbers = Terms::of_call(&terms).numbers(self.dialect == Dialect::TwoOne);
            self.line(Response::Terms, &format!(":{numbers}"));
        }
    }
}

/// Letters that cannot be taken for anything else.
fn printable(text: &str) -> String {
    text.chars().filter(|letter| (' '..='~').contains(letter) && *letter != '"').collect()
}
