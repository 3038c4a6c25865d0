//! A name server that knows a few records, and nothing else.

use std::net::{SocketAddr, UdpSocket};

/// What it knows of a name: the type of the record, and its data.
pub(crate) type Known = (String, u16, Vec<u8>);

/// A character string, RFC 1035 3.3.
fn string(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// The labels of a name, RFC 1035 3.1; of the root there are none.
fn labels(name: &str) -> Vec<u8> {
    let parts = name.split('.').filter(|part| !part.is_empty());
    parts.flat_map(string).chain([0]).collect()
}

/// A: the address of this machine, RFC 1035 3.4.1.
pub(crate) fn here(name: &str) -> Known {
    (name.into(), 1, vec![127, 0, 0, 1])
}

/// TXT: a text in pieces, RFC 1035 3.3.14.
pub(crate) fn text(name: &str, text: &str) -> Known {
    let pieces = text.as_bytes().chunks(200);
    (name.into(), 16, pieces.flat_map(|piece| [&[piece.len() as u8], piece].concat()).collect())
}

/// SRV without a weight, RFC 2782.
pub(crate) fn service(name: &str, priority: u16, port: u16, target: &str) -> Known {
    let numbers = [priority, 0, port].map(u16::to_be_bytes).concat();
    (name.into(), 33, [numbers, labels(target)].concat())
}

/// NAPTR that ends in an address, RFC 3403 4.1.
pub(crate) fn rule(name: &str, order: (u16, u16), services: &str, expression: &str) -> Known {
    pointer(name, order, ["u", services, expression], "")
}

/// NAPTR that leads on to another name.
pub(crate) fn referral(name: &str, order: (u16, u16), services: &str, target: &str) -> Known {
    pointer(name, order, ["s", services, ""], target)
}

fn pointer(name: &str, (order, preference): (u16, u16), strings: [&str; 3], target: &str) -> Known {
    let numbers = [order, preference].map(u16::to_be_bytes).concat();
    (name.into(), 35, [numbers, strings.map(string).concat(), labels(target)].concat())
}

/// Answers until the test ends.
pub(crate) fn serve(records: Vec<Known>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut query) {
            let _ = socket.send_to(&answer(&query[..length], &records), peer);
        }
    });
    address
}

/// RFC 1035 4.1.
fn answer(query: &[u8], records: &[Known]) -> Vec<u8> {
    let (mut at, mut labels) = (12, vec![]);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let question = &query[12..at + 5];
    let kind = u16::from(query[at + 2]);
    let of_name = || records.iter().filter(|(name, ..)| *name == labels.join("."));
    let found: Vec<_> = of_name().filter(|(_, of, _)| *of == kind).collect();
    let code = if of_name().next().is_none() { 3 } else { 0 };
    let mut reply = [&query[..2], &[0x85, 0x80 | code, 0, 1, 0, found.len() as u8, 0, 0, 0, 0], question].concat();
    for (_, kind, data) in found {
        reply.extend([0xC0, 12, 0, *kind as u8, 0, 1, 0, 0, 0, 60]);
        reply.extend((data.len() as u16).to_be_bytes());
        reply.extend(data);
    }
    reply
}
