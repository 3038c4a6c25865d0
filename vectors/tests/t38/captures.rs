//! Calls of others as they were captured, played to our terminal: what is in them is read, what is wrong in them harms nobody.

use std::{fs, sync::Arc};

use answertone_t30::{
    frame::Modems,
    session::{Config, Document, Session},
    t38::{Call, Counters, TerminalConfig, Wire, udptl::ErrorCorrection},
    time::{LineSpan, LineTime},
};
use answertone_vectors::shared;

use super::page;

/// Captures and how many datagrams on which port are meant for us.
const FOLDER: &str = "assets/2-t38-pcap";

/// After the last datagram the machine gives up by itself within this.
const AFTERWARDS: LineSpan = LineSpan::ms(200_000);

/// A datagram of a capture.
struct Captured {
    at: LineTime,
    to_port: u16,
    payload: Vec<u8>,
}

fn number<const OCTETS: usize>(octets: &[u8], at: usize) -> u32 {
    octets[at..at + OCTETS].iter().rev().fold(0, |all, octet| all << 8 | u32::from(*octet))
}

/// The UDP datagrams of a capture in the little-endian classic form, on Ethernet or what Linux puts in its place.
fn read(file: &[u8]) -> Vec<Captured> {
    let link = if number::<4>(file, 20) == 1 { 14 } else { 16 };
    let (mut rest, mut first, mut all) = (&file[24..], None, Vec::new());
    while rest.len() >= 16 {
        let micros = u64::from(number::<4>(rest, 0)) * 1_000_000 + u64::from(number::<4>(rest, 4));
        let length = number::<4>(rest, 8) as usize;
        let ip = &rest[16 + link..16 + length];
        rest = &rest[16 + length..];
        let header = usize::from(ip[0] & 15) * 4;
        if ip[0] >> 4 != 4 || ip[9] != 17 {
            continue;
        }
        let word = |at: usize| u16::from_be_bytes([ip[header + at], ip[header + at + 1]]);
        let since = micros - *first.get_or_insert(micros);
        let payload = ip[header + 8..header + usize::from(word(4))].to_vec();
        all.push(Captured { at: LineTime(since * 8 / 1000), to_port: word(2), payload });
    }
    all
}

/// What came of a capture played to a machine.
struct Played {
    trace: String,
    counters: Counters,
    over: bool,
}

fn played(name: &str, to_port: u16, calls: bool) -> Option<Played> {
    let file = fs::read(shared(&format!("{FOLDER}/{name}"), 1)?).expect("the file is there");
    let captured: Vec<_> = read(&file).into_iter().filter(|one| one.to_port == to_port).collect();
    assert!(!captured.is_empty(), "{name} has datagrams for {to_port}");
    let config = Arc::new(Config { modems: Modems::ALL, path_delay: LineSpan::ms(1000), ..Config::default() });
    let document = Document { pages: vec![page(1, 40)], first: 0 };
    let session =
        if calls { Session::calling(config, document, LineTime::ZERO) } else { Session::answering(config, LineTime::ZERO) };
    let mut call = Call::new(session, TerminalConfig::default(), Wire::udptl(ErrorCorrection::default(), 1400));
    let (mut trace, began) = (String::new(), captured[0].at);
    for one in &captured {
        let at = LineTime(one.at.since(began).0);
        while let Some(due) = call.due().filter(|due| *due < at && !call.is_over()) {
            let next = due.max(call.now() + LineSpan(1));
            step(&mut call, next, &mut trace);
        }
        call.handle_datagram(&one.payload, at);
        step(&mut call, at, &mut trace);
    }
    let limit = call.now() + AFTERWARDS;
    while let Some(due) = call.due().filter(|due| *due < limit && !call.is_over()) {
        let next = due.max(call.now() + LineSpan(1));
        step(&mut call, next, &mut trace);
    }
    Some(Played { trace, counters: call.counters(), over: call.is_over() })
}

fn step(call: &mut Call, now: LineTime, trace: &mut String) {
    call.handle_timeout(now);
    while call.poll_datagram().is_some() || call.poll_event().is_some() {}
    trace.extend(call.session_mut().take_trace().map(|line| format!("{line}\n")));
}

#[test]
fn a_gateway_that_answers_is_understood_though_sound_comes_on_the_same_port() {
    let Some(played) = played("vega1_t38_reinvite.pcap", 10338, true) else { return };
    assert!(played.trace.contains("DIS"), "{}", played.trace);
    assert!(played.counters.malformed > 20, "sound is among it: {:?}", played.counters);
    assert!(played.over, "{}", played.trace);
}

#[test]
fn an_answer_of_which_most_was_lost_harms_nobody() {
    for port in [9068, 16512] {
        let Some(played) = played("08-t38fail.pcap", port, true) else { return };
        assert!(played.counters.received > 0 && played.over, "{:?}\n{}", played.counters, played.trace);
    }
}

#[test]
fn datagrams_made_to_break_a_receiver_break_nothing() {
    for calls in [true, false] {
        let Some(played) = played("ast-2016-003_udptl_crash.pcap", 2, calls) else { return };
        assert!(played.counters.malformed > 0 && played.over, "{:?}\n{}", played.counters, played.trace);
    }
}
