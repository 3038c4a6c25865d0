//! A page in small while it comes in: grey squares of eight pels, added row by row.

use std::sync::atomic::{
    AtomicU8, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use answertone_t30::image::{Bitmap, Resolution};
use image::{GrayImage, Luma};

/// Squares there is room for: A3 at 400 dots to the inch.
const ROOM: usize = 1 << 18;

/// Pels of a square across: an octet of a row.
const ACROSS: u32 = 8;

/// Written by one thread, read by any.
pub struct Sheet {
    page: AtomicU32,
    width: AtomicU32,
    rows: AtomicU32,
    /// How black each square is.
    squares: Box<[AtomicU8]>,
}

impl Sheet {
    pub(super) fn new() -> Self {
        let squares = (0..ROOM).map(|_| AtomicU8::new(0)).collect();
        Self { page: AtomicU32::new(0), width: AtomicU32::new(0), rows: AtomicU32::new(0), squares }
    }

    /// Adds the rows that are whole by now.
    pub(super) fn write(&self, page: usize, bitmap: &Bitmap, resolution: Option<Resolution>) {
        let (x_dpi, y_lpi) = resolution.map_or((204, 196), Resolution::dots_per_inch);
        let down = (ACROSS * y_lpi / x_dpi.max(1)).max(1);
        let width = bitmap.width() / ACROSS;
        let have = bitmap.height() / down;
        let begun_anew = self.page.load(Relaxed) != page as u32 || self.rows.load(Relaxed) > have;
        if begun_anew {
            self.rows.store(0, Release);
            self.page.store(page as u32, Relaxed);
            self.width.store(width, Relaxed);
        }
        let most = ROOM as u32 / width.max(1);
        for row in self.rows.load(Relaxed)..have.min(most) {
            for column in 0..width {
                let black: u32 = (0..down).map(|at| octet(bitmap, row * down + at, column).count_ones()).sum();
                let square = &self.squares[(row * width + column) as usize];
                square.store((255 * black / (ACROSS * down)) as u8, Relaxed);
            }
        }
        self.rows.store(have.min(most), Release);
    }

    /// How many rows of squares there are, of which page.
    pub fn extent(&self) -> (u32, u32) {
        (self.page.load(Relaxed), self.rows.load(Acquire))
    }

    /// The page so far; none before the first rows.
    pub fn picture(&self) -> Option<GrayImage> {
        let (rows, width) = (self.rows.load(Acquire), self.width.load(Relaxed));
        let fits = width > 0 && rows > 0 && (rows * width) as usize <= ROOM;
        let shade = |x: u32, y: u32| Luma([255 - self.squares[(y * width + x) as usize].load(Relaxed)]);
        fits.then(|| GrayImage::from_fn(width, rows, shade))
    }
}

fn octet(bitmap: &Bitmap, row: u32, column: u32) -> u8 {
    bitmap.row(row).get(column as usize).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_grows_and_another_begins_anew() {
        let sheet = Sheet::new();
        assert!(sheet.picture().is_none());
        let mut bitmap = Bitmap::white(1728, 16);
        (0..8).for_each(|x| (0..7).for_each(|y| bitmap.set(x, y, true)));
        sheet.write(1, &bitmap, Some(Resolution::Fine));
        let picture = sheet.picture().unwrap();
        assert_eq!((picture.width(), picture.height()), (216, 16 / 7));
        assert_eq!((picture.get_pixel(0, 0).0, picture.get_pixel(1, 0).0), ([0], [255]));
        sheet.write(2, &Bitmap::white(1728, 7), Some(Resolution::Fine));
        assert_eq!(sheet.extent(), (2, 1));
        assert_eq!(sheet.picture().unwrap().get_pixel(0, 0).0, [255]);
    }
}
