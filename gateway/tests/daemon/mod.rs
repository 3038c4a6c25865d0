//! The daemon as a child process, and a mail server for what it sends.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use answertone_gateway::smtp::{self, Client, Door, Envelope, Intake, Limits, Recipient, Reply};
use mail_parser::MessageParser;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::watch};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_answertone");

/// Waits for something that must come; the bound only keeps a broken test from hanging.
pub(crate) fn wait_for(what: &str, mut come: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !come() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A gateway process with its store; killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
    _own: Option<TempDir>,
}

impl Gateway {
    /// A gateway with a simulated line to itself; `smtp` are more keys of that table.
    pub(crate) fn start(sink: &Sink, smtp: &str) -> Self {
        Self::start_with_relay(sink.port, smtp)
    }

    pub(crate) fn start_with_relay(relay: u16, smtp: &str) -> Self {
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().to_owned();
        let mut gateway = Self::start_in(&folder, relay, smtp);
        gateway._own = Some(own);
        gateway
    }

    /// A gateway that can make no file longer than so many octets.
    pub(crate) fn start_with_largest_file(sink: &Sink, octets: u64) -> Self {
        let own = tempfile::tempdir().unwrap();
        let config = configure(own.path(), sink.port, "");
        // POSIX counts in pieces of 512 octets.
        Self::spawn_limited(own, config, &format!("ulimit -S -f {}", octets / 512))
    }

    /// A gateway whose disk can be filled.
    pub(crate) fn start_on_small_disk(sink: &Sink) -> Self {
        let own = tempfile::tempdir().unwrap();
        let config = configure(own.path(), sink.port, "");
        Self::spawn_limited(own, config, ":")
    }

    fn spawn_limited(own: TempDir, config: PathBuf, limit: &str) -> Self {
        let folder = own.path().to_owned();
        let mut gateway = Self::spawn(limited(&config, limit), folder);
        gateway._own = Some(own);
        gateway
    }

    /// A gateway in this folder on a line of the network.
    // Only the tests of lines use it.
    #[allow(dead_code)]
    pub(crate) fn start_on_line(folder: &Path, relay: u16, uri: &str) -> Self {
        Self::start_on_line_where(folder, relay, uri, |_| ())
    }

    /// The same in a world that is prepared for it.
    #[allow(dead_code, reason = "used by the tests of sound servers only")]
    pub(crate) fn start_on_line_where(
        folder: &Path,
        relay: u16,
        uri: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(configure_line(folder, relay, uri));
        prepare(&mut command);
        Self::spawn(command, folder.to_owned())
    }

    /// The same on a disk that can be filled.
    #[allow(dead_code, reason = "used by the tests of lines only")]
    pub(crate) fn start_on_line_and_small_disk(folder: &Path, relay: u16, uri: &str) -> Self {
        Self::spawn(limited(&configure_line(folder, relay, uri), ":"), folder.to_owned())
    }

    pub(crate) fn start_in(folder: &Path, relay: u16, smtp: &str) -> Self {
        let config = configure(folder, relay, smtp);
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(config);
        Self::spawn(command, folder.to_owned())
    }

    /// A gateway in this folder with its configuration changed.
    #[allow(dead_code, reason = "used by the tests of rules only")]
    pub(crate) fn start_changed(folder: &Path, relay: u16, change: impl Fn(&str) -> String) -> Self {
        let config = configure(folder, relay, "");
        let text = change(&std::fs::read_to_string(&config).unwrap());
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(config);
        Self::spawn(command, folder.to_owned())
    }

