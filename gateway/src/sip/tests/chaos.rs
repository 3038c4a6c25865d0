//! Random events: whatever is sent to an agent and wanted of it, in whatever order, every call comes to an end.

use super::*;

/// A step of the random walk.
fn step(world: &mut World, dice: &mut dyn FnMut() -> u64, calls: &mut Vec<(usize, CallId)>) {
    let now = world.now;
    let pick = dice() as usize;
    let some = (!calls.is_empty()).then(|| calls[pick % calls.len().max(1)]);
    match (dice() % 16, some) {
        (0, _) => {
            if let Some(call) = world.agents[0].dial("sip:1@127.0.0.2", local(0), now) {
                calls.push((0, call));
            }
        }
        (1 | 2, _) => {
            if let Some((call, _)) = world.rung[1].pop() {
                calls.push((1, call));
                world.agents[1].answer(call, local(1), now);
            }
        }
        (3, Some((who, call))) => world.agents[who].want_audio(call, now),
        (4 | 5, Some((who, call))) => world.agents[who].want_image(call, now),
        (6, Some((who, call))) => world.agents[who].hang_up(call, now),
        (7, Some((who, call))) => world.agents[who].digit(call, '1', now),
        (8, Some((who, call))) => world.agents[who].reject(call, 486, "Busy Here", now),
        (9, Some((who, call))) => world.agents[who].alert(call, now),
        // A message of before comes again, with a part of it changed.
        (10 | 11, _) if !world.sent.is_empty() => {
            let (who, message) = world.sent[pick % world.sent.len()].clone();
            let mut octets = message.write();
            for _ in 0..dice() % 3 {
                let at = dice() as usize % octets.len();
                octets[at] = dice() as u8;
            }
            world.agents[1 - who].handle(&octets, hop(who), now);
        }
        (12, _) => world.agents[pick % 2].unreachable(hop(1 - pick % 2), "gone", now),
        _ => world.pass(Duration::from_millis(dice() % 3000)),
    }
    world.collect();
}

#[test]
fn whatever_happens_every_call_ends() {
    // 241: an offer that waits for its turn behind an answer that is never acknowledged.
    for seed in (0..60).chain([241]) {
        let policy = [Policy::Never, Policy::Preferred, Policy::Required][seed as usize % 3];
        let mut world = World::new([Profile { policy, ..profile(0) }, profile(1)]);
        let mut dice = chance(seed + 1000);
        let mut lost = chance(seed + 2000);
        world.loses = Box::new(move |_, _| lost().is_multiple_of(10));
        let mut calls = vec![];
        for _ in 0..150 {
            step(&mut world, &mut dice, &mut calls);
            calls.truncate(50);
        }
        // A network that is well again, everybody hangs up, and what is left over is forgotten.
        world.loses = Box::new(|_, _| false);
        world.pass(Duration::from_secs(4000));
        for who in 0..2 {
            world.agents[who].leave(world.now);
        }
        world.pass(Duration::from_secs(400));
        assert_eq!((world.agents[0].calls(), world.agents[1].calls()), (0, 0), "seed {seed}");
        assert!(world.agents.iter().all(Agent::is_quiet), "seed {seed}");
    }
}

#[test]
fn octets_of_any_kind_are_harmless() {
    let mut world = World::usual();
    world.connect();
    let mut dice = chance(7);
    let samples: Vec<Vec<u8>> = world.sent.iter().map(|(_, message)| message.write()).collect();
    for round in 0..4000 {
        let mut octets = samples[round % samples.len()].clone();
        for _ in 0..1 + dice() % 20 {
            let (at, many) = (dice() as usize % octets.len(), dice() as usize % 40);
            match dice() % 3 {
                0 => octets[at] = dice() as u8,
                1 => drop(octets.drain(at..(at + many).min(octets.len()))),
                _ => octets.splice(at..at, std::iter::repeat_n(dice() as u8, many)).for_each(drop),
            }
            octets.push(b'\n');
        }
        let who = (dice() % 2) as usize;
        world.agents[who].handle(&octets, hop(1 - who), world.now);
        world.collect();
        world.flying.clear();
    }
}
