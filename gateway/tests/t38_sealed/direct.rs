//! Programs on two telephones of an exchange, whose documents go directly while their call is up.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    daemon::{Gateway, Sink, wait_for},
    mail::{submit, text_mail},
    programs::{letter, program},
    relaying::{Running, exchange, quiet},
};

/// Something between two gateways: carries a connection, and does harm to it.
struct Between {
    address: SocketAddr,
    /// Connections that came.
    came: Arc<AtomicUsize>,
}

impl Between {
    /// Carries connections to that port, each so many octets far, then breaks it off.
    fn breaking(port: u16, octets: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are ports");
        let address = listener.local_addr().expect("it is bound");
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                count.fetch_add(1, Ordering::Relaxed);
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let (back, forth) = (far.try_clone(), near.try_clone());
                let (Ok(mut back), Ok(mut forth)) = (back, forth) else { continue };
                thread::spawn(move || std::io::copy(&mut back, &mut forth));
                carry(near, far, octets);
            }
        });
        Self { address, came }
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut octets: usize) {
    let mut buffer = [0; 512];
    while octets > 0 {
        let room = buffer.len().min(octets);
        match from.read(&mut buffer[..room]) {
            Ok(count) if count > 0 && to.write_all(&buffer[..count]).is_ok() => octets -= count,
            _ => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are ports");
    listener.local_addr().expect("it is bound").port()
}

/// What came of a call of two programs.
struct Ended {
    sender: serde_json::Value,
    receiver: serde_json::Value,
    sheets: Vec<image::GrayImage>,
}

impl Ended {
    fn pages(&self) -> [usize; 2] {
        [&self.sender, &self.receiver].map(|end| {
            assert_eq!(end["ok"], true, "{end:#}");
            end["pages"].as_u64().expect("pages are counted") as usize
        })
    }

    /// Of the pages sent, those that went directly.
    fn direct(&self) -> Vec<bool> {
        let pages = self.sender["page"].as_array().expect("pages are listed");
        pages.iter().map(|page| page["direct"] == true).collect()
    }

    fn seconds(&self) -> f64 {
        self.sender["seconds"].as_f64().expect("calls have a length")
    }
}

/// A call with three pages, with options at each end.
fn call(folder: &Path, sending: &[&str], receiving: &[&str]) -> Ended {
    let (socket, _exchange) = exchange(folder);
    let on = |number: &str| format!("exchange:{}?number={number}", socket.display());
    let fax = folder.join("fax.tiff");
    let (near, far) = (folder.join("sender.json"), folder.join("receiver.json"));
    let letter = letter(folder);
    let text = |path: &PathBuf| path.display().to_string();
    let receiver = [&["call", "--line", &on("200"), "--receive", &text(&fax), "--result", &text(&far)], receiving];
    let mut receiver = quiet(&receiver.concat());
    thread::sleep(Duration::from_millis(500));
    let calling = on("100") + "&dial=200";
    let sender = [&["call", "--line", &calling, "--send", &letter, "--result", &text(&near)], sending];
    let mut sender = quiet(&sender.concat());
    for end in [&mut sender, &mut receiver] {
        end.0.wait().expect("it ran");
    }
    let read = |path| serde_json::from_slice(&std::fs::read(path).unwrap_or_default()).unwrap_or_default();
    Ended { sender: read(near), receiver: read(far), sheets: sheets(&fax) }
}
