//! Calls that go as they should, and networks that do not.

use super::*;

#[test]
fn a_call_is_answered_changes_to_t38_and_back_and_ends() {
    let mut world = World::usual();
    let [alice, bob] = world.connect();
    assert!(
        matches!(world.media(0), Some(Agreed::Audio(audio)) if audio.remote == Some("127.0.0.2:4001".parse().unwrap()))
    );
    assert!(
        matches!(world.media(1), Some(Agreed::Audio(audio)) if audio.remote == Some("127.0.0.1:4000".parse().unwrap()))
    );
    world.agents[1].want_image(bob, world.now);
    world.second();
    assert!(world.is_image(0) && world.is_image(1));
    world.agents[0].want_audio(alice, world.now);
    world.second();
    assert!(!world.is_image(0) && !world.is_image(1));
    world.agents[1].hang_up(bob, world.now);
    world.second();
    assert_eq!((world.end(0), world.agents[0].calls(), world.agents[1].calls()), (Some(EndCause::FarEnd), 0, 0));
}

#[test]
fn either_side_may_make_it_t38_and_when_both_do_one_gives_way() {
    let mut world = World::usual();
    let [alice, bob] = world.connect();
    world.agents[0].want_image(alice, world.now);
    world.agents[1].want_image(bob, world.now);
    world.pass(Duration::from_secs(5));
    assert!(world.is_image(0) && world.is_image(1));
    assert_eq!((world.sent(0, "491").len(), world.sent(1, "491").len()), (1, 1));
    // Who gave way has nothing left to want.
    assert_eq!(world.sent(0, "INVITE").len() + world.sent(1, "INVITE").len(), 4);
}

#[test]
fn a_caller_that_gives_up_takes_its_call_back() {
    let mut world = World::usual();
    let alice = world.dial();
    world.agents[0].hang_up(alice, world.now);
    world.second();
    assert_eq!((world.end(0), world.end(1)), (Some(EndCause::Cancelled), Some(EndCause::Cancelled)));
    assert_eq!((world.sent(1, "487").len(), world.agents[0].calls(), world.agents[1].calls()), (1, 0, 0));
}

#[test]
fn a_call_taken_back_as_it_is_answered_is_ended_by_bye() {
    let mut world = World::usual();
    let alice = world.dial();
    let (bob, _) = world.rung[1].pop().unwrap();
    world.agents[1].answer(bob, local(1), world.now);
    world.agents[0].hang_up(alice, world.now);
    world.second();
    assert_eq!((world.sent(0, "BYE").len(), world.end(1)), (1, Some(EndCause::FarEnd)));
}

#[test]
fn a_call_nobody_answers_rings_no_longer_than_three_minutes() {
    let mut world = World::usual();
    world.dial();
    world.pass(Duration::from_secs(240));
    assert_eq!(world.end(0), Some(EndCause::Refused));
}

#[test]
fn each_message_may_be_lost_once() {
    for lost in 0..14 {
        let mut world = World::usual();
        let mut count = 0;
        world.loses = Box::new(move |_, _| {
            count += 1;
            count == lost + 1
        });
        world.dial();
        world.pass(Duration::from_secs(5));
        let (bob, _) = world.rung[1].pop().expect("it rings");
        world.agents[1].answer(bob, local(1), world.now);
        world.pass(Duration::from_secs(5));
        world.agents[1].want_image(bob, world.now);
        world.pass(Duration::from_secs(10));
        assert!(world.is_image(0) && world.is_image(1), "message {lost} was lost");
        world.agents[1].hang_up(bob, world.now);
        world.pass(Duration::from_secs(10));
        assert_eq!(world.end(0), Some(EndCause::FarEnd), "message {lost} was lost");
    }
}

/// What became of a call whose answers nobody acknowledges, just before the 32 s are over and just after: goodbyes, ends.
fn unacknowledged(world: &mut World) -> [(usize, Option<EndCause>); 2] {
    [31_980, 20].map(|span| {
        world.pass(Duration::from_millis(span));
        (world.sent(1, "BYE").len(), world.end(1))
    })
}

#[test]
fn a_call_whose_answer_is_never_acknowledged_is_ended() {
    let mut world = World::usual();
    world.loses = Box::new(|_, message| is(message, "ACK"));
    world.dial();
    let (bob, _) = world.rung[1].pop().unwrap();
    world.agents[1].answer(bob, local(1), world.now);
    assert_eq!(unacknowledged(&mut world), [(0, None), (1, Some(EndCause::FarEnd))]);
    world.second();
    assert_eq!((world.end(0), world.agents[0].calls(), world.agents[1].calls()), (Some(EndCause::FarEnd), 0, 0));
}

