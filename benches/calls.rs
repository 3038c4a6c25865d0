//! Whole calls, both ends, beside spandsp's: the time of a sample at one end. How many samples a call has is each side's own
//! affair, since codings and pauses differ; spandsp reads and writes TIFF files meanwhile.

mod beside;

use std::{env, fs, hint::black_box, path::PathBuf, process, sync::Arc};

use answertone_benches::{
    call::call,
    spandsp::{
        Spandsp,
        call::{Abilities, call as call_of_spandsp},
    },
};
use answertone_t30::{
    frame::Modems,
    image::{
        Bitmap, Coding, Page, Resolution,
        tiff::{FilePage, Profile, WriteOptions, write},
    },
};
use beside::Comparison;
use criterion::{Criterion, criterion_group, criterion_main};

/// A page of print with the dirt of a scanner: a minute at 14400 bit/s.
fn page() -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 1100);
    let mut random = 1_u32;
    for y in 0..1100 {
        for x in 0..1728_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let print = (x / (3 + y / 90) + y / 7).is_multiple_of(3) && x % 400 < 120;
            bitmap.set(x, y, print != (random >> 24 < 9));
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Standard })
}

fn calls(criterion: &mut Criterion) {
    let page = page();
    let file = |name: &str| env::temp_dir().join(format!("answertone-calls-{}-{name}.tif", process::id()));
    let files = [file("sent"), file("received")];
    let tiff = write(&[FilePage::from(&*page)], &WriteOptions::plain(Profile::F(Coding::Mmr)));
    fs::write(&files[0], tiff.expect("a page fits into a file")).expect("the folder of temporary files takes files");
    let steps = [Modems::V27TER, Modems::V27TER | Modems::V29, Modems::ALL];
    for (name, modems, ecm) in
        [("V.27ter ECM", 1, true), ("V.29 ECM", 2, true), ("V.17 ECM", 3, true), ("V.17 without ECM", 3, false)]
    {
        let carry = || call(black_box(&page), steps[modems - 1], ecm);
        let mut comparison = Comparison::new(criterion, format!("a call by {name}"), 2 * carry());
        let ours = comparison.time("both ends", || (), |()| carry());
        let theirs = Spandsp::load().and_then(|library| {
            let carry = || call_of_spandsp(library, Abilities { modems, ecm }, &files[0], &files[1]);
            comparison.set_samples(2 * carry());
            comparison.time("both ends, spandsp", || (), |()| carry())
        });
        comparison.tell("both ends", ours, theirs);
    }
    files.iter().for_each(remove);
}

/// The received file is missing where spandsp is.
fn remove(file: &PathBuf) {
    if file.exists() {
        fs::remove_file(file).expect("our own file can be removed");
    }
}

criterion_group!(benches, calls);
criterion_main!(benches);
