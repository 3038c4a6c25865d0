//! A user agent: the calls and the registration of one account. It has no socket and no clock.
//!
//! ```text
//!  loop {
//!      a message came ─▶ handle   │   due() has come ─▶ handle_timeout   │   somebody wants something ─▶ a command
//!      poll ─▶ Send, Tell, Incoming, Registered
//!  }
//! ```

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    CallId, End, Incoming, Output, Profile, Seeker, Tidings,
    call::Call,
    core::{Client, Core, Hop, Owner, key},
    dialog::{METHODS, SUPPORTED},
    message::{Message, Start, apart, parameter},
    registration::Registration,
    streams::Worth,
    timer, uri,
};
use crate::sdp::{self, Description, Local, OwnSeal};

/// Extensions that may be required of us.
const EXTENSIONS: [&str; 2] = ["timer", "100rel"];

/// A user agent.
pub struct Agent {
    core: Core,
    calls: BTreeMap<CallId, Call>,
    registration: Option<Registration>,
    next: u64,
}

impl Agent {
    /// An agent that begins now; `chance` is where identifiers come from.
    pub fn new(profile: Profile, chance: Box<dyn FnMut() -> u64 + Send>) -> Self {
        let registers = profile.registers.filter(|_| profile.server().is_some());
        let mut core = Core::new(profile, chance);
        let registration = registers.map(|expires| Registration::new(&mut core, expires));
        Self { core, calls: BTreeMap::new(), registration, next: 1 }
    }

    /// The account as it is.
    pub fn profile(&self) -> &Profile {
        &self.core.profile
    }

