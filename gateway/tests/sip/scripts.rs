//! Each scenario of `scenarios` played by sipp against an account of ours.

use std::{
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use answertone_gateway::{
    config::{Config, SipAccount},
    engine::{CallObserver, CallReport, Hearing},
    sip::{Endpoint, NoCall},
    telephone::dial,
};
use answertone_t30::{
    audio::AudioConfig,
    session::{Config as SessionConfig, Document, Event, Session},
    time::LineTime,
};

use crate::daemon::wait_for;

/// Scenarios in which sipp calls us.
const CALLERS: [&str; 22] = [
    "caller_asks",
    "caller_begins_with_image",
    "caller_cancels_too_late",
    "caller_declines_audio",
    "caller_declines_the_image",
    "caller_hangs_up_while_we_offer",
    "caller_holds",
    "caller_misspells",
    "caller_moves",
    "caller_offers_late",
    "caller_offers_nothing_right",
    "caller_refuses_t38",
    "caller_reinvites",
    "caller_requires_the_unknown",
    "caller_says_absurd_things",
    "caller_says_goodbye_at_once",
    "caller_sets_a_timer",
    "caller_takes_t38",
    "caller_tells_digits",
    "caller_updates",
    "caller_wants_ringing_acknowledged",
    "caller_wants_t38_too",
];

/// Scenarios in which we call sipp, what the account is set to, and what becomes of the call.
const CALLED: [(&str, &str, &str); 13] = [
    ("called_answers_in_clear", "seal = \"required\"\n", "line_lost"),
    ("called_does_not_exist", "", "number_wrong"),
    ("called_goes_in_circles", "", "no_answer"),
    ("called_hangs_up_at_once", "", "line_lost"),
    ("called_is_busy", "", "busy"),
    ("called_is_elsewhere", "", "busy"),
    ("called_never_answers", "", "cancelled"),
    ("called_rings_reliably", "", "local_cancel"),
    ("called_speaks_early", "", "local_cancel"),
    ("called_takes_events", "", "local_cancel"),
    ("called_takes_info", "keys = \"info\"\n", "local_cancel"),
    ("called_wants_a_longer_timer", "", "busy"),
    ("called_wants_proof", "", "busy"),
];

/// Of those, where keys are pressed once they are answered.
const PRESSED: [&str; 2] = ["called_takes_events", "called_takes_info"];

/// Whether sipp is there; else says how many cases do not run.
pub(crate) fn is_there(cases: usize) -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        answertone_vectors::not_run(cases, "sipp is not installed");
    }
    found
}

pub(crate) fn account(folder: &Path, more: &str) -> SipAccount {
    let password = folder.join("password");
    std::fs::write(&password, "secret\n").unwrap();
    let text = format!(
        "[[sip]]\nname = \"office\"\nlisten = \"127.0.0.1:0\"\nallowed = [\"127.0.0.0/8\"]\nlogin = \"fax\"\n\
         password_file = {password:?}\n{more}"
    );
    Config::parse(&text, "test").unwrap().accounts.remove(0)
}

