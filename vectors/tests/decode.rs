//! Recordings of calls heard from outside, with nothing known beforehand: what each was, who said what, and its pages.
//!
//! Telephone numbers in the recordings stay there: identifications are compared by name only.

use std::{fs, path::Path};

use answertone_dsp::{
    bits::BitQueue,
    callerid::{CallerIdSender, Hook, Message, MessageKind, Standard},
    fsk::{FskModulator, FskSpec, V21_CHANNEL_1, V21_CHANNEL_2},
    g711::Law,
    modem::Modulator,
    tone::call::CedGenerator,
    units::Dbm0,
};
use answertone_t30::{
    frame::Fcf,
    image::{Bitmap, tiff::TiffDocument},
    observe::{Call, CallKind, Observer, Station, Step, What},
};
use answertone_vectors::{band::Band, shared, wav::Recording};

const RECORDINGS: &str = "assets/1-fax-audio";

/// What a recording holds: its name, kind, verdict, and for each page rows, bad rows and the file and place of the page
/// that another decoder made of it, if that had no bad row.
type Expected = (&'static str, CallKind, &'static str, &'static [(u32, Band<u32>, Option<(&'static str, usize)>)]);

const NO_BAD: Band<u32> = Band(0, 0);

const EXPECTED: &[Expected] = &[
    ("ECM-call.wav", CallKind::Fax, "completed", &[(2373, NO_BAD, Some(("ECM-call.c2.page0.tif", 0)))]),
    (
        "MPS-call.wav",
        CallKind::Fax,
        "completed",
        &[
            (2188, NO_BAD, Some(("MPS-call.wav.c1.fax_decode.tif", 0))),
            (2191, NO_BAD, Some(("MPS-call.wav.c1.fax_decode.tif", 1))),
        ],
    ),
    ("V17-14400bps-nonECM.wav", CallKind::Fax, "completed", &[(2302, Band(10, 11), None)]),
    ("all-rates-failed.wav", CallKind::Fax, "training_failed", &[]),
    (
        "example_faxstf3_to_officejet8620.wav",
        CallKind::Fax,
        "completed",
        &[(1121, NO_BAD, Some(("stf3.c0.fax_decode.tif", 0)))],
    ),
    ("V90-attempted-V34-33600.wav", CallKind::Data, "data_call", &[]),
    ("dbose_fax_8K_16_Mono.wav", CallKind::TonesOnly, "tones_only", &[]),
    ("vtyenhanh_way-3304-5.wav", CallKind::Fax, "no_page", &[]),
    ("from-pcap_vega1_s0_10336to16834.wav", CallKind::TonesOnly, "tones_only", &[]),
    ("from-pcap_vega1_s1_16834to10336.wav", CallKind::TonesOnly, "tones_only", &[]),
    ("from-pcap_vega1_s3_10338to16834.wav", CallKind::TonesOnly, "tones_only", &[]),
    ("from-pcap_vega1_s4_16834to10338.wav", CallKind::TonesOnly, "tones_only", &[]),
];

fn hear(channels: &[Vec<f32>]) -> Call {
    let mut observer = Observer::new(channels.len());
    let channels: Vec<&[f32]> = channels.iter().map(Vec::as_slice).collect();
    observer.run(&channels);
    Call::of(observer.finish())
}

fn channels(folder: &Path, name: &str) -> Vec<Vec<f32>> {
    Recording::read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}")).telephone()
}

/// Both sides in one channel, without the copies of each that came back on the other's: the louder of both at any time.
fn mixed(channels: &[Vec<f32>]) -> Vec<f32> {
    let power = |block: &[f32]| block.iter().map(|sample| sample * sample).sum::<f32>();
    let pieces = channels[0].chunks(800).zip(channels[1].chunks(800));
    pieces.flat_map(|(one, other)| if power(one) > power(other) { one } else { other }).copied().collect()
}

