//! An account at work: its sockets, a clock and the agent, on a thread of their own.
//!
//! ```text
//!  UDP, streams ─▶ messages ─▶ Agent ─▶ octets to send, tidings for each call, calls that come
//!  calls, Ctrl-C ─▶ wishes ──▶       ◀─ the time
//! ```

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdUdpSocket},
    sync::{
        Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, UdpSocket},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tracing::{debug, info, warn};

use super::{
    Agent, CallId, Hop, Incoming, Output, Profile, Seeker, Tidings, Transport,
    leg::Sockets,
    locate::Locator,
    streams::{Arrival, Streams},
};
use crate::{
    config::SipAccount,
    sdp::{Local, OwnSeal},
};

/// The longest datagram.
const LONGEST_DATAGRAM: usize = 65_536;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// The longest sleep.
const NAP: Duration = Duration::from_secs(1);

/// What is wanted of an account's agent.
pub(super) enum Wish {
    Dial {
        number: String,
        local: Local,
        tidings: Sender<Tidings>,
        placed: Sender<Option<CallId>>,
    },
    Answer(CallId, Local),
    Reject(CallId, u16, &'static str),
    Image(CallId),
    /// Neither make it T.38 nor let the far end do so.
    KeepAudio(CallId),
    /// Keys for the next seal.
    Keys(CallId, OwnSeal),
    /// Seal it anew by them.
    NewKeys(CallId),
    /// Tell a key beside the audio.
    Key(CallId, char),
    HangUp(CallId),
    Leave,
}

/// A call that rings.
pub(super) struct Rung {
    pub(super) call: CallId,
    pub(super) incoming: Incoming,
    pub(super) tidings: Receiver<Tidings>,
}

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Its server has no address.
    #[error("sip.server = \"{server}\": {reason}; write a host that can be looked up and reached, or its address")]
    Server {
        /// As written.
        server: String,
        /// Why not.
        reason: String,
    },
    /// Its port cannot be had.
    #[error("sip.listen = \"{address}\": {reason}; stop who uses it, or choose another port (0: any)")]
    Listen {
        /// As written.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// Its certificates cannot be used.
    #[error("{0}")]
    Tls(String),
    /// There is no thread for it.
    #[error("no thread for the account: {0}")]
    Thread(io::Error),
}

/// An account at work; it leaves the server when it is dropped.
pub struct Endpoint {
    pub(super) account: SipAccount,
    /// Where others find us.
    pub(super) address: IpAddr,
    pub(super) wishes: UnboundedSender<Wish>,
    rung: Mutex<Receiver<Rung>>,
    thread: Option<JoinHandle<()>>,
    local: SocketAddr,
}

impl Endpoint {
    /// Opens the account's sockets and lets its agent begin.
    pub fn open(account: &SipAccount) -> Result<Self, EndpointError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(EndpointError::Thread)?;
        let (servers, locator) = runtime.block_on(async {
            let locator = Locator::new(account.name_server, account.transport, account.listen.is_ipv4());
            servers(account, &locator).await.map(|servers| (servers, locator))
        })?;
        let account = &SipAccount { listen: facing(account.listen, &servers), ..account.clone() };
        let servers = reachable(account, servers)?;
        let listen = |reason| EndpointError::Listen { address: account.listen, reason };
        let datagrams = bind(account).map_err(listen)?;
        let local = datagrams.local();
        let address = account.advertise.unwrap_or_else(|| reached_at(local.ip(), &servers));
        let profile = profile(account, servers, SocketAddr::new(address, local.port()));
        let streams = Streams::new(account).map_err(EndpointError::Tls)?;
        let agent = Agent::new(profile, Box::new(chance));
        let (wishes, wanted) = unbounded_channel();
        let (ring, rung) = channel();
        let name = account.name.clone();
        let work = move || {
            runtime.block_on(async move {
                match datagrams.listening() {
                    Ok(sockets) => Working::new(agent, sockets, streams, locator, ring, name).run(wanted).await,
                    Err(error) => warn!(account = name, %error, "the account's socket is lost"),
                }
            });
        };
        let thread = std::thread::Builder::new().name(format!("sip {}", account.name)).spawn(work);
        let thread = Some(thread.map_err(EndpointError::Thread)?);
        Ok(Self { account: account.clone(), address, wishes, rung: Mutex::new(rung), thread, local })
    }

    /// The account.
    pub fn account(&self) -> &SipAccount {
        &self.account
    }

