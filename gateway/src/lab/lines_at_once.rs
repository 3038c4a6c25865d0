//! Many calls at once, in real time: whether every block of every line goes when it is due.
//!
//! Each call has both its ends here, a machine that sends and one that receives, so a call is two lines.

use std::{
    fs,
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

use super::{
    Findings,
    table::{Cell, Table},
    workers::Workers,
};
use crate::engine::{CallObserver, CallReport, Ended, Engine, Entry, test_page};

/// Nothing is late before the last call has begun; calls begin one after another within this time.
const BEGINNING: Duration = Duration::from_secs(2);

/// Pages to a call: enough that none ends before the time is over.
const PAGES: usize = 400;

/// Who does not care.
struct Nobody;

impl CallObserver for Nobody {
    fn event(&mut self, _: LineTime, _: Event) {}
}

/// Runs so many calls for so many seconds on an engine of so many threads.
pub fn measure(calls: usize, seconds: u32, threads: usize, workers: &Workers) -> Result<Findings, String> {
    let engine = Engine::new(Some(threads));
    let (over, reports) = channel();
    let began = Instant::now();
    let page = test_page();
    for call in 0..calls {
        enter(&engine, call, calls, seconds, &page, &over);
    }
    drop(over);
    wait_for(seconds, workers);
    let reports: Vec<CallReport> = reports.into_iter().collect();
    let (seen, cpu) = (engine.punctuality(), cpu_time());
    let elapsed = began.elapsed().as_secs_f64();
    let mut table = Table::new(
        "lines",
        format!("{calls} calls at once in real time for {seconds} s on {threads} threads; each call is two lines"),
        &["what", "value"],
    );
    let spoiled = reports.iter().filter(|report| report.slips > 0 || report.lost_ms > 0).count();
    let pages: usize = reports.iter().filter(|report| !report.page.is_empty()).map(|report| report.pages).sum();
    for (what, cell) in [
        ("calls", Cell::Count(calls)),
        ("ends that agreed on a rate", Cell::Count(reports.iter().filter(|report| report.bit_rate.is_some()).count())),
        ("pages sent or received", Cell::Count(pages)),
        ("blocks", Cell::Count(seen.blocks as usize)),
        ("late blocks (10 ms or more)", Cell::Count(seen.late as usize)),
        ("latest block, ms", Cell::Number(seen.worst.as_secs_f64() * 1e3, 1)),
        ("ends with audio lost", Cell::Count(spoiled)),
        ("processor seconds", Cell::Number(cpu.unwrap_or_default(), 1)),
        ("processor time, share of one core", Cell::Number(cpu.unwrap_or_default() / elapsed, 2)),
        ("lines per core at this load", Cell::Count(per_core(2 * calls, cpu.unwrap_or_default() / elapsed))),
    ] {
        table.row(vec![what.into(), cell]);
    }
    Ok(Findings { tables: vec![table], ..Findings::default() })
}

fn per_core(lines: usize, share: f64) -> usize {
    if share > 0.0 { (lines as f64 / share) as usize } else { 0 }
}

/// Both ends of a call; calls begin spread over the beginning and over the 10 ms of a block.
fn enter(engine: &Engine, call: usize, calls: usize, seconds: u32, page: &Arc<Page>, over: &Sender<CallReport>) {
    let start = Instant::now() + BEGINNING.mul_f64(call as f64 / calls as f64);
    let (near, far) = sim::cable(start);
    let limits = Limits { call: LineSpan::ms(u64::from(seconds) * 1000), trace_lines: 0, ..Limits::default() };
    let config = Arc::new(Config { modems: Modems::ALL, limits, ..Config::default() });
    let document = Document { pages: vec![page.clone(); PAGES], first: 0 };
    let sender = Session::calling(Arc::clone(&config), document, LineTime::ZERO);
    let receiver = Session::answering(config, LineTime::ZERO);
    for (line, session) in [(near, sender), (far, receiver)] {
        let (line, over): (Box<dyn PolledLine>, _) = (Box::new(line), over.clone());
        let tell = move |ended: Ended<Nobody>| drop(over.send(ended.report));
        engine.enter(Entry::new(line, session, AudioConfig::default(), Nobody, None, tell));
    }
}

fn wait_for(seconds: u32, workers: &Workers) {
    workers.begin("lines at once", seconds as usize);
    for _ in 0..seconds {
        thread::sleep(Duration::from_secs(1));
        workers.step();
    }
}

/// Processor time of this process in seconds, as Linux tells it.
fn cpu_time() -> Option<f64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let each = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    Some(each.sum::<f64>() / 1e9)
}
