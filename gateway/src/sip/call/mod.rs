//! One call: its dialog, what was offered and answered in it, and what its media are now.
//!
//! ```text
//!  Inviting ─▶ Up ─▶ Over             one offer under way at most: ours (`ours`), or theirs (answered at once)
//!  Ringing ──▶ ┘                       what we still want of the call (`wishes`): tried one after the other
//! ```

mod digits;
mod offers;
mod placing;
mod refresh;
mod requests;
mod responses;

use std::{collections::VecDeque, time::Duration};

use self::placing::Way;
use super::{
    CallId, End, Output, Tidings,
    core::{Core, Hop, Owner, PATIENCE, key},
    dialog::{Dialog, METHODS, SUPPORTED},
    message::Message,
    timer::SessionTimer,
};
use crate::sdp::{Agreed, Local, OwnSeal, Wanted};

/// What is not said in words.
const SDP: &str = "application/sdp";

/// Where a call stands.
#[derive(Debug)]
enum State {
    /// INVITE is to be sent, or was; whether it was taken back, and whether anything was heard of it.
    Inviting {
        cancelled: bool,
        heard: bool,
        sent: bool,
    },
    /// INVITE came.
    Ringing(Box<Message>),
    Up,
    Over,
}

/// An answer of ours that is not acknowledged.
struct Unacknowledged {
    /// What names the request that it answers, and its number.
    key: String,
    sequence: u32,
    /// Our offer in it, if it is one.
    offered: Option<Wanted>,
    /// How long the acknowledgement is waited for.
    until: Duration,
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
    unacknowledged: Option<Unacknowledged>,
    /// What we want, best first.
    wishes: VecDeque<Wanted>,
    wish_at: Option<Duration>,
    timer: Option<SessionTimer>,
    expires: u32,
    /// Whether the far end takes UPDATE.
    updates: bool,
    /// Where our invitation goes.
    way: Way,
    /// What we want next is to be sealed by new keys.
    renewing: bool,
    /// T.38 is declined, whatever the account takes.
    stays_audio: bool,
    /// The acknowledgement of a ringing that did not come yet, and how long it is waited for.
    unproved: Option<(String, Duration)>,
}

impl Call {
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
            way: Way::default(),
            renewing: false,
            stays_audio: false,
            unproved: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the call was given up before it was answered.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.state, State::Inviting { cancelled: true, .. })
    }

    /// Whether a request or a response in a dialog is of this call.
    pub(super) fn is_of(&self, message: &Message, our_tag: Option<&str>) -> bool {
        message.header("Call-ID") == Some(self.dialog.id.as_str()) && our_tag == self.dialog.our_tag()
    }

    /// Whether a request without our tag is about the invitation that began the call.
    pub(super) fn is_invited_by(&self, request: &Message) -> bool {
        request.header("Call-ID") == Some(self.dialog.id.as_str()) && request.tag("From") == self.dialog.far_tag()
    }

    /// Whether the same call came by two ways.
    pub(super) fn is_same_invitation(&self, invite: &Message) -> bool {
        self.is_invited_by(invite) && invite.sequence() == self.dialog.heard
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

    /// Keys for the next seal.
    pub(super) fn set_keys(&mut self, own: OwnSeal) {
        self.local.seal = Some(own);
    }

    /// Tells that it rings. To whom that matters it is told until it is acknowledged, RFC 3262 3; the first that is told
    /// so would have to have our offer in it, where none was made: then nothing is told before the answer.
    pub(super) fn alert(&mut self, core: &mut Core) {
        let State::Ringing(invite) = &self.state else { return };
        let reliable = invite.lists("Require", "100rel");
        if reliable && (invite.description().is_none() || self.unproved.is_some()) {
            return;
        }
        let number = core.chance() as u32 >> 2 | 1;
        let ringing = self.tagged(core.response(invite, 180, "Ringing"), core);
        if reliable {
            let ringing = ringing.with("Require", "100rel").with("RSeq", number);
            core.respond_until_acknowledged(&key(invite), &ringing);
            let sequence = invite.sequence().unwrap_or_default();
            self.unproved = Some((format!("{number} {sequence} INVITE"), core.now + PATIENCE));
        } else {
            core.respond(&key(invite), &ringing);
        }
    }

    fn tagged(&self, mut response: Message, core: &Core) -> Message {
        response.set("To", &self.dialog.local);
        response.with("Contact", core.profile.contact_uri()).with("Allow", METHODS).with("Supported", SUPPORTED)
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
            State::Inviting { sent: false, .. } => self.end(core, End::cancelled()),
            State::Inviting { cancelled, heard, .. } => {
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
        if matches!(self.state, State::Ringing(_))
            && self.unproved.as_ref().is_some_and(|(_, until)| *until <= core.now)
        {
            self.reject(core, 504, "Server Time-out");
            self.tell(core, Tidings::Ended(End::unreachable("the caller does not acknowledge that it rings".into())));
        }
        if matches!(self.state, State::Up) {
            self.acknowledgement_due(core);
        }
        self.go_on(core);
    }

    pub(super) fn due(&self) -> Option<Duration> {
        let wish = self.wish_at.filter(|_| !self.wishes.is_empty() && self.is_free());
        let ringing = matches!(self.state, State::Ringing(_));
        let unproved = self.unproved.as_ref().filter(|_| ringing).map(|(_, until)| *until);
        let up = matches!(self.state, State::Up);
        let unacknowledged = self.unacknowledged.as_ref().filter(|_| up).map(|answer| answer.until);
        [wish, unproved, unacknowledged, self.timer.map(|timer| timer.due())].into_iter().flatten().min()
    }
}
