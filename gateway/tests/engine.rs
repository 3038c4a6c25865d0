//! Many calls on one thread, in virtual time: what their blocks allocate, and that a disk that stands still holds nobody
//! up.

use std::{
    alloc::System,
    cell::Cell,
    collections::VecDeque,
    fs::File,
    io,
    process::Command,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use answertone_dsp::{g711::Law, pcm::BLOCK_SAMPLES};
use answertone_gateway::engine::{CallObserver, CallReport, Ended, Entry, NotWhole, Recorder, Tape, Turns, test_page};
use answertone_hw::{
    LineUri, PolledLine,
    dahdi::{Channel, ChannelEvent, DahdiLine, Hook, Moved},
    hook::Hook as _,
    sim,
};
use answertone_t30::{
    audio::AudioConfig,
    frame::Modems,
    session::{Config, Document, Event, Limits, Session},
    time::LineTime,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// The allocator counts for the whole process, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Who does not care.
struct Nobody;

impl CallObserver for Nobody {
    fn event(&mut self, _: LineTime, _: Event) {}
}

fn entry(line: impl PolledLine + 'static, session: Session, tape: Option<Tape>, over: &Sender<CallReport>) -> Entry {
    let (line, over): (Box<dyn PolledLine>, _) = (Box::new(line), over.clone());
    let tell = move |ended: Ended<Nobody>| over.send(ended.report).expect("the test listens");
    Entry::new(line, session, AudioConfig::default(), Nobody, tape, tell)
}

/// Both ends of so many calls that send so many pages.
fn calls(count: usize, pages: usize, start: Instant, tape: Option<Tape>) -> (Turns, Receiver<CallReport>) {
    calls_on(count, pages, tape, || sim::cable(start))
}

/// The same on lines of any kind.
fn calls_on<L: PolledLine + 'static>(
    count: usize,
    pages: usize,
    tape: Option<Tape>,
    lines: impl Fn() -> (L, L),
) -> (Turns, Receiver<CallReport>) {
    let (over, reports) = channel();
    let mut turns = Turns::with_room(2 * count);
    for _ in 0..count {
        let (near, far) = lines();
        let limits = Limits { trace_lines: 0, ..Limits::default() };
        let config = Arc::new(Config { modems: Modems::ALL, limits, ..Config::default() });
        let document = Document { pages: vec![test_page(); pages], first: 0 };
        let sender = Session::calling(Arc::clone(&config), document, LineTime::ZERO);
        turns.enter(entry(near, sender, tape.clone(), &over));
        turns.enter(entry(far, Session::answering(config, LineTime::ZERO), tape.clone(), &over));
    }
    (turns, reports)
}

/// Time that goes from block to block.
fn pass(turns: &mut Turns, now: &Cell<Instant>) -> bool {
    let next = turns.exchange_many(|| now.get());
    next.is_some_and(|next| {
        now.set(next);
        true
    })
}

#[test]
fn blocks_of_calls_in_turn_do_not_allocate() {
    let _turn = TURN.lock();
    let start = Instant::now();
    let (mut turns, reports) = calls(4, 1, start, None);
    let (now, set_up) = (Cell::new(start), start + Duration::from_secs(12));
    let (mut passes, mut with, mut allocations) = (0u32, 0u32, 0);
    loop {
        let region = Region::new(ALLOCATOR);
        let goes_on = pass(&mut turns, &now);
        let change = region.change();
        if now.get() > set_up && goes_on && turns.count() == 8 {
            passes += 1;
            with += u32::from(change.allocations + change.reallocations > 0);
            allocations += change.allocations + change.reallocations;
        }
        if !goes_on {
            break;
        }
    }
    assert_eq!(reports.try_iter().filter(|report| report.ok).count(), 8);
    println!("{passes} rounds of 8 lines after the set-up: {with} with {allocations} allocations in all");
    // A page received is stored in pieces that double, and its end is a change of phase; nothing else allocates.
    assert!(passes > 1500 && with < 100, "{with} of {passes} rounds allocated");
}

#[test]
fn a_disk_that_stands_still_holds_no_call_up() {
    let _turn = TURN.lock();
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("slow.wav");
    assert!(Command::new("mkfifo").arg(&disk).status().unwrap().success());
    // Whoever opens a pipe waits for its other side.
    let path = disk.clone();
    let reader = std::thread::spawn(move || File::open(path).unwrap());
    let recorder = Recorder::create(&disk).unwrap();
    let pipe = reader.join().unwrap();
    let start = Instant::now();
    let (mut turns, reports) = calls(1, 1, start, Some(recorder.tape()));
    let now = Cell::new(start);
    while pass(&mut turns, &now) {}
    assert_eq!(reports.try_iter().filter(|report| report.ok).count(), 2);
    drop(pipe);
    match recorder.finish() {
        Err(NotWhole::TooSlow(blocks)) => assert!(blocks > 1000, "{blocks} blocks"),
        Err(NotWhole::File(_)) => {}
        other => panic!("a recording that was not written is not whole: {other:?}"),
    }
}

/// A channel of a telephone card, wired to another one.
struct Wired {
    heard: Arc<Mutex<VecDeque<u8>>>,
    said: Arc<Mutex<VecDeque<u8>>>,
}

impl Channel for Wired {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<Moved> {
        let mut heard = self.heard.lock().unwrap();
        let count = octets.len().min(heard.len());
        octets.iter_mut().zip(heard.drain(..count)).for_each(|(to, octet)| *to = octet);
        Ok(if count > 0 { Moved::Octets(count) } else { Moved::NotYet })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<Moved> {
        self.said.lock().unwrap().extend(octets);
        Ok(Moved::Octets(octets.len()))
    }

    fn event(&mut self) -> io::Result<Option<ChannelEvent>> {
        Ok(None)
    }

    fn hook(&mut self, _: Hook) -> io::Result<()> {
        Ok(())
    }

    fn dial(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// Two channels off hook that hear each other in A-law.
fn channels() -> (DahdiLine<Wired>, DahdiLine<Wired>) {
    let Ok(LineUri::Dahdi(params)) = "dahdi:1?samples=alaw".parse() else { panic!("a channel is a line") };
    let under_way = || Arc::new(Mutex::new(VecDeque::from([Law::A.encode(0); 3 * BLOCK_SAMPLES])));
    let (ab, ba) = (under_way(), under_way());
    let line = |heard: &Arc<_>, said: &Arc<_>| {
        let mut line = DahdiLine::new(Wired { heard: Arc::clone(heard), said: Arc::clone(said) }, &params);
        line.set(true).unwrap();
        line
    };
    (line(&ba, &ab), line(&ab, &ba))
}

#[test]
fn pages_cross_many_channels_of_a_card_on_one_thread() {
    let _turn = TURN.lock();
    let (mut turns, reports) = calls_on(3, 1, None, channels);
    let now = Cell::new(Instant::now());
    while pass(&mut turns, &now) {}
    let reports: Vec<CallReport> = reports.try_iter().collect();
    assert_eq!(reports.iter().filter(|report| report.ok && report.pages == 1).count(), 6);
}
