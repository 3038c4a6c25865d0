//! DTMF in recordings of others, and in speech and music where there is none.

use std::path::Path;

use answertone_dsp::{
    g711::alaw,
    tone::dtmf_detector::{DtmfDetector, HeardDigit},
};
use answertone_vectors::{files_below, not_run, shared, wav::Recording};

/// Channels of a recording at 8000 samples per second, or why there are none.
fn channels(path: &Path) -> Result<Vec<Vec<f32>>, String> {
    if path.extension().is_some_and(|extension| extension == "raw") {
        let octets = std::fs::read(path).map_err(|error| error.to_string())?;
        return Ok(vec![octets.iter().map(|octet| f32::from(alaw::decode(*octet))).collect()]);
    }
    Recording::read(path).map(Recording::telephone)
}

fn heard(samples: &[f32]) -> Vec<HeardDigit> {
    let mut detector = DtmfDetector::new();
    let mut begun = Vec::new();
    let mut run = |block: &[f32]| {
        detector.run(block, |heard| {
            if heard.end.is_none() {
                begun.push(heard);
            }
        });
    };
    samples.chunks(80).for_each(&mut run);
    // A digit that lasts to the end of the recording is told a little later.
    run(&[0.0; 800]);
    begun
}

fn text(samples: &[f32]) -> String {
    heard(samples).iter().map(|heard| heard.digit).collect()
}

/// Recordings with digits.
const DIALLED: [(&str, &str); 6] = [
    ("cheind_100by100at8k_0123456789PpsPABCD.wav", "0123456789#*ABCD"),
    ("cheind_50by50at8k_radio_0db_0123456789psABCD.wav", "0123456789#*ABCD"),
    ("evgensen_test_dtmf_012345678901234567890.wav", "012345678901234567890"),
    ("tino_dial.wav", "15702340003"),
    ("tino_1n.wav", "1"),
    ("tino_one_distorted.wav", "1"),
];

#[test]
fn every_recorded_digit_is_heard_once() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", DIALLED.len()) else { return };
    let mut wrong = Vec::new();
    for (file, digits) in DIALLED {
        for samples in channels(&folder.join(file)).expect("the recording can be read") {
            let found = text(&samples);
            if found != digits {
                wrong.push(format!("{file}: {found}, not {digits}: {:#?}", heard(&samples)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn speech_and_music_hold_no_digit() {
    let Some(folder) = shared("assets/6-speech-music", 304) else { return };
    let mut found = Vec::new();
    let mut seconds = 0.0;
    for file in files_below(&folder) {
        match channels(&file) {
            Err(why) => not_run(1, &why),
            Ok(channels) => {
                for samples in channels {
                    seconds += samples.len() as f64 / 8000.0;
                    let digits = heard(&samples);
                    let report = |digit: &HeardDigit| format!("{}: {digit:?}", file.display());
                    found.extend(digits.iter().map(report));
                }
            }
        }
    }
    println!("{seconds:.0} s of speech and music");
    assert!(found.is_empty(), "{} digits in {seconds:.0} s:\n{}", found.len(), found.join("\n"));
}
