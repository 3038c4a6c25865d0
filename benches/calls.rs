//! Whole calls, both ends: elements are the samples of both, so the inverse of elements per second is the time of a
//! sample at one end.

use std::{hint::black_box, sync::Arc};

use answertone_benches::call::call;
use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Page, Resolution},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn page() -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 1100);
    for y in 0..1100 {
        for x in 0..1728 {
            bitmap.set(x, y, (x / (3 + y / 90) + y / 7).is_multiple_of(3) && x % 400 < 120);
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Standard })
}

fn calls(criterion: &mut Criterion) {
    let page = page();
    let kinds = [
        ("V.27ter ECM", Modems::V27TER, true),
        ("V.29 ECM", Modems::V27TER | Modems::V29, true),
        ("V.17 ECM", Modems::ALL, true),
        ("V.17 without ECM", Modems::ALL, false),
    ];
    let mut group = criterion.benchmark_group("a call, per end");
    group.sample_size(10);
    for (name, modems, ecm) in kinds {
        let samples = call(&page, modems, ecm);
        group.throughput(Throughput::Elements(2 * samples as u64));
        group.bench_function(name, |bench| bench.iter(|| call(black_box(&page), modems, ecm)));
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
