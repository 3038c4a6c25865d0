//! A page in small, for a notice.

use answertone_t30::image::Page;
use image::{GrayImage, ImageFormat, Luma};

/// Pels of the page across one pel of the picture.
const SCALE: u32 = 8;

/// The page as a grey PNG of an eighth of its width, in its true proportion.
pub fn thumbnail(page: &Page) -> Option<Vec<u8>> {
    let (x_dpi, y_lpi) = page.resolution.dots_per_inch();
    let down = (SCALE * y_lpi / x_dpi).max(1);
    let (width, height) = (page.bitmap.width() / SCALE, page.bitmap.height() / down);
    if width == 0 || height == 0 {
        return None;
    }
    let grey = |x: u32, y: u32| {
        let square = (0..down).flat_map(|row| (0..SCALE).map(move |column| (x * SCALE + column, y * down + row)));
        let black = square.filter(|(x, y)| page.bitmap.is_black(*x, *y)).count() as u32;
        Luma([(255 - 255 * black / (SCALE * down)) as u8])
    };
    let mut octets = std::io::Cursor::new(vec![]);
    GrayImage::from_fn(width, height, grey).write_to(&mut octets, ImageFormat::Png).ok()?;
    Some(octets.into_inner())
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Resolution};

    use super::*;

    #[test]
    fn a_page_is_shown_in_its_proportion() {
        let mut bitmap = Bitmap::white(1728, 1100);
        (0..8).for_each(|x| (0..4).for_each(|y| bitmap.set(x, y, true)));
        let png = thumbnail(&Page { bitmap, resolution: Resolution::Standard }).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_luma8();
        assert_eq!((picture.width(), picture.height()), (216, 1100 / 3));
        assert_eq!((picture.get_pixel(0, 0).0, picture.get_pixel(1, 0).0), ([0], [255]));
        assert!(thumbnail(&Page { bitmap: Bitmap::new(1728), resolution: Resolution::Fine }).is_none());
    }
}
