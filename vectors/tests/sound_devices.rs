//! Calls over simulated sound devices in virtual time: clocks that disagree, callbacks that come late, interruptions.

#[path = "sound_devices/end.rs"]
mod end;
#[path = "sound_devices/world.rs"]
mod world;

use std::{sync::Arc, thread};

use answertone_hw::{PcmLine, sound::SoundLine};
use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Page, Resolution},
    session::{Config, Document, Outcome, Session},
    time::{LineSpan, LineTime},
};
use end::Ended;
use world::{Ends, Telephone, World};

/// A page of a quarter of a minute at 14 400 bit/s: noise does not compress.
fn page() -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, 64);
    let mut chance = 1_u64;
    for y in 0..64 {
        for x in 0..1728 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bitmap.set(x, y, chance >> 62 == 0);
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}

fn config(line: &SoundLine) -> Arc<Config> {
    let path_delay = LineSpan(line.path_delay() as u64);
    Arc::new(Config { modems: Modems::ALL, ecm: true, path_delay, ..Config::default() })
}

/// A call between two telephones.
fn call(world: World, page: Arc<Page>) -> (Ended, Ended) {
    let Ends { near, far } = world.ends();
    let answering = thread::spawn(move || {
        let mut far = far.open();
        let session = Session::answering(config(&far), LineTime::ZERO);
        end::run(&mut far, session)
    });
    let mut near = near.open();
    let document = Document { pages: vec![page], first: 0 };
    let session = Session::calling(config(&near), document, LineTime::ZERO);
    let sent = end::run(&mut near, session);
    (sent, answering.join().unwrap())
}

/// A page at full rate over two devices whose output runs 200 ppm beside their input, and who know it.
fn assert_married(rate: u32, xrun_every: Option<f64>) {
    let telephones = [(35.0, 235.0), (-20.0, -220.0)].map(|(input_ppm, output_ppm)| Telephone {
        input_ppm,
        output_ppm,
        lateness_ms: 8.0,
        xrun_every,
    });
    let page = page();
    let (sent, received) = call(World::new(rate, telephones), page.clone());
    for (name, ended, drift) in [("caller", &sent, 200.0), ("answerer", &received, -200.0)] {
        println!("{rate} Hz {name}, {:.0} s: {:?}, {} ms lost", ended.seconds, ended.health, ended.report.lost.as_ms());
        assert_eq!(ended.outcome, Some(Outcome::Completed), "{rate} {name}:\n{}", ended.trace.join("\n"));
        let terms = ended.report.terms.expect("terms were agreed");
        let rate_of_call = terms.carrier.bit_rate();
        assert_eq!(rate_of_call, 14_400, "{rate} {name}:\n{}", ended.trace.join("\n"));
        assert!(terms.ecm.is_some(), "{name}");
        assert!((ended.health.drift_ppm.unwrap() - drift).abs() < 5.0, "{rate} {name}: {:?}", ended.health);
        if let Some(every) = xrun_every {
            let each = (ended.seconds / every / 2.0) as u32;
            assert!(ended.health.overruns + 1 >= each && ended.health.underruns + 1 >= each, "{:?}", ended.health);
        }
    }
    let arrived: Vec<&Bitmap> = received.pages.iter().map(|page| &page.bitmap).collect();
    assert!(arrived == [&page.bitmap], "{rate}: the page is not the one that was sent");
}

#[test]
fn clocks_that_disagree_are_married() {
    assert_married(48_000, None);
}

#[test]
fn a_page_survives_interruptions_of_its_devices() {
    assert_married(8000, Some(5.0));
    assert_married(44_100, Some(5.0));
}

#[test]
fn an_interruption_has_its_right_length() {
    let telephones =
        [0.0, 0.0].map(|ppm| Telephone { input_ppm: ppm, output_ppm: ppm, lateness_ms: 5.0, xrun_every: Some(5.0) });
    let world = World::new(8000, telephones);
    let truth = world.truth();
    let Ends { near, far } = world.ends();
    drop(far);
    let mut near = near.open();
    let mut lost = 0;
    for _ in 0..3000 {
        lost += near.exchange(&[0; 80], &mut [0; 80]).unwrap().lost_samples;
    }
    let (health, truth) = (near.health().unwrap(), truth.lock().unwrap());
    for (name, told, count, frames) in [
        ("input", health.overrun_ms, health.overruns, &truth[0]),
        ("output", health.underrun_ms, health.underruns, &truth[1]),
    ] {
        assert_eq!(count as usize, frames.len(), "{name}: {health:?}, {truth:?}");
        let real = frames.iter().sum::<u64>() as f64 / 8.0;
        println!("{name}: {count} interruptions, told {told} ms, really {real} ms");
        assert!((told - real).abs() < 0.3 * f64::from(count), "{name}: told {told} ms, really {real} ms");
    }
    assert!((lost as f64 / 8.0 - health.overrun_ms).abs() < 1.0, "{lost} samples lost, {health:?}");
}
