//! Something to draw on.

use std::io::Cursor;

use image::{ImageError, ImageFormat, Rgb, RgbImage};

use crate::render::lettering::Lettering;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(pub(super) u8, pub(super) u8, pub(super) u8);

/// A picture and letters for it.
pub(super) struct Canvas {
    picture: RgbImage,
    lettering: Lettering,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, ground: Color) -> Self {
        Self { picture: RgbImage::from_pixel(width, height, rgb(ground)), lettering: Lettering::default() }
    }

    /// Sets a pel; outside the picture nothing happens.
    pub(super) fn pixel(&mut self, x: i32, y: i32, color: Color) {
        self.blend(x, y, color, 255);
    }

    pub(super) fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color) {
        for row in y..y + height {
            for column in x..x + width {
                self.pixel(column, row, color);
            }
        }
    }

    /// Writes text from its upper left corner; how wide it came out.
    pub(super) fn text(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str) -> i32 {
        let line = self.lettering.label(text, size);
        for (dx, dy, cover) in line.pels {
            self.blend(x + dx, y + dy, color, cover);
        }
        line.width as i32
    }

    pub(super) fn centered(&mut self, x: i32, y: i32, size: f32, color: Color, text: &str) {
        let width = self.width_of(size, text);
        self.text(x - width / 2, y, size, color, text);
    }

    pub(super) fn width_of(&mut self, size: f32, text: &str) -> i32 {
        self.lettering.label(text, size).width as i32
    }

    /// Covers a pel by so much of 255; outside the picture nothing happens.
    pub(super) fn blend(&mut self, x: i32, y: i32, color: Color, cover: u8) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if let Some(pixel) = self.picture.get_pixel_mut_checked(x, y) {
            let mix = |under: u8, over: u8| {
                ((u32::from(under) * u32::from(255 - cover) + u32::from(over) * u32::from(cover)) / 255) as u8
            };
            let [red, green, blue] = pixel.0;
            *pixel = Rgb([mix(red, color.0), mix(green, color.1), mix(blue, color.2)]);
        }
    }

    pub(super) fn png(&self) -> Result<Vec<u8>, ImageError> {
        let mut png = Cursor::new(vec![]);
        self.picture.write_to(&mut png, ImageFormat::Png)?;
        Ok(png.into_inner())
    }
}

fn rgb(color: Color) -> Rgb<u8> {
    Rgb([color.0, color.1, color.2])
}
