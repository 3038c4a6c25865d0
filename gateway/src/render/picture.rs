//! PNG and JPEG pictures, as large as the sheet allows.

use std::io::Cursor;

use answertone_t30::image::{Colour, Grey, Raster};
use image::{DynamicImage, GrayImage, ImageError, ImageReader, Limits, imageops};

use super::{
    RenderError, Work,
    sheet::{Sheet, WIDTH, place},
};

/// Largest side of a picture in pels, and most memory for it.
const MOST_PELS: u32 = 20_000;
const MOST_MEMORY: u64 = 256 << 20;
/// What is longer than this many times its width is not a page.
const SLENDEREST: u32 = 20;

pub(super) fn render(octets: &[u8], name: &str, work: &mut Work) -> Result<(), RenderError> {
    let damaged =
        |error| RenderError::Damaged { part: name.into(), what: format!("the picture cannot be read: {error}") };
    let picture = read(octets).map_err(damaged)?;
    let sheet = laid_on_sheet(&on_white(&picture.to_rgba8()), name)?;
    work.page(name, sheet.dithered())
}

fn read(octets: &[u8]) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(octets)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PELS);
    limits.max_image_height = Some(MOST_PELS);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    reader.decode()
}

/// The picture in grey or in colour, turned to stand upright; none when it cannot be read or is no page.
pub(super) fn colours(octets: &[u8]) -> Option<Raster> {
    let picture = read(octets).ok()?;
    let picture = if picture.width() > picture.height() { picture.rotate90() } else { picture };
    let (width, height) = (picture.width(), picture.height());
    if !is_page(width, height) {
        return None;
    }
    if !picture.color().has_color() {
        return Some(Raster::Grey(Grey::new(width, on_white(&picture.to_rgba8()).into_raw())));
    }
    let pels = picture.to_rgba8();
    let on_paper = |pel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pel.0.map(u32::from);
        [red, green, blue].map(|part| ((part * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    Some(Raster::Colour(Colour::new(width, pels.pixels().flat_map(on_paper).collect())))
}

/// What is see-through shows paper.
fn on_white(picture: &image::RgbaImage) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        let luma = (299 * red + 587 * green + 114 * blue + 500) / 1000;
        image::Luma([((luma * alpha + 255 * (255 - alpha)) / 255) as u8])
    })
}

/// A picture of square pels on a sheet, turned upright and scaled in proportion.
pub(super) fn laid_on_sheet(picture: &GrayImage, name: &str) -> Result<Sheet, RenderError> {
    let (width, height) = picture.dimensions();
    if !is_page(width, height) {
        return Err(RenderError::NotPage { part: name.into(), width, height });
    }
    let place = place((f64::from(width), f64::from(height)), true);
    let upright = if place.turned { imageops::rotate90(picture) } else { picture.clone() };
    let (across, down) = ((place.width as u32).max(1), (place.height as u32).max(1));
    let scaled = imageops::resize(&upright, across, down, imageops::FilterType::Triangle);
    let mut sheet = Sheet::white();
    for (y, row) in scaled.rows().enumerate() {
        let start = y * WIDTH as usize + place.left as usize;
        for (grey, pixel) in sheet.greys[start..].iter_mut().zip(row) {
            *grey = pixel.0[0];
        }
    }
    Ok(sheet)
}

/// Whether something of that many pels can be meant as a page.
pub(super) fn is_page(width: u32, height: u32) -> bool {
    let (short, long) = (width.min(height), width.max(height));
    short > 0 && long <= MOST_PELS && long <= short.saturating_mul(SLENDEREST)
}
