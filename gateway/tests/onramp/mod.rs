//! Callers seen from outside: a fax machine, which is this program too, calls the gateway over AudioSocket. Who may send, where
//! it goes, and what the caller is told of it by fax.

use std::{
    net::TcpStream,
    path::Path,
    process::{Command, Output},
};

use crate::{
    daemon::{Gateway, PROGRAM, Sink, operate, wait_for},
    log,
    mail::{submit, text_mail},
    with,
    zone::{rule, serve},
};

const STATION: &str = "+1 555 0199";

/// A gateway with a line that is called, besides the one that it sends on.
fn gateway(folder: &Path, sink: &Sink, change: impl Fn(&str) -> String) -> (Gateway, u16) {
    let port = Sink::free_port();
    let line = format!(
        "[[line]]\nname = \"in\"\nuri = \"audiosocket:listen=127.0.0.1:{port}&pace=free\"\nuse = \"receive\"\n"
    );
    let gateway = Gateway::start_changed(folder, sink.port, |text| format!("{}{line}", change(text)));
    wait_for("the line", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    std::fs::write(folder.join("page.txt"), "A page for the gateway.\n").unwrap();
    (gateway, port)
}

/// A fax machine that calls with such settings; what it says, and how it ends.
fn calls(folder: &Path, port: u16, settings: &[&str]) -> Output {
    let line = format!("audiosocket:connect=127.0.0.1:{port}&pace=free");
    let mut machine = Command::new(PROGRAM);
    machine
        .args(["send", "page.txt", "--to", "+15550100", "--json", "--ident", STATION, "--line", &line])
        .args(settings);
    machine.current_dir(folder).output().unwrap()
}

/// The reasons that stand in the log for faxes that did not come, the newest last.
fn refusals(folder: &Path) -> Vec<String> {
    let mut rows: Vec<_> = log(folder).into_iter().filter(|row| row["state"] == "empty").collect();
    rows.sort_by_key(|row| row["id"].as_i64());
    rows.iter().map(|row| row["said"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_machine_proves_who_it_is_by_its_password_and_is_locked_out_after_failures() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let (_gateway, port) = gateway(dir.path(), &sink, |text| {
        let text = with("onramp", "proof = \"pwd\"\n")(text);
        with("smtp", "login_failures = 2\nlock_out_s = 3600\n")(&text)
    });
    operate(dir.path(), &["user", "set", "12", "--pin", "--mailbox", "anna@office.example"], "4711\n");
    let proved = |password: &[&str]| calls(dir.path(), port, password).status.success();
    assert!(proved(&["--pwd", "12*4711"]));
    wait_for("the fax", || sink.count() == 1);
    assert!(!proved(&[]), "no password");
    assert!(!proved(&["--pwd", "12*4712"]));
    assert!(!proved(&["--pwd", "12*4713"]));
    assert!(!proved(&["--pwd", "12*4711"]), "locked out");
    wait_for("the log", || refusals(dir.path()).len() == 4);
    let said = refusals(dir.path());
    let wrong = |text: &&String| text.contains("user or secret is wrong");
    assert_eq!(said.iter().filter(wrong).count(), 3, "{said:?}");
    assert_eq!(said.iter().filter(|text| text.contains("locked after too many failures")).count(), 1, "{said:?}");
    operate(dir.path(), &["user", "unlock", "12"], "");
    assert!(proved(&["--pwd", "12*4711"]));
    wait_for("the second fax", || sink.count() == 2);
}

#[test]
fn callers_are_known_by_station_and_faxes_go_by_subaddress_and_station() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let tables = "[[onramp.caller]]\nnumber = \"\"\nstation = \"+1 555 01*\"\n\
        [[onramp.route]]\nsubaddress = \"42\"\nmailboxes = [\"sub@office.example\", \"copy@office.example\"]\n\
        [[onramp.route]]\nstation = \"*0198\"\nmailboxes = [\"station@office.example\"]\n";
    let (_gateway, port) = gateway(dir.path(), &sink, |text| with("", tables)(text));
    assert!(calls(dir.path(), port, &["--sub", "42"]).status.success());
    wait_for("both mails", || sink.count() == 2);
    for mailbox in ["sub@office.example", "copy@office.example"] {
        assert!(sink.find(&format!("To: <{mailbox}>")).is_some(), "{mailbox}");
    }
    let other = |station: &str| {
        let line = format!("audiosocket:connect=127.0.0.1:{port}&pace=free");
        let mut machine = Command::new(PROGRAM);
        machine.args(["send", "page.txt", "--to", "+15550100", "--json", "--ident", station, "--line", &line]);
        machine.current_dir(dir.path()).output().unwrap().status.success()
    };
    assert!(other("+1 555 0198"));
    wait_for("the mail by station", || sink.find("To: <station@office.example>").is_some());
    assert!(!other("+1 666 0198"));
    let said = refusals(dir.path());
    assert!(said.len() == 1 && said[0].contains("+1 666 0198") && said[0].contains("may not send"), "{said:?}");
}

#[test]
fn numbers_keyed_in_go_to_the_off_ramp_chosen_for_them_or_as_they_are_listed() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let listed = "6.5.4.3.2.1.0.3.9.4.e164.test";
    let server = serve(vec![rule(listed, (1, 1), "E2U+ifax:mailto", "!^.*$!mailto:office@listed.example!")]);
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = with("smtp", format!("name_server = \"{server}\"\n").leak())(text);
        let text =
            with("onramp", "collect_number = true\nofframp = \"gw.example\"\nenum_zone = \"e164.test\"\n")(&text);
        with("", "[[onramp.gateway]]\nnumbers = [\"+44*\"]\nofframp = \"gw.uk\"\n")(&text)
    });
    let keyed = [
        ("441632960083", "FAX=+441632960083@gw.uk"),
        ("4930123456", "office@listed.example"),
        ("15550198", "FAX=+15550198@gw.example"),
    ];
    for (number, (keys, mailbox)) in keyed.iter().enumerate() {
        let address = format!("FAX=+15550100/POSTD={keys}#@fax.example");
        let mail = text_mail(&format!("keyed-{keys}"), "With keys.");
        submit(gateway.port, "me@office.example", &address, "", &mail).unwrap();
        wait_for("the fax", || sink.count() == number + 1);
        assert!(sink.last().contains(&format!("To: <{mailbox}>")), "{mailbox}: {}", sink.last());
    }
}

