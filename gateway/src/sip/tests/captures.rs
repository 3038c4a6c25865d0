//! Calls of real machines, from captures: what the far end said is said to an agent of ours in the place of the machine that
//! it was said to, and its T.38 goes into the call that comes of it.

use std::sync::Arc;

use answertone_t30::{
    session::{Config, Document, Event, Session},
    t38,
    time::LineTime,
};

use super::*;
use crate::{
    decode::capture::datagrams::{self, Datagram},
    sip::media::packets,
};

/// A capture of the shared vectors; none, and a word about it, where they are not.
fn recording(name: &str) -> Option<Vec<Datagram>> {
    let file = answertone_vectors::shared(&format!("assets/2-t38-pcap/{name}"), 1)?;
    Some(datagrams::read(std::fs::File::open(file).unwrap()).unwrap())
}

/// What one of two machines said to the other in SIP, in order.
fn said(capture: &[Datagram], by: &str, to: &str) -> Vec<Message> {
    let [by, to]: [SocketAddr; 2] = [by, to].map(|text| format!("{text}:5060").parse().unwrap());
    let of_it = capture.iter().filter(|each| each.from == by && each.to == to);
    of_it.filter_map(|each| Message::read(&each.payload)).collect()
}

/// One agent of ours, and what it sends.
struct Stage {
    agent: Agent,
    now: Duration,
    far: Hop,
    sent: Vec<Message>,
    told: Vec<Tidings>,
    rung: Vec<CallId>,
}

impl Stage {
    fn new(far: &str) -> Self {
        let far = Hop { transport: Transport::Udp, address: format!("{far}:5060").parse().unwrap(), connection: None };
        let profile = Profile { allowed: vec!["0.0.0.0/0".parse().unwrap()], ..profile(0) };
        let (now, sent) = (Duration::ZERO, vec![]);
        Self { agent: Agent::new(profile, chance(3)), now, far, sent, told: vec![], rung: vec![] }
    }

    fn collect(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { octets, .. } => self.sent.push(Message::read(&octets).unwrap()),
                Output::Tell(_, tidings) => self.told.push(tidings),
                Output::Incoming(call, _) => self.rung.push(call),
                Output::Registered(_) | Output::Find(..) => {}
            }
        }
    }

    fn hear(&mut self, message: &Message) {
        self.now += Duration::from_millis(20);
        self.agent.handle(&message.write(), self.far, self.now);
        self.collect();
    }

    fn last(&self, what: &str) -> Message {
        self.sent.iter().rev().find(|message| is(message, what)).cloned().unwrap_or_else(|| panic!("no {what}"))
    }

    fn image(&self) -> crate::sdp::Image {
        match self.told.last() {
            Some(Tidings::Media(Agreed::Image(image))) => image.clone(),
            other => panic!("no T.38: {other:?}"),
        }
    }

    /// A recorded response as one to a request of ours.
    fn answer(&mut self, recorded: &Message, request: &Message) {
        let status = recorded.status().unwrap();
        let mut response = Message::response(request, status, "As recorded");
        if let Some(tag) = recorded.tag("To") {
            response.set("To", format!("{};tag={tag}", request.header("To").unwrap().split(";tag").next().unwrap()));
        }
        for name in ["Contact", "Allow", "Supported", "Require", "Session-Expires", "Record-Route"] {
            response = recorded.all(name).fold(response, |response, value| response.with(name, value));
        }
        let response = match recorded.header("Content-Type") {
            Some(kind) => response.with_body(kind, recorded.body.clone()),
            None => response,
        };
        self.hear(&response);
    }

    /// A recorded request as one in the call that our INVITE began.
    fn ask(&mut self, recorded: &Message, invite: &Message) {
        let mut request = recorded.clone();
        let far = invite.header("To").unwrap();
        request.set("From", format!("{far};tag={}", recorded.tag("From").unwrap()));
        request.set("To", invite.header("From").unwrap());
        request.set("Call-ID", invite.header("Call-ID").unwrap());
        self.hear(&request);
    }
}

/// Feeds a call what came to that port as it came; the events, and the call.
fn played(capture: &[Datagram], from: &str, mut call: t38::Call) -> (Vec<Event>, t38::Call) {
    let from: SocketAddr = from.parse().unwrap();
    let mut events = vec![];
    let came: Vec<&Datagram> = capture
        .iter()
        .filter(|each| each.from == from && each.payload.first().is_some_and(|first| first >> 6 != 2))
        .collect();
    let began = came[0].at;
    let mut take = |call: &mut t38::Call| {
        while call.poll_datagram().is_some() {}
        events.extend(std::iter::from_fn(|| call.poll_event()).map(|event| event.what));
    };
    for each in came {
        let now = LineTime::ZERO + each.at.since(began);
        while let Some(due) = call.due().filter(|due| *due < now && !call.is_over()) {
            call.handle_timeout(due);
            take(&mut call);
        }
        call.handle_datagram(&each.payload, now);
        take(&mut call);
    }
    (events, call)
}

fn calling(image: &crate::sdp::Image) -> t38::Call {
    let config = Config { poll: true, ..Config::default() };
    let mut session = Session::calling(Arc::new(config), Document::default(), LineTime::ZERO);
    session.limit_rate(image.t38.max_bit_rate);
    let (terminal, wire) = packets(image);
    t38::Call::new(session, terminal, wire)
}

