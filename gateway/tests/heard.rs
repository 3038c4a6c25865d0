//! Calls in which something else answers than a fax machine, from the outside: how soon they end, and with which cause.

// Only the gateway's part is wanted of them.
#[allow(dead_code)]
mod daemon;
#[allow(dead_code)]
mod mail;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use answertone_dsp::{
    pcm::narrow,
    tone::progress::{ProgressKind, ProgressTone},
};
use answertone_hw::exchange::{Bell, Exchange};
use daemon::{Gateway, Sink, wait_for};
use hound::{SampleFormat, WavSpec, WavWriter};
use serde_json::Value;

fn answertone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_answertone")).current_dir(folder).args(arguments).output().unwrap()
}

/// A minute of what a caller hears: half a second of silence and the tone.
fn exchange_says(folder: &Path, country: &str, kind: ProgressKind) {
    let mut samples = vec![0.0; 4000];
    samples.extend(ProgressTone::find(country, kind).unwrap().samples(60 * 8000));
    write_exchange(folder, &samples);
}

fn write_exchange(folder: &Path, samples: &[f32]) {
    let mut narrowed = vec![0; samples.len()];
    narrow(samples, &mut narrowed);
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

/// The log of a gateway, one JSON object a fax.
fn log(folder: &Path) -> Vec<Value> {
    let output = answertone(folder, &["log", "--json", "--config", "answertone.toml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// A gateway whose one line says what the exchange says, and the fax to one address in its log once it is as it should.
fn calling(folder: &Path, offramp: &str, as_it_should: fn(&Value) -> bool) -> Value {
    let sink = Sink::new();
    let line = format!("wav:{}\"\nuse = \"send", folder.join("exchange.wav").display());
    let gateway = Gateway::start_changed(folder, sink.port, |config| {
        let config = config.replace("sim:?far=onramp&snr=35", &line);
        config.replace("[offramp]\n", &format!("[offramp]\n{offramp}"))
    });
    let letter = mail::text_mail("called", "A letter to somebody who speaks.");
    mail::submit(gateway.port, "me@office.example", "FAX=+15550100@fax.example", "", &letter).unwrap();
    let row = || log(folder).into_iter().find(as_it_should);
    wait_for("the call in the log", || row().is_some());
    row().unwrap()
}

#[test]
fn the_gateway_knows_that_a_line_was_busy_and_calls_again() {
    let folder = tempfile::tempdir().unwrap();
    exchange_says(folder.path(), "us", ProgressKind::Busy);
    let called_again = |row: &Value| row["cause"] == "busy" && row["attempts"].as_i64() >= Some(2);
    let row = calling(folder.path(), "", called_again);
    assert_eq!(row["way"], "offramp", "{row}");
    assert!(matches!(row["state"].as_str(), Some("waiting" | "sending" | "queued")), "{row}");
}

/// Something that speaks: a pitch that moves, in syllables.
fn somebody_speaks(folder: &Path) {
    let mut phase = 0.0f32;
    let samples: Vec<f32> = (0..30 * 8000)
        .map(|at| {
            let seconds = at as f32 / 8000.0;
            phase = (phase + (130.0 + 30.0 * (seconds * 4.0).sin()) / 8000.0).fract();
            let syllable = (seconds * 9.0).sin().max(0.0);
            (phase - 0.5) * 12_000.0 * syllable
        })
        .collect();
    write_exchange(folder, &samples);
}

#[test]
fn somebody_who_speaks_is_not_called_again() {
    let folder = tempfile::tempdir().unwrap();
    somebody_speaks(folder.path());
    let row = calling(folder.path(), "give_up_on = [\"voice\"]\n", |row| row["state"] == "failed");
    assert_eq!((&row["cause"], &row["attempts"]), (&"voice".into(), &1.into()), "{row}");
}

#[test]
fn the_number_told_between_the_rings_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("exchange");
    let exchange = Exchange::start(&socket, Bell::default()).unwrap();
    let sink = Sink::new();
    let line = format!("exchange:{}?number=200&loop=us\"\nuse = \"receive", socket.display());
    let _gateway = Gateway::start_on_line(folder.path(), sink.port, &line);
    wait_for("the line of the gateway", || exchange.numbers().contains(&"200".to_owned()));
    fs::write(folder.path().join("letter.txt"), "A letter.").unwrap();
    let line = format!("exchange:{}?number=5550142&dial=200", socket.display());
    let sent = answertone(folder.path(), &["call", "--line", &line, "--send", "letter.txt"]);
    assert!(sent.status.success(), "{sent:?}");
    wait_for("the fax in the log", || log(folder.path()).iter().any(|row| row["state"] == "complete"));
    let row = log(folder.path()).remove(0);
    assert_eq!((&row["way"], &row["number"]), (&"onramp".into(), &"5550142".into()), "{row}");
}
