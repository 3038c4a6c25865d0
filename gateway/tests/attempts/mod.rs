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

#[test]
fn of_two_lines_none_calls_a_number_that_the_other_calls_and_urgent_faxes_go_first() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let mut gateway = Gateway::start_changed(dir.path(), sink.port, with("", NEVER));
    for (n, fields) in ["Importance: low\r\n", "", "Importance: high\r\n"].iter().enumerate() {
        send(gateway.port, &format!("order-{n}"), &format!("+1555010{n}"), fields);
    }
    (0..4).for_each(|n| send(gateway.port, &format!("same-{n}"), "+15550199", "Importance: low\r\n"));
    let waiting = || log(dir.path()).iter().filter(|row| row["state"] == "waiting").count();
    wait_for("the hours", || waiting() == 7);
    gateway.kill();
    for job in 1..=7 {
        operate(dir.path(), &["queue", "retry", &job.to_string()], "");
    }
    let again = Gateway::start_changed(dir.path(), sink.port, |text| {
        text.replace("[offramp]\n", "[offramp]\njobs_per_call = 1\n")
            + "[[line]]\nname = \"other\"\nuri = \"sim:?far=onramp&snr=35\"\n"
    });
    wait_for("all faxes", || (1..=7).all(|number| is_over(dir.path(), number)));
    drop(again);
    let begun = |number| calls(dir.path(), number)[0]["begun_at"].as_i64().unwrap();
    assert!(begun(3) <= begun(2) && begun(2) <= begun(1), "urgent, normal, low");
    let mut same: Vec<(i64, i64)> = (4..=7)
        .flat_map(|number| calls(dir.path(), number))
        .map(|call| (call["begun_at"].as_i64().unwrap(), call["ended_at"].as_i64().unwrap()))
        .collect();
    same.sort_unstable();
    assert!(same.len() == 4 && same.windows(2).all(|two| two[0].1 <= two[1].0), "{same:?}");
}

#[test]
fn a_machine_that_takes_nothing_is_called_by_simpler_means_each_time_and_that_is_remembered() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = text.replace("attempts = 20", "attempts = 5").replace("retry_s = [0]", "retry_s = [0]\nstubborn_days = 7");
        with("onramp", "proof = \"pwd\"\n")(&text)
    });
    send(gateway.port, "ladder", "+15550100", "");
    wait_for("the end", || is_over(dir.path(), 1));
    let means = |call: &Value| {
        let report = &call["report"];
        (report["modem"].as_str().unwrap_or("none").to_owned(), report["ecm"] == true)
    };
    let climbed: Vec<_> = calls(dir.path(), 1).iter().map(means).collect();
    let step = |modem: &str, ecm| (modem.to_owned(), ecm);
    let (v17, v29, v27, plain) = (step("v17", true), step("v29", true), step("v27ter", true), step("v29", false));
    assert_eq!(climbed, [v17, v29, v27, plain.clone(), plain.clone()]);
    send(gateway.port, "next", "+15550100", "");
    wait_for("the next end", || is_over(dir.path(), 2));
    assert!(calls(dir.path(), 2).iter().all(|call| means(call) == plain), "what it needs is known");
}

/// A machine that talks T.38 and takes nothing from who does not know its password.
struct Refuses(Child);

impl Refuses {
    fn start(folder: &Path, here: u16, there: u16) -> Self {
        let line = format!("t38:local=127.0.0.1:{here}&remote=127.0.0.1:{there}");
        let mut command = Command::new(PROGRAM);
        command.args(["call", "--role", "answerer", "--line", &line, "--receive", "none.tiff", "--expect-pwd", "12"]);
        Self(command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Refuses {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_fails_as_t38_goes_as_audio_on_another_line_and_so_does_the_next_fax() {
    let (sink, dir, near, far) = (Sink::new(), tempfile::tempdir().unwrap(), free_port(), free_port());
    let _machine = Refuses::start(dir.path(), far, near);
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
