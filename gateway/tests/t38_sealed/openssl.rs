//! openssl's DTLS 1.2 at the other end, as client and as server, with certificates of elliptic curves and of RSA.

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
use answertone_vectors::not_run;

/// No exchange takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn openssl(folder: &FilePath, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stderr(Stdio::null());
    command
}

/// Whether the program is there; if not, says that so many cases did not run.
fn available(cases: usize) -> bool {
    let there =
        Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !there {
        not_run(cases, "openssl is not installed");
    }
    there
}

/// What keys are made of.
const CURVE: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: [&str; 4] = ["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_bits:2048"];

/// Suites that RFC 7345 4.1 has of RSA.
const OLD_SUITES: [&str; 2] = ["ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"];

/// A certificate of its own making, and its fingerprint.
fn certificate(folder: &FilePath, key: &[&str], name: &str) -> Fingerprint {
    let made = openssl(folder, &["req", "-x509", "-nodes", "-subj", "/CN=other", "-days", "30"])
        .args(key)
        .args(["-keyout", "key.pem", "-out", name])
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let kept = folder.join(name);
    let both = [fs::read(&kept), fs::read(folder.join("key.pem"))].map(|part| part.expect("it was made"));
    fs::write(&kept, both.concat()).expect("there is room");
    let der = openssl(folder, &["x509", "-in", name, "-outform", "der"]).output().expect("it runs");
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

fn sealed(ours: Identity, theirs: Fingerprint, we_are_active: bool, port: u16) -> Sealed {
    let mut sealed = Sealed::offer(ours);
    let address = we_are_active.then(|| ([127, 0, 0, 1], port).into());
    sealed.accept(Far { fingerprints: vec![theirs], we_are_active, address }, Instant::now());
    sealed
}

/// openssl with the certificate `theirs.pem`, and what else it is told.
fn peer(folder: &FilePath, what: &str, more: &[&str]) -> Peer {
    let arguments = [what, "-dtls1_2", "-quiet", "-cert", "theirs.pem", "-key", "theirs.pem"];
    let child = openssl(folder, &arguments).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    Peer(child.expect("it runs"))
}

/// Our hello is answered by openssl.
fn answered(folder: &FilePath, ours: Identity, theirs: Fingerprint, more: &[&str]) {
    let port = free_port();
    let peer = peer(folder, "s_server", &[&["-Verify", "1", "-accept", &format!("127.0.0.1:{port}")], more].concat());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    // A server that does not listen yet loses the first hello, as a network may.
    let mut path = DtlsPath::new(socket, sealed(ours, theirs, true, port)).expect("it opens");
    converse(&mut path, peer);
}

/// openssl says hello to us.
fn greeted(folder: &FilePath, ours: Identity, theirs: Fingerprint, more: &[&str]) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    let port = socket.local_addr().expect("it is bound").port();
    let mut path = DtlsPath::new(socket, sealed(ours, theirs, false, 0)).expect("it opens");
    let peer = peer(folder, "s_client", &[&["-connect", &format!("127.0.0.1:{port}")], more].concat());
    converse(&mut path, peer);
}

#[test]
fn openssl_answers_our_hello() {
    if available(1) {
        let folder = tempfile::tempdir().expect("there is room");
        let theirs = certificate(folder.path(), &CURVE, "theirs.pem");
        answered(folder.path(), Identity::fresh().expect("certificates can be made"), theirs, &[]);
    }
}

#[test]
fn openssl_says_hello_to_us() {
    if available(1) {
        let folder = tempfile::tempdir().expect("there is room");
        let theirs = certificate(folder.path(), &CURVE, "theirs.pem");
        greeted(folder.path(), Identity::fresh().expect("certificates can be made"), theirs, &[]);
    }
}

#[test]
fn peers_with_rsa_and_the_old_suites_are_talked_to_by_who_has_rsa_too() {
    if !available(2 * OLD_SUITES.len() + 2) {
        return;
    }
    let folder = tempfile::tempdir().expect("there is room");
    certificate(folder.path(), &RSA, "ours.pem");
    let ours = Identity::kept(&folder.path().join("ours.pem")).expect("it was made");
    assert!(ours.is_rsa());
    let theirs = certificate(folder.path(), &RSA, "theirs.pem");
    for suite in OLD_SUITES {
        answered(folder.path(), ours.clone(), theirs.clone(), &["-cipher", suite]);
        greeted(folder.path(), ours.clone(), theirs.clone(), &["-cipher", suite]);
    }
    // Those with elliptic curves it understands all the same.
    let theirs = certificate(folder.path(), &CURVE, "theirs.pem");
    answered(folder.path(), ours.clone(), theirs.clone(), &[]);
    greeted(folder.path(), ours, theirs, &[]);
}

#[test]
fn a_wrong_certificate_of_rsa_ends_the_media() {
    if !available(1) {
        return;
    }
    let folder = tempfile::tempdir().expect("there is room");
    certificate(folder.path(), &RSA, "ours.pem");
    certificate(folder.path(), &RSA, "theirs.pem");
    let ours = Identity::kept(&folder.path().join("ours.pem")).expect("it was made");
    let expected = Fingerprint::of(b"another certificate");
    let port = free_port();
    let _peer = peer(folder.path(), "s_server", &["-Verify", "1", "-accept", &format!("127.0.0.1:{port}")]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    let mut path = DtlsPath::new(socket, sealed(ours, expected, true, port)).expect("it opens");
    let (mut buffer, began) = (vec![0; 2000], Instant::now());
    let failure = std::iter::from_fn(|| {
        (began.elapsed() < PATIENCE).then(|| path.receive(&mut buffer, Duration::from_millis(20)).err())
    });
    let failure = failure.flatten().next().expect("it fails");
    assert_eq!(failure.kind(), std::io::ErrorKind::PermissionDenied, "{failure}");
    assert!(!path.is_sealed());
}
