//! T.85 against the numbers of T.82 and T.85, files of another coder, and that coder itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use answertone_t30::image::jbig::{self, JbigOptions, QM_STATES};
use answertone_t30::image::tiff::{FilePage, Profile, TiffDocument, WriteOptions, write};
use answertone_t30::image::{
    Bitmap, Coding, DecodeLimits, DecodedPage, Page, PageDecoder, PageEncoder, PaperWidth, Raster, Resolution,
    RowEncoding,
};
use answertone_vectors::{not_run, shared};
use proptest::prelude::*;

const CHARTS: [&str; 8] = ["itu1", "itu2", "itu3", "itu4", "itu6", "test1", "test2", "test4"];

fn images_dir(cases: usize) -> Option<PathBuf> {
    shared("assets/4-tiff-jbig", cases)
}

/// A raw portable bitmap.
fn pbm(octets: &[u8]) -> Bitmap {
    let mut at = 0;
    let mut words = Vec::new();
    while words.len() < 3 {
        match octets[at] {
            b'#' => at += octets[at..].iter().position(|octet| *octet == b'\n').expect("a comment has an end"),
            space if space.is_ascii_whitespace() => at += 1,
            _ => {
                let word: Vec<u8> =
                    octets[at..].iter().copied().take_while(|octet| !octet.is_ascii_whitespace()).collect();
                at += word.len();
                words.push(String::from_utf8(word).expect("a header is ASCII"));
            }
        }
    }
    assert_eq!(words[0], "P4", "a raw bitmap");
    let bitmap = Bitmap::from_octets(words[1].parse().expect("a width"), octets[at + 1..].to_vec());
    assert_eq!(bitmap.height().to_string(), words[2], "rows");
    bitmap
}

fn chart(dir: &Path, name: &str) -> Bitmap {
    pbm(&std::fs::read(dir.join(name).with_extension("pbm")).expect("the chart is there"))
}

fn write_pbm(bitmap: &Bitmap) -> Vec<u8> {
    let mut octets = format!("P4\n{} {}\n", bitmap.width(), bitmap.height()).into_bytes();
    octets.extend_from_slice(bitmap.octets());
    octets
}

fn decode_in(pieces: usize, octets: &[u8], width: u32) -> DecodedPage {
    let mut decoder = PageDecoder::new(width, Coding::Jbig, DecodeLimits::default());
    octets.chunks(pieces.max(1)).for_each(|piece| decoder.push(piece));
    decoder.finish()
}

fn options() -> impl Iterator<Item = JbigOptions> {
    let sizes = [(128, true), (1, true), (13, false), (9999, true)];
    sizes.into_iter().flat_map(|(stripe_rows, typical)| {
        [(false, 0), (true, 8), (false, 127)].into_iter().map(move |(two_rows, max_at_offset)| JbigOptions {
            stripe_rows,
            two_rows,
            typical,
            max_at_offset,
            rows_at_end: two_rows,
            comment: two_rows.then(|| "two rows".into()),
        })
    })
}

#[test]
fn states_are_those_tabulated() {
    let Some(path) = shared("spec/data/t82_qm_states.csv", 113) else { return };
    let table = std::fs::read_to_string(path).expect("the table is text");
    let mut rows = 0;
    for (row, ours) in table.lines().skip(1).zip(QM_STATES) {
        let said = format!("{rows},0x{:04X},{},{},{}", ours.lsz, ours.nlps, ours.nmps, u8::from(ours.switches));
        assert_eq!(row, said);
        rows += 1;
    }
    assert_eq!(rows, 113);
}

/// The image of T.82 7.2: part noise, part noise repeated every eight pels.
fn test_image() -> Bitmap {
    let mut bitmap = Bitmap::white(1960, 1951);
    let (mut register, mut memory) = (1u32, [false; 8]);
    for row in 192..1951 {
        for column in 0..1960 {
            let slot = &mut memory[column as usize & 7];
            if row < 1023 || column >> 3 & 3 == 0 {
                let bit = register ^ register >> 2 ^ register >> 11 ^ register >> 15;
                register = register << 1 | bit & 1;
                *slot = register & 3 == 0;
            }
            bitmap.set(column, row, *slot);
        }
    }
    bitmap
}

#[test]
fn the_test_image_has_the_lengths_of_the_recommendation() {
    let image = test_image();
    assert_eq!(image.black_pels(), 861_965);
    for (two_rows, octets) in [(false, 317_384), (true, 317_132)] {
        let options =
            JbigOptions { stripe_rows: 1951, two_rows, typical: false, max_at_offset: 0, ..JbigOptions::default() };
        let coded = jbig::encode(&image, options);
        assert_eq!(coded.len(), octets, "two rows: {two_rows}");
        let decoded = decode_in(1000, &coded, 1960);
        assert!(decoded.bitmap == image && decoded.ended && decoded.bad_rows == 0);
    }
    // Where to move the adaptive pel is the encoder's choice; the Recommendation's example makes the same.
    let options = JbigOptions { max_at_offset: 8, ..JbigOptions::default() };
    let coded = jbig::encode(&image, options);
    assert_eq!(coded.len(), 253_653);
    assert!(decode_in(257, &coded, 1960).bitmap == image);
}

