//! One call: its dialog, what was offered and answered in it, and what its media are now.
//!
//! ```text
//!  Inviting ─▶ Up ─▶ Over             one offer under way at most: ours (`ours`), or theirs (answered at once)
//!  Ringing ──▶ ┘                       what we still want of the call (`wishes`): tried one after the other
//! ```

use std::{collections::VecDeque, time::Duration};

use super::{
    CallId, End, Output, Policy, Tidings,
    core::{Core, Hop, Owner, key},
    dialog::{Dialog, METHODS},
    message::Message,
    timer::{self, SessionTimer},
};
use crate::sdp::{self, Agreed, Description, Direction, Local, NoAnswer, Wanted};

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

    /// Answers an offer, or offers where none was made; whether there was anything to take.
    fn accept(&mut self, core: &mut Core, invite: &Message, first: bool) -> bool {
        let mut ok = core.response(invite, 200, "OK");
        ok = self.tagged(ok, core);
        let mut agreed = None;
        let mut offered = None;
        let body = match invite.description() {
            Some(body) => {
                let offer = Description::read(body);
                let Some(choice) = sdp::choose(&offer, &self.local, core.profile.rules(), first) else {
                    self.decline(core, invite);
                    return false;
                };
                self.local.version += 1;
                agreed = Some(choice.agreed.clone());
                sdp::answer(&self.local, &offer, &choice)
            }
            None => {
                let wanted = self.present();
                offered = Some(wanted);
                sdp::offer(&self.local, wanted)
            }
        };
        if let Some(expires) = timer::answer(invite, core.profile.session_expires) {
            let required = expires.ends_with("uac") && invite.lists("Supported", "timer");
            ok = ok.with("Session-Expires", expires).with_some("Require", required.then_some("timer"));
        }
        self.timer = SessionTimer::agreed(&ok, false, core.now);
        if invite.method() == "INVITE" {
            self.unacknowledged = Some((key(invite), invite.sequence().unwrap_or_default(), offered));
        }
        core.respond(&key(invite), &ok.with_body(SDP, body.to_string()));
        if let Some(agreed) = agreed {
            self.take(core, agreed);
        }
        true
    }

    fn decline(&mut self, core: &mut Core, invite: &Message) {
        let warning = format!("304 {} \"Media type not available\"", core.profile.domain);
        let mut response = core.response(invite, 488, "Not Acceptable Here").with("Warning", warning);
        response.set("To", &self.dialog.local);
        core.respond(&key(invite), &response);
    }

    /// What the call is now, as an offer.
    fn present(&self) -> Wanted {
        match &self.agreed {
            Some(Agreed::Image(image)) => Wanted::Image { sealed: image.sealing.is_some(), beside: false },
            Some(Agreed::Audio(audio)) if !audio.heard => Wanted::Audio(Direction::RecvOnly),
            _ => Wanted::Audio(Direction::SendRecv),
        }
    }

    /// Media were agreed.
    fn take(&mut self, core: &mut Core, agreed: Agreed) {
        if matches!(agreed, Agreed::Image(_)) {
            self.wishes.clear();
        }
        self.agreed = Some(agreed.clone());
        self.tell(core, Tidings::Media(agreed));
    }

    /// Whether media have been agreed on that are T.38.
    fn is_image(&self) -> bool {
        matches!(self.agreed, Some(Agreed::Image(_)))
    }

    /// We want T.38.
    pub(super) fn want_image(&mut self, core: &mut Core) {
        if self.is_image() || self.is_over() || core.profile.t38.is_none() {
            return;
        }
        let image = |sealed, beside| Wanted::Image { sealed, beside };
        let wishes = match core.profile.policy {
            Policy::Required => vec![image(true, false), image(true, true)],
            Policy::Preferred => vec![image(true, false), image(false, false), image(false, true)],
            Policy::Never => vec![image(false, false), image(false, true)],
        };
        // Without a certificate nothing can be sealed, and nothing is to look as if it were.
        let can = |wish: &Wanted| self.local.seal.is_some() || !matches!(wish, Wanted::Image { sealed: true, .. });
        self.wishes = wishes.into_iter().filter(can).collect();
        if self.wishes.is_empty() {
            return self.tell(core, Tidings::Unsealed);
        }
        self.go_on(core);
    }

    /// We want audio again.
    pub(super) fn want_audio(&mut self, core: &mut Core) {
        if self.is_image() && !self.is_over() {
            self.wishes = [Wanted::Audio(Direction::SendRecv)].into();
            self.go_on(core);
        }
    }

    /// Offers what we want next, if nothing else is under way.
    fn go_on(&mut self, core: &mut Core) {
        let free = matches!(self.state, State::Up) && self.ours.is_none() && self.unacknowledged.is_none();
        if !free || self.wish_at.is_some_and(|at| at > core.now) {
            return;
        }
        self.wish_at = None;
        if let Some(wanted) = self.wishes.front().copied() {
            self.local.version += 1;
            self.offer(core, wanted);
        }
    }

    fn offer(&mut self, core: &mut Core, wanted: Wanted) {
        let (invite, hop) = self.dialog.request("INVITE", core);
        self.ours = Some((wanted, self.dialog.sequence));
        let invite = self.offering(invite, wanted);
        core.request(invite, hop, Owner::Call(self.id));
    }

    fn offering(&self, invite: Message, wanted: Wanted) -> Message {
        let expires = (self.expires > 0).then(|| self.expires.to_string());
        let least = expires.as_ref().map(|_| timer::LEAST);
        invite
            .with("Supported", "timer")
            .with_some("Session-Expires", expires)
            .with_some("Min-SE", least)
            .with_body(SDP, sdp::offer(&self.local, wanted).to_string())
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

    /// Tells a digit, RFC 6086.
    pub(super) fn digit(&mut self, core: &mut Core, digit: char) {
        if matches!(self.state, State::Up) {
            let (info, hop) = self.dialog.request("INFO", core);
            let body = format!("Signal={digit}\r\nDuration=160\r\n");
            core.request(info.with_body("application/dtmf-relay", body), hop, Owner::Call(self.id));
        }
    }

    /// A request in the dialog.
    pub(super) fn handle_request(&mut self, core: &mut Core, request: &Message, hop: Hop) {
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
                core.respond(&key(request), &ok.with("Supported", "timer"));
            }
            "NOTIFY" => core.refuse(request, 200, "OK"),
            _ => {
                let refusal = core.response(request, 405, "Method Not Allowed").with("Allow", METHODS);
                core.respond(&key(request), &refusal);
            }
        }
        self.go_on(core);
    }

    fn acknowledged(&mut self, core: &mut Core, ack: &Message, number: u32) {
        let Some((key, _, offered)) = self.unacknowledged.take_if(|(_, sequence, _)| *sequence == number) else {
            return;
        };
        core.acknowledged(&key);
        if let (Some(wanted), Some(body)) = (offered, ack.description()) {
            match sdp::agreed(&self.local, wanted, &Description::read(body)) {
                Ok(agreed) => self.take(core, agreed),
                Err(NoAnswer::Unsealed) => self.tell(core, Tidings::Unsealed),
                Err(_) => {}
            }
        }
        self.go_on(core);
    }

    fn cancelled(&mut self, core: &mut Core, cancel: &Message) {
        let State::Ringing(invite) = &self.state else { return };
        let invite = invite.clone();
        if key(&invite) == key(cancel) {
            self.reject(core, 487, "Request Terminated");
            self.tell(core, Tidings::Ended(End::cancelled()));
        }
    }

    fn left(&mut self, core: &mut Core, bye: &Message) {
        core.refuse(bye, 200, "OK");
        self.reject_open(core);
        let reason = bye.header("Reason").unwrap_or_default().to_owned();
        self.end(core, End::far_hung_up(reason));
    }

    fn reject_open(&mut self, core: &mut Core) {
        if let State::Ringing(invite) = &self.state {
            let mut response = core.response(invite, 487, "Request Terminated");
            response.set("To", &self.dialog.local);
            core.respond(&key(invite), &response);
        }
        // Our answer need not be told any more: who says BYE has heard it.
        if let Some((key, ..)) = self.unacknowledged.take() {
            core.acknowledged(&key);
        }
    }

    /// An offer in the call, or a refresh.
    fn offered(&mut self, core: &mut Core, invite: &Message) {
        if self.ours.is_some() || !matches!(self.state, State::Up) {
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

    /// Whether a timer is asked for that is too short: then that is said.
    fn too_short(&mut self, core: &mut Core, request: &Message) -> bool {
        let short = request.number("Session-Expires").is_some_and(|seconds| seconds < timer::LEAST.into());
        if short {
            let refusal = core.response(request, 422, "Session Interval Too Small").with("Min-SE", timer::LEAST);
            core.respond(&key(request), &refusal);
        }
        short
    }

    fn updated(&mut self, core: &mut Core, update: &Message) {
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

    fn informed(&mut self, core: &mut Core, info: &Message) {
        let kind = info.header("Content-Type").unwrap_or_default().to_ascii_lowercase();
        if info.body.is_empty() {
            return core.refuse(info, 200, "OK");
        }
        if !kind.contains("dtmf") {
            return core.refuse(info, 415, "Unsupported Media Type");
        }
        core.refuse(info, 200, "OK");
        if let Some(digit) = digit_of(&String::from_utf8_lossy(&info.body)) {
            self.tell(core, Tidings::Digit(digit));
        }
    }

    /// The answer to a request of ours.
    pub(super) fn handle_response(&mut self, core: &mut Core, request: &Message, response: &Message) {
        match request.method() {
            "INVITE" => self.invite_answered(core, request, response),
            "UPDATE" if response.status().is_some_and(|status| (200..300).contains(&status)) => {
                self.timer = SessionTimer::agreed(response, true, core.now).or(self.timer);
            }
            // Whoever does not know the call any more has hung up. RFC 3261 12.2.1.2.
            "UPDATE" | "INFO" if matches!(response.status(), Some(481 | 408)) => {
                self.end(core, End::far_hung_up("the far end does not know the call any more".into()));
            }
            _ => {}
        }
        self.go_on(core);
    }

    /// Our request went again with another number, to show who we are.
    pub(super) fn renumbered(&mut self, request: &Message, sequence: u32) {
        self.dialog.sequence = self.dialog.sequence.max(sequence);
        if let Some((_, number)) = self.ours.as_mut().filter(|(_, number)| request.sequence() == Some(*number)) {
            *number = sequence;
        }
    }

    fn invite_answered(&mut self, core: &mut Core, request: &Message, response: &Message) {
        let status = response.status().unwrap_or_default();
        let first = matches!(self.state, State::Inviting { .. });
        match status {
            ..=199 => self.provisional(core, response, status),
            200..=299 => self.accepted(core, request, response),
            422 if self.expires > 0 => {
                self.expires = response.number("Min-SE").map_or(1800, |least| least.clamp(90, 86_400) as u32);
                self.once_more(core);
            }
            _ if first => {
                self.ours = None;
                let cancelled = matches!(self.state, State::Inviting { cancelled: true, .. });
                let end = if cancelled { End::cancelled() } else { End::of_response(response) };
                self.end(core, end);
            }
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

    fn once_more(&mut self, core: &mut Core) {
        let Some((wanted, _)) = self.ours else { return };
        if matches!(self.state, State::Inviting { .. }) {
            let (sequence, hop) = (self.dialog.sequence + 1, self.dialog.hop);
            self.dialog.sequence = sequence;
            self.ours = Some((wanted, sequence));
            let invite = self.dialog.numbered("INVITE", sequence, &core.profile);
            let invite = self.offering(invite, wanted);
            core.request(invite, hop, Owner::Call(self.id));
        } else {
            self.offer(core, wanted);
        }
    }

    fn provisional(&mut self, core: &mut Core, response: &Message, status: u16) {
        let State::Inviting { cancelled, heard } = &mut self.state else { return };
        let first = !std::mem::replace(heard, true);
        if *cancelled && first {
            return core.cancel(self.id);
        }
        let wanted = Wanted::Audio(Direction::SendRecv);
        let body = response.description().filter(|_| status > 100);
        match body.map(|body| sdp::agreed(&self.local, wanted, &Description::read(body))) {
            Some(Ok(agreed)) => self.tell(core, Tidings::Early(agreed)),
            _ if status >= 180 => self.tell(core, Tidings::Ringing),
            _ => {}
        }
    }

    fn accepted(&mut self, core: &mut Core, request: &Message, response: &Message) {
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
        let answer = Description::read(response.description().unwrap_or_default());
        self.settled(core, wanted, sdp::agreed(&self.local, wanted, &answer), first);
    }

    fn settled(&mut self, core: &mut Core, wanted: Wanted, agreed: Result<Agreed, NoAnswer>, first: bool) {
        match agreed {
            Ok(agreed) => {
                if self.wishes.front() == Some(&wanted) {
                    self.wishes.clear();
                }
                self.take(core, agreed);
            }
            Err(NoAnswer::Unsealed | NoAnswer::NoFingerprint) if core.profile.policy == Policy::Required => {
                self.wishes.clear();
                self.tell(core, Tidings::Unsealed);
            }
            Err(why) if first => {
                self.say_goodbye(core);
                self.end(core, End::refused(488, &why.to_string()));
            }
            Err(_) => {
                // The far end took the offer and then declined all of it: what was before has to be agreed on anew.
                let audio = Wanted::Audio(Direction::SendRecv);
                if matches!(wanted, Wanted::Image { .. }) && self.wishes.len() == 1 {
                    self.wishes.push_back(audio);
                }
                self.declined(core, 488);
            }
        }
    }

    /// What we wanted was declined: the next, or it stays as it is.
    fn declined(&mut self, core: &mut Core, status: u16) {
        let wanted = self.ours.take().map(|(wanted, _)| wanted).or(self.wishes.front().copied());
        self.refused = status;
        let image = matches!(wanted, Some(Wanted::Image { .. }));
        if self.wishes.front() == wanted.as_ref() {
            self.wishes.pop_front();
        }
        let more = self.wishes.iter().any(|wish| matches!(wish, Wanted::Image { .. }));
        if image && !more {
            self.tell(core, Tidings::StaysAudio { status });
        }
    }

    fn acknowledge(&mut self, core: &mut Core, number: u32) {
        let ack = self.dialog.numbered("ACK", number, &core.profile);
        let hop = self.dialog.next_hop(&core.profile);
        let octets = core.acknowledge(ack, hop);
        self.acknowledgement = Some((number, octets, hop));
    }

    /// A 2xx that came again, or from a second telephone that rang.
    pub(super) fn answered_again(&mut self, core: &mut Core, response: &Message) {
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

    /// What is due.
    pub(super) fn tick(&mut self, core: &mut Core) {
        if self.timer.is_some_and(|timer| timer.due() <= core.now) {
            self.session_due(core);
        }
        self.go_on(core);
    }

    fn session_due(&mut self, core: &mut Core) {
        let Some(timer) = self.timer.take() else { return };
        if !matches!(self.state, State::Up) {
            return;
        }
        if !timer.refreshes() {
            self.say_goodbye(core);
            return self.end(core, End::far_hung_up("the far end did not refresh the session".into()));
        }
        self.timer = Some(timer.postponed(core.now));
        if self.updates {
            let (update, hop) = self.dialog.request("UPDATE", core);
            let expires = format!("{};refresher=uac", self.expires);
            let update = update.with("Supported", "timer").with("Session-Expires", expires);
            core.request(update, hop, Owner::Call(self.id));
        } else if self.ours.is_none() && self.unacknowledged.is_none() {
            let present = self.present();
            self.offer(core, present);
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        let wish = self.wish_at.filter(|_| !self.wishes.is_empty());
        [wish, self.timer.map(|timer| timer.due())].into_iter().flatten().min()
    }
}

/// The key in `Signal=5` or a bare `5`.
fn digit_of(body: &str) -> Option<char> {
    let named = body.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    let sign = named.unwrap_or_else(|| body.trim());
    let code: Option<usize> = sign.parse().ok().filter(|_| sign.len() == 2);
    // Numbers from 10 on are the codes of RFC 4733.
    let digit = match code {
        Some(code) => char::from(*b"0123456789*#ABCD".get(code)?),
        None => sign.chars().next()?.to_ascii_uppercase(),
    };
    "0123456789*#ABCD".contains(digit).then_some(digit)
}

#[cfg(test)]
mod tests {
    use super::digit_of;

    #[test]
    fn digits_of_all_spellings_are_read() {
        for (body, digit) in [
            ("Signal=5\r\nDuration=160", Some('5')),
            ("signal= *\nduration=1", Some('*')),
            ("Signal=11", Some('#')),
            ("7", Some('7')),
            ("a", Some('A')),
            ("Signal=99", None),
            ("", None),
            ("flash", None),
        ] {
            assert_eq!(digit_of(body), digit, "{body}");
        }
    }
}
