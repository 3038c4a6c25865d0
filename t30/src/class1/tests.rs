//! Two modems, two scripted hosts and a line between them, by line time.

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE, widen};
use proptest::prelude::*;

use super::{
    shield::{self, Unshield, Unshielded},
    *,
};
use crate::{
    audio::{AudioConfig, AudioFrontEnd},
    hdlc,
    seam::{Carrier, Cut, Evm, FrontEnd, LineEvent, Stamped, V29Rate},
};

/// A modem with its front end and what its host has read.
struct Station {
    modem: Modem,
    front: AudioFrontEnd,
    tx: Block,
    v8: Option<Negotiation>,
    due: Option<LineTime>,
    dialled: bool,
    answered: bool,
    read: Vec<u8>,
    unwritten: Vec<u8>,
}

impl Station {
    fn new() -> Self {
        Self {
            modem: Modem::new(LineTime::ZERO),
            front: AudioFrontEnd::new(AudioConfig::default()),
            tx: SILENCE,
            v8: None,
            due: None,
            dialled: false,
            answered: false,
            read: Vec::new(),
            unwritten: Vec::new(),
        }
    }

    fn now(&self) -> LineTime {
        self.front.now()
    }

    fn write(&mut self, octets: &[u8]) {
        self.unwritten.extend_from_slice(octets);
    }

    fn drain(&mut self) {
        loop {
            match self.modem.poll() {
                Output::Order(order) => self.front.order(order),
                Output::V8(order) => self.v8 = Negotiation::after(order, self.v8.take(), AudioConfig::default().level),
                Output::Line(LineOrder::Dial(_)) => self.dialled = true,
                Output::Line(LineOrder::Answer) => self.answered = true,
                Output::Line(LineOrder::BusyOut | LineOrder::HangUp) => (self.dialled, self.answered) = (false, false),
                Output::Wait(until) => {
                    self.due = until;
                    break;
                }
            }
        }
        let mut octets = [0; 512];
        loop {
            let count = self.modem.to_host(&mut octets);
            if count == 0 {
                break;
            }
            self.read.extend_from_slice(&octets[..count]);
        }
    }

    fn block(&mut self, rx: &Block) {
        let fitting = self.modem.room().min(self.unwritten.len());
        let octets: Vec<u8> = self.unwritten.drain(..fitting).collect();
        self.modem.host(&octets, self.now());
        self.drain();
        self.front.receive(rx);
        while let Some(event) = self.front.poll() {
            self.modem.handle(event);
            self.drain();
        }
        if let Some(v8) = &mut self.v8 {
            let mut samples = [0.0; BLOCK_SAMPLES];
            widen(rx, &mut samples);
            v8.receive(&samples, |event| self.modem.v8(event, self.front.now()));
            self.drain();
        }
        self.modem.silence(rx.iter().all(|sample| sample.abs() < 200), self.now());
        self.drain();
        if self.due.is_some_and(|due| due <= self.now()) {
            self.modem.handle_timeout(self.now());
            self.drain();
        }
        let mut octets = [0; 264];
        while self.front.room() > 0 {
            let (filled, cut) = self.modem.fill(&mut octets);
            self.front.supply(&octets[..filled], cut);
            if filled == 0 && cut == Cut::More {
                break;
            }
        }
        self.front.transmit(&mut self.tx);
        if let Some(v8) = &mut self.v8 {
            v8.transmit(&mut self.tx);
        }
    }
}

/// A line between two modems, and the exchange that rings.
struct Pair {
    stations: [Station; 2],
    through: bool,
}

impl Pair {
    fn new() -> Self {
        Self { stations: [Station::new(), Station::new()], through: false }
    }

    /// 10 ms for both.
    fn block(&mut self) {
        let heard = if self.through { [self.stations[1].tx, self.stations[0].tx] } else { [SILENCE; 2] };
        for (station, heard) in self.stations.iter_mut().zip(&heard) {
            station.block(heard);
        }
        self.switch();
    }

