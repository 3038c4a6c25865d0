//! Every modem at every rate in both directions, and receivers of silence: time per sample is the inverse of what is
//! printed as elements per second; lines in real time per core are that by 8000.

use std::hint::black_box;

use answertone_benches::signal::{Mode, hear, send};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Two seconds: training and data.
const SAMPLES: usize = 16_000;

fn modems(criterion: &mut Criterion) {
    for mode in Mode::all() {
        let mut group = criterion.benchmark_group(mode.name());
        group.sample_size(20).throughput(Throughput::Elements(SAMPLES as u64));
        let mut out = vec![0.0; SAMPLES];
        group.bench_function("tx", |bench| {
            bench.iter_batched(
                || mode.modulator(),
                |mut modulator| send(&mut *modulator, black_box(&mut out)),
                BatchSize::LargeInput,
            );
        });
        for (name, samples) in [("rx", mode.signal(SAMPLES)), ("rx of silence", vec![0.0; SAMPLES])] {
            group.bench_function(name, |bench| {
                bench.iter_batched(
                    || mode.demodulator(),
                    |mut demodulator| hear(&mut *demodulator, black_box(&samples)),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

criterion_group!(benches, modems);
criterion_main!(benches);
