//! Where invitations go: redirections, servers that stand in, names; and ringing that is acknowledged.

use super::*;

/// Answers the INVITE that Alice sent last.
fn answered(world: &mut World, status: u16, headers: &[(&str, &str)]) {
    world.collect();
    world.flying.clear();
    let invite = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    let response = Message::response(&invite, status, "Because");
    let response = headers.iter().fold(response, |response, (name, value)| response.with(name, value));
    world.agents[0].handle(&response.write(), hop(1), world.now);
    world.collect();
}

fn targets(world: &World) -> Vec<String> {
    let uri = |message: &&Message| match &message.start {
        crate::sip::Start::Request { uri, .. } => uri.clone(),
        crate::sip::Start::Response { .. } => unreachable!("an INVITE is a request"),
    };
    world.sent(0, "INVITE").iter().map(uri).collect()
}

#[test]
fn a_call_goes_where_it_is_sent_on_to_and_to_each_place_once() {
    let mut world = World::usual();
    world.dial();
    answered(
        &mut world,
        302,
        &[("Contact", "<sip:b@127.0.0.3>;q=0.2, <sip:c@127.0.0.4:5070>"), ("Contact", "<mailto:x@y>")],
    );
    assert_eq!(targets(&world)[1], "sip:c@127.0.0.4:5070");
    assert_eq!(world.sent_to(0, "INVITE").last(), Some(&"127.0.0.4:5070".parse().unwrap()));
    let [first, second] = [0, 1].map(|place| world.sent(0, "INVITE")[place].clone());
    assert_eq!((first.header("Call-ID"), first.tag("From")), (second.header("Call-ID"), second.tag("From")));
    assert_eq!((first.sequence(), second.sequence(), second.tag("To")), (Some(1), Some(2), None));
    // Back to where it came from: it was there already, and goes to the second of the first redirection.
    answered(&mut world, 301, &[("Contact", "<sip:+15550100@127.0.0.2>, <SIP:C@127.0.0.4:5070>")]);
    assert_eq!(targets(&world)[2], "sip:b@127.0.0.3");
    assert_eq!(world.end(0), None);
    answered(&mut world, 486, &[]);
    assert!(matches!(world.told[0].last(), Some(Tidings::Ended(end)) if end.status == Some(486)));
    assert_eq!(world.sent(0, "ACK").len(), 3);
}

#[test]
fn a_call_that_is_always_sent_on_comes_to_an_end() {
    let mut world = World::usual();
    world.dial();
    for round in 0..20 {
        if world.end(0).is_none() {
            answered(&mut world, 302, &[("Contact", &format!("<sip:b{round}@127.0.0.3>"))]);
        }
    }
    assert_eq!((world.end(0), targets(&world).len()), (Some(EndCause::Refused), 8));
}

#[test]
fn a_call_that_is_sent_on_is_answered_there() {
    let mut world = World::usual();
    let call = world.agents[0].dial("sip:x@127.0.0.9", local(0), world.now).unwrap();
    answered(&mut world, 302, &[("Contact", "<sip:b@127.0.0.2:5060>")]);
    world.second();
    let (theirs, _) = world.rung[1].pop().expect("it rings there");
    world.agents[1].answer(theirs, local(1), world.now);
    world.second();
    assert!(world.media(0).is_some() && world.media(1).is_some());
    world.agents[0].hang_up(call, world.now);
    world.second();
    assert_eq!(world.end(1), Some(EndCause::FarEnd));
}

#[test]
fn a_call_given_up_is_not_sent_on() {
    let mut world = World::usual();
    let call = world.dial();
    world.agents[0].hang_up(call, world.now);
    answered(&mut world, 302, &[("Contact", "<sip:b@127.0.0.3>")]);
    assert_eq!((world.end(0), targets(&world).len()), (Some(EndCause::Cancelled), 1));
}

#[test]
fn a_call_given_up_is_not_made_again_for_proof_or_another_time() {
    let challenge = ("WWW-Authenticate", "Digest realm=\"pbx\", nonce=\"n\"");
    for (status, header) in [(401, challenge), (422, ("Min-SE", "3600"))] {
        let mut world = World::usual();
        let call = world.dial();
        world.agents[0].hang_up(call, world.now);
        answered(&mut world, status, &[header]);
        assert_eq!((world.end(0), targets(&world).len()), (Some(EndCause::Cancelled), 1), "{status}");
    }
}

#[test]
fn a_far_end_that_is_never_content_with_the_time_is_not_asked_for_ever() {
    let mut world = World::usual();
    world.dial();
    for _ in 0..3 {
        answered(&mut world, 422, &[("Min-SE", "3600")]);
    }
    assert_eq!((world.end(0), targets(&world).len()), (Some(EndCause::Refused), 2));
}

