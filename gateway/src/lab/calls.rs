//! Whole calls with error correction over lines that lose time, from our machine to ours and to another maker's.

use std::{
    env::temp_dir,
    fs,
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, id},
};

use answertone_dsp::{
    channel::{Fill, Slip},
    pcm::{BLOCK_SAMPLES, SILENCE},
};
use answertone_hw::{
    PcmLine,
    sim::{SimEnd, SimParams, pair},
};
use answertone_t30::{
    frame::Modems,
    image::{
        Page, Raster,
        tiff::{ReadPage, TiffDocument},
    },
    session::Config,
};

use super::{
    Findings, Plan,
    peer::Peer,
    table::{Cell, Table, tenths},
    workers::Workers,
};
use crate::engine::{CallReport, answerer, caller, test_page};

/// Most calls over one line, every one with its own losses, and most to the other maker's machine.
const CALLS: usize = 6;
const PEER_CALLS: usize = 3;

/// Seconds from one slip to the next, and the share of packets that do not arrive.
const SLIP_EVERY: f32 = 3.0;
const LOSS: f32 = 0.01;

/// The rate that calls must keep.
const RATE: u32 = 14_400;

/// Samples in a frame of the other maker's machine.
const FRAME_SAMPLES: usize = 2 * BLOCK_SAMPLES;

