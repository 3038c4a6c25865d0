//! TIFF files. A page that fits a fax stays as it is; one longer than a legal sheet is made smaller in proportion.

use answertone_t30::image::{
    Page,
    tiff::{TiffDocument, TiffError},
};
use image::GrayImage;

use super::{
    RenderError, Work,
    picture::{is_page, laid_on_sheet},
};

/// The longest sheet that is sent at its length, in inches: US legal.
const LONGEST_INCHES: u32 = 14;

pub(super) fn render(octets: &[u8], name: &str, work: &mut Work) -> Result<(), RenderError> {
    let document = TiffDocument::open(octets).map_err(|error| refusal(name, &error))?;
    work.allow(name, document.page_count())?;
    for index in 0..document.page_count() {
        let read = document.page(index).map_err(|error| refusal(name, &error))?;
        let (width, height) = (read.raster.width(), read.raster.height());
        if !is_page(width, height) {
            return Err(RenderError::NotPage { part: name.into(), width, height });
        }
        let page = read.to_page();
        let page = if is_long(&page) { shortened(&page, name)? } else { page };
        work.page(name, page)?;
    }
    Ok(())
}

fn is_long(page: &Page) -> bool {
    page.bitmap.height() > LONGEST_INCHES * page.resolution.dots_per_inch().1
}

fn shortened(page: &Page, name: &str) -> Result<Page, RenderError> {
    let (across, down) = page.resolution.dots_per_inch();
    let square_rows = page.bitmap.height() * across / down;
    let grey = GrayImage::from_fn(page.bitmap.width(), square_rows, |x, y| {
        let row = (y * down / across).min(page.bitmap.height() - 1);
        image::Luma([if page.bitmap.is_black(x, row) { 0 } else { 255 }])
    });
    Ok(laid_on_sheet(&grey, name)?.dithered())
}

fn refusal(name: &str, error: &TiffError) -> RenderError {
    let (part, what) = (name.to_owned(), format!("the TIFF cannot be read: {error}"));
    match error {
        TiffError::TooLarge { width, rows, .. } | TiffError::Empty { width, rows, .. } => {
            RenderError::NotPage { part, width: *width, height: *rows }
        }
        TiffError::BigTiff | TiffError::Compression { .. } | TiffError::Unsupported { .. } => {
            RenderError::Unsupported { part, what }
        }
        _ => RenderError::Damaged { part, what },
    }
}
