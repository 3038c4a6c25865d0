//! Processor time of every receiver and transmitter, and the peer's from the same run.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use super::{
    Findings,
    mode::Mode,
    peer::{Peer, Times},
    table::{Cell, Table},
    trial::{LEVEL, Message, demodulator, modulator},
    workers::Workers,
};
use answertone_dsp::{
    bits::{BitQueue, BitRun},
    modem::{Train, prbs::Prbs},
    pcm::BLOCK_SAMPLES,
};

/// Seconds of signal.
const SECONDS: usize = 20;

/// Runs, of which the fastest counts.
const REPEATS: usize = 9;

/// Nanoseconds of one sample at 8000 per second.
const NS_OF_A_SAMPLE: f64 = 125_000.0;

/// Measures the modes; `peer` is another maker's programs.
pub fn measure(modes: &[Mode], peer: Option<&Peer>, workers: &Workers) -> Result<Findings, String> {
    let mut table = Table::new(
        "speed",
        "One core, one line: nanoseconds per sample and lines in real time; the peer from the same run",
        &["what", "ns_per_sample", "lines_per_core", "peer_ns_per_sample", "ratio"],
    );
    workers.begin("speed", modes.len() * 3 + 1);
    let peer = peer.map(|peer| peer.times(SECONDS, REPEATS)).transpose()?.unwrap_or_default();
    for mode in modes {
        for (what, ns) in [
            ("tx", transmit_ns(mode)),
            ("rx", receive_ns(mode, &message(mode))),
            ("rx of silence", receive_ns(mode, &vec![0.0; SECONDS * 8000])),
        ] {
            table.row(row(mode, what, ns, &peer));
        }
    }
    Ok(Findings { tables: vec![table], ..Findings::default() })
}

fn row(mode: &Mode, what: &str, ns: f64, peer: &Times) -> Vec<Cell> {
    let theirs = peer.get(&format!("{}/{} {what}", mode.modem, mode.rate)).copied();
    vec![
        format!("{} {what}", mode.name()).into(),
        Cell::Number(ns, 1),
        Cell::Count((NS_OF_A_SAMPLE / ns) as usize),
        theirs.map_or(Cell::None, |theirs| Cell::Number(theirs, 1)),
        theirs.map_or(Cell::None, |theirs| Cell::Number(ns / theirs, 2)),
    ]
}

fn message(mode: &Mode) -> Vec<f32> {
    Message::new(mode, 1, mode.rate as usize * SECONDS, LEVEL).samples
}

/// The least time of several runs, per sample.
fn fastest(samples: usize, mut run: impl FnMut() -> Duration) -> f64 {
    let least = (0..REPEATS).map(|_| run()).min().unwrap_or_default();
    least.as_nanos() as f64 / samples.max(1) as f64
}

fn receive_ns(mode: &Mode, samples: &[f32]) -> f64 {
    let mut run = BitRun::with_room(16 * BLOCK_SAMPLES);
    fastest(samples.len(), || {
        let mut receiver = demodulator(mode);
        let start = Instant::now();
        for block in samples.chunks(2 * BLOCK_SAMPLES) {
            run.clear();
            receiver.run(block, &mut run);
            black_box(run.bits().len());
        }
        start.elapsed()
    })
}

fn transmit_ns(mode: &Mode) -> f64 {
    fastest(SECONDS * 8000, || {
        let mut sender = modulator(mode, LEVEL, Train::Long);
        let (mut queue, mut bits) = (BitQueue::with_room(512), Prbs::new(1));
        let mut block = [0.0; 2 * BLOCK_SAMPLES];
        let start = Instant::now();
        for _ in 0..SECONDS * 8000 / block.len() {
            while queue.room() > 0 {
                queue.push(bits.next().unwrap_or(true));
            }
            black_box(sender.run(&mut queue, &mut block));
        }
        start.elapsed()
    })
}