#[test]
fn a_server_that_says_nothing_to_our_proof_is_passed_over() {
    let mut world = World::new([Profile { servers: vec![hop(5), hop(6)], ..profile(0) }, profile(1)]);
    world.agents[0].dial("100", local(0), world.now).unwrap();
    answered(&mut world, 100, &[]);
    answered(&mut world, 401, &[("WWW-Authenticate", "Digest realm=\"pbx\", nonce=\"n\"")]);
    world.pass(Duration::from_secs(9));
    assert_eq!((world.end(0), world.sent_to(0, "INVITE").last()), (None, Some(&address(6))));
}

#[test]
fn who_we_are_is_shown_to_our_servers_alone() {
    let mut world = World::new([Profile { servers: vec![hop(1)], ..profile(0) }, profile(1)]);
    world.agents[0].dial("100", local(0), world.now).unwrap();
    let challenge = [("WWW-Authenticate", "Digest realm=\"pbx\", nonce=\"n\"")];
    answered(&mut world, 401, &challenge);
    assert!(world.sent(0, "INVITE")[1].header("Authorization").is_some());
    answered(&mut world, 302, &[("Contact", "<sip:b@127.0.0.9>")]);
    assert_eq!(world.sent(0, "INVITE")[2].header("Authorization"), None);
    answered(&mut world, 401, &challenge);
    assert!(matches!(world.told[0].last(), Some(Tidings::Ended(end)) if end.status == Some(401)));
}

#[test]
fn the_next_server_is_called_when_the_first_does_not_answer() {
    let servers = vec![hop(5), hop(6), hop(1)];
    let mut world = World::new([Profile { servers, ..profile(0) }, profile(1)]);
    world.agents[0].dial("100", local(0), world.now).unwrap();
    world.pass(Duration::from_millis(100));
    answered(&mut world, 503, &[]);
    assert_eq!(world.sent_to(0, "INVITE").last(), Some(&address(6)));
    world.pass(Duration::from_secs(10));
    assert!(world.rung[1].pop().is_some(), "it rings at the third, since the second says nothing");
    // The next call begins where this one was heard.
    world.agents[0].dial("101", local(0), world.now).unwrap();
    world.collect();
    assert_eq!(world.sent_to(0, "INVITE").last(), Some(&address(1)));
}

#[test]
fn names_are_looked_up_and_called_or_not() {
    let mut world = World::usual();
    let seek = |world: &mut World| {
        let call = world.agents[0].dial("sip:b@pbx.example:5070", local(0), world.now).unwrap();
        world.second();
        assert_eq!(world.sought[0].pop(), Some((Seeker::Call(call), "pbx.example:5070".to_owned())));
        call
    };
    let call = seek(&mut world);
    world.agents[0].found(Seeker::Call(call), &[address(1)], world.now);
    world.second();
    assert!(world.rung[1].pop().is_some());
    let call = seek(&mut world);
    world.agents[0].found(Seeker::Call(call), &[], world.now);
    world.collect();
    assert_eq!(world.end(0), Some(EndCause::Unreachable));
    world.told[0].clear();
    let call = seek(&mut world);
    world.agents[0].hang_up(call, world.now);
    world.agents[0].found(Seeker::Call(call), &[address(1)], world.now);
    world.second();
    assert_eq!((world.end(0), world.rung[1].len()), (Some(EndCause::Cancelled), 0));
}

#[test]
fn what_would_break_a_request_is_not_called() {
    let mut world = World::new([Profile { servers: vec![hop(1)], ..profile(0) }, profile(1)]);
    for number in ["555 0100", "1@x SIP/2.0\r\nSubject: y", "mailto:fax@pbx.example", "sip:a@127.0.0.2\r\n"] {
        assert_eq!(world.agents[0].dial(number, local(0), world.now), None, "{number:?}");
    }
    assert!(world.agents[0].dial("*43#", local(0), world.now).is_some());
    world.collect();
    assert_eq!(targets(&world), ["sip:*43%23@127.0.0.1"], "the number sign has no place in an address");
    world = World::usual();
    assert_eq!(world.agents[0].dial("100", local(0), world.now), None, "there is no server to know the number");
}

#[test]
fn a_connection_that_fails_says_why() {
    let mut world = World::usual();
    world.dial();
    world.agents[0].unreachable(hop(1), "the certificate is not good", world.now);
    world.collect();
    let Some(Tidings::Ended(end)) = world.told[0].last() else { panic!("it goes on") };
    assert_eq!((end.cause, end.reason.contains("the certificate is not good")), (EndCause::Unreachable, true));
}

