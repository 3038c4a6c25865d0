//! A session at its front end, and a tester that speaks to it in samples what a script says.

use std::{collections::VecDeque, sync::Arc};

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::{Block, SILENCE},
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::{BitField, Fcf, Field, Frame, carrier_of_rate_bits},
    seam::{Carrier, Cut, Framing, FrontEnd, LineEvent, Listen, Order, Signal, Tone, Train},
    session::Session,
    time::{LineSpan, LineTime},
};
use answertone_vectors::ends::{self, End, carried};

use super::words::{self, FRAME_OCTETS, block_octets, frame, is_said};

/// The silence the tester leaves before it speaks.
const GAP: LineSpan = LineSpan::ms(75);

/// Something is to be heard within this long.
const PATIENCE: LineSpan = LineSpan::ms(150_000);

/// What the tester heard, and when.
#[derive(Debug)]
enum Heard {
    Tone(Tone),
    Up,
    Down,
    Frame(Carrier, Vec<u8>),
    Octets(Vec<u8>),
    Sent,
}

/// A machine at the other end of the tester's line.
pub(crate) trait Machine {
    /// Hears a block and says the next.
    fn block(&mut self, rx: &Block) -> Block;
    /// Whether it called.
    fn calls(&self) -> bool;
    /// Whether it has hung up.
    fn is_over(&self) -> bool;
    /// What happened, a line each.
    fn trace(&mut self) -> Vec<String>;
    /// How the call went for it, when it is over.
    fn outcome(&mut self) -> String;
    /// Pages it counts as delivered.
    fn pages(&self) -> String;
    /// What it knows of the other machine.
    fn known(&self, what: &str) -> Option<String>;
}

impl Machine for End {
    fn block(&mut self, rx: &Block) -> Block {
        Self::block(self, rx)
    }

    fn calls(&self) -> bool {
        self.session.is_caller()
    }

    fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    fn trace(&mut self) -> Vec<String> {
        self.trace.clone()
    }

    fn outcome(&mut self) -> String {
        words::outcome(self.session.report())
    }

    fn pages(&self) -> String {
        self.session.report().good_pages().to_string()
    }

    fn known(&self, what: &str) -> Option<String> {
        words::known(&self.session.report().peer, what)
    }
}

/// A session of those settings at its front end.
pub(crate) fn in_process(calls: bool, settings: &str) -> Box<dyn Machine> {
    let (config, documents) = words::configure(settings, |_, _| ends::page(0));
    let (config, mut documents) = (Arc::new(config), documents.into_iter());
    let session = match calls {
        true => Session::calling(config, documents.next().unwrap_or_default(), LineTime::ZERO),
        false => Session::answering(config, LineTime::ZERO),
    };
    Box::new(End::new(documents.fold(session, Session::then_sending)))
}

/// The tester, the line, and the machine at its other end.
pub(crate) struct Tester {
    machine: Box<dyn Machine>,
    front: AudioFrontEnd,
    lines: [Channel; 2],
    blocks: [Block; 2],
    /// The tester's signal, as far as its front end has not taken it.
    supply: VecDeque<(Vec<u8>, Cut)>,
    heard: VecDeque<(Heard, LineTime)>,
    /// The carrier of the last DCS, ours or the machine's.
    agreed: Option<Carrier>,
    /// The line has been quiet since.
    quiet: LineTime,
    between: Option<(LineTime, u64, u64)>,
}

/// Whether a line of a script can be put on the air. Damage to a single frame is the ideal line's.
pub(crate) fn can_run(line: &str) -> bool {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let damaged = word == "<" && rest.contains('!');
    let of_the_ideal_line = ["kept", "not-kept", "lost", "cancel", "ideal"];
    !damaged && !of_the_ideal_line.contains(&word)
}

