//! Carriers and clocks that are off, and levels from loud to faint.

use answertone_dsp::{
    channel::Impairments,
    units::{Dbm0, Hz},
};

use super::{
    Findings, Plan,
    beside::Ear,
    events::MARGIN_DB,
    mode::Mode,
    table::{Cell, Table},
    trial::{LEVEL, Message, Verdict},
    workers::Workers,
};

/// Most trials of one case.
const TRIALS: usize = 10;

/// Seconds of data: clocks have time to drift.
const SECONDS: usize = 12;

/// Seconds of data in trials of levels.
const LEVEL_SECONDS: usize = 2;

/// Carrier offset in hertz and clock offset in parts per million.
const OFFSETS: [(f32, f32); 9] = [
    (7.0, 0.0),
    (-7.0, 0.0),
    (10.0, 0.0),
    (-10.0, 0.0),
    (0.0, 100.0),
    (0.0, -200.0),
    (0.0, 200.0),
    (10.0, 200.0),
    (-10.0, -200.0),
];

/// Levels in dBm0.
const LEVELS: [f32; 7] = [-3.0, -13.0, -23.0, -33.0, -38.0, -43.0, -48.0];

/// The level down to which everything must work; below it is an aim.
const FAINTEST_WANTED: f32 = -43.0;

/// The bit error rate above which a case is not good.
const WANTED_RATE: f64 = 1e-5;

/// Measures the fast modes.
pub fn measure(modes: &[Mode], plan: &Plan, workers: &Workers) -> Findings {
    let fast: Vec<Mode> = modes.iter().filter(|mode| mode.plan().is_some()).copied().collect();
    let tables = |ear| [offsets(ear, &fast, plan, workers), levels(ear, &fast, plan, workers)];
    Findings { tables: Ear::all(plan).flat_map(tables).collect(), ..Findings::default() }
}

fn header(first: &str, modes: &[Mode]) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(modes.iter().map(Mode::name)).collect()
}

fn offsets(ear: Ear<'_>, modes: &[Mode], plan: &Plan, workers: &Workers) -> Table {
    let header = header("offset", modes);
    let title = format!(
        "Carrier and clock offsets, {SECONDS} s of data {MARGIN_DB} dB above the wanted 1e-5: +, or what went wrong"
    );
    let mut table = Table::new(
        ear.table("drift", "drift_peer"),
        ear.title(&title),
        &header.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for (hz, ppm) in OFFSETS {
        let line = Impairments { carrier_offset: Hz(hz), clock_offset_ppm: ppm, ..Impairments::default() };
        let mut row: Vec<Cell> = vec![format!("{hz:+.0} Hz {ppm:+.0} ppm").into()];
        for mode in modes {
            let message = Message::new(mode, 1, mode.rate as usize * SECONDS, LEVEL);
            let trials = ear.trials(plan.trials.min(TRIALS));
            workers.begin(&format!("{} {hz} Hz {ppm} ppm", mode.name()), trials);
            let verdicts = workers.all(0..trials, |number| {
                let samples = message.over(&line, mode.wanted + MARGIN_DB, 700 + number as u64);
                ear.verdict(mode, &message, &samples)
            });
            row.push(summary(&verdicts).of(ear));
        }
        table.row(row);
    }
    table
}

fn levels(ear: Ear<'_>, modes: &[Mode], plan: &Plan, workers: &Workers) -> Table {
    let header = header("level, training", modes);
    let title = format!(
        "Levels, {MARGIN_DB} dB above the wanted 1e-5, wanted down to {FAINTEST_WANTED} dBm0: +, or what went wrong"
    );
    let mut table = Table::new(
        ear.table("levels", "levels_peer"),
        ear.title(&title),
        &header.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for short in [false, true] {
        for level in LEVELS {
            let name = if short { "short" } else { "long" };
            let mut row: Vec<Cell> = vec![format!("{level} dBm0, {name}").into()];
            row.extend(modes.iter().map(|mode| at_level(ear, mode, level, short, plan, workers)));
            table.row(row);
        }
    }
    table
}

fn at_level(ear: Ear<'_>, mode: &Mode, level: f32, short: bool, plan: &Plan, workers: &Workers) -> Cell {
    if short && mode.plan().is_none_or(|plan| plan.short_training.is_empty()) {
        return Cell::None;
    }
    let bits = mode.rate as usize * LEVEL_SECONDS;
    let message = match short {
        false => Message::new(mode, 1, bits, Dbm0(level)),
        true => Message::with_short_training(mode, 1, bits, Dbm0(level)),
    };
    let trials = ear.trials(plan.trials.min(TRIALS));
    workers.begin(&format!("{} at {level} dBm0", mode.name()), trials);
    summary(&workers.all(0..trials, |number| {
        let samples = message.over(&Impairments::default(), mode.wanted + MARGIN_DB, 800 + number as u64);
        ear.verdict(mode, &message, &samples)
    }))
    .of(ear)
}

fn summary(verdicts: &[Verdict]) -> Cell {
    let lost = verdicts.iter().filter(|verdict| !verdict.received).count();
    let bits: usize = verdicts.iter().map(|verdict| verdict.bits).sum();
    let wrong: usize = verdicts.iter().map(|verdict| verdict.errors + verdict.missing).sum();
    let rate = wrong as f64 / bits.max(1) as f64;
    match (lost, rate <= WANTED_RATE) {
        (0, true) => "+".into(),
        (0, false) => Cell::Bad(format!("{rate:.1e}")),
        _ => Cell::Bad(format!("{lost}/{} lost", verdicts.len())),
    }
}