    /// Where messages are taken.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn wish(&self, wish: Wish) {
        // The thread lasts as long as we do.
        let _ = self.wishes.send(wish);
    }

    /// Waits so long for a call.
    pub(super) fn rung(&self, wait: Duration) -> Option<Rung> {
        let rung = self.rung.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match rung.recv_timeout(wait) {
            Ok(rung) => Some(rung),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(wait);
                None
            }
        }
    }

    /// Sockets for the media of a call.
    pub(super) fn sockets(&self) -> io::Result<Sockets> {
        Sockets::open(self.account.listen.ip(), self.account.ports)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.wish(Wish::Leave);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn chance() -> u64 {
    let mut octets = [0; 8];
    // Without chance of its own the system's start would have failed already; zeros only make names that are alike.
    let _ = aws_lc_rs::rand::fill(&mut octets);
    u64::from_le_bytes(octets)
}

/// The places of the account's server, best first.
async fn servers(account: &SipAccount, locator: &Locator) -> Result<Vec<Hop>, EndpointError> {
    if account.server.is_empty() {
        return Ok(vec![]);
    }
    let places = locator.places(&account.server, &mut chance).await;
    if places.is_empty() {
        let reason = "no address is known for it".to_owned();
        return Err(EndpointError::Server { server: account.server.clone(), reason });
    }
    let hop = |address| Hop { transport: account.transport, address, connection: None };
    Ok(places.into_iter().map(hop).collect())
}

/// Where to listen: all addresses are those of IPv6 where the server has no other, and of IPv4 likewise.
fn facing(listen: SocketAddr, servers: &[Hop]) -> SocketAddr {
    let serves = servers.is_empty() || servers.iter().any(|server| server.address.is_ipv4() == listen.is_ipv4());
    let ip: IpAddr = match listen {
        _ if serves || !listen.ip().is_unspecified() => return listen,
        SocketAddr::V4(_) => Ipv6Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, listen.port())
}

/// The server's places that datagrams of ours can go to.
fn reachable(account: &SipAccount, servers: Vec<Hop>) -> Result<Vec<Hop>, EndpointError> {
    let goes = |server: &Hop| can_go(account.transport, account.listen, server.address);
    let (reachable, others): (Vec<Hop>, Vec<Hop>) = servers.into_iter().partition(goes);
    if reachable.is_empty() && !others.is_empty() {
        let reason = format!("nothing goes to {} from sip.listen = \"{}\"", others[0].address, account.listen);
        return Err(EndpointError::Server { server: account.server.clone(), reason });
    }
    Ok(reachable)
}

/// Whether messages can go there: datagrams leave by the socket that listens, and a stream by one of its own.
fn can_go(transport: Transport, listen: SocketAddr, to: SocketAddr) -> bool {
    transport != Transport::Udp || to.is_ipv4() == listen.is_ipv4()
}

/// The address of ours that leads to the server.
fn reached_at(bound: IpAddr, servers: &[Hop]) -> IpAddr {
    let towards = |server: &Hop| {
        let socket = StdUdpSocket::bind(SocketAddr::new(bound, 0)).ok()?;
        socket.connect(server.address).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    match bound {
        _ if !bound.is_unspecified() => bound,
        _ if !servers.is_empty() => servers.iter().find_map(towards).unwrap_or(bound),
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

fn profile(account: &SipAccount, servers: Vec<Hop>, contact: SocketAddr) -> Profile {
    Profile {
        user: account.user.clone(),
        domain: account.domain.clone(),
        login: account.login.clone(),
        password: account.password.as_ref().map(|secret| secret.0.clone()).unwrap_or_default(),
        servers,
        server_name: account.server.clone(),
        transport: account.transport,
        contact,
        registers: account.register.then_some(account.expires),
        caller_id: Some(account.number.clone()).filter(|number| !number.is_empty()),
        allowed: account.allowed.clone(),
        calls: account.calls,
        session_expires: account.session_s,
        t38: account.t38.then(|| account.own_t38()),
        policy: account.seal,
    }
}

/// What listens, before there is a runtime.
struct Bound {
    datagrams: Option<StdUdpSocket>,
    streams: Option<std::net::TcpListener>,
    local: SocketAddr,
}

fn bind(account: &SipAccount) -> io::Result<Bound> {
    if account.transport == Transport::Udp {
        let socket = StdUdpSocket::bind(account.listen)?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        return Ok(Bound { datagrams: Some(socket), streams: None, local });
    }
    let listener = std::net::TcpListener::bind(account.listen)?;
    listener.set_nonblocking(true)?;
    let local = listener.local_addr()?;
    Ok(Bound { datagrams: None, streams: Some(listener), local })
}

/// What listens.
struct Listening {
    datagrams: Option<UdpSocket>,
    streams: Option<TcpListener>,
    local: SocketAddr,
}

impl Bound {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn listening(self) -> io::Result<Listening> {
        let datagrams = self.datagrams.map(UdpSocket::from_std).transpose()?;
        let streams = self.streams.map(TcpListener::from_std).transpose()?;
        Ok(Listening { datagrams, streams, local: self.local })
    }
}

/// The thread's own.
struct Working {
    agent: Agent,
    sockets: Listening,
    streams: Streams,
    locator: Locator,
    /// What was looked up.
    found: (UnboundedSender<Found>, UnboundedReceiver<Found>),
    calls: HashMap<CallId, Sender<Tidings>>,
    ring: Sender<Rung>,
    name: String,
    began: Instant,
    registered: Option<bool>,
}

/// Who asked for places, and what was found.
type Found = (Seeker, Vec<SocketAddr>);

/// What woke the thread.
enum Woken {
    Found(Found),
    Datagram(usize, SocketAddr),
    Stream(Arrival),
    Wish(Option<Box<Wish>>),
    Time,
}

impl Working {
    fn new(
        agent: Agent,
        sockets: Listening,
        streams: Streams,
        locator: Locator,
        ring: Sender<Rung>,
        name: String,
    ) -> Self {
        let (calls, began) = (HashMap::new(), Instant::now());
        let found = unbounded_channel();
        Self { agent, sockets, streams, locator, found, calls, ring, name, began, registered: None }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn run(mut self, mut wanted: UnboundedReceiver<Wish>) {
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        let mut leaving: Option<Duration> = None;
        self.agent.handle_timeout(self.now());
        self.carry_out().await;
        while leaving.is_none_or(|until| self.now() < until) {
            match self.woken(&mut buffer, &mut wanted, leaving.is_some()).await {
                Woken::Datagram(count, from) => {
                    let hop = Hop { transport: Transport::Udp, address: from, connection: None };
                    let now = self.now();
                    self.agent.handle(&buffer[..count], hop, now);
                }
                Woken::Stream(arrival) => self.arrived(arrival),
                Woken::Found((seeker, places)) => {
                    let now = self.now();
                    self.agent.found(seeker, &places, now);
                }
                Woken::Wish(wish) => match wish.map(|wish| *wish) {
                    Some(Wish::Leave) | None => {
                        self.agent.leave(self.now());
                        leaving = Some(self.now() + GOODBYE);
                    }
                    Some(wish) => self.grant(wish),
                },
                Woken::Time => {}
            }
            self.agent.handle_timeout(self.now());
            self.carry_out().await;
            if leaving.is_some() && self.agent.is_quiet() {
                return;
            }
        }
    }

    async fn woken(&mut self, buffer: &mut [u8], wanted: &mut UnboundedReceiver<Wish>, leaving: bool) -> Woken {
        let sleep = self.agent.due().map_or(NAP, |due| due.saturating_sub(self.now())).min(NAP);
        let sleep = if leaving { sleep.min(GOODBYE / 10) } else { sleep };
        let datagrams = self.sockets.datagrams.as_ref();
        let datagram = async {
            match datagrams {
                Some(socket) => socket.recv_from(buffer).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            datagram = datagram => match datagram {
                Ok((count, from)) => Woken::Datagram(count, from),
                // A datagram of ours that found nobody.
                Err(_) => Woken::Time,
            },
            arrival = self.streams.next(self.sockets.streams.as_ref(), &self.agent) => Woken::Stream(arrival),
            Some(found) = self.found.1.recv() => Woken::Found(found),
            wish = wanted.recv(), if !leaving => Woken::Wish(wish.map(Box::new)),
            () = tokio::time::sleep(sleep) => Woken::Time,
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        let now = self.now();
        match arrival {
            Arrival::Message(from, message) => self.agent.handle_message(&message, from, now),
            Arrival::Unreachable(hop, why) => self.agent.unreachable(hop, &why, now),
            Arrival::Nothing => {}
        }
    }

    fn grant(&mut self, wish: Wish) {
        let now = self.now();
        match wish {
            Wish::Dial { number, local, tidings, placed } => {
                let call = self.agent.dial(&number, local, now);
                if let Some(call) = call {
                    self.calls.insert(call, tidings);
                }
                let _ = placed.send(call);
            }
            Wish::Answer(call, local) => self.agent.answer(call, local, now),
            Wish::Reject(call, status, reason) => self.agent.reject(call, status, reason, now),
            Wish::Keys(call, own) => self.agent.set_keys(call, own, now),
            Wish::NewKeys(call) => self.agent.want_new_keys(call, now),
            Wish::Key(call, key) => self.agent.digit(call, key, now),
            Wish::Image(call) => self.agent.want_image(call, now),
            Wish::KeepAudio(call) => self.agent.keep_audio(call, now),
            Wish::HangUp(call) => {
                self.calls.remove(&call);
                self.agent.hang_up(call, now);
            }
            Wish::Leave => {}
        }
    }

    /// Does what the agent wants done.
    async fn carry_out(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { to, octets } => self.send(to, octets).await,
                Output::Tell(call, tidings) => self.tell(call, tidings),
                Output::Incoming(call, incoming) => self.ring(call, *incoming),
                Output::Registered(told) => self.registered(told),
                Output::Find(seeker, host) => self.find(seeker, host),
            }
        }
    }

    fn find(&self, seeker: Seeker, host: String) {
        let (locator, to) = (self.locator.clone(), self.found.0.clone());
        let (transport, ours) = (self.agent.profile().transport, self.sockets.local);
        tokio::spawn(async move {
            let mut places = locator.places(&host, &mut chance).await;
            places.retain(|place| can_go(transport, ours, *place));
            debug!(host, ?places, "looked up");
            let _ = to.send((seeker, places));
        });
    }

    async fn send(&mut self, to: Hop, octets: Vec<u8>) {
        debug!(account = self.name, to = %to.address, message = %String::from_utf8_lossy(&octets), "sip out");
        match &self.sockets.datagrams {
            Some(socket) if to.transport == Transport::Udp => {
                // What cannot be sent is sent again, as what is lost.
                let _ = socket.send_to(&octets, to.address).await;
            }
            _ => self.streams.send(to, octets),
        }
    }

    fn tell(&mut self, call: CallId, tidings: Tidings) {
        debug!(account = self.name, call = call.0, ?tidings, "sip");
        let over = matches!(tidings, Tidings::Ended(_));
        if let Some(to) = self.calls.get(&call) {
            let _ = to.send(tidings);
        }
        if over {
            self.calls.remove(&call);
        }
    }

    fn ring(&mut self, call: CallId, incoming: Incoming) {
        let (to, tidings) = channel();
        self.calls.insert(call, to);
        if self.ring.send(Rung { call, incoming, tidings }).is_err() {
            let now = self.now();
            return self.agent.reject(call, 480, "Temporarily Unavailable", now);
        }
        let now = self.now();
        self.agent.alert(call, now);
    }

    fn registered(&mut self, told: Result<Duration, String>) {
        let fine = told.is_ok();
        if self.registered == Some(fine) {
            return;
        }
        self.registered = Some(fine);
        match told {
            Ok(time) => info!(account = self.name, seconds = time.as_secs(), "registered"),
            Err(said) => warn!(account = self.name, said, "not registered; trying again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn account(listen: &str, server: &str) -> SipAccount {
        let text = format!(
            "[[sip]]\nname = \"office\"\nallowed = [\"127.0.0.0/8\"]\nlisten = \"{listen}\"\nserver = \"{server}\"\n"
        );
        Config::parse(&text, "test").unwrap().accounts.remove(0)
    }

    #[test]
    fn all_addresses_are_of_the_family_of_the_server_s() {
        for (listen, server, ours) in [
            ("0.0.0.0:0", "127.0.0.1:5060", "127.0.0.1"),
            ("[::]:0", "127.0.0.1:5060", "127.0.0.1"),
            ("0.0.0.0:0", "[::1]:5060", "::1"),
            ("[::]:0", "[::1]:5060", "::1"),
        ] {
            if ours == "::1" && StdUdpSocket::bind("[::1]:0").is_err() {
                answertone_vectors::not_run(1, "a server of IPv6: this machine has no ::1");
                continue;
            }
            let endpoint = Endpoint::open(&account(listen, server)).unwrap();
            assert_eq!(endpoint.address.to_string(), ours, "{listen} to {server}");
            assert_eq!(endpoint.local().is_ipv4(), endpoint.address.is_ipv4(), "{listen} to {server}");
            let media = endpoint.sockets().unwrap().socket.local_addr().unwrap();
            assert_eq!(media.is_ipv4(), endpoint.address.is_ipv4(), "{listen} to {server}");
        }
    }

    #[test]
    fn a_server_that_no_datagram_goes_to_is_named() {
        let said = Endpoint::open(&account("127.0.0.1:0", "[::1]:5060")).err().expect("it cannot be used").to_string();
        assert!(said.contains("[::1]:5060") && said.contains("sip.listen = \"127.0.0.1:0\""), "{said}");
    }
}
