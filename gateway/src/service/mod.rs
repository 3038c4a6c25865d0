//! The gateway at work: mail to calls, calls to mail.
//!
//! ```text
//!  SMTP ─▶ intake ─▶ store ─▶ offramp ─▶ line ═══ telephone ═══ line ─▶ onramp ─▶ store ─▶ mail_out ─▶ relay
//!                               └── notice ───────────────────────────────────────▶┘
//! ```
//!
//! Mail, disk and waiting are asynchronous; a call has a thread of its own. What the workers hand each other lies in
//! the store; they only wake each other up.

mod accounts;
mod asking;
mod call;
mod doors;
mod found;
mod front;
mod happening;
mod intake;
mod lease;
mod mail_out;
mod mailbox;
mod notices;
mod offramp;
mod onramp;
mod retention;
mod spool;
mod switchboard;
mod webhooks;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use answertone_hw::{
    LineUri, Pace,
    audiosocket::{AudioSocketParams, Side},
};
pub use call::{Ended, Way};
pub(crate) use front::{Front, Sendable, Unsent};
pub use happening::Happening;
use happening::Happenings;
use intake::GatewayIntake;
use switchboard::Expected;
use tokio::{
    sync::{Notify, mpsc::UnboundedSender, watch},
    task::{JoinHandle, JoinSet},
};
use tracing::{error, info, warn};

use crate::{
    api,
    authorise::origin::{Origins, Proof},
    config::{self, Config, Line, Purpose},
    direct::{Courier, Door},
    dns::number::Numbers,
    engine::Engine,
    live::Board,
    mail::{MailOut, RelayError},
    smtp::{self, Limits},
    store::{Claim, Store, StoreError, Watch},
    web::{self, WebDoor},
};

