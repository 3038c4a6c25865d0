//! HylaFAX: `sendfax` through `hfaxd` and `faxq`, `faxgetty` receiving, on a spool of the test's own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use answertone_vectors::program::installed;

use super::bench::{Bench, Case, Process, Terms, Way, two_pages, wait_for};

const WAYS: [Way; 5] = [
    ("HylaFAX to our machine", to_ours),
    ("our machine to HylaFAX", from_ours),
    ("HylaFAX to HylaFAX", to_itself),
    ("HylaFAX to the peer", to_peer),
    ("the peer to HylaFAX", from_peer),
];

/// Each way once, with and without error correction, each modem at least once.
pub(super) fn few() -> Vec<Case> {
    let terms = [("v17", true), ("v29", true), ("v27ter", false), ("v17", false), ("v17", true)];
    let first = WAYS.iter().zip(terms).map(|(way, (modem, ecm))| case(way, modem, ecm, "1"));
    let second =
        [case(&WAYS[0], "v17", true, "2.1"), case(&WAYS[1], "v17", true, "2.0"), case(&WAYS[2], "v17", false, "2")];
    first.chain(second).collect()
}

/// Each way by each modem in each class, with and without error correction.
pub(super) fn all() -> Vec<Case> {
    let terms = ["v27ter", "v29", "v17"].into_iter().flat_map(|modem| [(modem, true), (modem, false)]);
    let classes = ["1", "2", "2.0", "2.1"].into_iter();
    let all = classes.flat_map(|class| terms.clone().map(move |(modem, ecm)| (modem, ecm, class)));
    WAYS.iter().flat_map(|way| all.clone().map(|(modem, ecm, class)| case(way, modem, ecm, class))).collect()
}

fn case(way: &Way, modem: &'static str, ecm: bool, class: &'static str) -> Case {
    let with = if ecm { "ECM" } else { "no ECM" };
    Case { name: format!("{}, {modem}, {with}, class {class}", way.0), run: way.1, terms: Terms { modem, ecm, class } }
}

/// Why HylaFAX cannot be run here, if so.
pub(super) fn cannot_run() -> Option<&'static str> {
    let programs = ["sendfax", "hfaxd", "faxq", "faxgetty"];
    if !programs.iter().all(|program| installed(program).is_some()) || !Path::new("/var/spool/hylafax/bin").is_dir() {
        return Some("HylaFAX is not installed");
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout == b"0\n");
    if root { None } else { Some("HylaFAX changes its user, which only root may") }
}

/// HylaFAX with one modem; it is ready when this is made.
struct HylaFax {
    spool: PathBuf,
    port: u16,
    _programs: [Process; 3],
}

/// A spool as the package's own, with this modem in it.
fn make_spool(spool: &Path, device: &str, terms: Terms) {
    let made = Command::new("sh").arg("-euc").arg(SPOOL).env("SPOOL", spool).env("DEVICE", device).status();
    assert!(made.is_ok_and(|made| made.success()), "the spool cannot be made");
    let config = format!("{COMMON}{}", modem_config(terms));
    fs::write(spool.join("etc/config"), COMMON).expect("there is room for files");
    fs::write(spool.join(format!("etc/config.{device}")), config).expect("there is room for files");
}

const SPOOL: &str = r#"
mkdir -p "$SPOOL"
cd "$SPOOL"
mkdir archive client config dev docq doneq info log pollq recvq sendq status tmp etc
cp -r /var/spool/hylafax/bin .
cp -r /etc/hylafax/. etc/
cp -r /var/spool/hylafax/config/. config/
printf 'localhost:21:\n127.0.0.1:21:\n' > etc/hosts.hfaxd
chown -R uucp:uucp .
chmod 700 docq tmp
chmod 600 etc/hosts.hfaxd
"#;

const COMMON: &str = "\
LogFacility: daemon
CountryCode: 1
AreaCode: 555
LongDistancePrefix: 1
InternationalPrefix: 011
DialStringRules: etc/dialrules
ServerTracing: 0xFFF
";

fn modem_config(terms: Terms) -> String {
    let ecm = if terms.ecm { "yes" } else { "no" };
    let rates = match terms.modem {
        "v27ter" => "24,48",
        "v29" => "24,48,72,96",
        _ => "24,48,72,73,74,96,97,98,121,122,145,146",
    };
    let class = match terms.class {
        "1" => format!(
            "ModemType: Class1\nClass1TMQueryCmd: \"!{rates}\"\nClass1RMQueryCmd: \"!{rates}\"\nModemSoftRTFCC: no\n"
        ),
        class => format!("ModemType: Class{class}\n"),
    };
    format!(
        "FAXNumber: +1.555.0100\nSessionTracing: 0xFFF\nRecvFileMode: 0666\nLogFileMode: 0666\nDeviceMode: 0666\n\
         RingsBeforeAnswer: 1\nTagLineFont: \"\"\nModemRate: 19200\nModemFlowControl: xonxoff\n\
         ModemResetDelay: 300\nClass1ECMSupport: {ecm}\n{class}"
    )
}

/// A terminal as HylaFAX names it: the file below `/dev`, and the modem.
fn device(terminal: &Path) -> (String, String) {
    let file = terminal.strip_prefix("/dev").expect("terminals are devices").to_string_lossy().into_owned();
    let modem = file.replace('/', "_");
    (file, modem)
}

