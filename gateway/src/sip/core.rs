//! Transactions, RFC 3261 17: requests that are sent again until they are answered, answers that are given again when
//! they are asked for again. Time is an argument.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use super::{
    CallId, Output, PORT, Profile, TLS_PORT,
    digest::{Challenge, Credentials},
    message::{Message, Start},
};

/// The round trip that is assumed, RFC 3261 17.1.1.1.
const T1: Duration = Duration::from_millis(500);
/// The longest time between two copies.
const T2: Duration = Duration::from_secs(4);
/// How long a transaction may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(32);
/// How long a call may ring: an INVITE that got a provisional answer.
const RINGING: Duration = Duration::from_secs(180);
/// The same where there is somebody else to ask.
const SHORT_PATIENCE: Duration = Duration::from_secs(8);
/// Whose reason it is, in a response that nobody sent.
pub(super) const OURSELVES: &str = "local";
/// Most transactions that are kept for others.
const MOST_SERVED: usize = 2000;

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams: they may be lost.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS.
    Tls,
}

/// Where messages go, and where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    /// What carries them.
    pub transport: Transport,
    /// The other end.
    pub address: SocketAddr,
    /// The stream, where one is open.
    pub connection: Option<u64>,
}

/// Who waits for the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Registration,
    Call(CallId),
}

/// A request of ours under way.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) request: Message,
    branch: String,
    pub(super) hop: Hop,
    pub(super) owner: Owner,
    /// When it is sent again, and the time after that.
    again: Option<(Duration, Duration)>,
    dies: Duration,
    /// A final answer came: what is left is to acknowledge it once more.
    acknowledgement: Option<Vec<u8>>,
    done: bool,
    /// Challenges answered.
    pub(super) proofs: u32,
}

/// A request of another and our answer.
#[derive(Debug)]
struct Served {
    key: String,
    hop: Hop,
    answer: Option<Vec<u8>>,
    final_status: Option<u16>,
    again: Option<(Duration, Duration)>,
    dies: Duration,
}

/// What all calls and the registration share.
pub(super) struct Core {
    pub(super) profile: Profile,
    pub(super) now: Duration,
    pub(super) outputs: VecDeque<Output>,
    chance: Box<dyn FnMut() -> u64 + Send>,
    clients: Vec<Client>,
    served: Vec<Served>,
    challenge: Option<Challenge>,
}

/// What names a request of another.
pub(super) fn key(request: &Message) -> String {
    let of = |name: &str| request.header(name).unwrap_or_default().to_owned();
    // A request before RFC 3261 has no branch; then the rest tells them apart. ACK and CANCEL name the INVITE's.
    let method = if matches!(request.method(), "ACK" | "CANCEL") { "INVITE" } else { request.method() };
    let sequence = request.sequence().unwrap_or_default();
    format!("{} {} {sequence} {method}", request.branch().unwrap_or_default(), of("Call-ID"))
}

impl Hop {
    /// Before it is known where.
    pub(super) fn nowhere(transport: Transport) -> Self {
        Self { transport, address: SocketAddr::from(([0; 4], 0)), connection: None }
    }
}

impl Transport {
    /// Its name in `Via`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// The port where none is written.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => PORT,
            Self::Tls => TLS_PORT,
        }
    }
}

impl Core {
    pub(super) fn new(profile: Profile, chance: Box<dyn FnMut() -> u64 + Send>) -> Self {
        Self {
            profile,
            now: Duration::ZERO,
            outputs: VecDeque::new(),
            chance,
            clients: vec![],
            served: vec![],
            challenge: None,
        }
    }

    pub(super) fn chance(&mut self) -> u64 {
        (self.chance)()
    }

    /// A word that nobody else has.
    pub(super) fn word(&mut self) -> String {
        format!("{:016x}", self.chance())
    }

