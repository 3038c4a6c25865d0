//! Plain text on A4: 10 point letters, wrapped, with margins.

use std::sync::Arc;

use answertone_t30::image::{Page, PaperWidth, Resolution};

use super::{
    Drawn, RenderError, Work,
    lettering::{Lettering, SetLine},
    sheet::{Ground, blank},
};

/// Inches to the margins, 15 mm, and from line to line.
const MARGIN: f64 = 0.6;
const LINE: f64 = 0.1837;
/// Lines of a page, whatever its resolution.
const LINES: u32 = 57;
/// Inches of a line, likewise, so that all renderings of a text break in the same places.
const WIDTH: f64 = 7.27;
/// Letters of 10 points.
const SIZE: f64 = 10.0 / 72.0;
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
    let form = Form::of(work.resolution);
    for section in clean.trim_end().split('\u{c}') {
        let mut pages = Pages { form, page: None, line: 0 };
        let paragraphs: Vec<&str> = section.split('\n').collect();
        for some in paragraphs.chunks(AT_ONCE) {
            let mut failure = None;
            lettering.set(&some.join("\n"), form.size, form.line as f32, Some(form.width), |line| {
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

/// Where letters go on a page, in its pels.
#[derive(Clone, Copy)]
struct Form {
    wanted: Resolution,
    /// What it is drawn at, whose pels are nearly square.
    drawn: Resolution,
    left: i32,
    top: f64,
    line: f64,
    width: f32,
    size: f32,
}

impl Form {
    fn of(wanted: Resolution) -> Self {
        let drawn = match wanted {
            Resolution::Standard => Resolution::Fine,
            Resolution::Superfine => Resolution::Dpi400,
            square => square,
        };
        let (across, down) = Ground::of(drawn).dots;
        let left = (MARGIN * across).round() as i32;
        let (top, line) = (MARGIN * down, LINE * down);
        Self { wanted, drawn, left, top, line, width: (WIDTH * across) as f32, size: (SIZE * across) as f32 }
    }
}

/// The page being written.
struct Pages {
    form: Form,
    page: Option<Page>,
    line: u32,
}

impl Pages {
    fn line(&mut self, line: &SetLine, name: &str, work: &mut Work) -> Result<(), RenderError> {
        if self.line == LINES {
            self.end(name, work)?;
        }
        let form = self.form;
        let page = self.page.get_or_insert_with(|| blank(form.drawn));
        let top = (form.top + f64::from(self.line) * form.line).round() as i32;
        let (width, rows) = (page.bitmap.width() as i32, page.bitmap.height() as i32);
        for (x, y, cover) in &line.pels {
            let (x, y) = (x + form.left, y + top);
            if *cover >= COVERED && (0..width).contains(&x) && (0..rows).contains(&y) {
                page.bitmap.set(x as u32, y as u32, true);
            }
        }
        self.line += 1;
        Ok(())
    }

    fn end(&mut self, name: &str, work: &mut Work) -> Result<(), RenderError> {
        self.line = 0;
        let Some(page) = self.page.take() else { return Ok(()) };
        let page = Arc::unwrap_or_clone(Arc::new(page).at(self.form.wanted, PaperWidth::A4));
        work.drawn(name, Drawn { page, coloured: None })
    }
}
