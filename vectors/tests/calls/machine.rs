//! A session whose line is a script.

use std::sync::Arc;

use answertone_t30::{
    frame::{BitField, Fcf, Field, Frame, Ident, Modems, PartialPage, PostMessage, RATES, rate_bits_of_modems},
    image::{Bitmap, Coding, Eols, Page, Resolution, RowEncoding, encode},
    seam::{Carrier, Cut, Evm, Framing, LineEvent, Listen, Order, Signal, Stamped, Tone},
    session::{Config, Document, Limits, Outcome, Output, Refused, Report, Session},
    time::{LineSpan, LineTime},
};

/// The silence before everything that is heard.
const GAP: LineSpan = LineSpan::ms(80);

/// It is to say something within this long.
const PATIENCE: LineSpan = LineSpan::ms(130_000);

/// Octets of an ECM frame in scripts.
const FRAME_OCTETS: usize = 256;

/// A fax machine, and what it wants to send.
pub(crate) struct Machine {
    session: Session,
    now: LineTime,
    listen: Listen,
    due: Option<LineTime>,
    wants: Option<(Signal, LineTime)>,
    hung_up: bool,
    transcript: Vec<String>,
}

impl Machine {
    pub(crate) fn new(calling: bool, settings: &str) -> Self {
        let now = LineTime::ZERO;
        let (config, documents) = configure(settings);
        let config = Arc::new(config);
        let mut documents = documents.into_iter();
        let session = match calling {
            true => Session::calling(config, documents.next().unwrap_or_default(), now),
            false => Session::answering(config, now),
        };
        let session = documents.fold(session, Session::then_sending);
        let (listen, transcript) = (Listen::Nothing, Vec::new());
        let mut machine = Self { session, now, listen, due: None, wants: None, hung_up: false, transcript };
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
            "tcf" => {
                let octets = self.carrier().bit_rate() as usize * 3 / 16;
                self.hear_raw(&vec![0; octets], place);
            }
            "page" => {
                let (bad, run) = match words.get(2) {
                    Some(&"bad") => (number(3), 0),
                    Some(&"run") => (0, number(3)),
                    _ => (0, 0),
                };
                self.hear_raw(&page_octets(number(1), |row| row < run || (row % 2 == 1 && row < bad * 2)), place);
            }
            "block" => {
                let without = words.iter().skip(3).map(|word| word.parse().expect("a frame")).collect::<Vec<u8>>();
                self.hear_block(number(1), &without, place);
            }
            _ => self.hear_frames(what, place),
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
        self.event(LineEvent::Octets(octets));
        self.event(LineEvent::CarrierDown(carrier));
    }

    fn hear_block(&mut self, frames: usize, without: &[u8], place: &str) {
        let carrier = self.fast(Framing::Hdlc, place);
        let octets = block_octets(frames);
        for (number, data) in (0..).zip(octets.chunks(FRAME_OCTETS)) {
            let mut frame = vec![0xff, 0x03, Fcf::Fcd.code(false), number];
            frame.extend_from_slice(data);
            self.event(LineEvent::Frame { carrier, octets: &frame, intact: !without.contains(&number) });
        }
        self.event(LineEvent::Frame { carrier, octets: &[0xff, 0x03, Fcf::Rcp.code(false)], intact: true });
        self.event(LineEvent::CarrierDown(carrier));
    }

    fn hear_frames(&mut self, burst: &str, place: &str) {
        let x = !self.session.is_caller();
        let frames: Vec<&str> = burst.split(';').map(str::trim).collect();
        self.event(LineEvent::CarrierUp(Carrier::V21));
        self.wait(self.now + LineSpan::ms(1000), place);
        for (number, text) in frames.iter().enumerate() {
            let intact = !text.starts_with('!');
            let octets = frame(text.trim_start_matches('!'), x, number + 1 == frames.len());
            self.wait(self.now + LineSpan::ms(octets.len() as u64 * 8 * 10 / 3), place);
            self.event(LineEvent::Frame { carrier: Carrier::V21, octets: &octets, intact });
        }
        self.event(LineEvent::CarrierDown(Carrier::V21));
    }

    // What it is to say.

