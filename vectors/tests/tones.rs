//! CNG, CED and V.21 in recordings of others, and in recordings where they are not.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use answertone_dsp::{
    bits::{BitQueue, BitRun, Mark},
    channel::noise::Noise,
    fsk::{FskDemodulator, FskModulator, FskSpec, V21_CHANNEL_1, V21_CHANNEL_2},
    g711::{Law, alaw},
    modem::{Demodulator, Modulator},
    osc::Oscillator,
    tone::{
        answerer::{Answerer, AnswererDetector},
        call::{CedDetector, CedGenerator, CngDetector, ToneEdge},
        dtmf::{DtmfStyle, digits},
    },
    units::{Baud, Dbm0, Hz},
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

/// Beginnings in seconds of the tones that a detector recognises.
fn beginnings(samples: &[f32], run: impl FnMut(&[f32]) -> Option<ToneEdge>) -> Vec<f64> {
    let edges = samples.chunks(80).filter_map(run);
    edges.filter(|edge| edge.on).map(|edge| edge.at.0 as f64 / 8000.0).collect()
}

fn cng(samples: &[f32]) -> Vec<f64> {
    let mut detector = CngDetector::new();
    beginnings(samples, |block| detector.run(block))
}

fn ced(samples: &[f32]) -> Vec<f64> {
    let mut detector = CedDetector::new();
    beginnings(samples, |block| detector.run(block))
}

/// A V.21 carrier in a recording.
#[derive(Debug)]
struct Heard {
    from: f64,
    to: f64,
    /// Flags in it that follow each other directly.
    flags: usize,
}

/// The V.21 carriers of a recording.
fn v21(samples: &[f32]) -> Vec<Heard> {
    let mut demodulator = FskDemodulator::new(&V21_CHANNEL_2);
    let mut run = BitRun::with_room(64);
    let (mut carriers, mut bits) = (Vec::new(), Vec::new());
    // A few blocks of silence more, so that the last carrier ends.
    for block in samples.chunks(80).chain([[0.0; 80].as_slice(); 4]) {
        run.clear();
        demodulator.run(block, &mut run);
        bits.extend_from_slice(run.bits());
        for mark in run.marks() {
            let at = mark.at.0 as f64 / 8000.0;
            match (mark.mark, carriers.last_mut()) {
                (Mark::CarrierUp, _) => carriers.push(Heard { from: at, to: at, flags: 0 }),
                (_, Some(heard)) => (heard.to, heard.flags) = (at, flags_in_a_row(&bits)),
                (_, None) => {}
            }
            bits.clear();
        }
        assert_eq!(run.lost(), 0);
    }
    carriers
}

/// The longest row of whole flags, 01111110 each.
fn flags_in_a_row(bits: &[bool]) -> usize {
    const FLAG: [bool; 8] = [false, true, true, true, true, true, true, false];
    let row_at = |at: usize| bits[at..].chunks_exact(8).take_while(|octet| **octet == FLAG).count();
    (0..bits.len()).map(row_at).max().unwrap_or(0)
}

/// One side of a recorded fax call and what is in it.
struct Side {
    file: &'static str,
    channel: usize,
    /// When CNG begins, in seconds.
    cng: Option<f64>,
    /// When CED begins; in the caller's channel it is the echo of the other side's.
    ced: Option<f64>,
    /// How many V.21 signals there are.
    v21: usize,
}

/// The recorded calls.
#[rustfmt::skip]
const CALLS: [Side; 14] = [
    Side { file: "ECM-call.wav", channel: 0, cng: None, ced: Some(7.6), v21: 12 },
    Side { file: "ECM-call.wav", channel: 1, cng: Some(2.5), ced: Some(7.7), v21: 12 },
    Side { file: "MPS-call.wav", channel: 0, cng: None, ced: Some(2.3), v21: 8 },
    Side { file: "MPS-call.wav", channel: 1, cng: Some(0.4), ced: None, v21: 4 },
    Side { file: "V17-14400bps-nonECM.wav", channel: 0, cng: Some(1.2), ced: None, v21: 3 },
    Side { file: "V17-14400bps-nonECM.wav", channel: 1, cng: None, ced: Some(9.2), v21: 4 },
    Side { file: "all-rates-failed.wav", channel: 0, cng: Some(0.5), ced: None, v21: 9 },
    Side { file: "all-rates-failed.wav", channel: 1, cng: None, ced: Some(2.6), v21: 9 },
    Side { file: "example_faxstf3_to_officejet8620.wav", channel: 0, cng: Some(4.8), ced: Some(17.5), v21: 6 },
    Side { file: "from-pcap_vega1_s0_10336to16834.wav", channel: 0, cng: Some(1.4), ced: None, v21: 0 },
    Side { file: "from-pcap_vega1_s1_16834to10336.wav", channel: 0, cng: None, ced: Some(11.5), v21: 0 },
    Side { file: "from-pcap_vega1_s3_10338to16834.wav", channel: 0, cng: None, ced: Some(0.2), v21: 0 },
    Side { file: "from-pcap_vega1_s4_16834to10338.wav", channel: 0, cng: None, ced: Some(0.0), v21: 0 },
    Side { file: "dbose_fax_8K_16_Mono.wav", channel: 0, cng: None, ced: Some(0.1), v21: 0 },
];

