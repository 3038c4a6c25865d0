//! Two `answertone` processes call each other over the null sinks of a sound server of their own, in real time.
//!
//! The server needs the packages pulseaudio and pulseaudio-utils, ALSA's lines libasound2-plugins. Where they are missing,
//! the cases that do not run are counted and printed.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use answertone_t30::image::{
    Bitmap, Coding, Page, Resolution,
    tiff::{Profile, TiffDocument, WriteOptions, write},
};
use answertone_vectors::not_run;
use serde_json::Value;

// Other tests of the gateway use the rest of these.
#[allow(dead_code)]
mod daemon;
#[allow(dead_code)]
mod mail;
#[path = "../../hw/tests/server/mod.rs"]
mod server;

use answertone_gateway::store::{self, Store};
use daemon::{Gateway, Sink, wait_for};
use mail::{submit, text_mail};
use tokio::runtime::Runtime;

use server::Server;

/// A pair of sinks and how its two ends are written.
struct Case {
    name: &'static str,
    rate: u32,
    channels: u32,
    /// From the sink spoken to and the sink heard to a line.
    line: fn(speak: &str, hear: &str) -> String,
}

const CASES: [Case; 3] = [
    Case {
        name: "cpal8",
        rate: 8000,
        channels: 1,
        line: |speak, hear| format!("cpal:?host=pulseaudio&output={speak}&input={hear}.monitor&rate=8000&period=400"),
    },
    Case {
        name: "cpal48",
        rate: 48_000,
        channels: 2,
        line: |speak, hear| {
            format!(
                "cpal:?host=pulseaudio&output={speak}&input={hear}.monitor&rate=48000&period=2400&side=left&format=f32"
            )
        },
    },
    Case {
        name: "alsa8",
        rate: 8000,
        channels: 1,
        line: |speak, hear| format!("alsa:?output=pulse:{speak}&input=pulse:{hear}.monitor&rate=8000"),
    },
];

/// How long a call over a sound server may take before something is stuck.
const STUCK: Duration = Duration::from_secs(120);

#[test]
fn pages_go_over_a_sound_server() {
    let Some(server) = Server::start() else {
        not_run(CASES.len(), "calls over a sound server, for want of pulseaudio or pactl");
        return;
    };
    let (possible, impossible): (Vec<_>, Vec<_>) =
        CASES.iter().partition(|case| server::has_alsa_plugin() || !case.name.starts_with("alsa"));
    if !impossible.is_empty() {
        not_run(impossible.len(), "calls over ALSA, for want of its pulse plugin (libasound2-plugins)");
    }
    thread::scope(|scope| {
        for case in possible {
            let server = &server;
            scope.spawn(move || call(server, case));
        }
    });
}

/// Calls made for one page: a busy machine keeps a sound server from its samples, and nobody is told.
const ATTEMPTS: u32 = 3;

fn call(server: &Server, case: &Case) {
    let (ab, ba) = (format!("{}_ab", case.name), format!("{}_ba", case.name));
    for sink in [&ab, &ba] {
        server.add_sink(sink, case.rate, case.channels);
    }
    let lines = [(case.line)(&ab, &ba), (case.line)(&ba, &ab)];
    let attempts = (1..=ATTEMPTS).map(|_| attempt(server, case, &lines));
    let stories: Vec<String> = attempts.map_while(Result::err).collect();
    assert!(stories.len() < ATTEMPTS as usize, "{}", stories.join("\n"));
}

/// One call; its story when the page did not come.
fn attempt(server: &Server, case: &Case, [near, far]: &[String; 2]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("page.tiff"), file(&page())).unwrap();
    let answering = ["call", "--line", far, "--receive", "fax.tiff", "--result", "a.json", "--transcript", "a.txt"];
    let mut answerer = answertone(server, here, "a", &answering);
    let calling = ["call", "--line", near, "--send", "page.tiff", "--result", "c.json", "--transcript", "c.txt"];
    let mut caller = answertone(server, here, "c", &calling);
    let ended = [wait(&mut caller), wait(&mut answerer)];
    let said = |name: &str| fs::read_to_string(here.join(name)).unwrap_or_default();
    let story: String = ["c.err", "c.json", "c.txt", "a.err", "a.json", "a.txt"].map(said).concat();
    println!("{} ended with {ended:?}: {}{}", case.name, said("c.json"), said("a.json"));
    if ended != [Some(0), Some(0)] {
        return Err(format!("{} ended with {ended:?}\n{story}", case.name));
    }
    for report in ["c.json", "a.json"].map(|name| serde_json::from_str::<Value>(&said(name)).unwrap()) {
        assert_eq!((&report["ecm"], &report["modem"]), (&Value::from(true), &Value::from("v17")), "{story}");
        assert_eq!(report["device"]["rate"], case.rate, "{story}");
    }
    assert!(received(&here.join("fax.tiff")) == page().bitmap, "{}: the page is not the one that was sent", case.name);
    Ok(())
}

