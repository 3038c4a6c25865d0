//! Every modem at every rate in both directions, and receivers of silence, beside spandsp's; lines in real time per core
//! are 125 000 by the nanoseconds per sample.

mod beside;

use std::hint::black_box;

use answertone_benches::{
    signal::{Mode, hear, rounded, send},
    spandsp::{Hearer, Spandsp},
};
use beside::Comparison;
use criterion::{Criterion, criterion_group, criterion_main};

/// Two seconds: training and data.
const SAMPLES: usize = 16_000;

fn modems(criterion: &mut Criterion) {
    for mode in Mode::all() {
        let mut comparison = Comparison::new(criterion, mode.name(), SAMPLES);
        transmit(&mut comparison, mode);
        receive(&mut comparison, mode, "rx", &mode.signal(SAMPLES));
        receive(&mut comparison, mode, "rx of silence", &[0.0; SAMPLES]);
    }
}

fn transmit(comparison: &mut Comparison, mode: Mode) {
    let make = || (mode.modulator(), vec![0.0; SAMPLES]);
    let ours = comparison.time("tx", make, |(modulator, out)| send(&mut **modulator, black_box(out)));
    let theirs = Spandsp::load().and_then(|peer| {
        let make = || (peer.transmitter(&mode), vec![0; SAMPLES]);
        comparison.time("tx, spandsp", make, |(transmitter, out)| transmitter.run(black_box(out)))
    });
    comparison.tell("tx", ours, theirs);
}

fn receive(comparison: &mut Comparison, mode: Mode, what: &str, samples: &[f32]) {
    let ours = comparison.time(what, || mode.demodulator(), |demodulator| hear(&mut **demodulator, black_box(samples)));
    let theirs = Spandsp::load().and_then(|peer| {
        let samples = rounded(samples);
        let run = |receiver: &mut _| Hearer::run(receiver, black_box(&samples));
        comparison.time(&format!("{what}, spandsp"), || peer.receiver(&mode), run)
    });
    comparison.tell(what, ours, theirs);
}

criterion_group!(benches, modems);
criterion_main!(benches);