    /// A span by chance, in milliseconds from `least` to `most`.
    pub(super) fn some_time(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.chance() % (most - least + 1))
    }

    /// Sends a request and sees to it that it is answered.
    pub(super) fn request(&mut self, request: Message, hop: Hop, owner: Owner) {
        self.request_again(request, hop, owner, 0);
    }

    fn request_again(&mut self, mut request: Message, hop: Hop, owner: Owner, proofs: u32) {
        let branch = format!("z9hG4bK{}", self.word());
        request.remove("Via");
        request.put_first("Via", self.via(hop, &branch));
        if proofs == 0 && self.may_see_proof(hop) {
            self.prove(&mut request);
        }
        let again = (hop.transport == Transport::Udp).then_some((self.now + T1, T1 * 2));
        let octets = request.write();
        let patience = if self.stands_in(hop) { SHORT_PATIENCE } else { PATIENCE };
        let dies = self.now + patience;
        self.clients.push(Client {
            request,
            branch,
            hop,
            owner,
            again,
            dies,
            acknowledgement: None,
            done: false,
            proofs,
        });
        self.send(hop, octets);
    }

    /// Whether that is a server and another would stand in for it.
    fn stands_in(&self, hop: Hop) -> bool {
        self.profile.servers.len() > 1 && self.profile.is_server(hop.address.ip())
    }

    /// A server does not answer: the next is in use now, and it is the last to be asked again.
    pub(super) fn pass_over(&mut self, hop: Hop) {
        if self.profile.server().is_some_and(|server| server.address == hop.address) {
            self.profile.servers.rotate_left(1);
        }
    }

    /// The servers were looked up anew. The one in use stays so if it is still among them.
    pub(super) fn set_servers(&mut self, places: &[SocketAddr]) {
        let Some(current) = self.profile.server().filter(|_| !places.is_empty()) else { return };
        let stays = places.iter().position(|place| *place == current.address).unwrap_or(0);
        let hop = |address: &SocketAddr| Hop { address: *address, connection: None, ..current };
        self.profile.servers = places[stays..].iter().chain(&places[..stays]).map(hop).collect();
    }

    fn via(&self, hop: Hop, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch};rport", hop.transport.name(), self.profile.contact)
    }

    /// Sends a request that nobody answers: ACK.
    pub(super) fn acknowledge(&mut self, mut ack: Message, hop: Hop) -> Vec<u8> {
        let branch = format!("z9hG4bK{}", self.word());
        ack.put_first("Via", self.via(hop, &branch));
        let octets = ack.write();
        self.send(hop, octets.clone());
        octets
    }

    pub(super) fn send(&mut self, to: Hop, octets: Vec<u8>) {
        self.outputs.push_back(Output::Send { to, octets });
    }

    /// Whether what shows who we are may go there: with servers, to them alone.
    fn may_see_proof(&self, hop: Hop) -> bool {
        self.profile.servers.is_empty() || self.profile.is_server(hop.address.ip())
    }

    /// Shows who we are, where that was asked before.
    fn prove(&mut self, request: &mut Message) {
        let chance = (self.chance)();
        let (Some(challenge), Start::Request { uri, .. }) = (&mut self.challenge, request.start.clone()) else {
            return;
        };
        let who = Credentials { user: &self.profile.login, password: &self.profile.password };
        challenge.answer(request, &uri, who, chance);
    }

    /// Answers a challenge by sending the request once more, with the next number; that number, or none if it cannot be.
    pub(super) fn prove_again(&mut self, client: &Client, response: &Message) -> Option<u32> {
        let challenge = Challenge::read(response)?;
        let most = if challenge.stale { 3 } else { 1 };
        if client.proofs >= most || self.profile.password.is_empty() || !self.may_see_proof(client.hop) {
            return None;
        }
        self.challenge = Some(challenge);
        let sequence = client.request.sequence()? + 1;
        let mut request = client.request.clone();
        request.set("CSeq", format!("{sequence} {}", request.method()));
        self.prove(&mut request);
        self.request_again(request, client.hop, client.owner, client.proofs + 1);
        Some(sequence)
    }

    /// Takes in a response: the request that it answers, unless that is answered already.
    pub(super) fn answered(&mut self, response: &Message) -> Option<Client> {
        let branch = response.branch()?;
        let method = response.method();
        let place =
            self.clients.iter().position(|client| client.branch == branch && client.request.method() == method)?;
        let (status, now) = (response.status()?, self.now);
        let client = &mut self.clients[place];
        let is_invite = method == "INVITE";
        if status < 200 {
            client.again = client.again.filter(|_| !is_invite);
            if is_invite {
                client.dies = now + RINGING;
            }
            return (!client.done).then(|| client.copy());
        }
        if let Some(octets) = &client.acknowledgement {
            let (hop, octets) = (client.hop, octets.clone());
            self.send(hop, octets);
            return None;
        }
        if !is_invite {
            return Some(self.clients.remove(place));
        }
        let first = !std::mem::replace(&mut client.done, true);
        (client.again, client.dies) = (None, now + PATIENCE);
        if status >= 300 {
            let ack = refused_ack(&client.request, response);
            let (hop, octets) = (client.hop, ack.write());
            client.acknowledgement = Some(octets.clone());
            self.send(hop, octets);
        }
        let client = &self.clients[place];
        first.then(|| client.copy())
    }

    /// CANCEL for an INVITE under way.
    pub(super) fn cancel(&mut self, call: CallId) {
        let pending =
            |client: &&Client| client.owner == Owner::Call(call) && client.request.method() == "INVITE" && !client.done;
        let Some(client) = self.clients.iter().find(pending) else { return };
        let (invite, hop, branch) = (client.request.clone(), client.hop, client.branch.clone());
        let Start::Request { uri, .. } = &invite.start else { return };
        let of = |name: &str| invite.header(name).unwrap_or_default().to_owned();
        let mut cancel = Message::request("CANCEL", uri)
            .with("Max-Forwards", 70)
            .with("From", of("From"))
            .with("To", of("To"))
            .with("Call-ID", of("Call-ID"))
            .with("CSeq", format!("{} CANCEL", invite.sequence().unwrap_or_default()));
        for route in invite.all("Route") {
            cancel = cancel.with("Route", route);
        }
        cancel.put_first("Via", of("Via"));
        let again = (hop.transport == Transport::Udp).then_some((self.now + T1, T1 * 2));
        let (octets, dies) = (cancel.write(), self.now + PATIENCE);
        let owner = Owner::Call(call);
        self.clients.push(Client {
            request: cancel,
            branch,
            hop,
            owner,
            again,
            dies,
            acknowledgement: None,
            done: false,
            proofs: 0,
        });
        self.send(hop, octets);
    }

    /// Notes a request of another; false if it came before: then it was answered as before.
    pub(super) fn serve(&mut self, request: &Message, hop: Hop) -> bool {
        let key = key(request);
        if let Some(served) = self.served.iter().find(|served| served.key == key) {
            if let Some(answer) = served.answer.clone() {
                self.send(hop, answer);
            }
            return false;
        }
        if self.served.len() >= MOST_SERVED {
            self.served.remove(0);
        }
        let dies = self.now + RINGING + PATIENCE;
        self.served.push(Served { key, hop, answer: None, final_status: None, again: None, dies });
        true
    }

    /// Answers a request of another.
    pub(super) fn respond(&mut self, key: &str, response: &Message) {
        let Some(status) = response.status() else { return };
        let now = self.now;
        let Some(served) = self.served.iter_mut().find(|served| served.key == key) else { return };
        let octets = response.write();
        served.answer = Some(octets.clone());
        if status >= 200 {
            served.final_status = Some(status);
            served.dies = now + PATIENCE;
            let invite = response.method() == "INVITE";
            // An answered call is told again on every transport: it goes from end to end.
            let again = invite && (status < 300 || served.hop.transport == Transport::Udp);
            served.again = again.then_some((now + T1, T1 * 2));
        }
        let hop = served.hop;
        self.send(hop, octets);
    }

    /// Answers a request of another for the time being, again and again until that is acknowledged. RFC 3262 3.
    pub(super) fn respond_until_acknowledged(&mut self, key: &str, response: &Message) {
        self.respond(key, response);
        let now = self.now;
        if let Some(served) = self.served.iter_mut().find(|served| served.key == key && served.final_status.is_none()) {
            served.again = Some((now + T1, T1 * 2));
        }
    }

    /// Answers a request of another with no more than a status.
    pub(super) fn refuse(&mut self, request: &Message, status: u16, reason: &str) {
        let response = self.response(request, status, reason);
        self.respond(&key(request), &response);
    }

    /// A response with our name under it.
    pub(super) fn response(&mut self, request: &Message, status: u16, reason: &str) -> Message {
        let mut response = Message::response(request, status, reason).with("Server", super::PRODUCT);
        if status > 100 && response.tag("To").is_none() {
            let to = format!("{};tag={}", request.header("To").unwrap_or_default(), self.word());
            response.set("To", to);
        }
        response
    }

    /// An ACK came: the answer is told no more.
    pub(super) fn acknowledged(&mut self, key: &str) {
        if let Some(served) = self.served.iter_mut().find(|served| served.key == key) {
            served.again = None;
        }
    }

    /// Whether a request is known.
    pub(super) fn is_served(&self, key: &str) -> bool {
        self.served.iter().any(|served| served.key == key)
    }

    /// Whether an INVITE is known and not answered yet.
    pub(super) fn is_open(&self, key: &str) -> bool {
        self.served.iter().any(|served| served.key == key && served.final_status.is_none())
    }

    /// Sends what is due again; requests and answers that nobody cared for, as responses that were never sent.
    pub(super) fn tick(&mut self) -> Vec<(Client, Message)> {
        let now = self.now;
        let mut copies = vec![];
        for client in &mut self.clients {
            if let Some((at, then)) = client.again.filter(|(at, _)| *at <= now) {
                copies.push((client.hop, client.request.write()));
                let longest = if client.request.method() == "INVITE" { PATIENCE } else { T2 };
                client.again = Some((at + then, (then * 2).min(longest)));
            }
        }
        for served in &mut self.served {
            if let (Some((at, then)), Some(answer)) = (served.again.filter(|(at, _)| *at <= now), &served.answer) {
                copies.push((served.hop, answer.clone()));
                served.again = Some((at + then, (then * 2).min(T2)));
            }
        }
        copies.into_iter().for_each(|(hop, octets)| self.send(hop, octets));
        self.served.retain(|served| served.dies > now);
        let (kept, dead) = std::mem::take(&mut self.clients).into_iter().partition(|client| client.dies > now);
        self.clients = kept;
        let unanswered = |client: Client| {
            let response = from_ourselves(&client, 408, "nobody answered");
            (!client.done).then_some((client, response))
        };
        let dead: Vec<Client> = dead;
        dead.into_iter().filter_map(unanswered).collect()
    }

    /// What could not be sent, as responses that were never sent.
    pub(super) fn unreachable(&mut self, hop: Hop, why: &str) -> Vec<(Client, Message)> {
        let there = |client: &Client| {
            client.hop.transport == hop.transport && client.hop.address == hop.address && !client.done
        };
        let (dead, kept) = std::mem::take(&mut self.clients).into_iter().partition(there);
        self.clients = kept;
        let dead: Vec<Client> = dead;
        let failed = |client: Client| {
            let response = from_ourselves(&client, 503, why);
            (client, response)
        };
        dead.into_iter().map(failed).collect()
    }

    /// Whether a transaction under way goes by that connection.
    pub(super) fn is_in_use(&self, connection: u64) -> bool {
        let clients = self.clients.iter().map(|client| client.hop);
        clients.chain(self.served.iter().map(|served| served.hop)).any(|hop| hop.connection == Some(connection))
    }

    /// Whether no answer is waited for.
    pub(super) fn is_quiet(&self) -> bool {
        self.clients.iter().all(|client| client.done)
    }

    /// When the time is wanted next.
    pub(super) fn due(&self) -> Option<Duration> {
        let clients = self.clients.iter().flat_map(|client| [client.again.map(|(at, _)| at), Some(client.dies)]);
        let served = self.served.iter().flat_map(|served| [served.again.map(|(at, _)| at), Some(served.dies)]);
        clients.chain(served).flatten().min()
    }
}

