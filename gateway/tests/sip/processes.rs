//! Processes of ours that call each other: the program, as its users start it.

use std::{
    collections::BTreeSet,
    fs,
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use crate::{
    daemon::{Gateway, PROGRAM, Sink, wait_for},
    mail::{submit, text_mail},
    scripts::free_port,
};

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

/// Passes datagrams of SIP on between two ports, and notes them. Media go their own way.
struct Watch {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Watch {
    fn between(ports: [u16; 2]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (port, heard) = (socket.local_addr().unwrap().port(), Arc::new(Mutex::new(vec![])));
        let kept = heard.clone();
        thread::spawn(move || {
            let mut datagram = [0; 4000];
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                kept.lock().unwrap().push(String::from_utf8_lossy(&datagram[..length]).into_owned());
                let to = ports[usize::from(from.port() == ports[0])];
                let _ = socket.send_to(&datagram[..length], ("127.0.0.1", to));
            }
        });
        Self { port, heard }
    }

    /// The values of an attribute, each once.
    fn values(&self, attribute: &str) -> BTreeSet<String> {
        let heard = self.heard.lock().unwrap();
        let lines = heard.iter().flat_map(|message| message.lines());
        lines.filter_map(|line| line.strip_prefix(&format!("a={attribute}:"))).map(str::to_owned).collect()
    }
}

/// A call from one process to another; both results.
fn between(caller: &str, answerer: &str) -> [Value; 2] {
    let (one, other) = (free_port(), free_port());
    through([one, other], [other, one], caller, answerer)
}

/// The same, where each end takes another port for the server.
fn through([one, other]: [u16; 2], servers: [u16; 2], caller: &str, answerer: &str) -> [Value; 2] {
    let own = tempfile::tempdir().unwrap();
    let folder = own.path();
    fs::write(folder.join("page.txt"), "A page that changes its carrier in mid call.\n").unwrap();
    let mut far =
        call(folder, &account(other, servers[1], answerer), "sip:office", ["--receive", "fax.tiff"], "answerer");
    let is_stream = answerer.contains("transport");
    wait_for("the answerer's port", || match is_stream {
        true => std::net::TcpStream::connect(("127.0.0.1", other)).is_ok(),
        false => UdpSocket::bind(("127.0.0.1", other)).is_err(),
    });
    let line = "sip:office?to=+15550100";
    let mut near = call(folder, &account(one, servers[0], caller), line, ["--send", "page.txt"], "caller");
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

#[test]
fn the_keys_of_a_sealed_call_are_changed_while_its_page_is_on_its_way() {
    let seal = "seal = \"required\"\n";
    for [caller, answerer] in
        [[format!("{seal}rekey_s = 3\n"), seal.into()], [seal.into(), format!("{seal}rekey_s = 3\n")]]
    {
        let ports = [free_port(), free_port()];
        let watch = Watch::between(ports);
        for end in through(ports, [watch.port; 2], &caller, &answerer) {
            assert_eq!((&end["transport"]["kind"], &end["pages"]), (&"dtls".into(), &1.into()), "{end:#}");
        }
        let (names, digests) = (watch.values("tls-id").len(), watch.values("fingerprint").len());
        assert!(names >= 4 && names == digests, "two ends and two keys of each: {names} and {digests}");
    }
}

#[test]
fn a_far_end_that_is_slower_is_sent_to_no_faster() {
    for end in between("", "t38_rate = 4800\n") {
        assert_eq!((&end["transport"]["kind"], &end["pages"]), (&"udptl".into(), &1.into()), "{end:#}");
        assert!(end["bit_rate"].as_u64().is_some_and(|rate| rate <= 4800), "{end:#}");
    }
}

#[test]
fn a_certificate_nobody_vouches_for_ends_the_call_unless_anybody_is_trusted() {
    let own = tempfile::tempdir().unwrap();
    let tls = over_tls(own.path());
    let trusting =
        |more: &str| tls.lines().filter(|line| !line.starts_with("ca_file")).collect::<Vec<_>>().join("\n") + more;
    for end in between(&trusting("\nverify = false\n"), &trusting("\nverify = false\n")) {
        assert_eq!(end["pages"], 1, "{end:#}");
    }
    let (one, other) = (free_port(), free_port());
    fs::write(own.path().join("page.txt"), "x\n").unwrap();
    let mut far = call(own.path(), &account(other, one, &tls), "sip:office", ["--receive", "fax.tiff"], "answerer");
    wait_for("the answerer's port", || std::net::TcpStream::connect(("127.0.0.1", other)).is_ok());
    fs::write(own.path().join("caller.toml"), account(one, other, &trusting("\n"))).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["call", "--line", "sip:office?to=1", "--config", "caller.toml", "--send", "page.txt"]);
    let near = command.current_dir(own.path()).output().unwrap();
    let said = String::from_utf8_lossy(&near.stderr).into_owned();
    far.kill().unwrap();
    let _ = far.wait();
    assert!(!near.status.success() && said.contains("certificate") && said.contains("sip.ca_file"), "{said}");
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
