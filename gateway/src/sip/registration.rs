//! Registration, RFC 3261 10: where calls for us are to go, told again before it is forgotten.

use std::time::Duration;

use super::{
    Output, Seeker,
    core::{Core, Owner},
    message::Message,
    uri,
};

/// How long until it is tried again when it went wrong.
const AGAIN: Duration = Duration::from_secs(30);

/// Our binding at the server.
pub(super) struct Registration {
    id: String,
    tag: String,
    sequence: u32,
    expires: Duration,
    due: Option<Duration>,
    /// Servers that did not answer, one after the other.
    missed: usize,
    /// It was taken back.
    leaving: bool,
}

impl Registration {
    pub(super) fn new(core: &mut Core, expires: Duration) -> Self {
        let (id, tag) = (core.word() + &core.word(), core.word());
        Self { id, tag, sequence: 0, expires, due: Some(core.now), missed: 0, leaving: false }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Registers if it is time.
    pub(super) fn tick(&mut self, core: &mut Core) {
        if self.due.is_some_and(|due| due <= core.now) {
            self.due = None;
            self.send(core, self.expires);
        }
    }

    /// Takes the binding back.
    pub(super) fn leave(&mut self, core: &mut Core) {
        (self.leaving, self.due) = (true, None);
        if self.sequence > 0 {
            self.send(core, Duration::ZERO);
        }
    }

    fn send(&mut self, core: &mut Core, expires: Duration) {
        let Some(server) = core.profile.server() else { return };
        self.sequence += 1;
        let profile = &core.profile;
        let us = format!("<sip:{}@{}>", profile.user, profile.domain);
        let contact = format!("{}{}", profile.contact_uri(), profile.fax_feature());
        let request = Message::request("REGISTER", &format!("sip:{}", profile.domain))
            .with("Max-Forwards", 70)
            .with("From", format!("{us};tag={}", self.tag))
            .with("To", us)
            .with("Call-ID", &self.id)
            .with("CSeq", format!("{} REGISTER", self.sequence))
            .with("User-Agent", super::PRODUCT)
            .with("Contact", contact)
            .with("Expires", expires.as_secs());
        core.request(request, server, Owner::Registration);
    }

    /// The request went again with another number.
    pub(super) fn renumbered(&mut self, sequence: u32) {
        self.sequence = self.sequence.max(sequence);
    }

    /// The server does not do its work: the next is asked at once, until all were. Then they are looked up anew.
    fn others_stand_in(&mut self, core: &mut Core) -> bool {
        self.missed += 1;
        if let Some(server) = core.profile.server() {
            core.pass_over(server);
        }
        let more = self.missed < core.profile.servers.len();
        if more {
            self.due = Some(core.now);
        } else {
            self.missed = 0;
            let name = Some(core.profile.server_name.clone()).filter(|name| !name.is_empty());
            core.outputs.extend(name.map(|name| Output::Find(Seeker::Servers, name)));
        }
        more
    }

    /// Registers for the least time that the server takes; false if that is no longer than what was asked.
    fn lengthen(&mut self, response: &Message) -> bool {
        let least = Duration::from_secs(response.number("Min-Expires").unwrap_or(3600).clamp(60, 86_400));
        let longer = least > self.expires;
        self.expires = self.expires.max(least);
        longer
    }

    /// The server's answer.
    pub(super) fn answered(&mut self, core: &mut Core, response: &Message) {
        let status = response.status().unwrap_or_default();
        if status < 200 || self.leaving {
            return;
        }
        let told = match status {
            200..=299 => {
                self.missed = 0;
                let granted = granted(response, &core.profile.contact_uri()).unwrap_or(self.expires);
                // Well before it is forgotten, and not all accounts at once.
                let share = core.some_time(700, 900).as_millis() as u32;
                self.due = Some(core.now + granted * share / 1000);
                Ok(granted)
            }
            423 if self.lengthen(response) => {
                self.due = Some(core.now);
                return;
            }
            408 | 500 | 503 | 504 if self.others_stand_in(core) => return,
            _ => {
                self.due = Some(core.now + AGAIN);
                Err(format!("{status} {}", super::reason(response)))
            }
        };
        core.outputs.push_back(Output::Registered(told));
    }
}

/// For how long the server keeps our binding.
fn granted(response: &Message, ours: &str) -> Option<Duration> {
    let ours = uri::uri(ours).to_owned();
    let contacts = response.values("Contact");
    let mine = contacts.iter().find(|each| uri::uri(each) == ours).or(contacts.first());
    let own = mine.and_then(|each| super::message::parameter(each, "expires")?.parse().ok());
    own.or(response.number("Expires")).filter(|seconds| *seconds > 0).map(|it: u64| Duration::from_secs(it.min(86_400)))
}
