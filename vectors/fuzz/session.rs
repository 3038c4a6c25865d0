//! A session and a line that says anything at any time: it never panics, never has two signals on the air at once, never
//! counts a page as received that was not given out, and is over within its own limits once the line falls silent.

use std::sync::Arc;

use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Page, Resolution},
    seam::{Carrier, Cut, Evm, LineEvent, Order, Signal, Stamped, Tone, Train, V17Rate, V27terRate, V29Rate},
    session::{Codings, Config, Document, Event, Keeping, Limits, Output, Resolutions, Session},
    time::{LineSpan, LineTime},
};

const CARRIERS: [Carrier; 5] = [
    Carrier::V21,
    Carrier::V27ter(V27terRate::R4800),
    Carrier::V29(V29Rate::R9600),
    Carrier::V17(V17Rate::R14400, Train::Long),
    Carrier::V17(V17Rate::R14400, Train::Short),
];

/// Frames that get a session further, without their check sequences: what is said in calls, either side.
const FRAMES: [&[u8]; 20] = [
    &[0xff, 0x13, 0x80, 0x00, 0xee, 0xb8, 0xc4, 0x80, 0x80, 0x00],
    &[0xff, 0x13, 0x81, 0x00, 0xce, 0xb8, 0x80, 0x80, 0x00],
    &[0xff, 0x13, 0x83, 0x00, 0xc6, 0xf8, 0xc4],
    &[0xff, 0x13, 0x83, 0x00, 0x26, 0xf8, 0x00],
    &[0xff, 0x13, 0x84],
    &[0xff, 0x13, 0x44],
    &[0xff, 0x13, 0x8c],
    &[0xff, 0x13, 0x4c],
    &[0xff, 0x13, 0xcc],
    &[0xff, 0x13, 0xbc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xff, 0x13, 0xec],
    &[0xff, 0x13, 0x4f],
    &[0xff, 0x13, 0x8f],
    &[0xff, 0x13, 0x2f],
    &[0xff, 0x13, 0xbf, 0x2f, 0x00, 0x00, 0x03],
    &[0xff, 0x13, 0xbf, 0x00, 0x00, 0x00, 0xff],
    &[0xff, 0x13, 0xcf, 0x2f],
    &[0xff, 0x13, 0x6f],
    &[0xff, 0x13, 0xfb],
    &[0xff, 0x03, 0x42, 0x31, 0x32, 0x33],
];

/// How long the line goes on saying things.
const TALK: LineSpan = LineSpan::ms(600_000);

fn config() -> Arc<Config> {
    Arc::new(Config {
        modems: Modems::ALL,
        codings: Codings::ALL,
        resolutions: Resolutions::ALL,
        keeping: Keeping::Awaited,
        limits: Limits { call: LineSpan::ms(1_800_000), page_rows: 500, ..Limits::default() },
        ..Config::default()
    })
}

/// A session with the driver's part and the accounts kept of it.
struct Call {
    session: Session,
    now: LineTime,
    due: Option<LineTime>,
    on_air: bool,
    given_out: usize,
    finished: usize,
    hung_up: bool,
}

impl Call {
    fn new(caller: bool) -> Self {
        let page = || Arc::new(Page { bitmap: Bitmap::white(1728, 30), resolution: Resolution::Fine });
        let document = Document { pages: vec![page(), page()], first: 0 };
        let session = match caller {
            true => Session::calling(config(), document, LineTime::ZERO),
            false => Session::answering(config(), LineTime::ZERO).then_sending(document),
        };
        let (on_air, hung_up) = (false, false);
        let mut call = Self { session, now: LineTime::ZERO, due: None, on_air, given_out: 0, finished: 0, hung_up };
        call.drain();
        call
    }

    fn drain(&mut self) {
        for _ in 0..1000 {
            match self.session.poll() {
                // CNG comes and goes until something else is ordered.
                Output::Order(Order::Send { signal, .. }) => {
                    assert!(!self.on_air, "two signals at once:\n{}", self.story());
                    self.on_air = signal != Signal::Cng;
                }
                Output::Order(Order::Hush) => self.on_air = false,
                Output::Order(Order::HangUp) => self.hung_up = true,
                Output::Order(Order::Listen(_)) => {}
                Output::Event(Event::Page(_)) => self.given_out += 1,
                Output::Event(Event::Finished(_)) => self.finished += 1,
                Output::Event(_) => {}
                Output::Wait(until) => {
                    self.due = until;
                    return;
                }
            }
        }
        panic!("a thousand outputs and no end");
    }