#[test]
fn so_is_one_whose_answer_to_a_later_offer_is_not() {
    for body in ["", &offer(&local(0), Wanted::Image { sealed: false, beside: false }).to_string()] {
        let mut world = World::usual();
        world.connect();
        world.agents[1].handle(&reinvite(&world, 50, body).write(), hop(0), world.now);
        assert_eq!(unacknowledged(&mut world), [(0, None), (1, Some(EndCause::FarEnd))], "{body}");
    }
}

#[test]
fn an_answer_acknowledged_at_the_last_moment_is_acknowledged() {
    let mut world = World::usual();
    let [alice, _] = world.connect();
    let mut acknowledged = 0;
    // The last copies of an answer are told 27.5 s and 31.5 s after it.
    world.loses = Box::new(move |_, message| {
        acknowledged += u32::from(is(message, "ACK"));
        is(message, "ACK") && acknowledged <= 10
    });
    world.agents[0].want_image(alice, world.now);
    world.pass(Duration::from_secs(60));
    assert_eq!((world.sent(0, "ACK").len(), world.sent(1, "BYE").len(), world.end(1)), (12, 0, None));
}

#[test]
fn a_session_is_refreshed_and_ends_when_the_far_end_is_gone() {
    let mut world = World::usual();
    world.connect();
    world.pass(Duration::from_secs(3600));
    assert_eq!((world.end(0), world.end(1)), (None, None));
    assert!(world.sent(0, "UPDATE").len() + world.sent(1, "UPDATE").len() >= 3);
    world.loses = Box::new(|_, _| true);
    world.pass(Duration::from_secs(3600));
    assert_eq!((world.end(0), world.end(1)), (Some(EndCause::FarEnd), Some(EndCause::FarEnd)));
}

/// A call whose caller refreshes the session, and hears nothing more from the far end but what is said for it.
fn refreshing() -> World {
    let mut world = World::usual();
    world.connect();
    world.loses = Box::new(|_, _| true);
    world
}

/// Answers the UPDATE that is sent at that time, and says how many there were till then.
fn refreshed(world: &mut World, at: u64, status: u16) -> u32 {
    world.pass(Duration::from_secs(at) - world.now);
    let update = world.sent(0, "UPDATE").last().copied().cloned().expect("it is refreshed");
    world.agents[0].handle(&Message::response(&update, status, "Because").write(), hop(1), world.now);
    world.collect();
    update.sequence().unwrap() - world.sent(0, "INVITE")[0].sequence().unwrap()
}

#[test]
fn a_refresh_that_is_refused_is_tried_once_more_before_the_call_is_ended() {
    let mut world = refreshing();
    assert_eq!(refreshed(&mut world, 905, 500), 1);
    assert_eq!(refreshed(&mut world, 1300, 500), 1);
    assert_eq!(refreshed(&mut world, 1355, 500), 2);
    assert_eq!(refreshed(&mut world, 1795, 500), 2);
    assert_eq!((world.sent(0, "BYE").len(), world.end(0)), (0, None));
    world.pass(Duration::from_secs(10));
    assert_eq!((world.sent(0, "BYE").is_empty(), world.end(0)), (false, Some(EndCause::FarEnd)));
}

#[test]
fn a_refresh_that_is_taken_without_a_word_of_the_time_begins_it_anew() {
    let mut world = refreshing();
    for turn in 1..=4 {
        assert_eq!(refreshed(&mut world, 905 * u64::from(turn), 200), turn);
    }
    assert_eq!(world.end(0), None);
}

#[test]
fn where_update_is_not_taken_after_all_an_offer_refreshes() {
    let mut world = refreshing();
    refreshed(&mut world, 905, 405);
    world.pass(Duration::from_secs(450));
    let offer = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    assert_eq!((offer.sequence(), offer.tag("To").is_some()), (Some(3), true));
}

#[test]
fn a_timer_that_is_too_short_is_raised() {
    let mut world = World::new([Profile { session_expires: 60, ..profile(0) }, profile(1)]);
    world.connect();
    assert_eq!(world.sent(1, "422").len(), 1);
    assert!(world.media(0).is_some());
}

#[test]
fn digits_are_told_beside_the_audio() {
    let mut world = World::usual();
    let [alice, _] = world.connect();
    for digit in "15#".chars() {
        world.agents[0].digit(alice, digit, world.now);
        world.second();
    }
    let told: String =
        world.told[1].iter().filter_map(|it| if let Tidings::Digit(it) = it { Some(*it) } else { None }).collect();
    assert_eq!(told, "15#");
}

#[test]
fn who_calls_prefers_t38_and_says_so() {
    let mut world = World::new([Profile { t38: None, ..profile(0) }, profile(1)]);
    world.dial();
    assert_eq!(world.sent(0, "INVITE")[0].header("Accept-Contact"), Some("*;+sip.fax=\"passthrough\""));
    let (_, incoming) = world.rung[1].pop().unwrap();
    assert!(incoming.wants_audio);
    assert_eq!(incoming.parties.dialled.as_deref(), Some("+15550100"));
}

