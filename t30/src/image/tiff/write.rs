//! Pages to files of TIFF-FX, RFC 3949.
//!
//! ```text
//!  header, then for each page: directory │ numbers too long for it │ one strip of image data
//! ```
//!
//! This is the order profile S asks for; the others are written in the same. Pages that have a picture are written as
//! profile C has them, their JPEG data as it came, unless the profile is S.

use super::super::{Coding, Eols, Page, ReceivedPicture, RowEncoding, encode};
use super::TiffError;
use super::directory::tag;

/// PhotometricInterpretation of T.42's colours, RFC 3949 6.2.2.
pub(super) const ITULAB: u16 = 10;

/// T.81 in the field CodingMethods, RFC 3949 4.2.2.
const JPEG_METHOD: usize = 0b10_0000;

/// A profile of TIFF-FX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Profile S, minimal: MH, 1728 pels. What any receiver of Internet fax reads.
    S,
    /// Profile F, extended: MH, MR or MMR, any width. With JBIG it is profile J.
    F(Coding),
    /// Profile J, lossless JBIG: T.85, any width.
    J,
}

/// What is written besides the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The profile.
    pub profile: Profile,
    /// Name of the program, ASCII.
    pub software: Option<String>,
    /// When the fax came, `YYYY:MM:DD HH:MM:SS`.
    pub date_time: Option<String>,
}

impl Profile {
    fn coding(self) -> Coding {
        match self {
            Self::S => Coding::Mh,
            Self::F(coding) => coding,
            Self::J => Coding::Jbig,
        }
    }
}

impl WriteOptions {
    /// A profile and nothing besides.
    pub const fn plain(profile: Profile) -> Self {
        Self { profile, software: None, date_time: None }
    }
}

/// A page and how well it was received.
#[derive(Clone, Copy, Debug)]
pub struct FilePage<'a> {
    /// The page.
    pub page: &'a Page,
    /// Rows that were received badly; told in profile F.
    pub bad_rows: u32,
    /// The most of them in succession.
    pub longest_bad_run: u32,
    /// The grey or colour picture that `page` is a bilevel copy of; it is written in its place.
    pub picture: Option<&'a ReceivedPicture>,
}

impl<'a> From<&'a Page> for FilePage<'a> {
    fn from(page: &'a Page) -> Self {
        Self { page, bad_rows: 0, longest_bad_run: 0, picture: None }
    }
}

