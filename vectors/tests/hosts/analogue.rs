//! Modems on analogue lines, with everything in the voice band: dial tone, digits by tone and pulse, ringing of its own
//! kind, caller ID, busy.

use super::{
    bench::Bench,
    rogue::{Host, OK},
};

/// A host that has set its modem up.
fn host(terminal: &std::path::Path) -> Host {
    let mut host = Host::open(terminal);
    host.ask("ATZE0V1Q0X4S6=0S7=30+FCLASS=1;+VCID=1;+VDR=1,0\r", OK);
    host
}

#[test]
fn numbers_are_dialled_and_callers_told_in_the_voice_band() {
    let bench = Bench::new();
    let (_one, first) = bench.modem("100&loop=us");
    let (_other, second) = bench.modem("101&loop=us&ring=300.200.300");
    let (mut caller, mut called) = (host(&first), host(&second));
    // By tone after the dial tone, by pulse, blind, and after a flash.
    for number in ["ATDT101\r", "ATDP101\r", "ATX3DT101\r", "ATX4DT9!W101\r"] {
        eprintln!("{}", number.trim());
        caller.say(number);
        let told = called.read("NMBR=100\r\n");
        assert!(told.contains("DRON=3\r\n\r\nDROF=2\r\n\r\nDRON=3\r\n\r\nRING\r\n"), "{told:?}");
        caller.ask("x", "NO CARRIER\r\n");
    }
    caller.say("ATDT101\r");
    called.read("NMBR=100\r\n");
    called.ask("ATA\r", "CONNECT\r\n");
    called.say("\u{7f}\u{13}\u{1}\u{0}\u{10}\u{3}");
    called.read(OK);
    caller.read(OK);
    called.ask("ATH\r", OK);
    caller.ask("ATH\r", OK);
}

#[test]
fn what_the_exchange_says_instead_of_ringing_is_told() {
    let bench = Bench::new();
    let (_one, first) = bench.modem("100&loop=us");
    let (_other, second) = bench.modem("101&loop=us");
    // An exchange without tones.
    let (_silent, third) = bench.modem("102&loop=nowhere");
    let (mut caller, mut busy, mut silent) = (host(&first), host(&second), host(&third));
    silent.ask("ATS7=3DT101\r", "NO DIALTONE\r\n");
    silent.ask("ATX3DT999\r", "NO CARRIER\r\n");
    busy.say("ATDT999\r");
    caller.ask("ATDT999\r", "NO CARRIER\r\n");
    busy.read("NO CARRIER\r\n");
    busy.ask("ATH1\r", OK);
    caller.ask("ATDT101\r", "BUSY\r\n");
}