    fn switch(&mut self) {
        let [caller, answerer] = &mut self.stations;
        if self.through && !(caller.dialled && answerer.answered) {
            self.through = false;
            for station in &mut self.stations {
                station.modem.line_lost(station.front.now());
                station.drain();
            }
        } else if !self.through && caller.dialled && answerer.answered {
            self.through = true;
            for station in &mut self.stations {
                station.modem.progress(Progress::Connected, station.front.now());
                station.drain();
            }
        } else if caller.dialled && !answerer.answered && caller.now().0 % 48_000 == 0 {
            answerer.modem.ring(&Ring::default(), answerer.front.now());
            answerer.drain();
        }
    }

    /// Runs until the host has read this; what it read up to there.
    fn read(&mut self, who: usize, wanted: &str) -> Vec<u8> {
        for _ in 0..12_000 {
            let read = &mut self.stations[who].read;
            if let Some(at) = read.windows(wanted.len()).position(|window| window == wanted.as_bytes()) {
                return read.drain(..at + wanted.len()).collect();
            }
            self.block();
        }
        panic!("'{wanted}' did not come; host {who} has {}", self.stations[who].read.escape_ascii());
    }

    /// Says something and waits for its answer.
    fn say(&mut self, who: usize, line: &str, answer: &str) -> Vec<u8> {
        self.stations[who].write(line.as_bytes());
        self.stations[who].write(b"\r");
        self.read(who, answer)
    }

    fn data(&mut self, who: usize, data: &[u8], answer: &str) {
        let mut shielded = Vec::new();
        shield::shield(data, false, |octet| shielded.push(octet));
        self.stations[who].write(&shielded);
        self.stations[who].write(b"\x10\x03");
        self.read(who, answer);
    }

    /// The frame that a host is given, without its check sequence.
    fn frame(&mut self, who: usize) -> Vec<u8> {
        self.read(who, "CONNECT\r\n");
        let shielded = self.read(who, "OK\r\n");
        let mut frame = plain(&shielded);
        let check = frame.split_off(frame.len() - 2);
        assert_eq!(check, hdlc::frame_check_sequence(&frame));
        frame
    }

    /// Both hosts as they come: echo off, Class 1.
    fn set_up(&mut self) {
        for who in [0, 1] {
            self.say(who, "AT&FE0V1Q0S7=60+FLO=2", "OK\r\n");
            self.say(who, "AT+FCLASS=1", "OK\r\n");
        }
    }

    fn call(&mut self) {
        self.stations[0].write(b"ATDT200\r");
        self.read(1, "RING\r\n");
        self.stations[1].write(b"ATA\r");
    }
}

/// Data up to their end, out of their shield.
fn plain(shielded: &[u8]) -> Vec<u8> {
    let (mut unshield, mut data) = (Unshield::default(), Vec::new());
    for octet in shielded {
        match unshield.take(*octet) {
            Unshielded::Data(octet) => data.push(octet),
            Unshielded::End => return data,
            _ => {}
        }
    }
    panic!("no end of data in {}", shielded.escape_ascii());
}

const CSI: &[u8] = &[0xff, 0x03, 0x40, 0x10, 0x10, 0x11];
const DIS: &[u8] = &[0xff, 0x13, 0x80, 0x00, 0x46, 0x88];
const DCS: &[u8] = &[0xff, 0x13, 0x83, 0x00, 0x46, 0x88];
const CFR: &[u8] = &[0xff, 0x13, 0x84];
const DCN: &[u8] = &[0xff, 0x13, 0xfb];

/// From the call to the answerer's two frames.
fn up_to_dis(pair: &mut Pair) {
    pair.call();
    pair.read(1, "CONNECT\r\n");
    pair.data(1, CSI, "CONNECT\r\n");
    pair.stations[1].write(&[DIS, b"\x10\x03"].concat());
    assert_eq!(pair.frame(0), CSI);
    pair.stations[0].write(b"AT+FRH=3\r");
    assert_eq!(pair.frame(0), DIS);
    pair.read(1, "OK\r\n");
}

