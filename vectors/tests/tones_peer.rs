//! Tones, digits and caller identification to and from another maker's tone box.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use answertone_dsp::{
    callerid::{
        CallerId, CallerIdReceiver, CallerIdSender, DtmfForm, Hook, Message, Standard, digits_for, read_digits,
    },
    tone::{
        call::{CedDetector, CedGenerator, CngDetector, CngGenerator},
        dtmf::{DtmfStyle, digits},
        dtmf_detector::DtmfDetector,
    },
    units::Dbm0,
};
use answertone_vectors::{not_run, shared, wav::Recording};
use serde_json::Value;

const NUMBER: &str = "0312345678";
const DATE: &str = "01021234";

/// How we make and read a format.
#[derive(Clone, Copy)]
enum Ours {
    Fsk(Standard, fn(&CallerId) -> Message),
    Digits(DtmfForm),
}

/// The peer's formats.
const FORMATS: [(&str, Ours); 7] = [
    ("class", Ours::Fsk(Standard::Bellcore, Message::multiple)),
    ("sdmf", Ours::Fsk(Standard::Bellcore, Message::single)),
    ("clip", Ours::Fsk(Standard::Etsi, Message::multiple)),
    ("aclip", Ours::Fsk(Standard::Bellcore, Message::multiple)),
    ("jclip", Ours::Fsk(Standard::Japan, Message::japanese)),
    ("clip-dtmf", Ours::Digits(DtmfForm::EndedByC)),
    ("clip-dtmf-hash", Ours::Digits(DtmfForm::EndedByHash)),
];

/// The peer, built from the shared folder, and a folder for files; unless something is missing.
fn peer(cases: usize, name: &str) -> Option<(PathBuf, PathBuf)> {
    let source = shared("peer", cases)?;
    let test = env::current_exe().expect("the test knows its file");
    let build = test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").join("peer-tones").join(name);
    fs::create_dir_all(&build).expect("a folder in the target folder");
    for entry in fs::read_dir(source).expect("the peer's sources").flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), build.join(entry.file_name())).expect("a copy of the peer's sources");
    }
    let made = Command::new("make").arg("bin/peer-tones").current_dir(&build).output();
    if !made.is_ok_and(|made| made.status.success()) {
        not_run(cases, "the peer does not build; install libspandsp-dev, libtiff-dev and build-essential");
        return None;
    }
    Some((build.join("bin/peer-tones"), build))
}

/// Runs the peer; what it reports.
fn run(peer: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(peer).args(arguments).output().expect("the peer runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the peer reports in JSON")
}

fn write(path: &Path, samples: &[f32]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file");
    let silence = [0.0; 4000];
    for sample in silence.iter().chain(samples).chain(&silence) {
        writer.write_sample(sample.round() as i16).expect("a sample");
    }
    writer.finalize().expect("a whole WAV file");
}

fn telephone(path: &Path) -> Vec<f32> {
    Recording::read(path).expect("the peer's recording").telephone().swap_remove(0)
}

fn keys(samples: &[f32]) -> String {
    let (mut detector, mut keys) = (DtmfDetector::new(), String::new());
    for block in samples.chunks(80).chain([[0.0; 80].as_slice(); 10]) {
        detector.run(block, |heard| {
            if heard.end.is_none() {
                keys.push(heard.digit);
            }
        });
    }
    keys
}

fn called(samples: &[f32], format: Ours) -> Option<CallerId> {
    let Ours::Fsk(standard, _) = format else { return read_digits(&keys(samples)) };
    let (mut receiver, mut told) = (CallerIdReceiver::new(standard), None);
    receiver.run(samples, |message| {
        assert!(message.intact, "{message:?}");
        told = Some(message.caller());
    });
    told
}

