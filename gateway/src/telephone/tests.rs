use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use answertone_dsp::{
    callerid::{CallerId, CallerIdSender, Hook as Occasion, Message, Standard},
    pcm::{BLOCK_SAMPLES, narrow, widen},
    tone::{
        dtmf_detector::DtmfDetector,
        progress::{ProgressKind, ProgressTone},
    },
    units::Dbm0,
};
use answertone_hw::{
    Exchange, Line, LineUri, Pace, PolledLine,
    dahdi::{Channel, ChannelEvent, DahdiLine, Hook as Position, Moved},
    hook::{Hook, Signals},
};

use super::*;

/// What the exchange saw of the loop: off hook or not, block by block.
#[derive(Clone, Default)]
struct Loop(Arc<Mutex<LoopState>>);

#[derive(Default)]
struct LoopState {
    closed: bool,
    rings: bool,
}

impl Hook for Loop {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        self.0.lock().unwrap().closed = off_hook;
        Ok(())
    }

    fn poll(&mut self) -> io::Result<Signals> {
        Ok(Signals { ringing: Some(self.0.lock().unwrap().rings), lifted: None })
    }
}

/// A telephone exchange that says what it is told to and writes down what it hears.
struct TelephoneExchange {
    hook: Loop,
    says: VecDeque<i16>,
    /// Blocks in which it rings.
    rings: Vec<std::ops::Range<usize>>,
    block: usize,
    heard: Vec<f32>,
    closed: Vec<bool>,
}

impl TelephoneExchange {
    fn new(says: Vec<i16>) -> Self {
        let hook = Loop::default();
        Self { hook, says: says.into(), rings: vec![], block: 0, heard: vec![], closed: vec![] }
    }

    fn digits(&self) -> String {
        let mut digits = String::new();
        // A digit is told when it begins and when it ends.
        DtmfDetector::new().run(&self.heard, |digit| digits.extend(digit.end.is_some().then_some(digit.digit)));
        digits
    }

    /// Lengths in blocks of the times the loop was open after it was first closed, and of those in between.
    fn breaks(&self) -> Vec<(bool, usize)> {
        let mut spans: Vec<(bool, usize)> = vec![];
        for closed in &self.closed {
            match spans.last_mut() {
                Some((before, length)) if before == closed => *length += 1,
                _ => spans.push((*closed, 1)),
            }
        }
        spans
    }
}

impl PcmLine for TelephoneExchange {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(tx, &mut samples);
        self.heard.extend(samples);
        rx.iter_mut().for_each(|sample| *sample = self.says.pop_front().unwrap_or(0));
        let mut state = self.hook.0.lock().unwrap();
        self.closed.push(state.closed);
        state.rings = self.rings.iter().any(|ring| ring.contains(&self.block));
        self.block += 1;
        Ok(Exchange::default())
    }

    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn hang_up(&mut self) {}

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        Some(&mut self.hook)
    }
}

fn tone(country: &str, kind: ProgressKind, samples: usize) -> Vec<i16> {
    let tone = ProgressTone::find(country, kind).unwrap().samples(samples);
    let mut narrowed = vec![0; samples];
    narrow(&tone, &mut narrowed);
    narrowed
}

fn dialled(exchange: &mut TelephoneExchange, what: &str) -> Result<(), NoCall> {
    dial(exchange, &what.parse().unwrap(), "us", &mut || false)
}

#[test]
fn digits_follow_the_dial_tone() {
    let mut exchange = TelephoneExchange::new(tone("us", ProgressKind::Dial, 8 * 8000));
    dialled(&mut exchange, "W555-0123*#").unwrap();
    assert_eq!(exchange.digits(), "5550123*#");
    let first = exchange.heard.iter().position(|sample| *sample != 0.0).unwrap();
    assert!(first > 8000, "dialled at sample {first}");
}

