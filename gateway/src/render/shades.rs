//! Whether there is more on a page than black and white: only then is a picture of it worth its time on the line.

use super::{
    picture::luma,
    sheet::{BLACK, WHITE},
};

/// Parts of red, green and blue further apart than this are a colour, not a grey with a cast.
const APART: u8 = 40;
/// One pel in so many has to be grey or coloured.
const ONE_IN: usize = 1000;

/// What a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shades {
    /// Black and white, but for smooth edges and pencil noise.
    None,
    /// Greys.
    Grey,
    /// Colours.
    Colour,
}

impl Shades {
    /// Of the pels of a page.
    pub(super) fn of(pels: impl Iterator<Item = [u8; 3]>) -> Self {
        let (mut all, mut coloured, mut grey) = (0, 0, 0);
        for [red, green, blue] in pels {
            all += 1;
            let (least, most) = (red.min(green).min(blue), red.max(green).max(blue));
            coloured += usize::from(most - least > APART);
            grey += usize::from((BLACK + 1..WHITE).contains(&luma(red, green, blue)));
        }
        match all / ONE_IN {
            enough if coloured > enough => Self::Colour,
            enough if grey > enough => Self::Grey,
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_is_no_picture_and_a_red_stamp_is_one() {
        let page = |other: [u8; 3], count| {
            let ink = |at: usize| if at < count { other } else { [[0; 3], [255; 3]][at % 2] };
            Shades::of((0..100_000).map(ink))
        };
        assert_eq!(page([128; 3], 50), Shades::None);
        assert_eq!(page([128; 3], 500), Shades::Grey);
        assert_eq!(page([200, 30, 30], 500), Shades::Colour);
        assert_eq!(page([250, 244, 238], 90_000), Shades::None, "tinted paper");
    }
}
