//! Answers to requests of ours, and what is acknowledged.

use super::{Call, State};
use crate::{
    sdp::{self, Description},
    sip::{
        End,
        core::{Core, Owner},
        message::Message,
        timer::{LEAST, SessionTimer},
    },
};

impl Call {
    /// The answer to a request of ours.
    pub(in crate::sip) fn handle_response(&mut self, core: &mut Core, request: &Message, response: &Message) {
        match request.method() {
            "INVITE" => self.invite_answered(core, request, response),
            "UPDATE" if response.status().is_some_and(|status| (200..300).contains(&status)) => {
                let same = self.timer.map(|timer| timer.refreshed(core.now));
                self.timer = SessionTimer::agreed(response, true, core.now).or(same);
            }
            "UPDATE" if matches!(response.status(), Some(405 | 501)) => self.updates = false,
            // Whoever does not know the call any more has hung up. RFC 3261 12.2.1.2.
            "UPDATE" | "INFO" if matches!(response.status(), Some(481 | 408)) => {
                self.end(core, End::far_hung_up("the far end does not know the call any more".into()));
            }
            _ => {}
        }
        self.go_on(core);
    }

    /// Our request went again with another number, to show who we are.
    pub(in crate::sip) fn renumbered(&mut self, request: &Message, sequence: u32) {
        self.dialog.sequence = self.dialog.sequence.max(sequence);
        if let Some((_, number)) = self.ours.as_mut().filter(|(_, number)| request.sequence() == Some(*number)) {
            *number = sequence;
            // What was heard was heard of the one before.
            if let State::Inviting { heard, .. } = &mut self.state {
                *heard = false;
            }
        }
    }

    pub(super) fn invite_answered(&mut self, core: &mut Core, request: &Message, response: &Message) {
        let status = response.status().unwrap_or_default();
        let first = matches!(self.state, State::Inviting { .. });
        match status {
            ..=199 => self.provisional(core, response, status),
            200..=299 => self.accepted(core, request, response),
            422 if self.lengthen(response) => self.once_more(core),
            _ if first => self.turned_away(core, response, status),
            491 => {
                self.ours = None;
                // Who made the call waits longer, RFC 3261 14.1.
                let ours = self.dialog.heard.is_none();
                self.wish_at = Some(core.now + if ours { core.some_time(2100, 4000) } else { core.some_time(0, 2000) });
            }
            408 | 481 => {
                self.ours = None;
                self.say_goodbye(core);
                self.end(core, End::far_hung_up("the far end does not answer in the call any more".into()));
            }
            _ => self.declined(core, status),
        }
    }

    /// Asks for the least interval that the far end takes, RFC 4028 7.4; false if that is no longer than what was asked.
    fn lengthen(&mut self, response: &Message) -> bool {
        let least = response.number("Min-SE").map_or(1800, |least| least.clamp(LEAST.into(), 86_400) as u32);
        let longer = self.expires > 0 && least > self.expires && !self.is_given_up();
        if longer {
            self.expires = least;
        }
        longer
    }

    pub(super) fn once_more(&mut self, core: &mut Core) {
        let Some((wanted, _)) = self.ours else { return };
        if let State::Inviting { heard, .. } = &mut self.state {
            *heard = false;
            self.dialog.sequence += 1;
            self.ours = Some((wanted, self.dialog.sequence));
            let invite = self.invitation(core, wanted);
            core.request(invite, self.dialog.hop, Owner::Call(self.id));
        } else {
            self.offer(core, wanted);
        }
    }

    pub(super) fn accepted(&mut self, core: &mut Core, request: &Message, response: &Message) {
        let first = matches!(self.state, State::Inviting { .. });
        let number = request.sequence().unwrap_or_default();
        if first {
            self.dialog.answered(response);
        } else {
            self.dialog.refresh(response);
        }
        self.acknowledge(core, number);
        let wanted = self.ours.take().map(|(wanted, _)| wanted);
        self.timer = SessionTimer::agreed(response, true, core.now);
        self.updates |= response.lists("Allow", "UPDATE");
        if let State::Inviting { cancelled, .. } = self.state {
            self.state = State::Up;
            if cancelled {
                self.say_goodbye(core);
                return self.end(core, End::cancelled());
            }
        }
        let Some(wanted) = wanted else { return };
        let early = self.agreed_early(response).filter(|_| first && response.description().is_none());
        let answer = Description::read(response.description().unwrap_or_default());
        let agreed = early.map_or_else(|| sdp::agreed(&self.offering_side(), wanted, &answer), Ok);
        self.settled(core, wanted, agreed, first);
    }

    pub(super) fn acknowledge(&mut self, core: &mut Core, number: u32) {
        let ack = self.dialog.numbered("ACK", number, &core.profile);
        let hop = self.dialog.next_hop(&core.profile);
        let octets = core.acknowledge(ack, hop);
        self.acknowledgement = Some((number, octets, hop));
    }

    /// A 2xx that came again, or from a second telephone that rang.
    pub(in crate::sip) fn answered_again(&mut self, core: &mut Core, response: &Message) {
        if response.tag("To") == self.dialog.far_tag() {
            let number = response.sequence().unwrap_or_default();
            if let Some((_, octets, hop)) = self.acknowledgement.clone().filter(|(known, ..)| *known == number) {
                core.send(hop, octets);
            }
            return;
        }
        let mut other = self.dialog.clone();
        other.answered(response);
        let ack = other.numbered("ACK", response.sequence().unwrap_or_default(), &core.profile);
        let hop = other.next_hop(&core.profile);
        core.acknowledge(ack, hop);
        let (bye, hop) = other.request("BYE", core);
        core.request(bye, hop, Owner::Call(self.id));
    }
}
