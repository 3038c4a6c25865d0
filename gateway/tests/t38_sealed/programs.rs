//! Two programs call each other over sealed lines; a network in between sees nothing of the fax.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use answertone_gateway::t38::sealed::Identity;

pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_answertone"))
}

pub(crate) fn ports<const COUNT: usize>() -> [u16; COUNT] {
    let sockets = [(); COUNT].map(|()| UdpSocket::bind("127.0.0.1:0").expect("there are ports"));
    sockets.map(|socket| socket.local_addr().expect("it is bound").port())
}

/// Carries datagrams between two programs and keeps a copy of each.
struct Wiretap {
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    over: Arc<AtomicBool>,
}

impl Wiretap {
    /// Between the ports of two ends, at a port of its own for each.
    fn between(ends: [u16; 2], taps: [u16; 2]) -> Self {
        let sockets = taps.map(|tap| UdpSocket::bind(("127.0.0.1", tap)).expect("the port is free"));
        let tap = Self { heard: Arc::default(), over: Arc::default() };
        for side in [0, 1] {
            let (from, to) = (sockets[side].try_clone(), sockets[1 - side].try_clone());
            let (from, to) = (from.expect("a socket can be shared"), to.expect("a socket can be shared"));
            let (heard, over, there) = (tap.heard.clone(), tap.over.clone(), ends[1 - side]);
            from.set_read_timeout(Some(Duration::from_millis(100))).expect("sockets have time limits");
            thread::spawn(move || {
                let mut buffer = [0; 2000];
                while !over.load(Ordering::Relaxed) {
                    if let Ok((count, _)) = from.recv_from(&mut buffer) {
                        heard.lock().expect("nobody failed").push(buffer[..count].to_vec());
                        let _ = to.send_to(&buffer[..count], ("127.0.0.1", there));
                    }
                }
            });
        }
        tap
    }

    fn stop(self) -> Vec<Vec<u8>> {
        self.over.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.heard.lock().expect("nobody failed"))
    }
}

/// A small page in the folder.
pub(crate) fn letter(folder: &Path) -> String {
    let mut picture = image::GrayImage::from_pixel(1728, 200, image::Luma([255]));
    for (x, y, pel) in picture.enumerate_pixels_mut() {
        *pel = image::Luma([if (x / 9 + y / 5) % 4 == 0 { 0 } else { 255 }]);
    }
    let path = folder.join("letter.png");
    picture.save(&path).expect("there is room");
    path.display().to_string()
}

