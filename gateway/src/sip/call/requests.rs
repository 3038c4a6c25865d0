//! Requests of the far end in a call.

use super::{Call, SDP, State};
use crate::{
    sdp::{self, Description, NoAnswer},
    sip::{
        End, Tidings,
        core::{Core, Hop, key},
        dialog::{METHODS, SUPPORTED},
        message::Message,
        timer::{self, SessionTimer},
    },
};

impl Call {
    /// A request in the dialog.
    pub(in crate::sip) fn handle_request(&mut self, core: &mut Core, request: &Message, hop: Hop) {
        let number = request.sequence().unwrap_or_default();
        if request.method() == "ACK" {
            return self.acknowledged(core, request, number);
        }
        if request.method() == "CANCEL" {
            return self.cancelled(core, request);
        }
        if self.dialog.heard.is_some_and(|heard| number <= heard) {
            return core.refuse(request, 500, "Server Internal Error");
        }
        self.dialog.heard = Some(number);
        if self.dialog.hop.transport == hop.transport {
            self.dialog.hop.connection = hop.connection.or(self.dialog.hop.connection);
        }
        match request.method() {
            "BYE" => self.left(core, request),
            "INVITE" => self.offered(core, request),
            "UPDATE" => self.updated(core, request),
            "INFO" => self.informed(core, request),
            "OPTIONS" => {
                let ok = core.response(request, 200, "OK").with("Accept", SDP).with("Allow", METHODS);
                core.respond(&key(request), &ok.with("Supported", SUPPORTED));
            }
            "PRACK" => self.proved(core, request),
            "NOTIFY" => core.refuse(request, 200, "OK"),
            _ => {
                let refusal = core.response(request, 405, "Method Not Allowed").with("Allow", METHODS);
                core.respond(&key(request), &refusal);
            }
        }
        self.go_on(core);
    }

    pub(super) fn acknowledged(&mut self, core: &mut Core, ack: &Message, number: u32) {
        let Some(answer) = self.unacknowledged.take_if(|answer| answer.sequence == number) else { return };
        core.acknowledged(&answer.key);
        if let (Some(wanted), Some(body)) = (answer.offered, ack.description()) {
            match sdp::agreed(&self.local, wanted, &Description::read(body)) {
                Ok(agreed) => self.take(core, agreed),
                Err(NoAnswer::Unsealed) => self.tell(core, Tidings::Unsealed),
                Err(_) => {}
            }
        }
        self.go_on(core);
    }

    /// Our answer was told for as long as it is told, and never acknowledged: RFC 3261 13.3.1.4 and 14.2.
    pub(super) fn acknowledgement_due(&mut self, core: &mut Core) {
        if self.unacknowledged.take_if(|answer| answer.until <= core.now).is_some() {
            self.say_goodbye(core);
            self.end(core, End::far_hung_up("the far end did not acknowledge our answer".into()));
        }
    }

    pub(super) fn cancelled(&mut self, core: &mut Core, cancel: &Message) {
        let State::Ringing(invite) = &self.state else { return };
        let invite = invite.clone();
        if key(&invite) == key(cancel) {
            self.reject(core, 487, "Request Terminated");
            self.tell(core, Tidings::Ended(End::cancelled()));
        }
    }

    pub(super) fn left(&mut self, core: &mut Core, bye: &Message) {
        core.refuse(bye, 200, "OK");
        self.reject_open(core);
        let reason = bye.header("Reason").unwrap_or_default().to_owned();
        self.end(core, End::far_hung_up(reason));
    }

    pub(super) fn reject_open(&mut self, core: &mut Core) {
        if let State::Ringing(invite) = &self.state {
            let mut response = core.response(invite, 487, "Request Terminated");
            response.set("To", &self.dialog.local);
            core.respond(&key(invite), &response);
        }
        // Our answer need not be told any more: who says BYE has heard it.
        if let Some(answer) = self.unacknowledged.take() {
            core.acknowledged(&answer.key);
        }
    }

    /// It was heard that it rings, RFC 3262 3.
    fn proved(&mut self, core: &mut Core, prack: &Message) {
        let said: Vec<&str> = prack.header("RAck").unwrap_or_default().split_whitespace().collect();
        if self.unproved.take_if(|(wanted, _)| *wanted == said.join(" ")).is_none() {
            return core.refuse(prack, 481, "Call/Transaction Does Not Exist");
        }
        // Once the call is answered it is the answer that is told again.
        if let State::Ringing(invite) = &self.state {
            core.acknowledged(&key(invite));
        }
        core.refuse(prack, 200, "OK");
    }

    /// An offer in the call, or a refresh. While another is under way, or our answer to one is not acknowledged, it has to
    /// come again, RFC 3261 14.2.
    pub(super) fn offered(&mut self, core: &mut Core, invite: &Message) {
        if !self.is_free() {
            let mut refusal = core.response(invite, 491, "Request Pending");
            refusal.set("To", &self.dialog.local);
            return core.respond(&key(invite), &refusal);
        }
        if self.too_short(core, invite) {
            return;
        }
        self.dialog.refresh(invite);
        self.accept(core, invite, false);
    }

    pub(super) fn updated(&mut self, core: &mut Core, update: &Message) {
        if update.description().is_some() {
            return self.offered(core, update);
        }
        if self.too_short(core, update) {
            return;
        }
        self.dialog.refresh(update);
        let mut ok = core.response(update, 200, "OK").with("Contact", core.profile.contact_uri());
        if let Some(expires) = timer::answer(update, core.profile.session_expires) {
            ok = ok.with("Session-Expires", expires);
            self.timer = SessionTimer::agreed(&ok, false, core.now);
        }
        core.respond(&key(update), &ok);
    }
}
