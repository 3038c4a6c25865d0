//! What a page was before it became bilevel, made ready for the far end.

use std::sync::Arc;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::lab::{Colours, Gamut};
use super::segments::as_fax;
use crate::image::{
    PaperWidth, Raster, Resolution, fit,
    header::{self, Header},
};

/// Quality of the quantisation, of 100: print stays sharp, and a page of A4 takes some minutes.
const QUALITY: u8 = 60;

/// A grey or colour picture to be sent as such where the far end takes it.
///
/// It is encoded when it is made, for the page it belongs to, so that a call need not wait for it; only a far end that takes
/// less has it encoded anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    raster: Raster,
    dots_per_inch: Option<(f32, f32)>,
    resolution: Resolution,
    paper: PaperWidth,
    header: Option<Header>,
    prepared: Arc<[u8]>,
}

impl Picture {
    /// The picture, with its own resolution across and down if known, for a page of that resolution and paper.
    pub fn new(raster: Raster, dots_per_inch: Option<(f32, f32)>, resolution: Resolution, paper: PaperWidth) -> Self {
        let resolution = squared(resolution);
        let mut picture = Self { raster, dots_per_inch, resolution, paper, header: None, prepared: Arc::new([]) };
        picture.prepare();
        picture
    }

    /// The picture with a header line above it, see [`header`].
    pub fn with_header(mut self, header: Header) -> Self {
        self.header = Some(header);
        self.prepare();
        self
    }

    fn prepare(&mut self) {
        self.prepared = self.encode(self.resolution, self.paper, self.is_colour());
    }

    /// Whether it has colours, not only greys.
    pub fn is_colour(&self) -> bool {
        matches!(self.raster, Raster::Colour(_))
    }

    /// Pels to the inch, both ways, of pictures that go with pages of that resolution.
    pub fn dots(resolution: Resolution) -> u32 {
        match squared(resolution) {
            Resolution::Dpi300 => 300,
            Resolution::Dpi400 => 400,
            _ => 200,
        }
    }

    /// The resolution it is prepared for: fine (for 200 x 200), 300 or 400.
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// The paper it is prepared for.
    pub fn paper(&self) -> PaperWidth {
        self.paper
    }

    /// Rows it has at that resolution on that paper.
    pub fn rows(&self, resolution: Resolution, paper: PaperWidth) -> u32 {
        let header = self.header.as_ref().map_or(0, |_| header::rows(squared(resolution)));
        header + fit::square_size(&self.raster, self.dots_per_inch, Self::dots(resolution), resolution.pels(paper)).1
    }

    /// The octets of the page at that resolution on that paper, in colour or in grey.
    pub fn jpeg(&self, resolution: Resolution, paper: PaperWidth, colour: bool) -> Arc<[u8]> {
        let colour = colour && self.is_colour();
        if (squared(resolution), paper, colour) == (self.resolution, self.paper, self.is_colour()) {
            return Arc::clone(&self.prepared);
        }
        self.encode(squared(resolution), paper, colour)
    }

    fn encode(&self, resolution: Resolution, paper: PaperWidth, colour: bool) -> Arc<[u8]> {
        let width = resolution.pels(paper);
        let mut samples = self.header_samples(resolution, width, colour);
        samples.extend(self.samples(resolution, width, colour));
        let pels = if colour { samples.len() / 3 } else { samples.len() };
        let rows = pels / width as usize;
        let mut octets = Vec::new();
        let mut encoder = Encoder::new(&mut octets, QUALITY);
        // One interleaved scan with the tables of T.81 Annex K: what every machine takes.
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        let kind = if colour { ColorType::Ycbcr } else { ColorType::Luma };
        // Both sides are below 65536, and a vector takes all that is written.
        let encoded = encoder.encode(&samples, width as u16, rows as u16, kind);
        debug_assert!(encoded.is_ok() || rows == 0, "{encoded:?}");
        as_fax(&octets, Self::dots(resolution) as u16).into()
    }

    /// The header line in black on white.
    fn header_samples(&self, resolution: Resolution, width: u32, colour: bool) -> Vec<u8> {
        let Some(header) = &self.header else { return Vec::new() };
        let (colours, strip) = (Colours::new(Gamut::default()), header::strip(header, resolution, width));
        let (black, white) = (colours.lab([0; 3]), colours.lab([255; 3]));
        let pels = (0..strip.height()).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pel = |(x, y)| if strip.is_black(x, y) { black } else { white };
        pels.flat_map(|at| pel(at).into_iter().take(if colour { 3 } else { 1 })).collect()
    }

    /// The picture scaled to the page, as T.42 has it: L*, a*, b* or L* alone.
    fn samples(&self, resolution: Resolution, width: u32, colour: bool) -> Vec<u8> {
        let colours = Colours::new(Gamut::default());
        let dots = Self::dots(resolution);
        if colour {
            let planes = [0, 1, 2].map(|part| fit::plane(&self.raster, part, self.dots_per_inch, dots, width));
            let pels = planes[0].iter().zip(&planes[1]).zip(&planes[2]);
            return pels.flat_map(|((red, green), blue)| colours.lab([*red, *green, *blue])).collect();
        }
        let lightness: Vec<u8> = (0..=255).map(|grey| colours.lightness(grey)).collect();
        let mut greys = fit::lightness_plane(&self.raster, self.dots_per_inch, dots, width);
        greys.iter_mut().for_each(|grey| *grey = lightness[usize::from(*grey)]);
        greys
    }
}

