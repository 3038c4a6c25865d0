//! Keys of a sealed call that are changed by a new offer.

use super::*;
use crate::sdp::Sealing;

fn keys(which: usize, turn: usize) -> OwnSeal {
    let tls_id = format!("{which}-{turn}-and-many-signs-more");
    OwnSeal { fingerprint: format!("sha-256 B{which}:C{turn}"), tls_id, port: (5000 + 10 * which + turn) as u16 }
}

/// A call that is sealed; `both` have keys for the next seal.
fn sealed(both: bool) -> (World, [CallId; 2]) {
    let profiles = [0, 1].map(|which| Profile { policy: Policy::Required, ..profile(which) });
    let mut world = World::new(profiles);
    let calls = world.connect();
    world.agents[0].want_image(calls[0], world.now);
    world.second();
    for (which, call) in calls.into_iter().enumerate().take(if both { 2 } else { 1 }) {
        world.agents[which].set_keys(call, keys(which, 1), world.now);
    }
    (world, calls)
}

fn sealing(world: &World, who: usize) -> Sealing {
    match world.media(who) {
        Some(Agreed::Image(image)) => image.sealing.clone().expect("it is sealed"),
        other => panic!("no T.38: {other:?}"),
    }
}

#[test]
fn either_end_may_change_the_keys() {
    for who in 0..2 {
        let (mut world, calls) = sealed(true);
        let before = [0, 1].map(|which| sealing(&world, which));
        world.agents[who].want_new_keys(calls[who], world.now);
        world.second();
        for (which, before) in before.iter().enumerate() {
            let after = sealing(&world, which);
            assert_eq!(
                (&after.ours, after.tls_id.as_ref()),
                (&keys(which, 1).tls_id, Some(&keys(1 - which, 1).tls_id))
            );
            assert_ne!(after.fingerprints, before.fingerprints);
        }
        assert_ne!(sealing(&world, 0).active, sealing(&world, 1).active);
        let ports = world.media(who).map(|media| match media {
            Agreed::Image(image) => image.remote.unwrap().port(),
            Agreed::Audio(_) => 0,
        });
        assert_eq!(ports, Some(keys(1 - who, 1).port), "each seal has a place of its own");
    }
}

#[test]
fn both_may_want_that_at_once() {
    let (mut world, calls) = sealed(true);
    for (who, call) in calls.into_iter().enumerate() {
        world.agents[who].want_new_keys(call, world.now);
    }
    world.pass(Duration::from_secs(6));
    assert_eq!(sealing(&world, 0).ours, keys(0, 1).tls_id);
    assert_eq!(sealing(&world, 1).ours, keys(1, 1).tls_id);
    assert_eq!((world.end(0), world.end(1)), (None, None));
}

#[test]
fn an_end_without_new_keys_keeps_the_old_ones() {
    let (mut world, calls) = sealed(false);
    let before = sealing(&world, 0);
    world.agents[0].want_new_keys(calls[0], world.now);
    world.pass(Duration::from_secs(5));
    assert_eq!((world.sent(1, "488").len(), sealing(&world, 0)), (1, before));
    assert_eq!(world.told[0].last(), Some(&Tidings::KeysStay));
    assert_eq!((world.end(0), world.end(1)), (None, None));
}

#[test]
fn a_refresh_repeats_the_keys_and_begins_nothing_new() {
    let (mut world, _) = sealed(true);
    let (before, offers) = ([0, 1].map(|who| sealing(&world, who)), world.sent(0, "INVITE").len());
    // An end that does not take UPDATE is refreshed by an offer; here a script says the same again.
    let invite = world.sent(0, "INVITE").last().copied().cloned().unwrap();
    let mut again = invite.clone();
    again.set("CSeq", "60 INVITE");
    again.set("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKagain");
    world.agents[1].handle(&again.write(), hop(0), world.now);
    world.pass(Duration::from_millis(50));
    let answer = Description::read(&world.sent(1, "200").last().unwrap().body);
    assert_eq!(answer.media[0].value("tls-id"), Some(before[1].ours.as_str()));
    assert_eq!(answer.media[0].value("setup"), Some("active"));
    assert_eq!(([0, 1].map(|who| sealing(&world, who)), world.sent(0, "INVITE").len()), (before, offers));
}
