//! Calls in which something else answers than a fax machine, from the outside: how soon they end, and with which cause.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use answertone_dsp::{
    pcm::narrow,
    tone::progress::{ProgressKind, ProgressTone},
};
use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;

fn answertone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_answertone")).current_dir(folder).args(arguments).output().unwrap()
}

/// A minute of what a caller hears: half a second of silence and the tone.
fn exchange_says(folder: &Path, country: &str, kind: ProgressKind) {
    let mut samples = vec![0.0; 4000];
    samples.extend(ProgressTone::find(country, kind).unwrap().samples(60 * 8000));
    let mut narrowed = vec![0; samples.len()];
    narrow(&samples, &mut narrowed);
    let spec = WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = WavWriter::create(folder.join("exchange.wav"), spec).unwrap();
    narrowed.iter().for_each(|sample| file.write_sample(*sample).unwrap());
    file.finalize().unwrap();
}

/// Calls into what the exchange says; the result and the exit status.
fn called(folder: &Path, options: &[&str]) -> (Value, Option<i32>) {
    fs::write(folder.join("letter.txt"), "A letter.").unwrap();
    let call = ["call", "--line", "wav:exchange.wav,said.wav", "--send", "letter.txt", "--result", "r.json"];
    let output = answertone(folder, &[&call, options].concat());
    let result = fs::read(folder.join("r.json")).unwrap_or_else(|_| panic!("{output:?}"));
    (serde_json::from_slice(&result).unwrap(), output.status.code())
}

#[test]
fn a_call_ends_within_seconds_when_the_network_says_that_it_cannot_succeed() {
    let folder = tempfile::tempdir().unwrap();
    for (country, kind, cause) in [
        ("us", ProgressKind::Busy, "busy"),
        ("de", ProgressKind::Busy, "busy"),
        ("gb", ProgressKind::Busy, "busy"),
        ("us", ProgressKind::Congestion, "congestion"),
        ("us", ProgressKind::Special, "special_information"),
        ("de", ProgressKind::Special, "special_information"),
    ] {
        exchange_says(folder.path(), country, kind);
        let (report, status) = called(folder.path(), &[]);
        assert_eq!((&report["failure"]["cause"], status), (&cause.into(), Some(1)), "{country}: {report}");
        assert_eq!((&report["heard"], &report["failure"]["side"]), (&cause.into(), &"remote".into()), "{report}");
        assert!(report["seconds"].as_f64().unwrap() < 6.0, "{country} {cause}: {report}");
    }
}

#[test]
fn a_country_tells_its_tones_apart_and_ringing_is_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    exchange_says(folder.path(), "gb", ProgressKind::Unobtainable);
    let (report, _) = called(folder.path(), &["--country", "gb"]);
    assert_eq!(report["failure"]["cause"], "number_unobtainable", "{report}");
    exchange_says(folder.path(), "de", ProgressKind::Ringback);
    let (report, _) = called(folder.path(), &[]);
    assert_eq!(
        (&report["failure"]["cause"], &report["heard"]),
        (&"no_fax_heard".into(), &"ringing".into()),
        "{report}"
    );
    assert!(report["seconds"].as_f64().unwrap() > 30.0, "{report}");
}

#[test]
fn what_ends_a_call_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    exchange_says(folder.path(), "us", ProgressKind::Busy);
    let (report, _) = called(folder.path(), &["--give-up-on", "none"]);
    assert_eq!((&report["failure"]["cause"], &report["heard"]), (&"no_fax_heard".into(), &"busy".into()), "{report}");
    exchange_says(folder.path(), "us", ProgressKind::Dial);
    let (report, _) = called(folder.path(), &["--give-up-on", "busy,dial_tone"]);
    assert_eq!(report["failure"]["cause"], "dial_tone", "{report}");
    let refused =
        answertone(folder.path(), &["call", "--line", "sim:", "--send", "letter.txt", "--give-up-on", "bussy"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("bussy") && said.contains("busy"), "{said}");
}

#[test]
fn no_dial_tone_and_busy_before_dialling_are_causes_like_the_others() {
    let folder = tempfile::tempdir().unwrap();
    exchange_says(folder.path(), "us", ProgressKind::Ringback);
    let (report, status) = called(folder.path(), &["--dial", "W5550123"]);
    assert_eq!((&report["failure"]["cause"], status), (&"no_dial_tone".into(), Some(1)), "{report}");
    exchange_says(folder.path(), "us", ProgressKind::Busy);
    let (report, status) = called(folder.path(), &["--dial", "W5550123"]);
    assert_eq!((&report["failure"]["cause"], status), (&"busy".into(), Some(1)), "{report}");
}
