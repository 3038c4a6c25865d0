//! How often, when, in which order and by which means a fax is tried: seen in the log of calls, with servers, lines and
//! machines that do not take it.

use std::{
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    daemon::{Gateway, PROGRAM, Sink, operate, wait_for},
    log,
    mail::{submit, text_mail},
    with,
};

/// Hours that are over before they begin: everything waits.
const NEVER: &str =
    "[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:01\"\n[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:00\"\n";

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn send(port: u16, id: &str, number: &str, fields: &str) {
    let mail = [fields.as_bytes(), &text_mail(id, "A page.\x0cAnd another.")].concat();
    submit(port, "me@office.example", &format!("FAX={number}@fax.example"), "", &mail).unwrap();
}

/// A job with its calls, as `answertone queue show --json` has it.
fn job(folder: &Path, number: usize) -> Value {
    serde_json::from_str(&operate(folder, &["queue", "--json", "show", &number.to_string()], "")).unwrap()
}

fn calls(folder: &Path, number: usize) -> Vec<Value> {
    job(folder, number)["calls"].as_array().unwrap().clone()
}

fn is_over(folder: &Path, number: usize) -> bool {
    ["done", "failed"].contains(&job(folder, number)["job"]["state"].as_str().unwrap())
}

/// A SIP server that turns every call away with the last three digits of the number as the status.
fn turning_away() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut octets = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut octets) {
            let request = String::from_utf8_lossy(&octets[..length]).into_owned();
            let Some(number) = request.strip_prefix("INVITE sip:").and_then(|rest| rest.split('@').next()) else {
                continue;
            };
            let mut answer = format!("SIP/2.0 {} As asked\r\n", &number[number.len() - 3..]);
            for line in request.lines() {
                let name = line.split(':').next().unwrap_or_default();
                if ["Via", "From", "Call-ID", "CSeq"].contains(&name) {
                    answer += &format!("{line}\r\n");
                } else if name == "To" {
                    answer += &format!("{line};tag=away\r\n");
                }
            }
            let _ = socket.send_to(format!("{answer}Content-Length: 0\r\n\r\n").as_bytes(), from);
        }
    });
    port
}

#[test]
fn each_cause_has_its_own_attempts_and_what_cannot_get_better_is_tried_once() {
    let (sink, dir, server, here) = (Sink::new(), tempfile::tempdir().unwrap(), turning_away(), free_port());
    let tables = format!(
        "[[offramp.cause]]\nname = \"busy\"\nattempts = 3\nretry_s = [0]\n\
         [[offramp.cause]]\nname = \"no_answer\"\nattempts = 1\n\
         [[sip]]\nname = \"office\"\nserver = \"127.0.0.1:{server}\"\nlisten = \"127.0.0.1:{here}\"\ncalls = 4\n"
    );
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = text.replace("sim:?far=onramp&snr=35", "sip:office").replace("attempts = 20", "attempts = 2");
        format!("{text}{tables}")
    });
    let cases = [("486", "busy", 3), ("480", "no_answer", 1), ("404", "number_wrong", 1), ("503", "congestion", 2)];
    for (status, ..) in cases {
        send(gateway.port, status, &format!("+15550{status}"), "");
    }
    wait_for("the ends", || (1..=cases.len()).all(|number| is_over(dir.path(), number)));
    for (number, (status, cause, attempts)) in (1..).zip(cases) {
        let job = job(dir.path(), number);
        assert_eq!((&job["job"]["cause"], &job["job"]["attempts"]), (&cause.into(), &attempts.into()), "{status}: {job}");
        assert_eq!(job["calls"].as_array().unwrap().len(), attempts, "{status}: {job}");
    }
    wait_for("the notices", || sink.count() == cases.len());
    let wrong = sink.find("<404@test>").expect("a notice").replace("=\r\n", "");
    assert!(wrong.contains("processed/error") && wrong.contains("404"), "{wrong}");
}

/// Faxes to these numbers, each with its header fields, that have waited for their hours and are all due together when a
/// gateway with the changed configuration starts; when all are over.
fn together(faxes: &[(&str, &str)], change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let mut gateway = Gateway::start_changed(dir.path(), sink.port, with("", NEVER));
    for (n, (number, fields)) in faxes.iter().enumerate() {
        send(gateway.port, &format!("together-{n}"), number, fields);
    }
    let waiting = || log(dir.path()).iter().filter(|row| row["state"] == "waiting").count();
    wait_for("the hours", || waiting() == faxes.len());
    gateway.kill();
    for job in 1..=faxes.len() {
        operate(dir.path(), &["queue", "retry", &job.to_string()], "");
    }
    let _gateway = Gateway::start_changed(dir.path(), sink.port, change);
    wait_for("all faxes", || (1..=faxes.len()).all(|number| is_over(dir.path(), number)));
    dir
}