    fn spawn(mut command: Command, folder: PathBuf) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("the gateway did not start: {line:?}"));
        Self { child, port, folder, _own: None }
    }

    /// Lets no file grow any more, or lets them again: what a full disk is to the process. False where the system has
    /// no `prlimit`.
    pub(crate) fn fill_disk(&self, full: bool) -> bool {
        let limit = if full { "--fsize=1:" } else { "--fsize=unlimited:" };
        let id = self.child.id().to_string();
        Command::new("prlimit").args(["--pid", &id, limit]).status().is_ok_and(|status| status.success())
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// What `answertone queue list --json` says.
    pub(crate) fn queue(&self) -> String {
        operate(&self.folder, &["queue", "--json", "list"], "")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a command of the operator says, given the configuration in this folder and something to read.
pub(crate) fn operate(folder: &Path, args: &[&str], input: &str) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(args).arg("--config").arg(folder.join("answertone.toml"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A gateway that its files' size may run into a limit.
fn limited(config: &Path, limit: &str) -> Command {
    // Without the trap the signal would end the process.
    let script = format!("trap '' XFSZ; {limit}; exec \"$0\" serve --config \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, PROGRAM]).arg(config);
    command
}

#[allow(dead_code, reason = "used by the tests of lines only")]
fn configure_line(folder: &Path, relay: u16, uri: &str) -> PathBuf {
    let config = configure(folder, relay, "");
    let text = std::fs::read_to_string(&config).unwrap().replace("sim:?far=onramp&snr=35", uri);
    std::fs::write(&config, text).unwrap();
    config
}

fn configure(folder: &Path, relay: u16, smtp: &str) -> PathBuf {
    let store = folder.join("store");
    let text = format!(
        "hostname = \"fax.example\"\n[smtp]\nlisten = [\"127.0.0.1:0\"]\n{smtp}\n[relay]\nport = {relay}\ntls = \"none\"\n\
         retry_s = [1]\n[store]\ndir = {store:?}\n[identity]\nstation = \"+1 555 0100\"\n[offramp]\nattempts = 20\nretry_s = [0]\n\
         [onramp]\nmailbox = \"office@office.example\"\n[[line]]\nname = \"sim\"\nuri = \"sim:?far=onramp&snr=35\"\n"
    );
    let path = folder.join("answertone.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A mail server that takes everything.
pub(crate) struct Sink {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Vec<u8>>>>,
    _stop: watch::Sender<bool>,
    _runtime: Runtime,
}

struct Takes {
    mails: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Nobody by this address.
    refused: String,
}

impl Intake for Takes {
    fn sender(&self, _: &Client, _: &str) -> Result<(), Reply> {
        Ok(())
    }
    async fn recipient(&self, _: &Client, _: &str, recipient: &Recipient) -> Result<(), Reply> {
        if recipient.address == self.refused { Err(Reply::new(550, "5.1.1", "nobody here")) } else { Ok(()) }
    }
    async fn deliver(&self, _: Envelope, raw: Vec<u8>) -> Result<Reply, Reply> {
        self.mails.lock().unwrap().push(raw);
        Ok(Reply::new(250, "2.0.0", "taken"))
    }
}

impl Sink {
    pub(crate) fn new() -> Self {
        Self::at(0)
    }

    /// A port nobody listens at.
    pub(crate) fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    /// One that knows nobody by this address.
    #[allow(dead_code, reason = "used by the tests of rules only")]
    pub(crate) fn refusing(address: &str) -> Self {
        Self::open(0, address)
    }

    pub(crate) fn at(port: u16) -> Self {
        Self::open(port, "")
    }

    fn open(port: u16, refused: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let mails = Arc::new(Mutex::new(vec![]));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let limits = Limits {
            hostname: "sink".into(),
            message: 1 << 28,
            recipients: 9,
            connections: 9,
            idle: Duration::from_secs(60),
        };
        runtime.spawn(smtp::serve(
            listener,
            Door::default(),
            Arc::new(Takes { mails: mails.clone(), refused: refused.into() }),
            limits,
            stopped,
        ));
        Self { port, mails, _stop: stop, _runtime: runtime }
    }

    pub(crate) fn count(&self) -> usize {
        self.mails.lock().unwrap().len()
    }

    fn texts(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|raw| String::from_utf8_lossy(raw).into_owned()).collect()
    }

    pub(crate) fn last(&self) -> String {
        self.texts().pop().unwrap()
    }

    pub(crate) fn find(&self, text: &str) -> Option<String> {
        self.texts().into_iter().find(|mail| mail.contains(text))
    }

    /// Mails by Message-ID: one that was handed over twice is one.
    pub(crate) fn distinct(&self) -> Vec<String> {
        let mut known = std::collections::HashSet::new();
        let id =
            |text: &String| MessageParser::default().parse(text.as_bytes()).unwrap().message_id().map(str::to_owned);
        self.texts().into_iter().filter(|text| known.insert(id(text))).collect()
    }
}
