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
    bits::{BitQueue, BitRun},
    channel::{Channel, Impairments},
    fsk::{self, FskDemodulator, FskModulator},
    modem::{Demodulator, Modulator, Protection, Receiver, Transmitter, plans, prbs::Prbs},
    pcm::{BLOCK_SAMPLES, Block, SILENCE},
    units::Dbm0,
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::Modems,
    seam::{Carrier, Cut, Framing, FrontEnd, LineEvent, Listen, Order, Signal, Train, V17Rate, V27terRate, V29Rate},
    session::{Config, Document, Limits, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

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
    let v17 = [V17Rate::R7200, V17Rate::R9600, V17Rate::R12000, V17Rate::R14400];
    let v29 = [V29Rate::R4800, V29Rate::R7200, V29Rate::R9600].map(Carrier::V29);
    let v27ter = [V27terRate::R2400, V27terRate::R4800].map(Carrier::V27ter);
    let fast = v17.map(|rate| Carrier::V17(rate, Train::Long)).into_iter().chain(v29).chain(v27ter);
    let framings = [Framing::Hdlc, Framing::Raw].into_iter().cycle();
    let carriers: Vec<_> = fast.zip(framings).chain([(Carrier::V21, Framing::Hdlc)]).collect();
    for (carrier, framing) in carriers {
        let allocations = allocations(|| {
            let mut sender = AudioFrontEnd::new(AudioConfig::default());
            let mut receiver = AudioFrontEnd::new(AudioConfig::default());
            sender.order(Order::Send { signal: Signal::Data { carrier, framing }, at: LineTime(100) });
            receiver.order(Order::Listen(Listen::To { carrier, framing }));
            let region = Region::new(ALLOCATOR);
            let octets = (0..MINUTE).map(|_| pass_block(&mut sender, &mut receiver)).sum::<usize>();
            let allocated = region.change();
            assert!(octets > carrier.bit_rate() as usize * 5, "{octets} octets of {carrier:?} came in a minute");
            allocated
        });
        assert_eq!(allocations, 0, "{carrier:?}");
    }
}

/// The fewest allocations of three runs: the harness allocates, too, when tests begin and end, but not each time.
fn allocations(mut run: impl FnMut() -> Stats) -> usize {
    let runs = (0..3).map(|_| run()).map(|allocated| allocated.allocations + allocated.reallocations);
    let mut least = usize::MAX;
    for count in runs {
        least = least.min(count);
        if least == 0 {
            break;
        }
    }
    least
}

#[test]
fn nothing_that_happens_to_a_line_makes_a_modem_allocate() {
    let _turn = TURN.lock();
    let (mut queue, mut run) = (BitQueue::with_room(512), BitRun::with_room(1024));
    for plan in plans() {
        let allocations = allocations(|| {
            let mut transmitter = Transmitter::new(plan, Dbm0(-14.0), Protection::TalkerEcho);
            let mut receiver = Receiver::new(plan);
            let busy = |block: usize| !matches!(block, 570..580 | 900..1000);
            let region = Region::new(ALLOCATOR);
            let bits = exchange((&mut queue, &mut run), &mut transmitter, &mut receiver, busy);
            let allocated = region.change();
            assert!(bits > plan.bit_rate.0 as usize * 4, "{bits} bits of {}", plan.name);
            allocated
        });
        assert_eq!(allocations, 0, "{}", plan.name);
    }
    for spec in fsk::ALL {
        let allocations = allocations(|| {
            let (mut modulator, mut demodulator) = (FskModulator::new(&spec, Dbm0(-14.0)), FskDemodulator::new(&spec));
            let region = Region::new(ALLOCATOR);
            let bits = exchange((&mut queue, &mut run), &mut modulator, &mut demodulator, |_| true);
            let allocated = region.change();
            assert!(bits as f32 > spec.rate.0 * 8.0, "{bits} bits by {}", spec.source);
            allocated
        });
        assert_eq!(allocations, 0, "{}", spec.source);
    }
}

/// Twelve seconds from a modem to another, with slips, packets lost and told, and pauses in between; the bits that came.
fn exchange(
    (queue, run): (&mut BitQueue, &mut BitRun),
    modulator: &mut dyn Modulator,
    demodulator: &mut dyn Demodulator,
    busy: impl Fn(usize) -> bool,
) -> usize {
    let mut prbs = Prbs::new(1);
    let mut heard = 0;
    for block in 0..1200 {
        while queue.room() > 0 {
            queue.push(prbs.next().expect("the pattern has no end"));
        }
        let mut samples = [0.0; BLOCK_SAMPLES];
        if busy(block) {
            modulator.run(queue, &mut samples);
        }
        run.clear();
        match block % 100 {
            50 => demodulator.coast(BLOCK_SAMPLES, run),
            70 => demodulator.run(&samples[1..], run),
            _ => demodulator.run(&samples, run),
        }
        heard += run.bits().len();
    }
    heard
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
