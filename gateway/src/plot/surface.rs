//! What a scene is drawn on: pels, or a drawing in words.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    PlotError,
    canvas::{Canvas, Color},
    svg::escaped,
};
use crate::render::lettering::Lettering;

/// Somewhere to draw.
pub(super) trait Surface {
    /// A box: left, top, width, height.
    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color);

    /// Text from its upper left corner.
    fn text(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str);

    /// How wide a text is.
    fn width_of(&mut self, size: f32, text: &str) -> i32;

    /// A picture of a color for each pel, with its upper left corner and its size.
    fn picture(
        &mut self,
        corner: (i32, i32),
        size: (i32, i32),
        color: &dyn Fn(i32, i32) -> Color,
    ) -> Result<(), PlotError>;

    /// Text around a middle.
    fn centered(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str) {
        let width = self.width_of(size, text);
        self.text(x - width / 2, y, size, color, text);
    }
}

impl Surface for Canvas {
    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color) {
        Self::fill(self, x, y, width, height, color);
    }

    fn text(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str) {
        Self::text(self, x, y, size, color, text);
    }

    fn width_of(&mut self, size: f32, text: &str) -> i32 {
        Self::width_of(self, size, text)
    }

    fn picture(
        &mut self,
        (left, top): (i32, i32),
        (width, height): (i32, i32),
        color: &dyn Fn(i32, i32) -> Color,
    ) -> Result<(), PlotError> {
        (0..height).for_each(|y| (0..width).for_each(|x| self.pixel(left + x, top + y, color(x, y))));
        Ok(())
    }
}

/// SVG being written.
pub(super) struct SvgSurface {
    svg: String,
    lettering: Lettering,
}

impl SvgSurface {
    pub(super) fn new(width: i32, height: i32, ground: Color, title: &str) -> Self {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-family=\"sans-serif\"><title>{}</title><rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
            escaped(title),
            hexadecimal(ground)
        );
        Self { svg, lettering: Lettering::default() }
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }

    /// Writing to a String cannot fail.
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        let _ = self.svg.write_fmt(arguments);
    }
}

impl Surface for SvgSurface {
    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color) {
        let color = hexadecimal(color);
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>"));
    }

    fn text(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str) {
        let (color, text) = (hexadecimal(color), escaped(text));
        // Letters stand on their line, which is some four fifths below their top.
        let line = y as f32 + 0.95 * size;
        self.put(format_args!("<text x=\"{x}\" y=\"{line:.1}\" font-size=\"{size}\" fill=\"{color}\">{text}</text>"));
    }

    fn width_of(&mut self, size: f32, text: &str) -> i32 {
        self.lettering.label(text, size).width as i32
    }

    fn picture(
        &mut self,
        (left, top): (i32, i32),
        (width, height): (i32, i32),
        color: &dyn Fn(i32, i32) -> Color,
    ) -> Result<(), PlotError> {
        let mut canvas = Canvas::new(width as u32, height as u32, Color(0, 0, 0));
        Surface::picture(&mut canvas, (0, 0), (width, height), color)?;
        let png = BASE64_STANDARD.encode(canvas.png()?);
        self.put(format_args!(
            "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{png}\"/>"
        ));
        Ok(())
    }
}

fn hexadecimal(color: Color) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}