/// A re-INVITE of Alice's, as a script writes it: it is in her dialog, with that body.
pub(super) fn reinvite(world: &World, sequence: u32, body: &str) -> Message {
    let ack = world.sent(0, "ACK")[0].clone();
    let mut invite = Message::request("INVITE", "sip:bob@127.0.0.2");
    for name in ["From", "To", "Call-ID"] {
        invite = invite.with(name, ack.header(name).unwrap());
    }
    let invite = invite.with("Via", format!("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKscript{sequence}"));
    let invite = invite.with("CSeq", format!("{sequence} INVITE")).with("Contact", "<sip:alice@127.0.0.1:5060>");
    if body.is_empty() { invite } else { invite.with_body("application/sdp", body) }
}

/// Alice's ACK of the answer to that re-INVITE.
fn acknowledge(world: &mut World, sequence: u32) {
    let mut ack = reinvite(world, sequence, "");
    ack.start = Message::request("ACK", "sip:bob@127.0.0.2").start;
    ack.set("CSeq", format!("{sequence} ACK"));
    world.agents[1].handle(&ack.write(), hop(0), world.now);
}

#[test]
fn a_call_is_put_on_hold_and_taken_back() {
    let mut world = World::usual();
    world.connect();
    for (sequence, direction, answered, heard) in [
        (50, Direction::SendOnly, "recvonly", false),
        (51, Direction::Inactive, "inactive", false),
        (52, Direction::SendRecv, "sendrecv", true),
    ] {
        let body = offer(&local(0), Wanted::Audio(direction)).to_string();
        let invite = reinvite(&world, sequence, &body);
        world.agents[1].handle(&invite.write(), hop(0), world.now);
        world.pass(Duration::from_millis(50));
        let ok = world.sent(1, "200").last().copied().cloned().unwrap();
        let answer = Description::read(&ok.body);
        assert!(answer.media[0].attributes.iter().any(|each| each.is(answered)), "{answer}");
        assert!(matches!(world.media(1), Some(Agreed::Audio(audio)) if audio.heard == heard));
        acknowledge(&mut world, sequence);
    }
}

#[test]
fn an_offer_before_our_answer_to_the_last_is_acknowledged_has_to_come_again() {
    let mut world = World::usual();
    world.connect();
    let body = offer(&local(0), Wanted::Audio(Direction::SendRecv)).to_string();
    let mut outcomes = vec![];
    for sequence in [50, 51, 52] {
        let invite = reinvite(&world, sequence, &body);
        world.agents[1].handle(&invite.write(), hop(0), world.now);
        world.collect();
        let (_, response) = world.sent.last().expect("it is answered");
        outcomes.push((response.sequence(), response.status(), response.tag("To") == invite.tag("To")));
        if sequence == 51 {
            acknowledge(&mut world, 50);
        }
    }
    assert_eq!(outcomes, [(Some(50), Some(200), true), (Some(51), Some(491), true), (Some(52), Some(200), true)]);
}

#[test]
fn an_invitation_without_an_offer_is_offered_what_the_call_is() {
    let mut world = World::usual();
    let [_, bob] = world.connect();
    world.agents[1].want_image(bob, world.now);
    world.second();
    let invite = reinvite(&world, 60, "");
    world.agents[1].handle(&invite.write(), hop(0), world.now);
    world.pass(Duration::from_millis(50));
    let ok = world.sent(1, "200").last().copied().cloned().unwrap();
    assert_eq!(Description::read(&ok.body).media[0].kind, "image");
}

#[test]
fn early_audio_is_told_before_the_answer() {
    let mut world = World::usual();
    world.dial();
    let invite = world.sent(0, "INVITE")[0].clone();
    let body = offer(&local(1), Wanted::Audio(Direction::SendRecv)).to_string();
    let progress = Message::response(&invite, 183, "Session Progress").with_body("application/sdp", body);
    world.agents[0].handle(&progress.write(), hop(1), world.now);
    world.collect();
    assert!(matches!(world.told[0].last(), Some(Tidings::Early(Agreed::Audio(_)))));
}

#[test]
fn a_second_telephone_that_answers_is_hung_up() {
    let mut world = World::usual();
    let [_, bob] = world.connect();
    let invite = world.sent(0, "INVITE")[0].clone();
    let body = offer(&local(1), Wanted::Audio(Direction::SendRecv)).to_string();
    let mut second = Message::response(&invite, 200, "OK").with("Contact", "<sip:other@127.0.0.2:5060>");
    second.set("To", "<sip:+15550100@127.0.0.2>;tag=other");
    world.agents[0].handle(&second.with_body("application/sdp", body).write(), hop(1), world.now);
    world.second();
    let bye = world.sent(0, "BYE");
    assert_eq!((bye.len(), bye[0].tag("To")), (1, Some("other")));
    assert_eq!((world.end(0), world.end(1)), (None, None));
    world.agents[1].hang_up(bob, world.now);
}
