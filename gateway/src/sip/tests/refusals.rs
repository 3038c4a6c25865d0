//! What is not taken: T.38 by one who has none, clear by one who seals, requests that nobody expects.

use super::{calls::reinvite, *};

#[test]
fn a_call_stays_audio_where_t38_is_refused_in_all_its_forms() {
    let mut world = World::new([profile(0), Profile { t38: None, ..profile(1) }]);
    let [alice, _] = world.connect();
    world.agents[0].want_image(alice, world.now);
    world.second();
    assert_eq!(world.sent(1, "488").len(), 2);
    assert_eq!(world.told[0].last(), Some(&Tidings::StaysAudio { status: 488 }));
    assert_eq!((world.end(0), world.end(1), world.is_image(0)), (None, None, false));
}

#[test]
fn a_call_that_is_to_stay_audio_declines_t38_and_goes_on() {
    for policy in [Policy::Never, Policy::Preferred] {
        let mut world = World::new([0, 1].map(|which| Profile { policy, ..profile(which) }));
        let [alice, bob] = world.connect();
        world.agents[0].keep_audio(alice, world.now);
        world.agents[1].want_image(bob, world.now);
        world.second();
        let forms = if policy == Policy::Never { 2 } else { 3 };
        assert_eq!(world.sent(0, "488").len(), forms);
        assert_eq!(world.told[1].last(), Some(&Tidings::StaysAudio { status: 488 }));
        assert_eq!((world.end(0), world.end(1), world.is_image(0), world.is_image(1)), (None, None, false, false));
        // Of that call alone.
        let [_, other] = world.connect();
        world.agents[1].want_image(other, world.now);
        world.second();
        assert!(world.is_image(0) && world.is_image(1));
    }
}

#[test]
fn a_far_end_that_makes_it_t38_before_that_is_said_is_brought_back() {
    let mut world = World::usual();
    let [alice, bob] = world.connect();
    world.agents[1].want_image(bob, world.now);
    world.pass(Duration::from_millis(15));
    assert!(world.is_image(0));
    world.agents[0].keep_audio(alice, world.now);
    world.second();
    assert!(!world.is_image(0) && !world.is_image(1));
    world.agents[1].want_image(bob, world.now);
    world.second();
    assert_eq!((world.sent(0, "488").len(), world.is_image(0), world.end(0)), (2, false, None));
}

#[test]
fn the_second_form_is_taken_by_who_does_not_take_the_first() {
    let mut world = World::usual();
    let [alice, _] = world.connect();
    world.agents[0].want_image(alice, world.now);
    world.collect();
    let alone = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    assert_eq!(Description::read(&alone.body).media.len(), 1);
    world.flying.clear();
    let refusal = Message::response(&alone, 415, "Unsupported Media Type");
    world.agents[0].handle(&refusal.write(), hop(1), world.now);
    world.second();
    let beside = Description::read(&world.sent(0, "INVITE").last().unwrap().body);
    assert_eq!((beside.media.len(), beside.media[0].port, beside.media[1].kind.as_str()), (2, 0, "image"));
    assert!(world.is_image(0) && world.is_image(1));
    let answer = world.sent(1, "200").last().copied().cloned().unwrap();
    assert_eq!(Description::read(&answer.body).media.len(), 2);
}

fn policies(one: Policy, other: Policy) -> World {
    let mut world = World::new([Profile { policy: one, ..profile(0) }, Profile { policy: other, ..profile(1) }]);
    let [alice, _] = world.connect();
    world.agents[0].want_image(alice, world.now);
    world.pass(Duration::from_secs(5));
    world
}

fn is_sealed(world: &World, who: usize) -> Option<bool> {
    match world.media(who) {
        Some(Agreed::Image(image)) => Some(image.sealing.is_some()),
        _ => None,
    }
}

#[test]
fn what_is_sealed_is_as_both_policies_say() {
    use Policy::{Never, Preferred, Required};
    for (one, other, sealed) in [
        (Required, Required, Some(true)),
        (Required, Preferred, Some(true)),
        (Preferred, Preferred, Some(true)),
        (Preferred, Never, Some(false)),
        (Never, Preferred, Some(false)),
        (Never, Never, Some(false)),
        (Required, Never, None),
        (Never, Required, None),
    ] {
        let world = policies(one, other);
        assert_eq!((is_sealed(&world, 0), is_sealed(&world, 1)), (sealed, sealed), "{one:?} to {other:?}");
    }
}

#[test]
fn both_ends_of_a_seal_know_who_begins_and_whose_certificate_it_is() {
    let world = policies(Policy::Required, Policy::Required);
    let sealing = |who: usize| match world.media(who) {
        Some(Agreed::Image(image)) => image.sealing.clone().unwrap(),
        _ => panic!("not T.38"),
    };
    let (alice, bob) = (sealing(0), sealing(1));
    assert!(!alice.active && bob.active);
    assert_eq!((alice.fingerprints, bob.fingerprints), (vec!["sha-256 A1:BB".into()], vec!["sha-256 A0:BB".into()]));
    assert_eq!((alice.tls_id.as_deref(), bob.tls_id), (Some("00000000000000000001"), Some(format!("{:020}", 0))));
}