#[test]
fn a_page_goes_through_on_every_modem() {
    let page: Vec<u8> = (0..3000_u32).map(|place| (place * place / 7) as u8).chain([0x10, 0x10, 0x10, 0]).collect();
    for number in ["24", "48", "72", "96", "73", "97", "121", "145"] {
        let mut pair = Pair::new();
        pair.set_up();
        up_to_dis(&mut pair);
        pair.stations[1].write(b"AT+FRH=3\r");
        pair.say(0, "AT+FTH=3", "CONNECT\r\n");
        pair.data(0, DCS, "OK\r\n");
        assert_eq!(pair.frame(1), DCS);
        // Pages begin with fill and end with it, and a carrier that goes may take its last bits with it.
        let signal = [vec![0; 16], page.clone(), vec![0; 16]].concat();
        for check in [vec![0; 200], signal] {
            pair.stations[1].write(format!("AT+FRM={number}\r").as_bytes());
            pair.say(0, &format!("AT+FTS=7;+FTM={number}"), "CONNECT\r\n");
            pair.data(0, &check, "OK\r\n");
            pair.read(1, "CONNECT\r\n");
            let received = plain(&pair.read(1, "NO CARRIER\r\n"));
            let wanted = if check.len() > 200 { page.as_slice() } else { &check[..180] };
            let found = received.windows(wanted.len()).any(|window| window == wanted);
            assert!(found || shifted(&received, wanted), "{number}: {} octets of {}", received.len(), check.len());
            pair.stations[0].write(b"AT+FRH=3\r");
            pair.say(1, "AT+FTH=3", "CONNECT\r\n");
            pair.data(1, CFR, "OK\r\n");
            assert_eq!(pair.frame(0), CFR);
        }
        pair.stations[1].write(b"AT+FRH=3\r");
        pair.say(0, "AT+FTH=3", "CONNECT\r\n");
        pair.data(0, DCN, "OK\r\n");
        assert_eq!(pair.frame(1), DCN);
        pair.say(0, "ATH", "OK\r\n");
        pair.block();
        assert!(!pair.stations[1].modem.is_off_hook());
    }
}