    /// Calls under way.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.calls.is_empty() && self.core.is_quiet()
    }

    /// Takes in octets that came from there: a datagram.
    pub fn handle(&mut self, octets: &[u8], from: Hop, now: Duration) {
        if let Some(message) = Message::read(octets) {
            self.handle_message(&message, from, now);
        }
    }

    /// Takes in a message.
    pub fn handle_message(&mut self, message: &Message, from: Hop, now: Duration) {
        self.core.now = self.core.now.max(now);
        match &message.start {
            Start::Request { .. } => self.request(message, from),
            Start::Response { .. } => self.response(message),
        }
        self.forget();
    }

    /// Says what time it is.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.core.now = self.core.now.max(now);
        let unanswered = self.core.tick();
        self.unanswered(unanswered);
        if let Some(registration) = &mut self.registration {
            registration.tick(&mut self.core);
        }
        for call in self.calls.values_mut() {
            call.tick(&mut self.core);
        }
        self.forget();
    }

    /// Messages do not get there, and why.
    pub fn unreachable(&mut self, hop: Hop, why: &str, now: Duration) {
        self.core.now = self.core.now.max(now);
        let failed = self.core.unreachable(hop, why);
        self.unanswered(failed);
        self.forget();
    }

    fn unanswered(&mut self, all: Vec<(Client, Message)>) {
        for (client, response) in all {
            self.answered(&client, &response);
        }
    }

    /// The next thing that is to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// When the time is wanted next.
    pub fn due(&self) -> Option<Duration> {
        let calls = self.calls.values().filter_map(Call::due);
        let registration = self.registration.as_ref().and_then(Registration::due);
        calls.chain(registration).chain(self.core.due()).min()
    }

    /// Calls a number, or a whole `sip:` address; none if it is neither, or the account has no server for the number.
    pub fn dial(&mut self, number: &str, local: Local, now: Duration) -> Option<CallId> {
        self.core.now = self.core.now.max(now);
        let profile = &self.core.profile;
        let target = if number.contains(':') { number.to_owned() } else { format!("sip:{number}@{}", profile.domain) };
        // Telephones have the key; an address in SIP has not, RFC 3261 25.1.
        let target = target.replace('#', "%23");
        let found_alone = number.contains(':') && uri::host(&target).is_some();
        if !uri::is_callable(&target) || (profile.servers.is_empty() && !found_alone) {
            return None;
        }
        let id = self.new_id();
        let call = Call::dial(&mut self.core, id, target, local);
        self.calls.insert(id, call);
        self.forget();
        Some(id)
    }

    /// Places that were looked up, best first; none if nothing was found.
    pub fn found(&mut self, seeker: Seeker, places: &[SocketAddr], now: Duration) {
        match seeker {
            Seeker::Call(id) => self.with(id, now, |call, core| call.found(core, places)),
            Seeker::Servers => self.core.set_servers(places),
        }
    }

    fn new_id(&mut self) -> CallId {
        self.next += 1;
        CallId(self.next)
    }

    fn with(&mut self, call: CallId, now: Duration, what: impl FnOnce(&mut Call, &mut Core)) {
        self.core.now = self.core.now.max(now);
        if let Some(call) = self.calls.get_mut(&call) {
            what(call, &mut self.core);
        }
        self.forget();
    }

    /// Tells a caller that it rings.
    pub fn alert(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::alert);
    }

    /// Answers a call.
    pub fn answer(&mut self, call: CallId, local: Local, now: Duration) {
        self.with(call, now, |call, core| {
            call.set_local(local);
            call.answer(core);
        });
    }

    /// Turns a call away.
    pub fn reject(&mut self, call: CallId, status: u16, reason: &str, now: Duration) {
        self.with(call, now, |call, core| call.reject(core, status, reason));
    }

    /// Makes a call T.38, if the far end takes it.
    pub fn want_image(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::want_image);
    }

    /// Makes a call audio again.
    pub fn want_audio(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::want_audio);
    }

    /// Keeps a call audio, whatever the far end wants it to be.
    pub fn keep_audio(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::keep_audio);
    }

    /// Gives a call keys for its next seal: each seal has its own.
    pub fn set_keys(&mut self, call: CallId, own: OwnSeal, now: Duration) {
        self.with(call, now, |call, _| call.set_keys(own));
    }

    /// Seals a sealed call anew, with the keys given last, if the far end takes that.
    pub fn want_new_keys(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::want_new_keys);
    }

    /// Tells a digit beside the audio.
    pub fn digit(&mut self, call: CallId, digit: char, now: Duration) {
        self.with(call, now, |call, core| call.digit(core, digit));
    }

    /// Hangs up, wherever the call stands.
    pub fn hang_up(&mut self, call: CallId, now: Duration) {
        self.with(call, now, Call::hang_up);
    }

    /// Takes the registration back and ends all calls.
    pub fn leave(&mut self, now: Duration) {
        self.core.now = self.core.now.max(now);
        for call in self.calls.values_mut() {
            call.hang_up(&mut self.core);
        }
        if let Some(registration) = &mut self.registration {
            registration.leave(&mut self.core);
        }
        self.forget();
    }

    /// Lets go of calls that are over; what is left of them are transactions.
    fn forget(&mut self) {
        self.calls.retain(|_, call| !call.is_over());
    }

    fn request(&mut self, request: &Message, from: Hop) {
        let request = &received(request, from);
        if request.method() == "ACK" {
            // That of a refusal has its INVITE's name; that of an answer belongs to the call.
            self.core.acknowledged(&key(request));
            return self.in_dialog(request, from);
        }
        if request.method() == "CANCEL" {
            return self.cancel(request, from);
        }
        if !self.core.is_served(&key(request)) && !self.may_ask(request, from) {
            // Nothing is kept of strangers: there may be any number of them.
            let refusal = self.core.response(request, 403, "Forbidden");
            return self.core.send(from, refusal.write());
        }
        if !self.core.serve(request, from) {
            return;
        }
        if request.tag("To").is_some() {
            return self.in_dialog(request, from);
        }
        match request.method() {
            "INVITE" => self.invited(request, from),
            "OPTIONS" => {
                let ok = self.core.response(request, 200, "OK").with("Allow", METHODS);
                let ok = ok.with("Accept", "application/sdp").with("Supported", SUPPORTED);
                self.core.respond(&key(request), &ok);
            }
            // Voice mail and the like, told without being asked.
            "NOTIFY" => self.core.refuse(request, 200, "OK"),
            "BYE" | "INFO" | "UPDATE" => self.core.refuse(request, 481, "Call/Transaction Does Not Exist"),
            _ => {
                let refusal = self.core.response(request, 405, "Method Not Allowed").with("Allow", METHODS);
                self.core.respond(&key(request), &refusal);
            }
        }
    }

    /// Whether who sends it may: the server, who is in a call with us, or a network that is allowed.
    fn may_ask(&self, request: &Message, from: Hop) -> bool {
        Worth::is_known(self, from.address.ip()) || self.call_of(request, request.tag("To")).is_some()
    }

    /// Whether what was asked belongs to a call that nobody wants any more.
    fn is_given_up(&self, owner: Owner) -> bool {
        matches!(owner, Owner::Call(id) if self.calls.get(&id).is_some_and(Call::is_given_up))
    }

    fn call_of(&self, message: &Message, our_tag: Option<&str>) -> Option<CallId> {
        our_tag?;
        self.calls.iter().find(|(_, call)| call.is_of(message, our_tag)).map(|(id, _)| *id)
    }

    fn in_dialog(&mut self, request: &Message, from: Hop) {
        match self.call_of(request, request.tag("To")) {
            Some(id) => {
                let call = self.calls.get_mut(&id).expect("it was just found");
                call.handle_request(&mut self.core, request, from);
            }
            None if request.method() == "ACK" => {}
            None => self.core.refuse(request, 481, "Call/Transaction Does Not Exist"),
        }
    }

    fn cancel(&mut self, cancel: &Message, from: Hop) {
        let invite = key(cancel);
        // Of a call that is answered there is nothing left to take back, and yet it is known. RFC 3261 9.2.
        let known = self.core.is_served(&invite);
        let (status, reason) = if known { (200, "OK") } else { (481, "Call/Transaction Does Not Exist") };
        let mut response = self.core.response(cancel, status, reason);
        if let Some(call) = self.calls.values().find(|call| call.is_invited_by(cancel)) {
            response.set("To", &call.dialog.local);
        }
        self.core.send(from, response.write());
        let found = self.core.is_open(&invite);
        if found {
            for call in self.calls.values_mut() {
                call.handle_request(&mut self.core, cancel, from);
            }
        }
    }

    fn invited(&mut self, invite: &Message, from: Hop) {
        let unknown: Vec<&str> = invite
            .all("Require")
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|word| !word.is_empty() && !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(word)))
            .collect();
        if !unknown.is_empty() {
            let refusal = self.core.response(invite, 420, "Bad Extension").with("Unsupported", unknown.join(", "));
            return self.core.respond(&key(invite), &refusal);
        }
        if self.calls.values().any(|call| call.is_same_invitation(invite)) {
            return self.core.refuse(invite, 482, "Loop Detected");
        }
        if invite.number("Session-Expires").is_some_and(|seconds| seconds < timer::LEAST.into()) {
            let refusal = self.core.response(invite, 422, "Session Interval Too Small").with("Min-SE", timer::LEAST);
            return self.core.respond(&key(invite), &refusal);
        }
        if self.calls.len() >= self.core.profile.calls {
            return self.core.refuse(invite, 486, "Busy Here");
        }
        self.ring(invite, from);
    }

    fn ring(&mut self, invite: &Message, from: Hop) {
        let id = self.new_id();
        let local = self.core.profile.local(self.core.profile.contact.ip(), 9, 0);
        let offer = invite.description().map(Description::read);
        let call = Call::ring(&mut self.core, id, invite, from, local);
        let takes = offer.is_none_or(|offer| self.takes(&offer));
        self.calls.insert(id, call);
        if !takes {
            return self.calls.get_mut(&id).expect("it was just put there").reject(
                &mut self.core,
                488,
                "Not Acceptable Here",
            );
        }
        let parties = uri::parties(invite, &self.core.profile.user);
        let wants_audio = prefers(invite, "passthrough");
        self.core.outputs.push_back(Output::Incoming(id, Box::new(Incoming { parties, wants_audio })));
    }

    /// Whether there is anything in an offer that we take; what a seal needs is not asked for yet.
    fn takes(&self, offer: &Description) -> bool {
        let profile = &self.core.profile;
        let seal = sdp::OwnSeal { fingerprint: "sha-256 00:00".into(), tls_id: String::new(), port: 9 };
        let local = Local { seal: Some(seal), ..profile.local(profile.contact.ip(), 9, 0) };
        sdp::choose(offer, &local, profile.rules(), true).is_some()
    }

    fn response(&mut self, response: &Message) {
        let Some(client) = self.core.answered(response) else { return self.answered_again(response) };
        self.answered(&client, response);
    }

    fn answered_again(&mut self, response: &Message) {
        let accepted = response.method() == "INVITE" && response.status().is_some_and(|it| (200..300).contains(&it));
        if let Some(id) = self.call_of(response, response.tag("From")).filter(|_| accepted) {
            let call = self.calls.get_mut(&id).expect("it was just found");
            call.answered_again(&mut self.core, response);
        }
    }

    fn answered(&mut self, client: &Client, response: &Message) {
        if matches!(response.status(), Some(401 | 407))
            && !self.is_given_up(client.owner)
            && let Some(sequence) = self.core.prove_again(client, response)
        {
            return match client.owner {
                Owner::Registration => self.registration.iter_mut().for_each(|it| it.renumbered(sequence)),
                Owner::Call(id) => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.renumbered(&client.request, sequence);
                    }
                }
            };
        }
        match client.owner {
            Owner::Registration => {
                if let Some(registration) = &mut self.registration {
                    registration.answered(&mut self.core, response);
                }
            }
            Owner::Call(id) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.handle_response(&mut self.core, &client.request, response);
                }
            }
        }
    }
}