/// T.30 Annex E: colour has square pels; what is coarser is sent at 200 x 200.
fn squared(resolution: Resolution) -> Resolution {
    match resolution {
        Resolution::Dpi300 | Resolution::Dpi400 => resolution,
        Resolution::Inch400 | Resolution::Dpi600 | Resolution::Dpi1200 => Resolution::Dpi400,
        _ => Resolution::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Coding, Colour, DecodeLimits, Grey, PageDecoder};

    /// A sheet with colours that run from side to side, 1728 x 400.
    fn rainbow() -> Raster {
        let pel = |at: u32| [(at % 1728 * 255 / 1728) as u8, (at / 1728 * 255 / 400) as u8, 128];
        Raster::Colour(Colour::new(1728, (0..1728 * 400).flat_map(pel).collect()))
    }

    fn received(octets: &[u8]) -> crate::image::DecodedPage {
        let mut decoder = PageDecoder::new(1728, Coding::Jpeg, DecodeLimits::default());
        octets.chunks(256).for_each(|octets| decoder.push(octets));
        decoder.finish()
    }

    #[test]
    fn colours_cross_nearly_as_they_were() {
        let picture = Picture::new(rainbow(), Some((200.0, 200.0)), Resolution::Standard, PaperWidth::A4);
        let octets = picture.jpeg(Resolution::Fine, PaperWidth::A4, true);
        assert_eq!(&octets[..11], b"\xFF\xD8\xFF\xE1\0\x0CG3FAX");
        // Pad octets of the last frame follow the end.
        let page = received(&[&octets[..], &[0; 100]].concat());
        assert!(page.ended);
        let got = page.picture.expect("it is a picture");
        assert_eq!((got.width, got.rows, got.colour, got.dots_per_inch), (1728, 400, true, Some(200)));
        assert_eq!(got.jpeg, &octets[..]);
        assert_eq!((page.bitmap.width(), page.bitmap.height()), (1728, 400));
        let (Raster::Colour(sent), Some(Raster::Colour(got))) = (rainbow(), got.raster()) else { panic!("no colours") };
        let off = |row: u32| {
            sent.row(row).iter().zip(got.row(row)).flat_map(|(a, b)| [0, 1, 2].map(|at| a[at].abs_diff(b[at])))
        };
        let total: u64 = (0..400).flat_map(off).map(u64::from).sum();
        let mean = total as f64 / (1728.0 * 400.0 * 3.0);
        assert!(mean < 4.0, "{mean} off on average");
    }

    #[test]
    fn a_far_end_that_takes_less_gets_less() {
        let picture = Picture::new(rainbow(), Some((300.0, 300.0)), Resolution::Dpi300, PaperWidth::A4);
        let page = received(&picture.jpeg(Resolution::Fine, PaperWidth::A4, false));
        let got = page.picture.expect("it is a picture");
        assert_eq!((got.width, got.rows, got.colour), (1728, 267, false));
        assert_eq!(picture.rows(Resolution::Fine, PaperWidth::A4), 267);
    }

    #[test]
    fn shades_become_as_many_black_pels() {
        for grey in [40, 128, 220] {
            let raster = Raster::Grey(Grey::new(1728, vec![grey; 1728 * 160]));
            let picture = Picture::new(raster, Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
            let page = received(&picture.jpeg(Resolution::Fine, PaperWidth::A4, true));
            let black = page.bitmap.black_pels() as f64 / (1728.0 * 160.0);
            assert!((black - (1.0 - f64::from(grey) / 255.0)).abs() < 0.02, "{grey}: {black}");
        }
    }

    #[test]
    fn a_picture_of_unknown_height_says_it_at_its_end() {
        let picture = Picture::new(rainbow(), Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
        let mut octets = picture.jpeg(Resolution::Fine, PaperWidth::A4, true).to_vec();
        let frame = octets.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a baseline frame");
        octets[frame + 5..frame + 7].fill(0);
        let end = octets.len() - 2;
        octets.splice(end..end, [0xFF, 0xDC, 0, 4, 400u16.to_be_bytes()[0], 400u16.to_be_bytes()[1]]);
        let got = received(&octets).picture.expect("it is a picture");
        assert_eq!((got.rows, got.raster().map(|raster| raster.height())), (400, Some(400)));
    }

    #[test]
    fn the_header_line_stands_above_the_picture() {
        let picture = Picture::new(rainbow(), Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
        let header = Header { from: "+1 555 0100".into(), page: 1, ..Header::default() };
        let picture = picture.with_header(header);
        let page = received(&picture.jpeg(Resolution::Fine, PaperWidth::A4, true));
        let rows = header::rows(Resolution::Fine);
        assert_eq!((page.bitmap.height(), picture.rows(Resolution::Fine, PaperWidth::A4)), (400 + rows, 400 + rows));
        let black = (0..rows).flat_map(|y| (0..1728).map(move |x| (x, y))).filter(|&(x, y)| page.bitmap.is_black(x, y));
        let part = black.count() as f64 / f64::from(rows * 1728);
        assert!((0.01..0.2).contains(&part), "letters cover {part}");
    }

    #[test]
    fn what_is_cut_short_is_not_ended() {
        let picture = Picture::new(rainbow(), Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
        let octets = picture.jpeg(Resolution::Fine, PaperWidth::A4, true);
        for part in [0, 10, 100, octets.len() / 2, octets.len() - 2] {
            assert!(!received(&octets[..part]).ended, "{part}");
        }
    }
}
