//! Letters in the font that is shipped, DejaVu Sans Mono, the same on every machine.

use std::sync::Arc;

use cosmic_text::{Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Wrap, fontdb};

static FONT: &[u8] = include_bytes!("../../fonts/DejaVuSansMono.ttf");

/// Sets lines of text.
pub struct Lettering {
    fonts: FontSystem,
    cache: SwashCache,
}

/// One set line: which pels are how much covered, from the line's upper left corner.
pub struct SetLine {
    /// Across, down, cover of 255.
    pub pels: Vec<(i32, i32, u8)>,
    /// Pels across.
    pub width: f32,
}

impl Default for Lettering {
    fn default() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
        Self { fonts: FontSystem::new_with_locale_and_db("en".into(), fonts), cache: SwashCache::new() }
    }
}

impl Lettering {
    /// Sets text in letters of that many pels, wrapped at `width`, and hands over line after line.
    pub fn set(&mut self, text: &str, size: f32, line_height: f32, width: Option<f32>, mut line: impl FnMut(SetLine)) {
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(size, line_height));
        buffer.set_wrap(if width.is_some() { Wrap::WordOrGlyph } else { Wrap::None });
        buffer.set_size(width, None);
        buffer.set_tab_width(8);
        buffer.set_text(text, &Attrs::new().family(Family::Name("DejaVu Sans Mono")), Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        for run in buffer.layout_runs() {
            let mut set = SetLine { pels: vec![], width: run.line_w };
            for glyph in run.glyphs {
                let at = glyph.physical((0.0, run.line_y - run.line_top), 1.0);
                self.cache.with_pixels(&mut self.fonts, at.cache_key, Color::rgb(0, 0, 0), |x, y, color| {
                    set.pels.push((at.x + x, at.y + y, color.a()));
                });
            }
            line(set);
        }
    }

    /// Sets one line that is not wrapped.
    pub fn label(&mut self, text: &str, size: f32) -> SetLine {
        let mut first = SetLine { pels: vec![], width: 0.0 };
        self.set(text, size, size * 1.2, None, |line| first = line);
        first
    }
}
