//! A modem on a terminal whose host and whose line say anything at any time, in every class: it never panics, never holds
//! more for its host than it said it would, and is on hook once its host is gone.

use answertone_t30::{
    class1::{Caller, LineOrder, Modem, Output, Progress, Ring, V8Event, V8Tone},
    seam::{Carrier, Cut, Evm, LineEvent, Stamped, Tone, Train, V17Rate, V29Rate},
    time::{LineSpan, LineTime},
};

/// What hosts say; the rest of the input says octets of its own.
const SAID: &[&[u8]] = &[
    b"AT&FE0V1Q0S0=1X4\r",
    b"AT+FCLASS=1\r",
    b"AT+FCLASS=2\r",
    b"AT+FCLASS=2.0\r",
    b"AT+FCLASS=2.1;+FCC=1,5,0,2,3,2,0,0,0;+FNR=1,1,1,1\r",
    b"AT+FCC=1,5,2,2,0,0,0,0;+FBO=1\r",
    b"ATDT*70W5550100,!@P12;\r",
    b"ATDT200\r",
    b"ATA\r",
    b"ATH\r",
    b"ATH1\r",
    b"ATZ\r",
    b"AT+FTH=3\r",
    b"AT+FRH=3\r",
    b"AT+FTM=146\r",
    b"AT+FRM=96\r",
    b"AT+FTS=8;+FRS=5\r",
    b"AT+FAR=1;+FCL=10;+FDD=1;+FLO=2;+VCID=1;+VDR=1\r",
    b"AT+FDT\r",
    b"AT+FDT=0,1,0,2\r",
    b"AT+FDR\r",
    b"AT+FET=0\r",
    b"AT+FET=2\r",
    b"AT+FK\r",
    b"AT+FPS=2;+FIS=0,1,0,0,0,0,0,0\r",
    b"\xff\x13\x83\x00\x46\x88\x10\x03",
    b"\x00\x10\x10\x10\x1a\x80\x01\x50\x10\x2c",
    b"\x10\x2e",
    b"\x12",
    b"AT+FCLASS=1.0;+A8E=3,2\r",
    b"AT+A8E=6,5,81\r",
    b"AT+A8M=8105D490\r",
    b"ATO\r",
    b"A/",
];

/// Frames that get a call further.
const FRAMES: [&[u8]; 8] = [
    &[0xff, 0x13, 0x80, 0x00, 0xee, 0xb8, 0xc4, 0x80, 0x80, 0x00],
    &[0xff, 0x13, 0x83, 0x00, 0x26, 0xf8, 0x00],
    &[0xff, 0x13, 0x83, 0x00, 0xc6, 0xf8, 0xc4],
    &[0xff, 0x13, 0x84],
    &[0xff, 0x13, 0x8c],
    &[0xff, 0x13, 0x4c],
    &[0xff, 0x13, 0x2f],
    &[0xff, 0x13, 0xfb],
];

const CARRIERS: [Carrier; 3] =
    [Carrier::V21, Carrier::V29(V29Rate::R9600), Carrier::V17(V17Rate::R14400, Train::Short)];

/// Octets that wait for the host at most: those it was promised, and as many again in the modem's own words.
const MOST_FOR_HOST: usize = 256 * 1024;

struct Bench {
    modem: Modem,
    now: LineTime,
    due: Option<LineTime>,
    reads: bool,
}

impl Bench {
    fn drain(&mut self) {
        for _ in 0..5000 {
            match self.modem.poll() {
                Output::Line(LineOrder::Dial(steps)) => assert!(!steps.is_empty(), "dialling has steps"),
                Output::Order(_) | Output::Line(_) | Output::V8(_) => {}
                Output::Wait(until) => {
                    self.due = until;
                    return self.read();
                }
            }
        }
        panic!("thousands of outputs and no end");
    }

    fn read(&mut self) {
        if self.reads {
            let mut octets = [0; 4096];
            let read: usize =
                std::iter::from_fn(|| Some(self.modem.to_host(&mut octets)).filter(|&count| count > 0)).sum();
            assert!(read <= MOST_FOR_HOST, "{read} octets waited for the host");
        }
    }

    fn pass(&mut self, span: LineSpan) {
        self.now += span;
        if self.due.is_some_and(|due| due <= self.now) {
            self.modem.handle_timeout(self.now);
        }
    }

    fn say(&mut self, octets: &[u8]) {
        for octet in octets {
            if self.modem.room() == 0 {
                break;
            }
            self.modem.host(&[*octet], self.now);
        }
    }

    fn hear(&mut self, what: LineEvent<'_>) {
        self.modem.handle(Stamped { at: self.now, what });
    }

    /// Two octets: what, and with what.
    fn act(&mut self, what: u8, with: u8) {
        let carrier = CARRIERS[usize::from(with) % CARRIERS.len()];
        let frame = FRAMES[usize::from(with) % FRAMES.len()];
        match what % 16 {
            0..=3 => self.say(SAID[usize::from(with) % SAID.len()]),
            4 => self.say(&[with]),
            5 => self.modem.progress(if with < 200 { Progress::Connected } else { Progress::Busy }, self.now),
            6 => self.modem.ring(&Ring::default(), self.now),
            7 => self.hear(LineEvent::CarrierUp(carrier)),
            8 => self.hear(LineEvent::Trained { carrier, quality: Evm(100) }),
            9 => self.hear(LineEvent::CarrierDown(carrier)),
            10 => self.hear(LineEvent::Frame { carrier: Carrier::V21, octets: frame, intact: with < 240 }),
            11 => self.hear(LineEvent::Octets(&[with; 64])),
            12 => self.hear(LineEvent::Sent),
            13 => self.pass(LineSpan::ms(u64::from(with) * 50)),
            14 => self.rare(with),
            _ => {
                let mut octets = [0; 256];
                let (count, _cut): (usize, Cut) = self.modem.fill(&mut octets);
                assert!(count <= octets.len(), "{count} octets were filled");
            }
        }
        self.drain();
    }

    fn rare(&mut self, with: u8) {
        match with % 6 {
            0 => self.modem.line_lost(self.now),
            1 => self.modem.host_gone(self.now),
            2 => self.modem.silence(with > 100, self.now),
            3 => self.hear(LineEvent::Tone(Tone::Ced)),
            4 => self.negotiate(with),
            _ => {
                self.reads = !self.reads;
                let caller = Caller { number: Some("\u{10}\r5550100".into()), ..Caller::default() };
                self.modem.caller(&caller, self.now);
            }
        }
    }

    fn negotiate(&mut self, with: u8) {
        let menu = [0x81, 0x05, with, 0x90];
        let event = match with % 5 {
            0 => V8Event::Answered(V8Tone::Modulated),
            1 => V8Event::Answered(V8Tone::Plain),
            2 => V8Event::Menu(&menu[..usize::from(with) % 5]),
            3 => V8Event::Joined,
            _ => V8Event::TimedOut,
        };
        self.modem.v8(event, self.now);
    }
}

#[test]
fn host_and_line() {
    target!(|input: &[u8]| {
        let mut bench = Bench { modem: Modem::new(LineTime::ZERO), now: LineTime::ZERO, due: None, reads: true };
        for pair in input.chunks_exact(2).take(4000) {
            bench.act(pair[0], pair[1]);
        }
        bench.modem.host_gone(bench.now);
        bench.reads = true;
        bench.drain();
        assert!(!bench.modem.is_off_hook(), "the host is gone and the line is off hook");
        bench.say(b"AT&FE0+GMM\r");
        bench.drain();
    });
}
