//! Image codings and TIFF files against ITU charts, files of others, libtiff and another MMR coder.

use std::path::{Path, PathBuf};
use std::process::Command;

use answertone_t30::image::tiff::{FilePage, Profile, TiffDocument, TiffError, WriteOptions, write};
use answertone_t30::image::{
    Bitmap, Coding, DecodeLimits, DecodedPage, Page, PageDecoder, Raster, Resolution, RowEncoding, encode,
};
use answertone_vectors::{not_run, shared};

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];

/// The charts and pages at hand.
const CHARTS: [&str; 8] = ["itu1", "itu2", "itu3", "itu4", "itu6", "test1", "test2", "test4"];

fn images_dir(cases: usize) -> Option<PathBuf> {
    shared("assets/4-tiff-jbig", cases)
}

/// A portable bitmap, raw.
fn pbm(path: &Path) -> Bitmap {
    let octets = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut at = 0;
    let mut word = || {
        loop {
            while octets[at].is_ascii_whitespace() {
                at += 1;
            }
            if octets[at] != b'#' {
                break;
            }
            at += octets[at..].iter().position(|octet| *octet == b'\n').expect("a comment has an end");
        }
        let begin = at;
        while !octets[at].is_ascii_whitespace() {
            at += 1;
        }
        (String::from_utf8(octets[begin..at].to_vec()).expect("a header is ASCII"), at + 1)
    };
    assert_eq!(word().0, "P4", "{} is no raw bitmap", path.display());
    let width: u32 = word().0.parse().expect("a width");
    let (height, pels) = word();
    let height: u32 = height.parse().expect("a height");
    let bitmap = Bitmap::from_octets(width, octets[pels..].to_vec());
    assert_eq!(bitmap.height(), height, "{}", path.display());
    bitmap
}

fn decode(octets: &[u8], width: u32, coding: Coding) -> DecodedPage {
    let mut decoder = PageDecoder::new(width, coding, DecodeLimits::default());
    octets.chunks(257).for_each(|piece| decoder.push(piece));
    decoder.finish()
}

fn fine(bitmap: &Bitmap) -> Page {
    Page { bitmap: bitmap.clone(), resolution: Resolution::Fine }
}

fn rasters(octets: &[u8]) -> Result<Vec<Raster>, TiffError> {
    let document = TiffDocument::open(octets)?;
    (0..document.page_count()).map(|page| document.page(page).map(|page| page.raster)).collect()
}

fn bitmap_of(octets: &[u8]) -> Bitmap {
    match rasters(octets).expect("the file is read").swap_remove(0) {
        Raster::Bilevel(bitmap) => bitmap,
        _ => panic!("the page is bilevel"),
    }
}

#[test]
fn charts_come_back_in_every_coding() {
    let Some(dir) = images_dir(CHARTS.len() * 9) else { return };
    for name in CHARTS {
        let chart = pbm(&dir.join(name).with_extension("pbm"));
        for coding in CODINGS {
            let mut lengths = Vec::new();
            for (k, min_row_bits) in [(2, 0), (4, 0), (4, 96)] {
                let encoding = RowEncoding { min_row_bits, ..RowEncoding::on_line(coding, k) };
                let octets = encode(&chart, encoding);
                let decoded = decode(&octets, chart.width(), coding);
                assert_eq!((decoded.bad_rows, decoded.ended), (0, true), "{name} {coding:?}");
                assert!(decoded.bitmap == chart, "{name} {coding:?} K {k}, rows of {min_row_bits} bits");
                lengths.push(octets.len());
            }
            println!("{name} {coding:?}: {lengths:?} octets (K 2, K 4, K 4 and 96 bits a row)");
        }
    }
}

#[test]
fn files_of_the_charts_are_the_charts() {
    let Some(dir) = images_dir(5) else { return };
    for number in [1, 2, 3, 4, 6] {
        let file = std::fs::read(dir.join(format!("CCITT_{number}.TIF"))).expect("the file is there");
        let page = bitmap_of(&file);
        let chart = pbm(&dir.join(format!("itu{number}.pbm")));
        assert!(
            page == chart,
            "CCITT_{number}.TIF is {}x{}, the chart {}x{}",
            page.width(),
            page.height(),
            chart.width(),
            chart.height()
        );
    }
}