fn agrees(found: &[f64], expected: Option<f64>) -> bool {
    found.len() == usize::from(expected.is_some()) && found.iter().zip(expected).all(|(at, due)| (at - due).abs() < 0.1)
}

#[test]
fn cng_and_ced_are_recognised_once_in_every_recorded_call() {
    let Some(folder) = shared("assets/1-fax-audio", CALLS.len()) else { return };
    for Side { file, channel, cng: cng_at, ced: ced_at, .. } in CALLS {
        let samples = &channels(&folder.join(file)).expect("the recording can be read")[channel];
        assert!(agrees(&cng(samples), cng_at), "{file} {channel}: CNG at {:?}, not {cng_at:?}", cng(samples));
        assert!(agrees(&ced(samples), ced_at), "{file} {channel}: CED at {:?}, not {ced_at:?}", ced(samples));
    }
}

#[test]
fn v21_opens_with_a_second_of_flags_and_nothing_else_in_a_call_is_taken_for_it() {
    let whole_calls = CALLS.iter().filter(|side| side.v21 > 0);
    let Some(folder) = shared("assets/1-fax-audio", whole_calls.clone().count()) else { return };
    for Side { file, channel, v21: signals, .. } in whole_calls {
        let heard = v21(&channels(&folder.join(file)).expect("the recording can be read")[*channel]);
        assert_eq!(heard.len(), *signals, "{file} {channel}: {heard:?}");
        for signal in &heard {
            // One second, 15 % less, is 31 flags; the first of them or the second passes before the carrier is known.
            assert!(signal.flags >= 29, "{file} {channel}: {signal:?}");
            // The shortest frame, with flags, lasts 0.2 s more.
            assert!((1.0..3.2).contains(&(signal.to - signal.from)), "{file} {channel}: {signal:?}");
        }
    }
}

#[test]
fn speech_and_music_hold_neither_cng_nor_ced_nor_v21_flags() {
    let Some(folder) = shared("assets/6-speech-music", 304) else { return };
    hold_no_fax_signal(&files_below(&folder));
}

#[test]
fn dialling_caller_identification_and_alarm_panels_hold_neither_cng_nor_ced_nor_v21_flags() {
    let Some(folder) = shared("assets/3-cid-dtmf-tones", 13) else { return };
    let files = files_below(&folder);
    let recordings: Vec<PathBuf> =
        files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "wav")).collect();
    hold_no_fax_signal(&recordings);
}

fn hold_no_fax_signal(files: &[PathBuf]) {
    assert!(!files.is_empty());
    for file in files {
        let channels = match channels(file) {
            Ok(channels) => channels,
            Err(why) => {
                not_run(1, &why);
                continue;
            }
        };
        for samples in channels {
            assert!(cng(&samples).is_empty(), "{}: CNG at {:?}", file.display(), cng(&samples));
            assert!(ced(&samples).is_empty(), "{}: CED at {:?}", file.display(), ced(&samples));
            let heard = v21(&samples);
            assert!(heard.iter().all(|signal| signal.flags < 2), "{}: {heard:?}", file.display());
        }
    }
}

/// Who answered, in the order they were told.
fn answerers(samples: &[f32]) -> Vec<Answerer> {
    let mut detector = AnswererDetector::new();
    let blocks = samples.chunks(80).chain([[0.0; 80].as_slice(); 30]);
    blocks.filter_map(|block| detector.run(block)).map(|answered| answered.who).collect()
}

