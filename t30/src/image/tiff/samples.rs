//! Pages in other compressions than the CCITT ones: samples to black and white, to grey or to colours.

use std::borrow::Cow;
use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::super::Bitmap;
use super::super::raster::{Colour, Grey, Raster};
use super::directory::{Directory, tag};
use super::{MAX_SAMPLE_OCTETS, TiffError};

/// Photometric interpretations of TIFF 6.0.
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u32 = 3;

/// Reads the picture of the directory at that place in the chain.
pub(super) fn read(
    octets: &[u8],
    place: usize,
    directory: &Directory<'_>,
    (width, rows): (u32, u32),
    page: usize,
) -> Result<Raster, TiffError> {
    let unsupported = |what: String| TiffError::Unsupported { page, what };
    let samples = directory.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1);
    let bits = directory.number(tag::BITS_PER_SAMPLE).unwrap_or(1);
    // Both numbers are the file's word.
    let row_octets = (u64::from(width) * u64::from(samples)).saturating_mul(u64::from(bits)).div_ceil(8);
    if row_octets.saturating_mul(u64::from(rows)) > MAX_SAMPLE_OCTETS {
        return Err(TiffError::TooLarge { page, width, rows });
    }
    if samples > 1 && directory.number(tag::PLANAR_CONFIGURATION) == Some(2) {
        return Err(unsupported("its colours are in separate planes".into()));
    }
    let refused = |error: tiff::TiffError| unsupported(error.to_string());
    let (color, samples) = decode(&prepared(octets, directory), place).map_err(refused)?;
    let raster =
        raster(color, samples, width, directory).ok_or_else(|| unsupported(format!("its pels are {color:?}")))?;
    if raster.height() < rows {
        return Err(TiffError::Damaged { page, rows: raster.height(), of: rows });
    }
    Ok(raster)
}

/// The file as the decoder knows it: octets begin with the most significant bit, and there are no colour maps. The indexes
/// into one are shades of grey until they are looked up.
fn prepared<'a>(octets: &'a [u8], directory: &Directory<'_>) -> Cow<'a, [u8]> {
    let mut octets = Cow::Borrowed(octets);
    // JPEG data has an order of its own.
    if directory.number(tag::FILL_ORDER) == Some(2) && directory.number(tag::COMPRESSION) != Some(7) {
        turn_strips(octets.to_mut(), directory);
    }
    if directory.number(tag::PHOTOMETRIC) == Some(PALETTE) {
        directory.overwrite(octets.to_mut(), tag::PHOTOMETRIC, BLACK_IS_ZERO);
    }
    octets
}

fn turn_strips(octets: &mut [u8], directory: &Directory<'_>) {
    let counts = directory.numbers(tag::STRIP_BYTE_COUNTS).into_iter().flatten();
    let mut turned_to = 0;
    let mut strips: Vec<_> = directory.numbers(tag::STRIP_OFFSETS).into_iter().flatten().zip(counts).collect();
    strips.sort_unstable();
    for (offset, count) in strips {
        // Strips that overlap are turned once.
        let begin = (offset as usize).max(turned_to);
        let end = (offset as usize).saturating_add(count as usize).min(octets.len());
        if let Some(strip) = octets.get_mut(begin..end) {
            strip.iter_mut().for_each(|octet| *octet = octet.reverse_bits());
            turned_to = end;
        }
    }
}

/// The samples as octets; of 16-bit ones the upper half.
fn decode(octets: &[u8], place: usize) -> Result<(ColorType, Vec<u8>), tiff::TiffError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_SAMPLE_OCTETS as usize;
    limits.intermediate_buffer_size = MAX_SAMPLE_OCTETS as usize;
    let mut decoder = Decoder::new(Cursor::new(octets))?.with_limits(limits);
    decoder.seek_to_image(place)?;
    let color = decoder.colortype()?;
    match decoder.read_image()? {
        DecodingResult::U8(samples) => Ok((color, samples)),
        DecodingResult::U16(samples) => Ok((color, samples.into_iter().map(|sample| (sample >> 8) as u8).collect())),
        _ => Err(tiff::TiffError::UnsupportedError(tiff::TiffUnsupportedError::UnsupportedColorType(color))),
    }
}