    /// What happened, for a failed assertion.
    fn story(&mut self) -> String {
        self.session.take_trace().map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
    }

    /// Time passes; timers that run out on the way act.
    fn pass(&mut self, until: LineTime) {
        while let Some(due) = self.due.filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn hear(&mut self, what: LineEvent<'_>) {
        self.session.handle(Stamped { at: self.now, what });
        self.drain();
    }

    /// What is on the air is sent to its end.
    fn send_out(&mut self) {
        let mut octets = [0; 264];
        for _ in 0..20_000 {
            match self.session.fill(&mut octets) {
                (_, Cut::Signal) | (0, Cut::More) => break,
                _ => {}
            }
        }
        if self.on_air {
            self.on_air = false;
            self.hear(LineEvent::Sent);
        }
    }

    /// One thing that happens, by four octets.
    fn happen(&mut self, [what, which, wait, detail]: [u8; 4]) {
        self.pass(self.now + LineSpan::ms(u64::from(wait) * u64::from(wait) / 8));
        let carrier = CARRIERS[usize::from(which) % CARRIERS.len()];
        let frame = FRAMES[usize::from(which) % FRAMES.len()];
        match what % 12 {
            0 => self.hear(LineEvent::Tone(if which.is_multiple_of(2) { Tone::Ced } else { Tone::Cng })),
            1 => self.hear(LineEvent::CarrierUp(carrier)),
            2 => self.hear(LineEvent::CarrierDown(carrier)),
            3 => self.hear(LineEvent::Trained { carrier, quality: Evm(-i32::from(detail)) }),
            4 => self.hear(LineEvent::TrainingFailed),
            5 => self.hear(LineEvent::Octets(&[detail; 250])),
            6 => self.hear(LineEvent::Gap(LineSpan::ms(u64::from(detail)))),
            7 => self.send_out(),
            8 => {
                let kept = if detail.is_multiple_of(4) {
                    Err(answertone_t30::session::NotKept("disk".into()))
                } else {
                    Ok(())
                };
                self.session.page_kept(kept, self.now);
                self.drain();
            }
            // A whole burst of V.21, the way a session is led on.
            9 | 10 => {
                self.send_out();
                self.hear(LineEvent::CarrierUp(Carrier::V21));
                let intact = !detail.is_multiple_of(16);
                self.hear(LineEvent::Frame { carrier: Carrier::V21, octets: frame, intact });
                self.hear(LineEvent::CarrierDown(Carrier::V21));
            }
            _ => {
                let mut octets = vec![0xff, 0x03, 0x06, which];
                octets.resize(if detail.is_multiple_of(8) { usize::from(detail) } else { 260 }, detail);
                self.hear(LineEvent::Frame { carrier, octets: &octets, intact: !detail.is_multiple_of(16) });
            }
        }
    }

    /// The line is silent from here on: the call comes to its end.
    fn fall_silent(&mut self) {
        let limit = self.now + LineSpan::ms(1_800_000);
        while !self.session.is_finished() || !self.hung_up {
            self.send_out();
            let Some(due) = self.due.filter(|due| *due <= limit) else { break };
            self.pass(due.max(self.now));
        }
        assert!(self.session.is_finished(), "the call goes on at {:?}", self.now);
        assert_eq!(self.finished, 1);
        let received = self.session.report().pages.iter().filter(|page| !page.sent && page.verdict.is_good()).count();
        assert!(received <= self.given_out, "{received} pages count as received, {} were given out", self.given_out);
    }
}

#[test]
fn events() {
    target!(|input: &[u8]| {
        let Some((&role, happenings)) = input.split_first() else { return };
        let mut call = Call::new(role.is_multiple_of(2));
        for happening in happenings.as_chunks().0 {
            if call.session.is_finished() || call.now.since(LineTime::ZERO) > TALK {
                break;
            }
            call.happen(*happening);
        }
        call.fall_silent();
    });
}
