//! The directories of a file: one for each page, a list of tags with numbers.

use super::{MAX_PAGES, TiffError};

/// Tags of TIFF 6.0 and TIFF-FX used here.
pub(super) mod tag {
    pub(in super::super) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(in super::super) const IMAGE_WIDTH: u16 = 256;
    pub(in super::super) const IMAGE_LENGTH: u16 = 257;
    pub(in super::super) const BITS_PER_SAMPLE: u16 = 258;
    pub(in super::super) const COMPRESSION: u16 = 259;
    pub(in super::super) const PHOTOMETRIC: u16 = 262;
    pub(in super::super) const FILL_ORDER: u16 = 266;
    pub(in super::super) const STRIP_OFFSETS: u16 = 273;
    pub(in super::super) const ORIENTATION: u16 = 274;
    pub(in super::super) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(in super::super) const ROWS_PER_STRIP: u16 = 278;
    pub(in super::super) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(in super::super) const X_RESOLUTION: u16 = 282;
    pub(in super::super) const Y_RESOLUTION: u16 = 283;
    pub(in super::super) const PLANAR_CONFIGURATION: u16 = 284;
    pub(in super::super) const T4_OPTIONS: u16 = 292;
    pub(in super::super) const T6_OPTIONS: u16 = 293;
    pub(in super::super) const RESOLUTION_UNIT: u16 = 296;
    pub(in super::super) const PAGE_NUMBER: u16 = 297;
    pub(in super::super) const SOFTWARE: u16 = 305;
    pub(in super::super) const DATE_TIME: u16 = 306;
    pub(in super::super) const COLOR_MAP: u16 = 320;
    pub(in super::super) const TILE_OFFSETS: u16 = 324;
    pub(in super::super) const BAD_FAX_LINES: u16 = 326;
    pub(in super::super) const CLEAN_FAX_DATA: u16 = 327;
    pub(in super::super) const CONSECUTIVE_BAD_FAX_LINES: u16 = 328;
    pub(in super::super) const GLOBAL_PARAMETERS_IFD: u16 = 400;
    pub(in super::super) const PROFILE_TYPE: u16 = 401;
    pub(in super::super) const FAX_PROFILE: u16 = 402;
    pub(in super::super) const CODING_METHODS: u16 = 403;
    pub(in super::super) const CHROMA_SUBSAMPLING: u16 = 530;
}

/// Octets of a directory entry.
const ENTRY_OCTETS: usize = 12;

/// A file's octets and how numbers are written in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    octets: &'a [u8],
    big_endian: bool,
}

/// A directory: where in the file its entries are.
#[derive(Clone, Debug)]
pub(super) struct Directory<'a> {
    file: File<'a>,
    entries: std::ops::Range<usize>,
}

impl<'a> File<'a> {
    /// Checks the header; returns the file and where its first directory is.
    pub(super) fn open(octets: &'a [u8]) -> Result<(Self, u32), TiffError> {
        let big_endian = match octets.first_chunk::<2>() {
            Some(b"II") => false,
            Some(b"MM") => true,
            _ => return Err(TiffError::NotTiff),
        };
        let file = Self { octets, big_endian };
        match file.short(2) {
            Some(42) => {}
            Some(43) => return Err(TiffError::BigTiff),
            _ => return Err(TiffError::NotTiff),
        }
        Ok((file, file.long(4).ok_or_else(|| file.truncated("the place of the first page"))?))
    }

