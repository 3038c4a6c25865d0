//! What a call is and is to be: offers of ours and of theirs, one at a time, and what they come to. RFC 3264, RFC 6337.

use super::{Call, SDP, State, Unacknowledged};
use crate::{
    sdp::{self, Agreed, Description, Direction, Local, NoAnswer, Rules, Wanted},
    sip::{
        End, Policy, Tidings,
        core::{Core, Owner, PATIENCE, key},
        dialog::SUPPORTED,
        message::Message,
        timer::{self, SessionTimer},
    },
};

impl Call {
    /// We want T.38.
    pub(in crate::sip) fn want_image(&mut self, core: &mut Core) {
        if self.is_image() || self.is_over() || self.stays_audio || core.profile.t38.is_none() {
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
    pub(in crate::sip) fn want_audio(&mut self, core: &mut Core) {
        if self.is_image() && !self.is_over() {
            self.wishes = [Wanted::Audio(Direction::SendRecv)].into();
            self.go_on(core);
        }
    }

    /// The call is audio to its end: T.38 is declined from now on, and given up if the far end was quick to make it that.
    pub(in crate::sip) fn keep_audio(&mut self, core: &mut Core) {
        self.stays_audio = true;
        self.want_audio(core);
    }

    /// What is taken in this call.
    fn rules(&self, core: &Core) -> Rules {
        let rules = core.profile.rules();
        Rules { clear: rules.clear && !self.stays_audio, sealed: rules.sealed && !self.stays_audio }
    }

    /// We want the call sealed by new keys, RFC 8842 5.5.
    pub(in crate::sip) fn want_new_keys(&mut self, core: &mut Core) {
        if self.local.kept.is_none() || self.local.seal.is_none() || self.is_over() {
            return self.tell(core, Tidings::KeysStay);
        }
        self.renewing = true;
        self.wishes = [Wanted::Image { sealed: true, beside: false }].into();
        self.go_on(core);
    }

    /// Whether no offer is under way.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.state, State::Up) && self.ours.is_none() && self.unacknowledged.is_none()
    }

    /// Offers what we want next, if nothing else is under way.
    pub(super) fn go_on(&mut self, core: &mut Core) {
        if !self.is_free() || self.wish_at.is_some_and(|at| at > core.now) {
            return;
        }
        self.wish_at = None;
        if let Some(wanted) = self.wishes.front().copied() {
            self.local.version += 1;
            self.offer(core, wanted);
        }
    }

    pub(super) fn offer(&mut self, core: &mut Core, wanted: Wanted) {
        let (invite, hop) = self.dialog.request("INVITE", core);
        self.ours = Some((wanted, self.dialog.sequence));
        let invite = self.offering(invite, wanted);
        core.request(invite, hop, Owner::Call(self.id));
    }

    /// Our side as it is in an offer: with the keys that there are, or with new ones.
    pub(super) fn offering_side(&self) -> Local {
        if self.renewing { self.local.renewed() } else { self.local.clone() }
    }

    pub(super) fn offering(&self, invite: Message, wanted: Wanted) -> Message {
        let expires = (self.expires > 0).then(|| self.expires.to_string());
        let least = expires.as_ref().map(|_| timer::LEAST);
        invite
            .with("Supported", SUPPORTED)
            .with_some("Session-Expires", expires)
            .with_some("Min-SE", least)
            .with_body(SDP, sdp::offer(&self.offering_side(), wanted).to_string())
    }

    /// What the call is now, as an offer.
    pub(super) fn present(&self) -> Wanted {
        match &self.agreed {
            Some(Agreed::Image(image)) => Wanted::Image { sealed: image.sealing.is_some(), beside: false },
            Some(Agreed::Audio(audio)) if !audio.heard => Wanted::Audio(Direction::RecvOnly),
            _ => Wanted::Audio(Direction::SendRecv),
        }
    }

    /// Whether media have been agreed on that are T.38.
    pub(super) fn is_image(&self) -> bool {
        matches!(self.agreed, Some(Agreed::Image(_)))
    }

    /// Answers an offer, or offers where none was made; whether there was anything to take.
    pub(super) fn accept(&mut self, core: &mut Core, invite: &Message, first: bool) -> bool {
        let mut ok = core.response(invite, 200, "OK");
        ok = self.tagged(ok, core);
        let mut agreed = None;
        let mut offered = None;
        let body = match invite.description() {
            Some(body) => {
                let offer = Description::read(body);
                let Some(choice) = sdp::choose(&offer, &self.local, self.rules(core), first) else {
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
            let (sequence, until) = (invite.sequence().unwrap_or_default(), core.now + PATIENCE);
            self.unacknowledged = Some(Unacknowledged { key: key(invite), sequence, offered, until });
        }
        core.respond(&key(invite), &ok.with_body(SDP, body.to_string()));
        if let Some(agreed) = agreed {
            self.take(core, agreed);
        }
        true
    }

    pub(super) fn decline(&mut self, core: &mut Core, invite: &Message) {
        let warning = format!("304 {} \"Media type not available\"", core.profile.domain);
        let mut response = core.response(invite, 488, "Not Acceptable Here").with("Warning", warning);
        response.set("To", &self.dialog.local);
        core.respond(&key(invite), &response);
    }

    /// Media were agreed.
    pub(super) fn take(&mut self, core: &mut Core, agreed: Agreed) {
        let had_keys = self.local.seal.is_some();
        self.local.settle(&agreed);
        let renewed = had_keys && self.local.seal.is_none();
        self.renewing &= matches!(agreed, Agreed::Image(_)) && !renewed;
        if matches!(agreed, Agreed::Image(_)) && !self.renewing {
            self.wishes.clear();
        }
        self.agreed = Some(agreed.clone());
        self.tell(core, Tidings::Media(agreed));
    }

    pub(super) fn settled(&mut self, core: &mut Core, wanted: Wanted, agreed: Result<Agreed, NoAnswer>, first: bool) {
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
    pub(super) fn declined(&mut self, core: &mut Core, status: u16) {
        let wanted = self.ours.take().map(|(wanted, _)| wanted).or(self.wishes.front().copied());
        // What was only said again stays as it is.
        if wanted.is_none() || self.wishes.front() != wanted.as_ref() {
            return;
        }
        self.wishes.pop_front();
        if std::mem::take(&mut self.renewing) {
            return self.tell(core, Tidings::KeysStay);
        }
        let image = matches!(wanted, Some(Wanted::Image { .. }));
        let more = self.wishes.iter().any(|wish| matches!(wish, Wanted::Image { .. }));
        if image && !more {
            self.tell(core, Tidings::StaysAudio { status });
        }
    }
}