/// What a service does besides its work.
#[derive(Default)]
pub struct Options {
    /// Who is told what happens.
    pub happenings: Option<UnboundedSender<Happening>>,
    /// Where calls are recorded, one WAV each.
    pub recordings: Option<PathBuf>,
    /// Told before each operation on the store.
    pub operations: Option<Watch>,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A socket.
    #[error("{key} = {address}: {error}; choose another address or stop who uses it")]
    Listen {
        /// By which key.
        key: &'static str,
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody to be asked for SPF, DKIM, DMARC and ENUM.
    #[error("name server: {0}; set smtp.name_server")]
    NameServer(String),
    /// The relay.
    #[error("relay: {0}")]
    Relay(#[from] RelayError),
}

/// What all workers share.
pub(crate) struct Shared {
    config: Config,
    store: Store,
    happenings: Happenings,
    /// Tells where mail comes from, if anybody has to prove that.
    origins: Option<Origins>,
    /// Knows what telephone numbers stand for, if a zone is asked for that.
    numbers: Option<Numbers>,
    /// Calls under way.
    board: Arc<Board>,
    recordings: Option<PathBuf>,
    /// There may be a job.
    job_due: Notify,
    /// There may be a mail.
    mail_due: Notify,
    /// There may be a program to be told.
    hook_due: Notify,
    /// There may be somebody to be told.
    notice_due: Notify,
    /// Owns the lines that never wait.
    engine: Engine,
    /// Calls that Asterisk is to connect.
    expected: Expected,
    /// Accounts that are open.
    accounts: accounts::Accounts,
    /// Where documents come directly, if they may.
    door: Option<Arc<Door>>,
    /// Calls are to be ended.
    hang_up: AtomicBool,
    stop: watch::Sender<bool>,
}

/// A gateway at work.
pub struct Service {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
    /// Keeps what this gateway has in hand, where there are others.
    lease: Option<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
    pages: Vec<String>,
    programs: Vec<SocketAddr>,
    _claim: Option<Claim>,
}

/// How long calls may go on when the gateway is stopped, and then how long to say goodbye.
const LAST_CALLS: Duration = Duration::from_secs(30);
const GOODBYE: Duration = Duration::from_secs(10);
/// How long until a line that cannot be opened is tried again.
const LINE_PATIENCE: Duration = Duration::from_secs(2);

/// The longest any worker sleeps: another process may have changed the queue.
const NAP: Duration = Duration::from_secs(2);

impl Service {
    /// Recovers what a crash left and starts all workers.
    pub async fn start(config: Config, options: Options) -> Result<Self, ServeError> {
        // A folder has one gateway; those that share a database share its work.
        let claim = if config.store.url.is_empty() { Some(Store::claim(&config.store.dir)?) } else { None };
        let store = Store::of(&config.store, options.operations).await?;
        let mail_out = MailOut::new(&config.relay, &config.hostname)?;
        let doors = doors::open(&config.smtp).await?;
        let web_doors = web::open(&config.web).await?;
        let pages = web_doors.iter().map(WebDoor::url).collect();
        let api_doors = doors::open_api(&config.api).await?;
        let programs = api_doors.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let addresses = doors.iter().filter_map(|(listener, _)| listener.local_addr().ok()).collect();
        let origins = origins(&config)?;
        let door = door(&config.direct)?;
        let numbers = numbers(&config)?;
        let shared = Arc::new(Shared {
            config,
            store,
            happenings: Happenings(options.happenings),
            origins,
            numbers,
            board: Arc::default(),
            recordings: options.recordings,
            job_due: Notify::new(),
            mail_due: Notify::new(),
            hook_due: Notify::new(),
            notice_due: Notify::new(),
            engine: Engine::new(None),
            expected: Expected::default(),
            accounts: accounts::Accounts::default(),
            door,
            hang_up: AtomicBool::new(false),
            stop: watch::Sender::new(false),
        });
        shared.recover().await?;
        let mut workers = JoinSet::new();
        for (listener, door) in doors {
            let intake = Arc::new(GatewayIntake(shared.clone()));
            workers.spawn(smtp::serve(listener, door, intake, shared.limits(), shared.stop.subscribe()));
        }
        if !web_doors.is_empty() {
            workers.spawn(web::serve(web_doors, Front::new(shared.clone()), shared.stop.subscribe()));
        }
        for listener in api_doors {
            workers.spawn(api::serve(listener, Front::new(shared.clone()), shared.stop.subscribe()));
        }
        if let Some(listener) = doors::open_control(&shared.config.store.control()) {
            workers.spawn(api::serve_here(listener, Front::new(shared.clone()), shared.stop.subscribe()));
        }
        shared.clone().spawn_lines(&mut workers);
        workers.spawn(notices::work(shared.clone()));
        for mailbox in shared.config.mailboxes.clone() {
            workers.spawn(mailbox::work(shared.clone(), mailbox));
        }
        workers.spawn(webhooks::work(shared.clone()));
        workers.spawn(retention::work(shared.clone()));
        let is_shared = !shared.config.store.url.is_empty();
        let lease = is_shared.then(|| tokio::spawn(lease::work(shared.clone())));
        if !shared.config.spool.dir.as_os_str().is_empty() {
            workers.spawn(spool::work(shared.clone()));
        }
        workers.spawn(mail_out::work(shared.clone(), mail_out));
        Ok(Self { shared, workers, lease, addresses, pages, programs, _claim: claim })
    }

    /// Where mail is taken.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the operator's page is.
    pub fn pages(&self) -> &[String] {
        &self.pages
    }

    /// Where other programs are served.
    pub fn programs(&self) -> &[SocketAddr] {
        &self.programs
    }

    /// The store, for who wants to look.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Stops: no more mail in, no new calls; calls under way may end, and if they take long they are cut.
    pub async fn stop(mut self) {
        self.shared.stop.send_replace(true);
        if !self.joined(LAST_CALLS).await {
            warn!("ending calls");
            self.shared.hang_up.store(true, Ordering::Relaxed);
            if !self.joined(GOODBYE).await {
                error!("a call does not end; its job stays and is recovered at the next start");
            }
        }
        if let Some(lease) = self.lease.take() {
            lease.abort();
        }
        self.shared.store.close().await;
    }

    async fn joined(&mut self, within: Duration) -> bool {
        let all = async { while self.workers.join_next().await.is_some() {} };
        tokio::time::timeout(within, all).await.is_ok()
    }
}

/// The port where documents come directly, if they may.
fn door(direct: &config::Direct) -> Result<Option<Arc<Door>>, ServeError> {
    let open = |address| {
        let wrong = |error| ServeError::Listen { key: "direct.listen", address, error };
        Door::open(address, direct.address).map_err(wrong)
    };
    direct.listen.map(open).transpose()
}

/// Who knows what telephone numbers stand for, if anybody is to be asked.
fn numbers(config: &Config) -> Result<Option<Numbers>, ServeError> {
    let (zone, server) = (&config.onramp.enum_zone, config.smtp.name_server);
    (!zone.is_empty()).then(|| Numbers::new(zone, server)).transpose().map_err(ServeError::NameServer)
}

/// Who tells where mail comes from, if a sender has to prove that.
fn origins(config: &Config) -> Result<Option<Origins>, ServeError> {
    let asked = config.senders.iter().any(|sender| sender.proof.is_some_and(|proof| proof != Proof::Signed));
    asked.then(|| Origins::new(config.smtp.name_server)).transpose().map_err(ServeError::NameServer)
}

impl Shared {
    /// Who lets the document of a call go directly, if it may.
    fn courier(&self, way: Way, pace: Pace) -> Option<Courier> {
        let to = &self.config.direct.to;
        let courier = match way {
            Way::Out => (!to.is_empty()).then(|| Courier::calling(to.clone())),
            Way::In => self.door.clone().map(Courier::answering),
        };
        courier.map(|courier| courier.at_pace(pace))
    }

    /// Puts right what a gateway that is gone has left: calls cut short, faxes without an end.
    async fn recover(&self) -> Result<(), StoreError> {
        let jobs = self.store.recover_jobs().await?;
        let faxes = self.store.adopt_faxes().await?;
        if jobs > 0 || !faxes.is_empty() {
            info!(jobs, faxes = faxes.len(), "going on with what a sudden stop has left");
            self.job_due.notify_waiters();
        }
        for fax in faxes {
            onramp::close(self, fax.id, Err("the gateway stopped during the call".into())).await;
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        let smtp = &self.config.smtp;
        Limits {
            hostname: self.config.hostname.clone(),
            message: smtp.max_message_bytes,
            recipients: smtp.max_recipients,
            connections: smtp.max_connections,
            idle: smtp.idle_timeout,
        }
    }

    fn spawn_lines(self: Arc<Self>, workers: &mut JoinSet<()>) {
        for line in self.config.lines.clone() {
            match &line.uri {
                LineUri::AudioSocket(params) => {
                    if let Side::Listen(here) = params.side {
                        workers.spawn(switchboard::work(self.clone(), line.clone(), params.clone(), here));
                    }
                    self.clone().spawn_connected(workers, &line, params);
                }
                LineUri::WebSocket(params) if line.purpose != Purpose::Send => {
                    (0..params.calls).for_each(|_| drop(workers.spawn(onramp::work(self.clone(), line.clone()))))
                }
                LineUri::Sip(params) => self.clone().spawn_account(workers, &line, &params.account),
                _ if line.purpose != Purpose::Receive => {
                    workers.spawn(offramp::work(self.clone(), line));
                }
                LineUri::Sim(_) => warn!(
                    line = line.name,
                    "a simulated line never rings: nothing will be received on it; give it use = \"send\" or \"both\""
                ),
                _ => {
                    workers.spawn(onramp::work(self.clone(), line));
                }
            }
        }
    }

    /// An account, and so many calls out at once as it may have.
    fn spawn_account(self: Arc<Self>, workers: &mut JoinSet<()>, line: &Line, name: &str) {
        let Some(account) = self.config.accounts.iter().find(|account| account.name == name).cloned() else { return };
        if line.purpose != Purpose::Receive {
            (0..account.calls).for_each(|_| drop(workers.spawn(offramp::work(self.clone(), line.clone()))));
        }
        workers.spawn(accounts::work(self, line.clone(), account));
    }

    /// Outgoing calls over AudioSocket: so many at once as the line says.
    fn spawn_connected(self: Arc<Self>, workers: &mut JoinSet<()>, line: &Line, params: &AudioSocketParams) {
        let listens = matches!(params.side, Side::Listen(_));
        match line.purpose {
            Purpose::Receive if !listens => warn!(
                line = line.name,
                "nobody calls a line that connects itself; write audiosocket:listen=HOST:PORT, or use = \"send\""
            ),
            Purpose::Receive => {}
            Purpose::Send if listens && params.originate.is_none() => warn!(
                line = line.name,
                "no call can be made: write spool= and channel= into its uri, or use = \"receive\""
            ),
            Purpose::Both if listens && params.originate.is_none() => {}
            _ => (0..params.calls).for_each(|_| drop(workers.spawn(offramp::work(self.clone(), line.clone())))),
        }
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Sleeps until woken, until that time, until the gateway stops, or for a nap.
    async fn rest(&self, woken: &Notify, due: Option<i64>) {
        let nap = due.map_or(NAP, |due| Duration::from_millis((due - crate::store::now()).max(1) as u64).min(NAP));
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep(nap) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Repeats a change of state until the store takes it: with a full disk a job stays what it was, it is not lost.
    async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        what: &str,
        mut change: impl FnMut() -> F,
    ) -> T {
        loop {
            match change().await {
                Ok(done) => return done,
                Err(failure) => error!(%failure, "{what} cannot be written; trying again in 5 s"),
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}