    fn say(&mut self, expected: &str, place: &str) {
        self.pass(self.now + PATIENCE);
        let Some((signal, at)) = self.wants.take() else { panic!("{}\nit says nothing", self.told(place)) };
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
            (Carrier::V21, _) => frames.iter().map(|octets| Frame::parse(octets).to_string()).collect(),
            (_, Framing::Hdlc) => vec![format!("block {}", frames.iter().filter(|frame| frame[2] == fcd).count())],
            _ if frames[0].iter().all(|octet| *octet == 0) => vec![format!("tcf {}", carrier.bit_rate())],
            _ => vec!["page".into()],
        };
        (said, took)
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
                Cut::More => {}
            }
        }
    }

    // How it ends.

    fn ended(&mut self, expected: &str, place: &str) {
        self.drain();
        self.pass(self.now + PATIENCE);
        assert!(self.wants.is_none(), "{}\nit speaks: {:?}", self.told(place), self.wants);
        let outcome = match &self.report().outcome {
            None => "not over".to_owned(),
            Some(Outcome::Completed) => "completed".to_owned(),
            Some(Outcome::Failed(failure)) => {
                let timer = failure.timer.map_or(String::new(), |timer| format!(" {}", timer.name()));
                format!("failed {}{timer}", failure.cause.name())
            }
        };
        assert_eq!(outcome, expected, "{}", self.told(place));
        assert!(self.hung_up, "{}\nit has not hung up", self.told(place));
    }

    fn peer(&self, expected: &str, place: &str) {
        let (what, value) = expected.split_once(' ').expect("what and its value");
        let peer = &self.report().peer;
        let hexadecimal =
            |octets: &Vec<u8>| octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ");
        let known = match what {
            "ident" => peer.ident.clone(),
            "sub" => peer.sub.clone(),
            "pwd" => peer.pwd.clone(),
            "sid" => peer.sid.clone(),
            "sep" => peer.sep.clone(),
            "psa" => peer.psa.clone(),
            "address" => peer.internet_address.clone(),
            "route" => peer.routing_address.clone(),
            "nsf" => peer.nsf.as_ref().map(hexadecimal),
            "fnv" => peer.not_valid.as_ref().map(hexadecimal),
            _ => panic!("{place}: {what} is not known of a machine"),
        };
        assert_eq!(known.as_deref(), Some(value), "{}", self.told(place));
    }
}

/// Whether the frame is the one expected: its name, and then words that its description holds.
fn is_said(said: &str, expected: &str) -> bool {
    let (name, words) = expected.split_once(' ').unwrap_or((expected, ""));
    let (said_name, description) = said.split_once(' ').unwrap_or((said, ""));
    name == said_name && words.split(',').all(|words| description.contains(words.trim()))
}

/// Settings and documents of a role line.
fn configure(settings: &str) -> (Config, Vec<Document>) {
    let (mut config, mut limits) =
        (Config { modems: Modems::V27TER | Modems::V29, ..Config::default() }, Limits::default());
    let mut documents = Vec::new();
    for setting in settings.split_whitespace() {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let text = || Some(value.to_owned());
        let number = || value.parse().expect("a number");
        match key {
            "ecm" => config.ecm = value == "on",
            "ident" => config.ident = value.to_owned(),
            "sub" => config.sub = text(),
            "pwd" => config.pwd = text(),
            "sid" => config.sid = text(),
            "sep" => config.sep = text(),
            "psa" => config.psa = text(),
            "expect-pwd" => config.expect_pwd = text(),
            "nsf" => config.nsf = Some(octets_of(value)),
            "nss" => config.nss = Some(octets_of(value)),
            "nsc" => config.nsc = Some(octets_of(value)),
            "poll" => config.poll = true,
            "crp" => config.ask_again = true,
            "only-polled" => config.receives = false,
            "take-refused" => config.refused = Refused::TakeAsDelivered,
            "resends" => limits.page_resends = number() as u32,
            "max-pages" => limits.pages = Some(number()),
            "pages" | "then" => documents.push(document(number())),
            _ => panic!("{setting} is not a setting of scripts"),
        }
    }
    config.limits = limits;
    (config, documents)
}

fn document(pages: usize) -> Document {
    let page = || Arc::new(Page { bitmap: Bitmap::white(1728, 40), resolution: Resolution::Fine });
    Document { pages: (0..pages).map(|_| page()).collect(), first: 0 }
}

fn octets_of(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits")).collect()
}