impl Tester {
    pub(crate) fn new(machine: Box<dyn Machine>) -> Self {
        let mut front = AudioFrontEnd::new(AudioConfig::default());
        front.order(Order::Listen(Listen::Tones));
        let line = Impairments::default();
        Self {
            machine,
            front,
            lines: [Channel::new(&line, 1), Channel::new(&line, 2)],
            blocks: [SILENCE; 2],
            supply: VecDeque::new(),
            heard: VecDeque::new(),
            agreed: None,
            quiet: LineTime::ZERO,
            between: None,
        }
    }

    pub(crate) fn line(&mut self, word: &str, rest: &str, place: &str) {
        match word {
            "<" => self.say(rest, place),
            ">" => self.hear(rest, place),
            "wait" => self.pass(LineSpan::ms(rest.parse().expect("milliseconds"))),
            "between" => {
                let numbers: Vec<u64> = rest.split(' ').map(|word| word.parse().expect("milliseconds")).collect();
                self.between = Some((self.quiet, numbers[0], numbers[1]));
            }
            "=" => self.ended(rest, place),
            "pages" => {
                assert_eq!(self.machine.pages(), rest, "{}", self.told(place));
            }
            "peer" => {
                let (what, value) = rest.split_once(' ').expect("what and its value");
                let known = self.machine.known(what);
                assert_eq!(known.as_deref(), Some(value), "{}", self.told(place));
            }
            "note" => {
                assert!(self.machine.trace().iter().any(|line| line.contains(rest)), "{}", self.told(place));
            }
            _ => panic!("{place}: not understood"),
        }
    }

    fn told(&mut self, place: &str) -> String {
        format!("{place}, on the air at {}\n{}", self.front.now(), self.machine.trace().join("\n"))
    }

    /// A block each way.
    fn step(&mut self) {
        let [to_machine, to_tester] = self.blocks;
        let heard = carried(&mut self.lines[0], &to_machine, &to_tester);
        let told = carried(&mut self.lines[1], &to_tester, &to_machine);
        self.blocks[1] = self.machine.block(&heard);
        self.front.receive(&told);
        while let Some(event) = self.front.poll() {
            let at = event.at;
            let heard = match event.what {
                LineEvent::Tone(tone) => Heard::Tone(tone),
                LineEvent::CarrierUp(_) => Heard::Up,
                LineEvent::CarrierDown(_) => Heard::Down,
                LineEvent::Frame { carrier, octets, intact: true } => Heard::Frame(carrier, octets.to_vec()),
                LineEvent::Octets(octets) => Heard::Octets(octets.to_vec()),
                LineEvent::Sent => Heard::Sent,
                _ => continue,
            };
            if matches!(heard, Heard::Down | Heard::Sent) {
                self.quiet = at;
            }
            self.heard.push_back((heard, at));
        }
        while self.front.room() > 0 && !self.supply.is_empty() {
            let room = self.front.room();
            let (octets, cut) = self.supply.front_mut().expect("not empty");
            let count = room.min(octets.len());
            let whole = count == octets.len();
            self.front.supply(&octets[..count], if whole { *cut } else { Cut::More });
            octets.drain(..count);
            if whole {
                self.supply.pop_front();
            }
        }
        self.front.transmit(&mut self.blocks[0]);
    }

    fn pass(&mut self, span: LineSpan) {
        let until = self.front.now() + span;
        while self.front.now() < until {
            self.step();
        }
    }

    fn next(&mut self, place: &str) -> (Heard, LineTime) {
        let until = self.front.now() + PATIENCE;
        while self.heard.is_empty() {
            self.step();
            assert!(self.front.now() < until, "{}\nnothing is heard", self.told(place));
        }
        self.heard.pop_front().expect("not empty")
    }

    // What the tester says.

