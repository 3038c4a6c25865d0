//! PNG and JPEG pictures, as large as the sheet allows.

use std::io::Cursor;

use answertone_t30::image::{Colour, Grey, Raster, Resolution};
use image::{DynamicImage, GrayImage, ImageError, ImageReader, Limits, Rgba, RgbaImage, imageops};

use super::{
    Coloured, Drawn, RenderError, Work,
    shades::Shades,
    sheet::{Ground, Sheet, place},
};

/// Largest side of a picture in pels, and most memory for it.
const MOST_PELS: u32 = 20_000;
const MOST_MEMORY: u64 = 256 << 20;
/// What is longer than this many times its width is not a page.
const SLENDEREST: u32 = 20;

pub(super) fn render(octets: &[u8], name: &str, work: &mut Work) -> Result<(), RenderError> {
    let damaged =
        |error| RenderError::Damaged { part: name.into(), what: format!("the picture cannot be read: {error}") };
    let picture = read(octets).map_err(damaged)?.to_rgba8();
    let page = laid_on_sheet(&on_white(&picture), name, work.resolution)?.dithered();
    let coloured = if work.pictures { coloured(picture) } else { None };
    work.drawn(name, Drawn { page, coloured })
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

/// The picture in grey or in colour, turned to stand upright, as large as fits the sheet; none when it is black and white.
fn coloured(picture: RgbaImage) -> Option<Coloured> {
    let upright = if picture.width() > picture.height() { imageops::rotate90(&picture) } else { picture };
    let (width, height) = upright.dimensions();
    let raster = match Shades::of(upright.pixels().map(on_paper)) {
        Shades::None => return None,
        Shades::Grey => Raster::Grey(Grey::new(width, on_white(&upright).into_raw())),
        Shades::Colour => Raster::Colour(Colour::new(width, upright.pixels().flat_map(on_paper).collect())),
    };
    let inch = Ground::square(1000);
    let dots = (f64::from(width) / f64::from(inch.width)).max(f64::from(height) / f64::from(inch.rows)) * 1000.0;
    Some(Coloured { raster, dots_per_inch: dots as f32 })
}

/// What is see-through shows paper.
fn on_paper(pel: &Rgba<u8>) -> [u8; 3] {
    let [red, green, blue, alpha] = pel.0.map(u32::from);
    [red, green, blue].map(|part| ((part * alpha + 255 * (255 - alpha)) / 255) as u8)
}

/// The picture in grey.
fn on_white(picture: &RgbaImage) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue] = on_paper(picture.get_pixel(x, y));
        image::Luma([luma(red, green, blue)])
    })
}

/// Luma of ITU-R BT.601.
pub(super) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// A picture of square pels on a sheet, turned upright and scaled in proportion.
pub(super) fn laid_on_sheet(picture: &GrayImage, name: &str, resolution: Resolution) -> Result<Sheet, RenderError> {
    let (width, height) = picture.dimensions();
    if !is_page(width, height) {
        return Err(RenderError::NotPage { part: name.into(), width, height });
    }
    let mut sheet = Sheet::white(resolution);
    let place = place(sheet.ground, (f64::from(width), f64::from(height)), true);
    let upright = if place.turned { imageops::rotate90(picture) } else { picture.clone() };
    let (across, down) = ((place.width as u32).max(1), (place.height as u32).max(1));
    let scaled = imageops::resize(&upright, across, down, imageops::FilterType::Triangle);
    for (y, row) in scaled.rows().enumerate() {
        let start = y * sheet.ground.width as usize + place.left as usize;
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