/// Channels of recordings and who is there at last. A fax machine, where a recording ends before its flags are whole, is
/// nobody.
const WHO: [(&str, usize, Option<Answerer>); 14] = [
    ("1-fax-audio/ECM-call.wav", 0, Some(Answerer::Fax)),
    ("1-fax-audio/MPS-call.wav", 0, Some(Answerer::Fax)),
    ("1-fax-audio/V17-14400bps-nonECM.wav", 1, Some(Answerer::Fax)),
    ("1-fax-audio/all-rates-failed.wav", 1, Some(Answerer::Fax)),
    ("1-fax-audio/example_faxstf3_to_officejet8620.wav", 0, Some(Answerer::Fax)),
    ("1-fax-audio/vtyenhanh_way-3304-5.wav", 0, Some(Answerer::Fax)),
    ("1-fax-audio/from-pcap_vega1_s4_16834to10338.wav", 0, Some(Answerer::Fax)),
    ("1-fax-audio/dbose_fax_8K_16_Mono.wav", 0, None),
    ("1-fax-audio/V90-attempted-V34-33600.wav", 0, Some(Answerer::DataModem)),
    ("1-fax-audio/V90-attempted-V34-33600.wav", 1, Some(Answerer::DataModem)),
    ("3-cid-dtmf-tones/alarm-panel_vega2_s0_42138to10040.wav", 0, Some(Answerer::AlarmReceiver)),
    ("3-cid-dtmf-tones/alarm-panel_vega2_s3_24342to10044.wav", 0, Some(Answerer::AlarmReceiver)),
    ("3-cid-dtmf-tones/evgensen_test_dtmf_012345678901234567890.wav", 0, None),
    ("3-cid-dtmf-tones/tino_dial.wav", 0, None),
];

#[test]
fn who_answered_is_told_in_recordings() {
    let Some(folder) = shared("assets", WHO.len()) else { return };
    for (file, channel, who) in WHO {
        let samples = &channels(&folder.join(file)).expect("the recording can be read")[channel];
        assert_eq!(answerers(samples).last().copied(), who, "{file} {channel}");
    }
}

#[test]
fn voices_are_told_and_nobody_who_speaks_is_a_machine_of_data() {
    let Some(folder) = shared("assets/6-speech-music", 302) else { return };
    let (mut voices, mut long) = (0, 0);
    for file in files_below(&folder).iter().filter(|file| file.extension().is_some_and(|extension| extension == "wav"))
    {
        for samples in channels(file).expect("the recording can be read") {
            let who = answerers(&samples);
            let spoken = who.iter().all(|who| matches!(who, Answerer::Voice | Answerer::AnsweringMachine));
            assert!(spoken, "{}: {who:?}", file.display());
            long += usize::from(samples.len() >= 3 * 8000);
            voices += usize::from(samples.len() >= 3 * 8000 && !who.is_empty());
        }
    }
    println!("{voices} voices in {long} recordings of 3 s and more");
    assert!(voices * 100 >= long * 85, "{voices} of {long}");
}

/// Baudot's code as text telephones send it, and EDT, which is V.21's first channel at 110 bit/s.
fn baudot(rate: f32) -> FskSpec {
    FskSpec { mark: Hz(1400.0), space: Hz(1800.0), rate: Baud(rate), source: "TIA-825" }
}
const EDT: FskSpec = FskSpec { rate: Baud(110.0), ..V21_CHANNEL_1 };

/// A text telephone that types: a bit of mark, then each character of so many bits between a start bit and two stop bits,
/// and a pause.
fn typed(spec: &FskSpec, characters: &[u32], size: usize, level: f32, pause_ms: usize) -> Vec<f32> {
    let mut samples = vec![0.0; 8000];
    for code in characters {
        let mut bits = BitQueue::with_room(16);
        bits.push(true);
        bits.push(false);
        (0..size).for_each(|bit| bits.push(code >> bit & 1 == 1));
        (0..2).for_each(|_| bits.push(true));
        bits.finish();
        let begin = samples.len();
        samples.resize(begin + 4000, 0.0);
        let written = FskModulator::new(spec, Dbm0(level)).run(&mut bits, &mut samples[begin..]);
        samples.resize(begin + written + pause_ms * 8, 0.0);
    }
    samples.resize(samples.len() + 8000, 0.0);
    samples
}

#[test]
fn a_text_telephone_is_told_as_it_types() {
    // HELLO GA, in ITA2.
    const HELLO: [u32; 8] = [20, 1, 18, 18, 24, 4, 26, 3];
    for (rate, level, pause_ms) in [(45.45, -12.0, 0), (45.45, -30.0, 0), (50.0, -20.0, 0), (45.45, -20.0, 120)] {
        let mut samples = typed(&baudot(rate), &HELLO, 5, level, pause_ms);
        Noise::new(Dbm0(level - 20.0), 3).add(&mut samples);
        let who = answerers(&samples);
        assert_eq!(who, [Answerer::TextTelephone], "{rate} Bd, {level} dBm0, {pause_ms} ms between letters");
    }
}

/// A text in seven bits and their even parity.
fn with_parity(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).map(|octet| octet | (octet.count_ones() % 2) << 7).collect()
}