    fn say(&mut self, what: &str, place: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        match words[0] {
            "CED" => self.send(Signal::Ced, Vec::new(), place),
            "tcf" => {
                let carrier = self.agreed.expect("a DCS goes before");
                let (carrier, octets) = check(&words[1..], carrier);
                self.send_data(carrier, Framing::Raw, vec![octets], place);
            }
            "page" => {
                let octets = words::page(&words[1..], self.shortly().bit_rate());
                self.send_data(self.shortly(), Framing::Raw, vec![octets], place);
            }
            "block" | "block64" => self.send_block(&words, place),
            _ => {
                let bursts: Vec<&str> = what.split(';').map(str::trim).collect();
                let x = !self.machine.calls();
                let frames: Vec<Vec<u8>> =
                    (1..).zip(&bursts).map(|(n, text)| frame(text, x, n == bursts.len())).collect();
                frames.iter().for_each(|octets| self.note_agreed(octets));
                self.send_data(Carrier::V21, Framing::Hdlc, frames, place);
            }
        }
    }

    fn send_block(&mut self, words: &[&str], place: &str) {
        let some: Vec<u8> = words.iter().skip(3).map(|word| word.parse().expect("a frame")).collect();
        let size = if words[0] == "block" { FRAME_OCTETS } else { 64 };
        let count: usize = words[1].parse().expect("a number");
        let mut frames = Vec::new();
        for (number, data) in (0..=u8::MAX).zip(block_octets(count, size).chunks(size)) {
            let chosen = some.contains(&number);
            let mut frame = [&[0xff, 0x03, Fcf::Fcd.code(false), number][..], data].concat();
            let how = words.get(2).copied().unwrap_or("whole");
            match how {
                "cut" if chosen => frame.truncate(frame.len() - 1),
                "longer" if chosen => frame.push(0),
                "twice" if chosen => frames.push(frame.clone()),
                _ => {}
            }
            if !(how == "without" && chosen || how == "only" && !chosen) {
                frames.push(frame);
            }
        }
        let ends = if words.get(2) == Some(&"broken") { 0 } else { 3 };
        frames.extend(vec![vec![0xff, 0x03, Fcf::Rcp.code(false)]; ends]);
        self.send_data(self.shortly(), Framing::Hdlc, frames, place);
    }

    fn shortly(&self) -> Carrier {
        match self.agreed.expect("a DCS goes before") {
            Carrier::V17(rate, _) => Carrier::V17(rate, Train::Short),
            carrier => carrier,
        }
    }

    fn note_agreed(&mut self, octets: &[u8]) {
        if let Frame::Known(message) = Frame::parse(octets)
            && matches!(message.fcf, Fcf::Dcs | Fcf::Ctc)
        {
            self.agreed = carrier_of_rate_bits(BitField::read(message.field).value(Field::Rate)).or(self.agreed);
        }
    }

    fn send_data(&mut self, carrier: Carrier, framing: Framing, pieces: Vec<Vec<u8>>, place: &str) {
        let cut = if framing == Framing::Hdlc { Cut::Frame } else { Cut::More };
        let mut supply: Vec<(Vec<u8>, Cut)> = pieces.into_iter().map(|octets| (octets, cut)).collect();
        supply.last_mut().expect("a signal has octets").1 = Cut::Signal;
        self.send(Signal::Data { carrier, framing }, supply, place);
    }

