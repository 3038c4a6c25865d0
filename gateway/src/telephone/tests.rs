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
    Exchange, Pace,
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

#[test]
fn a_call_is_answered_after_its_rings_with_the_callers_number() {
    for standard in [Standard::Bellcore, Standard::Etsi] {
        let id = CallerId { number: Some("5550100".into()), ..CallerId::default() };
        let sent = CallerIdSender::new(&Message::multiple(&id), standard, Occasion::On, Dbm0(-14.0)).samples();
        let mut says = vec![0; 3 * 8000];
        let mut narrowed = vec![0; sent.len()];
        narrow(&sent, &mut narrowed);
        says.extend(narrowed);
        let mut exchange = TelephoneExchange::new(says);
        exchange.rings = vec![100..300, 700..900];
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
