//! Processes of ours that call each other: the program, as its users start it.

use std::{
    fs,
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::{
    daemon::{Gateway, PROGRAM, Sink, wait_for},
    mail::{submit, text_mail},
};

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An account that listens there and calls by the other, as a table of the configuration.
fn account(here: u16, there: u16, more: &str) -> String {
    format!(
        "[[sip]]\nname = \"office\"\nserver = \"127.0.0.1:{there}\"\nlisten = \"127.0.0.1:{here}\"\nuser = \"fax\"\n\
         number = \"+15550199\"\n{more}\n"
    )
}

fn call(folder: &Path, config: &str, line: &str, what: [&str; 2], result: &str) -> Child {
    fs::write(folder.join(format!("{result}.toml")), config).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["call", "--line", line, "--config", &format!("{result}.toml")]).args(what);
    command.args(["--result", &format!("{result}.json")]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

fn result(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// A call from one process to another; both results.
fn between(caller: &str, answerer: &str) -> [Value; 2] {
    let own = tempfile::tempdir().unwrap();
    let folder = own.path();
    fs::write(folder.join("page.txt"), "A page that changes its carrier in mid call.\n").unwrap();
    let (one, other) = (free_port(), free_port());
    let mut far = call(folder, &account(other, one, answerer), "sip:office", ["--receive", "fax.tiff"], "answerer");
    let is_stream = answerer.contains("transport");
    wait_for("the answerer's port", || match is_stream {
        true => std::net::TcpStream::connect(("127.0.0.1", other)).is_ok(),
        false => UdpSocket::bind(("127.0.0.1", other)).is_err(),
    });
    let line = "sip:office?to=+15550100";
    let mut near = call(folder, &account(one, other, caller), line, ["--send", "page.txt"], "caller");
    let (near, far) = (near.wait().unwrap(), far.wait().unwrap());
    let results = ["caller", "answerer"].map(|name| result(folder, name));
    assert!(near.success() && far.success(), "{results:#?}");
    results
}

/// Keys of an account that speaks TLS with a certificate made for this machine.
fn over_tls(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    format!("transport = \"tls\"\nca_file = {certificate:?}\ncertificate_file = {certificate:?}\nkey_file = {key:?}\n")
}

#[test]
fn calls_carry_a_page_by_t38_and_where_that_is_refused_by_audio() {
    let own = tempfile::tempdir().unwrap();
    let (tcp, tls) = ("transport = \"tcp\"\n", over_tls(own.path()));
    let cases = [
        ("", "", "udptl"),
        (tcp, tcp, "udptl"),
        (tls.as_str(), tls.as_str(), "udptl"),
        ("", "fax = \"passthrough\"\n", "rtp"),
        ("seal = \"required\"\n", "seal = \"preferred\"\n", "dtls"),
    ];
    thread::scope(|scope| {
        for (caller, answerer, kind) in cases {
            scope.spawn(move || {
                for end in between(caller, answerer) {
                    assert_eq!((&end["transport"]["kind"], &end["pages"]), (&kind.into(), &1.into()), "{end:#}");
                }
            });
        }
    });
}

/// A gateway whose only line is an account; its configuration may have more.
fn gateway(folder: &Path, relay: u16, account: &str) -> Gateway {
    Gateway::start_changed(folder, relay, |text| text.replace("sim:?far=onramp&snr=35", "sip:office") + account)
}

/// A mail at one gateway becomes a fax at the other, and its sender is told.
fn from_gateway_to_gateway(more: &str) {
    let (sink, far_sink) = (Sink::new(), Sink::new());
    let [here, there] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, other) = (free_port(), free_port());
    let _far = gateway(there.path(), far_sink.port, &account(other, one, more));
    let near = gateway(here.path(), sink.port, &account(one, other, more));
    let mail = text_mail("by-sip", "From one gateway to another.");
    submit(near.port, "me@office.example", "FAX=+15550100@fax.example", "NOTIFY=SUCCESS", &mail).unwrap();
    wait_for("the fax", || far_sink.find("Message-Context: fax-message").is_some());
    wait_for("the notice", || sink.find("Action: delivered").is_some());
}

#[test]
fn a_gateway_faxes_to_another_in_clear_and_sealed() {
    thread::scope(|scope| {
        scope.spawn(|| from_gateway_to_gateway(""));
        // What is not sealed would not come through at all.
        scope.spawn(|| from_gateway_to_gateway("seal = \"required\"\n"));
    });
}