/// Answers Alice's sealed offer as a widely used PBX does: 200, and in clear.
fn answered_in_clear(policy: Policy) -> World {
    let mut world = World::new([Profile { policy, ..profile(0) }, profile(1)]);
    let [alice, _] = world.connect();
    world.agents[0].want_image(alice, world.now);
    world.collect();
    let sealed = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    assert!(String::from_utf8_lossy(&sealed.body).contains("UDP/TLS/UDPTL"));
    world.flying.clear();
    let body = offer(&local(1), Wanted::Image { sealed: false, beside: false }).to_string();
    let ok = Message::response(&sealed, 200, "OK").with_body("application/sdp", body);
    world.agents[0].handle(&ok.write(), hop(1), world.now);
    world.second();
    world
}

#[test]
fn a_clear_answer_to_a_sealed_offer_is_a_failure_where_the_seal_is_required() {
    let world = answered_in_clear(Policy::Required);
    assert_eq!(world.told[0].last(), Some(&Tidings::Unsealed));
    assert!(!world.is_image(0));
}

#[test]
fn a_clear_answer_to_a_sealed_offer_is_never_taken_for_one_to_a_clear_offer() {
    let world = answered_in_clear(Policy::Preferred);
    let last = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    assert!(!String::from_utf8_lossy(&last.body).contains("UDP/TLS/UDPTL"));
    assert_eq!(is_sealed(&world, 0), Some(false));
}

#[test]
fn a_clear_answer_in_an_acknowledgement_is_no_better() {
    let mut world = policies(Policy::Required, Policy::Required);
    let invite = reinvite(&world, 70, "");
    world.agents[1].handle(&invite.write(), hop(0), world.now);
    world.collect();
    let body = offer(&local(0), Wanted::Image { sealed: false, beside: false }).to_string();
    let mut ack = reinvite(&world, 70, &body);
    ack.start = Message::request("ACK", "sip:bob@127.0.0.2").start;
    ack.set("CSeq", "70 ACK");
    world.agents[1].handle(&ack.write(), hop(0), world.now);
    world.collect();
    assert_eq!(world.told[1].last(), Some(&Tidings::Unsealed));
}

/// What Bob answers to a request of that head.
fn answer_to(world: &mut World, request: Message) -> Option<u16> {
    let request = request
        .with("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx;rport")
        .with("From", "<sip:x@127.0.0.1>;tag=1")
        .with("Call-ID", "x");
    let number = format!("1 {}", request.method());
    world.agents[1].handle(&request.with("CSeq", number).write(), hop(0), world.now);
    world.sent.clear();
    world.to.clear();
    world.collect();
    world.sent.iter().find_map(|(_, message)| message.status())
}

#[test]
fn requests_nobody_expects_are_answered_as_the_standard_says() {
    let to =
        |method: &str, tag: &str| Message::request(method, "sip:bob@127.0.0.2").with("To", format!("<sip:b@c>{tag}"));
    for (request, status) in [
        (to("OPTIONS", ""), Some(200)),
        (to("NOTIFY", ""), Some(200)),
        (to("BYE", ";tag=none"), Some(481)),
        (to("INFO", ";tag=none"), Some(481)),
        (to("CANCEL", ""), Some(481)),
        (to("ACK", ";tag=none"), None),
        (to("SUBSCRIBE", ""), Some(405)),
        (to("INVITE", "").with("Require", "resource-priority, timer"), Some(420)),
        (to("INVITE", "").with("Session-Expires", "30"), Some(422)),
        (to("INVITE", "").with_body("application/sdp", "v=0\r\nm=audio 9 RTP/AVP 18\r\n"), Some(100)),
        (to("INVITE", ""), Some(100)),
    ] {
        assert_eq!(answer_to(&mut World::usual(), request.clone()), status, "{request}");
    }
}

#[test]
fn an_offer_of_nothing_we_have_is_not_rung_for() {
    let mut world = World::usual();
    let request = Message::request("INVITE", "sip:bob@127.0.0.2")
        .with("To", "<sip:b@c>")
        .with_body("application/sdp", "v=0\r\nm=audio 9 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n");
    answer_to(&mut world, request);
    assert!(world.rung[1].is_empty());
    assert_eq!(world.sent(1, "488").len(), 1);
}

#[test]
fn strangers_are_not_let_in() {
    let mut world = World::new([profile(0), Profile { allowed: vec![], ..profile(1) }]);
    world.dial();
    assert!(world.rung[1].is_empty());
    assert_eq!((world.sent(1, "403").len(), world.end(0)), (1, Some(EndCause::Refused)));
}

#[test]
fn strangers_of_any_number_do_not_make_it_forget_who_calls() {
    let mut world = World::new([profile(0), Profile { allowed: vec!["127.0.0.1/32".parse().unwrap()], ..profile(1) }]);
    world.dial();
    let (bob, _) = world.rung[1].pop().expect("it rings");
    for number in 0..3000 {
        let invite = Message::request("INVITE", "sip:bob@127.0.0.2")
            .with("Via", format!("SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bK{number}"))
            .with("From", "<sip:x@127.0.0.9>;tag=1")
            .with("To", "<sip:bob@127.0.0.2>")
            .with("Call-ID", number)
            .with("CSeq", "1 INVITE");
        world.agents[1].handle(&invite.write(), hop(8), world.now);
    }
    world.collect();
    assert_eq!((world.sent(1, "403").len(), world.rung[1].len()), (3000, 0));
    world.agents[1].answer(bob, local(1), world.now);
    world.second();
    assert!(world.media(0).is_some() && world.media(1).is_some());
}

#[test]
fn more_calls_than_there_may_be_find_it_busy() {
    let mut world = World::new([profile(0), Profile { calls: 1, ..profile(1) }]);
    world.connect();
    world.dial();
    assert!(matches!(world.told[0].last(), Some(Tidings::Ended(end)) if end.status == Some(486)));
}