#[test]
fn caller_identification_comes_from_the_peer_in_its_seven_formats() {
    let Some((peer, folder)) = peer(FORMATS.len(), "from") else { return };
    let wav = folder.join("from.wav");
    let file = wav.to_str().expect("a path in Unicode");
    for (name, format) in FORMATS {
        let date = ["gen", "cid", "--standard", name, "--number", NUMBER, "--date", DATE, "--out", file];
        let plain = ["gen", "cid", "--standard", name, "--number", NUMBER, "--out", file];
        let digits = matches!(format, Ours::Digits(_));
        run(&peer, if digits { &plain } else { &date });
        let caller = called(&telephone(&wav), format).unwrap_or_else(|| panic!("{name}: nothing was told"));
        assert_eq!(caller.number.as_deref(), Some(NUMBER), "{name}");
        let dated = !digits && name != "jclip";
        assert_eq!(caller.date.as_deref(), dated.then_some(DATE), "{name}");
    }
}

#[test]
fn caller_identification_goes_to_the_peer_in_its_seven_formats() {
    let Some((peer, folder)) = peer(FORMATS.len(), "to") else { return };
    let wav = folder.join("to.wav");
    let id = CallerId { number: Some(NUMBER.into()), date: Some(DATE.into()), ..CallerId::default() };
    for (name, format) in FORMATS {
        let samples = match format {
            Ours::Fsk(standard, message) => {
                CallerIdSender::new(&message(&id), standard, Hook::On, Dbm0(-13.5)).samples()
            }
            Ours::Digits(form) => digits(&digits_for(&id, form), DtmfStyle::default()),
        };
        write(&wav, &samples);
        let report = run(&peer, &["detect", "cid", "--standard", name, wav.to_str().expect("a path in Unicode")]);
        let told = report["events"].to_string();
        assert!(told.contains(NUMBER), "{name}: {report}");
    }
}

#[test]
fn answer_tones_are_told_apart_from_and_by_the_peer() {
    let Some((peer, folder)) = peer(10, "tones") else { return };
    let wav = folder.join("tone.wav");
    let file = wav.to_str().expect("a path in Unicode");
    for (name, modulated, reversed) in
        [("ced", false, false), ("ans-pr", false, true), ("ansam", true, false), ("ansam-pr", true, true)]
    {
        run(&peer, &["gen", "tone", "--tone", name, "--out", file]);
        let mut detector = CedDetector::new();
        let edges: Vec<_> = telephone(&wav).chunks(80).filter_map(|block| detector.run(block)).collect();
        let on = edges.iter().any(|edge| edge.on);
        assert_eq!((on, detector.is_modulated(), detector.reversals() > 1), (true, modulated, reversed), "{name}");
        let mut samples = vec![0.0; 24_000];
        let mut ours =
            if modulated { CedGenerator::ansam(Dbm0(-13.0), reversed) } else { CedGenerator::new(Dbm0(-13.0)) };
        if reversed && !modulated {
            ours = CedGenerator::with_reversals(Dbm0(-13.0));
        }
        ours.run(&mut samples);
        write(&wav, &samples);
        let report = run(&peer, &["detect", "tone", file]);
        assert!(report["events"].to_string().contains(&format!("\"tone\":\"{name}\"")), "{name}: {report}");
    }
    run(&peer, &["gen", "tone", "--tone", "cng", "--seconds", "8", "--out", file]);
    let mut detector = CngDetector::new();
    assert!(telephone(&wav).chunks(80).filter_map(|block| detector.run(block)).any(|edge| edge.on), "CNG");
    let mut samples = vec![0.0; 64_000];
    CngGenerator::new(Dbm0(-13.0)).run(&mut samples);
    write(&wav, &samples);
    let report = run(&peer, &["detect", "tone", file]);
    assert!(report["events"].to_string().contains("\"tone\":\"cng\""), "{report}");
}

#[test]
fn digits_go_to_and_come_from_the_peer() {
    let Some((peer, folder)) = peer(2, "digits") else { return };
    let wav = folder.join("digits.wav");
    let file = wav.to_str().expect("a path in Unicode");
    let all = "0123456789*#ABCD";
    run(&peer, &["gen", "dtmf", "--digits", all, "--on-ms", "40", "--off-ms", "40", "--noise", "-35", "--out", file]);
    assert_eq!(keys(&telephone(&wav)), all);
    write(&wav, &digits(all, DtmfStyle::default()));
    let report = run(&peer, &["detect", "dtmf", file]);
    let told: String = report["events"].as_array().into_iter().flatten().filter_map(|e| e["digit"].as_str()).collect();
    assert_eq!(told, all);
}