/// A report that a mail of a fax could not be delivered.
fn failure(fax: &str) -> Vec<u8> {
    format!(
        "From: mx@office.example\r\nTo: fax@fax.example\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nThere is nobody of that name.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\nOriginal-Envelope-Id: {fax}\r\n\r\n\
         Final-Recipient: rfc822; office@office.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

#[test]
fn the_caller_is_told_by_fax_what_became_of_its_fax() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let (gateway, port) = gateway(dir.path(), &sink, |text| {
        with("onramp", "fax_notices = \"failures\"\nfax_notices_to = \"station\"\nconfirm = true\n")(text)
    });
    assert!(calls(dir.path(), port, &[]).status.success());
    wait_for("the fax", || sink.count() == 1);
    let first = sink.last();
    let id = first.split("Message-ID: <").nth(1).unwrap().split('>').next().unwrap();
    for _ in 0..2 {
        let said = submit(gateway.port, "", "fax@fax.example", "", &failure(id)).unwrap();
        assert!(said.contains("noted"), "{said}");
    }
    // The line of the gateway that sends leads to its own on-ramp.
    wait_for("the notice that came by fax", || sink.count() == 2);
    let sent: Vec<_> = log(dir.path()).into_iter().filter(|row| row["way"] == "offramp").collect();
    let [notice] = &sent[..] else { panic!("told once: {sent:?}") };
    assert_eq!((notice["state"].as_str(), notice["pages"].as_i64()), (Some("done"), Some(1)), "{notice}");
    assert!(notice.to_string().contains("+15550199"), "{notice}");
    let told = log(dir.path()).into_iter().find(|row| row["reply"] == "failed").expect("the reply, in the log");
    assert!(told["replied_at"].is_i64() && told["way"] == "onramp", "{told}");
}
