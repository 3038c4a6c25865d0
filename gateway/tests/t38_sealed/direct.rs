//! Programs on two telephones of an exchange, whose documents go directly while their call is up.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use answertone_gateway::direct::Door;
use answertone_t30::image::{
    Bitmap, Coding, Page, Resolution,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};

use super::{
    daemon::{Sink, wait_for},
    relaying::{Running, quiet},
};

/// Something between two gateways: carries a connection, and does harm to it.
pub(crate) struct Between {
    pub(crate) address: SocketAddr,
    /// Connections that came.
    came: Arc<AtomicUsize>,
    /// Octets carried towards the port.
    carried: Arc<AtomicUsize>,
}

impl Between {
    /// Carries connections to that port, each so many octets far, then breaks it off.
    pub(crate) fn breaking(port: u16, octets: usize) -> Self {
        Self::to(port, octets, false)
    }

    /// Carries connections to that port, each so many octets far, and then nothing more.
    fn stalling(port: u16, octets: usize) -> Self {
        Self::to(port, octets, true)
    }

    fn to(port: u16, octets: usize, stalls: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are ports");
        let address = listener.local_addr().expect("it is bound");
        let (came, carried) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, gone) = (came.clone(), carried.clone());
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let (back, forth) = (far.try_clone(), near.try_clone());
                let (Ok(mut back), Ok(mut forth)) = (back, forth) else { continue };
                thread::spawn(move || std::io::copy(&mut back, &mut forth));
                carry(&near, &far, octets, &gone);
                if stalls {
                    thread::sleep(Duration::from_secs(60));
                }
                let _ = (near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both));
            }
        });
        Self { address, came, carried }
    }

    pub(crate) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, octets: usize, carried: &AtomicUsize) {
    let (mut buffer, mut left) = ([0; 512], octets);
    while left > 0 {
        let room = buffer.len().min(left);
        match from.read(&mut buffer[..room]) {
            Ok(count) if count > 0 && to.write_all(&buffer[..count]).is_ok() => {
                left -= count;
                carried.fetch_add(count, Ordering::Relaxed);
            }
            _ => break,
        }
    }
}

/// A page of noise in places, so that it is long on any way.
fn page(seed: u64) -> Page {
    let mut bitmap = Bitmap::white(1728, 400);
    let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for row in 0..400 {
        for pel in 0..100 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            bitmap.set(pel * 4 + seed as u32, row, chance >> 40 & 1 == 1);
        }
    }
    Page { bitmap, resolution: Resolution::Fine }
}

/// What came of a call of two programs.
struct Ended {
    sender: serde_json::Value,
    receiver: serde_json::Value,
    came: Vec<Page>,
}

impl Ended {
    /// Of the pages sent, those that went directly, when all came as they were.
    fn direct(&self, pages: u64) -> Vec<bool> {
        for end in [&self.sender, &self.receiver] {
            assert_eq!((&end["ok"], end["pages"].as_u64()), (&true.into(), Some(pages)), "{end:#}");
        }
        assert!(
            self.came == (0..pages).map(page).collect::<Vec<_>>(),
            "{} pages came, not as they were",
            self.came.len()
        );
        let listed = self.sender["page"].as_array().expect("pages are listed");
        listed.iter().map(|page| page["direct"] == true).collect()
    }

    fn seconds(&self) -> f64 {
        self.sender["seconds"].as_f64().expect("calls have a length")
    }
}

/// Two telephones of an exchange.
struct Telephones {
    folder: tempfile::TempDir,
    _exchange: Running,
}

impl Telephones {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let socket = folder.path().join("exchange");
        let exchange = quiet(&["exchange", &socket.display().to_string()]);
        wait_for("the exchange", || socket.exists());
        Self { folder, _exchange: exchange }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn line(&self, query: &str) -> String {
        format!("exchange:{}?number={query}", self.path("exchange"))
    }

    /// The receiver of a call; it listens.
    fn receiver(&self, options: &[&str]) -> Running {
        let (line, fax, result) = (self.line("200"), self.path("fax.tiff"), self.path("receiver.json"));
        let call = ["call", "--line", &line, "--receive", &fax, "--result", &result];
        let receiver = quiet(&[&call[..], options].concat());
        thread::sleep(Duration::from_millis(500));
        receiver
    }

    /// The sender of so many pages.
    fn sender(&self, pages: u64, options: &[&str]) -> Running {
        let (line, letter, result) = (self.line("100&dial=200"), self.path("letter.tiff"), self.path("sender.json"));
        let pages: Vec<Page> = (0..pages).map(page).collect();
        let pages: Vec<FilePage<'_>> = pages.iter().map(FilePage::from).collect();
        let tiff = write(&pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).expect("pages of a fax");
        fs::write(&letter, tiff).expect("there is room");
        quiet(&[&["call", "--line", &line, "--send", &letter, "--result", &result][..], options].concat())
    }

