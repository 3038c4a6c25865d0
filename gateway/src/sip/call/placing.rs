//! A call that is placed: where its invitation goes, what is said before the answer, and whom we are sent on to.
//! RFC 3261 8.1.3.4, RFC 3262, RFC 3263 4.3.

use std::{collections::VecDeque, net::SocketAddr};

use super::{Call, State};
use crate::{
    sdp::{self, Agreed, Description, Direction, Local, Wanted},
    sip::{
        CallId, End, Output, Seeker, Tidings,
        core::{Core, Hop, Owner},
        dialog::Dialog,
        message::{Message, parameter},
        uri,
    },
};

/// Addresses that a call is sent on to at most.
const MOST_TARGETS: usize = 8;

/// Telephones that may ring at once.
const MOST_EARLY: usize = 8;

/// Where an invitation goes.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Places of the present target that were not tried yet.
    hops: VecDeque<Hop>,
    /// Targets that we were sent on to and that were not tried yet.
    targets: VecDeque<String>,
    /// Those that were.
    tried: Vec<String>,
    /// Dialogs of telephones that ring, and the last number of theirs: what they say has to be acknowledged.
    early: Vec<(Dialog, u32)>,
    /// What was agreed on before the answer, and with which of them.
    agreed: Option<(String, Agreed)>,
}

impl Call {
    /// Calls somebody.
    pub(in crate::sip) fn dial(core: &mut Core, id: CallId, target: String, local: Local) -> Self {
        let nowhere = Hop::nowhere(core.profile.transport);
        let dialog = Dialog::calling(core, target.clone(), nowhere);
        let state = State::Inviting { cancelled: false, heard: false, sent: false };
        let mut call = Self::new(id, dialog, state, local, core.profile.session_expires);
        call.go_to(core, target, true);
        call
    }

    /// Takes the call to a target: to the account's servers, to an address, or to a name that is looked up first.
    pub(super) fn go_to(&mut self, core: &mut Core, target: String, by_server: bool) {
        self.way.tried.push(target.clone());
        self.dialog.target = target;
        let servers: Vec<SocketAddr> = core.profile.servers.iter().map(|server| server.address).collect();
        if by_server && !servers.is_empty() {
            return self.found(core, &servers);
        }
        let usual = core.profile.transport.port();
        match (uri::address(&self.dialog.target, usual), uri::host_and_port(&self.dialog.target)) {
            (Some(address), _) => self.found(core, &[address]),
            (None, Some(host)) => core.outputs.push_back(Output::Find(Seeker::Call(self.id), host)),
            (None, None) => self.found(core, &[]),
        }
    }

    /// Places of the target.
    pub(in crate::sip) fn found(&mut self, core: &mut Core, places: &[SocketAddr]) {
        let transport = core.profile.transport;
        let hop = |address: &SocketAddr| Hop { transport, address: *address, connection: None };
        self.way.hops = places.iter().map(hop).collect();
        if let State::Inviting { sent: false, .. } = self.state
            && !self.invite(core)
        {
            let reason = format!("{}: no address is known for it", self.dialog.target);
            self.on_to_the_next(core, End::unreachable(reason));
        }
    }

    /// Invites at the next place, if there is one.
    fn invite(&mut self, core: &mut Core) -> bool {
        let Some(hop) = self.way.hops.pop_front() else { return false };
        self.dialog.hop = hop;
        self.dialog.sequence += 1;
        let wanted = Wanted::Audio(Direction::SendRecv);
        self.ours = Some((wanted, self.dialog.sequence));
        self.state = State::Inviting { cancelled: false, heard: false, sent: true };
        let invite = self.invitation(core, wanted);
        core.request(invite, hop, Owner::Call(self.id));
        true
    }

    pub(super) fn invitation(&self, core: &Core, wanted: Wanted) -> Message {
        let invite = self.dialog.numbered("INVITE", self.dialog.sequence, &core.profile);
        let asserted = core.profile.caller_id.as_ref().map(|it| format!("<sip:{it}@{}>", core.profile.domain));
        self.offering(invite, wanted)
            .with("Accept-Contact", core.profile.fax_preference())
            .with_some("P-Preferred-Identity", asserted)
    }

