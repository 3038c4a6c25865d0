//! What samples go through most: sums of products, filters, resonators, the simulated line.

use std::hint::black_box;

use answertone_dsp::{
    channel::{Channel, Impairments},
    filter::fir::{Fir, low_pass},
    g711::Law,
    lanes::Isa,
    pcm::BLOCK_SAMPLES,
    units::{Dbm0, Hz},
};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};

fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|at| (at * 37 % 101) as f32 - 50.0).collect()
}

fn sums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sums of products");
    for taps in [32, 128] {
        let (a, b) = (ramp(taps), ramp(taps));
        for (name, isa) in [("portable", Isa::PORTABLE), ("detected", Isa::detect())] {
            group.bench_function(format!("{taps} real, {name}"), |bench| bench.iter(|| isa.dot(black_box(&a), &b)));
            group.bench_function(format!("{taps} complex, {name}"), |bench| {
                bench.iter(|| isa.dot_complex(black_box(&a), &b, &b, &a));
            });
        }
    }
}

fn of_a_block(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut run: impl FnMut(&[f32])) {
    let block = ramp(BLOCK_SAMPLES);
    group.bench_function(name, |bench| bench.iter(|| run(black_box(&block))));
}

fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a block of samples");
    group.throughput(Throughput::Elements(BLOCK_SAMPLES as u64));
    let mut fir = Fir::new(&low_pass(Hz(1000.0), 129), Isa::detect());
    of_a_block(&mut group, "FIR of 129 taps", |block| {
        block.iter().for_each(|sample| _ = black_box(fir.push(*sample)));
    });
    let line = Impairments { noise: Some(Dbm0(-50.0)), law: Some(Law::A), ..Impairments::default() };
    let (mut channel, mut out) = (Channel::new(&line, 1), [0.0; BLOCK_SAMPLES]);
    of_a_block(&mut group, "line with noise and A-law", |block| channel.run(block, block, &mut out));
}

criterion_group!(benches, sums, blocks);
criterion_main!(benches);