#[test]
fn edt_is_told_by_its_characters() {
    let text = with_parity("HALLO, HIER BIN ICH");
    for (level, noise) in [(-12.0, -60.0), (-20.0, -35.0), (-32.0, -60.0)] {
        let mut bits = BitQueue::with_room(300);
        // A third of a second of mark, then one character after the other.
        (0..33).for_each(|_| bits.push(true));
        for code in &text {
            bits.push(false);
            (0..8).for_each(|bit| bits.push(code >> bit & 1 == 1));
            (0..2).for_each(|_| bits.push(true));
        }
        bits.finish();
        let mut samples = vec![0.0; 40_000];
        FskModulator::new(&EDT, Dbm0(level)).run(&mut bits, &mut samples[8000..]);
        Noise::new(Dbm0(noise), 5).add(&mut samples);
        assert_eq!(answerers(&samples), [Answerer::TextTelephone], "{level} dBm0");
    }
    // The same signal at V.21's own rate is no such telephone.
    let fast = typed(&V21_CHANNEL_1, &text, 8, -12.0, 0);
    assert_eq!(answerers(&fast), []);
}

#[test]
fn carriers_that_wait_and_quick_marked_digits_are_text_telephones() {
    for (pitch, who) in [(1650.0, Answerer::TextTelephone), (1300.0, Answerer::TextTelephone)] {
        let mut samples = vec![0.0; 64_000];
        let ced = CedGenerator::new(Dbm0(-14.0)).run(&mut samples);
        let (mut tone, peak) = (Oscillator::new(Hz(pitch)), Dbm0(-14.0).rms() * std::f32::consts::SQRT_2);
        samples[ced + 600..ced + 16_600].iter_mut().for_each(|sample| *sample = peak * tone.next_sine());
        assert_eq!(answerers(&samples), [who], "{pitch} Hz");
    }
    let style = DtmfStyle { on: 400, off: 400, ..DtmfStyle::default() };
    // HELLO, in the digits of V.18's annex for DTMF.
    assert_eq!(answerers(&digits("##3##2###4###4###5", style)), [Answerer::TextTelephone]);
    assert_eq!(answerers(&digits("0123456789*#", style)), []);
}

/// What callers hear of answering machines: voice of espeak-ng, milliseconds of silence, pitch, level and length of the
/// beep in milliseconds.
const MACHINES: [(&str, usize, f32, f32, usize); 6] = [
    ("en", 200, 1000.0, -15.0, 400),
    ("en+f3", 500, 1400.0, -10.0, 250),
    ("en-us+m4", 1000, 440.0, -20.0, 500),
    ("de", 0, 900.0, -15.0, 1500),
    ("fr+f1", 300, 2000.0, -18.0, 200),
    ("es", 700, 620.0, -12.0, 1000),
];

/// A greeting at 8000 samples per second, -18 dBm0.
fn greeting(voice: &str) -> Vec<f32> {
    let text = "Hello. You have reached us, but nobody can come to the telephone right now. Please leave your name, your \
                number and a short message after the tone.";
    let spoken = Command::new("espeak-ng").args(["-v", voice, "--stdout", text]).output().expect("espeak-ng speaks");
    // The header of a stream does not know its length: 44 octets, 22 050 samples of 16 bits a second.
    let samples = spoken.stdout[44..].chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])));
    let recording = Recording { rate: 22_050, channels: vec![samples.collect()] };
    let mut samples = recording.telephone().swap_remove(0);
    let mean = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let gain = (Dbm0(-18.0).mean_square() / mean).sqrt();
    samples.iter_mut().for_each(|sample| *sample *= gain);
    samples
}

#[test]
fn a_greeting_is_a_voice_and_with_a_beep_a_machine() {
    if Command::new("espeak-ng").arg("--version").output().is_err() {
        return not_run(MACHINES.len(), "espeak-ng is not installed");
    }
    for (voice, silence_ms, pitch, level, beep_ms) in MACHINES {
        let mut samples = vec![0.0; 8000];
        samples.extend(greeting(voice));
        let spoken = samples.len();
        samples.resize(spoken + silence_ms * 8, 0.0);
        let (mut tone, peak) = (Oscillator::new(Hz(pitch)), Dbm0(level).rms() * std::f32::consts::SQRT_2);
        samples.extend((0..beep_ms * 8).map(|_| peak * tone.next_sine()));
        samples.resize(samples.len() + 16_000, 0.0);
        Noise::new(Dbm0(-50.0), 9).add(&mut samples);
        for sample in &mut samples {
            *sample = f32::from(Law::Mu.decode(Law::Mu.encode(*sample as i16)));
        }
        assert_eq!(answerers(&samples), [Answerer::Voice, Answerer::AnsweringMachine], "{voice}, {pitch} Hz");
        assert_eq!(answerers(&samples[..spoken]), [Answerer::Voice], "{voice} without a beep");
    }
}
