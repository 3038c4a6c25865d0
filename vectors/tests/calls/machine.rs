//! A session whose line is a script.

use std::sync::Arc;

use answertone_t30::{
    frame::{Fcf, Frame},
    image::{Bitmap, Page},
    seam::{Carrier, Cut, Evm, Framing, LineEvent, Listen, Order, Signal, Stamped, Tone},
    session::{NotKept, Output, Report, Session},
    time::{LineSpan, LineTime},
};

use super::words::{self, FRAME_OCTETS, block_octets, configure, frame, is_said};

/// The silence before everything that is heard.
const GAP: LineSpan = LineSpan::ms(80);

/// It is to say something within this long.
const PATIENCE: LineSpan = LineSpan::ms(130_000);

/// A fax machine, and what it wants to send.
pub(crate) struct Machine {
    session: Session,
    now: LineTime,
    listen: Listen,
    due: Option<LineTime>,
    wants: Option<(Signal, LineTime)>,
    hung_up: bool,
    /// The X bit its frames are to have.
    x: bool,
    /// Its next signal is to begin so many milliseconds after that.
    between: Option<(LineTime, u64, u64)>,
    transcript: Vec<String>,
}

impl Machine {
    pub(crate) fn new(calling: bool, settings: &str) -> Self {
        let now = LineTime::ZERO;
        let page = |rows, resolution| Arc::new(Page { bitmap: Bitmap::white(1728, rows), resolution });
        let (config, documents) = configure(settings, page);
        let config = Arc::new(config);
        let mut documents = documents.into_iter();
        let session = match calling {
            true => Session::calling(config, documents.next().unwrap_or_default(), now),
            false => Session::answering(config, now),
        };
        let session = documents.fold(session, Session::then_sending);
        let (listen, transcript) = (Listen::Nothing, Vec::new());
        let (due, wants, hung_up, between) = (None, None, false, None);
        let mut machine = Self { session, now, listen, due, wants, hung_up, x: calling, between, transcript };
        machine.drain();
        machine
    }

    pub(crate) fn line(&mut self, word: &str, rest: &str, place: &str) {
        match word {
            "<" => self.hear(rest, place),
            ">" => self.say(rest, place),
            "wait" => {
                let until = self.now + LineSpan::ms(rest.parse().expect("milliseconds"));
                self.wait(until, place);
            }
            "between" => {
                let numbers: Vec<u64> = rest.split(' ').map(|word| word.parse().expect("milliseconds")).collect();
                self.between = Some((self.now, numbers[0], numbers[1]));
            }
            // What it counts or holds is not so on the air.
            "ideal" => {}
            "kept" => self.session.page_kept(Ok(()), self.now),
            "not-kept" => self.session.page_kept(Err(NotKept(rest.to_owned())), self.now),
            "operator" => self.session.operator_answers(rest == "there", self.now),
            "lost" => self.session.line_lost(self.now),
            "cancel" => self.session.cancel(self.now),
            "=" => self.ended(rest, place),
            "pages" => assert_eq!(self.report().good_pages().to_string(), rest, "{}", self.told(place)),
            "peer" => self.peer(rest, place),
            "note" => {
                self.drain();
                assert!(self.transcript.iter().any(|line| line.contains(rest)), "{}", self.told(place));
            }
            _ => panic!("{place}: not understood"),
        }
        self.drain();
    }

    fn report(&self) -> &Report {
        self.session.report()
    }

