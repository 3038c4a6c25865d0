//! openssl's DTLS 1.2 with an elliptic-curve certificate at the other end, as client and as server.

use std::{
    fs,
    io::{Read, Write},
    net::UdpSocket,
    path::Path as FilePath,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use answertone_gateway::t38::{
    DtlsPath, Path,
    sealed::{Far, Fingerprint, Identity, Sealed},
};

/// No exchange takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn openssl(folder: &FilePath, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stderr(Stdio::null());
    command
}

/// Whether the program is there; if not, says what did not run.
fn available() -> bool {
    let there =
        Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !there {
        println!("openssl is not installed: 2 cases of DTLS did not run");
    }
    there
}

/// A certificate of its own making, and its fingerprint.
fn certificate(folder: &FilePath) -> Fingerprint {
    let made = openssl(folder, &["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=other", "-keyout", "key.pem", "-out", "cert.pem", "-days", "30"])
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let der = openssl(folder, &["x509", "-in", "cert.pem", "-outform", "der"]).output().expect("it runs");
    Fingerprint::of(&der.stdout)
}

struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("there are ports").port()
}

/// A line each way.
fn converse(path: &mut DtlsPath, mut peer: Peer) {
    let (mut buffer, began) = (vec![0; 2000], Instant::now());
    while !path.is_sealed() && began.elapsed() < PATIENCE {
        path.receive(&mut buffer, Duration::from_millis(20)).expect("the far end is right");
    }
    assert!(path.is_sealed());
    path.send(b"from us to openssl\n").expect("it goes");
    let mut heard = [0; 19];
    let output = peer.0.stdout.as_mut().expect("it is piped");
    output.read_exact(&mut heard).expect("openssl prints what it gets");
    assert_eq!(&heard, b"from us to openssl\n");
    peer.0.stdin.as_mut().expect("it is piped").write_all(b"from openssl to us\n").expect("it takes it");
    let count = std::iter::from_fn(|| {
        let came = path.receive(&mut buffer, Duration::from_millis(20)).expect("the far end is right");
        (began.elapsed() < PATIENCE).then_some(came)
    })
    .flatten()
    .next();
    assert_eq!(count.map(|count| &buffer[..count]), Some(&b"from openssl to us\n"[..]));
}

fn sealed(theirs: Fingerprint, we_are_active: bool, port: u16) -> Sealed {
    let mut sealed = Sealed::offer(Identity::fresh().expect("certificates can be made"));
    let address = we_are_active.then(|| ([127, 0, 0, 1], port).into());
    sealed.accept(Far { fingerprints: vec![theirs], we_are_active, address }, Instant::now());
    sealed
}

#[test]
fn openssl_answers_our_hello() {
    if !available() {
        return;
    }
    let (folder, port) = (tempfile::tempdir().expect("there is room"), free_port());
    let theirs = certificate(folder.path());
    let server = openssl(folder.path(), &["s_server", "-dtls1_2", "-quiet", "-cert", "cert.pem", "-key", "key.pem"])
        .args(["-Verify", "1", "-accept", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    let peer = Peer(server.expect("it runs"));
    // A server that does not listen yet loses the first hello, as a network may.
    let mut path = DtlsPath::new(socket, sealed(theirs, true, port)).expect("it opens");
    converse(&mut path, peer);
}

#[test]
fn openssl_says_hello_to_us() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().expect("there is room");
    let theirs = certificate(folder.path());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    let port = socket.local_addr().expect("it is bound").port();
    let mut path = DtlsPath::new(socket, sealed(theirs, false, 0)).expect("it opens");
    fs::write(folder.path().join("empty"), b"").expect("there is room");
    let client = openssl(folder.path(), &["s_client", "-dtls1_2", "-quiet", "-cert", "cert.pem", "-key", "key.pem"])
        .args(["-connect", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    converse(&mut path, Peer(client.expect("it runs")));
}