#[test]
fn a_gateway_that_makes_the_call_t38_is_followed_and_its_fax_machine_heard() {
    let Some(capture) = recording("vega1_t38_reinvite.pcap") else { return };
    let far = "162.244.97.41";
    let theirs = said(&capture, far, "192.168.3.15");
    let of_call = |what: &str, number: usize| {
        let mut fits = theirs.iter().filter(|message| is(message, what) && message.method() != "REGISTER");
        fits.nth(number).cloned().unwrap()
    };
    let mut stage = Stage::new(far);
    stage.agent.dial("sip:15124591552@162.244.97.41:5060", local(0), stage.now).unwrap();
    stage.collect();
    let invite = stage.last("INVITE");
    stage.answer(&of_call("200", 0), &invite);
    let Some(Tidings::Media(Agreed::Audio(audio))) = stage.told.last() else { panic!("{:?}", stage.told) };
    assert_eq!((audio.remote, audio.event_type), (Some("162.244.97.41:16834".parse().unwrap()), Some(101)));
    assert_eq!(stage.last("ACK").sequence(), Some(1));
    stage.ask(&of_call("INVITE", 0), &invite);
    let answer = Description::read(&stage.last("200").body);
    assert_eq!((answer.media[0].kind.as_str(), answer.media[0].port), ("image", 4000));
    stage.ask(&of_call("ACK", 0), &invite);
    let image = stage.image();
    // It sends T.38 from the port that its audio came from.
    assert_eq!(image.remote, Some("162.244.97.41:16834".parse().unwrap()));
    let (events, call) = played(&capture, "162.244.97.41:16834", calling(&image));
    let counters = call.counters();
    assert_eq!((counters.received, counters.malformed), (292, 0), "{counters:?}");
    assert!(events.iter().any(|event| matches!(event, Event::PeerKnown(_))), "{events:?}");
    // Our goodbye is answered as it was.
    stage.agent.hang_up(CallId(2), stage.now);
    stage.collect();
    let bye = stage.last("BYE");
    stage.answer(&of_call("200", 2), &bye);
    assert_eq!(stage.agent.calls(), 0);
}

/// The call of a PBX that spoke nothing but iLBC, and the same with a codec that we have.
fn of_asterisk(codec: &str) -> Option<(Vec<Datagram>, Stage, Message)> {
    let mut capture = recording("08-t38fail.pcap")?;
    let replaced = |octets: &[u8]| {
        let text = String::from_utf8_lossy(octets).replace(" RTP/AVP 97 101", &format!(" RTP/AVP {codec} 101"));
        text.into_bytes()
    };
    for each in capture.iter_mut().filter(|each| each.from.port() == 5060) {
        each.payload = replaced(&each.payload);
    }
    let far = "192.168.101.5";
    let mut stage = Stage::new(far);
    stage.agent.dial("sip:00441269846402@192.168.101.5", local(0), stage.now).unwrap();
    stage.collect();
    let invite = stage.last("INVITE");
    for message in said(&capture, far, "192.168.110.2").iter().take_while(|message| message.status().is_some()) {
        stage.answer(message, &invite);
    }
    Some((capture, stage, invite))
}

#[test]
fn a_pbx_without_a_codec_of_ours_is_told_so_and_one_with_goes_on_to_t38() {
    let Some((_, stage, _)) = of_asterisk("97") else { return };
    let Some(Tidings::Ended(end)) = stage.told.last() else { panic!("{:?}", stage.told) };
    assert_eq!((end.cause, end.status), (EndCause::Refused, Some(488)));
    assert!(stage.sent.iter().any(|message| message.method() == "BYE"));

    let (capture, mut stage, invite) = of_asterisk("0").unwrap();
    assert!(stage.told.contains(&Tidings::Ringing));
    assert!(stage.told.iter().any(|told| matches!(told, Tidings::Early(Agreed::Audio(_)))));
    let theirs = said(&capture, "192.168.101.5", "192.168.110.2");
    let requests: Vec<&Message> = theirs.iter().filter(|message| message.status().is_none()).collect();
    stage.ask(requests[0], &invite);
    stage.ask(requests[1], &invite);
    let image = stage.image();
    assert_eq!(image.remote, Some("192.168.101.5:9068".parse().unwrap()));
    assert_eq!((image.t38.max_bit_rate, image.t38.fill_bit_removal), (14_400, false));
    let (events, call) = played(&capture, "192.168.101.5:9068", calling(&image));
    assert_eq!(call.counters().received, 25, "{:?}", call.counters());
    // That call failed then: its far machine says no more than that it is there.
    assert!(!events.iter().any(|event| matches!(event, Event::Page(_))), "{events:?}");
    // As the called end: an offer without a codec of ours does not even ring, and one with does.
    for (recorded, rings, status) in [(recording("08-t38fail.pcap").unwrap(), 0, "488"), (capture, 1, "100")] {
        let mut called = Stage::new("192.168.110.2");
        called.hear(&said(&recorded, "192.168.110.2", "192.168.101.5")[0]);
        assert_eq!((called.rung.len(), is(called.sent.last().unwrap(), status)), (rings, true));
    }
}

#[test]
fn datagrams_that_crashed_another_are_harmless() {
    let Some(capture) = recording("ast-2016-003_udptl_crash.pcap") else { return };
    let image = crate::sdp::Image { remote: None, t38: T38::ours(0), sealing: None };
    let (terminal, wire) = packets(&image);
    let session = Session::answering(Arc::new(Config::default()), LineTime::ZERO);
    let (_, call) = played(&capture, "1.1.1.1:1", t38::Call::new(session, terminal, wire));
    let counters = call.counters();
    assert!(counters.received + counters.malformed > 0, "{counters:?}");
}
