//! Signals in a recording: where one begins and ends, of which kind it is, and what the transcript calls it.

use answertone_t30::session::{TraceKind, TraceLine};
use realfft::RealFftPlanner;

/// What a signal is by its spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// CNG, CED.
    Tone,
    /// V.21 frames.
    Frames,
    /// A fast modem, shortly.
    Check,
    /// A fast modem for longer.
    Page,
}

/// A signal.
#[derive(Clone, Debug)]
pub(super) struct Burst {
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) kind: Kind,
    pub(super) name: String,
}

/// Samples whose power is looked at together: 10 ms.
const FRAME: usize = 80;
/// Pauses shorter than this are part of a signal.
const SHORTEST_PAUSE: usize = 3;
/// What is shorter is a click.
const SHORTEST_SIGNAL: usize = 5;
/// Signals are at most so much weaker than the strongest: 20 dB.
const WEAKEST: f32 = 0.01;
/// Training checks last 1.5 s and training before them at most 1.5 s.
const LONGEST_CHECK: f32 = 3.2;

pub(super) fn bursts(samples: &[f32], transcript: &[TraceLine], ours: bool) -> Vec<Burst> {
    let power: Vec<f32> = samples.chunks(FRAME).map(|frame| frame.iter().map(|s| s * s).sum()).collect();
    let threshold = power.iter().copied().fold(1e-6, f32::max) * WEAKEST;
    let mut pages = 0;
    let mut found = vec![];
    for (from, to) in loud(&power, threshold) {
        let piece = &samples[from * FRAME..(to * FRAME).min(samples.len())];
        let (from, to) = ((from * FRAME) as f32 / 8000.0, (to * FRAME) as f32 / 8000.0);
        let mut burst = Burst { from, to, kind: Kind::Page, name: String::new() };
        (burst.kind, burst.name) = judge(piece, to - from);
        match burst.kind {
            Kind::Frames => burst.name = frames(transcript, ours, from, to),
            Kind::Check | Kind::Page => match block(transcript, ours, from, to) {
                Some(name) => (burst.kind, burst.name) = (Kind::Page, name),
                None if burst.kind == Kind::Page => {
                    pages += 1;
                    burst.name = format!("page {pages}");
                }
                None => {}
            },
            Kind::Tone => {}
        }
        found.push(burst);
    }
    found
}

/// Runs of loud frames.
fn loud(power: &[f32], threshold: f32) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = vec![];
    for (index, _) in power.iter().enumerate().filter(|(_, power)| **power > threshold) {
        match runs.last_mut() {
            Some(run) if index - run.1 <= SHORTEST_PAUSE => run.1 = index + 1,
            _ => runs.push((index, index + 1)),
        }
    }
    runs.retain(|(from, to)| to - from >= SHORTEST_SIGNAL);
    runs
}

/// Which share of the power lies where tells tones and V.21 from fast modems.
fn judge(samples: &[f32], seconds: f32) -> (Kind, String) {
    let share = shares(samples);
    if share(1080.0, 1120.0) > 0.7 {
        (Kind::Tone, "CNG".into())
    } else if share(2080.0, 2120.0) > 0.7 {
        (Kind::Tone, "CED".into())
    } else if share(1450.0, 2050.0) > 0.9 {
        (Kind::Frames, String::new())
    } else if seconds < LONGEST_CHECK {
        (Kind::Check, "TCF".into())
    } else {
        (Kind::Page, String::new())
    }
}

fn shares(samples: &[f32]) -> impl Fn(f32, f32) -> f32 {
    const LENGTH: usize = 1024;
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(LENGTH);
    let (mut block, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
    let mut power = vec![0.0f32; bins.len()];
    for piece in samples.chunks(LENGTH) {
        block.fill(0.0);
        let window = |n: usize| 0.5 - 0.5 * (n as f32 / piece.len() as f32 * std::f32::consts::TAU).cos();
        block.iter_mut().zip(piece.iter().enumerate()).for_each(|(to, (n, from))| *to = from * window(n));
        if fft.process(&mut block, &mut bins).is_ok() {
            power.iter_mut().zip(&bins).for_each(|(sum, bin)| *sum += bin.norm_sqr());
        }
    }
    let all: f32 = power.iter().sum::<f32>().max(1e-12);
    move |low, high| {
        let bin = |hertz: f32| (hertz / 8000.0 * LENGTH as f32) as usize;
        power[bin(low)..=bin(high)].iter().sum::<f32>() / all
    }
}

/// The page and block of an ECM signal: the PPS frame right after it tells.
fn block(transcript: &[TraceLine], ours: bool, from: f32, to: f32) -> Option<String> {
    let kind = if ours { TraceKind::Sent } else { TraceKind::Heard };
    let at = |line: &TraceLine| line.at.0 as f32 / 8000.0;
    let begun = transcript.iter().any(|line| line.text.starts_with("block ") && (at(line) - from).abs() < 0.5);
    let pps =
        transcript.iter().find(|line| line.kind == kind && at(line) >= to - 0.5 && line.text.starts_with("PPS"))?;
    let mut words = pps.text.split_whitespace().skip_while(|word| *word != "page").skip(1);
    let page: usize = words.next()?.parse().ok()?;
    let block: usize = words.nth(1)?.parse().ok()?;
    begun.then(|| format!("page {}, block {}", page + 1, block + 1))
}

/// Names of the frames the transcript has at that time.
fn frames(transcript: &[TraceLine], ours: bool, from: f32, to: f32) -> String {
    let kind = if ours { TraceKind::Sent } else { TraceKind::Heard };
    let within = |line: &&TraceLine| {
        let at = line.at.0 as f32 / 8000.0;
        line.kind == kind && (from - 0.1..to + 0.15).contains(&at)
    };
    let mut names: Vec<&str> = transcript
        .iter()
        .filter(within)
        .filter_map(|line| line.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next())
        .filter(|name| (2..=7).contains(&name.len()) && name.chars().all(|c| !c.is_ascii_lowercase()))
        .collect();
    names.dedup();
    // The last frame of a signal is the one that says what is wanted.
    names.last().map_or(String::new(), |name| (*name).to_owned())
}