/// A frame from its words: a name, then bits for DIS, DTC and DCS, text for identities, numbers for PPS, else octets.
fn frame(text: &str, x: bool, last: bool) -> Vec<u8> {
    let (name, words) = text.split_once(' ').unwrap_or((text, ""));
    let (name, then) = match name.split_once('-') {
        Some((first @ ("PPS" | "EOR"), then)) => (first, Some(then)),
        _ => (name, None),
    };
    let fcf = *Fcf::ALL.iter().find(|fcf| fcf.name() == name).unwrap_or_else(|| panic!("{name} is no frame"));
    let post = |then| {
        [PostMessage::Null, PostMessage::Mps, PostMessage::Eom, PostMessage::Eop, PostMessage::PriEop]
            .into_iter()
            .find(|post| post.to_string() == then)
            .expect("what follows")
    };
    let field = match (fcf, then) {
        (Fcf::Dis | Fcf::Dtc | Fcf::Dcs | Fcf::Ctc, _) => bits(words, fcf),
        (Fcf::Pps, Some(then)) => {
            let numbers: Vec<u16> = words.split(' ').map(|word| word.parse().expect("a number")).collect();
            let (page, block, frames) = (numbers[0] as u8, numbers[1] as u8, numbers[2]);
            PartialPage { then: post(then), page, block, frames }.field().to_vec()
        }
        (Fcf::Eor, Some(then)) => vec![post(then).code()],
        (Fcf::Ppr, _) => {
            let mut map = vec![0; 32];
            words
                .split(' ')
                .map(|word| word.parse::<usize>().expect("a frame"))
                .for_each(|n| map[n / 8] |= 1 << (n % 8));
            map
        }
        _ if words.starts_with('"') => Ident::new(words.trim_matches('"')).field().to_vec(),
        _ => octets_of(&words.replace(' ', "")),
    };
    let mut octets = vec![0xff, if last { 0x13 } else { 0x03 }, fcf.code(x)];
    octets.extend(field);
    octets
}

/// Bits of DIS, DTC or DCS by the words for them.
fn bits(words: &str, fcf: Fcf) -> Vec<u8> {
    let mut bits = BitField::new();
    let mut modems = Modems::V27TER_2400;
    for word in words.split_whitespace() {
        match word {
            "v27ter" => modems = modems | Modems::V27TER,
            "v29" => modems = modems | Modems::V29 | Modems::V27TER,
            "v17" => modems = Modems::ALL,
            number if number.len() > 3 && number.starts_with(|digit: char| digit.is_ascii_digit()) => {
                let rate: u32 = number.parse().expect("a bit rate");
                let row = RATES.iter().rev().find(|row| row.carrier.bit_rate() == rate).expect("a rate of T.30");
                let value = answertone_t30::frame::rate_bits_of_carrier(row.carrier).expect("a rate of DCS");
                bits.set_value(Field::Rate, value);
            }
            "ecm" => bits.set(27),
            "fine" => bits.set(15),
            "receives" => bits.set(10),
            "document" => bits.set(9),
            number => bits.set(number.parse().expect("a bit")),
        }
    }
    if matches!(fcf, Fcf::Dis | Fcf::Dtc) {
        bits.set_value(Field::Rate, rate_bits_of_modems(modems));
    }
    let len = if fcf == Fcf::Ctc { 2 } else { bits.octets().len() };
    bits.octets()[..len].to_vec()
}

/// A white page in MH, row by row; a bad row is too short.
fn page_octets(rows: usize, is_bad: impl Fn(usize) -> bool) -> Vec<u8> {
    let row = |row: usize| {
        let encoding = RowEncoding {
            coding: Coding::Mh,
            k: 1,
            min_row_bits: 0,
            eols: Eols::OctetAligned,
            return_to_control: row + 1 == rows,
        };
        encode(&Bitmap::white(if is_bad(row) { 64 } else { 1728 }, 1), encoding)
    };
    (0..rows).flat_map(row).collect()
}

/// A page that fills so many frames.
fn block_octets(frames: usize) -> Vec<u8> {
    let room = frames * FRAME_OCTETS;
    let one = page_octets(2, |_| false).len() - page_octets(1, |_| false).len();
    let tail = page_octets(1, |_| false).len();
    let mut octets = page_octets((room - tail) / one + 1, |_| false);
    assert!(octets.len() <= room && octets.len() > room - FRAME_OCTETS, "a page of {} octets", octets.len());
    octets.resize(room, 0);
    octets
}
