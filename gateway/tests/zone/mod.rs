//! A name server that knows a few records, and nothing else.

use std::net::{SocketAddr, UdpSocket};

/// What it knows of a name: the type of the record, and its data.
pub(crate) type Known = (String, u16, Vec<u8>);

/// TXT: a text in pieces, RFC 1035 3.3.14.
#[allow(dead_code, reason = "not every test has texts")]
pub(crate) fn text(name: &str, text: &str) -> Known {
    let pieces = text.as_bytes().chunks(200);
    (name.into(), 16, pieces.flat_map(|piece| [&[piece.len() as u8], piece].concat()).collect())
}

/// NAPTR, RFC 3403 4.1.
#[allow(dead_code, reason = "not every test has numbers")]
pub(crate) fn rule(name: &str, (order, preference): (u16, u16), services: &str, expression: &str) -> Known {
    let strings = ["u", services, expression].map(|text| [&[text.len() as u8], text.as_bytes()].concat());
    let data = [&order.to_be_bytes()[..], &preference.to_be_bytes(), &strings.concat(), &[0]].concat();
    (name.into(), 35, data)
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
    let found: Vec<_> = records.iter().filter(|(name, of, _)| *of == kind && *name == labels.join(".")).collect();
    let code = if found.is_empty() { 3 } else { 0 };
    let mut reply = [&query[..2], &[0x85, 0x80 | code, 0, 1, 0, found.len() as u8, 0, 0, 0, 0], question].concat();
    for (_, kind, data) in found {
        reply.extend([0xC0, 12, 0, *kind as u8, 0, 1, 0, 0, 0, 60]);
        reply.extend((data.len() as u16).to_be_bytes());
        reply.extend(data);
    }
    reply
}
