//! Handshakes and whole calls over a bad network, in virtual time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use answertone_gateway::t38::sealed::{Far, Leg, SealError, Sealed};
use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Page, Resolution},
    session::{Config, Document, Event, Outcome, Phase, Session},
    t38::{Call, TerminalConfig, Wire, pacing::Pacing, udptl::ErrorCorrection},
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

use super::world::{World, acquainted, acquainted_by_rtp, address, far, identity};

const FIRST: Leg = Leg(0);

fn page() -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 900);
    for y in 0..900 {
        (0..1728).for_each(|x| bitmap.set(x, y, (x / (3 + y / 40) + y / 7).is_multiple_of(3) && x % 400 < 300));
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}

fn calls() -> [Call; 2] {
    let config = Arc::new(Config { modems: Modems::ALL, path_delay: LineSpan::ms(1000), ..Config::default() });
    let document = Document { pages: vec![page()], first: 0 };
    let sessions =
        [Session::calling(config.clone(), document, LineTime::ZERO), Session::answering(config, LineTime::ZERO)];
    let terminal = TerminalConfig { pacing: Pacing::Nominal, ..TerminalConfig::default() };
    let redundancy = ErrorCorrection::Redundancy { packets: 3 };
    sessions.map(|session| Call::new(session, terminal, Wire::udptl(redundancy, 1400)))
}

/// A call over sealed legs.
struct Carried {
    world: World,
    calls: [Call; 2],
    began: Instant,
    outcomes: [Option<Outcome>; 2],
    pages: Vec<Page>,
    /// What was sealed.
    clear: Vec<Vec<u8>>,
}

impl Carried {
    fn new(world: World) -> Self {
        let began = world.now;
        Self { world, calls: calls(), began, outcomes: [None, None], pages: Vec::new(), clear: Vec::new() }
    }

    fn line_time(&self) -> LineTime {
        let gone = self.world.now.duration_since(self.began);
        LineTime((gone.as_nanos() * u128::from(TICKS_PER_SECOND) / 1_000_000_000) as u64)
    }

    fn due(&self) -> Instant {
        let due = self.calls.iter().filter(|call| !call.is_over()).filter_map(Call::due).min();
        let due = due.map(|due| self.began + Duration::from_micros(due.0 * 125 + 125));
        let next = due.into_iter().chain(self.world.next()).min().unwrap_or(self.world.now);
        next.max(self.world.now + Duration::from_micros(125))
    }

    fn step(&mut self) {
        let due = self.due();
        self.world.step(due);
        let now = self.line_time();
        for end in [0, 1] {
            while let Some(octets) = self.world.ends[end].poll_opened() {
                self.calls[end].handle_datagram(&octets, now);
            }
            self.calls[end].handle_timeout(now);
            while let Some(datagram) = self.calls[end].poll_datagram() {
                self.world.ends[end].seal(&datagram);
                self.clear.push(datagram);
            }
            while let Some(event) = self.calls[end].poll_event() {
                match event.what {
                    Event::Page(page) => self.pages.push(page.page),
                    Event::Finished(outcome) => self.outcomes[end] = Some(outcome),
                    _ => {}
                }
            }
        }
        self.world.send();
    }

    fn is_over(&self) -> bool {
        self.calls.iter().all(Call::is_over) || self.world.now.duration_since(self.began) > Duration::from_secs(600)
    }

    fn finish(mut self, what: &str) -> Self {
        while !self.is_over() {
            self.step();
        }
        assert_eq!(self.outcomes, [Some(Outcome::Completed), Some(Outcome::Completed)], "{what}");
        assert!(self.pages.len() == 1 && self.pages[0].bitmap == page().bitmap, "{what}: pels differ");
        self
    }
}

#[test]
fn a_handshake_whose_datagrams_are_lost_and_reordered_completes() {
    let now = Instant::now();
    for seed in 1..=20 {
        let mut world = World::new(acquainted(FIRST, now), now, 20, 30, seed);
        let sealed =
            world.until(Duration::from_secs(25), |world| world.ends.iter().all(|end| end.speaking() == Some(FIRST)));
        assert!(sealed, "seed {seed}: {:?} {:?}", world.ends[0].failure(), world.ends[1].failure());
    }
}