    fn told(&self, place: &str) -> String {
        format!("{place}\n{}", self.transcript.join("\n"))
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll() {
                Output::Order(Order::Listen(listen)) => self.listen = listen,
                Output::Order(Order::Send { signal, at }) => self.wants = Some((signal, at)),
                Output::Order(Order::Hush) => self.wants = None,
                Output::Order(Order::HangUp) => (self.hung_up, self.wants) = (true, None),
                Output::Event(_) => {}
                Output::Wait(due) => {
                    self.due = due;
                    break;
                }
            }
        }
        self.transcript.extend(self.session.take_trace().map(|line| line.to_string()));
    }

    /// Time goes on; timers may act.
    fn pass(&mut self, until: LineTime) {
        while let Some(due) = self.due.filter(|due| *due <= until && self.wants.is_none()) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.drain();
        }
    }

    fn wait(&mut self, until: LineTime, place: &str) {
        if matches!(self.wants, Some((Signal::Cng, _))) {
            self.wants = None;
        }
        self.pass(until);
        assert!(self.wants.is_none(), "{}\nit speaks: {:?}", self.told(place), self.wants);
        self.now = self.now.max(until);
    }

    fn event(&mut self, what: LineEvent<'_>) {
        self.session.handle(Stamped { at: self.now, what });
        self.drain();
    }

    // What is heard.

    fn hear(&mut self, what: &str, place: &str) {
        assert!(!self.hung_up, "{}\nit has hung up", self.told(place));
        self.wait(self.now + GAP, place);
        let words: Vec<&str> = what.split(' ').collect();
        let number = |place: usize| words.get(place).map_or(0, |word| word.parse().expect("a number"));
        match words[0] {
            "CED" => self.event(LineEvent::Tone(Tone::Ced)),
            "tcf" => self.hear_check(&words[1..], place),
            "page" => {
                let octets = words::page(&words[1..], self.carrier().bit_rate());
                self.hear_raw(&octets, place);
            }
            "block" | "block64" => {
                let frames = words.iter().skip(3).map(|word| word.parse().expect("a frame")).collect::<Vec<u8>>();
                let size = if words[0] == "block" { FRAME_OCTETS } else { 64 };
                self.hear_block(number(1), size, words.get(2).copied().unwrap_or("whole"), &frames, place);
            }
            _ => self.hear_frames(what, place),
        }
    }

    /// A training check: good, `bad` throughout, `bad 100` for its first milliseconds, `for` so many milliseconds, or by
    /// `another` modem than the one agreed.
    fn hear_check(&mut self, words: &[&str], place: &str) {
        let number = || words.get(1).map(|word| word.parse::<usize>().expect("milliseconds"));
        let rate = self.carrier().bit_rate() as usize;
        let octets = |ms: usize| rate * ms / 8000;
        let kind = words.first().copied().unwrap_or("for");
        let mut check = vec![0; octets(if kind == "for" { number().unwrap_or(1500) } else { 1500 })];
        match kind {
            "for" => self.hear_raw(&check, place),
            "bad" => {
                let until = number().map_or(check.len(), octets);
                check[..until].fill(0x55);
                self.hear_raw(&check, place);
            }
            "another" => {
                let carrier = self.carrier();
                self.event(LineEvent::CarrierUp(carrier));
                self.wait(self.now + LineSpan::ms(2000), place);
                self.event(LineEvent::TrainingFailed);
                self.event(LineEvent::CarrierDown(carrier));
            }
            _ => panic!("{place}: {kind} is no training check"),
        }
    }

    fn carrier(&self) -> Carrier {
        match self.listen {
            Listen::To { carrier, .. } => carrier,
            _ => Carrier::V21,
        }
    }

    /// A fast signal of 1.5 s begins and is trained to.
    fn fast(&mut self, framing: Framing, place: &str) -> Carrier {
        let carrier = self.carrier();
        assert_eq!(self.listen, Listen::To { carrier, framing }, "{}", self.told(place));
        assert_ne!(carrier, Carrier::V21, "{}", self.told(place));
        self.event(LineEvent::CarrierUp(carrier));
        self.wait(self.now + LineSpan::ms(250), place);
        self.event(LineEvent::Trained { carrier, quality: Evm(-300) });
        self.wait(self.now + LineSpan::ms(1500), place);
        carrier
    }

    fn hear_raw(&mut self, octets: &[u8], place: &str) {
        let carrier = self.fast(Framing::Raw, place);
        octets.chunks(64).for_each(|octets| self.event(LineEvent::Octets(octets)));
        self.event(LineEvent::CarrierDown(carrier));
    }

    /// A block of frames: `whole`; `without` some, which arrive damaged; `only` some; some `cut` by an octet or `longer`
    /// by one, with a good check sequence; some `twice`; `broken` off before RCP.
    fn hear_block(&mut self, frames: usize, size: usize, how: &str, some: &[u8], place: &str) {
        let carrier = self.fast(Framing::Hdlc, place);
        let octets = block_octets(frames, size);
        for (number, data) in (0..=u8::MAX).zip(octets.chunks(size)) {
            let chosen = some.contains(&number);
            let mut frame = vec![0xff, 0x03, Fcf::Fcd.code(false), number];
            frame.extend_from_slice(data);
            match how {
                "cut" if chosen => frame.truncate(frame.len() - 1),
                "longer" if chosen => frame.push(0),
                "whole" | "without" | "only" | "twice" | "cut" | "longer" | "broken" => {}
                _ => panic!("{place}: {how} is no way to send a block"),
            }
            let times = match how {
                "only" if !chosen => 0,
                "twice" if chosen => 2,
                _ => 1,
            };
            for _ in 0..times {
                self.event(LineEvent::Frame { carrier, octets: &frame, intact: how != "without" || !chosen });
            }
        }
        if how != "broken" {
            self.event(LineEvent::Frame { carrier, octets: &[0xff, 0x03, Fcf::Rcp.code(false)], intact: true });
        }
        self.event(LineEvent::CarrierDown(carrier));
    }

    fn hear_frames(&mut self, burst: &str, place: &str) {
        let frames: Vec<&str> = burst.split(';').map(str::trim).collect();
        self.event(LineEvent::CarrierUp(Carrier::V21));
        self.wait(self.now + LineSpan::ms(1000), place);
        for (number, text) in frames.iter().enumerate() {
            let intact = !text.starts_with('!');
            let octets = frame(text.trim_start_matches('!'), !self.x, number + 1 == frames.len());
            self.x |= intact && octets[1..3] == [0x13, Fcf::Dis.code(false)];
            self.wait(self.now + LineSpan::ms(octets.len() as u64 * 8 * 10 / 3), place);
            self.event(LineEvent::Frame { carrier: Carrier::V21, octets: &octets, intact });
        }
        self.event(LineEvent::CarrierDown(Carrier::V21));
    }

    // What it is to say.

    fn say(&mut self, expected: &str, place: &str) {
        self.pass(self.now + PATIENCE);
        let Some((signal, at)) = self.wants.take() else { panic!("{}\nit says nothing", self.told(place)) };
        if let Some((since, least, most)) = self.between.take() {
            let after = at.since(since).as_ms();
            assert!((least..=most).contains(&after), "{}\nit speaks after {after} ms", self.told(place));
        }
        self.now = self.now.max(at);
        let (said, took) = self.signal(signal);
        self.now += took;
        let matches = said.len() == expected.split(';').count()
            && said.iter().zip(expected.split(';')).all(|(said, expected)| is_said(said, expected.trim()));
        assert!(matches, "{}\nit says: {}", self.told(place), said.join("; "));
        if signal != Signal::Cng {
            self.event(LineEvent::Sent);
        }
    }

    /// What the signal is, in the words of scripts, and how long it is.
    fn signal(&mut self, signal: Signal) -> (Vec<String>, LineSpan) {
        let (carrier, framing) = match signal {
            Signal::Ced => return (vec!["CED".into()], LineSpan::ms(3000)),
            Signal::Cng => return (vec!["CNG".into()], LineSpan::ZERO),
            Signal::Data { carrier, framing } => (carrier, framing),
        };
        let frames = self.pull();
        let octets: usize = frames.iter().map(Vec::len).sum();
        let took = LineSpan::ms(500 + octets as u64 * 8 * 1000 / u64::from(carrier.bit_rate()));
        let fcd = Fcf::Fcd.code(false);
        let said = match (carrier, framing) {
            (Carrier::V21, _) => frames.iter().map(|octets| self.words_of(octets)).collect(),
            (_, Framing::Hdlc) => vec![format!("block {}", frames.iter().filter(|frame| frame[2] == fcd).count())],
            _ if frames[0].iter().all(|octet| *octet == 0) => vec![format!("tcf {}", carrier.bit_rate())],
            _ => vec!["page".into()],
        };
        (said, took)
    }

    /// A frame of its own in the words of scripts, when its X bit is right.
    fn words_of(&self, octets: &[u8]) -> String {
        if let Frame::Known(message) = Frame::parse(octets) {
            let has_x = message.fcf.code(true) != message.fcf.code(false);
            assert!(!has_x || message.x == self.x, "{} has the wrong X bit\n{}", message, self.told(""));
        }
        Frame::parse(octets).to_string()
    }

    /// All of the signal, frame by frame.
    fn pull(&mut self) -> Vec<Vec<u8>> {
        let mut frames = vec![Vec::new()];
        loop {
            let mut room = [0; 300];
            let (count, cut) = self.session.fill(&mut room);
            frames.last_mut().expect("one at least").extend_from_slice(&room[..count]);
            match cut {
                Cut::Signal => return frames,
                Cut::Frame => frames.push(Vec::new()),
                Cut::More | Cut::Abort => {}
            }
        }
    }

    // How it ends.

    fn ended(&mut self, expected: &str, place: &str) {
        self.drain();
        self.pass(self.now + PATIENCE);
        assert!(self.wants.is_none(), "{}\nit speaks: {:?}", self.told(place), self.wants);
        let outcome = words::outcome(self.report());
        assert_eq!(outcome, expected, "{}", self.told(place));
        assert!(self.hung_up, "{}\nit has not hung up", self.told(place));
    }

    fn peer(&self, expected: &str, place: &str) {
        let (what, value) = expected.split_once(' ').expect("what and its value");
        let known = words::known(&self.report().peer, what);
        assert_eq!(known.as_deref(), Some(value), "{}", self.told(place));
    }
}