    /// The invitation was refused: we go where we are sent, to another place of the target, or nowhere.
    pub(super) fn turned_away(&mut self, core: &mut Core, response: &Message, status: u16) {
        self.ours = None;
        if self.is_given_up() {
            return self.end(core, End::cancelled());
        }
        let heard = matches!(self.state, State::Inviting { heard: true, .. });
        self.state = State::Inviting { cancelled: false, heard: false, sent: false };
        if status == 408 && heard {
            return self.end(core, End::refused(480, "nobody answered"));
        }
        if (300..400).contains(&status) {
            self.way.hops.clear();
            self.sent_on(response);
        }
        if matches!(status, 408 | 503) {
            core.pass_over(self.dialog.hop);
            if self.invite(core) {
                return;
            }
        }
        self.on_to_the_next(core, End::of_response(response));
    }

    /// Notes the targets of a redirection, the one that is liked best first; none twice, and none that is no call.
    fn sent_on(&mut self, response: &Message) {
        let mut contacts = response.values("Contact");
        let liking = |contact: &String| -> u32 {
            let share: f32 = parameter(contact, "q").and_then(|q| q.parse().ok()).unwrap_or(1.0);
            (share.clamp(0.0, 1.0) * 1000.0) as u32
        };
        contacts.sort_by_key(|contact| std::cmp::Reverse(liking(contact)));
        for contact in contacts {
            let target = uri::uri(&contact).to_owned();
            let again = self.way.tried.iter().chain(&self.way.targets).any(|other| other.eq_ignore_ascii_case(&target));
            let room = self.way.tried.len() + self.way.targets.len() < MOST_TARGETS;
            if uri::is_callable(&target) && room && !again {
                self.way.targets.push_back(target);
            }
        }
    }

    fn on_to_the_next(&mut self, core: &mut Core, otherwise: End) {
        let Some(target) = self.way.targets.pop_front() else { return self.end(core, otherwise) };
        // A number alone is for the server, and so is whoever is at its domain.
        let host = uri::host(&target).map(|(host, _)| host);
        let ours = host.is_none_or(|host| host.eq_ignore_ascii_case(&core.profile.domain));
        let target = uri::at_domain(&target, &core.profile.domain);
        self.go_to(core, target, ours);
    }

    /// Something is said before the answer.
    pub(super) fn provisional(&mut self, core: &mut Core, response: &Message, status: u16) {
        let State::Inviting { cancelled, heard, .. } = &mut self.state else { return };
        let first = !std::mem::replace(heard, true);
        let cancelled = *cancelled;
        if cancelled && first {
            return core.cancel(self.id);
        }
        if response.lists("Require", "100rel") && !self.acknowledge_early(core, response) {
            return;
        }
        let wanted = Wanted::Audio(Direction::SendRecv);
        let body = response.description().filter(|_| status > 100);
        match body.map(|body| sdp::agreed(&self.local, wanted, &Description::read(body))) {
            Some(Ok(agreed)) => {
                let tag = response.tag("To").unwrap_or_default().to_owned();
                self.way.agreed = Some((tag, agreed.clone()));
                self.tell(core, Tidings::Early(agreed));
            }
            _ if status >= 180 => self.tell(core, Tidings::Ringing),
            _ => {}
        }
    }

    /// Acknowledges a provisional response by PRACK; false if it came before, or before its turn.
    fn acknowledge_early(&mut self, core: &mut Core, response: &Message) -> bool {
        let number = response.number("RSeq").and_then(|number| u32::try_from(number).ok());
        let (Some(tag), Some(number)) = (response.tag("To"), number) else { return false };
        let known = self.way.early.iter().position(|(dialog, _)| dialog.far_tag() == Some(tag));
        let place = match known {
            Some(place) if number != self.way.early[place].1.wrapping_add(1) => return false,
            Some(place) => place,
            None if self.way.early.len() == MOST_EARLY => return false,
            None => {
                let mut dialog = self.dialog.clone();
                dialog.answered(response);
                self.way.early.push((dialog, number));
                self.way.early.len() - 1
            }
        };
        let (dialog, last) = &mut self.way.early[place];
        *last = number;
        dialog.sequence = dialog.sequence.max(self.dialog.sequence);
        let (prack, hop) = dialog.request("PRACK", core);
        self.dialog.sequence = dialog.sequence;
        let invite = response.sequence().unwrap_or_default();
        core.request(prack.with("RAck", format!("{number} {invite} INVITE")), hop, Owner::Call(self.id));
        true
    }

    /// What was agreed on with that telephone before it answered: its answer need not say it again.
    pub(super) fn agreed_early(&mut self, response: &Message) -> Option<Agreed> {
        let (tag, agreed) = self.way.agreed.take()?;
        (response.tag("To") == Some(&tag)).then_some(agreed)
    }
}
