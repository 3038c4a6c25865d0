//! `answertone tones` from the outside: recordings of every kind, and digits asked for on a line.

use std::{
    f64::consts::TAU,
    fs,
    path::Path,
    process::{Command, Output},
};

use answertone_dsp::{
    g711::Law,
    tone::dtmf::{DtmfStyle, HIGH_GROUP, LOW_GROUP, digits, place},
    units::Dbm0,
};
use serde_json::Value;

fn answertone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_answertone")).current_dir(folder).args(arguments).output().unwrap()
}

fn json(octets: &[u8]) -> Value {
    serde_json::from_slice(octets).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(octets)))
}

/// What is found in a recording.
fn events(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let found = answertone(folder, &[&["tones", "detect"], arguments].concat());
    assert!(found.status.success(), "{arguments:?}: {found:?}");
    json(&found.stdout)["events"].as_array().unwrap().clone()
}

fn keys(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["digit"].as_str()).collect()
}

/// A WAV file, octet by octet: codings 1 (integers), 3 (floating point), 6 (A-law), 7 (µ-law).
fn wav(path: &Path, coding: u16, rate: u32, channels: u16, octets_each: u16, samples: &[u8]) {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0".to_vec();
    file.extend([coding, channels].map(u16::to_le_bytes).concat());
    file.extend([rate, rate * u32::from(channels * octets_each)].map(u32::to_le_bytes).concat());
    file.extend([channels * octets_each, octets_each * 8, 0].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend((samples.len() as u32).to_le_bytes());
    file.extend(samples);
    let length = (file.len() as u32 - 8).to_le_bytes();
    file[4..8].copy_from_slice(&length);
    fs::write(path, file).unwrap();
}

/// Keys of 60 ms, 60 ms apart, at any rate; a tenth of full scale each tone.
fn dialled(keys: &str, rate: u32) -> Vec<f64> {
    let span = rate as usize * 60 / 1000;
    let mut samples = vec![0.0; span];
    for (row, column) in keys.chars().filter_map(place) {
        let tone = |pitch: f32, at: usize| (TAU * f64::from(pitch) * at as f64 / f64::from(rate)).sin() * 0.1;
        samples.extend((0..span).map(|at| tone(LOW_GROUP[row].0, at) + tone(HIGH_GROUP[column].0, at)));
        samples.extend(vec![0.0; span]);
    }
    samples.extend(vec![0.0; span]);
    samples
}

fn integers(samples: &[f64]) -> Vec<i16> {
    samples.iter().map(|sample| (sample * 32767.0) as i16).collect()
}

fn octets(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[test]
fn digits_are_found_in_every_coding_and_rate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    let found = || keys(&events(folder.path(), &["dtmf", "x.wav"]));
    for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000] {
        wav(&path, 1, rate, 1, 2, &octets(&integers(&dialled("159D", rate))));
        assert_eq!(found(), "159D", "{rate} Hz");
    }
    for (coding, law) in [(6, Law::A), (7, Law::Mu)] {
        let coded: Vec<u8> = integers(&dialled("*0#7", 8000)).iter().map(|sample| law.encode(*sample)).collect();
        wav(&path, coding, 8000, 1, 1, &coded);
        assert_eq!(found(), "*0#7", "{law:?}");
    }
    let floats: Vec<u8> = dialled("246", 48_000).iter().flat_map(|sample| (*sample as f32).to_le_bytes()).collect();
    wav(&path, 3, 48_000, 1, 4, &floats);
    assert_eq!(found(), "246");
}

#[test]
fn each_side_of_a_recording_is_heard_or_one_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (left, right) = (integers(&dialled("123", 16_000)), integers(&dialled("456", 16_000)));
    let both: Vec<i16> = left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]).collect();
    wav(&folder.path().join("x.wav"), 1, 16_000, 2, 2, &octets(&both));
    let all = events(folder.path(), &["dtmf", "x.wav"]);
    let of = |channel: u64| keys(&all.iter().filter(|event| event["channel"] == channel).cloned().collect::<Vec<_>>());
    assert_eq!((of(1), of(2)), ("123".into(), "456".into()));
    assert_eq!(keys(&events(folder.path(), &["dtmf", "x.wav", "--channel", "2"])), "456");
    let refused = answertone(folder.path(), &["tones", "detect", "dtmf", "x.wav", "--channel", "3"]);
    assert!(refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stderr).contains("1 to 2"));
}

