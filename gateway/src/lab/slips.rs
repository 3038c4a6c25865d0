//! One sample dropped or repeated in the middle of a message.

use answertone_dsp::channel::{Impairments, Slip, Slips};

use super::{
    Findings, Plan,
    events::Event,
    mode::Mode,
    table::{Cell, Table, tenths},
    workers::Workers,
};

/// After how many milliseconds the receiver should be back.
const WANTED_MS: f64 = 50.0;

/// Measures the fast modes.
pub fn measure(modes: &[Mode], plan: &Plan, workers: &Workers) -> Findings {
    let mut table = Table::new(
        "slips",
        "One sample slips in the middle of a message, 3 dB above the wanted 1e-5: milliseconds until the last wrong bit",
        &["mode", "slip", "trials", "recovered", "median_ms", "p99_ms", "worst_ms", "wanted_ms", "good"],
    );
    for mode in modes.iter().filter(|mode| mode.plan().is_some()) {
        // The first of slips in turn is a dropped sample, and costs no delay that would have to be counted.
        for (name, slip) in [("dropped", Slip::InTurn), ("repeated", Slip::Repeat)] {
            let line =
                move |at| Impairments { slips: Some(Slips { slip, first: at, every: None }), ..Impairments::default() };
            let event = Event { name, line: &line, length: 0, told: false };
            let recoveries = event.measure(mode, plan, workers);
            let worst = recoveries.worst();
            table.row(vec![
                mode.name().into(),
                name.into(),
                recoveries.begun.into(),
                Cell::Of(recoveries.times.len(), recoveries.begun),
                tenths(recoveries.within(0.5)),
                tenths(recoveries.within(0.99)),
                tenths(worst),
                tenths(Some(WANTED_MS)),
                worst.is_some_and(|worst| worst <= WANTED_MS).into(),
            ]);
        }
    }
    Findings { tables: vec![table], ..Findings::default() }
}
