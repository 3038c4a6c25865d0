//! Pages as pictures for a browser.

use std::io::Cursor;

use answertone_t30::image::Page;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use image::{GrayImage, ImageFormat, Luma};

use super::failure::Failure;
use crate::{ifax::thumbnail, store::unpack};

/// Pels of the page across one of the picture that is to be read.
const READABLE: u32 = 2;

/// In what size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// For lists.
    Small,
    /// To be read.
    Large,
}

/// A stored page. It never changes, and yet a browser asks each time: the next who logs in there may be somebody else.
pub(super) async fn stored(image: Option<Vec<u8>>, size: Size) -> Result<Response, Failure> {
    let image = image.ok_or(Failure::NotFound)?;
    let drawn = tokio::task::spawn_blocking(move || {
        let page = unpack(&image)?;
        if size == Size::Small { thumbnail(&page) } else { png(&readable(&page)) }
    });
    let octets = drawn.await.ok().flatten().ok_or(Failure::NotFound)?;
    let headers = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, no-store")];
    Ok((headers, octets).into_response())
}

/// A picture that is another one in a moment.
pub(super) fn passing(picture: &GrayImage) -> Result<Response, Failure> {
    let octets = png(picture).ok_or(Failure::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], octets).into_response())
}

fn png(picture: &GrayImage) -> Option<Vec<u8>> {
    let mut octets = Cursor::new(vec![]);
    picture.write_to(&mut octets, ImageFormat::Png).ok()?;
    Some(octets.into_inner())
}

/// The page at half of its pels across, in its true proportion.
fn readable(page: &Page) -> GrayImage {
    shrunk(page, READABLE, page.bitmap.height())
}

/// How often one goes into the other, to the nearest.
fn ratio(more: u32, less: u32) -> u32 {
    (more + less / 2) / less
}

/// The first rows of a page, each square of so many pels across as one grey pel.
pub(super) fn shrunk(page: &Page, across: u32, rows: u32) -> GrayImage {
    let (x_dpi, y_lpi) = page.resolution.dots_per_inch();
    // Rows that are farther apart than pels are drawn more than once.
    let (down, times) =
        if across * y_lpi >= x_dpi { (ratio(across * y_lpi, x_dpi), 1) } else { (1, ratio(x_dpi, across * y_lpi)) };
    let rows = rows.min(page.bitmap.height());
    let (width, height) = (page.bitmap.width() / across, rows / down);
    let mut picture = GrayImage::new(width.max(1), (height * times).max(1));
    for y in 0..height {
        for x in 0..width {
            let square = (0..down).flat_map(|dy| (0..across).map(move |dx| (x * across + dx, y * down + dy)));
            let black = square.filter(|(x, y)| page.bitmap.is_black(*x, *y)).count() as u32;
            let shade = Luma([(255 - 255 * black / (across * down)) as u8]);
            (0..times).for_each(|again| picture.put_pixel(x, y * times + again, shade));
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Resolution};

    use super::*;

    #[test]
    fn rows_far_apart_are_drawn_as_high_as_they_are() {
        let page = |resolution| Page { bitmap: Bitmap::white(1728, 1000), resolution };
        let fine = readable(&page(Resolution::Fine));
        let standard = readable(&page(Resolution::Standard));
        assert_eq!((fine.width(), standard.width()), (864, 864));
        assert!(standard.height() > fine.height());
        assert_eq!(shrunk(&page(Resolution::Fine), 8, 70).height(), 8);
    }
}
