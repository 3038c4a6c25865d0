//! Recordings of real calls: every V.21 frame that is in them, and the training checks of real V.29 and V.27ter modems.
//!
//! Telephone numbers in the recordings stay there: identifications are compared by name only.

use std::path::Path;

use answertone_dsp::{
    bits::BitRun,
    fsk::{FskDemodulator, V21_CHANNEL_2},
    modem::Demodulator,
};
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::{Fcf, Frame},
    hdlc::{Deframer, Found},
    seam::{Carrier, Framing, FrontEnd, LineEvent, Listen, Order, V27terRate, V29Rate},
};
use answertone_vectors::{not_run, shared_dir};
use hound::{SampleFormat, WavReader};

const V17_TERMS: &str = "DCS  14400 V.17, fine, A4, unlimited, 0 ms";
const ECM_TERMS: &str = "DCS  14400 V.17, fine, A4, unlimited, 0 ms, ECM, T.6";
const ECM_DIS: &str = "DIS  V.8, receives, V.27ter V.29 V.17, fine, MR, A4/B4/A3, unlimited, 0 ms, ECM, T.6, superfine, \
                       400 dpi, metric preferred, T.85";
const HP_DIS: &str = "DIS  V.8, receives, V.27ter V.29 V.17, fine, MR, A4, unlimited, 0 ms, ECM, T.6, 300 dpi, metric \
                      preferred, JPEG, full colour";
const POLL_DIS: &str = "DIS  has a document, V.27ter V.29 V.17, fine, MR, A4, unlimited, 0 ms, ECM";
const POLL_DTC: &str = "DTC  receives, V.27ter V.29 V.17, fine, A4, unlimited, 0 ms, metric preferred, subaddress, \
                        binary file transfer";
const WINFAX_DIS: &str = "DIS  receives, V.27ter V.29 V.17, fine, MR, A4, unlimited, 0 ms, ECM, T.6, metric preferred, \
                          subaddress, binary file transfer";

const ECM_CALL: &[&str] = &[
    "NSF",
    ECM_DIS,
    "TSI",
    ECM_TERMS,
    "CFR",
    "PPS  NULL page 0 block 0 frames 256",
    "PPR  1 frames: 81",
    "PPS  NULL page 0 block 0 frames 1",
    "RNR",
    "RR",
    "MCF",
    "PPS  EOP page 0 block 1 frames 104",
    "MCF",
    "DCN",
];

/// Recording, channel, frames.
const FRAMES: &[(&str, usize, &[&str])] = &[
    ("ECM-call.wav", 0, ECM_CALL),
    ("ECM-call.wav", 1, ECM_CALL),
    (
        "MPS-call.wav",
        0,
        &[
            "CSI",
            "DIS  receives, V.27ter V.29 V.17, fine, A4, unlimited, 0 ms",
            "TSI",
            V17_TERMS,
            "CFR",
            "MPS",
            "MCF",
            "EOP",
            "MCF",
            "DCN",
        ],
    ),
    ("MPS-call.wav", 1, &["TSI", V17_TERMS, "MPS", "EOP", "DCN"]),
    ("V17-14400bps-nonECM.wav", 0, &[POLL_DTC, "CFR", "MCF"]),
    ("V17-14400bps-nonECM.wav", 1, &["CSI", POLL_DIS, "TSI", V17_TERMS, "EOP", "DCN"]),
    (
        "all-rates-failed.wav",
        0,
        &[
            "TSI",
            ECM_TERMS,
            "TSI",
            "DCS  12000 V.17, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  9600 V.17, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  9600 V.29, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  7200 V.17, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  7200 V.29, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  4800 V.27ter, fine, A4, unlimited, 0 ms, ECM, T.6",
            "TSI",
            "DCS  2400 V.27ter, fine, A4, unlimited, 0 ms, ECM, T.6",
            "DCN",
        ],
    ),
    ("all-rates-failed.wav", 1, &["NSF", "CSI", WINFAX_DIS, "FTT", "FTT", "FTT", "FTT", "FTT", "FTT", "FTT", "FTT"]),
    ("example_faxstf3_to_officejet8620.wav", 0, &["NSF", "CSI", HP_DIS, "TSI", V17_TERMS, "CFR", "EOP", "MCF", "DCN"]),
];