/// A device that is pulled out ends the call with its cause; the program comes back.
#[test]
fn a_device_that_goes_ends_the_call() {
    let Some(server) = Server::start() else {
        not_run(1, "a device pulled out, for want of pulseaudio or pactl");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let module = server.add_sink("pulled", 8000, 1);
    let line = "cpal:?host=pulseaudio&output=pulled&input=pulled.monitor&rate=8000";
    let arguments = ["call", "--line", line, "--receive", "fax.tiff", "--result", "r.json"];
    let mut child = answertone(&server, folder.path(), "r", &arguments);
    let since = Instant::now();
    let runs = |streams| server.pactl(&["list", streams]).is_some_and(|told| told.contains("Corked: no"));
    while !(runs("sink-inputs") && runs("source-outputs")) {
        assert!(since.elapsed() < STUCK, "the call does not begin");
        thread::sleep(Duration::from_millis(50));
    }
    // A null sink wakes up to two seconds later.
    thread::sleep(Duration::from_secs(3));
    server.remove(&module);
    assert_eq!(wait(&mut child), Some(1));
    let report: Value = serde_json::from_slice(&fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["failure"]["cause"], "line_lost", "{report}");
}

/// A gateway calls over a sound device, something happens to that in mid-call, and is over. A call on another line of the
/// gateway is not concerned. The job is sent when the device is back.
fn assert_recovers(name: &str, happens: impl Fn(&Server, &[String]), is_over: impl Fn(&Server)) {
    let Some(server) = Server::start() else {
        not_run(1, &format!("a device that {name} under a gateway, for want of pulseaudio or pactl"));
        return;
    };
    let (sink, own) = (Sink::new(), tempfile::tempdir().unwrap());
    let modules = ["ab", "ba"].map(|name| server.add_sink(name, 8000, 1));
    let line = |speak: &str, hear: &str| (CASES[0].line)(speak, hear);
    let port = Sink::free_port();
    let lines = format!(
        "{}\"\nuse = \"send\"\n[[line]]\nname = \"beside\"\nuse = \"receive\"\nuri = \"audiosocket:listen=127.0.0.1:{port}",
        line("ab", "ba")
    );
    let here = |command: &mut Command| {
        server.environment(command);
    };
    let gateway = Gateway::start_on_line_where(own.path(), sink.port, &lines, here);
    let far = |result: &str| {
        let call = ["call", "--line", &line("ba", "ab"), "--receive", "fax.tiff", "--result", result];
        answertone(&server, own.path(), result, &call)
    };
    let mut first = far("first.json");
    let mail = text_mail(name, "Sent although the device failed.");
    submit(gateway.port, "me@office.example", "FAX=+15550100@fax.example", "NOTIFY=SUCCESS", &mail).unwrap();
    let runs = |streams| server.pactl(&["list", streams]).is_some_and(|told| told.matches("Corked: no").count() == 2);
    wait_for("the call", || runs("sink-inputs") && runs("source-outputs"));
    fs::write(own.path().join("page.tiff"), file(&page())).unwrap();
    let there = format!("audiosocket:connect=127.0.0.1:{port}");
    let beside = ["call", "--line", &there, "--send", "page.tiff", "--result", "beside.json"];
    let mut beside = answertone(&server, own.path(), "beside", &beside);
    thread::sleep(Duration::from_secs(6));
    happens(&server, &modules);
    let since = store::now();
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    let mut calls = vec![];
    wait_for("the end of the call", || {
        calls = runtime.block_on(store.calls_of(1)).unwrap();
        !calls.is_empty()
    });
    println!("the device {name}: the call ended {} ms later", calls[0].ended_at - since);
    assert_eq!(calls[0].cause.as_deref(), Some("line_lost"), "{}", calls[0].report);
    assert_eq!(wait(&mut beside), Some(0), "the call on the other line");
    is_over(&server);
    // Its device was the same one.
    let _ = first.kill();
    first.wait().unwrap();
    let mut second = far("second.json");
    assert_eq!(
        wait(&mut second),
        Some(0),
        "{}",
        fs::read_to_string(own.path().join("second.json")).unwrap_or_default()
    );
    wait_for("the notice", || sink.find("Action: delivered").is_some());
    let report = fs::read_to_string(own.path().join("beside.json")).unwrap();
    println!("beside: {report}");
}

#[test]
fn a_device_that_sticks_holds_up_no_other_line_and_its_job_is_sent_when_it_moves_again() {
    assert_recovers("sticks", |server, _| server.freeze(true), |server| server.freeze(false));
}

#[test]
fn a_device_that_goes_under_a_gateway_has_its_job_sent_when_it_is_back() {
    // Streams of one that goes alone are moved to the other.
    let goes = |server: &Server, modules: &[String]| modules.iter().for_each(|module| server.remove(module));
    assert_recovers("goes", goes, |server| ["ab", "ba"].iter().for_each(|name| drop(server.add_sink(name, 8000, 1))));
}

#[test]
fn devices_are_listed_and_examined() {
    let Some(server) = Server::start() else {
        not_run(2, "commands on a sound server, for want of pulseaudio or pactl");
        return;
    };
    server.add_sink("listed", 8000, 1);
    let folder = tempfile::tempdir().unwrap();
    let mut child = answertone(&server, folder.path(), "l", &["lines", "--json"]);
    assert_eq!(wait(&mut child), Some(0));
    let listed: Value = serde_json::from_slice(&fs::read(folder.path().join("l.log")).unwrap()).unwrap();
    let ids: Vec<&str> =
        listed["sound"].as_array().unwrap().iter().filter_map(|device| device["id"].as_str()).collect();
    assert!(ids.contains(&"listed") && ids.contains(&"listed.monitor"), "{listed}");
    // A sink heard by itself: what is said comes back as it is.
    let line = "cpal:?host=pulseaudio&output=listed&input=listed.monitor&rate=8000";
    // On a busy machine the server may not wake up in time.
    let examine = |_| {
        let arguments = ["doctor", "--line", line, "--json", "--seconds", "2"];
        assert_eq!(wait(&mut answertone(&server, folder.path(), "d", &arguments)), Some(1));
        serde_json::from_slice::<Value>(&fs::read(folder.path().join("d.log")).unwrap()).unwrap()
    };
    let loss = |examined: &Value| examined["measured"]["echo"]["return_loss_db"].as_f64();
    let whole = |examined: &Value| loss(examined).is_some_and(|decibels| decibels.abs() < 3.0);
    let examined =
        (0..ATTEMPTS).map(examine).inspect(|examined| println!("return loss {:?}", loss(examined))).find(whole);
    let examined = examined.expect("what is said is heard as loud as it is");
    let echo = &examined["measured"]["echo"];
    let (echo, told) =
        (echo["delay_ms"].as_f64().unwrap(), examined["measured"]["device"]["latency_ms"].as_f64().unwrap());
    println!("echo after {echo} ms, the device told {told} ms");
    assert!((echo - told).abs() < 60.0, "{examined}");
}

fn answertone(server: &Server, folder: &Path, name: &str, arguments: &[&str]) -> Child {
    let log = fs::File::create(folder.join(format!("{name}.log"))).unwrap();
    server
        .environment(Command::new(env!("CARGO_BIN_EXE_answertone")).current_dir(folder).args(arguments))
        .stdin(Stdio::null())
        .stderr(fs::File::create(folder.join(format!("{name}.err"))).unwrap())
        .stdout(log)
        .spawn()
        .unwrap()
}

fn wait(child: &mut Child) -> Option<i32> {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if since.elapsed() > STUCK {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn file(page: &Page) -> Vec<u8> {
    write(&[page.into()], &WriteOptions::plain(Profile::F(Coding::Mmr))).unwrap()
}

fn received(path: &Path) -> Bitmap {
    let file = fs::read(path).unwrap();
    let mut pages = TiffDocument::open(&file).unwrap().fax_pages().unwrap();
    assert_eq!(pages.len(), 1);
    pages.remove(0).bitmap
}

/// A short page with work for the modem.
fn page() -> Page {
    let mut bitmap = Bitmap::white(1728, 200);
    for y in 0..200 {
        for x in 0..1728 {
            bitmap.set(x, y, (x / (3 + y / 20) + y / 7).is_multiple_of(3) && x % 400 < 300);
        }
    }
    Page { bitmap, resolution: Resolution::Fine }
}