/// Writes a file.
///
/// # Errors
/// No pages, pages that the profile does not allow, or more than 4 GB.
pub fn write(pages: &[FilePage<'_>], options: &WriteOptions) -> Result<Vec<u8>, TiffError> {
    if pages.is_empty() {
        return Err(TiffError::NoPages);
    }
    let global = (options.profile != Profile::S).then(|| global_fields(pages, options.profile.coding()));
    let mut file = b"II*\0".to_vec();
    // Where the place of the next directory is to be written.
    let mut link = file.len();
    file.extend_from_slice(&[0; 4]);
    for (index, page) in pages.iter().enumerate() {
        check(page.page, index + 1, options.profile)?;
        let begin = file.len();
        link_to(&mut file, link, begin)?;
        let global = global.as_ref().filter(|_| index == 0);
        link = write_page(&mut file, page, (index, pages.len()), options, global)?;
    }
    Ok(file)
}

fn check(page: &Page, number: usize, profile: Profile) -> Result<(), TiffError> {
    let (width, rows) = (page.bitmap.width(), page.bitmap.height());
    if width == 0 || rows == 0 {
        return Err(TiffError::Empty { page: number, width, rows });
    }
    if profile == Profile::S && width != 1728 {
        return Err(TiffError::ProfileWidth { page: number, width });
    }
    Ok(())
}

/// Writes a page's directory, long numbers and strip; returns where the place of the next directory goes.
fn write_page(
    file: &mut Vec<u8>,
    page: &FilePage<'_>,
    (index, pages): (usize, usize),
    options: &WriteOptions,
    global: Option<&Fields>,
) -> Result<usize, TiffError> {
    let strip = match page.picture.filter(|_| options.profile != Profile::S) {
        Some(picture) => Strip { octets: picture.jpeg.clone(), fields: picture_fields(picture, page.page) },
        None => {
            let coding = options.profile.coding();
            Strip { octets: encode_strip(page.page, coding), fields: page_fields(page, coding, options.profile) }
        }
    };
    let Strip { octets, mut fields } = strip;
    common_fields(&mut fields, octets.len(), (index, pages), options);
    let begin = file.len();
    fields.long(tag::STRIP_OFFSETS, 0);
    if global.is_some() {
        fields.long(tag::GLOBAL_PARAMETERS_IFD, 0);
        fields.long(tag::GLOBAL_PARAMETERS_IFD, begin + fields.octets());
    }
    fields.long(tag::STRIP_OFFSETS, begin + fields.octets() + global.map_or(0, Fields::octets));
    let link = fields.write(file);
    if let Some(global) = global {
        global.write(file);
    }
    file.extend_from_slice(&octets);
    if file.len() % 2 == 1 {
        file.push(0);
    }
    if u32::try_from(file.len()).is_err() { Err(TiffError::TooLong) } else { Ok(link) }
}

/// Image data and what a directory says of it alone.
struct Strip {
    octets: Vec<u8>,
    fields: Fields,
}

fn encode_strip(page: &Page, coding: Coding) -> Vec<u8> {
    let encoding = RowEncoding {
        coding,
        k: page.resolution.k(),
        min_row_bits: 0,
        eols: Eols::Plain,
        // RFC 3949 5.2.1: no RTC in a file; T.6 data ends with its EOFB.
        return_to_control: coding == Coding::Mmr,
    };
    encode(&page.bitmap, encoding)
}

/// What is said of every page's data.
fn common_fields(fields: &mut Fields, octets: usize, (index, pages): (usize, usize), options: &WriteOptions) {
    fields.long(tag::NEW_SUBFILE_TYPE, 2);
    fields.long(tag::STRIP_BYTE_COUNTS, octets);
    fields.short(tag::RESOLUTION_UNIT, 2);
    fields.shorts(tag::PAGE_NUMBER, [index as u16, pages as u16]);
    options.software.iter().for_each(|text| fields.ascii(tag::SOFTWARE, text));
    options.date_time.iter().for_each(|text| fields.ascii(tag::DATE_TIME, text));
}

fn page_fields(page: &FilePage<'_>, coding: Coding, profile: Profile) -> Fields {
    let (across, down) = page.page.resolution.dots_per_inch();
    let rows = page.page.bitmap.height() as usize;
    let mut fields = Fields::default();
    fields.long(tag::IMAGE_WIDTH, page.page.bitmap.width() as usize);
    fields.long(tag::IMAGE_LENGTH, rows);
    fields.short(tag::BITS_PER_SAMPLE, 1);
    fields.short(tag::COMPRESSION, compression(coding));
    fields.short(tag::PHOTOMETRIC, 0);
    // JBIG has octets, not bits: they are as T.82 has them.
    fields.short(tag::FILL_ORDER, if coding == Coding::Jbig { 1 } else { 2 });
    fields.short(tag::SAMPLES_PER_PIXEL, 1);
    fields.long(tag::ROWS_PER_STRIP, rows);
    fields.rational(tag::X_RESOLUTION, across);
    fields.rational(tag::Y_RESOLUTION, down);
    match coding {
        Coding::Mh => fields.long(tag::T4_OPTIONS, 0),
        Coding::Mr => fields.long(tag::T4_OPTIONS, 1),
        Coding::Mmr => fields.long(tag::T6_OPTIONS, 0),
        Coding::Jbig | Coding::Jpeg => {}
    }
    if profile != Profile::S && page.bad_rows > 0 {
        fields.long(tag::BAD_FAX_LINES, page.bad_rows as usize);
        // 1: bad rows were there and are replaced by good ones, here the row above.
        fields.short(tag::CLEAN_FAX_DATA, 1);
        fields.long(tag::CONSECUTIVE_BAD_FAX_LINES, page.longest_bad_run as usize);
    }
    fields
}

/// Profile C, RFC 3949 6.2: one strip, colours as T.42 has them.
fn picture_fields(picture: &ReceivedPicture, page: &Page) -> Fields {
    let dots = picture.dots_per_inch.map_or(page.resolution.dots_per_inch().0, u32::from);
    let mut fields = Fields::default();
    fields.long(tag::IMAGE_WIDTH, picture.width as usize);
    fields.long(tag::IMAGE_LENGTH, picture.rows as usize);
    fields.short(tag::COMPRESSION, compression(Coding::Jpeg));
    fields.short(tag::PHOTOMETRIC, ITULAB);
    fields.short(tag::FILL_ORDER, 1);
    fields.long(tag::ROWS_PER_STRIP, picture.rows as usize);
    fields.rational(tag::X_RESOLUTION, dots);
    fields.rational(tag::Y_RESOLUTION, dots);
    if picture.colour {
        fields.three_shorts(tag::BITS_PER_SAMPLE, [8; 3]);
        fields.short(tag::SAMPLES_PER_PIXEL, 3);
        fields.shorts(tag::CHROMA_SUBSAMPLING, picture.subsampling().map(u16::from));
    } else {
        fields.short(tag::BITS_PER_SAMPLE, 8);
        fields.short(tag::SAMPLES_PER_PIXEL, 1);
    }
    fields
}

fn compression(coding: Coding) -> u16 {
    match coding {
        Coding::Mh | Coding::Mr => 3,
        Coding::Mmr => 4,
        Coding::Jbig => 9,
        Coding::Jpeg => 7,
    }
}

/// What holds for the whole file, RFC 3949 4.2: a Group 3 fax in profile F, with any of MH, MR and MMR, in profile J with
/// JBIG, or in profile C with JPEG. A file of bilevel and colour pages is of no one profile.
fn global_fields(pages: &[FilePage<'_>], coding: Coding) -> Fields {
    let (profile, methods) = if coding == Coding::Jbig { (3, 0b10000) } else { (2, 0b1110) };
    let pictures = pages.iter().filter(|page| page.picture.is_some()).count();
    let (profile, methods) = match pictures {
        0 => (profile, methods),
        all if all == pages.len() => (4, JPEG_METHOD),
        _ => (0, methods | JPEG_METHOD),
    };
    let mut fields = Fields::default();
    fields.long(tag::PROFILE_TYPE, 1);
    fields.byte(tag::FAX_PROFILE, profile);
    fields.long(tag::CODING_METHODS, methods);
    fields
}

/// The entries of a directory, in the order of their tags.
#[derive(Clone, Debug, Default)]
struct Fields(std::collections::BTreeMap<u16, Field>);

#[derive(Clone, Debug)]
struct Field {
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

impl Fields {
    fn add(&mut self, tag: u16, kind: u16, count: usize, value: &[u8]) {
        self.0.insert(tag, Field { kind, count: count as u32, value: value.to_vec() });
    }

    fn byte(&mut self, tag: u16, value: u8) {
        self.add(tag, 1, 1, &[value]);
    }

    fn short(&mut self, tag: u16, value: u16) {
        self.add(tag, 3, 1, &value.to_le_bytes());
    }

    fn shorts(&mut self, tag: u16, values: [u16; 2]) {
        self.add(tag, 3, 2, values.map(u16::to_le_bytes).as_flattened());
    }

    fn three_shorts(&mut self, tag: u16, values: [u16; 3]) {
        self.add(tag, 3, 3, values.map(u16::to_le_bytes).as_flattened());
    }

    fn long(&mut self, tag: u16, value: usize) {
        self.add(tag, 4, 1, &(value as u32).to_le_bytes());
    }

    fn rational(&mut self, tag: u16, value: u32) {
        self.add(tag, 5, 1, [value.to_le_bytes(), 1u32.to_le_bytes()].as_flattened());
    }

    fn ascii(&mut self, tag: u16, text: &str) {
        let mut octets: Vec<u8> = text.bytes().filter(|octet| (0x20..0x7F).contains(octet)).collect();
        octets.push(0);
        self.add(tag, 2, octets.len(), &octets);
    }

    /// Octets of the directory with its long numbers.
    fn octets(&self) -> usize {
        self.directory_octets() + self.0.values().map(Field::octets_outside).sum::<usize>()
    }

    fn directory_octets(&self) -> usize {
        2 + self.0.len() * 12 + 4
    }

    /// Writes both; returns where the place of the next directory goes.
    fn write(&self, file: &mut Vec<u8>) -> usize {
        let link = file.len() + self.directory_octets() - 4;
        let mut outside = file.len() + self.directory_octets();
        file.extend_from_slice(&(self.0.len() as u16).to_le_bytes());
        for (tag, field) in &self.0 {
            file.extend_from_slice(&tag.to_le_bytes());
            file.extend_from_slice(&field.kind.to_le_bytes());
            file.extend_from_slice(&field.count.to_le_bytes());
            let mut inside = [0; 4];
            if field.octets_outside() > 0 {
                inside = (outside as u32).to_le_bytes();
                outside += field.octets_outside();
            } else {
                inside[..field.value.len()].copy_from_slice(&field.value);
            }
            file.extend_from_slice(&inside);
        }
        file.extend_from_slice(&[0; 4]);
        for field in self.0.values().filter(|field| field.octets_outside() > 0) {
            file.extend_from_slice(&field.value);
            file.resize(file.len() + field.value.len() % 2, 0);
        }
        link
    }
}

impl Field {
    /// Octets it takes behind the directory: an even number, and none when it is short enough to stand in it.
    fn octets_outside(&self) -> usize {
        if self.value.len() <= 4 { 0 } else { self.value.len().next_multiple_of(2) }
    }
}

fn link_to(file: &mut [u8], link: usize, place: usize) -> Result<(), TiffError> {
    let place = u32::try_from(place).map_err(|_| TiffError::TooLong)?;
    file[link..][..4].copy_from_slice(&place.to_le_bytes());
    Ok(())
}