/// Training checks by V.29 and V.27ter in `all-rates-failed.wav`: what to listen for, and for which seconds.
const TRAINING_CHECKS: &[(Carrier, f64, f64)] = &[
    (Carrier::V29(V29Rate::R9600), 31.3, 36.0),
    (Carrier::V29(V29Rate::R7200), 45.3, 50.0),
    (Carrier::V27ter(V27terRate::R4800), 52.4, 57.0),
    (Carrier::V27ter(V27terRate::R2400), 59.5, 63.5),
];

#[test]
fn real_calls_give_their_frames_on_both_channels() {
    let Some(dir) = shared_dir() else { return not_run(FRAMES.len(), "../shared/assets/1-fax-audio is absent") };
    for (name, channel, expected) in FRAMES {
        let heard = frames(&channels(&dir.join("assets/1-fax-audio").join(name))[*channel]);
        assert_eq!(heard, *expected, "{name} channel {channel}");
    }
}

#[test]
fn real_v29_and_v27ter_training_checks_are_zeros() {
    let Some(dir) = shared_dir() else {
        return not_run(TRAINING_CHECKS.len(), "../shared/assets/1-fax-audio is absent");
    };
    let sender = &channels(&dir.join("assets/1-fax-audio/all-rates-failed.wav"))[0];
    for (carrier, from, to) in TRAINING_CHECKS {
        let octets = training_check(*carrier, &sender[(from * 8000.0) as usize..(to * 8000.0) as usize]);
        let zeros = octets.iter().filter(|octet| **octet == 0).count();
        let wanted = carrier.bit_rate() as usize * 14 / 10 / 8;
        println!("{carrier:?}: {zeros} octets of zeros of {}", octets.len());
        assert!(zeros >= wanted, "{carrier:?}: {zeros} octets of zeros, 1.4 s of them are {wanted}");
    }
}

fn channels(path: &Path) -> Vec<Vec<i16>> {
    let mut wav = WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let spec = wav.spec();
    let samples: Vec<i16> = match spec.sample_format {
        SampleFormat::Int => wav.samples().map(|sample| sample.expect("the file is whole")).collect(),
        SampleFormat::Float => {
            wav.samples::<f32>().map(|sample| (sample.expect("the file is whole") * 32768.0) as i16).collect()
        }
    };
    let count = usize::from(spec.channels);
    (0..count).map(|channel| samples.iter().skip(channel).step_by(count).copied().collect()).collect()
}

/// The intact V.21 frames of a recording, as they are shown; identifications and makers' frames by name.
fn frames(samples: &[i16]) -> Vec<String> {
    let (mut demodulator, mut deframer) = (FskDemodulator::new(&V21_CHANNEL_2), Deframer::new());
    let mut run = BitRun::with_room(64);
    let mut heard = Vec::new();
    for block in samples.chunks(80) {
        run.clear();
        let block: Vec<f32> = block.iter().map(|sample| f32::from(*sample)).collect();
        demodulator.run(&block, &mut run);
        for bit in run.bits() {
            if let Some(Found::Frame { octets, intact: true }) = deframer.push(*bit) {
                heard.push(shown(octets));
            }
        }
    }
    heard
}

fn shown(octets: &[u8]) -> String {
    match Frame::parse(octets) {
        Frame::Known(message) if matches!(message.fcf, Fcf::Csi | Fcf::Tsi | Fcf::Cig | Fcf::Nsf) => {
            message.fcf.name().to_owned()
        }
        frame => frame.to_string().trim_end().to_owned(),
    }
}

/// What the whole front end makes of a training check.
fn training_check(carrier: Carrier, samples: &[i16]) -> Vec<u8> {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    front.order(Order::Listen(Listen::To { carrier, framing: Framing::Raw }));
    let mut octets = Vec::new();
    for block in samples.as_chunks::<80>().0 {
        front.receive(block);
        while let Some(event) = front.poll() {
            if let LineEvent::Octets(more) = event.what {
                octets.extend_from_slice(more);
            }
        }
    }
    octets
}
