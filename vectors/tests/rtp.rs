//! Pages over RTP through a network that loses, delays, doubles and reorders packets, and a sender that begins anew:
//! two programs on loopback, by the wall clock.

use std::{
    env, fs,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Share of packets that are lost.
const LOSS: f64 = 0.01;

/// Share of packets that come twice.
const DOUBLED: f64 = 0.02;

/// How much later than the quickest a packet may come.
const JITTER: Duration = Duration::from_millis(40);

/// After so many packets of a direction its sender has another SSRC, other numbers and other time stamps.
const ANEW_AFTER: u64 = 500;

/// Numbers by chance, from a seed.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A bad network between two addresses, in both directions.
struct Network {
    ends: [SocketAddr; 2],
    over: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    carriers: Vec<JoinHandle<()>>,
}

impl Network {
    /// Each of `far` sends to one of `ends` and hears from there.
    fn between(far: [SocketAddr; 2]) -> Self {
        let sockets = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").expect("there are ports"));
        let ends = [0, 1].map(|end| sockets[end].local_addr().expect("it is bound"));
        let (over, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let carriers = [0, 1].map(|from| {
            let incoming = sockets[from].try_clone().expect("a socket has two handles");
            let outgoing = sockets[1 - from].try_clone().expect("a socket has two handles");
            let (over, lost, to) = (over.clone(), lost.clone(), far[1 - from]);
            thread::spawn(move || carry(&incoming, &outgoing, to, &over, &lost, Chance(11 + from as u64)))
        });
        Self { ends, over, lost, carriers: carriers.into() }
    }

    fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.carriers.into_iter().for_each(|carrier| carrier.join().expect("a carrier ends"));
        self.lost.load(Ordering::Relaxed)
    }
}

fn carry(from: &UdpSocket, by: &UdpSocket, to: SocketAddr, over: &AtomicBool, lost: &AtomicU64, mut chance: Chance) {
    from.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket can wait");
    let mut under_way: Vec<(Instant, Vec<u8>)> = vec![];
    let (mut datagram, mut count) = ([0; 2048], 0);
    while !over.load(Ordering::Relaxed) {
        if let Ok(octets) = from.recv(&mut datagram) {
            count += 1;
            let mut packet = datagram[..octets].to_vec();
            if count > ANEW_AFTER {
                begin_anew(&mut packet);
            }
            let late = |chance: &mut Chance| Instant::now() + JITTER.mul_f64(chance.share());
            match chance.share() {
                share if share < LOSS => _ = lost.fetch_add(1, Ordering::Relaxed),
                share if share < LOSS + DOUBLED => {
                    under_way.push((late(&mut chance), packet.clone()));
                    under_way.push((late(&mut chance), packet));
                }
                _ => under_way.push((late(&mut chance), packet)),
            }
        }
        let now = Instant::now();
        under_way.sort_by_key(|(due, _)| *due);
        let due = under_way.iter().take_while(|(due, _)| *due <= now).count();
        for (_, packet) in under_way.drain(..due) {
            // A receiver that is not there yet loses packets too.
            let _ = by.send_to(&packet, to);
        }
    }
}

/// Another sender: sequence number, time stamp and SSRC from elsewhere.
fn begin_anew(packet: &mut [u8]) {
    let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(30_000);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    let stamp = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]).wrapping_add(2_000_000_000);
    packet[4..8].copy_from_slice(&stamp.to_be_bytes());
    packet[8] ^= 0x55;
}

fn program() -> PathBuf {
    let test = env::current_exe().expect("the test knows its file");
    let program = test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").join("answertone");
    assert!(program.is_file(), "{}: not there; run `cargo build --workspace`", program.display());
    program
}

fn call(folder: &Path, line: &str, what: &str) -> Child {
    let mut command = Command::new(program());
    command.args(["call", "--line", line]).args(what.split_whitespace()).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program is there")
}

/// An address for RTP with nobody at the port above.
fn free_address() -> SocketAddr {
    let free = UdpSocket::bind("127.0.0.1:0").expect("there are ports");
    free.local_addr().expect("it is bound")
}

/// Calls made for one page: where the machine does other things too, packets come too late as well, and a call may fail by that.
const ATTEMPTS: usize = 3;

fn crosses(codec: &str) {
    let spoilt: Vec<String> = (0..ATTEMPTS).map(|_| attempt(codec)).map_while(Result::err).collect();
    println!("{codec}: {} of {ATTEMPTS} calls spoilt", spoilt.len());
    assert!(spoilt.len() < ATTEMPTS, "{}", spoilt.join("\n"));
}

/// One call; what became of it when the page did not come.
fn attempt(codec: &str) -> Result<(), String> {
    let folder = program().with_file_name("rtp").join(codec);
    fs::create_dir_all(&folder).expect("the target folder takes folders");
    fs::write(folder.join("page.txt"), "Over a bad network.\n".repeat(30)).expect("the folder takes files");
    let far = [free_address(), free_address()];
    let network = Network::between(far);
    let line = |end: usize| {
        format!("rtp:local={}&remote={}&codec={codec}&rtcp=off&jitter=80&patience=10", far[end], network.ends[end])
    };
    let answerer = call(&folder, &line(1), "--receive page.tif --result received.json");
    let caller = call(&folder, &line(0), "--send page.txt --result sent.json");
    let content = [caller, answerer].map(|mut end| end.wait().expect("a call ends").success());
    let lost = network.end();
    assert!(lost > 0, "the network loses packets");
    if content != [true, true] {
        let said = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        return Err(["sent.json", "received.json"].map(said).join("\n"));
    }
    for name in ["sent.json", "received.json"] {
        let text = fs::read_to_string(folder.join(name)).expect("a call leaves its result");
        let result: Value = serde_json::from_str(&text).expect("a result is JSON");
        println!("{codec}, {name}: {} packets lost in all; {result}", lost);
        assert_eq!((&result["ok"], &result["ecm"]), (&Value::Bool(true), &Value::Bool(true)), "{result}");
        let seen = &result["transport"];
        assert!(seen["restarts"].as_u64() >= Some(1), "the sender began anew: {result}");
        assert!(seen["duplicates"].as_u64() > Some(0) && seen["reordered"].as_u64() > Some(0), "{result}");
    }
    Ok(())
}

#[test]
fn pages_cross_a_bad_network_with_error_correction() {
    thread::scope(|scope| {
        for codec in ["pcmu", "pcma", "l16"] {
            scope.spawn(move || crosses(codec));
        }
    });
}
