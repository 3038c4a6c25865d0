//! Every mode over every kind of line: loss and delay by frequency, codecs, jitter, hits, echo.

use answertone_dsp::{
    channel::{Impairments, ImpulseHits, LevelSteps, PhaseJitter, ShapePoint},
    g711::Law,
    units::{Db, Dbm0, Hz},
};
use answertone_hw::sim;

use super::{
    Findings, Plan,
    beside::Ear,
    events::{Event, MARGIN_DB},
    mode::Mode,
    pictures::one_run,
    table::{Cell, Table},
    trial::{LEVEL, Message, Verdict},
    workers::Workers,
};

/// Most trials of a mode on a line.
const TRIALS: usize = 20;

/// Bits of a message.
const BITS: usize = 20_000;

/// The bit error rate above which a mode does not work on a line.
const WANTED_RATE: f64 = 1e-5;

/// After how many milliseconds the receiver should be back from what happens once.
const WANTED_MS: f64 = 50.0;

/// Lines of which pictures are drawn, and at which signal to noise ratio in decibels.
const DRAWN: [&str; 4] = ["eia-ll-5", "eia-ll-7", "ad-7", "proakis"];
const DRAWN_SNR_DB: f64 = 35.0;

/// A line with a name.
struct Line {
    name: String,
    shape: Vec<ShapePoint>,
    rest: Impairments<'static>,
}

/// V.56bis puts distortions of loss and of delay in a row.
const ROWS: [&str; 5] = ["ad-5+edd-1", "ad-6+edd-2", "ad-7+edd-2", "ad-8+edd-3", "eia-ll-5+pcm-ad-2+eia-ll-5"];

fn lines() -> (Vec<Line>, Option<String>) {
    let mut lines: Vec<Line> =
        plain().into_iter().map(|(name, rest)| Line { name: name.into(), shape: vec![], rest }).collect();
    let mut missing = None;
    for name in sim::LINE_NAMES.into_iter().chain(ROWS) {
        match sim::table(name) {
            Ok(shape) => lines.push(Line { name: name.into(), shape, rest: Impairments::default() }),
            Err(error) => missing = Some(error.to_string()),
        }
    }
    (lines, missing)
}

fn plain() -> Vec<(&'static str, Impairments<'static>)> {
    let flat = Impairments::default();
    let jitter = |degrees, hz| Some(PhaseJitter { degrees, frequency: Hz(hz) });
    let echo = |db, ms: usize| Impairments { listener_echo: Some(Db(db)), listener_echo_delay: ms * 8, ..flat };
    vec![
        ("flat", flat),
        ("A-law", Impairments { law: Some(Law::A), ..flat }),
        ("mu-law", Impairments { law: Some(Law::Mu), ..flat }),
        ("mu-law twice", Impairments { far_law: Some(Law::Mu), gain: Db(-3.5), law: Some(Law::Mu), ..flat }),
        ("A-law twice", Impairments { far_law: Some(Law::A), gain: Db(-3.5), law: Some(Law::A), ..flat }),
        ("jitter 10 deg 50 Hz", Impairments { phase_jitter: jitter(10.0, 50.0), ..flat }),
        ("jitter 10 deg 120 Hz", Impairments { phase_jitter: jitter(10.0, 120.0), ..flat }),
        ("jitter 5 deg 20 Hz", Impairments { phase_jitter: jitter(5.0, 20.0), ..flat }),
        ("listener echo -20 dB 2 ms", echo(-20.0, 2)),
        ("listener echo -26 dB 10 ms", echo(-26.0, 10)),
    ]
}

/// What came of the trials of one mode on one line.
#[derive(Clone, Copy, Debug, Default)]
struct Result {
    trials: usize,
    received: usize,
    bits: usize,
    errors: usize,
}

impl Result {
    fn rate(&self) -> f64 {
        self.errors as f64 / self.bits.max(1) as f64
    }
}

/// Measures every mode on every line.
pub fn measure(modes: &[Mode], plan: &Plan, workers: &Workers) -> std::result::Result<Findings, String> {
    let (lines, missing) = lines();
    let note = missing.map(|why| format!("\n  (lines left out: {why})")).unwrap_or_default();
    let title = format!(
        "Each line {MARGIN_DB} dB above the wanted 1e-5: +, or what went wrong (trials not received, bit error rate){note}"
    );
    let mut tables = vec![];
    let mut all = Table::new(
        "lines_detail",
        "Every line and mode",
        &["ear", "line", "mode", "snr_db", "trials", "received", "bits", "errors", "good"],
    );
    for ear in Ear::all(plan) {
        tables.push(overview(ear, &lines, modes, &title, plan, workers, &mut all));
    }
    tables.push(happenings(modes, plan, workers));
    Ok(Findings { tables, details: vec![all], pictures: pictures(modes, &lines)? })
}

