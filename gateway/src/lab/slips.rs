//! One sample dropped or repeated in the middle of a message.

use answertone_dsp::channel::{Impairments, Slip, Slips};

use super::{Findings, Plan, events::Event, mode::Mode, recovery::columns, table::Table, workers::Workers};

/// After how many milliseconds the receiver should be back.
const WANTED_MS: f64 = 50.0;

/// Measures the fast modes.
pub fn measure(modes: &[Mode], plan: &Plan, workers: &Workers) -> Findings {
    let mut table = Table::new(
        "slips",
        "One sample slips in the middle of a message, 3 dB above the wanted 1e-5: milliseconds until the last wrong bit",
        &columns("slip"),
    );
    for mode in modes.iter().filter(|mode| mode.plan().is_some()) {
        // The first of slips in turn is a dropped sample, and costs no delay that would have to be counted.
        for (name, slip) in [("dropped", Slip::InTurn), ("repeated", Slip::Repeat)] {
            let line =
                move |at| Impairments { slips: Some(Slips { slip, first: at, every: None }), ..Impairments::default() };
            let event = Event { name, line: &line, length: 0, told: false };
            let recoveries = event.measure(mode, plan, workers);
            let peer = event.of_peer(mode, plan, WANTED_MS, workers);
            table.row(recoveries.row(mode, name, WANTED_MS, peer));
        }
    }
    Findings { tables: vec![table], ..Findings::default() }
}
