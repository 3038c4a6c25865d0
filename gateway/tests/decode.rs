//! Recordings and captures as the program is given them: of any coding and rate, cut off, damaged, or nothing of the kind.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use answertone_dsp::g711::Law;
use answertone_t30::{
    image::{Bitmap, Page, Resolution, tiff::TiffDocument},
    session::{Config, Document, Session},
    t38::{self, Syntax, TerminalConfig, Wire, rtp::PayloadTypes, udptl::ErrorCorrection},
    time::{LineSpan, LineTime},
};
use answertone_vectors::shared;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use serde_json::Value;

const CALL: &str = "assets/1-fax-audio/example_faxstf3_to_officejet8620.wav";

fn decode(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_answertone");
    Command::new(program).current_dir(folder).arg("decode").args(arguments).output().unwrap()
}

fn json(folder: &Path, file: &str) -> Value {
    let output = decode(folder, &[file, "--json"]);
    assert!(output.status.success(), "{file}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A recorded call of 48 s with one page, its samples from -1 to 1.
fn call(path: &Path) -> Vec<f32> {
    WavReader::open(path).unwrap().samples::<f32>().map(Result::unwrap).collect()
}

fn write(path: &Path, rate: u32, bits: u16, format: SampleFormat, samples: impl Iterator<Item = f32>) {
    let spec = WavSpec { channels: 1, sample_rate: rate, bits_per_sample: bits, sample_format: format };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for sample in samples {
        match format {
            SampleFormat::Float => writer.write_sample(sample).unwrap(),
            SampleFormat::Int => {
                let top = (1_i64 << (bits - 1)) as f32 - 1.0;
                writer.write_sample((sample * top).round() as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
}

/// The rate's samples between those of 8000 Hz, straight from one to the next.
fn at_rate(samples: &[f32], rate: u32) -> impl Iterator<Item = f32> + '_ {
    let count = samples.len() as u64 * u64::from(rate) / 8000;
    (0..count).map(move |at| {
        let place = at as f64 * 8000.0 / f64::from(rate);
        let (before, part) = (place as usize, place.fract() as f32);
        let after = samples.get(before + 1).copied().unwrap_or(0.0);
        samples[before] + (after - samples[before]) * part
    })
}

/// A WAV file of eight-bit law samples: format 6 or 7.
fn law_wav(law: Law, samples: &[f32]) -> Vec<u8> {
    let format: u16 = if law == Law::A { 6 } else { 7 };
    let octets: Vec<u8> = samples.iter().map(|sample| law.encode((sample * 32767.0) as i16)).collect();
    let mut file = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    file.extend(18_u32.to_le_bytes());
    for field in [format, 1] {
        file.extend(field.to_le_bytes());
    }
    file.extend(8000_u32.to_le_bytes());
    file.extend(8000_u32.to_le_bytes());
    for field in [1_u16, 8, 0] {
        file.extend(field.to_le_bytes());
    }
    file.extend(b"data");
    file.extend((octets.len() as u32).to_le_bytes());
    file.extend(octets);
    file
}

#[test]
fn a_call_of_any_coding_and_rate_gives_its_page() {
    let Some(path) = shared(CALL, 8) else { return };
    let samples = call(&path);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("i16.wav"), 8000, 16, SampleFormat::Int, samples.iter().copied());
    write(&at("u8.wav"), 8000, 8, SampleFormat::Int, samples.iter().copied());
    write(&at("i24.wav"), 8000, 24, SampleFormat::Int, samples.iter().copied());
    write(&at("f32.wav"), 8000, 32, SampleFormat::Float, samples.iter().copied());
    write(&at("48000.wav"), 48_000, 16, SampleFormat::Int, at_rate(&samples, 48_000));
    fs::write(at("a.wav"), law_wav(Law::A, &samples)).unwrap();
    fs::write(at("mu.wav"), law_wav(Law::Mu, &samples)).unwrap();
    // Recorders that were switched off leave a length of zero.
    let mut unfinished = fs::read(at("i16.wav")).unwrap();
    unfinished[40..44].fill(0);
    fs::write(at("unfinished.wav"), unfinished).unwrap();
    for name in ["i16.wav", "u8.wav", "i24.wav", "f32.wav", "48000.wav", "a.wav", "mu.wav", "unfinished.wav"] {
        let told = json(folder.path(), name);
        let page = &told["pages"][0];
        assert_eq!((&told["kind"], &told["verdict"]["name"]), (&"fax".into(), &"completed".into()), "{name}");
        assert_eq!((&page["rows"], &page["bad_rows"]), (&1121.into(), &0.into()), "{name}");
    }
}

#[test]
fn pages_pictures_and_a_report_are_left_in_a_folder() {
    let Some(path) = shared("assets/1-fax-audio/MPS-call.wav", 1) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = path.to_str().unwrap();
    let output = decode(folder.path(), &[path, "--out", "seen", "--report", "call.html"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("=> the call was completed: 2 pages") && text.contains("page 2: 1728 x 2191"), "{text}");
    let seen = folder.path().join("seen");
    let tiff = fs::read(seen.join("pages.tiff")).unwrap();
    assert_eq!(TiffDocument::open(&tiff).unwrap().page_count(), 2);
    assert!(fs::read(seen.join("pages.pdf")).unwrap().starts_with(b"%PDF"));
    for name in ["call.png", "levels.png", "signal-3.png"] {
        assert!(fs::read(seen.join(name)).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
    for name in ["levels.svg", "signal-1-points.svg", "signal-2-errors.svg", "signal-3-equaliser.svg"] {
        assert!(fs::read_to_string(seen.join(name)).unwrap().starts_with("<svg"), "{name}");
    }
    let html = fs::read_to_string(folder.path().join("call.html")).unwrap();
    assert!(html.contains("<h2>Pages</h2>") && html.matches("data:image/png;base64,").count() == 3);
    // Nothing is fetched, and nothing runs.
    let foreign = ["src=\"http", "href=\"http", "<script", "url("];
    assert!(foreign.iter().all(|word| !html.contains(word)));
}

#[test]
fn what_is_no_recording_is_named_and_ends_as_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, Vec<u8>); 7] = [
        ("empty.wav", Vec::new()),
        ("text.wav", b"This is a letter, not a recording.".repeat(100)),
        ("head.wav", b"RIFF\xff\xff\xff\xffWAVE".to_vec()),
        ("zeros.wav", vec![0; 5000]),
        ("rate.wav", {
            let mut file = law_wav(Law::A, &[0.0; 100]);
            file[24..28].copy_from_slice(&10_u32.to_le_bytes());
            file
        }),
        ("empty.pcap", b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0".to_vec()),
        ("broken.pcapng", [&[0x0a, 0x0d, 0x0d, 0x0a][..], &[0xff; 60]].concat()),
    ];
    for (name, octets) in cases {
        fs::write(folder.path().join(name), octets).unwrap();
        let output = decode(folder.path(), &[name]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.starts_with(&format!("answertone: {name}: ")) && !said.contains("panicked"), "{name}: {said}");
    }
    let absent = decode(folder.path(), &["absent.wav"]);
    assert_eq!(absent.status.code(), Some(2));
}

#[test]
fn a_recording_that_breaks_off_is_told_as_far_as_it_goes() {
    let Some(path) = shared(CALL, 1) else { return };
    let folder = tempfile::tempdir().unwrap();
    let octets = fs::read(path).unwrap();
    fs::write(folder.path().join("cut.wav"), &octets[..octets.len() * 4 / 5]).unwrap();
    let told = json(folder.path(), "cut.wav");
    assert_eq!((&told["kind"], &told["verdict"]["name"]), (&"fax".into(), &"broken_off".into()));
    assert!(told["pages"][0]["rows"].as_u64().is_some_and(|rows| rows > 300), "{}", told["pages"]);
}

/// A capture, its verdict and kind of each call.
const CAPTURES: &[(&str, &[(&str, &str)])] = &[
    ("vega1_t38_reinvite.pcap", &[("fax", "no_command"), ("fax", "no_page")]),
    ("08-t38fail.pcap", &[("fax", "no_page")]),
    ("ast-2016-003_udptl_crash.pcap", &[("tones_only", "tones_only")]),
    ("vega2_contactid_bell103_negative.pcap", &[("alarm_receiver", "no_fax")]),
    ("ulaw-2013785496.pcap", &[("opening", "no_answer")]),
    ("dtmf_2833_0.pcap", &[("opening", "no_answer")]),
    ("dtmf_2833_1.pcap", &[("opening", "no_answer")]),
    ("dtmf_2833_5.pcap", &[("opening", "no_answer")]),
    ("dtmf_2833_pound.pcap", &[("opening", "no_answer")]),
];

#[test]
fn captures_are_told_for_what_they_are() {
    let Some(folder) = shared("assets/2-t38-pcap", CAPTURES.len()) else { return };
    let here = tempfile::tempdir().unwrap();
    for (name, expected) in CAPTURES {
        let path: PathBuf = folder.join(name);
        let told = json(here.path(), path.to_str().unwrap());
        let calls = told["calls"].as_array().cloned().unwrap_or_else(|| vec![told]);
        let said: Vec<(&str, &str)> = calls
            .iter()
            .map(|call| (call["kind"].as_str().unwrap(), call["verdict"]["name"].as_str().unwrap()))
            .collect();
        assert_eq!(said, *expected, "{name}");
    }
}

/// Keys as their packets tell them, though they are heard for a moment before.
#[test]
fn keys_of_a_capture_and_of_an_mp3_are_told_once() {
    let here = tempfile::tempdir().unwrap();
    let digits = |name: &str| {
        let path = shared(name, 1)?;
        let told = json(here.path(), path.to_str().unwrap());
        let digits = told["timeline"].as_array().unwrap().iter().filter_map(|step| step["digit"].as_str());
        Some(digits.collect::<String>())
    };
    for (name, keys) in [
        ("assets/2-t38-pcap/ulaw-2013785496.pcap", "2013785496"),
        ("assets/2-t38-pcap/dtmf_2833_5.pcap", "5"),
        ("assets/3-cid-dtmf-tones/bert2_short_dtmf_sequence.mp3", "ACAB"),
    ] {
        let told = digits(name);
        assert!(told.as_deref().is_none_or(|told| told == keys), "{name}: {told:?}");
    }
}

/// A FLAC file of one channel at 8000 Hz, its samples as they are.
fn flac(samples: &[f32]) -> Vec<u8> {
    const BLOCK: usize = 4096;
    let crc = |octets: &[u8], polynomial: u16, high: u16| {
        octets.iter().fold(0_u16, |crc, octet| {
            let crc = crc ^ if high == 0x80 { u16::from(*octet) } else { u16::from(*octet) << 8 };
            (0..8).fold(crc, |crc, _| if crc & high == 0 { crc << 1 } else { (crc << 1) ^ polynomial })
        })
    };
    let block = (BLOCK as u16).to_be_bytes();
    // Rate, channels, bits and count of samples: 20, 3, 5 and 36 bits.
    let count = (8000_u64 << 44 | 15 << 36 | samples.len() as u64).to_be_bytes();
    let mut file = [&b"fLaC\x80\0\0\x22"[..], &block, &block, &[0; 6], &count, &[0; 16]].concat();
    for (number, samples) in samples.chunks(BLOCK).enumerate() {
        // A block size of 16 bits behind the header, 8000 Hz, one channel, 16 bits.
        let number = if number < 128 {
            vec![number as u8]
        } else {
            vec![0xc0 | (number >> 6) as u8, 0x80 | number as u8 & 0x3f]
        };
        let mut frame = [&[0xff, 0xf8, 0x74, 0x08][..], &number, &((samples.len() - 1) as u16).to_be_bytes()].concat();
        frame.push(crc(&frame, 0x07, 0x80) as u8);
        frame.push(2);
        frame.extend(samples.iter().flat_map(|sample| ((sample * 32767.0) as i16).to_be_bytes()));
        frame.extend(crc(&frame, 0x8005, 0x8000).to_be_bytes());
        file.extend(frame);
    }
    file
}

#[test]
fn a_call_as_flac_gives_its_page() {
    let Some(path) = shared(CALL, 1) else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("call.flac"), flac(&call(&path))).unwrap();
    let told = json(folder.path(), "call.flac");
    assert_eq!((&told["verdict"]["name"], &told["pages"][0]["bad_rows"]), (&"completed".into(), &0.into()));
    assert!(told["source"].as_str().unwrap().contains("flac"), "{told}");
}

/// Packets of a call by T.38 in a capture: the caller's and the answerer's, by turns as they are sent.
fn t38_capture(wire: impl Fn() -> Wire, tcp: bool) -> Vec<u8> {
    let config = Arc::new(Config { path_delay: LineSpan::ms(1000), ..Config::default() });
    let page = |seed: usize| {
        let mut bitmap = Bitmap::white(1728, 300);
        (0..300).for_each(|y| {
            (0..1728)
                .filter(|x| (x / 7 + y as usize + seed).is_multiple_of(5))
                .for_each(|x| bitmap.set(x as u32, y, true))
        });
        Arc::new(Page { bitmap, resolution: Resolution::Fine })
    };
    let document = Document { pages: vec![page(0), page(1)], first: 0 };
    let mut calls = [
        t38::Call::new(Session::calling(config.clone(), document, LineTime::ZERO), TerminalConfig::default(), wire()),
        t38::Call::new(Session::answering(config, LineTime::ZERO), TerminalConfig::default(), wire()),
    ];
    let mut file = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x65\0\0\0".to_vec();
    let (mut now, mut places) = (LineTime::ZERO, [7_u32, u32::MAX - 300]);
    while !calls.iter().all(t38::Call::is_over) && now.0 < 8000 * 300 {
        for side in [0, 1] {
            while let Some(datagram) = calls[side].poll_datagram() {
                // A stream is cut anywhere, and one piece in nine comes twice.
                let pieces: Vec<&[u8]> = datagram.chunks(if tcp { 57 } else { 2000 }).collect();
                for piece in pieces {
                    let packet = packet(side, tcp.then_some(places[side]), piece);
                    let times = if tcp && places[side].is_multiple_of(9) { 2 } else { 1 };
                    (0..times).for_each(|_| record(&mut file, now, &packet));
                    places[side] = places[side].wrapping_add(piece.len() as u32);
                }
                calls[1 - side].handle_datagram(&datagram, now);
            }
            while calls[side].poll_event().is_some() {}
        }
        now = now + LineSpan::ms(10);
        calls.iter_mut().for_each(|call| call.handle_timeout(now));
    }
    file
}

fn record(file: &mut Vec<u8>, at: LineTime, packet: &[u8]) {
    let (seconds, micros) = (at.0 / 8000, at.0 % 8000 * 125);
    for number in [seconds as u32, micros as u32, packet.len() as u32, packet.len() as u32] {
        file.extend(number.to_le_bytes());
    }
    file.extend(packet);
}

/// A packet of IP with UDP, or with TCP at a place of its stream.
fn packet(side: usize, place: Option<u32>, payload: &[u8]) -> Vec<u8> {
    let [from, to] = if side == 0 { [1, 2] } else { [2, 1] };
    let ports = [0x27, 0x10 + from, 0x27, 0x10 + to];
    let (protocol, transport) = match place {
        None => (17, [&ports[..], &(8 + payload.len() as u16).to_be_bytes(), &[0, 0]].concat()),
        Some(place) => (6, [&ports[..], &place.to_be_bytes(), &[0; 4], &[0x50, 0x18, 0x10, 0, 0, 0, 0, 0]].concat()),
    };
    let length = (20 + transport.len() + payload.len()) as u16;
    let ip = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]]
        .concat();
    [&ip[..], &transport, payload].concat()
}

#[test]
fn t38_in_udptl_rtp_and_tcp_gives_its_pages() {
    let folder = tempfile::tempdir().unwrap();
    let udptl = || Wire::udptl(ErrorCorrection::default(), 1400);
    let rtp = |red| move || Wire::rtp(PayloadTypes { t38: 98, red, fec: None }, 1, 65_500);
    for (name, capture) in [
        ("T.38 from", t38_capture(udptl, false)),
        ("T.38 in RTP from", t38_capture(rtp(None), false)),
        ("T.38 in RTP from", t38_capture(rtp(Some((99, 2))), false)),
        ("T.38 over TCP from", t38_capture(|| Wire::tpkt(Syntax::default()), true)),
    ] {
        fs::write(folder.path().join("call.pcap"), capture).unwrap();
        let told = json(folder.path(), "call.pcap");
        assert!(told["source"].as_str().unwrap().contains(name), "{name}: {}", told["source"]);
        assert_eq!(told["verdict"]["name"], "completed", "{name}: {told}");
        let pages: Vec<_> =
            told["pages"].as_array().unwrap().iter().map(|page| (&page["rows"], &page["bad_rows"])).collect();
        assert_eq!(pages, [(&300.into(), &0.into()), (&300.into(), &0.into())], "{name}");
    }
}
