//! TIFF files. A page that fits a fax stays as it is; one longer than a legal sheet is made smaller in proportion.

use std::sync::Arc;

use answertone_t30::{
    image::{
        Page, PaperWidth, Raster, Resolution,
        tiff::{ReadPage, TiffDocument, TiffError},
    },
    session::Resolutions,
};
use image::GrayImage;

use super::{
    Coloured, Drawn, RenderError, Work,
    picture::{is_page, laid_on_sheet},
};

/// The longest sheet that is sent at its length, in inches: US legal.
const LONGEST_INCHES: u32 = 14;
/// Inches of a scan line of A4, for files that do not tell their resolution.
const SCAN_LINE_INCHES: f32 = 8.64;

pub(super) fn render(octets: &[u8], name: &str, work: &mut Work) -> Result<(), RenderError> {
    let document = TiffDocument::open(octets).map_err(|error| refusal(name, &error))?;
    work.allow(name, document.page_count())?;
    for index in 0..document.page_count() {
        let read = document.page(index).map_err(|error| refusal(name, &error))?;
        let (width, height) = (read.raster.width(), read.raster.height());
        if !is_page(width, height) {
            return Err(RenderError::NotPage { part: name.into(), width, height });
        }
        let page = if is_long(&read.to_page()) { shortened(&read.to_page(), name)? } else { fax_page(&read, work) };
        let coloured = if work.pictures && page.paper().is_some() { coloured(read) } else { None };
        work.drawn(name, Drawn { page, coloured })?;
    }
    Ok(())
}

/// The page at the resolution wanted where the file has that detail, on A4.
fn fax_page(read: &ReadPage, work: &Work) -> Page {
    match work.resolution {
        Resolution::Standard | Resolution::Fine => read.to_page(),
        finest => {
            let page = Arc::new(read.to_page_as_is());
            let resolution = Resolutions::up_to(finest).best_for(page.resolution);
            Arc::unwrap_or_clone(page.at(resolution, PaperWidth::A4))
        }
    }
}

/// The page's picture where the file has one, in greys or colours.
fn coloured(read: ReadPage) -> Option<Coloured> {
    let is_picture = !matches!(read.raster, Raster::Bilevel(_));
    let (dots_per_inch, _) = read.dots_per_inch.unwrap_or((read.raster.width() as f32 / SCAN_LINE_INCHES, 0.0));
    is_picture.then_some(Coloured { raster: read.raster, dots_per_inch })
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
    Ok(laid_on_sheet(&grey, name, Resolution::Fine)?.dithered())
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
