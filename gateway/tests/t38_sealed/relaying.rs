//! Programs: a machine on a telephone line, a relay, and a terminal behind sealed packets.

use std::{
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use super::programs::{letter, lines, ok, ports, program, spawn};

/// A process that must not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn quiet(arguments: &[&str]) -> Running {
    let child = program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Running(child.expect("the program runs"))
}

#[test]
fn a_machine_on_a_line_sends_through_a_relay_and_sealed_packets_to_a_terminal() {
    let folder = tempfile::tempdir().expect("there is room");
    let socket = folder.path().join("exchange");
    let _exchange = quiet(&["exchange", &socket.display().to_string()]);
    while !socket.exists() {
        thread::sleep(Duration::from_millis(20));
    }
    let [near, far] = ports();
    let [ours, theirs] = lines(folder.path(), [near, far], [far, near], ["dtls=active", "dtls=passive"]);
    // A telephone line is between the two: signals last.
    let [ours, theirs] = [ours, theirs].map(|line| line.replace("pace=free", "pace=agreed"));
    let on = |number: &str| format!("exchange:{}?number={number}", socket.display());
    let fax = folder.path().join("fax.tiff").display().to_string();
    let mut terminal = Running(spawn(&theirs, ["--receive", &fax], &folder.path().join("terminal.json")));
    let mut relay = quiet(&["relay", "--line", &on("200"), "--t38", &ours]);
    thread::sleep(Duration::from_millis(500));
    let letter = letter(folder.path());
    let calling = on("100") + "&dial=200";
    let mut machine = Running(spawn(&calling, ["--send", &letter], &folder.path().join("machine.json")));
    let ends = [&mut machine, &mut relay, &mut terminal].map(|end| end.0.wait().is_ok_and(|status| status.success()));
    assert_eq!(ends, [true; 3]);
    assert_eq!([ok(folder.path(), "machine.json"), ok(folder.path(), "terminal.json")], [(true, 1); 2]);
}