pub(crate) fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// sipp at a scenario; what it has to say is beside the test's other output.
pub(crate) fn sipp(scenario: &str, port: u16, more: &[&str]) -> Child {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/sip/scenarios/{scenario}.xml"));
    let mut command = Command::new("sipp");
    command.arg("-sf").arg(file).args(["-m", "1", "-i", "127.0.0.1", "-s", "office", "-nostdin"]);
    command.args(["-p", &port.to_string(), "-timeout", "60s", "-timeout_error"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether somebody has a port of this machine; a socket of ours that tried would be in the way.
pub(crate) fn is_bound(transport: &str, port: u16) -> bool {
    let sockets = std::fs::read_to_string(format!("/proc/net/{transport}")).unwrap();
    sockets.contains(&format!(" 0100007F:{port:04X} 00000000:0000 "))
}

/// How the scenario ended for sipp: nothing to say is well.
pub(crate) fn outcome(child: Child) -> Option<String> {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then(|| format!("{}: {said}", output.status))
}

/// Nobody looks on; the call may be ended.
#[derive(Clone, Default)]
pub(crate) struct Nobody(pub(crate) Arc<AtomicBool>);

impl CallObserver for Nobody {
    fn event(&mut self, _: LineTime, _: Event) {}

    fn cancelled(&mut self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn answering() -> Session {
    Session::answering(Arc::new(SessionConfig::default()), LineTime::ZERO)
}

/// Takes the calls that come until the scenario is over; their reports.
fn take_calls(endpoint: &Arc<Endpoint>, over: &AtomicBool) -> Vec<CallReport> {
    let mut reports = vec![];
    while !over.load(Ordering::Relaxed) {
        let Some(ringing) = endpoint.next_call(Duration::from_millis(50)) else { continue };
        if let Ok(leg) = ringing.answer() {
            reports.push(leg.talk(answering(), AudioConfig::default(), Nobody::default(), None).0);
        }
    }
    reports
}

fn played(scenario: &str) -> Result<Vec<CallReport>, String> {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Arc::new(Endpoint::open(&account(folder.path(), "")).unwrap());
    let target = endpoint.local().to_string();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let calls = scope.spawn(|| take_calls(&endpoint, &over));
        let failed = outcome(sipp(scenario, free_port(), &[&target]));
        // The goodbye may be on its way.
        thread::sleep(Duration::from_millis(100));
        over.store(true, Ordering::Relaxed);
        let reports = calls.join().unwrap();
        failed.map_or(Ok(reports), |said| Err(format!("{scenario}: {said}")))
    })
}

#[test]
fn calls_to_us_go_as_scenarios_want() {
    if !is_there(CALLERS.len()) {
        return;
    }
    let results: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = CALLERS.iter().map(|name| scope.spawn(move || (*name, played(name)))).collect();
        all.into_iter().map(|each| each.join().unwrap()).collect()
    });
    let failed: Vec<_> = results.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let report = |name: &str| {
        let (_, result) = results.iter().find(|(known, _)| *known == name).unwrap();
        result.as_ref().unwrap().last().unwrap_or_else(|| panic!("{name}: no call")).clone()
    };
    assert_eq!(report("caller_tells_digits").digits, "7");
    for (name, kind) in [
        ("caller_takes_t38", "udptl"),
        ("caller_moves", "udptl"),
        ("caller_refuses_t38", "rtp"),
        ("caller_misspells", "udptl"),
    ] {
        assert_eq!(report(name).transport.expect(name).kind, kind, "{name}");
    }
}

/// Keys that came to a port as telephone events.
fn events(media: &UdpSocket) -> String {
    media.set_nonblocking(true).unwrap();
    let (mut packet, mut keys, mut last) = ([0; 400], String::new(), None);
    while let Ok(length) = media.recv(&mut packet) {
        // Packets of one key have its time stamp.
        if length == 16 && packet[1] & 0x7f == 101 && last.replace(packet[4..8].to_vec()) != Some(packet[4..8].to_vec())
        {
            keys.push(char::from(b"0123456789*#ABCD"[usize::from(packet[12])]));
        }
    }
    keys
}

fn calling(scenario: &str, more: &str, kept: bool) -> (Option<String>, Result<CallReport, NoCall>) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let media = UdpSocket::bind("127.0.0.1:0").unwrap();
    let far_port = media.local_addr().unwrap().port().to_string();
    let script = sipp(scenario, port, &["-key", "far_port", &far_port]);
    let endpoint = Endpoint::open(&account(folder.path(), more)).unwrap();
    let mut looks = 0;
    let mut cancelled = || {
        looks += 1;
        looks > 100 && scenario == "called_never_answers"
    };
    let called = endpoint.call(&format!("sip:office@127.0.0.1:{port}"), &Hearing::default(), &mut cancelled);
    let report = called.map(|mut leg| {
        if kept {
            leg.keep_audio();
        }
        let observer = Nobody::default();
        let ends = ["called_speaks_early", "called_rings_reliably"].contains(&scenario) || PRESSED.contains(&scenario);
        observer.0.store(ends, Ordering::Relaxed);
        if PRESSED.contains(&scenario) {
            dial(&mut leg, &"4#".parse().unwrap(), "any", &mut || false).unwrap();
            assert_eq!(events(&media), if scenario == "called_takes_events" { "4#" } else { "" });
        }
        let poll = SessionConfig { poll: true, ..SessionConfig::default() };
        let session = Session::calling(Arc::new(poll), Document::default(), LineTime::ZERO);
        leg.talk(session, AudioConfig::default(), observer, None).0
    });
    (outcome(script), report)
}

#[test]
fn calls_of_ours_end_as_the_far_end_says() {
    if !is_there(CALLED.len()) {
        return;
    }
    let results: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> =
            CALLED.iter().map(|(name, more, _)| scope.spawn(move || calling(name, more, false))).collect();
        all.into_iter().map(|each| each.join().unwrap()).collect()
    });
    for ((name, _, cause), (failed, report)) in CALLED.iter().zip(results) {
        assert_eq!(failed, None, "{name}");
        let found = match &report {
            Ok(report) => report.failure.as_ref().map_or("none", |failure| failure.cause),
            Err(no_call) => no_call.cause,
        };
        assert_eq!(found, *cause, "{name}: {report:?}");
        if let (Ok(report), "called_answers_in_clear") = (report, *name) {
            assert!(report.t30_status.contains("sealed"), "{}", report.t30_status);
        }
    }
}

#[test]
fn a_call_that_is_to_stay_audio_does_unless_it_must_be_sealed() {
    if !is_there(2) {
        return;
    }
    thread::scope(|scope| {
        for (name, more) in [("called_wants_t38", ""), ("called_answers_in_clear", "seal = \"required\"\n")] {
            scope.spawn(move || {
                let (failed, report) = calling(name, more, true);
                assert_eq!(failed, None, "{name}");
                let report = report.unwrap_or_else(|no_call| panic!("{name}: {no_call}"));
                assert_eq!(report.failure.as_ref().map(|failure| failure.cause), Some("line_lost"), "{name}");
                assert_eq!(report.t30_status.contains("sealed"), !more.is_empty(), "{}", report.t30_status);
            });
        }
    });
}

#[test]
fn accounts_register_over_datagrams_and_streams() {
    if !is_there(2) {
        return;
    }
    for (transport, mode) in [("udp", "u1"), ("tcp", "t1")] {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let script = sipp("registrar", port, &["-t", mode]);
        wait_for("sipp's port", || is_bound(transport, port));
        let more = format!("server = \"127.0.0.1:{port}\"\nregister = true\ntransport = \"{transport}\"\n");
        let endpoint = Endpoint::open(&account(folder.path(), &more)).unwrap();
        assert_eq!(outcome(script), None, "{transport}");
        drop(endpoint);
    }
}