fn drawn(folder: &Path, file: &str, place: usize) -> Bitmap {
    let octets = fs::read(folder.join("expected").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let document = TiffDocument::open(&octets).unwrap_or_else(|error| panic!("{file}: {error}"));
    document.page(place).unwrap_or_else(|error| panic!("{file}: {error}")).to_page_as_is().bitmap
}

#[test]
fn every_recording_is_told_for_what_it_is_and_gives_its_pages() {
    let Some(folder) = shared(RECORDINGS, EXPECTED.len()) else { return };
    let complaints: Vec<String> = EXPECTED
        .iter()
        .flat_map(|expected| complaints(&folder, expected, &hear(&channels(&folder, expected.0))))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn complaints(folder: &Path, (name, kind, verdict, pages): &Expected, call: &Call) -> Vec<String> {
    let mut complaints = Vec::new();
    let said = call.findings.first().map_or("nothing", |finding| finding.name);
    if (call.kind, said) != (*kind, *verdict) {
        complaints.push(format!("{name}: {:?}, {said}; not {kind:?}, {verdict}", call.kind));
    }
    if call.pages.len() != pages.len() {
        complaints.push(format!("{name}: {} pages, not {}", call.pages.len(), pages.len()));
    }
    for (page, (rows, bad, file)) in call.pages.iter().zip(*pages) {
        let bitmap = &page.page.bitmap;
        if bitmap.height() != *rows {
            complaints.push(format!("{name}: {} rows, not {rows}", bitmap.height()));
        }
        complaints.extend(bad.complaint(&format!("{name}: bad rows"), page.bad_rows));
        let differs = file.is_some_and(|(file, place)| *bitmap != drawn(folder, file, place));
        complaints.extend(differs.then(|| format!("{name}: the page is not the one another decoder made")));
        if !page.ended || page.answer != Some(Fcf::Mcf) || !page.told {
            complaints.push(format!("{name}: ended {}, {:?}, told {}", page.ended, page.answer, page.told));
        }
    }
    complaints
}

/// With both sides in one channel the frames alone tell who speaks.
#[test]
fn calls_mixed_in_one_channel_give_the_same_pages_and_ladders() {
    let Some(folder) = shared(RECORDINGS, 2) else { return };
    for (name, pages) in [("ECM-call.wav", 1), ("MPS-call.wav", 2)] {
        let channels = channels(&folder, name);
        let (apart, mixed) = (hear(&channels), hear(&[mixed(&channels)]));
        assert_eq!(ladder(&mixed), ladder(&apart), "{name}");
        assert_eq!((mixed.pages.len(), apart.pages.len()), (pages, pages), "{name}");
        for (one, other) in mixed.pages.iter().zip(&apart.pages) {
            assert!(one.page == other.page && one.bad_rows == 0, "{name}: the pages differ");
        }
    }
}

/// Who sent which frame.
fn ladder(call: &Call) -> Vec<(Station, &'static str)> {
    let frames = |step: &Step| -> Vec<(Station, &'static str)> {
        let intact = step.control().into_iter().flat_map(|control| control.intact());
        intact.filter_map(|frame| Some((step.station, frame.fcf()?.name()))).collect()
    };
    call.steps.iter().flat_map(frames).collect()
}

/// One channel alone: of the caller's side in the second call nothing is heard of the answers.
#[test]
fn one_channel_of_a_call_gives_its_pages_too() {
    let Some(folder) = shared(RECORDINGS, 3) else { return };
    let cases = [
        ("ECM-call.wav", 0, &["ECM-call.c2.page0.tif"][..]),
        ("ECM-call.wav", 1, &["ECM-call.c2.page0.tif"]),
        ("MPS-call.wav", 1, &["MPS-call.wav.c1.fax_decode.tif"; 2]),
    ];
    for (name, channel, pages) in cases {
        let call = hear(&[channels(&folder, name).swap_remove(channel)]);
        assert_eq!((call.kind, call.pages.len()), (CallKind::Fax, pages.len()), "{name} {channel}");
        for (place, (page, file)) in call.pages.iter().zip(pages).enumerate() {
            assert!(page.page.bitmap == drawn(&folder, file, place), "{name} {channel}: page {place} differs");
        }
    }
}

/// ANSam, CM and JM of two machines that send fax by V.34: nothing else of it need be heard.
#[test]
fn fax_by_v34_is_recognised_by_how_it_begins() {
    let menu = |spec: &FskSpec| -> Vec<f32> {
        let mut bits = BitQueue::with_room(2000);
        for _ in 0..6 {
            (0..10).for_each(|_| bits.push(true));
            for octet in [0xe0, 0x81, 0x85, 0xd4, 0x90] {
                bits.push(false);
                bits.push_octet(octet);
                bits.push(true);
            }
        }
        bits.finish();
        let mut samples = vec![0.0; 16_000];
        FskModulator::new(spec, Dbm0(-14.0)).run(&mut bits, &mut samples);
        samples
    };
    let mut answer = vec![0.0; 24_000];
    CedGenerator::ansam(Dbm0(-14.0), true).run(&mut answer);
    let call = hear(&[[answer, menu(&V21_CHANNEL_1), menu(&V21_CHANNEL_2)].concat()]);
    assert_eq!((call.kind, call.findings[0].name), (CallKind::SuperG3, "super_g3"), "{:?}", call.findings);
    let names: Vec<(Station, &str)> = call.steps.iter().map(|step| (step.station, step.heard.what.name())).collect();
    assert!(names.contains(&(Station::Answerer, "ansam")), "{names:?}");
}

/// A recording that begins after the DCS: the modem is found by its training, coding and size by the rows they give.
#[test]
fn a_call_without_its_dcs_still_gives_its_page() {
    let Some(folder) = shared(RECORDINGS, 2) else { return };
    let cases = [
        ("example_faxstf3_to_officejet8620.wav", 27.7, "stf3.c0.fax_decode.tif"),
        ("ECM-call.wav", 16.7, "ECM-call.c2.page0.tif"),
    ];
    for (name, from, file) in cases {
        let mut channels = channels(&folder, name);
        channels.iter_mut().for_each(|channel| drop(channel.drain(..(from * 8000.0) as usize)));
        let call = hear(&channels);
        assert_eq!(call.pages.len(), 1, "{name}");
        assert!(call.pages[0].page.bitmap == drawn(&folder, file, 0) && !call.pages[0].told, "{name}");
    }
}

/// A-law, a constant and a clipped top: what records calls does such things.
#[test]
fn a_badly_recorded_call_gives_its_page_and_is_called_so() {
    let Some(folder) = shared(RECORDINGS, 1) else { return };
    let name = "example_faxstf3_to_officejet8620.wav";
    let mut channels = channels(&folder, name);
    for sample in &mut channels[0] {
        let coded = Law::A.encode((*sample * 0.8 + 600.0).clamp(-32768.0, 15_000.0) as i16);
        *sample = f32::from(Law::A.decode(coded));
    }
    let call = hear(&channels);
    let said: Vec<&str> = call.findings.iter().map(|finding| finding.name).collect();
    assert!(said.contains(&"dc") && said.contains(&"clipping"), "{said:?}");
    assert!(call.pages.first().is_some_and(|page| page.page.bitmap == drawn(&folder, "stf3.c0.fax_decode.tif", 0)));
}

#[test]
fn dialling_and_caller_identification_are_told() {
    const FOLDER: &str = "assets/3-cid-dtmf-tones";
    let Some(folder) = shared(FOLDER, 5) else { return };
    let digits = |call: &Call| -> String {
        let digit = |step: &Step| match step.heard.what {
            What::Digit(digit) => Some(digit),
            _ => None,
        };
        call.steps.iter().filter_map(digit).collect()
    };
    let dialled = hear(&channels(&folder, "evgensen_test_dtmf_012345678901234567890.wav"));
    assert_eq!((dialled.kind, digits(&dialled).as_str()), (CallKind::Opening, "012345678901234567890"));
    for name in ["CallerID-1.wav", "CallerID-1_19.2kHz.wav", "CID-3.wav", "CID_UK_FSK.wav"] {
        let call = hear(&channels(&folder, name));
        let told: Vec<bool> = call
            .steps
            .iter()
            .filter_map(|step| match &step.heard.what {
                What::CallerId(id) => Some(id.intact && id.number.is_some() && id.name.is_some()),
                _ => None,
            })
            .collect();
        assert_eq!(told, [true], "{name}");
    }
}

/// What the exchange of NTT sends after the line is seized: V.23, seven bits and parity, a check of its own.
#[test]
fn a_japanese_number_display_is_told_once_and_as_such() {
    let message = Message::new(MessageKind::CallSetup, [&[2, 10][..], b"0312345678"].concat());
    let mut sender = CallerIdSender::new(&message, Standard::Japan, Hook::On, Dbm0(-14.0));
    let mut samples = vec![0.0; 24_000];
    sender.run(&mut samples[8000..]);
    let call = hear(&[samples]);
    let told: Vec<_> = call
        .steps
        .iter()
        .filter_map(|step| match &step.heard.what {
            What::CallerId(id) => Some((id.standard, id.intact, id.number.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("NTT", true, Some("0312345678"))]);
}

/// The answer of modems in phase 2 of V.34, in a recording of a call between data modems.
#[test]
fn what_modems_of_v34_say_in_phase_2_is_told() {
    let Some(folder) = shared(RECORDINGS, 1) else { return };
    let call = hear(&channels(&folder, "V90-attempted-V34-33600.wav"));
    let told: Vec<(Station, String)> = call
        .steps
        .iter()
        .filter_map(|step| match &step.heard.what {
            What::Info(info) => Some((step.station, info.to_string())),
            _ => None,
        })
        .collect();
    let rates = "symbol rates 2400 2743 2800 3000 3200 3429, can reduce its power, 1664 points";
    assert!(told.contains(&(Station::Answerer, format!("V.34 INFO0a  {rates}"))), "{told:?}");
    let kinds: Vec<&str> = told.iter().map(|(_, words)| &words[..10]).collect();
    assert!(kinds.contains(&"V.34 INFO1") && told.iter().any(|(station, _)| *station == Station::Caller), "{told:?}");
}

/// Both sides in one channel: what is left of each signal after its end tells what the line gives back.
#[test]
fn an_echo_in_a_mixed_recording_is_told() {
    let Some(folder) = shared(RECORDINGS, 2) else { return };
    let echo = |name: &str| {
        let channels = channels(&folder, name);
        let mixed = (0..channels[0].len()).map(|at| channels.iter().map(|channel| channel[at]).sum::<f32>() / 2.0);
        let findings = hear(&[mixed.collect()]).findings;
        findings.into_iter().find(|finding| finding.name == "own_echo").map(|finding| finding.text)
    };
    let told = echo("MPS-call.wav").expect("the echo is told");
    assert!(["13 dB softer", "14 dB softer"].iter().any(|words| told.contains(words)), "{told}");
    assert_eq!(echo("example_faxstf3_to_officejet8620.wav"), None);
}

#[test]
fn noise_silence_speech_and_other_machines_are_no_fax() {
    let mut state = 1_u32;
    let mut noise = |level: f32| -> Vec<f32> {
        let mut sample = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 32768.0 - 1.0
        };
        (0..240_000).map(|_| (0..4).map(|_| sample()).sum::<f32>() * level).collect()
    };
    for samples in [noise(3000.0), noise(30.0), vec![0.0; 80_000], vec![f32::MAX; 8000]] {
        let call = hear(&[samples]);
        assert_eq!((call.kind, call.pages.len()), (CallKind::Nothing, 0), "{:?}", call.findings);
    }
    let Some(folder) = shared("assets/3-cid-dtmf-tones", 2) else { return };
    for name in ["alarm-panel_vega2_s0_42138to10040.wav", "alarm-panel_vega2_s3_24342to10044.wav"] {
        let call = hear(&channels(&folder, name));
        assert!(matches!(call.kind, CallKind::Other(_)) && call.pages.is_empty(), "{name}: {:?}", call.kind);
    }
}

#[test]
fn an_empty_recording_and_one_of_no_channels_are_calls_of_nothing() {
    assert_eq!(hear(&[Vec::new()]).kind, CallKind::Nothing);
    assert_eq!(Call::of(Vec::new()).kind, CallKind::Nothing);
}