/// A line and its name.
type Line = (&'static str, SimParams);

/// What came of a call.
struct Call {
    /// Both are content, and the page that was received is the one that was sent.
    complete: bool,
    bit_rate: u32,
    seconds: f64,
    slips: u32,
    lost_ms: u64,
}

/// Measures calls over every line.
///
/// # Errors
/// When the other maker's machine cannot be run.
pub fn measure(plan: &Plan, workers: &Workers) -> Result<Findings, String> {
    let mut table = Table::new(
        "calls",
        "Calls with error correction, a page each, over lines that lose time in both directions; the other maker's machine answers ours",
        &[
            "line",
            "calls",
            "complete",
            "least_bit_rate",
            "slips",
            "lost_ms",
            "seconds",
            "peer_complete",
            "peer_least_bit_rate",
            "peer_seconds",
            "good",
        ],
    );
    for (name, line) in lines() {
        let trials = plan.trials.min(CALLS);
        workers.begin(name, trials);
        let ours = workers.all(0..trials, |seed| to_ours(&with_seed(&line, seed)));
        let theirs = match &plan.peer {
            Some(peer) => calls_to(peer, (name, line), trials.min(PEER_CALLS), workers)?,
            None => vec![],
        };
        table.row(row(name, &ours, &theirs));
    }
    Ok(Findings { tables: vec![table], ..Findings::default() })
}

fn lines() -> [Line; 7] {
    let slipping = |slip| SimParams { slip_every: Some(SLIP_EVERY), slip, ..SimParams::default() };
    let losing = |fill, gaps_told| SimParams { loss: LOSS, fill, gaps_told, ..SimParams::default() };
    let both = |gaps_told| SimParams { loss: LOSS, gaps_told, ..slipping(Slip::Drop) };
    [
        ("flat", SimParams::default()),
        ("a sample dropped every 3 s", slipping(Slip::Drop)),
        ("a sample repeated every 3 s", slipping(Slip::Repeat)),
        ("1 % of packets lost, told", losing(Fill::Silence, true)),
        ("1 % lost, told, and a sample dropped every 3 s", both(true)),
        ("1 % silent, not told", losing(Fill::Silence, false)),
        ("1 % repeated, not told", losing(Fill::Repeat, false)),
    ]
}

fn with_seed(line: &SimParams, seed: usize) -> SimParams {
    SimParams { seed: 1 + seed as u64, ..line.clone() }
}

fn config() -> Config {
    Config { modems: Modems::ALL, ..Config::default() }
}

/// A call between two of our machines.
fn to_ours(line: &SimParams) -> Call {
    let (near, far) = pair(line);
    let (sender, receiver) = (caller(near, config(), vec![test_page()]), answerer(far, config()));
    let sender = sender.join().expect("a machine does not panic");
    let receiver = receiver.join().expect("a machine does not panic");
    let same = receiver.pages.iter().map(|page| &page.bitmap).eq([&test_page().bitmap]);
    Call {
        complete: sender.report.ok && receiver.report.ok && same,
        slips: receiver.report.slips,
        lost_ms: receiver.report.lost_ms,
        ..Call::of_sender(&sender.report)
    }
}

impl Call {
    fn of_sender(report: &CallReport) -> Self {
        let bit_rate = report.bit_rate.unwrap_or(0);
        Self { complete: report.ok, bit_rate, seconds: report.seconds, slips: 0, lost_ms: 0 }
    }
}

fn calls_to(peer: &Peer, (name, line): Line, trials: usize, workers: &Workers) -> Result<Vec<Call>, String> {
    workers.begin(&format!("{name}, the other maker's"), trials);
    workers.all(0..trials, |seed| to_theirs(peer, &with_seed(&line, seed), seed)).into_iter().collect()
}

/// A call from our machine to the other maker's. It is not told what the line loses.
fn to_theirs(peer: &Peer, line: &SimParams, number: usize) -> Result<Call, String> {
    let (near, mut far) = pair(line);
    let kept = temp_dir().join(format!("answertone-lab-{}-{number}.tif", id()));
    let file = kept.to_string_lossy();
    let mut machine = peer.start("peer-fax", &["--receive", &file, "--stdio"])?;
    let sender = caller(near, config(), vec![test_page()]);
    connect(&mut machine, &mut far);
    drop(far);
    let sender = sender.join().expect("a machine does not panic");
    let content = machine.wait().map_err(|error| format!("--peer: peer-fax: {error}"))?.success();
    // Where nothing was received there is no file.
    let received = fs::read(&kept).unwrap_or_default();
    fs::remove_file(&kept).ok();
    let complete = sender.report.ok && content && holds(&received, &test_page());
    Ok(Call { complete, ..Call::of_sender(&sender.report) })
}

/// Whether a TIFF file has that page and no other, with every row.
fn holds(octets: &[u8], page: &Page) -> bool {
    let Ok(document) = TiffDocument::open(octets) else { return false };
    let whole = |read: &ReadPage| matches!(&read.raster, Raster::Bilevel(bitmap) if *bitmap == page.bitmap);
    document.page_count() == 1 && document.page(0).is_ok_and(|read| read.bad_rows == 0 && whole(&read))
}

/// Carries frames until one side hangs up: the machine speaks first.
fn connect(machine: &mut Child, line: &mut SimEnd) {
    if let (Some(mut to), Some(mut from)) = (machine.stdin.take(), machine.stdout.take()) {
        while frame(&mut to, &mut from, line).is_some() {}
    }
}

fn frame(to: &mut ChildStdin, from: &mut ChildStdout, line: &mut SimEnd) -> Option<()> {
    let mut octets = [0; 2 * FRAME_SAMPLES];
    from.read_exact(&mut octets).ok()?;
    for block in octets.chunks_mut(2 * BLOCK_SAMPLES) {
        let (mut said, mut heard) = (SILENCE, SILENCE);
        for (sample, octets) in said.iter_mut().zip(block.as_chunks().0) {
            *sample = i16::from_le_bytes(*octets);
        }
        line.exchange(&said, &mut heard).ok()?;
        for (octets, sample) in block.as_chunks_mut().0.iter_mut().zip(heard) {
            *octets = sample.to_le_bytes();
        }
    }
    to.write_all(&octets).ok()
}

fn row(name: &str, ours: &[Call], theirs: &[Call]) -> Vec<Cell> {
    let good = ours.iter().all(|call| call.complete && call.bit_rate == RATE);
    let mean = |sum: f64| tenths(Some(sum / ours.len() as f64));
    let [complete, rate, seconds] = outcome(ours);
    let [their_complete, their_rate, their_seconds] = outcome(theirs);
    vec![
        name.into(),
        ours.len().into(),
        complete,
        rate,
        mean(ours.iter().map(|call| f64::from(call.slips)).sum()),
        mean(ours.iter().map(|call| call.lost_ms as f64).sum()),
        seconds,
        their_complete,
        their_rate,
        their_seconds,
        good.into(),
    ]
}

/// How many calls are complete, the least rate, and their length in the mean.
fn outcome(calls: &[Call]) -> [Cell; 3] {
    let Some(rate) = calls.iter().map(|call| call.bit_rate).min() else { return [Cell::None, Cell::None, Cell::None] };
    let complete = calls.iter().filter(|call| call.complete).count();
    let seconds = calls.iter().map(|call| call.seconds).sum::<f64>() / calls.len() as f64;
    [Cell::Text(format!("{complete}/{}", calls.len())), Cell::Count(rate as usize), tenths(Some(seconds))]
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::tiff::{FilePage, Profile, WriteOptions, write};

    use super::*;

    #[test]
    fn a_file_holds_the_page_that_was_sent_or_not() {
        let page = test_page();
        let mut other = (*page).clone();
        other.bitmap.set(0, 0, true);
        let file = |pages: &[&Page]| {
            let pages: Vec<_> = pages.iter().map(|page| FilePage::from(*page)).collect();
            write(&pages, &WriteOptions::plain(Profile::S)).unwrap()
        };
        assert!(holds(&file(&[&page]), &page));
        for wrong in [vec![], file(&[&other]), file(&[&page, &page])] {
            assert!(!holds(&wrong, &page));
        }
    }
}