#[test]
fn without_a_dial_tone_nothing_is_dialled_unless_blindly() {
    let mut exchange = TelephoneExchange::new(vec![]);
    assert!(matches!(dialled(&mut exchange, "W1"), Err(NoCall::NoDialTone(_))));
    assert_eq!(exchange.digits(), "");
    dialled(&mut exchange, "1,2").unwrap();
    assert_eq!(exchange.digits(), "12");
    let mut busy = TelephoneExchange::new(tone("us", ProgressKind::Busy, 8 * 8000));
    assert!(matches!(dialled(&mut busy, "W1"), Err(NoCall::Refused(Instead::Busy))));
}

#[test]
fn pulses_and_flashes_open_the_loop() {
    let mut exchange = TelephoneExchange::new(vec![]);
    dialled(&mut exchange, "P30!T5").unwrap();
    let opened: Vec<usize> =
        exchange.breaks().iter().filter(|(closed, _)| !closed).map(|(_, blocks)| *blocks).collect();
    let expected: Vec<usize> = [6; 13].into_iter().chain([30]).collect();
    assert_eq!(opened, expected, "{:?}", exchange.breaks());
    assert_eq!(exchange.digits(), "5");
}

#[test]
fn what_is_no_sign_is_refused_by_name() {
    let error = "0x1".parse::<DialString>().unwrap_err().to_string();
    assert!(error.starts_with("'x' cannot be dialled; write digits"), "{error}");
}

/// An exchange that rings twice and says between the rings who calls.
fn ringing(standard: Standard) -> TelephoneExchange {
    let id = CallerId { number: Some("5550100".into()), ..CallerId::default() };
    let sent = CallerIdSender::new(&Message::multiple(&id), standard, Occasion::On, Dbm0(-14.0)).samples();
    let mut says = vec![0; 3 * 8000];
    let mut narrowed = vec![0; sent.len()];
    narrow(&sent, &mut narrowed);
    says.extend(narrowed);
    let mut exchange = TelephoneExchange::new(says);
    exchange.rings = vec![100..300, 700..900];
    exchange
}

#[test]
fn the_gateways_line_is_answered_when_it_rings_and_knows_who_calls() {
    let exchange = ringing(Standard::Bellcore);
    let hook = exchange.hook.clone();
    let (_, number) = rung(Line::Own(Box::new(exchange)), &mut || false).unwrap();
    assert_eq!(number.as_deref(), Some("5550100"));
    assert!(hook.0.lock().unwrap().closed);
    let stopped = rung(Line::Own(Box::new(ringing(Standard::Etsi))), &mut || true);
    assert!(matches!(stopped, Err(NoCall::Cancelled)));
}

#[test]
fn a_call_is_answered_after_its_rings_with_the_callers_number() {
    for standard in [Standard::Bellcore, Standard::Etsi] {
        let mut exchange = ringing(standard);
        let rings = await_ring(&mut exchange, 2, &mut || false).unwrap();
        assert_eq!(rings.count, 2);
        assert_eq!(rings.caller.and_then(|caller| caller.number).as_deref(), Some("5550100"));
        assert!((700..705).contains(&exchange.block), "{}", exchange.block);
        assert!(exchange.hook.0.lock().unwrap().closed);
    }
}

#[test]
fn a_caller_who_gave_up_does_not_count() {
    let mut exchange = TelephoneExchange::new(vec![]);
    exchange.rings = vec![100..200, 1500..1600];
    let mut blocks = 0;
    let ended = await_ring(&mut exchange, 2, &mut || {
        blocks += 1;
        blocks > 3000
    });
    assert!(matches!(ended, Err(NoCall::Cancelled)));
}

/// A telephone card's channel to an exchange: 16-bit samples, rings as events.
#[derive(Clone)]
struct Card(Arc<Mutex<CardState>>);

struct CardState {
    exchange: TelephoneExchange,
    sent: Block,
    ready: VecDeque<u8>,
    events: VecDeque<ChannelEvent>,
    rings: bool,
    by_driver: Vec<String>,
}

