//! Every detector over every recording, and over signals made for it: hits, and hits where nothing is.

use std::path::Path;

use answertone_dsp::{
    bits::BitQueue,
    callerid::{Alert, AlertDetector, CallerId, CallerIdReceiver, CallerIdSender, Hook, Message, Standard},
    fsk::{FskModulator, V21_CHANNEL_2},
    modem::Modulator,
    tone::{
        answerer::AnswererDetector,
        call::{CedDetector, CedGenerator, CngDetector, CngGenerator},
        dtmf::{DtmfStyle, digits},
        dtmf_detector::DtmfDetector,
        progress::{ProgressDetector, ProgressKind, ProgressTone},
    },
    units::Dbm0,
};
use answertone_vectors::{files_below, shared, wav::Recording};

/// The detectors.
const DETECTORS: [&str; 8] = ["digits", "CNG", "CED", "busy etc", "SIT", "caller ID", "alerts", "answerers"];

/// What each detector finds in one recording.
fn findings(samples: &[f32]) -> [usize; 8] {
    let blocks = || samples.chunks(80).chain([[0.0; 80].as_slice(); 30]);
    let (mut keys, mut progress, mut alerts) =
        (DtmfDetector::new(), ProgressDetector::anywhere(), AlertDetector::new());
    let (mut cng, mut ced, mut who) = (CngDetector::new(), CedDetector::new(), AnswererDetector::new());
    let mut found = [0; 8];
    for block in blocks() {
        keys.run(block, |heard| found[0] += usize::from(heard.end.is_none()));
        found[1] += usize::from(cng.run(block).is_some_and(|edge| edge.on));
        found[2] += usize::from(ced.run(block).is_some_and(|edge| edge.on));
        match progress.run(block) {
            Some(ProgressKind::Special) => found[4] += 1,
            Some(_) => found[3] += 1,
            None => {}
        }
        found[6] += usize::from(alerts.run(block).is_some());
        found[7] = found[7].max(usize::from(who.run(block).is_some()));
    }
    for standard in [Standard::Bellcore, Standard::Etsi, Standard::Japan] {
        let mut receiver = CallerIdReceiver::new(standard);
        blocks().for_each(|block| receiver.run(block, |message| found[5] += usize::from(message.intact)));
    }
    found
}

/// Hits of every detector over a folder of recordings, and how many there may be, least and most.
const HITS: [(&str, [(usize, usize); 8]); 3] = [
    ("1-fax-audio", [(2, 2), (6, 6), (12, 12), (0, 0), (0, 0), (0, 0), (0, 0), (13, 13)]),
    ("3-cid-dtmf-tones", [(91, 91), (0, 0), (0, 0), (0, 0), (0, 0), (12, 12), (0, 0), (3, 5)]),
    ("6-speech-music", [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (170, 190)]),
];

fn told(name: &str, hits: &[usize; 8]) {
    println!("{name:20}{}", hits.map(|hits| format!("{hits:>10}")).concat());
}

fn is_outside(hits: &[usize; 8], bands: &[(usize, usize); 8]) -> bool {
    hits.iter().zip(bands).any(|(found, (least, most))| !(least..=most).contains(&found))
}

#[test]
fn every_detector_hears_every_recording() {
    let Some(folder) = shared("assets", HITS.len()) else { return };
    println!("{:20}{}", "recordings", DETECTORS.map(|name| format!("{name:>10}")).concat());
    let mut wrong = Vec::new();
    for (name, bands) in HITS {
        let mut hits = [0; 8];
        for file in files_below(&folder.join(name)) {
            for found in readable(&file).iter().map(|samples| findings(samples)) {
                // Whatever is no voice is worth a line.
                if found[..7].iter().any(|found| *found > 0) {
                    told(&file.file_name().unwrap_or_default().to_string_lossy(), &found);
                }
                hits.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
            }
        }
        told(name, &hits);
        if is_outside(&hits, &bands) {
            wrong.push(format!("{name}: {hits:?}, not within {bands:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn readable(file: &Path) -> Vec<Vec<f32>> {
    let is_sound = file.extension().is_some_and(|extension| extension == "wav" || extension == "mp3");
    if is_sound { Recording::read(file).expect("the recording can be read").telephone() } else { Vec::new() }
}

/// A message of the call from 0312345678.
fn message(standard: Standard) -> Vec<f32> {
    let id = CallerId { number: Some("0312345678".into()), ..CallerId::default() };
    let message = if standard == Standard::Japan { Message::japanese(&id) } else { Message::multiple(&id) };
    CallerIdSender::new(&message, standard, Hook::On, Dbm0(-13.5)).samples()
}

fn progress(country: &str, kind: ProgressKind) -> Vec<f32> {
    ProgressTone::find(country, kind).expect("a tone of the table").samples(6 * 8000)
}

fn fax_answers() -> Vec<f32> {
    let mut samples = vec![0.0; 32_000];
    let ced = CedGenerator::new(Dbm0(-14.0)).run(&mut samples);
    let mut flags = BitQueue::with_room(300);
    (0..300).for_each(|bit| flags.push(!matches!(bit % 8, 0 | 7)));
    FskModulator::new(&V21_CHANNEL_2, Dbm0(-14.0)).run(&mut flags, &mut samples[ced + 600..ced + 8600]);
    samples
}

#[test]
fn every_detector_hears_what_is_made_for_it_and_nothing_else() {
    let mut cng = vec![0.0; 60_000];
    CngGenerator::new(Dbm0(-14.0)).run(&mut cng);
    let made: [(&str, Vec<f32>, [usize; 8]); 12] = [
        ("sixteen digits", digits("0123456789*#ABCD", DtmfStyle::default()), [16, 0, 0, 0, 0, 0, 0, 0]),
        ("CNG", cng, [0, 1, 0, 0, 0, 0, 0, 0]),
        ("CED and V.21", fax_answers(), [0, 0, 1, 0, 0, 0, 0, 1]),
        ("busy, us", progress("us", ProgressKind::Busy), [0, 0, 0, 1, 0, 0, 0, 0]),
        ("busy, de", progress("de", ProgressKind::Busy), [0, 0, 0, 1, 0, 0, 0, 0]),
        ("SIT, us", progress("us", ProgressKind::Special), [0, 0, 0, 0, 1, 0, 0, 0]),
        ("SIT, at", progress("at", ProgressKind::Special), [0, 0, 0, 0, 1, 0, 0, 0]),
        ("caller ID, Bellcore", message(Standard::Bellcore), [0, 0, 0, 0, 0, 1, 0, 0]),
        ("caller ID, ETSI", message(Standard::Etsi), [0, 0, 0, 0, 0, 1, 0, 0]),
        ("caller ID, NTT", message(Standard::Japan), [0, 0, 0, 0, 0, 1, 0, 0]),
        ("DT-AS", Alert::DualTone.samples(Dbm0(-20.0)), [0, 0, 0, 0, 0, 0, 1, 0]),
        ("CAS", Alert::Cas.samples(Dbm0(-20.0)), [0, 0, 0, 0, 0, 0, 1, 0]),
    ];
    println!("{:20}{}", "signals", DETECTORS.map(|name| format!("{name:>10}")).concat());
    let mut wrong = Vec::new();
    for (name, samples, expected) in made {
        let mut all = vec![0.0; 4000];
        all.extend(samples);
        all.resize(all.len() + 4000, 0.0);
        let found = findings(&all);
        told(name, &found);
        // A message is read by the modem of the other standard, too, when their frequencies are near enough.
        let differs = (0..8).any(|at| found[at] != expected[at] && !(at == 5 && found[5] > 0 && expected[5] > 0));
        if differs {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
