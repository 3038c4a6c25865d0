//! A far end that says hello to our offer of a seal before it answers it: RFC 8842 5.2.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use answertone_gateway::{
    engine::Hearing,
    sdp::Description,
    sip::{Endpoint, Message},
    t38::sealed::{Far, Identity, Sealed},
};
use answertone_t30::{
    audio::AudioConfig,
    session::{Config, Document, Session},
    time::LineTime,
};

use crate::scripts::{Nobody, account};

const AUDIO: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n";

/// The next request of that kind, and where it came from.
fn request(socket: &UdpSocket, method: &str) -> (Message, SocketAddr) {
    let mut octets = [0; 4000];
    let wanted = |message: &Message| message.status().is_none() && message.method() == method;
    loop {
        let (length, from) = socket.recv_from(&mut octets).expect("it comes in time");
        if let Some(message) = Message::read(&octets[..length]).filter(wanted) {
            return (message, from);
        }
    }
}

fn ok(request: &Message, here: SocketAddr, body: &str) -> Vec<u8> {
    let mut response = Message::response(request, 200, "OK").with("Contact", format!("<sip:far@{here}>"));
    if request.tag("To").is_none() {
        response.set("To", format!("{};tag=far", request.header("To").unwrap()));
    }
    let response = if body.is_empty() { response } else { response.with_body("application/sdp", body) };
    response.write()
}

/// One turn of a sealed end: what is due is sent, and what comes within a moment is taken in.
fn turn(sealed: &mut Sealed, media: &UdpSocket) {
    media.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut octets = [0; 4000];
    sealed.handle_timeout(Instant::now());
    while let Some((to, datagram)) = sealed.poll_transmit() {
        media.send_to(&datagram, to).unwrap();
    }
    if let Ok((length, from)) = media.recv_from(&mut octets) {
        sealed.handle(&octets[..length], from, Instant::now());
    }
}

/// Turns it until that is so, or for ten seconds.
fn turned(sealed: &mut Sealed, media: &UdpSocket, mut is_so: impl FnMut(&mut Sealed) -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if is_so(sealed) {
            return true;
        }
        turn(sealed, media);
    }
    false
}

/// The far end: it takes the call, and shakes hands before it answers the offer; then it hangs up.
fn far_end(socket: &UdpSocket) -> bool {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let here = socket.local_addr().unwrap();
    let (invite, from) = request(socket, "INVITE");
    socket.send_to(&ok(&invite, here, AUDIO), from).unwrap();
    let (offered, from) = request(socket, "INVITE");
    let offer = Description::read(&offered.body);
    let image = &offer.media[0];
    assert_eq!(image.protocol, "UDP/TLS/UDPTL");
    let media = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sealed = Sealed::offer(Identity::fresh().unwrap());
    let fingerprints = vec![image.value("fingerprint").unwrap().parse().unwrap()];
    let address = Some(SocketAddr::from(([127, 0, 0, 1], image.port)));
    sealed.accept(Far { fingerprints, we_are_active: true, address }, Instant::now());
    let before_the_answer = turned(&mut sealed, &media, |sealed| sealed.is_sealed());
    let answer = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image {} UDP/TLS/UDPTL t38\r\n\
         a=T38FaxVersion:0\r\na=setup:active\r\na=fingerprint:{}\r\na=tls-id:{}\r\n",
        media.local_addr().unwrap().port(),
        sealed.fingerprint().to_sdp(),
        sealed.tls_id()
    );
    socket.send_to(&ok(&offered, here, &answer), from).unwrap();
    // What it says is sealed by the keys of before the answer.
    let opened = turned(&mut sealed, &media, |sealed| sealed.poll_opened().is_some());
    let goodbye = Message::request("BYE", invite.header("Contact").unwrap().trim_matches(['<', '>']))
        .with("Via", format!("SIP/2.0/UDP {here};branch=z9hG4bKbye"))
        .with("From", format!("{};tag=far", invite.header("To").unwrap()))
        .with("To", invite.header("From").unwrap())
        .with("Call-ID", invite.header("Call-ID").unwrap())
        .with("CSeq", "1 BYE");
    socket.send_to(&goodbye.write(), from).unwrap();
    before_the_answer && opened
}

#[test]
fn a_hello_before_the_answer_is_answered_and_believed_when_the_answer_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = socket.local_addr().unwrap();
    let far = thread::spawn(move || far_end(&socket));
    let endpoint = Endpoint::open(&account(folder.path(), "seal = \"required\"\n")).unwrap();
    let leg = endpoint.call(&format!("sip:office@{there}"), &Hearing::default(), &mut || false).unwrap();
    let poll = Config { poll: true, ..Config::default() };
    let session = Session::calling(Arc::new(poll), Document::default(), LineTime::ZERO);
    let observer = Nobody(Arc::new(AtomicBool::new(false)));
    let (report, _) = leg.talk(session, AudioConfig::default(), observer, None);
    assert!(far.join().unwrap(), "the handshake is through before the answer, and T.38 comes after it");
    assert_eq!(report.transport.unwrap().kind, "dtls");
}
