//! Registration, against a server that is a few lines.

use super::*;

fn registering() -> World {
    let servers = vec![hop(1)];
    World::new([Profile { servers, registers: Some(Duration::from_secs(600)), ..profile(0) }, profile(1)])
}

/// The REGISTER that Alice sent last.
fn registers(world: &mut World) -> Message {
    world.pass(Duration::from_millis(1));
    world.flying.clear();
    world.sent(0, "REGISTER").last().copied().cloned().expect("it registers")
}

fn answer(world: &mut World, response: &Message) {
    world.agents[0].handle(&response.write(), hop(1), world.now);
    world.collect();
}

#[test]
fn it_proves_who_it_is_and_comes_back_before_it_is_forgotten() {
    let mut world = registering();
    let first = registers(&mut world);
    assert!(first.header("Contact").unwrap().ends_with(";+sip.fax=\"t38\""));
    let challenge = "Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\", algorithm=MD5";
    answer(&mut world, &Message::response(&first, 401, "Unauthorized").with("WWW-Authenticate", challenge));
    let second = registers(&mut world);
    assert_eq!((first.sequence(), second.sequence()), (Some(1), Some(2)));
    assert!(second.header("Authorization").unwrap().contains("username=\"fax\", realm=\"pbx\""));
    // A second challenge, unless it is for an old nonce, means that the password is wrong.
    let ok = Message::response(&second, 200, "OK").with("Contact", "<sip:alice@127.0.0.1:5060>;expires=100");
    answer(&mut world, &ok);
    let count = world.sent(0, "REGISTER").len();
    world.pass(Duration::from_secs(69));
    assert_eq!(world.sent(0, "REGISTER").len(), count);
    world.pass(Duration::from_secs(22));
    let third = registers(&mut world);
    // What was asked once is shown without being asked.
    assert!(third.header("Authorization").unwrap().contains("nc=00000002"));
}

#[test]
fn a_wrong_password_is_not_tried_for_ever() {
    let mut world = registering();
    let challenge = "Digest realm=\"pbx\", nonce=\"n\"";
    for _ in 0..2 {
        let request = registers(&mut world);
        answer(&mut world, &Message::response(&request, 401, "Unauthorized").with("WWW-Authenticate", challenge));
    }
    assert_eq!(world.sent(0, "REGISTER").len(), 2);
    world.pass(Duration::from_secs(29));
    assert_eq!(world.sent(0, "REGISTER").len(), 2);
    world.pass(Duration::from_secs(2));
    assert!(world.sent(0, "REGISTER").len() > 2);
}

#[test]
fn a_time_that_is_too_short_is_raised() {
    let mut world = registering();
    let request = registers(&mut world);
    answer(&mut world, &Message::response(&request, 423, "Interval Too Brief").with("Min-Expires", 1800));
    let longer = registers(&mut world);
    assert_eq!(longer.header("Expires"), Some("1800"));
    // The same word again is no reason to ask again at once.
    answer(&mut world, &Message::response(&longer, 423, "Interval Too Brief").with("Min-Expires", 1800));
    assert_eq!(registers(&mut world).sequence(), longer.sequence());
    world.pass(Duration::from_secs(31));
    assert_eq!(registers(&mut world).sequence(), Some(3));
}

#[test]
fn it_takes_its_registration_back() {
    let mut world = registering();
    let request = registers(&mut world);
    answer(&mut world, &Message::response(&request, 200, "OK"));
    let now = world.now;
    world.agents[0].leave(now);
    assert_eq!(registers(&mut world).header("Expires"), Some("0"));
}

#[test]
fn a_call_is_proved_too() {
    let mut world = World::new([Profile { servers: vec![hop(1)], ..profile(0) }, profile(1)]);
    world.agents[0].dial("123", local(0), Duration::ZERO).unwrap();
    world.collect();
    world.flying.clear();
    let invite = world.sent(0, "INVITE")[0].clone();
    let challenge = "Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-256";
    let asked = Message::response(&invite, 407, "Proxy Authentication Required").with("Proxy-Authenticate", challenge);
    answer(&mut world, &asked);
    world.second();
    assert!(world.sent(0, "INVITE")[1].header("Proxy-Authorization").unwrap().contains("algorithm=SHA-256"));
    assert_eq!(world.sent(0, "ACK").len(), 1);
    assert!(!world.rung[1].is_empty());
}

/// A server that is not there, and one that is.
fn with_a_stand_in() -> World {
    let (servers, server_name) = (vec![hop(5), hop(1)], "pbx.example".to_owned());
    World::new([Profile { servers, server_name, registers: Some(Duration::from_secs(600)), ..profile(0) }, profile(1)])
}

#[test]
fn it_registers_with_the_next_server_when_the_first_does_not_answer() {
    let mut world = with_a_stand_in();
    world.pass(Duration::from_secs(7));
    world.flying.clear();
    assert!(world.sent_to(0, "REGISTER").iter().all(|to| *to == address(5)));
    world.pass(Duration::from_secs(2));
    let request = registers(&mut world);
    assert_eq!(world.sent_to(0, "REGISTER").last(), Some(&address(1)));
    answer(&mut world, &Message::response(&request, 200, "OK").with("Expires", 600));
    // It stays with the one that answers.
    let count = world.sent(0, "REGISTER").len();
    world.pass(Duration::from_secs(700));
    assert!(world.sent_to(0, "REGISTER")[count..].iter().all(|to| *to == address(1)));
    assert!(world.sought[0].is_empty());
}

#[test]
fn when_no_server_answers_they_are_looked_up_anew() {
    let mut world = with_a_stand_in();
    world.loses = Box::new(|_, _| true);
    world.pass(Duration::from_secs(20));
    assert_eq!(world.sought[0], [(Seeker::Servers, "pbx.example".to_owned())]);
    world.agents[0].found(Seeker::Servers, &[address(7)], world.now);
    world.pass(Duration::from_secs(40));
    assert_eq!(world.sent_to(0, "REGISTER").last(), Some(&address(7)));
}
