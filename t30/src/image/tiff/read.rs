//! Files to pictures.

use super::super::raster::{Orientation, Raster};
use super::super::{Bitmap, Coding, DecodeLimits, Page, PageDecoder, ReceivedPicture, RowFraming, fit};
use super::directory::{Directory, File, tag};
use super::write::ITULAB;
use super::{MAX_FAX_PELS, MAX_FILE_PELS, MAX_PELS, MAX_ROWS, MAX_WIDTH, TiffError, samples};

/// JBIG as TIFF-FX has it, profile J.
const JBIG_T85: u32 = 9;

/// JBIG as other programs have it; read if it is what T.85 allows.
const JBIG: u32 = 34_661;

/// JPEG, of profile C when the colours are those of T.42.
const JPEG: u32 = 7;

/// A page of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPage {
    /// The picture, upright.
    pub raster: Raster,
    /// Its resolution across and down, if the file tells.
    pub dots_per_inch: Option<(f32, f32)>,
    /// Rows of CCITT data that could not be decoded and repeat the row above.
    pub bad_rows: u32,
}

impl ReadPage {
    /// The picture as a fax page of A4 width, see [`fit::page`].
    pub fn to_page(&self) -> Page {
        fit::page(&self.raster, self.dots_per_inch)
    }

    /// The picture as it is, if it is a fax page of any width and resolution, else as [`ReadPage::to_page`] has it.
    pub fn to_page_as_is(&self) -> Page {
        fit::page_as_is(&self.raster, self.dots_per_inch).unwrap_or_else(|| self.to_page())
    }
}

/// A file whose pages are read one at a time.
#[derive(Clone, Debug)]
pub struct TiffDocument<'a> {
    octets: &'a [u8],
    /// The pages' directories and their places in the chain of all directories.
    pages: Vec<(usize, Directory<'a>)>,
}

impl<'a> TiffDocument<'a> {
    /// Finds the pages of a file. Thumbnails and masks are none.
    ///
    /// # Errors
    /// When there is none, or the file is no TIFF file or truncated before its last directory.
    pub fn open(octets: &'a [u8]) -> Result<Self, TiffError> {
        let (file, first) = File::open(octets)?;
        let directories = file.directories(first)?.into_iter().enumerate();
        let pages: Vec<_> = directories.filter(|(_, directory)| is_page(directory)).collect();
        if pages.is_empty() { Err(TiffError::NoPages) } else { Ok(Self { octets, pages }) }
    }

    /// How many pages there are: at least one.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Reads the page of that index, from 0. Panics when there is none.
    ///
    /// # Errors
    /// A page that cannot be read whole is refused, see [`TiffError`]. Rows of MH and MR data that cannot be decoded are
    /// counted, not refused.
    pub fn page(&self, index: usize) -> Result<ReadPage, TiffError> {
        let (place, directory) = &self.pages[index];
        read_page(self.octets, *place, directory, size(directory, index + 1)?, index + 1)
    }

    /// All pages as fax pages of A4 width, see [`fit::page`].
    ///
    /// # Errors
    /// As [`TiffDocument::page`], and [`TiffError::TooLargeInAll`].
    pub fn fax_pages(&self) -> Result<Vec<Page>, TiffError> {
        let (mut read, mut made) = (0u64, 0u64);
        let fax_page = |index: usize| {
            let (width, rows) = size(&self.pages[index].1, index + 1)?;
            read += u64::from(width) * u64::from(rows);
            if read > MAX_FILE_PELS {
                return Err(TiffError::TooLargeInAll);
            }
            let page = self.page(index)?.to_page();
            made += u64::from(page.bitmap.width()) * u64::from(page.bitmap.height());
            if made > MAX_FAX_PELS { Err(TiffError::TooLargeInAll) } else { Ok(page) }
        };
        (0..self.page_count()).map(fax_page).collect()
    }
}

/// Not a reduced copy of another page, and not a transparency mask.
fn is_page(directory: &Directory<'_>) -> bool {
    directory.number(tag::NEW_SUBFILE_TYPE).unwrap_or(0) & 0b101 == 0
}

