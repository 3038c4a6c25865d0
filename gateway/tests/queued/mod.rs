//! `answertone send --queue`: a person's documents go into the queue of a gateway at work, and their fax is followed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    daemon::{Gateway, PROGRAM, Sink},
    log, with,
};

const TOKEN: &str = "a token that is long enough";

fn command(folder: &Path, to: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    std::fs::write(folder.join("letter.txt"), "A letter.\n").unwrap();
    command.args(["send", "letter.txt", "--to", to, "--config", "answertone.toml"]).current_dir(folder);
    command
}

fn send(folder: &Path, to: &str, more: &[&str]) -> Output {
    command(folder, to).args(more).env("ANSWERTONE_API_TOKEN", TOKEN).output().unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn documents_go_through_a_gateway_at_work_and_are_followed_to_their_end() {
    let (sink, dir, port) = (Sink::new(), tempfile::tempdir().unwrap(), Sink::free_port());
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    let token = dir.path().join("token");
    let mut gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = with("offramp", "country_code = \"1\"\n")(text);
        format!("{text}[api]\nlisten = [\"127.0.0.1:{port}\"]\ntoken_file = {token:?}\n")
    });
    let sent = send(dir.path(), "+1 555 0100", &["--queue", "--json", "--subject", "By hand"]);
    let told = events(&sent);
    assert!(sent.status.success() && told[0]["event"] == "queued" && told[0]["details"]["fax"] == 1, "{sent:?}");
    let result = told.last().unwrap();
    assert!(result["event"] == "result" && result["details"]["state"] == "done", "{result}");

    let plain = send(dir.path(), "+1 555 0101", &["--gateway", &format!("http://127.0.0.1:{port}")]);
    assert!(plain.status.success() && said(&plain).contains("sent, 1 page, in 1 attempt"), "{plain:?}");
    let detached = send(dir.path(), "+1 555 0102", &["--queue", "--detach"]);
    assert!(
        detached.status.success() && said(&detached).trim() == "fax 3 to +1 555 0102 is in the queue",
        "{detached:?}"
    );

    let refused = send(dir.path(), "+1 911 555 0100", &["--queue"]);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("emergency number"), "{refused:?}");
    let wrong = send(dir.path(), "+1 555 0100", &["--queue", "--line", "sim:"]);
    assert_eq!(wrong.status.code(), Some(2), "a line and the gateway's exclude each other");
    gateway.kill();
    let alone = send(dir.path(), "+1 555 0100", &["--queue"]);
    let said = said(&alone);
    assert!(
        alone.status.code() == Some(1) && said.contains("no gateway listens at") && said.contains("answertone serve"),
        "{said}"
    );
    let subjects: Vec<_> = log(dir.path()).into_iter().map(|row| row["subject"].clone()).collect();
    assert!(subjects.contains(&"By hand".into()), "{subjects:?}");
}

#[test]
fn ctrl_c_leaves_the_fax_in_the_queue() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let never =
        "[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:01\"\n[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:00\"\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, with("", never));
    let mut child =
        command(dir.path(), "+15550100").args(["--queue", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let waits = lines.find(|line| line.as_ref().unwrap().contains("\"waiting\"")).unwrap().unwrap();
    assert!(waits.contains("\"due_at\""), "{waits}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let last = lines.last().unwrap().unwrap();
    assert!(last.contains("\"left\""), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(gateway.queue().contains("\"waiting\""));
}