#[test]
fn a_whole_call_goes_through_though_a_tenth_of_all_datagrams_is_lost() {
    let now = Instant::now();
    for seed in 1..=3 {
        let carried =
            Carried::new(World::new(acquainted(FIRST, now), now, 10, 5, seed)).finish(&format!("seed {seed}"));
        for datagram in &carried.world.sniffed {
            assert!((20..=63).contains(&datagram[0]), "only DTLS is on the network");
            // The first 6 octets are a number and a length.
            let told = carried.clear.iter().filter(|clear| clear.len() > 16);
            assert!(!told.map(|clear| &clear[6..16]).any(|clear| datagram.windows(10).any(|part| part == clear)));
        }
    }
}

#[test]
fn keys_change_in_the_middle_of_a_page() {
    let now = Instant::now();
    let mut carried = Carried::new(World::new(acquainted(FIRST, now), now, 5, 5, 3));
    let on_its_way = |carried: &Carried| carried.calls[0].session().progress().phase == Phase::C;
    while !on_its_way(&carried) && !carried.is_over() {
        carried.step();
    }
    for _ in 0..100 {
        carried.step();
    }
    assert!(on_its_way(&carried) && carried.pages.is_empty(), "the page is on its way");
    let second = Leg(1);
    let anew = acquainted(second, carried.world.now);
    for (end, sealed) in anew.into_iter().enumerate() {
        assert_eq!(carried.world.ends[end].rekey(sealed), second);
        assert_eq!(carried.world.ends[end].speaking(), Some(FIRST), "the old keys serve until the new ones do");
    }
    let carried = carried.finish("keys changed");
    for end in &carried.world.ends {
        assert_eq!((end.speaking(), end.has(FIRST)), (Some(second), false));
    }
}

#[test]
fn another_certificate_ends_the_media_at_once_and_nothing_is_given_out() {
    let now = Instant::now();
    let mut both = [(); 2].map(|()| Sealed::offer(identity()));
    let right = both[1].fingerprint();
    both[0].accept(far(right, true, address(1, FIRST)), now);
    let somebody = identity().fingerprint();
    both[1].accept(far(somebody, false, address(0, FIRST)), now);
    let wrong = both[0].fingerprint();
    both[0].seal(b"a fax");
    let mut world = World::new(both, now, 0, 0, 1);
    assert!(world.until(Duration::from_secs(5), |world| world.ends[1].failure().is_some()));
    assert_eq!(world.ends[1].failure(), Some(&SealError::WrongCertificate(wrong)));
    world.until(Duration::from_secs(5), |_| false);
    assert_eq!(world.ends[1].poll_opened(), None);
}

#[test]
fn a_hello_before_the_answer_is_answered_but_what_it_brings_waits_for_the_fingerprint() {
    let now = Instant::now();
    let [mut offerer, mut answerer] = [(); 2].map(|()| Sealed::offer(identity()));
    answerer.accept(far(offerer.fingerprint(), true, address(0, FIRST)), now);
    answerer.seal(b"early");
    let (right, here) = (answerer.fingerprint(), address(1, FIRST));
    offerer.seal(b"never before");
    let mut world = World::new([offerer, answerer], now, 0, 0, 1);
    assert!(world.until(Duration::from_secs(5), |world| world.ends[1].speaking().is_some()));
    world.until(Duration::from_secs(1), |_| false);
    assert_eq!((world.ends[0].speaking(), world.ends[0].poll_opened()), (None, None), "nobody is known yet");
    let now = world.now;
    world.ends[0].newest().accept(far(right, false, here), now);
    assert_eq!(world.ends[0].speaking(), Some(FIRST));
    assert_eq!(world.ends[0].poll_opened().as_deref(), Some(&b"early"[..]));
}

#[test]
fn a_stranger_who_says_hello_first_does_not_win() {
    let now = Instant::now();
    let [mut offerer, mut answerer, mut stranger] = [(); 3].map(|()| Sealed::offer(identity()));
    let (us, elsewhere) = (address(0, FIRST), "192.0.2.9:4000".parse().expect("an address"));
    stranger.accept(far(offerer.fingerprint(), true, us), now);
    // The stranger's whole handshake goes through before the answer is there.
    for _ in 0..20 {
        while let Some((_, datagram)) = stranger.poll_transmit() {
            offerer.handle(&datagram, elsewhere, now);
        }
        while let Some((to, datagram)) = offerer.poll_transmit() {
            assert_eq!(to, elsewhere);
            stranger.handle(&datagram, us, now);
        }
    }
    assert!(stranger.is_sealed(), "it has got as far as it can");
    stranger.seal(b"an evil fax");
    let parted: Vec<_> = std::iter::from_fn(|| stranger.poll_transmit()).collect();
    offerer.accept(far(answerer.fingerprint(), false, address(1, FIRST)), now);
    parted.iter().for_each(|(_, datagram)| offerer.handle(datagram, elsewhere, now));
    assert_eq!((offerer.is_sealed(), offerer.poll_opened()), (false, None));
    assert!(offerer.counters().strangers > 0);
    answerer.accept(far(offerer.fingerprint(), true, us), now);
    answerer.seal(b"a fax");
    let mut world = World::new([offerer, answerer], now, 0, 0, 1);
    assert!(world.until(Duration::from_secs(5), |world| world.ends[0].speaking().is_some()));
    world.until(Duration::from_secs(1), |_| false);
    assert_eq!(world.ends[0].poll_opened().as_deref(), Some(&b"a fax"[..]));
}

