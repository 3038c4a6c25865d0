//! The line at the top of each page that says when it was sent, by whom, to whom, and which page it is.
//!
//! It is added above the page, which gets longer by [`rows`]; nothing of the page is covered. The date is the caller's
//! text: nothing here knows a clock or a language.

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::DrawTarget;
use embedded_graphics::text::{Baseline, Text};

use super::{Bitmap, Page, Resolution};

/// What the line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Date and time, as it is to be read.
    pub date: String,
    /// Who sends.
    pub from: String,
    /// Who receives.
    pub to: String,
    /// This page, from 1.
    pub page: u32,
    /// Pages of the document, if known.
    pub of: Option<u32>,
}

/// How letters are drawn at a resolution.
struct Lettering {
    font: &'static MonoFont<'static>,
    /// Pels side by side that one of the font makes.
    stretch: u32,
    /// Rows that one of the font makes.
    stretch_down: u32,
    /// Rows of the line, a row of white below the letters among them.
    rows: u32,
}

/// Pels left and right of the line that stay white: machines print less than they scan.
const MARGIN: u32 = 48;

impl Lettering {
    fn at(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Standard => Self { font: &FONT_6X10, stretch: 2, stretch_down: 1, rows: 12 },
            finer => {
                // The font's pels are as large as those of fine pages.
                let (across, down) = finer.dots_per_inch();
                let (stretch, stretch_down) = (times_fine(across), times_fine(down));
                Self { font: &FONT_10X20, stretch, stretch_down, rows: 22 * stretch_down }
            }
        }
    }

    fn letter_pels(&self) -> u32 {
        self.font.character_size.width * self.stretch
    }
}

/// How many times the 200 dots per inch of a fine page, in whole numbers.
fn times_fine(dots: u32) -> u32 {
    (dots + 100) / 200
}

/// Rows that the line takes at a resolution.
pub fn rows(resolution: Resolution) -> u32 {
    Lettering::at(resolution).rows
}

/// The page with the line above it. Parts that do not fit are shortened, the page number last.
pub fn add(page: &Page, header: &Header) -> Page {
    let mut bitmap = strip(header, page.resolution, page.bitmap.width());
    for row in 0..page.bitmap.height() {
        bitmap.push_row(page.bitmap.row(row));
    }
    Page { bitmap, resolution: page.resolution }
}

/// The line alone, so many pels wide.
pub(super) fn strip(header: &Header, resolution: Resolution, width: u32) -> Bitmap {
    let lettering = Lettering::at(resolution);
    let mut bitmap = Bitmap::white(width, lettering.rows);
    let letters = width.saturating_sub(2 * MARGIN) / lettering.letter_pels();
    let line = line(header, letters as usize);
    let mut strip = Strip { bitmap: &mut bitmap, stretch: lettering.stretch, stretch_down: lettering.stretch_down };
    let style = MonoTextStyle::new(lettering.font, BinaryColor::On);
    let begin = Point::new((MARGIN / lettering.stretch) as i32, 0);
    match Text::with_baseline(&line, begin, style, Baseline::Top).draw(&mut strip) {
        Ok(_) => {}
        Err(never) => match never {},
    }
    bitmap
}

/// The line in so many letters: date left, page right, from and to in the middle of what is between.
fn line(header: &Header, letters: usize) -> String {
    let number = match header.of {
        Some(of) => format!("Page {} of {of}", header.page),
        None => format!("Page {}", header.page),
    };
    let (from, to) = (printable(&header.from), printable(&header.to));
    let between = match (from.is_empty(), to.is_empty()) {
        (false, false) => format!("{from} -> {to}"),
        (false, true) => from,
        (true, false) => format!("-> {to}"),
        (true, true) => String::new(),
    };
    let number = shortened(&number, letters);
    let left = letters - number.chars().count();
    let date = shortened(&printable(&header.date), left.saturating_sub(2));
    let left = left - date.chars().count();
    let between = shortened(&between, left.saturating_sub(4));
    format!("{date}{between:^left$}{number}")
}

/// The text as letters there are in Latin-1, without breaks.
fn printable(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{20}'..='\u{7E}' | '\u{A1}'..='\u{FF}' => letter,
        _ if letter.is_whitespace() || letter.is_control() => ' ',
        _ => '?',
    };
    text.trim().chars().map(letter).collect()
}

fn shortened(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

/// Rows that the font's pels are drawn on.
struct Strip<'a> {
    bitmap: &'a mut Bitmap,
    stretch: u32,
    stretch_down: u32,
}

impl Strip<'_> {
    /// Draws a pel of the font.
    fn blacken(&mut self, x: u32, y: u32) {
        for row in y * self.stretch_down..(y + 1) * self.stretch_down {
            (x * self.stretch..(x + 1) * self.stretch).for_each(|x| self.bitmap.set(x, row, true));
        }
    }
}

impl OriginDimensions for Strip<'_> {
    fn size(&self) -> Size {
        Size::new(self.bitmap.width() / self.stretch, self.bitmap.height() / self.stretch_down)
    }
}

impl DrawTarget for Strip<'_> {
    type Color = BinaryColor;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pels: I) -> Result<(), Self::Error> {
        for Pixel(point, color) in pels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            if color.is_on() && x < self.size().width && y < self.size().height {
                self.blacken(x, y);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            date: "2026-03-01 10:15".into(),
            from: "Müller +49 30 123".into(),
            to: "+44 1632 960000".into(),
            page: 1,
            of: Some(3),
        }
    }

    #[test]
    fn the_line_is_as_long_as_it_may_be() {
        for letters in 0..180 {
            assert_eq!(line(&header(), letters).chars().count(), letters);
        }
        assert!(line(&header(), 163).ends_with("Page 1 of 3"));
        assert!(line(&header(), 163).contains("Müller +49 30 123 -> +44 1632 960000"));
        assert_eq!(line(&header(), 6), "Page 1");
    }

    #[test]
    fn the_page_stands_below_the_line_untouched() {
        for resolution in Resolution::ALL {
            let mut bitmap = Bitmap::white(1728, 40);
            (0..1728).for_each(|x| bitmap.set(x, 0, true));
            let page = Page { bitmap, resolution };
            let with = add(&page, &header());
            assert_eq!(with.bitmap.height(), 40 + rows(resolution));
            for row in 0..40 {
                assert_eq!(with.bitmap.row(row + rows(resolution)), page.bitmap.row(row));
            }
            assert!(with.bitmap.black_pels() > page.bitmap.black_pels() + 500, "letters are drawn");
            let last = with.bitmap.row(rows(resolution) - 1);
            assert!(last.iter().all(|octet| *octet == 0), "a white row is between");
        }
    }

    #[test]
    fn letters_differ_and_unknown_ones_are_marked() {
        let drawn = |from: &str| {
            let page = Page { bitmap: Bitmap::new(1728), resolution: Resolution::Fine };
            add(&page, &Header { from: from.into(), page: 1, ..Header::default() }).bitmap
        };
        assert_ne!(drawn("e"), drawn("é"));
        assert_eq!(drawn("\u{4E2D}"), drawn("?"));
        assert_eq!(drawn("a\nb"), drawn("a b"));
    }

    #[test]
    fn narrow_pages_get_what_fits() {
        for width in [1, 50, 97, 120, 300] {
            let page = Page { bitmap: Bitmap::white(width, 1), resolution: Resolution::Standard };
            assert_eq!(add(&page, &header()).bitmap.height(), 13);
        }
    }
}
