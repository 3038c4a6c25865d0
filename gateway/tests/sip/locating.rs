//! Servers by name: NAPTR and SRV of a name server of ours, and the place that stands in.

use std::net::TcpListener;

use answertone_gateway::sip::Endpoint;

use crate::{
    daemon::wait_for,
    scripts::{account, free_port, is_bound, is_there, outcome, sipp},
    zone::{here, referral, serve, service},
};

#[test]
fn an_account_registers_with_the_server_that_stands_in_for_one_that_is_gone() {
    if !is_there(1) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (gone, port) = (TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), free_port());
    let server = serve(vec![
        referral("office.example", (10, 10), "SIP+D2T", "sip-over-tcp.office.example"),
        service("sip-over-tcp.office.example", 10, gone, "one.office.example"),
        service("sip-over-tcp.office.example", 20, port, "two.office.example"),
        here("one.office.example"),
        here("two.office.example"),
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
    let server = serve(vec![here("else.example")]);
    let more = format!("server = \"office.example\"\nname_server = \"{server}\"\n");
    let said = Endpoint::open(&account(folder.path(), &more)).err().expect("there is no such server").to_string();
    assert!(said.contains("sip.server = \"office.example\"") && said.contains("no address is known"), "{said}");
}
