//! The session timer of a call: refreshed by UPDATE where the far end takes it, else by an offer of what the call is.

use super::{Call, State};
use crate::sip::{
    End,
    core::{Core, Owner, key},
    message::Message,
    timer,
};

impl Call {
    /// Whether a timer is asked for that is too short: then that is said.
    pub(super) fn too_short(&mut self, core: &mut Core, request: &Message) -> bool {
        let short = request.number("Session-Expires").is_some_and(|seconds| seconds < timer::LEAST.into());
        if short {
            let refusal = core.response(request, 422, "Session Interval Too Small").with("Min-SE", timer::LEAST);
            core.respond(&key(request), &refusal);
        }
        short
    }

    pub(super) fn session_due(&mut self, core: &mut Core) {
        let Some(timer) = self.timer.take() else { return };
        if !matches!(self.state, State::Up) {
            return;
        }
        if !timer.refreshes() {
            self.say_goodbye(core);
            return self.end(core, End::far_hung_up(timer.end().into()));
        }
        self.timer = Some(timer.tried());
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
}
