//! The commands as a script sees them: exit status, JSON, recordings, transcripts.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use answertone_t30::image::tiff::TiffDocument;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use serde_json::Value;

fn answertone(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_answertone")).current_dir(folder).args(arguments).output().unwrap()
}

/// Standard output, line by line, each of which must be JSON.
fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn result(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    let last = json_lines(output).pop().unwrap();
    assert_eq!(last["event"], "result");
    last["details"].clone()
}

/// Left and right of a recording.
fn channels(path: &Path) -> [Vec<i16>; 2] {
    let mut file = WavReader::open(path).unwrap();
    let wanted = WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    assert_eq!(file.spec(), wanted);
    let samples: Vec<i16> = file.samples().map(Result::unwrap).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect())
}

fn mono(path: &Path, samples: &[i16]) {
    let spec = WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut file = WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| file.write_sample(*sample).unwrap());
    file.finalize().unwrap();
}

fn pages(path: &Path) -> Vec<Vec<u8>> {
    let file = fs::read(path).unwrap();
    let pages = TiffDocument::open(&file).unwrap().fax_pages().unwrap();
    pages.iter().map(|page| page.bitmap.octets().to_vec()).collect()
}

#[test]
fn send_tells_records_and_transcribes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "A short letter.").unwrap();
    let sent = answertone(
        folder.path(),
        &["send", "letter.txt", "--to", "+15550100", "--record", "r.wav", "--transcript", "t.txt", "--json"],
    );
    let report = result(&sent);
    assert_eq!((&report["ok"], &report["pages"], &report["t30_status"]), (&true.into(), &1.into(), &"OK".into()));
    let [left, right] = channels(&folder.path().join("r.wav"));
    assert_eq!(left.len(), right.len());
    let seconds = report["seconds"].as_f64().unwrap();
    assert!((left.len() as f64 / 8000.0 - seconds).abs() < 0.05, "{} samples, {seconds} s", left.len());
    // The last word is the sender's DCN.
    let last_word = |samples: &[i16]| samples.iter().rposition(|sample| sample.unsigned_abs() > 500);
    assert!(last_word(&left) > last_word(&right));
    let transcript = fs::read_to_string(folder.path().join("t.txt")).unwrap();
    let words: Vec<&str> = transcript.split_whitespace().collect();
    for said in [["heard", "DIS"], ["sent", "DCS"], ["heard", "MCF"], ["sent", "DCN"]] {
        assert!(words.windows(2).any(|pair| pair == said), "{said:?} is not in\n{transcript}");
    }
}

#[test]
fn a_recorded_call_is_received_again_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let line = "sim:?offset=4&ppm=60";
    let live = answertone(here, &["receive", "--line", line, "--out", "live", "--record", "r.wav", "--json"]);
    let report = result(&live);
    let offset = report["carrier_offset_hz"].as_f64().unwrap();
    assert!((offset - 4.0).abs() < 0.5, "{offset} Hz");
    let clock = report["clock_offset_ppm"].as_f64().unwrap();
    assert!((clock.abs() - 60.0).abs() < 20.0, "{clock} ppm");
    assert!(report["evm_db"].as_f64().unwrap() < -20.0, "{report}");
    let [_, heard] = channels(&here.join("r.wav"));
    mono(&here.join("heard.wav"), &heard);
    let again = answertone(here, &["receive", "--line", "wav:heard.wav,said.wav", "--out", "again", "--json"]);
    assert_eq!(result(&again)["pages"], 1);
    assert!(here.join("said.wav").exists());
    assert_eq!(pages(&here.join("again/fax-0001.tiff")), pages(&here.join("live/fax-0001.tiff")));
}

#[test]
fn a_far_end_that_stops_without_hanging_up_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_answertone"))
        .current_dir(folder.path())
        .args(["call", "--line", "stdio:?patience=1", "--receive", "fax.tiff", "--result", "r.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _held_open = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let report: Value = serde_json::from_slice(&fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["failure"]["cause"], "line_lost");
}

#[test]
fn wrong_use_is_status_2_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        (&["send", "nothing.pdf", "--to", "1"][..], "nothing.pdf"),
        (&["receive", "--line", "tin:can", "--out", "x"], "tin:"),
        (&["receive", "--line", "wav:none.wav", "--out", "x"], "none.wav"),
        (&["config", "check", "none.toml"], "none.toml"),
        (&["queue", "list", "--config", "none.toml"], "answertone config example"),
    ] {
        let output = answertone(folder.path(), arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

#[test]
fn what_holds_is_shown_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let example = answertone(folder.path(), &["config", "example"]);
    fs::write(folder.path().join("answertone.toml"), &example.stdout).unwrap();
    assert!(answertone(folder.path(), &["config", "check"]).status.success());
    let shown = answertone(folder.path(), &["config", "show", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["smtp"]["listen"][0], &shown["offramp"]["attempts"]), (&"127.0.0.1:2525".into(), &4.into()));
}
