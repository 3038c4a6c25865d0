//! Fax pages as PDF: each page an image, nothing lost in black and white; colours become those that every reader knows.

use answertone_t30::image::{Coding, Eols, Page, Raster, ReceivedPicture, RowEncoding, encode};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

/// T.6 as PDF wants it: `/K -1`, without end of block, as the rows are known.
const T6: RowEncoding =
    RowEncoding { coding: Coding::Mmr, k: 1, min_row_bits: 0, eols: Eols::None, return_to_control: false };

const POINTS_PER_INCH: f32 = 72.0;

/// Quality of pictures that are encoded anew, of 100: what the fax has lost is much more.
const QUALITY: u8 = 90;

/// Pels to the inch of pictures that do not tell.
const USUAL_DOTS: u32 = 200;

/// A document of these pages, each at its size on paper.
pub fn pdf_of_pages<'a>(pages: impl ExactSizeIterator<Item = &'a Page>) -> Vec<u8> {
    pdf_of(pages.map(|page| (page, None)))
}

/// A document of these pages, each at its size on paper, as their pictures where they have one.
pub fn pdf_of<'a>(pages: impl ExactSizeIterator<Item = (&'a Page, Option<&'a ReceivedPicture>)>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let count = pages.len() as i32;
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids((0..count).map(|index| Ref::new(3 + 3 * index))).count(count);
    for (index, (page, picture)) in pages.enumerate() {
        let first = 3 + 3 * index as i32;
        match picture.and_then(coloured) {
            Some((jpeg, raster, dots)) => {
                add(&mut pdf, tree, first, size_on_paper(raster.width(), raster.height(), (dots, dots)));
                add_picture(&mut pdf, Ref::new(first + 1), &jpeg, &raster);
            }
            None => {
                let dots = page.resolution.dots_per_inch();
                add(&mut pdf, tree, first, size_on_paper(page.bitmap.width(), page.bitmap.height(), dots));
                add_bitmap(&mut pdf, Ref::new(first + 1), page);
            }
        }
    }
    pdf.finish()
}

/// Points across and down of so many pels and rows.
fn size_on_paper(pels: u32, rows: u32, (across, down): (u32, u32)) -> (f32, f32) {
    let points = |pels: u32, dots: u32| pels.max(1) as f32 / dots as f32 * POINTS_PER_INCH;
    (points(pels, across), points(rows, down))
}

/// A page that shows an image, the object behind it.
fn add(pdf: &mut Pdf, tree: Ref, first: i32, (width, height): (f32, f32)) {
    let (page_ref, image_ref, content_ref) = (Ref::new(first), Ref::new(first + 1), Ref::new(first + 2));
    let mut entry = pdf.page(page_ref);
    entry.parent(tree).media_box(Rect::new(0.0, 0.0, width, height)).contents(content_ref);
    entry.resources().x_objects().pair(Name(b"Fax"), image_ref);
    entry.finish();

    let mut content = Content::new();
    content.save_state().transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(Name(b"Fax")).restore_state();
    pdf.stream(content_ref, &content.finish());
}

fn add_bitmap(pdf: &mut Pdf, image_ref: Ref, page: &Page) {
    let (pels, rows) = (page.bitmap.width(), page.bitmap.height());
    // PDF reads the most significant place first, the line the least.
    let strip: Vec<u8> = encode(&page.bitmap, T6).into_iter().map(u8::reverse_bits).collect();
    let mut image = pdf.image_xobject(image_ref, &strip);
    image.filter(Filter::CcittFaxDecode);
    image.decode_parms().k(-1).columns(pels as i32).rows(rows as i32).end_of_block(false);
    image.width(pels as i32).height(rows as i32).bits_per_component(1);
    image.color_space().device_gray();
    image.finish();
}

/// JPEG in sRGB or grey, since few readers know the colours of T.42; none when the picture cannot be decoded.
fn coloured(picture: &ReceivedPicture) -> Option<(Vec<u8>, Raster, u32)> {
    let raster = picture.raster()?;
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    let (width, rows) = (raster.width(), raster.height());
    match &raster {
        Raster::Bilevel(_) => return None,
        Raster::Grey(grey) => encoder.encode(grey.octets(), width, rows, ExtendedColorType::L8),
        Raster::Colour(colour) => encoder.encode(colour.octets(), width, rows, ExtendedColorType::Rgb8),
    }
    .ok()?;
    let dots = picture.dots_per_inch.map_or(USUAL_DOTS, u32::from).max(1);
    Some((jpeg, raster, dots))
}

fn add_picture(pdf: &mut Pdf, image_ref: Ref, jpeg: &[u8], raster: &Raster) {
    let mut image = pdf.image_xobject(image_ref, jpeg);
    image.filter(Filter::DctDecode);
    image.width(raster.width() as i32).height(raster.height() as i32).bits_per_component(8);
    match raster {
        Raster::Colour(_) => image.color_space().device_rgb(),
        _ => image.color_space().device_gray(),
    };
    image.finish();
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Colour, PaperWidth, Picture, Resolution};

    use super::*;
    use crate::render::{RenderOptions, document};

    #[test]
    fn a_page_in_a_pdf_is_drawn_again_as_it_was() {
        let mut bitmap = Bitmap::white(1728, 2200);
        for y in 300..500 {
            for x in 400..700 {
                bitmap.set(x, y, (x / 20 + y / 20) % 2 == 0);
            }
        }
        let page = Page { bitmap, resolution: Resolution::Fine };
        let drawn =
            document(&pdf_of_pages([&page].into_iter()), "application/pdf", "pdf", &RenderOptions::default()).unwrap();
        let black = page.bitmap.black_pels() as f64;
        assert_eq!(drawn.len(), 1);
        assert!(
            (drawn[0].page.bitmap.black_pels() as f64 / black - 1.0).abs() < 0.02,
            "{}",
            drawn[0].page.bitmap.black_pels()
        );
        assert!(drawn[0].page.bitmap.is_black(430, 310) && !drawn[0].page.bitmap.is_black(410, 310));
    }

    #[test]
    fn a_picture_in_a_pdf_keeps_its_colours() {
        let pel = |at: u32| if at % 1728 < 864 { [210u8, 40, 40] } else { [40, 90, 170] };
        let raster = Raster::Colour(Colour::new(1728, (0..1728 * 2200).flat_map(pel).collect()));
        let sent = Picture::new(raster, Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
        let received = ReceivedPicture::read(sent.jpeg(Resolution::Fine, PaperWidth::A4, true).to_vec());
        let page = Page { bitmap: Bitmap::white(1728, 2200), resolution: Resolution::Fine };
        let pdf = pdf_of([(&page, received.as_ref()), (&page, None)].into_iter());
        let wanted = RenderOptions { pictures: true, ..RenderOptions::default() };
        let mut drawn = document(&pdf, "application/pdf", "pdf", &wanted).unwrap();
        assert_eq!((drawn.len(), drawn[1].coloured.is_some()), (2, false));
        let Some(Raster::Colour(colour)) = drawn[0].coloured.take().map(|coloured| coloured.raster) else {
            panic!("the first page has colours")
        };
        let near = |[a, b, c]: [u8; 3], [x, y, z]: [u8; 3]| a.abs_diff(x).max(b.abs_diff(y)).max(c.abs_diff(z)) < 30;
        let row = colour.row(200);
        assert!(near(row[300], [210, 40, 40]) && near(row[1400], [40, 90, 170]), "{:?} {:?}", row[300], row[1400]);
    }
}
