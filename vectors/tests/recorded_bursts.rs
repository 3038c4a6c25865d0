//! The fast bursts of recorded real calls: every training, every training check, every page and every frame.
//!
//! `data/bursts.toml` holds what must be heard. Its figures are bounds on both sides: whoever hears better writes so there.

use std::{collections::BTreeMap, fs, path::Path};

use answertone_t30::{
    hdlc::{Deframer, Found},
    image::{Bitmap, Coding, DecodeLimits, DecodedPage, PageDecoder, tiff::TiffDocument},
};
use answertone_vectors::{
    band::Band,
    ear::{self, Burst},
    shared,
    wav::Recording,
};
use serde::Deserialize;

const RECORDINGS: &str = "assets/1-fax-audio";

#[derive(Deserialize)]
struct Table {
    burst: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    recording: String,
    channel: usize,
    modem: String,
    burst: usize,
    trained: f64,
    evm: Band<f32>,
    #[serde(default)]
    returns: u32,
    zeros: Option<Band<usize>>,
    frames: Option<Band<usize>>,
    rows: Option<u32>,
    bad_rows: Option<Band<u32>>,
}

/// What each modem hears in each channel of a recording.
type Heard = BTreeMap<(String, usize, String), Vec<Burst>>;

fn table() -> Vec<Expected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/bursts.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str::<Table>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).burst
}

fn channel(folder: &Path, recording: &str, channel: usize) -> Vec<f32> {
    Recording::read(&folder.join(recording)).expect("a recording").telephone().swap_remove(channel)
}

