//! A small fixed workload for an instruction counter: `workload NAME`. Only what [`measured`] runs is to be counted.

use std::{env, hint::black_box, process::ExitCode};

use answertone_benches::signal::{Mode, hear, send};
use answertone_t30::image::{Bitmap, Coding, DecodeLimits, PageDecoder, RowEncoding, encode};

/// Two seconds of signal.
const SAMPLES: usize = 16_000;

/// The instruction counter collects while this runs.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Every name, with what it does.
fn workloads() -> Vec<(String, Box<dyn FnOnce()>)> {
    let mut all: Vec<(String, Box<dyn FnOnce()>)> = vec![];
    for mode in Mode::all() {
        all.push((format!("{} tx", mode.name()), Box::new(move || transmit(mode))));
        all.push((format!("{} rx", mode.name()), Box::new(move || receive(mode, mode.signal(SAMPLES)))));
    }
    for coding in [Coding::Mh, Coding::Mr, Coding::Mmr] {
        all.push((format!("{} encode", coding.name()), Box::new(move || encode_page(coding))));
        all.push((format!("{} decode", coding.name()), Box::new(move || decode_page(coding))));
    }
    all
}

fn transmit(mode: Mode) {
    let (mut modulator, mut out) = (mode.modulator(), vec![0.0; SAMPLES]);
    measured(|| send(&mut *modulator, &mut out));
}

fn receive(mode: Mode, signal: Vec<f32>) {
    let mut demodulator = mode.demodulator();
    let bits = measured(|| hear(&mut *demodulator, &signal));
    assert!(bits > 0, "{} gave no bits", mode.name());
}

fn page() -> Bitmap {
    let mut page = Bitmap::white(1728, 300);
    for y in 0..300 {
        for x in 0..1728 {
            page.set(x, y, (x / (3 + y / 30) + y / 7).is_multiple_of(3) && x % 400 < 120);
        }
    }
    page
}

fn encode_page(coding: Coding) {
    let page = page();
    measured(|| encode(&page, RowEncoding::on_line(coding, 4)));
}

fn decode_page(coding: Coding) {
    let octets = encode(&page(), RowEncoding::on_line(coding, 4));
    let mut decoder = PageDecoder::new(1728, coding, DecodeLimits::default());
    measured(|| decoder.push(&octets));
    assert_eq!(decoder.finish().bitmap.height(), 300);
}

fn main() -> ExitCode {
    let wanted = env::args().nth(1);
    let mut all = workloads();
    match wanted.and_then(|wanted| all.iter().position(|(name, _)| *name == wanted)) {
        Some(place) => {
            all.swap_remove(place).1();
            ExitCode::SUCCESS
        }
        None => {
            all.iter().for_each(|(name, _)| println!("{name}"));
            ExitCode::SUCCESS
        }
    }
}
