//! The page that the built-in fax machine sends.

use std::sync::Arc;

use answertone_t30::image::{Bitmap, Page, Resolution};

/// Pels in a row of the page: the A4 width of T.4.
const WIDTH: u32 = 1728;

/// Rows of the page: A4 at 196 rows to the inch.
const HEIGHT: u32 = 2292;

/// Margin around the drawing.
const MARGIN: u32 = 64;

/// A page with a frame, a ruler, stripes that get finer, a checkerboard and rings: what a bad line spoils shows.
pub fn test_page() -> Arc<Page> {
    let mut bitmap = Bitmap::white(WIDTH, HEIGHT);
    for y in MARGIN..HEIGHT - MARGIN {
        for x in MARGIN..WIDTH - MARGIN {
            if is_black(x - MARGIN, y - MARGIN) {
                bitmap.set(x, y, true);
            }
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}

fn is_black(x: u32, y: u32) -> bool {
    let (width, height) = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN);
    let frame = x < 4 || y < 4 || x >= width - 4 || y >= height - 4;
    let drawing = match y * 5 / height {
        0 => ruler(x, y),
        1 => stripes(x),
        2 => rings(x, y % (height / 5)),
        3 => (x / 32 + y / 32).is_multiple_of(2),
        _ => y % 100 < 3 && !x.is_multiple_of(y / 50 + 2),
    };
    frame || drawing
}

/// Ticks every 8 pels, longer every 80.
fn ruler(x: u32, y: u32) -> bool {
    let length = if x.is_multiple_of(80) { 200 } else { 60 };
    x % 8 < 2 && (100..100 + length).contains(&y)
}

/// Stripes from 16 pels down to one.
fn stripes(x: u32) -> bool {
    let width = 16 - (x / 101).min(15);
    (x / width).is_multiple_of(2)
}

fn rings(x: u32, y: u32) -> bool {
    let (x, y) = (x as i64 - 800, y as i64 - 216);
    let radius = (x * x + y * y).isqrt();
    radius % 24 < 6 && radius < 210
}