/// Whether the data are there between the bits of other octets: ones go before them.
fn shifted(received: &[u8], wanted: &[u8]) -> bool {
    (1..8).any(|places| {
        let octets: Vec<u8> =
            received.windows(2).map(|pair| (u16::from_le_bytes([pair[0], pair[1]]) >> places) as u8).collect();
        octets.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[test]
fn frames_where_a_page_was_awaited_are_told_in_both_ways() {
    for (adaptive, told) in [("0", "+FCERROR\r\n"), ("1", "+FRH:3\r\n")] {
        let mut pair = Pair::new();
        pair.set_up();
        pair.say(0, &format!("AT+FAR={adaptive}"), "OK\r\n");
        pair.call();
        pair.read(1, "CONNECT\r\n");
        pair.stations[1].write(&[DIS, b"\x10\x03"].concat());
        assert_eq!(pair.frame(0), DIS);
        pair.stations[0].write(b"AT+FRM=96\r");
        pair.read(1, "OK\r\n");
        pair.stations[1].write(b"AT+FTH=3\r");
        pair.read(1, "CONNECT\r\n");
        pair.stations[1].write(&[DIS, b"\x10\x03"].concat());
        pair.read(0, told);
        if adaptive == "0" {
            pair.stations[0].write(b"AT+FRH=3\r");
        }
        assert_eq!(pair.frame(0), DIS);
    }
}

#[test]
fn any_octet_ends_a_wait_and_the_modem_takes_commands_again() {
    let mut pair = Pair::new();
    pair.set_up();
    up_to_dis(&mut pair);
    for command in ["AT+FRH=3\r\n", "AT+FRM=96\r", "AT+FRS=200\r", "AT+FTS=200\r"] {
        pair.stations[0].write(command.as_bytes());
        (0..5).for_each(|_| pair.block());
        pair.stations[0].read.clear();
        pair.stations[0].write(b"\x18");
        pair.read(0, "OK\r\n");
        pair.say(0, "ATI3", "OK\r\n");
    }
    pair.say(0, "AT+FRS=10", "OK\r\n");
    pair.say(0, "ATH", "OK\r\n");
    pair.stations[0].write(b"ATDT200\r");
    (0..50).for_each(|_| pair.block());
    pair.stations[0].write(b"x");
    pair.read(0, "NO CARRIER\r\n");
    assert!(!pair.stations[0].modem.is_off_hook());
}

#[test]
fn five_hundred_calls_in_a_row_leave_the_modem_as_it_was() {
    let mut pair = Pair::new();
    pair.set_up();
    pair.say(1, "ATS0=1", "OK\r\n");
    for call in 0..500_u32 {
        pair.stations[0].write(b"ATDT200\r");
        (0..20 + call % 640).for_each(|_| pair.block());
        // The hosts die by turns, in whatever phase the call is, and come back.
        let who = (call % 2) as usize;
        let station = &mut pair.stations[who];
        station.unwritten.clear();
        station.modem.host_gone(station.front.now());
        station.drain();
        (0..3).for_each(|_| pair.block());
        let station = &mut pair.stations[1 - who];
        station.unwritten.clear();
        station.modem.host_gone(station.front.now());
        station.drain();
        for who in [0, 1] {
            assert!(!pair.stations[who].modem.is_off_hook());
            pair.stations[who].read.clear();
            pair.say(who, "AT", "OK\r\n");
        }
    }
}

#[test]
fn a_host_that_falls_silent_does_not_hold_the_line() {
    let mut pair = Pair::new();
    pair.set_up();
    up_to_dis(&mut pair);
    pair.stations[0].write(b"AT+FTH=3\r");
    pair.read(0, "ERROR\r\n");
    (0..9500).for_each(|_| pair.block());
    assert!(pair.stations.iter().all(|station| !station.modem.is_off_hook()));
}

#[test]
fn rings_and_callers_are_told_as_asked() {
    let mut station = Station::new();
    let caller = Caller { number: Some("5550100".into()), ..Caller::default() };
    station.write(b"ATE0+VCID=1;+VDR=1,0;S0=2\r");
    station.block(&SILENCE);
    station.modem.caller(&caller, station.front.now());
    station.modem.ring(&Ring::default(), station.front.now());
    station.drain();
    let told = String::from_utf8(station.read.clone()).unwrap();
    assert!(told.ends_with("\r\nNMBR=5550100\r\n\r\nDROF=40\r\n\r\nDRON=20\r\n\r\nRING\r\n"), "{told:?}");
    assert!(!station.answered);
    station.modem.ring(&Ring::default(), station.front.now());
    station.drain();
    assert!(station.answered && station.modem.is_off_hook());
}

#[test]
fn results_come_in_words_and_numbers_and_not_at_all() {
    let mut station = Station::new();
    for (line, answer) in [
        ("ATE1", "ATE1\r\r\nOK\r\n"),
        ("ATE0", "ATE0\r\r\nOK\r\n"),
        ("AT+FCLASS=?", "\r\n0,1,1.0,2,2.0,2.1\r\n\r\nOK\r\n"),
        ("ATS7?", "\r\n050\r\n\r\nOK\r\n"),
        ("ATV0", "0\r"),
        ("AT+FTM=1", "4\r"),
        ("ATI3", "Answertone fax modem\r\n0\r"),
        ("ATS3=33", "0!"),
    ] {
        station.write(line.as_bytes());
        station.write(b"\r");
        station.block(&SILENCE);
        assert_eq!(String::from_utf8_lossy(&station.read), answer, "{line}");
        station.read.clear();
    }
    station.write(b"ATQ1!ATI!");
    station.block(&SILENCE);
    assert_eq!(station.read, b"14400!\n");
}

/// What a modem may meet.
#[derive(Clone, Debug)]
enum Happening {
    Host(Vec<u8>),
    Time(u64),
    Heard(usize, Vec<u8>),
    Line(u8),
    Fill(usize),
    Read(usize),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let words = prop::sample::select(vec![
        "AT+FCLASS=1\r",
        "ATDT1,2W;\r",
        "ATDT1\r",
        "ATA\r",
        "AT+FTH=3\r",
        "AT+FRH=3\r",
        "AT+FTM=96\r",
        "AT+FRM=96\r",
        "AT+FTS=3;+FTM=24\r",
        "AT+FRS=3\r",
        "\x10\x03",
        "\x10\x18",
        "\x18",
        "ATH1\r",
        "ATZ\r",
        "A/",
        "ATS0=1S3=65\r",
        "\x13",
        "\x11",
        "AT+FAR=1;+FCL=3\r",
        "ATQ1V0E1\r",
    ]);
    let one = prop_oneof![
        4 => words.prop_map(|word| Happening::Host(word.as_bytes().to_vec())),
        2 => prop::collection::vec(any::<u8>(), 0..700).prop_map(Happening::Host),
        3 => (0..200_000_u64).prop_map(Happening::Time),
        4 => (0..8_usize, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(kind, octets)| Happening::Heard(kind, octets)),
        3 => (0..8_u8).prop_map(Happening::Line),
        1 => (0..600_usize).prop_map(Happening::Fill),
        1 => (0..9000_usize).prop_map(Happening::Read),
    ];
    prop::collection::vec(one, 0..120)
}

fn meet(modem: &mut Modem, happening: &Happening, now: &mut LineTime) {
    let fast = Carrier::V29(V29Rate::R9600);
    match happening {
        Happening::Host(octets) => modem.host(octets, *now),
        Happening::Time(ticks) => {
            now.0 += ticks;
            modem.handle_timeout(*now);
        }
        Happening::Heard(kind, octets) => {
            let what = match kind {
                0 => LineEvent::CarrierUp(Carrier::V21),
                1 => LineEvent::CarrierDown(Carrier::V21),
                2 => LineEvent::Frame { carrier: Carrier::V21, octets, intact: octets.len() % 2 == 0 },
                3 => LineEvent::CarrierUp(fast),
                4 => LineEvent::Trained { carrier: fast, quality: Evm(-300) },
                5 => LineEvent::Octets(octets),
                6 => LineEvent::CarrierDown(fast),
                _ => LineEvent::Sent,
            };
            modem.handle(Stamped { at: *now, what });
        }
        Happening::Line(0) => modem.ring(&Ring::default(), *now),
        Happening::Line(1) => modem.progress(Progress::Busy, *now),
        Happening::Line(2) => modem.line_lost(*now),
        Happening::Line(3) => modem.silence(true, *now),
        Happening::Line(4) => modem.caller(&Caller::default(), *now),
        Happening::Line(_) => modem.progress(Progress::Connected, *now),
        Happening::Fill(room) => {
            let (filled, _) = modem.fill(&mut vec![0; *room]);
            assert!(filled <= *room);
        }
        Happening::Read(room) => assert!(modem.to_host(&mut vec![0; *room]) <= *room),
    }
}

proptest! {
    #[test]
    fn whatever_hosts_and_lines_bring_the_modem_comes_back(happenings in happenings()) {
        let (mut modem, mut now) = (Modem::new(LineTime::ZERO), LineTime::ZERO);
        for happening in &happenings {
            meet(&mut modem, happening, &mut now);
            let orders = std::iter::from_fn(|| Some(modem.poll()).filter(|output| !matches!(output, Output::Wait(_)))).count();
            prop_assert!(orders < 40);
        }
        modem.host_gone(now);
        while !matches!(modem.poll(), Output::Wait(_)) {}
        prop_assert!(!modem.is_off_hook());
        // Whatever ends a line by now, one of these ends this one.
        (0..128).for_each(|end| modem.host(&[b'A', b'T', b'Z', end], now));
        modem.host(&b"\rATS3=13E1Q0V1\r"[..], now);
        while modem.to_host(&mut [0; 4096]) > 0 {}
        modem.host(b"AT\r", now);
        let mut answer = [0; 100];
        let count = modem.to_host(&mut answer);
        prop_assert_eq!(&answer[..count], b"AT\r\r\nOK\r\n");
    }
}

mod class2;
mod v8;