fn size(directory: &Directory<'_>, page: usize) -> Result<(u32, u32), TiffError> {
    let width = required(directory, page, "ImageWidth", tag::IMAGE_WIDTH)?;
    let rows = required(directory, page, "ImageLength", tag::IMAGE_LENGTH)?;
    if width == 0 || rows == 0 {
        return Err(TiffError::Empty { page, width, rows });
    }
    if width > MAX_WIDTH || rows > MAX_ROWS || u64::from(width) * u64::from(rows) > MAX_PELS {
        return Err(TiffError::TooLarge { page, width, rows });
    }
    Ok((width, rows))
}

fn required(directory: &Directory<'_>, page: usize, name: &'static str, tag: u16) -> Result<u32, TiffError> {
    directory.number(tag).ok_or(TiffError::Missing { page, name, tag })
}

fn read_page(
    octets: &[u8],
    place: usize,
    directory: &Directory<'_>,
    size: (u32, u32),
    page: usize,
) -> Result<ReadPage, TiffError> {
    let compression = directory.number(tag::COMPRESSION).unwrap_or(1);
    let (raster, bad_rows) = match compression {
        2..=4 | JBIG_T85 | JBIG => {
            let (bitmap, bad_rows) = Ccitt::new(directory, page, compression)?.read(size)?;
            (Raster::Bilevel(bitmap), bad_rows)
        }
        JPEG if directory.number(tag::PHOTOMETRIC) == Some(u32::from(ITULAB)) => (picture(directory, size, page)?, 0),
        1 | 5 | JPEG | 8 | 32773 | 32946 => (samples::read(octets, place, directory, size, page)?, 0),
        _ => return Err(TiffError::Compression { page, compression }),
    };
    let orientation = Orientation::of_tag(directory.number(tag::ORIENTATION).unwrap_or(1));
    let dots_per_inch = dots_per_inch(directory).map(|(x, y)| if orientation.swapped { (y, x) } else { (x, y) });
    Ok(ReadPage { raster: raster.upright(orientation), dots_per_inch, bad_rows })
}

/// A page of profile C, RFC 3949 6.2: one strip that is a whole JPEG datastream.
fn picture(directory: &Directory<'_>, (width, rows): (u32, u32), page: usize) -> Result<Raster, TiffError> {
    let damaged = TiffError::Damaged { page, rows: 0, of: rows };
    let offset = required(directory, page, "StripOffsets", tag::STRIP_OFFSETS)?;
    let count = required(directory, page, "StripByteCounts", tag::STRIP_BYTE_COUNTS)?;
    let octets = directory.file().octets_at(offset, count as usize);
    let picture =
        ReceivedPicture::read(octets.to_vec()).filter(|picture| (picture.width, picture.rows) == (width, rows));
    picture.and_then(|picture| picture.raster()).ok_or(damaged)
}

/// The resolution. Without unit it only tells the shape of a pel, which fax software writes for standard resolution.
fn dots_per_inch(directory: &Directory<'_>) -> Option<(f32, f32)> {
    let unit = match directory.number(tag::RESOLUTION_UNIT).unwrap_or(2) {
        3 => 2.54,
        _ => 1.0,
    };
    let across = directory.fraction(tag::X_RESOLUTION)? * unit;
    let down = directory.fraction(tag::Y_RESOLUTION)? * unit;
    (across > 0.0 && down > 0.0).then_some((across, down))
}

/// A page in one of the CCITT compressions or JBIG.
struct Ccitt<'a> {
    directory: &'a Directory<'a>,
    page: usize,
    coding: Coding,
    framing: RowFraming,
    /// Octets hold their first bit in the most significant place.
    most_significant_first: bool,
    black_is_zero: bool,
}