    /// The directories in order.
    pub(super) fn directories(self, first: u32) -> Result<Vec<Directory<'a>>, TiffError> {
        let (mut directories, mut seen, mut next) = (Vec::new(), Vec::new(), first);
        while next != 0 {
            if seen.contains(&next) {
                return Err(TiffError::Circle);
            }
            if seen.len() == MAX_PAGES {
                return Err(TiffError::TooManyPages);
            }
            seen.push(next);
            let (directory, following) = self.directory(next as usize, directories.len() + 1)?;
            directories.push(directory);
            next = following;
        }
        Ok(directories)
    }

    fn directory(self, at: usize, page: usize) -> Result<(Directory<'a>, u32), TiffError> {
        let beyond = || self.truncated(&format!("the directory of page {page}"));
        let octets = usize::from(self.short(at).ok_or_else(beyond)?) * ENTRY_OCTETS;
        let entries = at + 2..at + 2 + octets;
        self.octets.get(entries.clone()).ok_or_else(beyond)?;
        // Some writers leave out the place of the next directory behind the last one.
        let next = self.long(at + 2 + octets).unwrap_or(0);
        Ok((Directory { file: self, entries }, next))
    }

    /// Octets from there on; fewer than `count` at the end of the file.
    pub(super) fn octets_at(self, at: u32, count: usize) -> &'a [u8] {
        let rest = self.octets.get(at as usize..).unwrap_or(&[]);
        &rest[..count.min(rest.len())]
    }

    pub(super) fn truncated(self, what: &str) -> TiffError {
        TiffError::Truncated { what: what.to_owned(), octets: self.octets.len() }
    }

    fn short(self, at: usize) -> Option<u16> {
        let octets = *self.octets.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    }

    fn long(self, at: usize) -> Option<u32> {
        let octets = *self.octets.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    }
}

/// A number of an entry: whole or a fraction.
#[derive(Clone, Copy)]
enum Kind {
    Byte,
    Short,
    Long,
    Rational,
}

impl<'a> Directory<'a> {
    /// The file it is in.
    pub(super) fn file(&self) -> File<'a> {
        self.file
    }

    /// The first number of a tag; none if the tag is absent or cannot be read.
    pub(super) fn number(&self, tag: u16) -> Option<u32> {
        self.numbers(tag)?.next()
    }

    /// The whole numbers of a tag.
    pub(super) fn numbers(&self, tag: u16) -> Option<impl ExactSizeIterator<Item = u32> + use<'a>> {
        let (kind, octets) = self.values(tag)?;
        let big_endian = self.file.big_endian;
        let size = match kind {
            Kind::Byte => 1,
            Kind::Short => 2,
            Kind::Long => 4,
            Kind::Rational => return None,
        };
        Some(octets.chunks_exact(size).map(move |octets| {
            let add = |number: u32, octet: &u8| number << 8 | u32::from(*octet);
            if big_endian { octets.iter().fold(0, add) } else { octets.iter().rev().fold(0, add) }
        }))
    }

    /// The fraction of a tag.
    pub(super) fn fraction(&self, tag: u16) -> Option<f32> {
        let (Kind::Rational, octets) = self.values(tag)? else {
            return self.number(tag).map(|number| number as f32);
        };
        let part = |at: usize| {
            let octets = *octets.get(at..)?.first_chunk()?;
            Some(if self.file.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
        };
        let fraction = f64::from(part(0)?) / f64::from(part(4)?);
        fraction.is_finite().then_some(fraction as f32)
    }

    /// Writes a tag's number, kept in the directory itself, into a copy of the file.
    pub(super) fn overwrite(&self, copy: &mut [u8], tag: u16, number: u16) {
        if let Some(entry) = self.entry(tag) {
            let octets = if self.file.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
            copy[entry + 8..][..2].copy_from_slice(&octets);
        }
    }

    /// Kind and octets of a tag's values.
    fn values(&self, tag: u16) -> Option<(Kind, &'a [u8])> {
        let entry = self.entry(tag)?;
        let (kind, size) = match self.file.short(entry + 2)? {
            1 | 6 | 7 => (Kind::Byte, 1),
            3 | 8 => (Kind::Short, 2),
            4 | 9 | 13 => (Kind::Long, 4),
            5 | 10 => (Kind::Rational, 8),
            _ => return None,
        };
        let octets = (self.file.long(entry + 4)? as usize).checked_mul(size)?;
        let begin = if octets <= 4 { entry + 8 } else { self.file.long(entry + 8)? as usize };
        Some((kind, self.file.octets.get(begin..)?.get(..octets)?))
    }

    /// Where the entry of a tag begins.
    fn entry(&self, tag: u16) -> Option<usize> {
        self.entries.clone().step_by(ENTRY_OCTETS).find(|at| self.file.short(*at) == Some(tag))
    }
}