#[test]
fn mmr_is_what_another_coder_makes_and_reads() {
    let Some(dir) = images_dir(CHARTS.len()) else { return };
    for name in CHARTS {
        let chart = pbm(&dir.join(name).with_extension("pbm"));
        let ours = encode(&chart, RowEncoding::on_line(Coding::Mmr, 4));

        let mut encoder = fax::encoder::Encoder::new(fax::VecWriter::new());
        for row in 0..chart.height() {
            let pels =
                (0..chart.width()).map(|x| if chart.is_black(x, row) { fax::Color::Black } else { fax::Color::White });
            encoder.encode_line(pels, chart.width()).expect("a vector takes all");
        }
        let theirs: Vec<u8> =
            encoder.finish().expect("a vector takes all").finish().iter().map(|octet| octet.reverse_bits()).collect();
        assert!(decode(&theirs, chart.width(), Coding::Mmr).bitmap == chart, "{name}: theirs read by us");
        assert_eq!(ours.len(), theirs.len(), "{name}: lengths");

        let mut row = 0;
        fax::decoder::decode_g4(ours.iter().map(|octet| octet.reverse_bits()), chart.width(), None, |changes| {
            let pels = fax::decoder::pels(changes, chart.width());
            assert!(
                pels.enumerate().all(|(x, color)| (color == fax::Color::Black) == chart.is_black(x as u32, row)),
                "{name}"
            );
            row += 1;
        });
        assert_eq!(row, chart.height(), "{name}: ours read by them");
    }
}

/// A folder that goes away with the test, and libtiff's programs run in it.
struct Libtiff(PathBuf);

