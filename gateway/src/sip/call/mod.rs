//! One call: its dialog, what was offered and answered in it, and what its media are now.
//!
//! ```text
//!  Inviting ─▶ Up ─▶ Over             one offer under way at most: ours (`ours`), or theirs (answered at once)
//!  Ringing ──▶ ┘                       what we still want of the call (`wishes`): tried one after the other
//! ```

mod digits;
mod offers;
mod refresh;
mod requests;
mod responses;

use std::{collections::VecDeque, time::Duration};

use super::{
    CallId, End, Output, Tidings,
    core::{Core, Hop, Owner, key},
    dialog::{Dialog, METHODS},
    message::Message,
    timer::SessionTimer,
};
use crate::sdp::{Agreed, Direction, Local, Wanted};

/// What is not said in words.
const SDP: &str = "application/sdp";

/// Where a call stands.
#[derive(Debug)]
enum State {
    /// INVITE was sent; whether it was taken back, and whether anything was heard of it.
    Inviting {
        cancelled: bool,
        heard: bool,
    },
    /// INVITE came.
    Ringing(Box<Message>),
    Up,
    Over,
}

/// A call.
pub(super) struct Call {
    id: CallId,
    pub(super) dialog: Dialog,
    state: State,
    local: Local,
    /// What both do now, and what of ours led to it.
    agreed: Option<Agreed>,
    /// Our offer under way, and its number.
    ours: Option<(Wanted, u32)>,
    /// The ACK of our last offer, for those who did not hear it.
    acknowledgement: Option<(u32, Vec<u8>, Hop)>,
    /// An answer of ours that is not acknowledged: what names it, its number, and our offer in it, if it is one.
    unacknowledged: Option<(String, u32, Option<Wanted>)>,
    /// What we want, best first.
    wishes: VecDeque<Wanted>,
    wish_at: Option<Duration>,
    timer: Option<SessionTimer>,
    expires: u32,
    /// Whether the far end takes UPDATE.
    updates: bool,
    /// The status of the last refusal.
    refused: u16,
}

impl Call {
    /// Calls somebody.
    pub(super) fn dial(core: &mut Core, id: CallId, target: String, hop: Hop, local: Local) -> Self {
        let dialog = Dialog::calling(core, target, hop);
        let expires = core.profile.session_expires;
        let state = State::Inviting { cancelled: false, heard: false };
        let mut call = Self::new(id, dialog, state, local, expires);
        let wanted = Wanted::Audio(Direction::SendRecv);
        call.ours = Some((wanted, 1));
        let hop = call.dialog.hop;
        let invite = call.dialog.numbered("INVITE", 1, &core.profile);
        let invite = call.offering(invite, wanted).with("Accept-Contact", core.profile.fax_preference());
        let asserted = core.profile.caller_id.as_ref().map(|it| format!("<sip:{it}@{}>", core.profile.domain));
        core.request(invite.with_some("P-Preferred-Identity", asserted), hop, Owner::Call(id));
        call
    }

    /// A call that came; it rings until it is answered.
    pub(super) fn ring(core: &mut Core, id: CallId, invite: &Message, hop: Hop, local: Local) -> Self {
        let trying = core.response(invite, 100, "Trying");
        core.respond(&key(invite), &trying);
        let to = format!("{};tag={}", invite.header("To").unwrap_or_default(), core.word());
        let dialog = Dialog::called(invite, &to, hop);
        let expires = core.profile.session_expires;
        let mut call = Self::new(id, dialog, State::Ringing(Box::new(invite.clone())), local, expires);
        call.updates = invite.lists("Allow", "UPDATE");
        call
    }

    fn new(id: CallId, dialog: Dialog, state: State, local: Local, expires: u32) -> Self {
        Self {
            id,
            dialog,
            state,
            local,
            agreed: None,
            ours: None,
            acknowledgement: None,
            unacknowledged: None,
            wishes: VecDeque::new(),
            wish_at: None,
            timer: None,
            expires,
            updates: false,
            refused: 0,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether a request or a response in a dialog is of this call.
    pub(super) fn is_of(&self, message: &Message, our_tag: Option<&str>) -> bool {
        message.header("Call-ID") == Some(self.dialog.id.as_str()) && our_tag == self.dialog.our_tag()
    }

    /// Whether the same call came by two ways.
    pub(super) fn is_same_invitation(&self, invite: &Message) -> bool {
        let same = |one: Option<&str>, other: Option<&str>| one == other;
        invite.header("Call-ID") == Some(self.dialog.id.as_str())
            && same(invite.tag("From"), self.dialog.far_tag())
            && invite.sequence() == self.dialog.heard
    }

    fn tell(&self, core: &mut Core, tidings: Tidings) {
        core.outputs.push_back(Output::Tell(self.id, tidings));
    }

    fn end(&mut self, core: &mut Core, end: End) {
        if !self.is_over() {
            self.state = State::Over;
            self.tell(core, Tidings::Ended(end));
        }
    }

    /// Our answer's or offer's media are at that port.
    pub(super) fn set_local(&mut self, local: Local) {
        self.local = local;
    }

    /// Tells that it rings.
    pub(super) fn alert(&mut self, core: &mut Core) {
        if let State::Ringing(invite) = &self.state {
            let ringing = self.tagged(core.response(invite, 180, "Ringing"), core);
            core.respond(&key(invite), &ringing);
        }
    }

    fn tagged(&self, mut response: Message, core: &Core) -> Message {
        response.set("To", &self.dialog.local);
        response.with("Contact", core.profile.contact_uri()).with("Allow", METHODS).with("Supported", "timer")
    }

    /// Answers a call that rings.
    pub(super) fn answer(&mut self, core: &mut Core) {
        let State::Ringing(invite) = std::mem::replace(&mut self.state, State::Up) else { return };
        if !core.is_open(&key(&invite)) {
            self.state = State::Over;
            return;
        }
        if !self.accept(core, &invite, true) {
            self.end(core, End::refused(488, "no media in common"));
        }
    }

    /// Turns a call that rings away.
    pub(super) fn reject(&mut self, core: &mut Core, status: u16, reason: &str) {
        let State::Ringing(invite) = std::mem::replace(&mut self.state, State::Over) else { return };
        if core.is_open(&key(&invite)) {
            let mut response = core.response(&invite, status, reason);
            response.set("To", &self.dialog.local);
            core.respond(&key(&invite), &response);
        }
    }

    /// Hangs up, wherever the call stands.
    pub(super) fn hang_up(&mut self, core: &mut Core) {
        match &mut self.state {
            State::Inviting { cancelled, heard } => {
                let now = *heard && !*cancelled;
                *cancelled = true;
                if now {
                    core.cancel(self.id);
                }
            }
            State::Ringing(_) => self.reject(core, 480, "Temporarily Unavailable"),
            State::Up => {
                self.say_goodbye(core);
                self.state = State::Over;
            }
            State::Over => {}
        }
    }

    fn say_goodbye(&mut self, core: &mut Core) {
        let (bye, hop) = self.dialog.request("BYE", core);
        core.request(bye, hop, Owner::Call(self.id));
    }

    /// What is due.
    pub(super) fn tick(&mut self, core: &mut Core) {
        if self.timer.is_some_and(|timer| timer.due() <= core.now) {
            self.session_due(core);
        }
        self.go_on(core);
    }

    pub(super) fn due(&self) -> Option<Duration> {
        let wish = self.wish_at.filter(|_| !self.wishes.is_empty());
        [wish, self.timer.map(|timer| timer.due())].into_iter().flatten().min()
    }
}