#[test]
fn what_is_made_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let make = |arguments: &[&str]| {
        let made = answertone(here, &[&["tones", "make"], arguments, &["--out", "m.wav"]].concat());
        assert!(made.status.success(), "{arguments:?}: {made:?}");
    };
    for standard in ["class", "sdmf", "clip", "aclip", "bt", "jclip", "clip-dtmf", "clip-dtmf-hash", "clip-dtmf-d"] {
        make(&["cid", "--standard", standard, "--number", "0301234567", "--date", "11221030"]);
        let told = events(here, &["cid", "m.wav", "--standard", standard]);
        assert_eq!(told[0]["caller"]["number"], "0301234567", "{standard}: {told:?}");
    }
    make(&["cid", "--standard", "bt", "--absence", "P", "--alert"]);
    let told = events(here, &["cid", "m.wav", "--standard", "bt"]);
    assert_eq!((&told[0]["kind"], &told[1]["caller"]["number_absence"]), (&"alert".into(), &"P".into()), "{told:?}");
    for (country, tone) in
        [("us", "busy"), ("de", "ring"), ("gb", "number-unobtainable"), ("fr", "dial"), ("us", "sit")]
    {
        make(&["progress", "--country", country, "--tone", tone, "--seconds", "13"]);
        let told = events(here, &["progress", "m.wav", "--country", country]);
        assert_eq!(told[0]["tone"], tone.replace('-', "_"), "{country}");
    }
    for tone in ["cng", "ced", "ans-pr", "ansam", "ansam-pr"] {
        make(&["tone", "--tone", tone, "--seconds", "8"]);
        let all = events(here, &["tone", "m.wav"]);
        assert_eq!(all.last().unwrap()["tone"], tone, "{all:?}");
    }
    wav(&here.join("silence.wav"), 1, 8000, 1, 2, &[0; 32_000]);
    let nothing = answertone(here, &["tones", "detect", "dtmf", "silence.wav"]);
    assert_eq!((nothing.status.code(), &json(&nothing.stdout)["events"]), (Some(1), &Value::Array(vec![])));
}

/// Keys on a line, the first that many milliseconds after the beginning, then a pause; what was answered.
fn asked(folder: &Path, pressed: &str, from_ms: usize, options: &[&str]) -> (Value, Option<i32>) {
    let mut line = vec![0; from_ms * 8];
    let style = DtmfStyle { level: Dbm0(-12.0), ..DtmfStyle::default() };
    line.extend(digits(pressed, style).iter().map(|sample| *sample as i16));
    line.resize(line.len() + 20 * 8000, 0);
    wav(&folder.join("line.wav"), 1, 8000, 1, 2, &octets(&line));
    let ask = ["tones", "ask", "--line", "wav:line.wav,said.wav", "--prompt", "prompt.wav"];
    let output = answertone(folder, &[&ask, options].concat());
    (json(&output.stderr), output.status.code())
}

#[test]
fn digits_are_asked_for_on_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // A prompt of two seconds that holds keys itself.
    let prompt = digits("14", DtmfStyle { on: 4000, off: 4000, ..DtmfStyle::default() });
    let prompt: Vec<i16> = prompt.iter().map(|sample| *sample as i16).collect();
    wav(&here.join("prompt.wav"), 1, 8000, 1, 2, &octets(&prompt));
    let said = |answer: &(Value, Option<i32>)| {
        let (report, status) = answer;
        let text = |key: &str| report[key].as_str().unwrap().to_owned();
        (text("digits"), text("ended"), report["barged_in"].as_bool().unwrap(), *status)
    };
    let answer =
        |digits: &str, ended: &str, barged: bool, status| (digits.to_owned(), ended.to_owned(), barged, Some(status));
    assert_eq!(said(&asked(here, "25#9", 500, &[])), answer("25", "terminator", true, 0));
    assert_eq!(said(&asked(here, "25#", 500, &["--no-barge-in"])), answer("", "time_out", false, 1));
    assert_eq!(said(&asked(here, "2583", 2500, &["--digits", "3"])), answer("258", "enough", false, 0));
    assert_eq!(said(&asked(here, "2583", 2500, &["--next-s", "1"])), answer("2583", "time_out", false, 0));
    assert_eq!(said(&asked(here, "25*", 2500, &["--terminator", "*"])), answer("25", "terminator", false, 0));
    // A digit ends the prompt: what was said after it is silence.
    asked(here, "2#", 500, &[]);
    let said = fs::read(here.join("said.wav")).unwrap();
    let samples: Vec<i16> = said[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let last = samples.iter().rposition(|sample| *sample != 0).unwrap();
    assert!((4000..5200).contains(&last), "{last}");
}