#[test]
fn without_an_address_it_is_whoever_has_the_right_certificate() {
    let now = Instant::now();
    let [mut waiting, mut wrong, mut right] = [(); 3].map(|()| Sealed::offer(identity()));
    let us = address(0, FIRST);
    waiting.accept(Far { fingerprints: vec![right.fingerprint()], we_are_active: false, address: None }, now);
    wrong.accept(far(waiting.fingerprint(), true, us), now);
    right.accept(far(waiting.fingerprint(), true, us), now);
    let places = [address(5, FIRST), address(6, FIRST)];
    for _ in 0..20 {
        for (place, one) in places.into_iter().zip([&mut wrong, &mut right]) {
            while let Some((_, datagram)) = one.poll_transmit() {
                waiting.handle(&datagram, place, now);
            }
            let back: Vec<_> = std::iter::from_fn(|| waiting.poll_transmit()).collect();
            back.iter().filter(|(to, _)| *to == place).for_each(|(_, datagram)| one.handle(datagram, us, now));
        }
    }
    right.seal(b"a fax");
    while let Some((_, datagram)) = right.poll_transmit() {
        waiting.handle(&datagram, places[1], now);
    }
    assert_eq!(waiting.poll_opened().as_deref(), Some(&b"a fax"[..]));
    assert_eq!(waiting.failure(), None);
}

#[test]
fn what_is_in_clear_on_the_port_is_dropped() {
    let now = Instant::now();
    let [mut one, _] = acquainted(FIRST, now);
    let from = address(1, FIRST);
    for datagram in [&b"\x00\x00\x01\x06\x00\x00"[..], b"\x80\x60", b"\x00\x01\x00\x00\x21\x12\xa4\x42", b""] {
        one.handle(datagram, from, now);
    }
    assert_eq!((one.counters().foreign, one.poll_opened(), one.failure()), (4, None, None));
}

#[test]
fn strangers_packets_of_rtp_are_refused_and_a_bad_network_is_borne() {
    let packet =
        |number: u16| [&[0x80, 96][..], &number.to_be_bytes(), &[0, 0, 0, 9, 1, 2, 3, 4], b"a packet"].concat();
    let now = Instant::now();
    let mut world = World::new(acquainted_by_rtp(now), now, 20, 20, 5);
    let sealed = |world: &World| world.ends.iter().all(|end| end.speaking().is_some());
    assert!(world.until(Duration::from_secs(30), sealed));
    let (before, mut came) = (world.sniffed.len(), Vec::new());
    for number in 0..200 {
        world.ends[0].seal(&packet(number));
        world.until(Duration::from_millis(50), |_| false);
        came.extend(std::iter::from_fn(|| world.ends[1].poll_opened()));
    }
    // In clear from the right place, sealed from a wrong one, and sealed packets once more.
    let (right, wrong) = (address(0, FIRST), "10.9.9.9:4000".parse().unwrap());
    world.ends[1].handle(FIRST, &packet(201), right, world.now);
    for again in &world.sniffed[before..] {
        assert!((20..=63).contains(&again[0]) || !again.windows(8).any(|octets| octets == b"a packet"));
        world.ends[1].handle(FIRST, again, wrong, world.now);
    }
    assert_eq!(world.ends[1].poll_opened(), None);
    for again in &world.sniffed[before..] {
        world.ends[1].handle(FIRST, again, right, world.now);
    }
    // What was lost on the way may still come, when it is not too old.
    let late: Vec<Vec<u8>> = std::iter::from_fn(|| world.ends[1].poll_opened()).collect();
    let mut all: Vec<Vec<u8>> = came.iter().chain(&late).cloned().collect();
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count, "no packet is taken twice");
    assert!(all.iter().all(|one| (0..200).any(|number| *one == packet(number))), "all are the far end's");
    assert!(came.len() > 120, "{} came", came.len());
}
