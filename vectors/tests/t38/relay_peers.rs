//! Other makers' machines on telephone lines, our relays, and other makers' terminals behind them.

use std::{
    collections::VecDeque,
    fs,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_t30::{
    audio::BLOCK_SPAN,
    image::{
        Coding, Page,
        tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
    },
    t38::{
        RateManagement,
        relay::{RelayConfig, Transcoding},
    },
    time::LineTime,
};
use answertone_vectors::process::ProcessEnd;

use super::{
    Network, page,
    peers::{self, SPEED},
    relays::Gateway,
};

/// No call of these tests may last longer.
const LONGEST_CALL: LineTime = LineTime(8000 * 300);

/// The same where the world's clock counts.
const PATIENCE: Duration = Duration::from_secs(100);

/// What the machines of a call can do.
#[derive(Clone, Copy, Debug)]
struct Case {
    modems: &'static str,
    ecm: bool,
    method: RateManagement,
    /// What pages are between two relays.
    transcoding: Option<Transcoding>,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let modems = ["v27ter", "v27ter,v29", "v27ter,v29,v17"].into_iter();
        modems.flat_map(|modems| {
            [true, false].map(|ecm| Self { modems, ecm, method: RateManagement::TransferredTcf, transcoding: None })
        })
    }

    fn options(&self) -> Vec<String> {
        let (ecm, compressions) = if self.ecm { ("on", "t4-1d,t4-2d,t6") } else { ("off", "t4-1d,t4-2d") };
        let text = format!("--modems {} --ecm {ecm} --compressions {compressions} --timeout 280", self.modems);
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// The files of a call.
struct Files {
    sent: PathBuf,
    got: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = peers::folder();
        let (sent, got) = (folder.join("sent.tif"), folder.join("got.tif"));
        let _ = fs::remove_file(&got);
        let file = write(&[FilePage::from(&*document())], &WriteOptions::plain(Profile::F(Coding::Mmr)));
        fs::write(&sent, file.expect("a page fits a file")).expect("the work folder takes files");
        Self { sent, got }
    }

    fn arguments(&self, sends: bool) -> [&std::ffi::OsStr; 2] {
        if sends { ["--send".as_ref(), self.sent.as_ref()] } else { ["--receive".as_ref(), self.got.as_ref()] }
    }

    fn assert_delivered(&self, what: &str) {
        let file = fs::read(&self.got).unwrap_or_default();
        let pages = TiffDocument::open(&file).and_then(|document| document.fax_pages()).unwrap_or_default();
        assert_eq!(pages.len(), 1, "{what}");
        assert!(pages[0].bitmap == document().bitmap, "{what}: pels differ");
    }
}

fn document() -> Arc<Page> {
    page(7, 120)
}

/// A machine, and the relay at the other end of its line.
struct Line {
    machine: ProcessEnd,
    gateway: Gateway,
    heard: Block,
    said: Block,
}

impl Line {
    fn new(program: &Path, case: &Case, files: &Files, sends: bool) -> Self {
        let mut command = Command::new(program);
        command.args(["--stdio", "--tail-ms", "500"]).args(files.arguments(sends)).args(case.options());
        let config =
            RelayConfig { rate_management: case.method, transcoding: case.transcoding, ..RelayConfig::default() };
        Self { machine: ProcessEnd::start(&mut command), gateway: Gateway::new(config), heard: SILENCE, said: SILENCE }
    }

    /// A block of time goes by; what is to be sent.
    fn block(&mut self, now: LineTime) -> Vec<Vec<u8>> {
        let heard = self.gateway.block(&self.said, now);
        self.said = self.machine.block(&self.heard);
        self.heard = heard;
        self.gateway.datagrams(now)
    }
}

/// Lets two machines call each other over two relays and the network between them.
fn line_to_line(program: &Path, case: &Case, network: Network) {
    let files = Files::new();
    let mut lines = [true, false].map(|sends| Line::new(program, case, &files, sends));
    let (mut now, mut chance) = (LineTime::ZERO, network.chance(0));
    let mut flights: VecDeque<(LineTime, usize, Vec<u8>)> = VecDeque::new();
    while !lines.iter().all(|line| line.machine.has_hung_up()) && now < LONGEST_CALL {
        now += BLOCK_SPAN;
        let (due, later) = flights.into_iter().partition(|(at, ..)| *at <= now);
        flights = later;
        let mut due: Vec<_> = due.into();
        due.sort_by_key(|(at, ..)| *at);
        due.iter().for_each(|(_, to, datagram)| lines[*to].gateway.take(datagram, now));
        for side in [0, 1] {
            for datagram in lines[side].block(now) {
                if let Some(late) = chance.fate(&network) {
                    flights.push_back((now + network.delay + late, 1 - side, datagram));
                }
            }
        }
    }
    let ended = lines.map(|mut line| line.machine.end().success());
    assert_eq!(ended, [true, true], "{case:?} {network:?}");
    files.assert_delivered(&format!("{case:?} {network:?}"));
}

#[test]
fn machines_of_another_maker_reach_each_other_over_two_relays() {
    let Some(program) = peers::peer(14, "peer-fax") else { return };
    Case::all().for_each(|case| line_to_line(&program, &case, Network::GOOD));
    for case in Case::all().filter(|case| !case.ecm) {
        for transcoding in [Transcoding::Mmr, Transcoding::Jbig] {
            line_to_line(&program, &Case { transcoding: Some(transcoding), ..case }, Network::GOOD);
        }
    }
    for case in Case::all().filter(|case| case.ecm && case.modems != "v27ter,v29") {
        line_to_line(&program, &case, Network { loss_percent: 5, late_percent: 5, ..Network::GOOD });
    }
}

/// A machine on a line and a terminal behind a relay, whose clocks run several times too fast.
fn line_to_terminal(programs: &[PathBuf; 2], case: &Case, line_sends: bool) {
    let files = Files::new();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of this machine");
    let theirs = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let mut terminal = terminal(&programs[1], case, &files, !line_sends, (theirs, &socket));
    let mut line = Line::new(&programs[0], case, &files, line_sends);
    let (began, mut now, mut buffer) = (Instant::now(), LineTime::ZERO, [0; 4000]);
    socket.set_nonblocking(true).expect("sockets can be asked");
    while !line.machine.has_hung_up() && began.elapsed() < PATIENCE {
        now += BLOCK_SPAN;
        let due = Duration::from_micros(now.0 * 125 / SPEED);
        thread::sleep(due.saturating_sub(began.elapsed()));
        while let Ok((count, _)) = socket.recv_from(&mut buffer) {
            line.gateway.take(&buffer[..count], now);
        }
        for datagram in line.block(now) {
            let _ = socket.send_to(&datagram, theirs);
        }
    }
    let what = format!("{case:?}, the line sends: {line_sends}");
    let ended = [line.machine.end().success(), terminal.wait().is_ok_and(|status| status.success())];
    assert_eq!(ended, [true, true], "{what}");
    files.assert_delivered(&what);
}

fn terminal(program: &Path, case: &Case, files: &Files, sends: bool, way: (SocketAddr, &UdpSocket)) -> Child {
    let method = if case.method == RateManagement::LocalTcf { "local" } else { "transferred" };
    Command::new(program)
        .args(files.arguments(sends))
        .args(["--listen", &way.0.port().to_string()])
        .args(["--connect", &way.1.local_addr().expect("it is bound").to_string()])
        .args(["--method", method, "--speed", &SPEED.to_string()])
        .args(case.options())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the peer was built")
}

#[test]
fn a_machine_on_a_line_and_a_terminal_of_another_maker_reach_each_other_over_a_relay() {
    let (Some(machine), Some(terminal)) = (peers::peer(12, "peer-fax"), peers::peer(0, "peer-t38")) else { return };
    let programs = [machine, terminal];
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for case in Case::all() {
            for line_sends in [true, false] {
                let (programs, failures) = (&programs, &failures);
                scope.spawn(move || {
                    let run = std::panic::AssertUnwindSafe(|| line_to_terminal(programs, &case, line_sends));
                    if std::panic::catch_unwind(run).is_err() {
                        failures.lock().expect("nobody panics with it").push((case, line_sends));
                    }
                });
            }
        }
    });
    let failures = failures.into_inner().expect("nobody panicked with it");
    assert!(failures.is_empty(), "{failures:?}");
}
