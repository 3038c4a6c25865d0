//! Fax pages as PDF: each page an image in its own coding, nothing lost.

use answertone_t30::image::{Coding, Eols, Page, RowEncoding, encode};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

/// T.6 as PDF wants it: `/K -1`, without end of block, as the rows are known.
const T6: RowEncoding =
    RowEncoding { coding: Coding::Mmr, k: 1, min_row_bits: 0, eols: Eols::None, return_to_control: false };

const POINTS_PER_INCH: f32 = 72.0;

/// A document of these pages, each at its size on paper.
pub fn pdf_of_pages<'a>(pages: impl ExactSizeIterator<Item = &'a Page>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let count = pages.len() as i32;
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids((0..count).map(|index| Ref::new(3 + 3 * index))).count(count);
    for (index, page) in pages.enumerate() {
        add(&mut pdf, tree, 3 + 3 * index as i32, page);
    }
    pdf.finish()
}

fn add(pdf: &mut Pdf, tree: Ref, first: i32, page: &Page) {
    let (page_ref, image_ref, content_ref) = (Ref::new(first), Ref::new(first + 1), Ref::new(first + 2));
    let (pels, rows) = (page.bitmap.width(), page.bitmap.height());
    let (across, down) = page.resolution.dots_per_inch();
    let width = pels as f32 / across as f32 * POINTS_PER_INCH;
    let height = rows.max(1) as f32 / down as f32 * POINTS_PER_INCH;

    let mut entry = pdf.page(page_ref);
    entry.parent(tree).media_box(Rect::new(0.0, 0.0, width, height)).contents(content_ref);
    entry.resources().x_objects().pair(Name(b"Fax"), image_ref);
    entry.finish();

    // PDF reads the most significant place first, the line the least.
    let strip: Vec<u8> = encode(&page.bitmap, T6).into_iter().map(u8::reverse_bits).collect();
    let mut image = pdf.image_xobject(image_ref, &strip);
    image.filter(Filter::CcittFaxDecode);
    image.decode_parms().k(-1).columns(pels as i32).rows(rows as i32).end_of_block(false);
    image.width(pels as i32).height(rows as i32).bits_per_component(1);
    image.color_space().device_gray();
    image.finish();

    let mut content = Content::new();
    content.save_state().transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(Name(b"Fax")).restore_state();
    pdf.stream(content_ref, &content.finish());
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Resolution};

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
        assert!((drawn[0].bitmap.black_pels() as f64 / black - 1.0).abs() < 0.02, "{}", drawn[0].bitmap.black_pels());
        assert!(drawn[0].bitmap.is_black(430, 310) && !drawn[0].bitmap.is_black(410, 310));
    }
}
