//! Many calls at once, in real time: whether every block of every line goes when it is due.
//!
//! Each call has both its ends here, a machine that sends and one that receives, so a call is two lines.

use std::{
    cell::Cell as Held,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use answertone_hw::{PolledLine, sim};
use answertone_t30::{
    audio::AudioConfig,
    frame::Modems,
    image::Page,
    session::{Config, Document, Event, Limits, Session},
    time::{LineSpan, LineTime},
};

use nix::time::{ClockId, clock_gettime};

use super::{
    Findings,
    table::{Cell, Table},
    workers::Workers,
};
use crate::engine::{CallObserver, CallReport, Ended, Engine, Entry, Punctuality, Turns, test_page};

/// Nothing is late before the last call has begun; calls begin one after another within this time.
const BEGINNING: Duration = Duration::from_secs(2);

/// Pages to a call: enough that none ends before the time is over.
const PAGES: usize = 400;

/// Who does not care.
struct Nobody;

impl CallObserver for Nobody {
    fn event(&mut self, _: LineTime, _: Event) {}
}

/// What a run has shown.
struct Seen {
    punctuality: Punctuality,
    reports: Vec<CallReport>,
    /// Processor time, seconds.
    cpu: f64,
    /// What the run took by its clock, seconds.
    elapsed: f64,
}

/// Runs so many calls for so many seconds on an engine of so many threads.
pub fn measure(calls: usize, seconds: u32, threads: usize, workers: &Workers) -> Result<Findings, String> {
    let engine = Engine::new(Some(threads));
    let (over, reports) = channel();
    let began = Instant::now();
    let page = test_page();
    for call in 0..calls {
        let start = beginning(Instant::now(), call, calls);
        ends(start, seconds, &page, &over).into_iter().for_each(|end| engine.enter(end));
    }
    drop(over);
    wait_for(seconds, workers);
    let reports = reports.into_iter().collect();
    let (punctuality, cpu) = (engine.punctuality(), time_of(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.as_secs_f64());
    let seen = Seen { punctuality, reports, cpu, elapsed: began.elapsed().as_secs_f64() };
    let title =
        format!("{calls} calls at once in real time for {seconds} s on {threads} threads; each call is two lines");
    Ok(findings(title, calls, &seen))
}

/// The same where each thread's clock is the processor time it has had, and what it could rest: as if it had a core to
/// itself.
pub fn measure_by_processor_time(
    calls: usize,
    seconds: u32,
    threads: usize,
    workers: &Workers,
) -> Result<Findings, String> {
    workers.begin("lines at once", threads);
    let of_thread = |thread| (thread..calls).step_by(threads).count();
    let each = thread::scope(|scope| {
        let run = |thread| scope.spawn(move || own_core(of_thread(thread), seconds));
        let threads: Vec<_> = (0..threads).map(run).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            workers.step();
            thread.join().map_err(|_| "a thread of the measurement broke down".to_owned())?
        };
        threads.into_iter().map(join).collect::<Result<Vec<Seen>, String>>()
    })?;
    let together = |one: Seen, other: Seen| Seen {
        punctuality: one.punctuality.with(other.punctuality),
        reports: one.reports.into_iter().chain(other.reports).collect(),
        cpu: one.cpu + other.cpu,
        elapsed: one.elapsed.max(other.elapsed),
    };
    let seen = each.into_iter().reduce(together).ok_or("no thread")?;
    let title = format!(
        "{calls} calls at once for {seconds} s by the processor time of {threads} threads; each call is two lines"
    );
    Ok(findings(title, calls, &seen))
}

/// A thread's share of the calls, by its processor time.
fn own_core(calls: usize, seconds: u32) -> Result<Seen, String> {
    let (over, reports) = channel();
    let (start, page) = (Instant::now(), test_page());
    let mut turns = Turns::with_room(2 * calls);
    for call in 0..calls {
        ends(beginning(start, call, calls), seconds, &page, &over).into_iter().for_each(|end| turns.enter(end));
    }
    drop(over);
    let begun = thread_time()?;
    let rested = Held::new(Duration::ZERO);
    let worked = || thread_time().unwrap_or(begun).saturating_sub(begun);
    let clock = || start + worked() + rested.get();
    while let Some(next) = turns.exchange_many(clock) {
        rested.set(rested.get() + next.saturating_duration_since(clock()));
    }
    let cpu = worked();
    Ok(Seen {
        punctuality: turns.punctuality(),
        reports: reports.into_iter().collect(),
        cpu: cpu.as_secs_f64(),
        elapsed: (cpu + rested.get()).as_secs_f64(),
    })
}

/// Processor time of this thread.
fn thread_time() -> Result<Duration, String> {
    time_of(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn time_of(clock: ClockId) -> Result<Duration, String> {
    clock_gettime(clock)
        .map(Duration::from)
        .map_err(|error| format!("this system does not tell processor time: {error}"))
}

fn findings(title: String, calls: usize, seen: &Seen) -> Findings {
    let Seen { punctuality, reports, cpu, elapsed } = seen;
    let mut table = Table::new("lines", title, &["what", "value"]);
    let spoiled = reports.iter().filter(|report| report.slips > 0 || report.lost_ms > 0).count();
    let pages: usize = reports.iter().filter(|report| !report.page.is_empty()).map(|report| report.pages).sum();
    for (what, cell) in [
        ("calls", Cell::Count(calls)),
        ("ends that agreed on a rate", Cell::Count(reports.iter().filter(|report| report.bit_rate.is_some()).count())),
        ("pages sent or received", Cell::Count(pages)),
        ("blocks", Cell::Count(punctuality.blocks as usize)),
        ("late blocks (10 ms or more)", Cell::Count(punctuality.late as usize)),
        ("latest block, ms", Cell::Number(punctuality.worst.as_secs_f64() * 1e3, 1)),
        ("ends with audio lost", Cell::Count(spoiled)),
        ("processor seconds", Cell::Number(*cpu, 1)),
        ("processor time, share of one core", Cell::Number(cpu / elapsed, 2)),
        ("lines per core at this load", Cell::Count(per_core(2 * calls, cpu / elapsed))),
    ] {
        table.row(vec![what.into(), cell]);
    }
    Findings { tables: vec![table], ..Findings::default() }
}

fn per_core(lines: usize, share: f64) -> usize {
    if share > 0.0 { (lines as f64 / share) as usize } else { 0 }
}

/// When a call begins: spread over the beginning and over the 10 ms of a block.
fn beginning(now: Instant, call: usize, calls: usize) -> Instant {
    now + BEGINNING.mul_f64(call as f64 / calls as f64)
}

/// Both ends of a call.
fn ends(start: Instant, seconds: u32, page: &Arc<Page>, over: &Sender<CallReport>) -> [Entry; 2] {
    let (near, far) = sim::cable(start);
    let limits = Limits { call: LineSpan::ms(u64::from(seconds) * 1000), trace_lines: 0, ..Limits::default() };
    let config = Arc::new(Config { modems: Modems::ALL, limits, ..Config::default() });
    let document = Document { pages: vec![page.clone(); PAGES], first: 0 };
    let sender = Session::calling(Arc::clone(&config), document, LineTime::ZERO);
    let receiver = Session::answering(config, LineTime::ZERO);
    [(near, sender), (far, receiver)].map(|(line, session)| {
        let (line, over): (Box<dyn PolledLine>, _) = (Box::new(line), over.clone());
        let tell = move |ended: Ended<Nobody>| drop(over.send(ended.report));
        Entry::new(line, session, AudioConfig::default(), Nobody, None, tell)
    })
}

fn wait_for(seconds: u32, workers: &Workers) {
    workers.begin("lines at once", seconds as usize);
    for _ in 0..seconds {
        thread::sleep(Duration::from_secs(1));
        workers.step();
    }
}
