//! A packet of 20 ms lost in the middle of a message.

use answertone_dsp::channel::{Fill, Impairments, LostPackets, PACKET_SAMPLES};

use super::{
    Findings, Plan,
    events::Event,
    mode::Mode,
    recovery::columns,
    table::{Cell, Table},
    workers::Workers,
};

/// After how many milliseconds from the loss's end the receiver should be back.
const WANTED_MS: f64 = 60.0;

/// Measures the fast modes.
pub fn measure(modes: &[Mode], plan: &Plan, workers: &Workers) -> Findings {
    let mut table = Table::new(
        "loss",
        "20 ms are lost in the middle of a message, 3 dB above the wanted 1e-5: milliseconds from the loss's end until the last wrong bit",
        &columns("heard"),
    );
    let cases =
        [("silence, told", Fill::Silence, true), ("silence", Fill::Silence, false), ("repeated", Fill::Repeat, false)];
    for mode in modes.iter().filter(|mode| mode.plan().is_some()) {
        for (name, fill, told) in cases {
            let line = move |at| {
                let losses = LostPackets { share: 0.0, at: Some(at), fill };
                Impairments { lost_packets: Some(losses), ..Impairments::default() }
            };
            let event = Event { name, line: &line, length: PACKET_SAMPLES, told };
            let recoveries = event.measure(mode, plan, workers);
            let peer = if told { Cell::None } else { event.of_peer(mode, plan, WANTED_MS, workers) };
            table.row(recoveries.row(mode, name, WANTED_MS, peer));
        }
    }
    Findings { tables: vec![table], ..Findings::default() }
}
