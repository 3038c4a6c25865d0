//! A sheet of A4 in fax pels, first in grey, then in black and white.

use answertone_t30::image::{Bitmap, Page, Resolution};

/// Pels of a row, T.4 table 2: 215 mm at 8.04 pels/mm.
pub const WIDTH: u32 = 1728;
/// Rows of A4 at fine resolution: 297 mm at 196 rows per inch.
pub const ROWS: u32 = 2292;
/// Pels per inch across and down.
pub(super) const DOTS_PER_INCH: (f64, f64) = (204.0, 196.0);

/// Greys at or below are black, at or above the other white: pencil noise and paper tint are not worth dots.
const BLACK: u8 = 24;
const WHITE: u8 = 232;

/// A sheet of greys, 0 black to 255 white.
pub(super) struct Sheet {
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
pub(super) fn place(inches: (f64, f64), may_grow: bool) -> Place {
    let turned = inches.0 > inches.1;
    let (across, down) = if turned { (inches.1, inches.0) } else { inches };
    let sheet = (f64::from(WIDTH) / DOTS_PER_INCH.0, f64::from(ROWS) / DOTS_PER_INCH.1);
    let fitting = (sheet.0 / across).min(sheet.1 / down);
    let scale = if may_grow { fitting } else { fitting.min(1.0) };
    let width = (across * scale * DOTS_PER_INCH.0).min(f64::from(WIDTH));
    let height = (down * scale * DOTS_PER_INCH.1).min(f64::from(ROWS));
    Place { left: (f64::from(WIDTH) - width) / 2.0, width, height, turned, scale }
}

impl Sheet {
    pub(super) fn white() -> Self {
        Self { greys: vec![255; (WIDTH * ROWS) as usize] }
    }

    /// Black and white by error diffusion, left to right and back by turns so that no pattern creeps sideways.
    pub(super) fn dithered(self) -> Page {
        let mut page = blank();
        let width = WIDTH as usize;
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
pub(super) fn blank() -> Page {
    Page { bitmap: Bitmap::white(WIDTH, ROWS), resolution: Resolution::Fine }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_of_the_world_lie_whole_on_a4() {
        let a4 = place((8.268, 11.693), false);
        assert!(!a4.turned && a4.scale > 0.999, "{a4:?}");
        let legal = place((8.5, 14.0), false);
        assert!(legal.scale < 0.84 && legal.height <= f64::from(ROWS), "{legal:?}");
        let landscape = place((11.693, 8.268), false);
        assert!(landscape.turned && landscape.scale > 0.999, "{landscape:?}");
        let a5 = place((5.83, 8.27), false);
        assert!(a5.scale == 1.0 && a5.left > 200.0, "{a5:?}");
        assert!(place((5.83, 8.27), true).scale > 1.4);
    }

    #[test]
    fn dithering_keeps_the_mean_grey() {
        for grey in [64u8, 128, 192] {
            let mut sheet = Sheet::white();
            sheet.greys.fill(grey);
            let black = sheet.dithered().bitmap.black_pels() as f64 / f64::from(WIDTH * ROWS);
            assert!((black - (1.0 - f64::from(grey) / 255.0)).abs() < 0.02, "{grey}: {black}");
        }
    }

    #[test]
    fn black_and_white_stay_what_they_are() {
        let mut sheet = Sheet::white();
        sheet.greys[5] = 0;
        let page = sheet.dithered();
        assert!(page.bitmap.is_black(5, 0) && page.bitmap.black_pels() == 1);
    }
}
