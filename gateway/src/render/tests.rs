//! Whole messages and documents.

use answertone_t30::image::Resolution;

use super::*;

/// A4 at fine resolution.
const WIDTH: u32 = 1728;
const ROWS: u32 = 2292;

fn options() -> RenderOptions {
    RenderOptions { max_pages: 5, ..Default::default() }
}

fn text_message(charset: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn black(drawn: &Drawn) -> u64 {
    drawn.page.bitmap.black_pels()
}

#[test]
fn text_becomes_whole_a4_pages() {
    let pages = message(&text_message("utf-8", b"Hello fax\r\n"), &options()).unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!((pages[0].page.bitmap.width(), pages[0].page.bitmap.height()), (WIDTH, ROWS));
    assert_eq!(pages[0].page.resolution, Resolution::Fine);
    assert!(black(&pages[0]) > 500);
    let long = "a line of text\r\n".repeat(130);
    assert_eq!(message(&text_message("utf-8", long.as_bytes()), &options()).unwrap().len(), 3);
}

#[test]
fn text_in_any_charset_is_the_same_page() {
    let utf8 = message(&text_message("utf-8", "Grüße, Привет".as_bytes()), &options()).unwrap();
    let latin = message(&text_message("iso-8859-1", b"Gr\xfc\xdfe"), &options()).unwrap();
    let koi8 = message(&text_message("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4"), &options()).unwrap();
    let german = message(&text_message("utf-8", "Grüße".as_bytes()), &options()).unwrap();
    let russian = message(&text_message("utf-8", "Привет".as_bytes()), &options()).unwrap();
    assert_eq!(latin, german);
    assert_eq!(koi8, russian);
    assert!(black(&utf8[0]) > black(&german[0]));
}

/// How wide the words of a page are, in pels.
fn words_of(drawn: &Drawn) -> Vec<u32> {
    let bitmap = &drawn.page.bitmap;
    let inked_rows = runs(bitmap.height(), 4, |y| (0..bitmap.width()).any(|x| bitmap.is_black(x, y)));
    let of_line = |(top, bottom)| runs(bitmap.width(), 6, move |x| (top..bottom).any(|y| bitmap.is_black(x, y)));
    inked_rows.into_iter().flat_map(of_line).map(|(begin, end)| end - begin).collect()
}

/// Stretches in which something is there, apart from each other by so many places without.
fn runs(length: u32, apart: u32, there: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = vec![];
    for place in (0..length).filter(|place| there(*place)) {
        match runs.last_mut() {
            Some((_, end)) if place - *end < apart => *end = place + 1,
            _ => runs.push((place, place + 1)),
        }
    }
    runs
}

#[test]
fn long_lines_are_wrapped_not_cut() {
    let words = "word ".repeat(60);
    let pages = message(&text_message("utf-8", words.as_bytes()), &options()).unwrap();
    let widths = words_of(&pages[0]);
    let narrowest = widths.iter().min().unwrap();
    assert!(widths.len() == 60 && widths.iter().all(|width| width - narrowest <= 2), "{widths:?}");
}

#[test]
fn too_many_pages_are_refused() {
    let long = "a line of text\r\n".repeat(10_000);
    let error = message(&text_message("utf-8", long.as_bytes()), &options()).unwrap_err();
    assert!(matches!(error, RenderError::TooLong { most: 5, .. }), "{error}");
    assert_eq!(error.status(), "5.2.3");
}

#[test]
fn bad_documents_are_named_with_a_remedy() {
    let refusal = |octets: &[u8], kind: &str| document(octets, kind, "part 1 (a)", &options()).unwrap_err().to_string();
    assert!(refusal(b"hello", "image/tiff").contains("says it is a TIFF but is not"));
    assert!(refusal(b"%PDF-1.4\nrubbish", "application/pdf").contains("damaged or cut off"));
    assert!(refusal(b"PK\x03\x04", "application/zip").contains("application/zip cannot be printed"));
    assert!(refusal(b"\x89PNG\r\n\x1a\n", "image/png").contains("cannot be read"));
}

#[test]
fn a_message_with_nothing_on_it_is_refused() {
    assert_eq!(message(&text_message("utf-8", b"  \r\n"), &options()).unwrap_err(), RenderError::Nothing);
    assert!(matches!(message(b"", &options()).unwrap_err(), RenderError::NotMail | RenderError::Nothing));
}

#[test]
fn of_alternatives_the_best_is_shown_once() {
    let raw = b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nplain\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n";
    let alternatives = message(raw, &options()).unwrap();
    assert_eq!(alternatives, message(&text_message("utf-8", b"plain"), &options()).unwrap());
}

#[test]
fn a_picture_fills_the_sheet_in_proportion() {
    let mut png = std::io::Cursor::new(vec![]);
    let picture = image::GrayImage::from_fn(400, 200, |x, _| image::Luma([if x < 200 { 0 } else { 255 }]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let pages = document(png.get_ref(), "image/png", "part 1", &options()).unwrap();
    // Twice as wide as high: turned upright, one half black.
    let dark = black(&pages[0]) as f64 / f64::from(WIDTH * ROWS);
    assert!((0.30..0.50).contains(&dark), "{dark}");
}

#[test]
fn a_picture_in_no_shape_of_a_page_is_refused() {
    let mut png = std::io::Cursor::new(vec![]);
    image::GrayImage::new(4000, 1).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let error = document(png.get_ref(), "image/png", "part 1", &options()).unwrap_err();
    assert!(matches!(error, RenderError::NotPage { width: 4000, height: 1, .. }), "{error}");
}

fn png(picture: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut png = std::io::Cursor::new(vec![]);
    picture.into().write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

#[test]
fn everything_is_drawn_as_fine_as_it_is_wanted() {
    let picture = png(image::GrayImage::from_fn(400, 500, |x, _| image::Luma([(x / 2) as u8])));
    let pdf = crate::ifax::pdf_of_pages(
        [&Page { bitmap: answertone_t30::image::Bitmap::white(1728, 900), resolution: Resolution::Fine }].into_iter(),
    );
    let text = "fine print\n".repeat(70).into_bytes();
    for (resolution, width, rows) in [
        (Resolution::Standard, 1728, 1146),
        (Resolution::Superfine, 1728, 4572),
        (Resolution::Dpi300, 2592, 3508),
        (Resolution::Dpi400, 3456, 4572),
    ] {
        for (octets, kind, count) in
            [(&picture, "image/png", 1), (&pdf, "application/pdf", 1), (&text, "text/plain", 2)]
        {
            let options = RenderOptions { resolution, ..options() };
            let pages = document(octets, kind, "part 1", &options).unwrap();
            let page = &pages[0].page;
            let size = (page.bitmap.width(), page.bitmap.height());
            assert_eq!((pages.len(), page.resolution), (count, resolution), "{kind}");
            assert!(size.0 == width && size.1.abs_diff(rows) <= 1, "{kind} at {resolution:?}: {size:?}");
        }
    }
}

#[test]
fn the_same_lines_stand_on_a_page_at_every_resolution() {
    let text = "The quick brown fox jumps over the lazy dog, and goes on to the end of a line that is to be wrapped. "
        .repeat(90);
    // Where the last line of each page stands, in inches from its top.
    let ends = |resolution: Resolution| {
        let pages = document(text.as_bytes(), "text/plain", "a", &RenderOptions { resolution, ..options() }).unwrap();
        let end = |drawn: &Drawn| {
            let bitmap = &drawn.page.bitmap;
            let last = (0..bitmap.height()).rev().find(|row| bitmap.row(*row).iter().any(|octet| *octet != 0));
            f64::from(last.expect("there is text")) / f64::from(resolution.dots_per_inch().1)
        };
        pages.iter().map(end).collect::<Vec<_>>()
    };
    let fine = ends(Resolution::Fine);
    for resolution in [Resolution::Dpi300, Resolution::Dpi400, Resolution::Dpi600] {
        let finer = ends(resolution);
        assert_eq!(finer.len(), fine.len());
        assert!(finer.iter().zip(&fine).all(|(finer, fine)| (finer - fine).abs() < 0.05), "{finer:?} {fine:?}");
    }
}

#[test]
fn only_what_has_colours_or_greys_is_a_picture() {
    let wanted = RenderOptions { pictures: true, ..options() };
    let drawn = |octets: &[u8], kind| document(octets, kind, "part 1", &wanted).unwrap().remove(0);
    let red = png(image::RgbImage::from_fn(300, 400, |x, y| image::Rgb([200, (x / 2) as u8, (y / 2) as u8])));
    let coloured = drawn(&red, "image/png").coloured.expect("it has colours");
    assert!(matches!(coloured.raster, Raster::Colour(_)) && (34.0..35.0).contains(&coloured.dots_per_inch));
    let grey = png(image::GrayImage::from_fn(300, 400, |x, _| image::Luma([(x / 2) as u8])));
    assert!(matches!(drawn(&grey, "image/png").coloured.map(|picture| picture.raster), Some(Raster::Grey(_))));
    let line = png(image::GrayImage::from_fn(300, 400, |x, _| image::Luma([if x % 3 == 0 { 0 } else { 255 }])));
    assert_eq!(drawn(&line, "image/png").coloured, None);
    assert_eq!(drawn(b"text", "text/plain").coloured, None);
    assert_eq!(document(&red, "image/png", "part 1", &options()).unwrap()[0].coloured, None, "none was wanted");
}