    fn result(&self, name: &str) -> serde_json::Value {
        let text = fs::read(self.path(name)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// A call to its end.
    fn call(&self, pages: u64, sending: &[&str], receiving: &[&str]) -> Ended {
        let mut receiver = self.receiver(receiving);
        let mut sender = self.sender(pages, sending);
        for end in [&mut sender, &mut receiver] {
            end.0.wait().expect("it ran");
        }
        let fax = fs::read(self.path("fax.tiff")).unwrap_or_default();
        let came = TiffDocument::open(&fax).and_then(|fax| fax.fax_pages()).unwrap_or_default();
        Ended { sender: self.result("sender.json"), receiver: self.result("receiver.json"), came }
    }
}

const BRINGS: [&str; 2] = ["--direct-to", "127.0.0.0/8"];

#[test]
fn a_document_goes_directly_and_saves_most_of_the_call() {
    let direct = thread::spawn(|| Telephones::new().call(3, &BRINGS, &["--direct-listen", "127.0.0.1:0"]));
    let line = Telephones::new().call(3, &[], &["--direct-listen", "127.0.0.1:0"]);
    let direct = direct.join().expect("a call");
    assert_eq!((direct.direct(3), line.direct(3)), (vec![true; 3], vec![false; 3]));
    println!("3 pages: {:.1} s directly, {:.1} s by the line", direct.seconds(), line.seconds());
    assert!(direct.seconds() < line.seconds(), "of the calls' own time");
}

#[test]
fn who_is_not_to_be_called_and_who_is_somebody_else_get_nothing() {
    let elsewhere = thread::spawn(|| {
        let networks = ["--direct-to", "192.0.2.0/24"];
        Telephones::new().call(1, &networks, &["--direct-listen", "127.0.0.1:0"]).direct(1)
    });
    let nobody = thread::spawn(|| {
        let closed = format!("127.0.0.1:{}", Sink::free_port());
        Telephones::new().call(1, &BRINGS, &["--direct-listen", "127.0.0.1:0", "--direct-address", &closed]).direct(1)
    });
    // Another gateway's port, with another certificate.
    let stranger = Door::open(([127, 0, 0, 1], 0).into(), None).expect("there are ports");
    let there = Between::breaking(stranger.place().address.port(), usize::MAX);
    let options = ["--direct-listen", "127.0.0.1:0", "--direct-address", &there.address.to_string()];
    let ended = Telephones::new().call(1, &BRINGS, &options);
    assert_eq!(ended.direct(1), [false], "the wrong certificate");
    assert_eq!(there.came(), 1, "the stranger was asked");
    assert_eq!(elsewhere.join().expect("a call"), [false], "not in the networks allowed");
    assert_eq!(nobody.join().expect("a call"), [false], "nobody listens there");
}

/// Octets after which the second page of three is on the way.
const IN_PAGE_TWO: usize = 40_000;

#[test]
fn a_way_that_breaks_in_mid_transfer_leaves_the_rest_to_the_line() {
    let here = Sink::free_port();
    let way = Between::breaking(here, IN_PAGE_TWO);
    let (listen, said) = (format!("127.0.0.1:{here}"), way.address.to_string());
    let ended = Telephones::new().call(3, &BRINGS, &["--direct-listen", &listen, "--direct-address", &said]);
    assert_eq!(ended.direct(3), [true, false, false]);
    assert_eq!(way.came(), 1);
}

#[test]
fn a_gateway_that_dies_in_mid_transfer_has_confirmed_what_it_kept_and_nothing_else() {
    let here = Sink::free_port();
    // It carries no further than the second page, and does not say so.
    let way = Between::stalling(here, IN_PAGE_TWO);
    let (listen, said) = (format!("127.0.0.1:{here}"), way.address.to_string());
    let telephones = Telephones::new();
    let receiver = telephones.receiver(&["--direct-listen", &listen, "--direct-address", &said]);
    let mut sender = telephones.sender(3, &BRINGS);
    wait_for("the second page", || way.carried.load(Ordering::Relaxed) >= IN_PAGE_TWO);
    thread::sleep(Duration::from_millis(500));
    drop(receiver);
    sender.0.wait().expect("it ran");
    let sent = telephones.result("sender.json");
    assert_eq!((&sent["ok"], sent["pages"].as_u64()), (&false.into(), Some(1)), "{sent:#}");
    // The document's rest by another call, as the queue has it: by the line, for nobody offers another way now.
    let ended = telephones.call(1, &BRINGS, &[]);
    assert_eq!(ended.direct(1), [false]);
}
