//! PDF pages, drawn by hayro: shapes and letters without smoothing, so that they are crisp in black and white.

use std::panic::{AssertUnwindSafe, catch_unwind};

use answertone_t30::image::{Colour, Grey, Picture, Raster, Resolution};
use hayro::{
    RenderCache, RenderSettings,
    hayro_interpret::{InterpreterSettings, util::TransformExt},
    hayro_syntax::{DecryptionError, LoadPdfError, Pdf, page::Page as PdfPage},
    kurbo::Affine,
    render_into,
    vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit, color::palette::css::WHITE},
};

use super::{
    Coloured, Drawn, RenderError, Work,
    picture::luma,
    shades::Shades,
    sheet::{Ground, Sheet, place},
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
        let (resolution, pictures) = (work.resolution, work.pictures);
        let drawn = catch_unwind(AssertUnwindSafe(|| drawn(page, &cache, resolution, pictures)))
            .map_err(|_| damaged("a page of the PDF cannot be drawn"))?;
        work.drawn(name, drawn)?;
    }
    Ok(())
}

fn drawn<'a>(page: &'a PdfPage<'a>, cache: &RenderCache<'a>, resolution: Resolution, pictures: bool) -> Drawn {
    let mut sheet = Sheet::white(resolution);
    let pixmap = painted(page, cache, sheet.ground, Some(HALF));
    let pels = || pixmap.data().iter().map(|pixel| [pixel.r, pixel.g, pixel.b]);
    for (grey, [red, green, blue]) in sheet.greys.iter_mut().zip(pels()) {
        *grey = luma(red, green, blue);
    }
    let shades = if pictures { Shades::of(pels()) } else { Shades::None };
    Drawn { page: sheet.dithered(), coloured: coloured(page, cache, resolution, shades) }
}

/// The page as a picture, with smooth edges; none where it is black and white.
fn coloured<'a>(
    page: &'a PdfPage<'a>,
    cache: &RenderCache<'a>,
    resolution: Resolution,
    shades: Shades,
) -> Option<Coloured> {
    let dots = Picture::dots(resolution);
    let ground = Ground::square(dots);
    let painted = || painted(page, cache, ground, None);
    let raster = match shades {
        Shades::None => return None,
        Shades::Grey => {
            let greys = painted().data().iter().map(|pixel| luma(pixel.r, pixel.g, pixel.b)).collect();
            Raster::Grey(Grey::new(ground.width, greys))
        }
        Shades::Colour => {
            let colours = painted().data().iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
            Raster::Colour(Colour::new(ground.width, colours))
        }
    };
    Some(Coloured { raster, dots_per_inch: dots as f32 })
}

/// The page on white ground. With a threshold, pels covered by more of it than that are wholly covered, others not at all.
fn painted<'a>(page: &'a PdfPage<'a>, cache: &RenderCache<'a>, ground: Ground, threshold: Option<u8>) -> Pixmap {
    let (width, rows) = (ground.width as u16, ground.rows as u16);
    let mut context = RenderContext::new(width, rows);
    let settings = RenderSettings { aliasing_threshold: threshold, ..RenderSettings::default() };
    render_into(page, cache, &InterpreterSettings::default(), &settings, &mut context, onto_sheet(page, ground));
    context.flush();
    let mut pixmap = Pixmap::new(width, rows);
    let white = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..Default::default() };
    context.render_with(&mut pixmap, &mut Resources::default(), white);
    pixmap
}

/// From the page's points to the sheet's pels.
fn onto_sheet<'a>(page: &'a PdfPage<'a>, ground: Ground) -> Affine {
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width).max(1.0), f64::from(height).max(1.0));
    let place = place(ground, (width / POINTS_PER_INCH, height / POINTS_PER_INCH), false);
    let upright = if place.turned { Affine::new([0.0, 1.0, -1.0, 0.0, height, 0.0]) } else { Affine::IDENTITY };
    let pels = |dots: f64| dots / POINTS_PER_INCH * place.scale;
    Affine::translate((place.left, 0.0))
        * Affine::scale_non_uniform(pels(ground.dots.0), pels(ground.dots.1))
        * upright
        * page.initial_transform(true).to_kurbo()
}
