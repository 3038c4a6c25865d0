//! A picture that was received.

use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::lab::Colours;
use super::segments::{self, Datastream};
use crate::image::{Colour, Grey, Raster};

/// The most pels that are decoded: A3 at 400 dots per inch twice over.
const MAX_PELS: u64 = 64_000_000;

/// The most pels an octet can stand for: 16 x 16 of them take at least 12 bits, two for each of their six blocks.
const PELS_OF_OCTET: u64 = 256 * 8 / 12 + 1;

/// A colour or grey page as it came: a JPEG datastream of T.81 in the colours of T.42.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPicture {
    /// The datastream.
    pub jpeg: Vec<u8>,
    /// Pels in a row.
    pub width: u32,
    /// Rows.
    pub rows: u32,
    /// L*, a* and b*, not L* only.
    pub colour: bool,
    /// Pels to the inch both ways, as the datastream says.
    pub dots_per_inch: Option<u16>,
}

impl ReceivedPicture {
    /// Finds a picture at the beginning of `jpeg`; what follows its end is cut off. None when there is none that a fax may be.
    pub fn read(mut jpeg: Vec<u8>) -> Option<Self> {
        let stream = readable(&jpeg)?;
        let Datastream { width, rows, colour, dots_per_inch, octets, .. } = stream;
        jpeg.truncate(octets);
        Some(Self { jpeg, width, rows, colour, dots_per_inch })
    }

    /// How many pels across and down share an a* and a b*.
    pub fn subsampling(&self) -> [u8; 2] {
        readable(&self.jpeg).map_or([1, 1], |stream| stream.subsampling)
    }

    /// The picture in sRGB or grey; none when it cannot be decoded.
    pub fn raster(&self) -> Option<Raster> {
        raster(&readable(&self.jpeg)?)
    }
}

/// A datastream whose size is one that its octets can fill.
pub(super) fn readable(jpeg: &[u8]) -> Option<Datastream> {
    let stream = segments::read(jpeg)?;
    let pels = u64::from(stream.width) * u64::from(stream.rows);
    let fills = pels <= MAX_PELS && pels / PELS_OF_OCTET <= jpeg.len() as u64 + u64::from(stream.width);
    (stream.rows > 0 && fills).then_some(stream)
}

/// The picture in sRGB or grey.
fn raster(stream: &Datastream) -> Option<Raster> {
    let colours = Colours::new(stream.gamut);
    let mut samples = decode(stream)?;
    if !stream.colour {
        let greys: Vec<u8> = (0..=255).map(|lightness| colours.grey(lightness)).collect();
        samples.iter_mut().for_each(|sample| *sample = greys[usize::from(*sample)]);
        return Some(Raster::Grey(Grey::new(stream.width, samples)));
    }
    for pel in samples.chunks_exact_mut(3) {
        pel.copy_from_slice(&colours.rgb([pel[0], pel[1], pel[2]]));
    }
    Some(Raster::Colour(Colour::new(stream.width, samples)))
}

/// The picture in greys, for a bilevel page.
pub(super) fn greys(stream: &Datastream) -> Option<Grey> {
    let colours = Colours::new(stream.gamut);
    let greys: Vec<u8> = (0..=255).map(|lightness| colours.grey(lightness)).collect();
    let mut samples = decode(stream)?;
    if stream.colour {
        samples = samples.chunks_exact(3).map(|pel| pel[0]).collect();
    }
    samples.iter_mut().for_each(|sample| *sample = greys[usize::from(*sample)]);
    Some(Grey::new(stream.width, samples))
}

/// Octets of L*, a* and b*, or of L* alone. A datastream that is cut short is grey from there on.
fn decode(stream: &Datastream) -> Option<Vec<u8>> {
    let space = if stream.colour { ColorSpace::YCbCr } else { ColorSpace::Luma };
    let options = DecoderOptions::new_safe()
        .jpeg_set_out_colorspace(space)
        .set_max_width(stream.width as usize)
        .set_max_height(stream.rows as usize);
    let samples = JpegDecoder::new_with_options(ZCursor::new(&stream.plain), options).decode().ok()?;
    let components = if stream.colour { 3 } else { 1 };
    (samples.len() == stream.width as usize * stream.rows as usize * components).then_some(samples)
}
