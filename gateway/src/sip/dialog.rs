//! A dialog: what both ends know of each other, and the requests in it. RFC 3261 12.

use super::{
    Profile,
    core::{Core, Hop, Transport},
    message::Message,
    uri,
};

/// What we can be asked.
pub(super) const METHODS: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY";

/// What we know beyond that.
pub(super) const SUPPORTED: &str = "timer, 100rel";

/// A dialog; one that is only asked for has no far tag yet.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) id: String,
    /// Ourselves, with our tag.
    pub(super) local: String,
    /// The far end, with its tag.
    pub(super) remote: String,
    /// Where requests are to end.
    pub(super) target: String,
    /// And by way of whom.
    routes: Vec<String>,
    pub(super) sequence: u32,
    /// The highest number that the far end has used.
    pub(super) heard: Option<u32>,
    /// Where its first message came from.
    pub(super) hop: Hop,
}

impl Dialog {
    /// A call to somebody.
    pub(super) fn calling(core: &mut Core, target: String, hop: Hop) -> Self {
        let profile = &core.profile;
        let caller = profile.caller_id.as_ref().unwrap_or(&profile.user).clone();
        let domain = profile.domain.clone();
        let local = format!("<sip:{caller}@{domain}>;tag={}", core.word());
        let id = format!("{}{}", core.word(), core.word());
        let remote = format!("<{target}>");
        Self { id, local, remote, target, routes: vec![], sequence: 0, heard: None, hop }
    }

    /// A call from somebody; `response` has our tag.
    pub(super) fn called(invite: &Message, tagged_to: &str, hop: Hop) -> Self {
        Self {
            id: invite.header("Call-ID").unwrap_or_default().to_owned(),
            local: tagged_to.to_owned(),
            remote: invite.header("From").unwrap_or_default().to_owned(),
            target: target(invite).unwrap_or_else(|| format!("sip:{}", hop.address)),
            routes: invite.values("Record-Route"),
            sequence: 0,
            heard: invite.sequence(),
            hop,
        }
    }

    /// The far end's first answer, or a later one: its tag, its target, and the way there.
    pub(super) fn answered(&mut self, response: &Message) {
        if let Some(to) = response.header("To").filter(|_| response.tag("To").is_some()) {
            to.clone_into(&mut self.remote);
        }
        self.routes = response.values("Record-Route");
        self.routes.reverse();
        self.refresh(response);
    }

    /// The far end may move its target with each INVITE and its answer.
    pub(super) fn refresh(&mut self, message: &Message) {
        if let Some(target) = target(message) {
            self.target = target;
        }
    }

    pub(super) fn our_tag(&self) -> Option<&str> {
        super::message::parameter(&self.local, "tag")
    }

    pub(super) fn far_tag(&self) -> Option<&str> {
        super::message::parameter(&self.remote, "tag")
    }

    /// A request with the next number, and where it goes.
    pub(super) fn request(&mut self, method: &str, core: &Core) -> (Message, Hop) {
        self.sequence += 1;
        (self.numbered(method, self.sequence, &core.profile), self.next_hop(&core.profile))
    }

    /// A request with a number of its own: ACK has that of its INVITE.
    pub(super) fn numbered(&self, method: &str, sequence: u32, profile: &Profile) -> Message {
        let mut request = Message::request(method, &self.target)
            .with("Max-Forwards", 70)
            .with("From", &self.local)
            .with("To", &self.remote)
            .with("Call-ID", &self.id)
            .with("CSeq", format!("{sequence} {method}"))
            .with("User-Agent", super::PRODUCT);
        for route in &self.routes {
            request = request.with("Route", route);
        }
        if matches!(method, "INVITE" | "UPDATE") {
            request = request.with("Contact", profile.contact_uri()).with("Allow", METHODS);
        }
        request
    }

    /// With a server everything goes by it, and a stream is used as long as it is there; else the target says where.
    pub(super) fn next_hop(&self, profile: &Profile) -> Hop {
        let by_server = profile.is_server(self.hop.address.ip());
        if by_server || self.hop.transport != Transport::Udp {
            return self.hop;
        }
        let first = self.routes.first().map_or(self.target.as_str(), |route| uri::uri(route));
        uri::address(first, self.hop.transport.port()).map_or(self.hop, |address| Hop { address, ..self.hop })
    }
}

fn target(message: &Message) -> Option<String> {
    let target = uri::uri(message.values("Contact").first()?).to_owned();
    // What would break the first line of a request is no target.
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    Some(target).filter(|target| target.contains(':') && target.chars().all(plain))
}
