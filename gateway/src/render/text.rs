//! Plain text on A4: 10 point letters, wrapped, with margins.

use answertone_t30::image::Page;

use super::{
    RenderError, Work,
    lettering::{Lettering, SetLine},
    sheet::{ROWS, WIDTH, blank},
};

/// Margins in pels: 15 mm.
const MARGIN: u32 = 120;
/// Letters of 10 points, 204 pels per inch.
const SIZE: f32 = 28.0;
const LINE: u32 = 36;
const LINES: u32 = (ROWS - 2 * MARGIN) / LINE;
/// Pels covered this much of 255 are black: a little generous, as thin strokes get lost by fax.
const COVERED: u8 = 100;
/// Paragraphs set at once, so that a long text costs no more memory than a short one.
const AT_ONCE: usize = 100;
/// Letters of a line, at most: what a page can hold bounds the text before it is set.
const COLUMNS: usize = 90;

pub(super) fn render(text: &str, name: &str, work: &mut Work) -> Result<(), RenderError> {
    let clean: String =
        text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || "\n\t\u{c}".contains(*c)).collect();
    work.allow(name, 1 + clean.chars().count() / (LINES as usize * COLUMNS))?;
    let mut lettering = Lettering::default();
    for section in clean.trim_end().split('\u{c}') {
        let mut pages = Pages { page: None, line: 0 };
        let paragraphs: Vec<&str> = section.split('\n').collect();
        for some in paragraphs.chunks(AT_ONCE) {
            let mut failure = None;
            lettering.set(&some.join("\n"), SIZE, LINE as f32, Some((WIDTH - 2 * MARGIN) as f32), |line| {
                if failure.is_none() {
                    failure = pages.line(&line, name, work).err();
                }
            });
            failure.map_or(Ok(()), Err)?;
        }
        pages.end(name, work)?;
    }
    Ok(())
}

/// The page being written.
struct Pages {
    page: Option<Page>,
    line: u32,
}

impl Pages {
    fn line(&mut self, line: &SetLine, name: &str, work: &mut Work) -> Result<(), RenderError> {
        if self.line == LINES {
            self.end(name, work)?;
        }
        let page = self.page.get_or_insert_with(blank);
        let top = (MARGIN + self.line * LINE) as i32;
        for (x, y, cover) in &line.pels {
            let (x, y) = (x + MARGIN as i32, y + top);
            if *cover >= COVERED && (0..WIDTH as i32).contains(&x) && (0..ROWS as i32).contains(&y) {
                page.bitmap.set(x as u32, y as u32, true);
            }
        }
        self.line += 1;
        Ok(())
    }

    fn end(&mut self, name: &str, work: &mut Work) -> Result<(), RenderError> {
        self.line = 0;
        self.page.take().map_or(Ok(()), |page| work.page(name, page))
    }
}