/// What one receiver makes of every line and mode.
fn overview(
    ear: Ear<'_>,
    lines: &[Line],
    modes: &[Mode],
    title: &str,
    plan: &Plan,
    workers: &Workers,
    all: &mut Table,
) -> Table {
    let names: Vec<String> = modes.iter().map(Mode::name).collect();
    let header: Vec<&str> = std::iter::once("line").chain(names.iter().map(String::as_str)).collect();
    let mut overview = Table::new(ear.table("lines", "lines_peer"), ear.title(title), &header);
    for line in lines {
        let mut row: Vec<Cell> = vec![line.name.clone().into()];
        for mode in modes {
            let result = on_line(ear, mode, line, plan, workers);
            let good = result.received == result.trials && result.rate() <= WANTED_RATE;
            row.push(mark(&result, good).of(ear));
            all.row(vec![
                ear.table("ours", "peer").into(),
                line.name.clone().into(),
                mode.name().into(),
                Cell::Number(mode.wanted + MARGIN_DB, 1),
                result.trials.into(),
                result.received.into(),
                result.bits.into(),
                result.errors.into(),
                if ear.is_ours() { good.into() } else { Cell::None },
            ]);
        }
        overview.row(row);
    }
    overview
}

/// The fastest mode chosen, as it arrives over each line that is drawn.
fn pictures(modes: &[Mode], lines: &[Line]) -> std::result::Result<Vec<(String, Vec<u8>)>, String> {
    let Some((mode, modem)) = modes.iter().rev().find_map(|mode| Some((mode, mode.plan()?))) else { return Ok(vec![]) };
    let drawn = lines.iter().filter(|line| DRAWN.contains(&line.name.as_str()));
    let picture = |line: &Line| {
        let impairments = Impairments { shape: &line.shape, ..line.rest };
        let png = one_run(mode, modem, &line.name, &impairments, DRAWN_SNR_DB).map_err(|error| error.to_string())?;
        Ok((format!("{}-{}-{}.png", mode.modem, mode.rate, line.name), png))
    };
    drawn.map(picture).collect()
}

/// A name, and the line on which it happens at a sample.
type Happening = (&'static str, fn(u64) -> Impairments<'static>);

const HAPPENINGS: [Happening; 4] = [
    ("impulse, peak of -10 dBm0", |at| impulse(at, -10.0)),
    ("impulse, peak of 0 dBm0", |at| impulse(at, 0.0)),
    ("level 3 dB down", |at| level_step(at, -3.0)),
    ("level 3 dB up", |at| level_step(at, 3.0)),
];

fn impulse(at: u64, peak: f32) -> Impairments<'static> {
    let impulses = ImpulseHits { per_second: 0.0, at: Some(at), peak: Dbm0(peak) };
    Impairments { impulses: Some(impulses), ..Impairments::default() }
}

fn level_step(at: u64, gain: f32) -> Impairments<'static> {
    let steps = LevelSteps { gain: Db(gain), first: at, every: None };
    Impairments { level_steps: Some(steps), ..Impairments::default() }
}

/// What happens once in the middle of a message.
fn happenings(modes: &[Mode], plan: &Plan, workers: &Workers) -> Table {
    let names: Vec<String> = modes.iter().map(Mode::name).collect();
    let header: Vec<&str> = std::iter::once("event").chain(names.iter().map(String::as_str)).collect();
    let title = format!(
        "What happens once, {MARGIN_DB} dB above the wanted 1e-5: worst milliseconds until the last wrong bit, {WANTED_MS} wanted; or trials that did not recover"
    );
    let mut table = Table::new("events", title, &header);
    for (name, line) in HAPPENINGS {
        let mut row: Vec<Cell> = vec![name.into()];
        for mode in modes {
            let recoveries = Event { name, line: &line, length: 0, told: false }.measure(mode, plan, workers);
            let lost = recoveries.begun - recoveries.times.len();
            row.push(match recoveries.worst() {
                Some(worst) if worst <= WANTED_MS => Cell::Number(worst, 1),
                Some(worst) => Cell::Bad(format!("{worst:.1}")),
                None => Cell::Bad(format!("{lost}/{} lost", recoveries.begun)),
            });
        }
        table.row(row);
    }
    table
}

fn mark(result: &Result, good: bool) -> Cell {
    let lost = result.trials - result.received;
    match good {
        true => "+".into(),
        false if lost > 0 => Cell::Bad(format!("{lost}/{} lost", result.trials)),
        false => Cell::Bad(format!("{:.1e}", result.rate())),
    }
}

fn on_line(ear: Ear<'_>, mode: &Mode, line: &Line, plan: &Plan, workers: &Workers) -> Result {
    let bits = plan.bits.unwrap_or(if mode.rate <= 300 { BITS / 10 } else { BITS });
    let message = Message::new(mode, 1, bits, LEVEL);
    let trials = ear.trials(plan.trials.min(TRIALS));
    let impairments = Impairments { shape: &line.shape, ..line.rest };
    workers.begin(&format!("{} on {}", mode.name(), line.name), trials);
    let verdicts: Vec<Verdict> = workers.all(0..trials, |number| {
        let samples = message.over(&impairments, mode.wanted + MARGIN_DB, 400 + number as u64);
        ear.verdict(mode, &message, &samples)
    });
    verdicts.iter().fold(Result { trials, ..Result::default() }, |sum, verdict| Result {
        received: sum.received + usize::from(verdict.received),
        bits: sum.bits + verdict.bits,
        // A bit that did not come is as bad as a wrong one.
        errors: sum.errors + verdict.errors + verdict.missing,
        ..sum
    })
}