    fn send(&mut self, signal: Signal, supply: Vec<(Vec<u8>, Cut)>, place: &str) {
        self.front.order(Order::Listen(Listen::Nothing));
        let at = (self.quiet + GAP).max(self.front.now());
        self.front.order(Order::Send { signal, at });
        self.supply = supply.into();
        while !matches!(self.next(place).0, Heard::Sent) {}
        self.heard.clear();
        self.front.order(Order::Listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc }));
    }

    // What it is to hear.

    fn hear(&mut self, expected: &str, place: &str) {
        let words: Vec<&str> = expected.split(' ').collect();
        match words[0] {
            "CNG" => self.hear_tone(Tone::Cng, place),
            "CED" => {
                self.hear_tone(Tone::Ced, place);
                self.front.order(Order::Listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc }));
            }
            "tcf" => {
                let octets = self.hear_raw(self.agreed.expect("a DCS goes before"), place);
                let rate = self.agreed.expect("still").bit_rate();
                assert_eq!(rate.to_string(), words[1], "{}", self.told(place));
                let zeros = octets.iter().filter(|octet| **octet == 0).count() * 8000 / rate as usize;
                assert!((1350..1650).contains(&zeros), "{}\n{zeros} ms of zeros", self.told(place));
            }
            "page" => {
                let octets = self.hear_raw(self.shortly(), place);
                assert!(octets.len() > 100, "{}\na page of {} octets", self.told(place), octets.len());
            }
            "block" => {
                let frames = self.hear_frames(self.shortly(), place);
                let count = frames.iter().filter(|octets| octets.get(2) == Some(&Fcf::Fcd.code(false))).count();
                assert!(count > 0, "{}\nno frames", self.told(place));
            }
            _ => self.hear_burst(expected, place),
        }
    }

    fn hear_tone(&mut self, tone: Tone, place: &str) {
        while !matches!(self.next(place).0, Heard::Tone(heard) if heard == tone) {}
    }

    fn hear_burst(&mut self, expected: &str, place: &str) {
        let frames = self.hear_frames(Carrier::V21, place);
        frames.iter().for_each(|octets| self.note_agreed(octets));
        let said: Vec<String> = frames.iter().map(|octets| Frame::parse(octets).to_string()).collect();
        let matches = said.len() == expected.split(';').count()
            && said.iter().zip(expected.split(';')).all(|(said, expected)| is_said(said, expected.trim()));
        assert!(matches, "{}\nit says: {}", self.told(place), said.join("; "));
    }

    /// The frames of a signal of that carrier.
    fn hear_frames(&mut self, carrier: Carrier, place: &str) -> Vec<Vec<u8>> {
        self.front.order(Order::Listen(Listen::To { carrier, framing: Framing::Hdlc }));
        let mut frames = Vec::new();
        loop {
            match self.next(place) {
                (Heard::Up, at) => self.check_between(at, place),
                (Heard::Frame(by, octets), _) if by == carrier => frames.push(octets),
                (Heard::Down, _) if !frames.is_empty() => return frames,
                _ => {}
            }
        }
    }

    fn check_between(&mut self, at: LineTime, place: &str) {
        let Some((since, least, most)) = self.between.take() else { return };
        // A carrier is told some milliseconds late.
        let after = at.since(since).as_ms();
        assert!((least.saturating_sub(20)..=most + 40).contains(&after), "{}\nafter {after} ms", self.told(place));
    }

    fn hear_raw(&mut self, carrier: Carrier, place: &str) -> Vec<u8> {
        self.front.order(Order::Listen(Listen::To { carrier, framing: Framing::Raw }));
        let mut heard = Vec::new();
        loop {
            match self.next(place).0 {
                Heard::Octets(octets) => heard.extend(octets),
                Heard::Down if !heard.is_empty() => return heard,
                _ => {}
            }
        }
    }

    fn ended(&mut self, expected: &str, place: &str) {
        let until = self.front.now() + PATIENCE;
        while !self.machine.is_over() && self.front.now() < until {
            self.step();
        }
        assert_eq!(self.machine.outcome(), expected, "{}", self.told(place));
    }
}

/// A training check as scripts have it: the carrier it is by and its octets.
fn check(words: &[&str], carrier: Carrier) -> (Carrier, Vec<u8>) {
    let rate = carrier.bit_rate() as usize;
    let number = || words.get(1).map(|word| word.parse::<usize>().expect("milliseconds"));
    let zeros = |ms: usize| vec![0; rate * ms / 8000];
    match words.first() {
        Some(&"for") => (carrier, zeros(number().expect("milliseconds"))),
        Some(&"bad") => {
            let mut octets = zeros(1500);
            let until = number().map_or(octets.len(), |ms| rate * ms / 8000);
            octets[..until].fill(0x55);
            (carrier, octets)
        }
        Some(&"another") => {
            let slow = carrier_of_rate_bits(0).expect("V.27ter at 2400");
            let other = if carrier == slow { carrier_of_rate_bits(0b1000).expect("V.29") } else { slow };
            (other, vec![0; other.bit_rate() as usize * 1500 / 8000])
        }
        _ => (carrier, zeros(1500)),
    }
}
