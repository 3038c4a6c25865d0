//! What the blocks of a call allocate once the call is set up: the front end nothing at all, the session only the page.
//!
//! A session's blocks are held to this: none allocates but those in which it gives an order or has an event (a few to
//! a page, counted and told), the first of a page, and those in which a page being received outgrows its storage, which
//! doubles each time.

use std::{
    alloc::System,
    sync::{Arc, Mutex},
};

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::{Block, SILENCE},
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::Modems,
    seam::{Carrier, Cut, Framing, FrontEnd, LineEvent, Listen, Order, Signal, Train, V17Rate, V27terRate, V29Rate},
    session::{Config, Document, Limits, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// The allocator counts for the whole process, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Blocks that a minute has.
const MINUTE: usize = 6000;

/// Allocations with which a page's encoding begins.
const TO_BEGIN_A_PAGE: usize = 8;

/// Allocations with which a page's decoding begins, and the doublings of its storage from a row to a megabyte.
const TO_STORE_A_PAGE: usize = 32;

/// What the blocks of one end did.
#[derive(Debug, Default)]
struct Tally {
    quiet_blocks: usize,
    quiet_allocations: usize,
    busy_blocks: usize,
}

impl Tally {
    /// Runs a block and counts what it allocated.
    fn block(&mut self, end: &mut End, rx: &Block) -> Block {
        let before = (end.session.progress().phase, end.orders, end.pages.len());
        let region = Region::new(ALLOCATOR);
        let tx = end.block(rx);
        let allocated = region.change();
        let after = (end.session.progress().phase, end.orders, end.pages.len());
        if before == after {
            self.quiet_blocks += 1;
            self.quiet_allocations += allocated.allocations + allocated.reallocations;
        } else {
            self.busy_blocks += 1;
        }
        tx
    }
}

#[test]
fn a_minute_of_call_allocates_its_pages_only() {
    let _turn = TURN.lock();
    for (ecm, modems) in [(false, Modems::V27TER), (true, Modems::V27TER | Modems::V29), (true, Modems::ALL)] {
        let limits = Limits { trace_lines: 0, ..Limits::default() };
        let config = Arc::new(Config { ecm, modems, limits, ..Config::default() });
        let pages = (0..12).map(page).collect();
        let mut caller = End::new(Session::calling(Arc::clone(&config), Document { pages, first: 0 }, LineTime::ZERO));
        let mut answerer = End::new(Session::answering(config, LineTime::ZERO));
        let [sending, receiving] = tallies(&mut caller, &mut answerer);
        println!("ECM {ecm}: caller {sending:?}, answerer {receiving:?}");
        for (tally, per_page) in [(sending, TO_BEGIN_A_PAGE), (receiving, TO_STORE_A_PAGE)] {
            let most = per_page * (answerer.pages.len() + 1);
            assert!(tally.quiet_allocations <= most, "{} allocations, {most} are known", tally.quiet_allocations);
            assert!(tally.quiet_blocks >= MINUTE * 9 / 10, "{} quiet blocks only", tally.quiet_blocks);
        }
    }
}

/// What a minute after the set-up did at the caller and at the answerer.
fn tallies(caller: &mut End, answerer: &mut End) -> [Tally; 2] {
    let mut lines = [Channel::new(&Impairments::default(), 1), Channel::new(&Impairments::default(), 2)];
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    let mut tallies = [Tally::default(), Tally::default()];
    let mut blocks = 0;
    while blocks < MINUTE {
        let to_caller = carried(&mut lines[0], &from_answerer, &from_caller);
        let to_answerer = carried(&mut lines[1], &from_caller, &from_answerer);
        if set_up(caller) && set_up(answerer) {
            from_caller = tallies[0].block(caller, &to_caller);
            from_answerer = tallies[1].block(answerer, &to_answerer);
            blocks += 1;
        } else {
            from_caller = caller.block(&to_caller);
            from_answerer = answerer.block(&to_answerer);
        }
        assert_eq!(caller.outcome.as_ref().or(answerer.outcome.as_ref()), None::<&Outcome>, "the call is too short");
    }
    tallies
}

/// Terms are agreed and a page is, or was, on the line.
fn set_up(end: &End) -> bool {
    let progress = end.session.progress();
    progress.carrier.is_some() && progress.page > 0
}

#[test]
fn a_minute_of_signals_allocates_nothing_in_the_front_ends() {
    let _turn = TURN.lock();
    let carriers = [
        (Carrier::V21, Framing::Hdlc),
        (Carrier::V27ter(V27terRate::R4800), Framing::Raw),
        (Carrier::V29(V29Rate::R9600), Framing::Hdlc),
        (Carrier::V17(V17Rate::R14400, Train::Long), Framing::Hdlc),
    ];
    for (carrier, framing) in carriers {
        let mut sender = AudioFrontEnd::new(AudioConfig::default());
        let mut receiver = AudioFrontEnd::new(AudioConfig::default());
        sender.order(Order::Send { signal: Signal::Data { carrier, framing }, at: LineTime(100) });
        receiver.order(Order::Listen(Listen::To { carrier, framing }));
        let region = Region::new(ALLOCATOR);
        let octets = (0..MINUTE).map(|_| pass_block(&mut sender, &mut receiver)).sum::<usize>();
        let allocated = region.change();
        println!("{carrier:?}: {octets} octets came, {} allocations", allocated.allocations);
        assert!(octets > carrier.bit_rate() as usize * 5, "{octets} octets of {carrier:?} came in a minute");
        assert_eq!(allocated.allocations + allocated.reallocations, 0, "{carrier:?}");
    }
}

/// A block from one front end to another; octets that arrived undamaged.
fn pass_block(sender: &mut AudioFrontEnd, receiver: &mut AudioFrontEnd) -> usize {
    let mut block = SILENCE;
    sender.receive(&SILENCE);
    while sender.poll().is_some() {}
    while sender.room() > 0 {
        sender.supply(&[0x5a; 200], Cut::Frame);
    }
    sender.transmit(&mut block);
    receiver.receive(&block);
    let mut octets = 0;
    while let Some(event) = receiver.poll() {
        octets += match event.what {
            LineEvent::Octets(more) | LineEvent::Frame { octets: more, intact: true, .. } => more.len(),
            _ => 0,
        };
    }
    octets
}