pub(crate) fn spawn(line: &str, task: [&str; 2], result: &Path) -> Child {
    let mut call = program();
    call.args(["call", "--line", line, task[0], task[1], "--result"]).arg(result);
    call.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

fn said(child: &mut Child) -> Vec<String> {
    let errors = child.stderr.take().expect("it is piped");
    BufReader::new(errors).lines().map_while(Result::ok).collect()
}

/// The fingerprint of an identity file that is made.
fn kept(file: &Path) -> String {
    Identity::kept(file).expect("there is room").fingerprint().to_string()
}

pub(crate) fn lines(folder: &Path, ends: [u16; 2], towards: [u16; 2], more: [&str; 2]) -> [String; 2] {
    let files = [folder.join("caller.pem"), folder.join("answerer.pem")];
    let fingerprints = files.each_ref().map(|file| kept(file));
    [0, 1].map(|end| {
        let (here, there, theirs) = (ends[end], towards[end], &fingerprints[1 - end]);
        let place = format!(
            "local=127.0.0.1:{here}{}",
            if there == 0 { String::new() } else { format!("&remote=127.0.0.1:{there}") }
        );
        format!("t38:{place}&pace=free&{}&identity={}&fingerprint={theirs}", more[end], files[end].display())
    })
}

fn call(folder: &Path, lines: &[String; 2]) -> Vec<String> {
    let fax = folder.join("fax.tiff").display().to_string();
    let mut answerer = spawn(&lines[1], ["--receive", &fax], &folder.join("answerer.json"));
    thread::sleep(Duration::from_millis(300));
    let mut caller = spawn(&lines[0], ["--send", &letter(folder)], &folder.join("caller.json"));
    let mut words = said(&mut caller);
    words.extend(said(&mut answerer));
    let ends = [caller.wait(), answerer.wait()].map(|status| status.expect("it ran").success());
    words.push(format!("{ends:?}"));
    words
}

pub(crate) fn ok(folder: &Path, end: &str) -> (bool, u64) {
    let text = fs::read_to_string(folder.join(end)).unwrap_or_default();
    let result: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    (result["ok"] == true, result["pages"].as_u64().unwrap_or_default())
}

#[test]
fn a_fax_within_dtls_arrives_and_nothing_of_it_is_on_the_network() {
    let folder = tempfile::tempdir().expect("there is room");
    let [caller, answerer, near, far] = ports();
    let tap = Wiretap::between([caller, answerer], [near, far]);
    let lines = lines(folder.path(), [caller, answerer], [near, far], ["dtls=active", "dtls=passive"]);
    let words = call(folder.path(), &lines);
    let heard = tap.stop();
    assert_eq!(ok(folder.path(), "caller.json"), (true, 1), "{words:#?}");
    assert_eq!(ok(folder.path(), "answerer.json"), (true, 1), "{words:#?}");
    assert!(heard.len() > 50, "the wiretap was on the way: {}", heard.len());
    assert!(heard.iter().all(|datagram| datagram.first().is_some_and(|first| (20..=63).contains(first))));
}

#[test]
fn a_fax_over_rtp_arrives_and_goes_as_srtp_only() {
    let folder = tempfile::tempdir().expect("there is room");
    let [caller, answerer, near, far] = ports();
    let tap = Wiretap::between([caller, answerer], [near, far]);
    let more = ["transport=rtp&dtls=active", "transport=rtp&dtls=passive"];
    let words = call(folder.path(), &lines(folder.path(), [caller, answerer], [near, far], more));
    let heard = tap.stop();
    assert_eq!(ok(folder.path(), "caller.json"), (true, 1), "{words:#?}");
    assert_eq!(ok(folder.path(), "answerer.json"), (true, 1), "{words:#?}");
    let rtp: Vec<_> = heard.iter().filter(|datagram| (128..=191).contains(&datagram[0])).collect();
    assert!(rtp.len() > 50, "the wiretap was on the way: {}", rtp.len());
    assert!(heard.iter().all(|datagram| (20..=63).contains(&datagram[0]) || (128..=191).contains(&datagram[0])));
    // Repeated packets of T.38 in clear would have octets in common: what is sealed has none but by chance.
    let bodies = rtp.iter().flat_map(|packet| packet[12..].windows(8));
    let mut seen = std::collections::HashMap::new();
    bodies.for_each(|octets| *seen.entry(octets).or_insert(0) += 1);
    assert!(seen.values().all(|count| *count == 1), "octets come again");
}

#[test]
fn a_fax_within_tls_arrives() {
    let folder = tempfile::tempdir().expect("there is room");
    let [caller, answerer] = ports();
    let lines = lines(folder.path(), [caller, answerer], [answerer, 0], ["transport=tls", "transport=tls"]);
    let words = call(folder.path(), &lines);
    assert_eq!(ok(folder.path(), "caller.json"), (true, 1), "{words:#?}");
    assert_eq!(ok(folder.path(), "answerer.json"), (true, 1), "{words:#?}");
}

#[test]
fn somebody_else_is_hung_up_on() {
    for (active, passive) in [("dtls=active", "dtls=passive"), ("transport=tls", "transport=tls")] {
        let folder = tempfile::tempdir().expect("there is room");
        let [caller, answerer] = ports();
        let remote = if active == "transport=tls" { 0 } else { caller };
        let [calling, answering] = lines(folder.path(), [caller, answerer], [answerer, remote], [active, passive]);
        let right = kept(&folder.path().join("answerer.pem"));
        let calling = calling.replace(&right, &kept(&folder.path().join("stranger.pem")));
        let words = call(folder.path(), &[calling, answering]);
        assert_eq!(ok(folder.path(), "caller.json"), (false, 0), "{words:#?}");
        assert!(!folder.path().join("fax.tiff").exists(), "{words:#?}");
    }
}
