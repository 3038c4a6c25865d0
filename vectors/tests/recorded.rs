//! The vectors in `vectors/data`: audio made by other makers' machines, and what is in it.
//!
//! A case is a folder with `audio.wav`, `case.toml` (origin, licence, command, SHA-256) and `expect.toml` (what must be
//! found: V.21 frames, a page).

use std::{fs, path::PathBuf};

use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::Frame,
    image::{Bitmap, Coding, DecodeLimits, DecodedPage, PageDecoder},
    seam::{Carrier, Framing, FrontEnd, LineEvent, Listen, Order, V29Rate},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Case {
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    frames: Vec<String>,
    modem: Option<String>,
    rate: Option<u32>,
    rows: Option<u32>,
    bad_rows: Option<u32>,
}

/// A case, read and checked against its sum.
struct Vector {
    name: String,
    expect: Expect,
    samples: Vec<i16>,
}

fn vectors() -> Vec<Vector> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(data).expect("data is committed").flatten().map(|e| e.path()).collect();
    folders.sort();
    folders.into_iter().filter(|folder| folder.join("case.toml").exists()).map(vector).collect()
}

fn vector(folder: PathBuf) -> Vector {
    let name = folder.file_name().expect("a case has a name").to_string_lossy().into_owned();
    let text = |file| fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"));
    let case: Case = toml::from_str(&text("case.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let expect = toml::from_str(&text("expect.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let audio = fs::read(folder.join("audio.wav")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let sum: String = Sha256::digest(&audio).iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(sum, case.sha256, "{name}: audio.wav is not the one that was recorded");
    let mut wav = hound::WavReader::new(audio.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let samples = wav.samples().map(|sample| sample.expect("the file is whole")).collect();
    Vector { name, expect, samples }
}

fn carrier(expect: &Expect) -> Option<Carrier> {
    match (expect.modem.as_deref()?, expect.rate?) {
        ("v29", 9600) => Some(Carrier::V29(V29Rate::R9600)),
        (modem, rate) => panic!("no case had {modem} at {rate} bit/s so far"),
    }
}

#[test]
fn every_recorded_vector_gives_what_it_holds() {
    let vectors = vectors();
    assert!(vectors.len() >= 2, "{} vectors only", vectors.len());
    for vector in vectors {
        let carrier = carrier(&vector.expect);
        let (frames, page) = listen(&vector, carrier);
        if !vector.expect.frames.is_empty() {
            assert_eq!(frames, vector.expect.frames, "{}", vector.name);
        }
        if let Some(rows) = vector.expect.rows {
            let page = page.unwrap_or_else(|| panic!("{}: no page", vector.name));
            assert_eq!((page.bitmap.height(), Some(page.bad_rows)), (rows, vector.expect.bad_rows), "{}", vector.name);
            assert!(page.bitmap == drawn(rows), "{}: pels differ", vector.name);
        }
    }
}

/// Listens to a whole recording as a third party: V.21 frames, and the page behind the last training.
fn listen(vector: &Vector, carrier: Option<Carrier>) -> (Vec<String>, Option<DecodedPage>) {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    let listen = carrier.map_or(Listen::Tones, |carrier| Listen::To { carrier, framing: Framing::Raw });
    front.order(Order::Listen(listen));
    let (mut frames, mut decoder) = (Vec::new(), None);
    for block in vector.samples.as_chunks::<80>().0 {
        front.receive(block);
        while let Some(event) = front.poll() {
            match event.what {
                LineEvent::Frame { carrier: Carrier::V21, octets, intact: true } => frames.push(shown(octets)),
                LineEvent::Trained { .. } => {
                    decoder = Some(PageDecoder::new(1728, Coding::Mh, DecodeLimits::default()))
                }
                LineEvent::Octets(octets) => decoder.iter_mut().for_each(|decoder| decoder.push(octets)),
                _ => {}
            }
        }
    }
    (frames, decoder.map(PageDecoder::finish))
}

fn shown(octets: &[u8]) -> String {
    Frame::parse(octets).to_string().trim_end().to_owned()
}

/// The page the peers sent each other.
fn drawn(rows: u32) -> Bitmap {
    let mut bitmap = Bitmap::white(1728, rows);
    for y in 0..rows {
        for x in 101..1600 {
            bitmap.set(x, y, (x / (3 + y / 8) + y / 6).is_multiple_of(5));
        }
    }
    bitmap
}
