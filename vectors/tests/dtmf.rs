//! DTMF in recordings of others, and in speech and music where there is none.

use std::{path::Path, process::Command};

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
const DIALLED: [(&str, &str); 8] = [
    ("cheind_100by100at8k_0123456789PpsPABCD.wav", "0123456789#*ABCD"),
    ("cheind_50by50at8k_radio_0db_0123456789psABCD.wav", "0123456789#*ABCD"),
    ("evgensen_test_dtmf_012345678901234567890.wav", "012345678901234567890"),
    ("tino_dial.wav", "15702340003"),
    ("bert2_short_dtmf_sequence.mp3", "ACAB"),
    ("tino_complete_44100.wav", "12345678"),
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

/// Voices of espeak-ng with variants and speeds in words a minute: both sexes, whispering, croaking, six languages.
const VOICES: [(&str, u32); 24] = [
    ("en", 150),
    ("en+f3", 180),
    ("en-us+m4", 130),
    ("en-us+f5", 210),
    ("en-gb+whisper", 150),
    ("en+croak", 160),
    ("de", 150),
    ("de+f2", 180),
    ("de+m7", 120),
    ("de+f4", 220),
    ("fr", 150),
    ("fr+f1", 190),
    ("fr+m3", 130),
    ("fr+m1", 200),
    ("es", 150),
    ("es+f4", 180),
    ("es+m5", 130),
    ("it", 160),
    ("it+f2", 190),
    ("ru", 150),
    ("ru+f3", 180),
    ("pl", 150),
    ("pt+f5", 170),
    ("sv+m2", 150),
];

/// Seconds of each voice, at least: an hour in all.
const SECONDS_OF_A_VOICE: usize = 3600 / VOICES.len();

/// What is spoken: numbers, letters and the sentences of automatic attendants, in the voice's own way.
fn script() -> String {
    const SENTENCES: [&str; 8] = [
        "Please press one for sales, two for support, three to leave a message, or star to hear this again.",
        "Your call is important to us. All our agents are busy. You are caller number",
        "Bitte waehlen Sie die Eins fuer den Verkauf oder bleiben Sie in der Leitung. Sie hoeren von uns.",
        "Veuillez appuyer sur la touche etoile, puis composez votre code et terminez par diese.",
        "Por favor, marque la extension, o espere en la linea para hablar con una operadora. Adios, amigo.",
        "We really need you early, we rarely hear an oboe, a flute, a beep, oo, ee, ah, mmm, whoa, yes, no, hello.",
        "The quick brown fox jumps over the lazy dog while seven wizards vex five jumbo pigs at noon.",
        "Alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa.",
    ];
    (0..60).map(|at| format!("{} {}. ", SENTENCES[at % SENTENCES.len()], at * 7919 % 100_003)).collect()
}

/// Speech of one voice at 8000 samples per second.
fn spoken(voice: &str, speed: u32) -> Option<Vec<f32>> {
    let speak = Command::new("espeak-ng").args(["-v", voice, "-s", &speed.to_string(), "--stdout", &script()]).output();
    let wav = speak.ok().filter(|output| output.status.success())?.stdout;
    // The header of a stream does not know its length: 44 octets, 22 050 samples of 16 bits a second.
    let samples =
        wav.get(44..)?.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
    Recording { rate: 22_050, channels: vec![samples] }.telephone().pop()
}

#[test]
fn an_hour_of_synthetic_speech_holds_no_digit() {
    if Command::new("espeak-ng").arg("--version").output().is_err() {
        return not_run(VOICES.len(), "espeak-ng is not installed");
    }
    let (mut found, mut seconds) = (Vec::new(), 0);
    for (voice, speed) in VOICES {
        let mut samples = spoken(voice, speed).unwrap_or_else(|| panic!("espeak-ng does not speak {voice}"));
        assert!(samples.len() >= SECONDS_OF_A_VOICE * 8000, "{voice}: {} s", samples.len() / 8000);
        samples.truncate(SECONDS_OF_A_VOICE * 8000);
        seconds += samples.len() / 8000;
        found.extend(heard(&samples).iter().map(|digit| format!("{voice} at {speed}: {digit:?}")));
    }
    println!("{seconds} s of {} voices", VOICES.len());
    assert!(found.is_empty(), "{} digits in {seconds} s:\n{}", found.len(), found.join("\n"));
}
