//! What recordings hold that is no training sequence: speech, music, ringing, tones, caller identities, calls of data
//! modems, and fax calls with other modems than the one that listens. Every fast modem hears all of it, and none trains.

use std::{fs, path::Path};

use answertone_dsp::{g711::Law, modem::plans};
use answertone_vectors::{
    ear::{Burst, bursts},
    files_below, not_run, shared,
    wav::Recording,
};

/// Channels at 8000 samples per second; none if the file is no recording.
fn channels(path: &Path) -> Vec<Vec<f32>> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        "raw" => vec![a_law(path)],
        "wav" => Recording::read(path).map_or_else(|_| unreadable(path), Recording::telephone),
        "mp3" | "ogg" | "gsm" => unreadable(path),
        _ => vec![],
    }
}

fn a_law(path: &Path) -> Vec<f32> {
    let octets = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    octets.into_iter().map(|octet| f32::from(Law::A.decode(octet))).collect()
}

fn unreadable(path: &Path) -> Vec<Vec<f32>> {
    not_run(1, &format!("{} cannot be read", path.display()));
    vec![]
}

/// Nothing in these recordings is a fast modem's training.
fn assert_nothing_trains(paths: &[std::path::PathBuf]) -> (usize, f64) {
    let (mut recordings, mut samples) = (0, 0);
    for path in paths {
        let channels = channels(path);
        recordings += usize::from(!channels.is_empty());
        for channel in channels {
            samples += channel.len();
            for plan in plans() {
                let heard: Vec<String> = bursts(plan, &channel).iter().map(at).collect();
                assert!(heard.is_empty(), "{} trained in {} at {heard:?}", plan.name, path.display());
            }
        }
    }
    (recordings, samples as f64 / 8000.0)
}

fn at(burst: &Burst) -> String {
    format!("{:.3} s ({:.1} dB)", burst.trained as f64 / 8000.0, burst.evm)
}

#[test]
fn speech_and_music_train_no_modem() {
    let Some(folder) = shared("assets/6-speech-music", 9) else { return };
    let (recordings, seconds) = assert_nothing_trains(&files_below(&folder));
    println!("{recordings} recordings, {seconds:.0} s, nine modems");
    assert!(recordings > 290 && seconds > 1000.0, "{recordings} recordings, {seconds:.0} s only");
}

#[test]
fn tones_ringing_and_other_modems_train_no_modem() {
    let Some(folder) = shared("assets", 27) else { return };
    let calls = ["V90-attempted-V34-33600.wav", "dbose_fax_8K_16_Mono.wav", "vtyenhanh_way-3304-5.wav"];
    let pcap = ["s0_10336to16834", "s1_16834to10336", "s3_10338to16834", "s4_16834to10338"];
    let mut paths = files_below(&folder.join("3-cid-dtmf-tones"));
    paths.extend(calls.map(|name| folder.join("1-fax-audio").join(name)));
    paths.extend(pcap.map(|name| folder.join(format!("1-fax-audio/from-pcap_vega1_{name}.wav"))));
    let (recordings, seconds) = assert_nothing_trains(&paths);
    println!("{recordings} recordings, {seconds:.0} s, nine modems");
    assert!(recordings >= 20 && seconds > 200.0, "{recordings} recordings, {seconds:.0} s only");
}

/// Recordings, and the families of modems that send in them.
const CALLS: &[(&str, &[&str])] = &[
    ("ECM-call.wav", &["V.17"]),
    ("MPS-call.wav", &["V.17"]),
    ("V17-14400bps-nonECM.wav", &["V.17"]),
    ("example_faxstf3_to_officejet8620.wav", &["V.17"]),
];

#[test]
fn calls_train_no_modem_but_those_that_send_in_them() {
    let Some(folder) = shared("assets/1-fax-audio", 9 * CALLS.len()) else { return };
    for (name, senders) in CALLS {
        for channel in channels(&folder.join(name)) {
            for plan in plans().into_iter().filter(|plan| senders.iter().all(|sender| !plan.name.starts_with(sender))) {
                let heard: Vec<String> = bursts(plan, &channel).iter().map(at).collect();
                assert!(heard.is_empty(), "{} trained in {name} at {heard:?}", plan.name);
            }
        }
    }
}

/// Trainings that each family hears in a call in which V.17 trains four times, V.29 and V.27ter twice each.
#[test]
fn on_a_call_with_every_modem_each_trains_to_its_own_kind_only() {
    let Some(folder) = shared("assets/1-fax-audio", 18) else { return };
    for (side, channel) in channels(&folder.join("all-rates-failed.wav")).iter().enumerate() {
        for plan in plans() {
            let own = match plan.name {
                name if name.starts_with("V.17") => 4,
                name if name.starts_with("V.29") => 2,
                _ => 1,
            };
            let heard: Vec<String> = bursts(plan, channel).iter().map(at).collect();
            assert_eq!(heard.len(), if side == 0 { own } else { 0 }, "{} channel {side}: {heard:?}", plan.name);
        }
    }
}