impl HylaFax {
    fn start(bench: &Bench, name: &str, terminal: &Path, terms: Terms) -> Self {
        let spool = bench.path(name);
        let (file, device) = device(terminal);
        make_spool(&spool, &device, terms);
        let port = TcpListener::bind("127.0.0.1:0").expect("there are ports").local_addr().expect("it is bound").port();
        let start = |program: &str, options: &[&str]| {
            let mut command = Command::new(installed(program).expect("this was looked for"));
            command.arg("-q").arg(&spool).args(options);
            Process::start(command.stdout(Stdio::null()).stderr(bench.log(&format!("{name}-{program}"))))
        };
        let programs =
            [start("faxq", &["-D"]), start("hfaxd", &["-i", &port.to_string(), "-d"]), start("faxgetty", &[&file])];
        let status = spool.join("status").join(&device);
        wait_for("faxgetty", || fs::read_to_string(&status).ok().filter(|text| text.contains("Running and idle")));
        Self { spool, port, _programs: programs }
    }

    /// Hands a document to `sendfax`.
    fn send(&self, bench: &Bench, number: &str, file: &Path) {
        let mut command = Command::new(installed("sendfax").expect("this was looked for"));
        command.args(["-h", &format!("localhost:{}", self.port), "-n", "-m", "-d", number]).arg(file);
        command.stdout(Stdio::null()).stderr(bench.log("sendfax"));
        assert!(Process::start(&mut command).ends_well("sendfax"), "{}", bench.told());
    }

    /// Waits until the job is done with; it must have succeeded.
    fn assert_sent(&self, bench: &Bench) {
        let logged = wait_for("the job", || {
            let text = fs::read_to_string(self.spool.join("log/xferfaxlog")).ok()?;
            text.lines().find(|line| line.contains("\tSEND\t")).map(str::to_owned)
        });
        let reason = logged.split('\t').nth(13).unwrap_or_default();
        assert_eq!(reason, "\"\"", "{logged}\n{}\n{}", self.session(), bench.told());
    }

    /// The file of the fax that was received, once it is whole.
    fn received(&self, bench: &Bench) -> PathBuf {
        let logged = wait_for("the fax", || {
            let text = fs::read_to_string(self.spool.join("log/xferfaxlog")).ok()?;
            text.lines().find(|line| line.contains("\tRECV\t")).map(str::to_owned)
        });
        assert!(logged.contains("\"\"") || !logged.is_empty(), "{logged}");
        let files = fs::read_dir(self.spool.join("recvq")).expect("the spool has it").flatten();
        let file = files.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "tif"));
        file.unwrap_or_else(|| panic!("{logged}\n{}\n{}", self.session(), bench.told()))
    }

    /// The end of the last session's log.
    fn session(&self) -> String {
        let logs = fs::read_dir(self.spool.join("log")).expect("the spool has it").flatten();
        let last = logs.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("/c")).max();
        let text = last.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

fn to_ours(bench: &Bench, terms: Terms) {
    let (pages, got) = (two_pages(), bench.path("got.tif"));
    let file = bench.write_document(&pages);
    let (_modem, terminal) = bench.modem("100");
    let hylafax = HylaFax::start(bench, "spool", &terminal, terms);
    let mut ours = bench.machine("number=200", ["--receive", &got.to_string_lossy()], terms);
    hylafax.send(bench, "200", &file);
    hylafax.assert_sent(bench);
    assert!(ours.ends_well("our machine"), "{}\n{}", hylafax.session(), bench.told());
    bench.assert_arrived(&[got], &pages);
}

fn from_ours(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let (_modem, terminal) = bench.modem("100");
    let hylafax = HylaFax::start(bench, "spool", &terminal, terms);
    let mut ours = bench.machine("number=200&dial=100", ["--send", &file.to_string_lossy()], terms);
    assert!(ours.ends_well("our machine"), "{}\n{}", hylafax.session(), bench.told());
    bench.assert_arrived(&[hylafax.received(bench)], &pages);
}

fn to_itself(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let ((_called, called), (_calling, calling)) = (bench.modem("100"), bench.modem("200"));
    let receiver = HylaFax::start(bench, "called", &called, terms);
    let sender = HylaFax::start(bench, "calling", &calling, terms);
    sender.send(bench, "100", &file);
    sender.assert_sent(bench);
    bench.assert_arrived(&[receiver.received(bench)], &pages);
}

fn to_peer(bench: &Bench, terms: Terms) {
    let (pages, got) = (two_pages(), bench.path("peer.tif"));
    let file = bench.write_document(&pages);
    let ecm = if terms.ecm { "on" } else { "off" };
    let receive = ["--receive", &got.to_string_lossy(), "--ecm", ecm];
    let Some([(modem, terminal), (mut peer, _)]) = bench.modem_beside_peer(&receive) else { return };
    let hylafax = HylaFax::start(bench, "spool", &terminal, terms);
    hylafax.send(bench, "200", &file);
    hylafax.assert_sent(bench);
    // The end of its input is the end of the peer's call.
    drop(modem);
    assert!(peer.ends_well("the peer"), "{}\n{}", hylafax.session(), bench.told());
    bench.assert_arrived(&[got], &pages);
}

fn from_peer(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let ecm = if terms.ecm { "on" } else { "off" };
    let send = ["--send", &file.to_string_lossy(), "--ecm", ecm];
    let Some([(modem, terminal), (mut peer, _)]) = bench.modem_beside_peer(&send) else { return };
    let hylafax = HylaFax::start(bench, "spool", &terminal, terms);
    // The cable has no bell: faxgetty is told to answer.
    let (_, device) = device(&terminal);
    fs::write(hylafax.spool.join(format!("FIFO.{device}")), b"Afax\0").expect("faxgetty reads its orders");
    let got = hylafax.received(bench);
    // The file is there before the last page is confirmed.
    wait_for("the session's end", || hylafax.session().contains("SESSION END").then_some(()));
    // The end of its input is the end of the peer's call.
    drop(modem);
    assert!(peer.ends_well("the peer"), "{}\n{}", hylafax.session(), bench.told());
    bench.assert_arrived(&[got], &pages);
}
