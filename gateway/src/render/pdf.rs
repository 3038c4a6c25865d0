//! PDF pages, drawn by hayro: shapes and letters without smoothing, so that they are crisp in black and white.

use std::panic::{AssertUnwindSafe, catch_unwind};

use answertone_t30::image::Page;
use hayro::{
    RenderCache, RenderSettings,
    hayro_interpret::{InterpreterSettings, util::TransformExt},
    hayro_syntax::{DecryptionError, LoadPdfError, Pdf, page::Page as PdfPage},
    kurbo::Affine,
    render_into,
    vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit, color::palette::css::WHITE},
};

use super::{
    RenderError, Work,
    sheet::{DOTS_PER_INCH, ROWS, Sheet, WIDTH, place},
};

const POINTS_PER_INCH: f64 = 72.0;
/// Pels covered by more than this of 255 are black.
const HALF: u8 = 127;

pub(super) fn render(octets: &[u8], name: &str, work: &mut Work) -> Result<(), RenderError> {
    // Whatever a hostile file makes the renderer do, it ends here.
    let damaged = |what: &str| RenderError::Damaged { part: name.into(), what: what.into() };
    let pdf = catch_unwind(|| Pdf::new(octets.to_vec())).map_err(|_| damaged("the PDF cannot be read"))?;
    let pdf = pdf.map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => RenderError::Locked { part: name.into() },
        LoadPdfError::Decryption(_) => RenderError::Locked { part: name.into() },
        LoadPdfError::Invalid => damaged("the PDF is damaged or cut off"),
    })?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(damaged("the PDF has no pages"));
    }
    work.allow(name, pages.len())?;
    let cache = RenderCache::new();
    for page in pages.iter() {
        let drawn = catch_unwind(AssertUnwindSafe(|| draw(page, &cache)))
            .map_err(|_| damaged("a page of the PDF cannot be drawn"))?;
        work.page(name, drawn)?;
    }
    Ok(())
}

fn draw<'a>(page: &'a PdfPage<'a>, cache: &RenderCache<'a>) -> Page {
    let mut context = RenderContext::new(WIDTH as u16, ROWS as u16);
    let settings = RenderSettings { aliasing_threshold: Some(HALF), ..RenderSettings::default() };
    render_into(page, cache, &InterpreterSettings::default(), &settings, &mut context, onto_sheet(page));
    context.flush();
    let mut pixmap = Pixmap::new(WIDTH as u16, ROWS as u16);
    let ground = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..Default::default() };
    context.render_with(&mut pixmap, &mut Resources::default(), ground);
    let mut sheet = Sheet::white();
    for (grey, pixel) in sheet.greys.iter_mut().zip(pixmap.data()) {
        *grey = luma(pixel.r, pixel.g, pixel.b);
    }
    sheet.dithered()
}

/// From the page's points to the sheet's pels.
fn onto_sheet<'a>(page: &'a PdfPage<'a>) -> Affine {
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width).max(1.0), f64::from(height).max(1.0));
    let place = place((width / POINTS_PER_INCH, height / POINTS_PER_INCH), false);
    let upright = if place.turned { Affine::new([0.0, 1.0, -1.0, 0.0, height, 0.0]) } else { Affine::IDENTITY };
    let pels = |dots: f64| dots / POINTS_PER_INCH * place.scale;
    Affine::translate((place.left, 0.0))
        * Affine::scale_non_uniform(pels(DOTS_PER_INCH.0), pels(DOTS_PER_INCH.1))
        * upright
        * page.initial_transform(true).to_kurbo()
}

/// Luma of ITU-R BT.601.
pub(super) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}