/// A response that nobody sent.
fn from_ourselves(client: &Client, status: u16, why: &str) -> Message {
    let said = format!("{}: {why}", client.hop.address);
    Message::response(&client.request, status, &said).with("Reason", OURSELVES)
}

impl Client {
    fn copy(&self) -> Self {
        Self {
            request: self.request.clone(),
            branch: self.branch.clone(),
            hop: self.hop,
            owner: self.owner,
            again: None,
            dies: self.dies,
            acknowledgement: None,
            done: self.done,
            proofs: self.proofs,
        }
    }
}

/// The ACK of an INVITE that was refused belongs to its transaction, RFC 3261 17.1.1.3.
fn refused_ack(invite: &Message, response: &Message) -> Message {
    let uri = match &invite.start {
        Start::Request { uri, .. } => uri.as_str(),
        Start::Response { .. } => "",
    };
    let of = |name: &str| invite.header(name).unwrap_or_default().to_owned();
    let mut ack = Message::request("ACK", uri)
        .with("Via", of("Via"))
        .with("Max-Forwards", 70)
        .with("From", of("From"))
        .with("To", response.header("To").unwrap_or_default())
        .with("Call-ID", of("Call-ID"))
        .with("CSeq", format!("{} ACK", invite.sequence().unwrap_or_default()));
    for route in invite.all("Route") {
        ack = ack.with("Route", route);
    }
    ack
}