#[test]
fn charts_come_back() {
    let Some(dir) = images_dir(CHARTS.len() * 12) else { return };
    for name in CHARTS {
        let chart = chart(&dir, name);
        let mut lengths = Vec::new();
        for options in options() {
            let coded = jbig::encode(&chart, options.clone());
            let decoded = decode_in(257, &coded, chart.width());
            assert_eq!((decoded.bad_rows, decoded.ended), (0, true), "{name} {options:?}");
            assert!(decoded.bitmap == chart, "{name} {options:?}");
            lengths.push(coded.len());
        }
        println!("{name}: {lengths:?} octets");
    }
}

#[test]
fn files_of_another_coder_are_the_charts() {
    let Some(dir) = images_dir(2) else { return };
    for name in ["itu2", "itu6"] {
        let file = std::fs::read(dir.join(name).with_extension("t85")).expect("the file is there");
        for pieces in [1, 7, 256, file.len()] {
            let decoded = decode_in(pieces, &file, 1728);
            assert!(decoded.ended && decoded.bad_rows == 0, "{name}");
            assert!(decoded.bitmap == chart(&dir, name), "{name} in pieces of {pieces}");
        }
    }
}

#[test]
fn octets_may_lie_the_other_way_round() {
    let Some(dir) = images_dir(1) else { return };
    let file = std::fs::read(dir.join("itu6.t85")).expect("the file is there");
    let turned: Vec<u8> = file.iter().map(|octet| octet.reverse_bits()).collect();
    for pieces in [1, 2, 3, 256, turned.len()] {
        let decoded = decode_in(pieces, &turned, 1728);
        assert!(decoded.ended && decoded.bitmap == chart(&dir, "itu6"), "pieces of {pieces}");
    }
}

#[test]
fn jbig_that_is_not_of_t85_is_refused() {
    let Some(dir) = images_dir(6) else { return };
    for name in ["ccitt1", "ccitt2", "ccitt3", "ccitt4", "ccitt6", "xvlogo"] {
        let file = std::fs::read(dir.join(name).with_extension("jbg")).expect("the file is there");
        let width = u32::from_be_bytes(file[4..8].try_into().expect("four octets"));
        let decoded = decode_in(100, &file, width);
        assert_eq!((decoded.bitmap.height(), decoded.ended, decoded.bad_rows), (0, false, 1), "{name}");
    }
}

/// Runs a program of Debian's jbigkit-bin on octets; none where it is not installed.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let folder = std::env::temp_dir();
    let unique = format!("answertone-{program}-{}-{:?}", std::process::id(), std::thread::current().id());
    let (from, to) = (folder.join(format!("{unique}.from")), folder.join(format!("{unique}.to")));
    std::fs::write(&from, input).expect("the temporary folder takes files");
    let output = Command::new(program).args(arguments).args([&from, &to]).output().ok()?;
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let result = std::fs::read(&to).expect("it wrote a file");
    [from, to].iter().for_each(|path| drop(std::fs::remove_file(path)));
    Some(result)
}

fn other_coder(cases: usize) -> bool {
    let there = Command::new("pbmtojbg85").arg("-h").output().is_ok();
    if !there {
        not_run(cases, "pbmtojbg85 and jbgtopbm85 are not installed (Debian package jbigkit-bin)");
    }
    there
}

#[test]
fn another_coder_reads_what_is_written() {
    let Some(dir) = images_dir(CHARTS.len() * 12) else { return };
    if !other_coder(CHARTS.len() * 12) {
        return;
    }
    for name in CHARTS {
        let chart = chart(&dir, name);
        for options in options() {
            let Some(read) = run("jbgtopbm85", &[], &jbig::encode(&chart, options.clone())) else { return };
            assert!(pbm(&read) == chart, "{name} {options:?}");
        }
    }
}

#[test]
fn what_another_coder_writes_is_read() {
    const ARGUMENTS: [&[&str]; 7] = [
        &["-s", "128", "-m", "127"],
        &["-s", "128", "-m", "0", "-p", "0"],
        &["-s", "2", "-p", "72"],
        &["-s", "100000", "-p", "64"],
        &["-s", "100", "-C", "a comment"],
        &["-s", "128", "-Y", "5000", "1"],
        &["-s", "1", "-Y", "5000", "1000"],
    ];
    let Some(dir) = images_dir(CHARTS.len() * ARGUMENTS.len()) else { return };
    if !other_coder(CHARTS.len() * ARGUMENTS.len()) {
        return;
    }
    for name in CHARTS {
        let chart = chart(&dir, name);
        for arguments in ARGUMENTS {
            let Some(coded) = run("pbmtojbg85", arguments, &write_pbm(&chart)) else { return };
            let decoded = decode_in(257, &coded, chart.width());
            assert!(decoded.bitmap == chart, "{name} {arguments:?}: {} rows", decoded.bitmap.height());
            assert_eq!((decoded.bad_rows, decoded.ended), (0, true), "{name} {arguments:?}");
        }
    }
}

