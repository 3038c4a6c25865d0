//! Lines of ALSA in real time, over its pulse plugin and the null sinks of sound servers of the test's own.
//!
//! The packages pulseaudio, pulseaudio-utils and libasound2-plugins are needed. Where they are missing, the cases that do
//! not run are counted and printed. ALSA's `null`, alone or behind `file`, has no clock and makes no line; `tee`, which is
//! the plugin `file` in front of another device, does.

#![cfg(target_os = "linux")]

mod alsa_call;
mod server;

use std::{
    env,
    io::{Write, stderr},
    process::{Command, Output},
    thread,
    time::Duration,
};

use alsa_call::{call, lose, play_recorded};
use server::Server;

/// What a process is to do that knows the sound server: libraries read where it is from their environment.
const PART: &str = "ANSWERTONE_TEST_PART";

/// A pair of sinks, and how lines between them are opened.
struct Case {
    name: &'static str,
    rate: u32,
    channels: u32,
    options: &'static str,
}

const CASES: [Case; 3] = [
    Case { name: "mono8", rate: 8000, channels: 1, options: "rate=8000" },
    Case { name: "mono48", rate: 48_000, channels: 1, options: "rate=48000&format=f32" },
    Case { name: "left48", rate: 48_000, channels: 2, options: "rate=48000&side=left" },
];

/// Calls; one line that is written down by `tee`; one whose sink goes.
const ALL: usize = CASES.len() + 2;

#[test]
fn what_is_said_comes_back_from_the_monitor() {
    if let Ok(part) = env::var(PART) {
        return play(&part);
    }
    if !server::has_programs() {
        return not_run("pulseaudio or pactl is missing");
    }
    if !server::has_alsa_plugin() {
        return not_run("ALSA's pulse plugin (libasound2-plugins) is missing");
    }
    // A server each: one refuses connections when many come at once, and moves the streams of a sink that goes to others.
    thread::scope(|scope| {
        for case in &CASES {
            scope.spawn(|| there_and_back(case));
        }
        scope.spawn(written_down);
        scope.spawn(gone);
    });
}

fn not_run(why: &str) {
    // A broken standard error is no reason to fail.
    let _ = writeln!(stderr(), "not run: {ALL} lines of alsa: {why}");
}

/// The part of a process of [`run`].
fn play(part: &str) {
    let words: Vec<&str> = part.split(' ').collect();
    match words[..] {
        ["call", near, far] => call(near, far),
        ["recorded", line, path] => play_recorded(line, path),
        ["gone", line, begun] => lose(line, begun),
        _ => panic!("{PART}={part} is no part of this test"),
    }
}

/// Runs this test's process again for one part of it, where the server is known.
fn run(server: &Server, part: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "what_is_said_comes_back_from_the_monitor", "--nocapture"]).env(PART, part);
    server.environment(&mut command).output().unwrap()
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream)).concat()
}

fn succeeds(server: &Server, name: &str, part: &str) {
    let output = run(server, part);
    println!("{name}: {}", told(&output));
    assert!(output.status.success(), "{name}: {part}");
}

fn there_and_back(case: &Case) {
    let server = Server::start().unwrap();
    for sink in ["ab", "ba"] {
        server.add_sink(sink, case.rate, case.channels);
    }
    let line =
        |speak: &str, hear: &str| format!("alsa:?output=pulse:{speak}&input=pulse:{hear}.monitor&{}", case.options);
    succeeds(&server, case.name, &format!("call {} {}", line("ab", "ba"), line("ba", "ab")));
}

fn written_down() {
    let server = Server::start().unwrap();
    server.add_sink("recorded", 8000, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("played.raw");
    let path = path.display();
    let line = format!("alsa:?output=tee:'pulse:recorded','{path}',raw&input=pulse:recorded.monitor&rate=8000");
    succeeds(&server, "tee", &format!("recorded {line} {path}"));
}

fn gone() {
    let server = Server::start().unwrap();
    let module = server.add_sink("pulled", 8000, 1);
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let line = "alsa:?output=pulse:pulled&input=pulse:pulled.monitor&rate=8000";
    let part = format!("gone {line} {}", begun.display());
    thread::scope(|scope| {
        let part = scope.spawn(|| succeeds(&server, "gone", &part));
        while !begun.exists() && !part.is_finished() {
            thread::sleep(Duration::from_millis(50));
        }
        server.remove(&module);
    });
}