impl Libtiff {
    /// None where the programs are not installed; says how many cases that leaves out.
    fn in_folder(name: &str, cases: usize) -> Option<Self> {
        if Command::new("tiffcp").arg("-h").output().is_err() {
            not_run(cases, "tiffcp and tiffinfo are not installed (Debian package libtiff-tools)");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("answertone-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        Some(Self(folder))
    }

    /// Copies a file; none when libtiff refuses it.
    fn copy(&self, file: &[u8], options: &str) -> Option<Vec<u8>> {
        let (from, to) = (self.0.join("from.tif"), self.0.join("to.tif"));
        std::fs::write(&from, file).expect("the temporary folder takes files");
        let output =
            Command::new("tiffcp").args(options.split_whitespace()).args([&from, &to]).output().expect("tiffcp runs");
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.is_empty() {
            println!("tiffcp {options}: {}", said.lines().next().unwrap_or_default());
        }
        output.status.success().then(|| std::fs::read(&to).expect("tiffcp wrote a file"))
    }

    fn info(&self, file: &[u8]) -> (String, String) {
        let path = self.0.join("info.tif");
        std::fs::write(&path, file).expect("the temporary folder takes files");
        let output = Command::new("tiffinfo").arg(&path).output().expect("tiffinfo runs");
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Libtiff {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const PROFILES: [Profile; 4] = [Profile::S, Profile::F(Coding::Mh), Profile::F(Coding::Mr), Profile::F(Coding::Mmr)];

fn written(pages: &[Page], profile: Profile) -> Vec<u8> {
    let pages: Vec<FilePage<'_>> = pages.iter().map(FilePage::from).collect();
    write(&pages, &WriteOptions::plain(profile)).expect("the pages can be written")
}

#[test]
fn libtiff_reads_what_is_written() {
    let Some(dir) = images_dir(PROFILES.len()) else { return };
    let Some(libtiff) = Libtiff::in_folder("written", PROFILES.len()) else { return };
    let charts: Vec<Page> = CHARTS.iter().map(|name| fine(&pbm(&dir.join(name).with_extension("pbm")))).collect();
    for profile in PROFILES {
        let fits = |page: &Page| profile != Profile::S || page.bitmap.width() == 1728;
        let pages: Vec<Page> = charts.iter().filter(|page| fits(page)).cloned().collect();
        let file = written(&pages, profile);
        let copied = rasters(&libtiff.copy(&file, "-c none").expect("libtiff reads it")).expect("we read the copy");
        assert_eq!(copied.len(), pages.len());
        for ((copied, page), name) in copied.into_iter().zip(&pages).zip(CHARTS) {
            assert!(copied == Raster::Bilevel(page.bitmap.clone()), "{profile:?} {name}");
        }
        let (info, said) = libtiff.info(&file);
        assert_eq!(said, "", "{profile:?}");
        assert_eq!(info.matches("Photometric Interpretation: min-is-white").count(), pages.len());
        assert_eq!(info.matches("FillOrder: lsb-to-msb").count(), pages.len());
        assert_eq!(info.matches("Resolution: 204, 196 pixels/inch").count(), pages.len(), "{info}");
        for number in 0..pages.len() {
            assert!(info.contains(&format!("Page Number: {number}-{}", pages.len())), "{info}");
        }
    }
}

#[test]
fn what_libtiff_writes_is_read() {
    const COMPRESSIONS: [&str; 9] =
        ["none", "packbits", "lzw", "zip", "g3:1d", "g3:1d:fill", "g3:2d", "g3:2d:fill", "g4"];
    const LAYOUTS: [&str; 5] = ["-L", "-B", "-r 100", "-f lsb2msb", "-f msb2lsb -r 7"];
    let Some(dir) = images_dir(45) else { return };
    let Some(libtiff) = Libtiff::in_folder("read", 45) else { return };
    let page = fine(&pbm(&dir.join("test1.pbm")));
    let file = written(std::slice::from_ref(&page), Profile::F(Coding::Mmr));
    for compression in COMPRESSIONS {
        for layout in LAYOUTS {
            let copy = libtiff.copy(&file, &format!("-c {compression} {layout}")).expect("libtiff copies");
            let read = rasters(&copy).unwrap_or_else(|error| panic!("{compression} {layout}: {error}"));
            assert!(read == [Raster::Bilevel(page.bitmap.clone())], "{compression} {layout}");
        }
    }
}

/// Files that libtiff shows otherwise. The first page begins without an end-of-line code: libtiff looks for one and loses
/// the first row, which is there. The second page's data ends itself after 4 of 6 rows: libtiff adds white ones.
const SHOWN_OTHERWISE: [&str; 2] = ["g3aoe.tif", "ccitt_tolessrows.tif"];

#[test]
fn files_of_others_are_what_libtiff_shows() {
    let Some(dir) = images_dir(40) else { return };
    let Some(libtiff) = Libtiff::in_folder("others", 40) else { return };
    let mut differ = Vec::new();
    let mut compared = 0;
    for path in tiff_files(&dir).into_iter().chain(tiff_files(&dir.join("malformed"))) {
        let file = std::fs::read(&path).expect("the file is there");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Ok(ours) = rasters(&file) else { continue };
        let Some(theirs) = libtiff.copy(&file, "-c none").and_then(|copy| rasters(&copy).ok()) else {
            println!("{name}: libtiff does not read it");
            continue;
        };
        compared += 1;
        if ours != theirs {
            differ.push(name);
        }
    }
    println!("{compared} files compared");
    assert!(compared >= 35, "only {compared} files could be compared");
    assert_eq!(differ, SHOWN_OTHERWISE);
}

fn tiff_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let is_tiff =
        |path: &PathBuf| path.extension().is_some_and(|end| end.to_string_lossy().to_lowercase().starts_with("tif"));
    let mut files: Vec<PathBuf> = entries.filter(is_tiff).collect();
    files.sort();
    files
}

/// The reason why a file is refused; the others make pages.
#[test]
fn files_of_others_are_read_or_refused_with_a_reason() {
    const REFUSED: [(&str, &str); 5] = [
        ("bad-offsets-lengths.tiff", "the file is truncated: the directory of page 2"),
        ("graydepth-invert-overflow-5a0aad5024cc4ff3.tiff", "the file is truncated: the directory of page 2"),
        ("graydepth-invert-overflow-9f2f479685f84884.tiff", "the file is truncated: the directory of page 2"),
        ("ifd-end-pointer.tif", "the file is truncated: the directory of page 2"),
        ("value-beyond-eof.tif", "page 1 cannot be read"),
    ];
    let Some(dir) = images_dir(45) else { return };
    let mut refused = Vec::new();
    for path in tiff_files(&dir).into_iter().chain(tiff_files(&dir.join("malformed"))) {
        let file = std::fs::read(&path).expect("the file is there");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        match TiffDocument::open(&file).and_then(|document| document.fax_pages()) {
            Ok(pages) => assert!(pages.iter().all(|page| page.bitmap.width() == 1728 && page.bitmap.height() > 0)),
            Err(error) => refused.push((name, error.to_string())),
        }
    }
    refused.sort();
    assert_eq!(refused.len(), REFUSED.len(), "{refused:#?}");
    for ((name, error), (expected_name, expected)) in refused.iter().zip(REFUSED) {
        assert_eq!(name, expected_name);
        assert!(error.starts_with(expected), "{name}: {error}");
    }
}

#[test]
fn damaged_files_do_no_harm() {
    let Some(dir) = images_dir(400) else { return };
    let mut seed = 7u32;
    let mut next = move |bound: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % bound
    };
    let files = tiff_files(&dir).into_iter().chain(tiff_files(&dir.join("malformed")));
    let small: Vec<Vec<u8>> =
        files.map(|path| std::fs::read(path).expect("the file is there")).filter(|file| file.len() < 8000).collect();
    let (mut read, mut refused) = (0, 0);
    for case in 0..400 {
        let mut file = small[case % small.len()].clone();
        for _ in 0..=next(4) {
            // Directories stand at the beginning or the end of most files.
            let at = match next(3) {
                0 => next(file.len().min(300)),
                1 => file.len() - 1 - next(file.len().min(300)),
                _ => next(file.len()),
            };
            file[at] = [0, 1, 0xFF, next(256) as u8][next(4)];
        }
        if next(5) == 0 {
            file.truncate(next(file.len()));
        }
        match rasters(&file) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    println!("{read} damaged files were read, {refused} refused");
}

/// A file of one directory, numbers as they are given.
fn file_of(tags: &[(u16, u16, &[u32])], data: &[u8]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    let mut outside = Vec::new();
    let after = 8 + 2 + (tags.len() + 2) * 12 + 4;
    let long_octets: usize = tags
        .iter()
        .map(|(_, kind, values)| values.len() * if *kind == 3 { 2 } else { 4 })
        .filter(|octets| *octets > 4)
        .sum();
    let strip = [(273, 4, vec![(after + long_octets) as u32]), (279, 4, vec![data.len() as u32])];
    let mut tags: Vec<(u16, u16, Vec<u32>)> =
        tags.iter().map(|(tag, kind, values)| (*tag, *kind, values.to_vec())).chain(strip).collect();
    tags.sort();
    file.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, values) in tags {
        file.extend(tag.to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend((values.len() as u32).to_le_bytes());
        let octets: Vec<u8> =
            values.iter().flat_map(|value| value.to_le_bytes()[..if kind == 3 { 2 } else { 4 }].to_vec()).collect();
        if octets.len() > 4 {
            file.extend(((after + outside.len()) as u32).to_le_bytes());
            outside.extend(octets);
        } else {
            file.extend(octets.iter().chain(&[0; 4]).take(4));
        }
    }
    file.extend([0; 4]);
    file.extend(outside);
    file.extend(data);
    file
}

/// By the weights of ITU-R BT.601.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

#[test]
fn shades_and_colours_are_as_light_as_they_should_be() {
    let light = |tags: &[(u16, u16, &[u32])], data: &[u8]| {
        let size: &[(u16, u16, &[u32])] = &[(256, 3, &[2]), (257, 3, &[2])];
        match rasters(&file_of(&[size, tags].concat(), data)).expect("the file is read").swap_remove(0) {
            Raster::Grey(grey) => [grey.row(0), grey.row(1)].concat(),
            Raster::Colour(colour) => [colour.row(0), colour.row(1)].concat().into_iter().map(luma).collect(),
            Raster::Bilevel(_) => panic!("shades are no bilevel image"),
        }
    };
    assert_eq!(light(&[(258, 3, &[8]), (262, 3, &[1])], &[0, 10, 200, 255]), [0, 10, 200, 255]);
    assert_eq!(light(&[(258, 3, &[8]), (262, 3, &[0])], &[0, 10, 200, 255]), [255, 245, 55, 0]);
    assert_eq!(light(&[(258, 3, &[4]), (262, 3, &[1])], &[0x0F, 0x80]), [0, 255, 136, 0]);
    let rgb: &[(u16, u16, &[u32])] = &[(258, 3, &[8, 8, 8]), (262, 3, &[2]), (277, 3, &[3])];
    let pels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    assert_eq!(light(rgb, &pels), [76, 150, 29, 255]);
    let mut map = [0u32; 48];
    for part in 0..3 {
        map[16 * part + 5] = 0xFFFF;
        map[16 * part + 6] = 0x8000;
    }
    assert_eq!(light(&[(258, 3, &[4]), (262, 3, &[3]), (320, 3, &map)], &[0x56, 0x05]), [255, 128, 0, 255]);
}

#[test]
fn uncompressed_pages_are_read_in_both_polarities_and_fill_orders() {
    for (photometric, fill_order, octets) in [(0, 1, [0x80, 0x40]), (1, 1, [0x7F, 0xBF]), (0, 2, [0x01, 0x02])] {
        let file =
            file_of(&[(256, 3, &[3]), (257, 3, &[2]), (262, 3, &[photometric]), (266, 3, &[fill_order])], &octets);
        let page = bitmap_of(&file);
        let black: Vec<(u32, u32)> =
            (0..2).flat_map(|y| (0..3).map(move |x| (x, y))).filter(|(x, y)| page.is_black(*x, *y)).collect();
        assert_eq!(black, [(0, 0), (1, 1)], "photometric {photometric}, fill order {fill_order}");
    }
}

#[test]
fn what_is_no_page_is_refused_with_a_clear_message() {
    let size = |width: u32, rows: u32| -> Vec<u8> {
        file_of(&[(256, 4, &[width]), (257, 4, &[rows]), (259, 3, &[4]), (262, 3, &[0])], &[0])
    };
    let message = |file: &[u8]| {
        TiffDocument::open(file).and_then(|document| document.fax_pages()).expect_err("it is refused").to_string()
    };
    assert!(message(b"%PDF-1.4").starts_with("not a TIFF file"));
    assert!(message(b"").starts_with("not a TIFF file"));
    assert!(message(b"II*\0").starts_with("the file is truncated"));
    assert!(message(b"II+\0\x08\0\0\0").starts_with("the file is a BigTIFF"));
    assert_eq!(message(b"II*\0\0\0\0\0"), "the file has no pages");
    assert!(message(&size(100_000, 1)).starts_with("page 1 is 100000 x 1 pels; at most 15000 x 30000"));
    assert!(message(&size(15_000, 29_000)).starts_with("page 1 is 15000 x 29000 pels"));
    assert!(message(&size(0, 7)).starts_with("page 1 is empty"));
    assert!(message(&size(8, 7)).starts_with("page 1 is damaged: 0 of its 7 rows"));
    let unread = file_of(&[(256, 4, &[8]), (257, 4, &[8]), (259, 3, &[34712])], &[0]);
    assert!(message(&unread).starts_with("page 1 has compression 34712"));
    let uncompressed_mode = file_of(&[(256, 4, &[8]), (257, 4, &[8]), (259, 3, &[4]), (293, 4, &[2])], &[0]);
    assert!(message(&uncompressed_mode).contains("uncompressed mode"));
    let mut circle = size(8, 8);
    let link = 8 + 2 + 6 * 12;
    circle[link] = 8;
    assert!(message(&circle).contains("circle"));
}

#[test]
fn profile_s_is_laid_out_as_its_rules_say() {
    let page = Page { bitmap: Bitmap::white(1728, 30), resolution: Resolution::Standard };
    let file = written(&[page.clone(), page.clone()], Profile::S);
    let short = |at: usize| u32::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let long = |at: usize| short(at) | short(at + 2) << 16;
    assert_eq!(file[..8], *b"II*\0\x08\0\0\0");
    let mut directory = 8;
    for number in 0..2 {
        let entries = short(directory) as usize;
        let tags: Vec<(u32, u32, u32)> = (0..entries)
            .map(|entry| directory + 2 + entry * 12)
            .map(|at| (short(at), short(at + 2), long(at + 8)))
            .collect();
        assert!(tags.is_sorted_by_key(|(tag, ..)| *tag));
        let value = |tag: u32| tags.iter().find(|(other, ..)| *other == tag).unwrap_or_else(|| panic!("tag {tag}")).2;
        let plain = [254, 256, 257, 258, 259, 262, 266, 277, 278, 292, 296].map(|tag| (tag, value(tag)));
        let expected = [
            (254, 2),
            (256, 1728),
            (257, 30),
            (258, 1),
            (259, 3),
            (262, 0),
            (266, 2),
            (277, 1),
            (278, 30),
            (292, 0),
            (296, 2),
        ];
        assert_eq!(plain, expected);
        assert_eq!(value(297), number | 2 << 16);
        assert_eq!((long(value(282) as usize), long(value(283) as usize)), (204, 98));
        assert!(value(282) as usize >= directory + 2 + entries * 12 + 4, "long fields behind the directory");
        assert!(value(273) > value(283), "data behind the long fields");
        let next = long(directory + 2 + entries * 12) as usize;
        let end = (value(273) + value(279)).next_multiple_of(2) as usize;
        assert_eq!(next, if number == 0 { end } else { 0 });
        directory = next;
    }
    let wide = Page { bitmap: Bitmap::white(2048, 30), resolution: Resolution::Standard };
    let refused = write(&[FilePage::from(&wide)], &WriteOptions::plain(Profile::S));
    assert_eq!(refused, Err(TiffError::ProfileWidth { page: 1, width: 2048 }));
}

#[test]
fn bad_rows_are_told_in_profile_f() {
    let page = Page { bitmap: Bitmap::white(1728, 30), resolution: Resolution::Fine };
    let Some(libtiff) = Libtiff::in_folder("bad-rows", 1) else { return };
    let file_page = FilePage { bad_rows: 7, longest_bad_run: 3, ..FilePage::from(&page) };
    let options = WriteOptions {
        software: Some("Answertone".into()),
        date_time: Some("2026:03:01 10:15:00".into()),
        ..WriteOptions::plain(Profile::F(Coding::Mr))
    };
    let (info, said) = libtiff.info(&write(&[file_page], &options).expect("the page can be written"));
    assert_eq!(said, "");
    for line in
        ["Bad Fax Lines: 7", "Consecutive Bad Fax Lines: 3", "Software: Answertone", "DateTime: 2026:03:01 10:15:00"]
    {
        assert!(info.contains(line), "{line} in {info}");
    }
}

#[test]
fn a_small_file_cannot_ask_for_endless_work() {
    // One strip of white rows that as many pages as are allowed point to.
    let rows = 13_000;
    let strip = encode(&Bitmap::white(15_000, rows), RowEncoding::on_line(Coding::Mmr, 1));
    let page = Page { bitmap: Bitmap::white(15_000, rows), resolution: Resolution::Fine };
    let one = written(std::slice::from_ref(&page), Profile::F(Coding::Mmr));
    assert!(one.len() < strip.len() + 400, "{} octets", one.len());
    let mut file = one[..one.len()].to_vec();
    let entries = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let directory = file[8..8 + 2 + entries * 12].to_vec();
    let mut link = 8 + 2 + entries * 12;
    for _ in 0..100 {
        let place = file.len() as u32;
        file[link..link + 4].copy_from_slice(&place.to_le_bytes());
        file.extend(&directory);
        link = file.len();
        file.extend([0; 4]);
    }
    let document = TiffDocument::open(&file).expect("the file has pages");
    assert_eq!(document.page_count(), 101);
    assert_eq!(document.fax_pages().map(|pages| pages.len()), Err(TiffError::TooLargeInAll));
}