/// What the samples show. The decoder has turned them so that white is the greatest value.
fn raster(color: ColorType, samples: Vec<u8>, width: u32, directory: &Directory<'_>) -> Option<Raster> {
    let grey = |light: Vec<u8>| Raster::Grey(Grey::new(width, light));
    let each = |count: usize, light: fn(&[u8]) -> u8| grey(samples.chunks_exact(count).map(light).collect());
    let colours = |count: usize, rgb: fn(&[u8]) -> [u8; 3]| {
        Raster::Colour(Colour::new(width, samples.chunks_exact(count).flat_map(rgb).collect()))
    };
    let palette = directory.number(tag::PHOTOMETRIC) == Some(PALETTE);
    Some(match color {
        ColorType::Gray(bits @ (1 | 2 | 4 | 8)) if palette => {
            let map = looked_up(bits, directory)?;
            let octets = unpacked(&samples, width, bits).flat_map(|sample| map[usize::from(sample)]).collect();
            Raster::Colour(Colour::new(width, octets))
        }
        ColorType::Gray(1) => {
            let mut bitmap = Bitmap::from_octets(width, samples);
            bitmap.invert();
            Raster::Bilevel(bitmap)
        }
        ColorType::Gray(bits @ (2 | 4)) => {
            let step = 255 / ((1 << bits) - 1);
            grey(unpacked(&samples, width, bits).map(|sample| sample * step).collect())
        }
        ColorType::Gray(8 | 16) if !palette => grey(samples),
        ColorType::GrayA(8 | 16) | ColorType::Multiband { bit_depth: 8 | 16, num_samples: 2 } => {
            each(2, |pel| over_white(pel[0], pel[1]))
        }
        ColorType::RGB(8 | 16) => colours(3, |pel| [pel[0], pel[1], pel[2]]),
        ColorType::RGBA(8 | 16) => colours(4, |pel| [pel[0], pel[1], pel[2]].map(|part| over_white(part, pel[3]))),
        ColorType::YCbCr(8) => colours(3, |pel| rgb_of_ycbcr(pel[0], pel[1], pel[2])),
        ColorType::CMYK(8 | 16) => {
            colours(4, |pel| [pel[0], pel[1], pel[2]].map(|ink| (u16::from(!ink) * u16::from(!pel[3]) / 255) as u8))
        }
        _ => return None,
    })
}

/// The colours of the map.
fn looked_up(bits: u8, directory: &Directory<'_>) -> Option<Vec<[u8; 3]>> {
    let values = 1usize << bits;
    let map: Vec<u8> = directory.numbers(tag::COLOR_MAP)?.map(|part| (part >> 8) as u8).collect();
    (map.len() == 3 * values)
        .then(|| (0..values).map(|value| [map[value], map[values + value], map[2 * values + value]]).collect())
}

/// Samples of 1, 2, 4 or 8 bits; rows begin with an octet.
fn unpacked(samples: &[u8], width: u32, bits: u8) -> impl Iterator<Item = u8> + '_ {
    let per_octet = 8 / bits;
    let stride = (width as usize).div_ceil(usize::from(per_octet));
    samples.chunks_exact(stride).flat_map(move |row| {
        row.iter()
            .flat_map(move |octet| (1..=per_octet).map(move |place| octet >> (8 - place * bits) & (0xFF >> (8 - bits))))
            .take(width as usize)
    })
}

/// By the weights of ITU-R BT.601, whole octets.
fn rgb_of_ycbcr(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let octet = |value: f32| value.round() as u8;
    [octet(luma + 1.402 * red), octet(luma - 0.344_136 * blue - 0.714_136 * red), octet(luma + 1.772 * blue)]
}

fn over_white(light: u8, opacity: u8) -> u8 {
    (255 - u16::from(!light) * u16::from(opacity) / 255) as u8
}