impl CardState {
    fn block(&mut self) {
        let mut rx = SILENCE;
        self.exchange.exchange(&self.sent, &mut rx).unwrap();
        self.ready.extend(rx.iter().flat_map(|sample| sample.to_ne_bytes()));
        let rings = self.exchange.hook.0.lock().unwrap().rings;
        if rings != std::mem::replace(&mut self.rings, rings) {
            self.events.push_back(if rings { ChannelEvent::RingBegins } else { ChannelEvent::RingOrOffHook });
        }
    }
}

impl Channel for Card {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<Moved> {
        let mut card = self.0.lock().unwrap();
        if !card.events.is_empty() {
            return Ok(Moved::EventWaits);
        }
        if card.ready.is_empty() {
            card.block();
        }
        let count = octets.len().min(card.ready.len());
        octets.iter_mut().zip(card.ready.drain(..count)).for_each(|(to, octet)| *to = octet);
        Ok(Moved::Octets(count))
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<Moved> {
        let samples = octets.chunks_exact(2).map(|pair| i16::from_ne_bytes([pair[0], pair[1]]));
        self.0.lock().unwrap().sent.iter_mut().zip(samples).for_each(|(to, sample)| *to = sample);
        Ok(Moved::Octets(octets.len()))
    }

    fn event(&mut self) -> io::Result<Option<ChannelEvent>> {
        Ok(self.0.lock().unwrap().events.pop_front())
    }

    fn hook(&mut self, position: Position) -> io::Result<()> {
        let mut card = self.0.lock().unwrap();
        match position {
            Position::Flash => card.by_driver.push("flash".into()),
            set => card.exchange.hook.set(set == Position::Off)?,
        }
        Ok(())
    }

    fn dial(&mut self, what: &str) -> io::Result<()> {
        self.0.lock().unwrap().by_driver.push(what.into());
        Ok(())
    }
}

/// A polled line whose time passes as fast as it is asked.
struct Asked<L>(L);

impl<L: PolledLine> PcmLine for Asked<L> {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        loop {
            let now = self.0.due();
            if let Some(exchange) = self.0.try_exchange(now, tx, rx)? {
                return Ok(exchange);
            }
        }
    }

    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn hang_up(&mut self) {
        self.0.hang_up();
    }

    fn hook(&mut self) -> Option<&mut dyn Hook> {
        self.0.hook()
    }
}

fn card(exchange: TelephoneExchange) -> (Asked<DahdiLine<Card>>, Card) {
    let (events, by_driver) = (VecDeque::new(), vec![]);
    let state = CardState { exchange, sent: SILENCE, ready: VecDeque::new(), events, rings: false, by_driver };
    let card = Card(Arc::new(Mutex::new(state)));
    let Ok(LineUri::Dahdi(params)) = "dahdi:1".parse() else { panic!("a channel is a line") };
    (Asked(DahdiLine::new(card.clone(), &params)), card)
}

#[test]
fn a_channel_of_a_card_dials_by_tone_itself_and_by_pulse_and_flash_through_its_driver() {
    let (mut line, card) = card(TelephoneExchange::new(tone("us", ProgressKind::Dial, 8 * 8000)));
    dial(&mut line, &"W5550123!P70".parse().unwrap(), "us", &mut || false).unwrap();
    let state = card.0.lock().unwrap();
    assert_eq!(state.exchange.digits(), "5550123");
    assert_eq!(state.by_driver, ["flash", "P7", "P0"]);
    assert!(state.exchange.hook.0.lock().unwrap().closed);
    drop(state);
    line.hang_up();
    assert!(!card.0.lock().unwrap().exchange.hook.0.lock().unwrap().closed);
}

#[test]
fn a_channel_of_a_card_hears_rings_and_who_calls_on_hook() {
    let (mut line, card) = card(ringing(Standard::Bellcore));
    let rings = await_ring(&mut line, 2, &mut || false).unwrap();
    assert_eq!((rings.count, rings.caller.and_then(|caller| caller.number).as_deref()), (2, Some("5550100")));
    assert!(card.0.lock().unwrap().exchange.hook.0.lock().unwrap().closed);
}