#[test]
fn files_of_profiles_j_and_f_come_back_at_every_size() {
    let sizes = Resolution::ALL.into_iter().flat_map(|resolution| PaperWidth::ALL.map(|paper| (resolution, paper)));
    let pages: Vec<Page> = sizes
        .map(|(resolution, paper)| {
            let mut bitmap = Bitmap::white(resolution.pels(paper), 129);
            (0..129).for_each(|row| bitmap.set(row * 7, row, true));
            Page { bitmap, resolution }
        })
        .collect();
    let file_pages: Vec<FilePage<'_>> = pages.iter().map(FilePage::from).collect();
    for profile in [Profile::J, Profile::F(Coding::Jbig), Profile::F(Coding::Mmr)] {
        let file = write(&file_pages, &WriteOptions::plain(profile)).expect("the pages can be written");
        let document = TiffDocument::open(&file).expect("it is a TIFF file");
        assert_eq!(document.page_count(), pages.len());
        for (index, page) in pages.iter().enumerate() {
            let read = document.page(index).expect("the page is whole");
            assert_eq!(read.raster, Raster::Bilevel(page.bitmap.clone()));
            assert_eq!(read.to_page_as_is(), *page);
        }
    }
}

/// Pages with white, lines and noise.
fn bitmaps() -> impl Strategy<Value = Bitmap> {
    (1u32..700, 0u32..60, any::<u32>(), 0u32..9).prop_map(|(width, height, seed, kind)| {
        let mut bitmap = Bitmap::white(width, height);
        let mut chance = seed;
        for row in 0..height {
            for column in 0..width {
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let black = match kind {
                    0 => chance >> 31 == 1,
                    1 => chance >> 24 == 0,
                    2 => row % 7 == 3,
                    3 => column % 9 < 4 && chance >> 27 != 0,
                    4 => true,
                    _ => row / 5 % 3 == 1 && chance >> 28 == 0,
                };
                bitmap.set(column, row, black);
            }
        }
        bitmap
    })
}

fn any_options() -> impl Strategy<Value = JbigOptions> {
    let offsets = prop_oneof![Just(0u8), 0u8..=127];
    (1u32..70, any::<[bool; 4]>(), offsets).prop_map(|(stripe_rows, [two_rows, typical, comment, rows_at_end], at)| {
        let comment = comment.then(|| "Bemerkung".to_owned());
        JbigOptions { stripe_rows, two_rows, typical, max_at_offset: at, comment, rows_at_end }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_come_back_whatever_the_options(bitmap in bitmaps(), options in any_options(), pieces in 1usize..300) {
        let coded = jbig::encode(&bitmap, options);
        let decoded = decode_in(pieces, &coded, bitmap.width());
        prop_assert_eq!((decoded.bad_rows, decoded.ended), (0, true));
        prop_assert!(decoded.bitmap == bitmap);
    }

    #[test]
    fn pieces_of_an_encoder_make_the_whole(bitmap in bitmaps(), into in 1usize..300) {
        let whole = jbig::encode(&bitmap, JbigOptions::default());
        let page = Page { bitmap, resolution: Resolution::Fine };
        let mut encoder = PageEncoder::new(page.into(), RowEncoding::on_line(Coding::Jbig, 4));
        let (mut pieces, mut piece) = (Vec::new(), vec![0; into]);
        loop {
            let filled = encoder.fill(&mut piece);
            pieces.extend_from_slice(&piece[..filled]);
            if filled < into {
                break;
            }
        }
        prop_assert!(encoder.is_ended());
        prop_assert_eq!(pieces, whole);
    }

    #[test]
    fn a_page_cut_short_keeps_its_beginning(bitmap in bitmaps(), options in any_options(), cut in any::<prop::sample::Index>()) {
        let coded = jbig::encode(&bitmap, JbigOptions { rows_at_end: false, ..options });
        let decoded = decode_in(100, &coded[..cut.index(coded.len())], bitmap.width());
        let rows = decoded.bitmap.height();
        prop_assert!(rows <= bitmap.height());
        prop_assert!(decoded.bitmap.octets() == &bitmap.octets()[..rows as usize * bitmap.stride()]);
        prop_assert_eq!(decoded.ended, rows == bitmap.height() && rows > 0 || decoded.ended && bitmap.height() == 0);
    }

    #[test]
    fn damage_and_noise_do_no_harm(
        bitmap in bitmaps(), options in any_options(), hits in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8),
        pieces in 1usize..300, max_rows in 1u32..100,
    ) {
        let mut coded = jbig::encode(&bitmap, options);
        for (hit, value) in hits {
            let at = hit.index(coded.len());
            coded[at] = value;
        }
        let decode = |pieces: usize| {
            let mut decoder = PageDecoder::new(bitmap.width(), Coding::Jbig, DecodeLimits { max_rows });
            coded.chunks(pieces).for_each(|piece| decoder.push(piece));
            decoder.finish()
        };
        let decoded = decode(pieces);
        prop_assert!(decoded.bitmap.height() <= max_rows);
        prop_assert!(decode(coded.len()) == decoded, "pieces must not matter");
    }
}