/// Begin and end of a job's only call.
fn when(folder: &Path, number: usize) -> (i64, i64) {
    let calls = calls(folder, number);
    assert_eq!(calls.len(), 1, "{calls:?}");
    (calls[0]["begun_at"].as_i64().unwrap(), calls[0]["ended_at"].as_i64().unwrap())
}

#[test]
fn urgent_faxes_go_first_and_low_ones_last() {
    let faxes =
        [("+15550100", "Importance: low\r\n"), ("+15550101", ""), ("+15550102", "Importance: high\r\n")];
    let dir = together(&faxes, str::to_owned);
    let when = |number| when(dir.path(), number);
    assert!(when(3).1 <= when(2).0 && when(2).1 <= when(1).0, "urgent, normal, low");
}

#[test]
fn of_two_lines_none_calls_a_number_that_the_other_calls() {
    let dir = together(&[("+15550100", ""); 4], |text| {
        text.replace("[offramp]\n", "[offramp]\njobs_per_call = 1\n")
            + "[[line]]\nname = \"other\"\nuri = \"sim:?far=onramp&snr=35\"\n"
    });
    let mut calls: Vec<_> = (1..=4).map(|number| when(dir.path(), number)).collect();
    calls.sort_unstable();
    assert!(calls.windows(2).all(|two| two[0].1 <= two[1].0), "{calls:?}");
}

#[test]
fn a_machine_that_takes_nothing_is_called_by_simpler_means_each_time_and_that_is_remembered() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let kept = format!("[log]\ntranscripts = {:?}\n", dir.path().join("transcripts"));
        text.replace("attempts = 20", "attempts = 5").replace("snr=35", "snr=2") + &kept
    });
    send(gateway.port, "ladder", "+15550100", "");
    wait_for("the end", || is_over(dir.path(), 1));
    send(gateway.port, "next", "+15550100", "");
    wait_for("the next end", || is_over(dir.path(), 2));
    // What was proposed first in each call.
    let means = |job: usize, attempt: usize| {
        let transcript = dir.path().join(format!("transcripts/call-{job}-{attempt}.txt"));
        let transcript = std::fs::read_to_string(transcript).unwrap();
        let proposed = transcript.lines().find(|line| line.contains("sent     DCS")).unwrap();
        let (_, proposed) = proposed.split_once("DCS").unwrap();
        let rate = proposed.split(',').next().unwrap().trim().to_owned();
        (rate, proposed.contains("ECM"))
    };
    let step = |rate: &str, ecm| (rate.to_owned(), ecm);
    let plain = step("9600 V.29", false);
    let climbed = [1, 2, 3, 4, 5].map(|attempt| means(1, attempt));
    let expected = [step("14400 V.17", true), step("9600 V.29", true), step("4800 V.27ter", true), plain.clone(), plain.clone()];
    assert_eq!(climbed, expected);
    assert_eq!([1, 5].map(|attempt| means(2, attempt)), [plain.clone(), plain], "what it needs is known");
}

/// A machine that talks T.38 and then falls silent.
struct FallsSilent(Child);

impl FallsSilent {
    fn start(folder: &Path, here: u16, there: u16) -> Self {
        let line = format!("t38:local=127.0.0.1:{here}&remote=127.0.0.1:{there}");
        let mut command = Command::new(PROGRAM);
        command.args(["call", "--role", "answerer", "--line", &line, "--receive", "none.tiff", "--timeout", "8"]);
        Self(command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for FallsSilent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_fails_as_t38_goes_as_audio_on_another_line_and_so_does_the_next_fax() {
    let (sink, dir, near, far) = (Sink::new(), tempfile::tempdir().unwrap(), free_port(), free_port());
    let _machine = FallsSilent::start(dir.path(), far, near);
    let packets = format!("[[line]]\nname = \"packets\"\nuri = \"t38:local=127.0.0.1:{near}&remote=127.0.0.1:{far}\"\n");
    let only = |text: &str| text.split("[[line]]").next().unwrap().replace("retry_s = [0]", "retry_s = [3600]") + &packets;
    let mut gateway = Gateway::start_changed(dir.path(), sink.port, only);
    send(gateway.port, "stubborn", "+15550100", "");
    wait_for("a call that fails", || !calls(dir.path(), 1).is_empty());
    gateway.kill();
    let first = calls(dir.path(), 1).remove(0);
    assert!(first["line"] == "packets" && first["ok"] == false, "{first}");
    operate(dir.path(), &["queue", "retry", "1"], "");
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| format!("{text}{packets}"));
    wait_for("the fax", || is_over(dir.path(), 1));
    send(gateway.port, "next", "+15550100", "");
    wait_for("the next fax", || is_over(dir.path(), 2));
    for (number, count) in [(1, 2), (2, 1)] {
        let calls = calls(dir.path(), number);
        let last = calls.last().unwrap();
        assert!(calls.len() == count && last["line"] == "sim" && last["ok"] == true, "{calls:?}");
    }
}