impl<'a> Ccitt<'a> {
    fn new(directory: &'a Directory<'a>, page: usize, compression: u32) -> Result<Self, TiffError> {
        let unsupported = |what: &str| Err(TiffError::Unsupported { page, what: what.to_owned() });
        if directory.number(tag::BITS_PER_SAMPLE).unwrap_or(1) != 1
            || directory.number(tag::SAMPLES_PER_PIXEL).unwrap_or(1) != 1
        {
            return unsupported("fax compression of samples that are not one bit");
        }
        if directory.number(tag::TILE_OFFSETS).is_some() {
            return unsupported("fax compression in tiles");
        }
        let options = match compression {
            3 => directory.number(tag::T4_OPTIONS).unwrap_or(0),
            4 => directory.number(tag::T6_OPTIONS).unwrap_or(0),
            _ => 0,
        };
        if options & 2 != 0 {
            return unsupported("the uncompressed mode of T.4 and T.6");
        }
        let (coding, framing) = match compression {
            2 => (Coding::Mh, RowFraming::OctetRows),
            3 if options & 1 == 0 => (Coding::Mh, RowFraming::File),
            3 => (Coding::Mr, RowFraming::File),
            JBIG_T85 | JBIG => (Coding::Jbig, RowFraming::File),
            _ => (Coding::Mmr, RowFraming::File),
        };
        Ok(Self {
            directory,
            page,
            coding,
            framing,
            most_significant_first: directory.number(tag::FILL_ORDER) != Some(2),
            black_is_zero: directory.number(tag::PHOTOMETRIC) == Some(1),
        })
    }

    fn read(&self, (width, rows): (u32, u32)) -> Result<(Bitmap, u32), TiffError> {
        let offsets: Vec<u32> = match self.directory.numbers(tag::STRIP_OFFSETS) {
            Some(offsets) => offsets.collect(),
            None => {
                return Err(TiffError::Missing { page: self.page, name: "StripOffsets", tag: tag::STRIP_OFFSETS });
            }
        };
        let counts: Vec<u32> = self.directory.numbers(tag::STRIP_BYTE_COUNTS).into_iter().flatten().collect();
        let rows_per_strip = self.directory.number(tag::ROWS_PER_STRIP).unwrap_or(rows).clamp(1, rows);
        let mut bitmap = Bitmap::new(width);
        let mut bad_rows = 0;
        for (strip, offset) in offsets.iter().enumerate() {
            let wanted = rows_per_strip.min(rows - bitmap.height());
            if wanted == 0 {
                break;
            }
            let octets = self.strip(*offset, counts.get(strip).copied(), &offsets)?;
            let decoded = self.decode(octets, width, wanted);
            decoded.bitmap.octets().chunks_exact(bitmap.stride()).for_each(|row| bitmap.push_row(row));
            bad_rows += decoded.bad_rows;
            let is_last = strip + 1 == offsets.len();
            // A page that says itself that it ends may be shorter than its directory says.
            if decoded.bitmap.height() < wanted && !(is_last && decoded.ended && bitmap.height() > 0) {
                return Err(TiffError::Damaged { page: self.page, rows: bitmap.height(), of: rows });
            }
        }
        if offsets.len() < rows.div_ceil(rows_per_strip) as usize || bad_rows > bitmap.height() / 2 {
            let good = bitmap.height().saturating_sub(bad_rows);
            return Err(TiffError::Damaged { page: self.page, rows: good, of: rows });
        }
        if self.black_is_zero {
            bitmap.invert();
        }
        Ok((bitmap, bad_rows))
    }

    /// A strip's octets. One whose length is not told goes on to the next strip, or to the end of the file.
    fn strip(&self, offset: u32, count: Option<u32>, offsets: &[u32]) -> Result<&'a [u8], TiffError> {
        let file = self.directory.file();
        let count = match count {
            Some(count) if count > 0 => count as usize,
            _ => offsets
                .iter()
                .filter(|other| **other > offset)
                .min()
                .map_or(usize::MAX, |next| (next - offset) as usize),
        };
        match file.octets_at(offset, count) {
            [] => Err(file.truncated(&format!("image data of page {}", self.page))),
            // A length that is too large is a common fault of writers; missing rows show whether octets are missing.
            octets => Ok(octets),
        }
    }

    fn decode(&self, octets: &[u8], width: u32, max_rows: u32) -> super::super::DecodedPage {
        let mut decoder = PageDecoder::with_framing(width, self.coding, self.framing, DecodeLimits { max_rows });
        // JBIG has octets, and its decoder sees how they lie.
        let turn = self.most_significant_first && self.coding != Coding::Jbig;
        let mut piece = [0; 4096];
        for octets in octets.chunks(piece.len()) {
            if turn {
                piece.iter_mut().zip(octets).for_each(|(turned, octet)| *turned = octet.reverse_bits());
                decoder.push(&piece[..octets.len()]);
            } else {
                decoder.push(octets);
            }
            if decoder.is_over() {
                break;
            }
        }
        decoder.finish()
    }
}
