//! Pages per second through the image codings: ITU chart 1 where it is at hand, a page of drawn text lines otherwise.

use std::hint::black_box;
use std::path::PathBuf;

use answertone_t30::image::{Bitmap, Coding, DecodeLimits, PageDecoder, RowEncoding, encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn codings(criterion: &mut Criterion) {
    let (name, page) = chart_1().map_or_else(|| ("drawn page", drawn_page()), |chart| ("itu chart 1", chart));
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    for coding in [Coding::Mh, Coding::Mr, Coding::Mmr, Coding::Jbig] {
        let encoding = RowEncoding::on_line(coding, 4);
        let octets = encode(&page, encoding);
        group.bench_function(format!("{} encode", coding.name()), |bench| {
            bench.iter(|| encode(black_box(&page), encoding));
        });
        group.bench_function(format!("{} decode", coding.name()), |bench| {
            bench.iter(|| {
                let mut decoder = PageDecoder::new(page.width(), coding, DecodeLimits::default());
                decoder.push(black_box(&octets));
                decoder.finish()
            });
        });
    }
}

fn chart_1() -> Option<Bitmap> {
    let shared = std::env::var_os("ANSWERTONE_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let pbm = std::fs::read(shared.join("assets/4-tiff-jbig/itu1.pbm")).ok()?;
    let pels = pbm.len().checked_sub(1728 / 8 * 2376)?;
    Some(Bitmap::from_octets(1728, pbm[pels..].to_vec()))
}

/// Words of strokes in lines, about as much black as a letter has.
fn drawn_page() -> Bitmap {
    let mut page = Bitmap::white(1728, 2376);
    let mut seed = 1u32;
    for line in (150..2200).step_by(48) {
        for stroke in (150..1500).step_by(9) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (height, slope) = (seed >> 27, (seed >> 20) % 5);
            for y in 0..height {
                for x in 0..3 {
                    page.set(stroke + x + y * slope / 16, line + y, true);
                }
            }
        }
    }
    page
}

criterion_group!(benches, codings);
criterion_main!(benches);