#[test]
fn ringing_that_has_to_be_acknowledged_is() {
    let mut world = World::usual();
    world.dial();
    let body = offer(&local(1), Wanted::Audio(Direction::SendRecv)).to_string();
    let invite = world.sent(0, "INVITE")[0].clone();
    let rings = |world: &mut World, number: &str, tag: &str, body: &str| {
        let mut response = Message::response(&invite, 183, "Session Progress")
            .with("Require", "100rel")
            .with("RSeq", number)
            .with("Contact", "<sip:early@127.0.0.2:5060>");
        response.set("To", format!("<sip:+15550100@127.0.0.2>;tag={tag}"));
        let response = if body.is_empty() { response } else { response.with_body("application/sdp", body) };
        world.agents[0].handle(&response.write(), hop(1), world.now);
        world.collect();
    };
    // What comes again, or before its turn, is acknowledged no further.
    for number in ["7", "7", "9", "8"] {
        rings(&mut world, number, "one", &body);
    }
    rings(&mut world, "1", "two", "");
    let pracks: Vec<_> = world.sent(0, "PRACK").iter().map(|prack| prack.header("RAck").unwrap().to_owned()).collect();
    assert_eq!(pracks, ["7 1 INVITE", "8 1 INVITE", "1 1 INVITE"]);
    assert_eq!(world.sent(0, "PRACK").iter().map(|prack| prack.sequence().unwrap()).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(world.sent(0, "PRACK")[1].tag("To"), Some("one"));
    // The answer was in what rang; the 200 need not say it again.
    let mut ok = Message::response(&invite, 200, "OK").with("Contact", "<sip:early@127.0.0.2:5060>");
    ok.set("To", "<sip:+15550100@127.0.0.2>;tag=one");
    world.agents[0].handle(&ok.write(), hop(1), world.now);
    world.collect();
    assert!(matches!(world.media(0), Some(Agreed::Audio(_))));
    assert_eq!(world.sent(0, "ACK").last().unwrap().sequence(), Some(1));
}

/// Alice's INVITE as it comes to Bob when it is required that ringing be acknowledged.
fn demanding(world: &mut World) -> (Message, CallId) {
    world.agents[0].dial("sip:b@127.0.0.2", local(0), world.now).unwrap();
    world.collect();
    world.flying.clear();
    let invite = world.sent(0, "INVITE")[0].clone().with("Require", "100rel");
    world.agents[1].handle(&invite.write(), hop(0), world.now);
    world.collect();
    let (call, _) = world.rung[1].pop().expect("it rings");
    world.loses = Box::new(|_, _| true);
    world.agents[1].alert(call, world.now);
    world.collect();
    (invite, call)
}

#[test]
fn ringing_is_said_until_it_is_acknowledged() {
    let mut world = World::usual();
    let (invite, call) = demanding(&mut world);
    world.pass(Duration::from_secs(4));
    let ringing = world.sent(1, "180")[0].clone();
    assert!(ringing.lists("Require", "100rel") && world.sent(1, "180").len() == 4);
    let prack = |number: u64, sequence: u32| {
        let mut prack = Message::request("PRACK", "sip:b@127.0.0.2")
            .with("Via", format!("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKp{sequence}"))
            .with("RAck", format!("{number} 1 INVITE"))
            .with("CSeq", format!("{sequence} PRACK"));
        for name in ["From", "Call-ID"] {
            prack = prack.with(name, invite.header(name).unwrap());
        }
        prack.with("To", ringing.header("To").unwrap())
    };
    let number = ringing.number("RSeq").unwrap();
    for (number, sequence, status) in [(number + 1, 2, "481"), (number, 3, "200"), (number, 4, "481")] {
        world.agents[1].handle(&prack(number, sequence).write(), hop(0), world.now);
        world.collect();
        assert_eq!(world.sent.last().unwrap().1.status().unwrap().to_string(), status);
    }
    let count = world.sent(1, "180").len();
    world.pass(Duration::from_secs(20));
    assert_eq!(world.sent(1, "180").len(), count);
    world.agents[1].answer(call, local(1), world.now);
    world.collect();
    assert!(!world.sent(1, "200").last().unwrap().lists("Require", "100rel"));
    assert!(world.media(1).is_some());
}

#[test]
fn who_never_acknowledges_that_it_rings_is_turned_away() {
    let mut world = World::usual();
    demanding(&mut world);
    world.pass(Duration::from_secs(33));
    assert_eq!((world.sent(1, "504").is_empty(), world.end(1)), (false, Some(EndCause::Unreachable)));
}