#[test]
fn the_bursts_of_real_calls_are_heard_no_worse_and_no_better_than_the_table_says() {
    let table = table();
    let Some(folder) = shared(RECORDINGS, table.len()) else { return };
    let mut heard = Heard::new();
    let mut complaints = Vec::new();
    for expected in &table {
        let key = (expected.recording.clone(), expected.channel, expected.modem.clone());
        let bursts = heard.entry(key).or_insert_with(|| {
            ear::bursts(ear::plan(&expected.modem), &channel(&folder, &expected.recording, expected.channel))
        });
        let name = format!("{} {} {} {}", expected.recording, expected.channel, expected.modem, expected.burst);
        match bursts.get(expected.burst) {
            Some(burst) => complaints.extend(expected.complaints(&name, burst)),
            None => complaints.push(format!("{name}: {} bursts only", bursts.len())),
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

impl Expected {
    fn complaints(&self, name: &str, burst: &Burst) -> Vec<String> {
        let trained = burst.trained as f64 / 8000.0;
        let late = (trained - self.trained).abs() > 0.003;
        let mut complaints = Vec::new();
        complaints.extend(late.then(|| format!("{name}: trained at {trained:.3} s, not {:.3}", self.trained)));
        complaints.extend(self.evm.complaint(&format!("{name}: EVM"), burst.evm));
        let away = burst.returns != self.returns;
        complaints.extend(away.then(|| format!("{name}: {} returns, not {}", burst.returns, self.returns)));
        if let Some(band) = self.zeros {
            complaints.extend(band.complaint_of_more(&format!("{name}: zeros"), burst.longest_zeros()));
        }
        if let Some(band) = self.frames {
            complaints.extend(band.complaint_of_more(&format!("{name}: frames"), image_frames(burst).len()));
        }
        if let Some(rows) = self.rows {
            let page = page(burst);
            let height = page.bitmap.height();
            complaints.extend((height != rows).then(|| format!("{name}: {height} rows, not {rows}")));
            complaints
                .extend(self.bad_rows.and_then(|band| band.complaint(&format!("{name}: bad rows"), page.bad_rows)));
        }
        complaints
    }
}

/// Recording, sending and leaking channel, bursts with pages in MH, and the page in which another decoder saw no bad row.
const PAGES: &[(&str, usize, usize, &str, usize)] = &[
    ("MPS-call.wav", 0, 1, "MPS-call.wav.c1.fax_decode.tif", 0),
    ("MPS-call.wav", 0, 2, "MPS-call.wav.c1.fax_decode.tif", 1),
    ("MPS-call.wav", 1, 1, "MPS-call.wav.c1.fax_decode.tif", 0),
    ("MPS-call.wav", 1, 2, "MPS-call.wav.c1.fax_decode.tif", 1),
    ("example_faxstf3_to_officejet8620.wav", 0, 1, "stf3.c0.fax_decode.tif", 0),
];

#[test]
fn pages_of_real_calls_are_those_another_decoder_made() {
    let Some(folder) = shared(RECORDINGS, PAGES.len()) else { return };
    for (recording, side, burst, file, place) in PAGES {
        let bursts = ear::bursts(ear::plan("V.17 14400"), &channel(&folder, recording, *side));
        let page = page(&bursts[*burst]);
        assert!(page.bitmap == drawn(&folder, file, *place), "{recording} channel {side}: the page differs");
        assert!(page.ended, "{recording} channel {side}: the page has no end");
    }
}

/// The page with holes in it: above the first rows that either decoder lost, every row is the same.
#[test]
fn a_page_with_holes_is_the_same_as_another_decoders_outside_of_them() {
    let Some(folder) = shared(RECORDINGS, 2) else { return };
    let expected = drawn(&folder, "V17-14400bps-nonECM.c2.fax_decode.tif", 0);
    for side in 0..2 {
        let bursts = ear::bursts(ear::plan("V.17 14400"), &channel(&folder, "V17-14400bps-nonECM.wav", side));
        let bitmap = page(&bursts[1]).bitmap;
        let from_the_top = (0..1770).filter(|row| bitmap.row(*row) != expected.row(*row)).count();
        let below = |row: &u32| bitmap.row(bitmap.height() - row) != expected.row(expected.height() - row);
        let from_the_bottom = (1..=500).filter(below).count();
        println!("channel {side}: {from_the_top} rows of the first 1770 and {from_the_bottom} of the last 500 differ");
        assert!(from_the_top <= 1 && from_the_bottom == 0, "channel {side}: {from_the_top}, {from_the_bottom}");
    }
}

/// The page of both partial pages, the frame asked for again put in its place: from either channel.
#[test]
fn the_page_of_a_real_call_with_error_correction_is_whole_on_both_channels() {
    let Some(folder) = shared(RECORDINGS, 2) else { return };
    let expected = drawn(&folder, "ECM-call.c2.page0.tif", 0);
    for side in 0..2 {
        let bursts = ear::bursts(ear::plan("V.17 14400"), &channel(&folder, "ECM-call.wav", side));
        let [_, first, again, second] = &bursts[..] else { panic!("channel {side}: {} bursts", bursts.len()) };
        let mut block = image_frames(first);
        block.extend(image_frames(again));
        assert_eq!((block.len(), image_frames(second).len()), (256, 104), "channel {side}");
        let mut decoder = PageDecoder::new(1728, Coding::Mmr, DecodeLimits::default());
        block.values().chain(image_frames(second).values()).for_each(|octets| decoder.push(octets));
        let page = decoder.finish();
        assert!(page.ended && page.bad_rows == 0 && page.bitmap == expected, "channel {side}: the page differs");
    }
}

/// The image data of error correction frames by their numbers.
fn image_frames(burst: &Burst) -> BTreeMap<u8, Vec<u8>> {
    /// Facsimile coded data, T.30 Annex A.3.6.1, as they stand in a frame's third octet.
    const FCD: u8 = 0x06;
    let numbered = |frame: &[u8]| match *frame {
        [_, _, FCD, number, ref data @ ..] => Some((number, data.to_vec())),
        _ => None,
    };
    let (mut deframer, mut frames) = (Deframer::new(), BTreeMap::new());
    for bit in &burst.bits {
        if let Some(Found::Frame { octets, intact: true }) = deframer.push(*bit) {
            frames.extend(numbered(octets));
        }
    }
    frames
}

fn page(burst: &Burst) -> DecodedPage {
    let mut decoder = PageDecoder::new(1728, Coding::Mh, DecodeLimits::default());
    decoder.push(&burst.octets());
    decoder.finish()
}

fn drawn(folder: &Path, file: &str, place: usize) -> Bitmap {
    let octets = fs::read(folder.join("expected").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let document = TiffDocument::open(&octets).unwrap_or_else(|error| panic!("{file}: {error}"));
    document.page(place).unwrap_or_else(|error| panic!("{file}: {error}")).to_page_as_is().bitmap
}
