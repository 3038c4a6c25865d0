//! Images before they are fax pages: bilevel, grey or in colour, of any size.

use super::Bitmap;

/// A grey image: an octet a pel, rows from the top, 0 black, 255 white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    width: u32,
    octets: Vec<u8>,
}

/// A colour image: sRGB, three octets a pel, rows from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colour {
    width: u32,
    octets: Vec<u8>,
}

/// An image to be made a fax page of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raster {
    /// Black and white.
    Bilevel(Bitmap),
    /// Shades of grey.
    Grey(Grey),
    /// Colours.
    Colour(Colour),
}

impl Grey {
    /// An image of rows `width` pels wide. A last piece that is no whole row is left out.
    pub fn new(width: u32, mut octets: Vec<u8>) -> Self {
        octets.truncate(octets.len() / width.max(1) as usize * width as usize);
        Self { width, octets }
    }

    /// Pels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        (self.octets.len() / self.width.max(1) as usize) as u32
    }

    /// All rows, one after the other.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// A row's pels. Panics past the last row.
    pub fn row(&self, row: u32) -> &[u8] {
        &self.octets[row as usize * self.width as usize..][..self.width as usize]
    }
}

impl Colour {
    /// An image of rows `width` pels wide. A last piece that is no whole row is left out.
    pub fn new(width: u32, mut octets: Vec<u8>) -> Self {
        let row = width.max(1) as usize * 3;
        octets.truncate(octets.len() / row * row);
        Self { width, octets }
    }

    /// Pels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        (self.octets.len() / (self.width.max(1) as usize * 3)) as u32
    }

    /// All rows, one after the other: red, green, blue of each pel.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// A row's pels: red, green, blue of each. Panics past the last row.
    pub fn row(&self, row: u32) -> &[[u8; 3]] {
        let octets = self.width as usize * 3;
        self.octets[row as usize * octets..][..octets].as_chunks().0
    }
}

/// How light a colour is, by the weights of ITU-R BT.601.
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// How the first row and the first pel of a row lie in the picture: tag Orientation of TIFF 6.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    /// Rows run down the picture, not across it.
    pub swapped: bool,
    /// The picture's left is at the end of its rows.
    pub from_right: bool,
    /// The picture's top is at the last row.
    pub from_bottom: bool,
}

impl Orientation {
    /// By the value of the tag; anything but 2 to 8 is upright.
    pub const fn of_tag(value: u32) -> Self {
        Self {
            swapped: matches!(value, 5..=8),
            from_right: matches!(value, 2 | 3 | 7 | 8),
            from_bottom: matches!(value, 3 | 4 | 6 | 7),
        }
    }

    /// Where in the file's image the pel at `x`, `y` of the upright picture is.
    fn source(self, x: u32, y: u32, width: u32, height: u32) -> (u32, u32) {
        let (x, y) = if self.swapped { (y, x) } else { (x, y) };
        (if self.from_right { width - 1 - x } else { x }, if self.from_bottom { height - 1 - y } else { y })
    }
}

impl Raster {
    /// Pels in a row.
    pub fn width(&self) -> u32 {
        match self {
            Self::Bilevel(bitmap) => bitmap.width(),
            Self::Grey(grey) => grey.width(),
            Self::Colour(colour) => colour.width(),
        }
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        match self {
            Self::Bilevel(bitmap) => bitmap.height(),
            Self::Grey(grey) => grey.height(),
            Self::Colour(colour) => colour.height(),
        }
    }

    /// Writes a row as ink: 0 white, 255 black.
    pub(super) fn ink(&self, row: u32, ink: &mut [u8]) {
        match self {
            Self::Bilevel(bitmap) => {
                for (inks, octet) in ink.chunks_mut(8).zip(bitmap.row(row)) {
                    for (place, ink) in inks.iter_mut().enumerate() {
                        *ink = 0u8.wrapping_sub(octet >> (7 - place) & 1);
                    }
                }
            }
            Self::Grey(grey) => ink.iter_mut().zip(grey.row(row)).for_each(|(ink, light)| *ink = !light),
            Self::Colour(colour) => ink.iter_mut().zip(colour.row(row)).for_each(|(ink, pel)| *ink = !luma(*pel)),
        }
    }

    /// Writes a row of red, green or blue (part 0, 1 or 2) as ink; of an image without colours they are the same.
    pub(super) fn ink_of_part(&self, part: usize, row: u32, ink: &mut [u8]) {
        match self {
            Self::Colour(colour) => ink.iter_mut().zip(colour.row(row)).for_each(|(ink, pel)| *ink = !pel[part]),
            _ => self.ink(row, ink),
        }
    }

    /// Turns and mirrors the image upright.
    pub fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::of_tag(1) {
            return self;
        }
        let (width, height) = (self.width(), self.height());
        let (upright_width, upright_height) = if orientation.swapped { (height, width) } else { (width, height) };
        let source = |x, y| orientation.source(x, y, width, height);
        match &self {
            Self::Bilevel(bitmap) => {
                let mut upright = Bitmap::white(upright_width, upright_height);
                for y in 0..upright_height {
                    for x in 0..upright_width {
                        let (from_x, from_y) = source(x, y);
                        if bitmap.is_black(from_x, from_y) {
                            upright.set(x, y, true);
                        }
                    }
                }
                Self::Bilevel(upright)
            }
            Self::Grey(grey) => {
                let pels = (0..upright_height).flat_map(|y| (0..upright_width).map(move |x| (x, y)));
                let light = |(x, y)| {
                    let (x, y) = source(x, y);
                    grey.row(y)[x as usize]
                };
                Self::Grey(Grey::new(upright_width, pels.map(light).collect()))
            }
            Self::Colour(colour) => {
                let pels = (0..upright_height).flat_map(|y| (0..upright_width).map(move |x| source(x, y)));
                let octets = pels.flat_map(|(x, y)| colour.row(y)[x as usize]).collect();
                Self::Colour(Colour::new(upright_width, octets))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientations_turn_the_file_s_first_row_to_where_the_tag_says() {
        // Rows of the file: 1 2 3, 4 5 6.
        for (value, upright) in [
            (1, [1, 2, 3, 4, 5, 6]),
            (2, [3, 2, 1, 6, 5, 4]),
            (3, [6, 5, 4, 3, 2, 1]),
            (4, [4, 5, 6, 1, 2, 3]),
            (5, [1, 4, 2, 5, 3, 6]),
            (6, [4, 1, 5, 2, 6, 3]),
            (7, [6, 3, 5, 2, 4, 1]),
            (8, [3, 6, 2, 5, 1, 4]),
        ] {
            let file = Raster::Grey(Grey::new(3, vec![1, 2, 3, 4, 5, 6]));
            let width = if value > 4 { 2 } else { 3 };
            assert_eq!(
                file.upright(Orientation::of_tag(value)),
                Raster::Grey(Grey::new(width, upright.to_vec())),
                "{value}"
            );
        }
    }

    #[test]
    fn bilevel_and_grey_turn_alike() {
        let mut bitmap = Bitmap::white(11, 3);
        bitmap.set(10, 1, true);
        let Raster::Bilevel(turned) = Raster::Bilevel(bitmap).upright(Orientation::of_tag(6)) else {
            panic!("a bitmap stays a bitmap")
        };
        assert_eq!((turned.width(), turned.height()), (3, 11));
        assert!(turned.is_black(1, 10));
    }
}
