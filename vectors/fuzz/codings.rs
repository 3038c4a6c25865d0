//! Decoders of page data: whatever comes, a page of the right width comes out, no longer than allowed, in memory that is in
//! proportion.

use std::sync::{Arc, LazyLock};

use answertone_t30::image::{
    Bitmap, Coding, Colour, DecodeLimits, Grey, PageDecoder, PaperWidth, Picture, Raster, ReceivedPicture, Resolution,
    RowEncoding, RowFraming, encode,
};

use super::damage::damaged;

const WIDTH: u32 = 1728;
const LIMITS: DecodeLimits = DecodeLimits { max_rows: 400 };

/// Pages of letters, of dots and of nothing.
static PAGES: LazyLock<[Bitmap; 3]> = LazyLock::new(|| {
    [
        drawn(|x, y| (x / 7 + y / 5).is_multiple_of(9) && y % 20 < 12),
        drawn(|x, y| x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) >> 13 & 3 == 0),
        drawn(|_, _| false),
    ]
});

fn drawn(black: impl Fn(u32, u32) -> bool) -> Bitmap {
    let mut bitmap = Bitmap::white(WIDTH, 40);
    for y in 0..40 {
        (0..WIDTH).filter(|x| black(*x, y)).for_each(|x| bitmap.set(x, y, true));
    }
    bitmap
}

fn coded(coding: Coding) -> Vec<Vec<u8>> {
    PAGES.iter().map(|page| encode(page, RowEncoding::on_line(coding, 4))).collect()
}

/// Decodes in pieces and checks what must hold of any page.
fn decode(mut decoder: PageDecoder, octets: &[u8]) {
    for piece in octets.chunks(97) {
        decoder.push(piece);
        assert!(decoder.bad_rows() <= decoder.rows() + 1, "{} of {} rows are bad", decoder.bad_rows(), decoder.rows());
    }
    let page = decoder.finish();
    assert_eq!(page.bitmap.width(), WIDTH);
    assert!(page.bitmap.height() <= LIMITS.max_rows, "{} rows", page.bitmap.height());
    assert!(page.longest_bad_run <= page.bad_rows);
}

fn runs(coding: Coding, input: &[u8], valid: &[Vec<u8>]) {
    let octets = damaged(input, valid);
    for framing in [RowFraming::Line, RowFraming::File, RowFraming::OctetRows] {
        decode(PageDecoder::with_framing(WIDTH, coding, framing, LIMITS), &octets);
    }
    // The input itself, as it is.
    decode(PageDecoder::new(WIDTH, coding, LIMITS), input);
}

#[test]
fn mh() {
    let valid = coded(Coding::Mh);
    target!(|input: &[u8]| runs(Coding::Mh, input, &valid));
}

#[test]
fn mr() {
    let valid = coded(Coding::Mr);
    target!(|input: &[u8]| runs(Coding::Mr, input, &valid));
}

#[test]
fn mmr() {
    let valid = coded(Coding::Mmr);
    target!(|input: &[u8]| runs(Coding::Mmr, input, &valid));
}

#[test]
fn t85() {
    let valid = coded(Coding::Jbig);
    target!(|input: &[u8]| {
        decode(PageDecoder::new(WIDTH, Coding::Jbig, LIMITS), &damaged(input, &valid));
        decode(PageDecoder::new(WIDTH, Coding::Jbig, LIMITS), input);
    });
}

/// Small pictures in colour and in grey.
fn pictures() -> Vec<Vec<u8>> {
    let colour = Raster::Colour(Colour::new(216, (0..216 * 30 * 3).map(|at: u32| (at % 251) as u8).collect()));
    let grey = Raster::Grey(Grey::new(216, (0..216 * 30).map(|at: u32| (at % 241) as u8).collect()));
    let octets = |raster| -> Arc<[u8]> {
        let picture = Picture::new(raster, Some((25.0, 25.0)), Resolution::Fine, PaperWidth::A4);
        picture.jpeg(Resolution::Fine, PaperWidth::A4, true)
    };
    [colour, grey].into_iter().map(|raster| octets(raster).to_vec()).collect()
}

#[test]
fn jpeg() {
    let valid = pictures();
    target!(|input: &[u8]| {
        let octets = damaged(input, &valid);
        decode(PageDecoder::new(WIDTH, Coding::Jpeg, LIMITS), &octets);
        if let Some(picture) = ReceivedPicture::read(octets) {
            assert!(u64::from(picture.width) * u64::from(picture.rows) <= 64_000_000);
            drop(picture.raster());
        }
        decode(PageDecoder::new(WIDTH, Coding::Jpeg, LIMITS), input);
    });
}
