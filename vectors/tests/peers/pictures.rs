//! Colour and grey pictures.

use std::{fs, path::Path};

use answertone_t30::image::{Raster, tiff::TiffDocument};

use super::bench::bench;

#[test]
fn pictures_cross_between_two_of_ours_in_colour_and_others_get_them_dithered() {
    let Some(bench) = bench(3) else { return };
    let width = 300;
    let pels: Vec<u8> = (0..width * 400).flat_map(|at: u32| [(at % width) as u8, (at / width) as u8, 90]).collect();
    let document = bench.work.join("colours.tif");
    fs::write(&document, rgb_file(width, &pels)).expect("the work folder takes files");
    let send = format!("--send {} --codings mh,mr,mmr,jpeg", document.display());
    let call = bench.call("--receive got.tif --codings mh,mr,mmr,jpeg", &bench.ourselves(&send), "--noise -60");
    assert_eq!((&call.result["ok"], &call.result["coding"]), (&true.into(), &"jpeg".into()), "{}", call.story());
    let file = fs::read(call.folder.join("got.tif")).expect("a page came");
    let page = TiffDocument::open(&file).and_then(|document| document.page(0)).expect("the file is read");
    let Raster::Colour(got) = page.raster else { panic!("no colours\n{}", call.story()) };
    // The picture stands in the middle of the page's width: 300 pels at 50 to the inch become 1200 at 200.
    assert_eq!((got.width(), got.height()), (1728, 1600));
    for (x, y) in [(10, 10), (150, 200), (290, 250), (100, 100)] {
        let is = got.row(y * 4 + 2)[(264 + x * 4 + 2) as usize];
        let should = [x as u8, y as u8, 90];
        assert!(is.iter().zip(should).all(|(is, should)| is.abs_diff(should) < 25), "{x} {y}: {is:?} {should:?}");
    }
    for ecm in ["on", "off"] {
        let call = bench.call(&format!("{send} --ecm {ecm}"), &bench.peer("--receive got.tif"), "");
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let pages = call.pages();
        let black = pages[0].bitmap.black_pels() as f64 / (1200.0 * f64::from(pages[0].bitmap.height()));
        // Half of the red, most of the green: as dark as the picture's mean.
        assert!((0.3..0.6).contains(&black), "{black} of the picture is black");
    }
}

#[test]
fn documents_of_every_kind_cross_in_colour() {
    let Some(bench) = bench(4) else { return };
    let width = 300;
    let pels: Vec<u8> = (0..width * 500).flat_map(|at: u32| [(at % width) as u8, (at / width / 2) as u8, 90]).collect();
    let tiff = bench.work.join("tall-colours.tif");
    fs::write(&tiff, rgb_file(width, &pels)).expect("the work folder takes files");
    let cross = |document: &Path, received: &str| {
        let send = format!("--send {} --codings mh,mr,mmr,jpeg", document.display());
        let call = bench.call(&format!("--receive {received} --codings mh,mr,mmr,jpeg"), &bench.ourselves(&send), "");
        let result = (&call.result["ok"], &call.result["coding"], &call.result["colour"]);
        assert_eq!(result, (&true.into(), &"jpeg".into(), &true.into()), "{}\n{}", document.display(), call.story());
        call.folder.join(received)
    };
    let pdf = cross(&tiff, "got.pdf");
    let octets = fs::read(&pdf).expect("a PDF came");
    let find = |mark: &[u8]| octets.windows(mark.len()).position(|piece| piece == mark);
    let (begin, end) = (find(b"\xff\xd8\xff").expect("JPEG in it"), find(b"\xff\xd9").expect("and its end"));
    let jpeg = bench.work.join("colours.jpg");
    fs::write(&jpeg, &octets[begin..end + 2]).expect("the work folder takes files");
    // The last one is sent on from profile C as it was received.
    let mut document = pdf;
    for next in [Some(jpeg), None, None] {
        let got = cross(&document, "got.tif");
        let file = fs::read(&got).expect("a page came");
        let page = TiffDocument::open(&file).and_then(|document| document.page(0)).expect("the file is read");
        let Raster::Colour(colours) = page.raster else { panic!("{}: no colours", document.display()) };
        for (x, y) in [(10, 10), (150, 200), (290, 450), (100, 100)] {
            let is = colours.row(y * 4 + 2)[(264 + x * 4 + 2) as usize];
            let should = [x as u8, (y / 2) as u8, 90];
            let near = is.iter().zip(should).all(|(is, should)| is.abs_diff(should) < 30);
            assert!(near, "{}: {x} {y}: {is:?} {should:?}", document.display());
        }
        document = next.unwrap_or(got);
    }
}

/// A TIFF file of sRGB samples, 50 to the inch.
fn rgb_file(width: u32, pels: &[u8]) -> Vec<u8> {
    let rows = pels.len() as u32 / 3 / width;
    let tags: [(u16, u16, u32, u32); 12] = [
        (256, 4, 1, width),
        (257, 4, 1, rows),
        (258, 3, 3, 158),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 180),
        (277, 3, 1, 3),
        (278, 4, 1, rows),
        (279, 4, 1, pels.len() as u32),
        (282, 5, 1, 164),
        (283, 5, 1, 172),
        (296, 3, 1, 2),
    ];
    let mut file = b"II*\0\x08\0\0\0\x0c\0".to_vec();
    for (tag, kind, count, value) in tags {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    [8u16; 3].iter().for_each(|bits| file.extend(bits.to_le_bytes()));
    [50u32, 1, 50, 1].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.extend(pels);
    file
}