impl Worth for Agent {
    fn is_in_use(&self, connection: u64) -> bool {
        let of_calls = self.calls.values().any(|call| call.dialog.hop.connection == Some(connection));
        of_calls || self.core.is_in_use(connection)
    }

    fn is_known(&self, address: IpAddr) -> bool {
        let profile = &self.core.profile;
        profile.is_server(address) || profile.allowed.iter().any(|network| network.contains(address))
    }
}

/// Notes where a request came from, RFC 3261 18.2.1 and RFC 3581.
fn received(request: &Message, from: Hop) -> Message {
    let mut request = request.clone();
    let Some(via) = request.header("Via") else { return request };
    let first = apart(via).next().unwrap_or_default().to_owned();
    let mut marked = first.clone();
    if parameter(&first, "rport").is_some_and(str::is_empty) {
        marked = marked.replacen(";rport", &format!(";rport={}", from.address.port()), 1);
    }
    if !first.contains(&from.address.ip().to_string()) {
        marked += &format!(";received={}", from.address.ip());
    }
    let whole = via.replacen(&first, &marked, 1);
    request.set("Via", whole);
    request
}

/// Whether a caller prefers fax that way, RFC 6913.
fn prefers(invite: &Message, how: &str) -> bool {
    invite.values("Accept-Contact").iter().any(|value| parameter(value, "+sip.fax").is_some_and(|it| it == how))
}

/// What becomes of a call that nobody tells of any more.
impl From<End> for Tidings {
    fn from(end: End) -> Self {
        Self::Ended(end)
    }
}
