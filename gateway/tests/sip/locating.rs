//! Servers by name: NAPTR and SRV of a name server of ours, and the place that stands in.

use std::net::{SocketAddr, TcpListener, UdpSocket};

use answertone_gateway::sip::Endpoint;

use crate::{
    daemon::wait_for,
    scripts::{account, free_port, is_bound, is_there, outcome, sipp},
};

/// The labels of a name, RFC 1035 3.1.
fn labels(name: &str) -> Vec<u8> {
    let mut octets: Vec<u8> =
        name.split('.').flat_map(|part| [&[part.len() as u8], part.as_bytes()].concat()).collect();
    octets.push(0);
    octets
}

fn text(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// A name server with records of these names, types and data.
fn name_server(records: Vec<(&'static str, u16, Vec<u8>)>) -> SocketAddr {
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

fn answer(query: &[u8], records: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap() + 1;
    let (name, kind) = (query[12..end].to_ascii_lowercase(), u16::from_be_bytes([query[end], query[end + 1]]));
    let found: Vec<_> = records.iter().filter(|(known, of, _)| labels(known) == name && *of == kind).collect();
    let known = records.iter().any(|(known, ..)| labels(known) == name);
    let mut reply =
        [&query[..2], &[0x85, if known { 0x80 } else { 0x83 }, 0, 1, 0, found.len() as u8, 0, 0, 0, 0]].concat();
    reply.extend(&query[12..end + 4]);
    for (_, kind, data) in found {
        reply.extend([0xC0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60]);
        reply.extend((data.len() as u16).to_be_bytes());
        reply.extend(data);
    }
    reply
}

fn srv(priority: u16, port: u16, target: &str) -> Vec<u8> {
    [priority.to_be_bytes(), [0, 0], port.to_be_bytes()].concat().into_iter().chain(labels(target)).collect()
}

#[test]
fn an_account_registers_with_the_server_that_stands_in_for_one_that_is_gone() {
    if !is_there(1) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (gone, port) = (TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), free_port());
    let rule =
        [vec![0, 10, 0, 10], text("s"), text("SIP+D2T"), text(""), labels("sip-over-tcp.office.example")].concat();
    let server = name_server(vec![
        ("office.example", 35, rule),
        ("sip-over-tcp.office.example", 33, srv(10, gone, "one.office.example")),
        ("sip-over-tcp.office.example", 33, srv(20, port, "two.office.example")),
        ("one.office.example", 1, vec![127, 0, 0, 1]),
        ("two.office.example", 1, vec![127, 0, 0, 1]),
    ]);
    let script = sipp("registrar", port, &["-t", "t1"]);
    wait_for("sipp's port", || is_bound("tcp", port));
    let more =
        format!("server = \"office.example\"\nname_server = \"{server}\"\nregister = true\ntransport = \"tcp\"\n");
    let endpoint = Endpoint::open(&account(folder.path(), &more)).unwrap();
    assert_eq!(outcome(script), None);
    drop(endpoint);
}

#[test]
fn a_server_without_an_address_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = name_server(vec![("else.example", 1, vec![127, 0, 0, 1])]);
    let more = format!("server = \"office.example\"\nname_server = \"{server}\"\n");
    let said = Endpoint::open(&account(folder.path(), &more)).err().expect("there is no such server").to_string();
    assert!(said.contains("sip.server = \"office.example\"") && said.contains("no address is known"), "{said}");
}
