//! Recordings heard from outside.
use answertone_t30::observe::{Call, Observer, What};
use answertone_vectors::wav::Recording;
#[test]
fn zz() {
    let dir = std::path::Path::new("/work/shared/assets/1-fax-audio");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "wav"))
        .collect();
    files.sort();
    for f in files {
        let r = Recording::read(&f).unwrap().telephone();
        let t = std::time::Instant::now();
        let mut o = Observer::new(r.len());
        o.run(&r.iter().map(|c| c.as_slice()).collect::<Vec<_>>());
        let call = Call::of(o.finish());
        let s = t.elapsed().as_secs_f64();
        println!(
            "=== {} {:.1}s x{:.0} {:?}",
            f.file_name().unwrap().to_string_lossy(),
            r[0].len() as f64 / 8000.,
            r[0].len() as f64 / 8000. / s,
            call.kind
        );
        for h in &call.steps {
            let w = match &h.heard.what {
                What::Control(c) => format!(
                    "flags {} | {}",
                    c.flags,
                    c.frames.iter().map(|f| f.words()).collect::<Vec<_>>().join(" | ")
                ),
                What::Burst(b) => format!("{:?} evm {:.1} check {}", b.carrier, b.evm.0, b.is_check()),
                o => format!("{o:?}"),
            };
            println!(
                "{:9.3} {:9.3} {:6.1} ch{} {:?} {} {:?}",
                h.heard.from.0 as f64 / 8000.,
                h.heard.to.0 as f64 / 8000.,
                h.level.0,
                h.channel,
                h.station,
                w.chars().take(100).collect::<String>(),
                h.leak.as_ref().map(|l| (l.channel, l.softer, l.later))
            );
        }
        for p in &call.pages {
            println!(
                "PAGE {}x{} bad {} run {} ended {} ecm {} frames {} again {} missing {} answer {:?} {:?} places {}",
                p.page.bitmap.width(),
                p.page.bitmap.height(),
                p.bad_rows,
                p.longest_bad_run,
                p.ended,
                p.ecm,
                p.frames,
                p.frames_again,
                p.frames_missing,
                p.answer,
                p.coding,
                p.bad_places.len()
            );
        }
        for f in &call.findings {
            println!("{:?} {} {:?} [{}] {}", f.weight, f.name, f.at.map(|a| a.0 as f64 / 8000.), f.clause, f.text);
        }
    }
}
