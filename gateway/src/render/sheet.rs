//! A sheet of A4 in fax pels, first in grey, then in black and white.

use answertone_t30::image::{Bitmap, Page, PaperWidth, Resolution};

/// Inches of A4 that a scan line covers, T.4 table 2: 215 mm and a little; and inches down, 297 mm.
const INCHES: (f64, f64) = (8.64, 297.0 / 25.4);

/// A4 in pels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ground {
    /// Pels of a row.
    pub(super) width: u32,
    /// Rows.
    pub(super) rows: u32,
    /// Pels per inch across and down.
    pub(super) dots: (f64, f64),
}

impl Ground {
    /// In the pels of a fax page.
    pub(super) fn of(resolution: Resolution) -> Self {
        let (across, down) = resolution.dots_per_inch();
        let dots = (f64::from(across), f64::from(down));
        Self { width: resolution.pels(PaperWidth::A4), rows: (INCHES.1 * dots.1).round() as u32, dots }
    }

    /// In square pels, so many to the inch.
    pub(super) fn square(dots: u32) -> Self {
        let dots = f64::from(dots);
        Self { width: (INCHES.0 * dots).round() as u32, rows: (INCHES.1 * dots).round() as u32, dots: (dots, dots) }
    }

    /// Pels in all.
    fn pels(self) -> usize {
        self.width as usize * self.rows as usize
    }
}

/// Greys at or below are black, at or above the other white: pencil noise and paper tint are not worth dots.
pub(super) const BLACK: u8 = 24;
pub(super) const WHITE: u8 = 232;

/// A sheet of greys, 0 black to 255 white.
pub(super) struct Sheet {
    pub(super) resolution: Resolution,
    pub(super) ground: Ground,
    pub(super) greys: Vec<u8>,
}

/// Where something that is `inches` large comes to lie on the sheet, in pels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Landscape, laid on its side.
    pub(super) turned: bool,
    /// How much smaller it was made; 1 for true size.
    pub(super) scale: f64,
}

/// Lays something of that many inches on the sheet: upright, at its size or as much smaller as needed, in the middle.
pub(super) fn place(ground: Ground, inches: (f64, f64), may_grow: bool) -> Place {
    let turned = inches.0 > inches.1;
    let (across, down) = if turned { (inches.1, inches.0) } else { inches };
    let (wide, high) = (f64::from(ground.width), f64::from(ground.rows));
    let fitting = (wide / ground.dots.0 / across).min(high / ground.dots.1 / down);
    let scale = if may_grow { fitting } else { fitting.min(1.0) };
    let width = (across * scale * ground.dots.0).min(wide);
    let height = (down * scale * ground.dots.1).min(high);
    Place { left: (wide - width) / 2.0, width, height, turned, scale }
}

impl Sheet {
    pub(super) fn white(resolution: Resolution) -> Self {
        let ground = Ground::of(resolution);
        Self { resolution, ground, greys: vec![255; ground.pels()] }
    }

    /// Black and white by error diffusion, left to right and back by turns so that no pattern creeps sideways.
    pub(super) fn dithered(self) -> Page {
        let mut page = blank(self.resolution);
        let width = self.ground.width as usize;
        // Errors owed to this row and the next, in sixteenths, with a margin of one on both sides.
        let (mut owed, mut next) = (vec![0i32; width + 2], vec![0i32; width + 2]);
        for (y, row) in self.greys.chunks_exact(width).enumerate() {
            let rightwards = y % 2 == 0;
            for step in 0..width {
                let x = if rightwards { step } else { width - 1 - step };
                let (black, error) = decide(row[x], owed[x + 1]);
                if black {
                    page.bitmap.set(x as u32, y as u32, true);
                }
                let (ahead, behind) = if rightwards { (x + 2, x) } else { (x, x + 2) };
                owed[ahead] += error * 7;
                next[behind] += error * 3;
                next[x + 1] += error * 5;
                next[ahead] += error;
            }
            std::mem::swap(&mut owed, &mut next);
            next.fill(0);
        }
        page
    }
}

/// Whether a grey becomes black, and the error made by it.
fn decide(grey: u8, owed: i32) -> (bool, i32) {
    match grey {
        ..=BLACK => (true, 0),
        WHITE.. => (false, 0),
        _ => {
            let wanted = i32::from(grey) + owed / 16;
            let black = wanted < 128;
            (black, wanted - if black { 0 } else { 255 })
        }
    }
}

/// A white page.
pub(super) fn blank(resolution: Resolution) -> Page {
    let ground = Ground::of(resolution);
    Page { bitmap: Bitmap::white(ground.width, ground.rows), resolution }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_of_the_world_lie_whole_on_a4() {
        for resolution in [Resolution::Standard, Resolution::Fine, Resolution::Dpi400, Resolution::Dpi600] {
            let ground = Ground::of(resolution);
            let place = |inches, may_grow| place(ground, inches, may_grow);
            let a4 = place((8.268, 11.693), false);
            assert!(!a4.turned && a4.scale > 0.999, "{a4:?}");
            let legal = place((8.5, 14.0), false);
            assert!(legal.scale < 0.84 && legal.height <= f64::from(ground.rows), "{legal:?}");
            let landscape = place((11.693, 8.268), false);
            assert!(landscape.turned && landscape.scale > 0.999, "{landscape:?}");
            let a5 = place((5.83, 8.27), false);
            assert!(a5.scale == 1.0 && a5.left > 0.11 * f64::from(ground.width), "{a5:?}");
            assert!(place((5.83, 8.27), true).scale > 1.4);
        }
    }

    #[test]
    fn square_grounds_are_as_wide_as_fax_pages() {
        assert_eq!([200, 300, 400].map(|dots| Ground::square(dots).width), [1728, 2592, 3456]);
        assert_eq!((Ground::of(Resolution::Fine).width, Ground::of(Resolution::Fine).rows), (1728, 2292));
    }

    #[test]
    fn dithering_keeps_the_mean_grey() {
        for grey in [64u8, 128, 192] {
            let mut sheet = Sheet::white(Resolution::Fine);
            sheet.greys.fill(grey);
            let pels = sheet.greys.len() as f64;
            let black = sheet.dithered().bitmap.black_pels() as f64 / pels;
            assert!((black - (1.0 - f64::from(grey) / 255.0)).abs() < 0.02, "{grey}: {black}");
        }
    }

    #[test]
    fn black_and_white_stay_what_they_are() {
        let mut sheet = Sheet::white(Resolution::Fine);
        sheet.greys[5] = 0;
        let page = sheet.dithered();
        assert!(page.bitmap.is_black(5, 0) && page.bitmap.black_pels() == 1);
    }
}
