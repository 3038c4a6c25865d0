//! Pages to octets of image data, as many at a time as are asked for.

use std::sync::Arc;

use super::bits::BitWriter;
use super::changes::Changes;
use super::jbig::{JbigEncoder, JbigOptions};
use super::{Bitmap, Coding, Page, t4, t6};

/// What stands between rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eols {
    /// An end-of-line code before each row, as on the line.
    Plain,
    /// The same, filled so that each code ends with an octet: T4Options bit 2 of TIFF.
    OctetAligned,
    /// Nothing: a row ends when its runs add up to the width. MR cannot do without end-of-line codes.
    None,
}

/// How rows are coded. To JBIG only the coding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowEncoding {
    /// The coding. It is never JPEG, which has no rows: see [`PageEncoder::of_jpeg`].
    pub coding: Coding,
    /// MR: of so many rows in succession one is coded by itself; at least 1. See [`super::Resolution::k`].
    pub k: u32,
    /// Bits of a row with its end-of-line code are made at least so many by fill (MH and MR), T.4 4.1.3: the minimum
    /// transmission time of a row times the bit rate. 0: no fill.
    pub min_row_bits: u32,
    /// End-of-line codes of MH and MR; MMR has none.
    pub eols: Eols,
    /// Whether the page ends with the return to control (MH, MR) or the end of facsimile block (MMR).
    pub return_to_control: bool,
}

impl RowEncoding {
    /// As it goes on the line without fill: end-of-line codes, and the end of the page said.
    pub const fn on_line(coding: Coding, k: u32) -> Self {
        Self { coding, k, min_row_bits: 0, eols: Eols::Plain, return_to_control: true }
    }
}

/// Rows to octets, one way or the other.
#[derive(Clone, Debug)]
enum RowEncoder {
    Runs(Box<RunEncoder>),
    Jbig(Box<JbigEncoder>),
}

impl RowEncoder {
    fn new(width: u32, height: u32, encoding: RowEncoding) -> Self {
        match encoding.coding {
            Coding::Jbig => Self::Jbig(Box::new(JbigEncoder::new(width, height, JbigOptions::default()))),
            _ => Self::Runs(Box::new(RunEncoder::new(width, encoding))),
        }
    }

    fn row(&mut self, row: &[u8]) {
        match self {
            Self::Runs(rows) => rows.row(row),
            Self::Jbig(rows) => rows.row(row),
        }
    }

    /// Says that the page ends, and fills the last octet.
    fn end(&mut self) {
        match self {
            Self::Runs(rows) => rows.end(),
            Self::Jbig(rows) => rows.end(),
        }
    }

    /// Octets that are whole.
    fn octets(&mut self) -> &[u8] {
        match self {
            Self::Runs(rows) => rows.out.octets(),
            Self::Jbig(rows) => rows.octets(),
        }
    }

    fn drop_octets(&mut self) {
        match self {
            Self::Runs(rows) => rows.out.drop_octets(),
            Self::Jbig(rows) => rows.drop_octets(),
        }
    }

    fn into_octets(self) -> Vec<u8> {
        match self {
            Self::Runs(rows) => rows.out.into_octets(),
            Self::Jbig(rows) => rows.into_octets(),
        }
    }
}

/// Rows to bits of MH, MR or MMR; the state that goes from row to row.
#[derive(Clone, Debug)]
struct RunEncoder {
    encoding: RowEncoding,
    width: u32,
    above: Changes,
    changes: Changes,
    /// MR: rows until one must be coded by itself.
    two_dimensional_left: u32,
    out: BitWriter,
}

impl RunEncoder {
    fn new(width: u32, mut encoding: RowEncoding) -> Self {
        if encoding.coding == Coding::Mr && encoding.eols == Eols::None {
            encoding.eols = Eols::Plain;
        }
        let (above, changes) = (Changes::white(width), Changes::white(width));
        Self { encoding, width, above, changes, two_dimensional_left: 0, out: BitWriter::default() }
    }

    fn row(&mut self, row: &[u8]) {
        self.changes.find(row);
        match self.encoding.coding {
            Coding::Mh => {
                self.eol(true);
                let begin = self.out.bits();
                t4::write_row(&self.changes, self.width, &mut self.out);
                self.fill(begin);
            }
            Coding::Mr => self.mr_row(),
            _ => t6::write_row(&self.above, &self.changes, self.width, &mut self.out),
        }
        std::mem::swap(&mut self.above, &mut self.changes);
    }

    fn mr_row(&mut self) {
        let alone = self.two_dimensional_left == 0;
        self.eol(alone);
        let begin = self.out.bits();
        if alone {
            t4::write_row(&self.changes, self.width, &mut self.out);
            self.two_dimensional_left = self.encoding.k.saturating_sub(1);
        } else {
            t6::write_row(&self.above, &self.changes, self.width, &mut self.out);
            self.two_dimensional_left -= 1;
        }
        self.fill(begin);
    }

    /// An end-of-line code, and in MR the tag that says how the next row is coded.
    fn eol(&mut self, one_dimensional: bool) {
        match self.encoding.eols {
            Eols::None => return,
            Eols::Plain => {}
            Eols::OctetAligned => {
                let short = (self.out.bits() + u64::from(t4::EOL.len)).wrapping_neg() & 7;
                self.out.zeros(short as u32);
            }
        }
        self.out.code(t4::EOL);
        if self.encoding.coding == Coding::Mr {
            self.out.code(t4::tag(one_dimensional));
        }
    }

    /// Makes a row that began there long enough, together with the end-of-line code behind it.
    fn fill(&mut self, begin: u64) {
        let eol = t4::EOL.len + u32::from(self.encoding.coding == Coding::Mr);
        let bits = (self.out.bits() - begin) as u32 + eol;
        self.out.zeros(self.encoding.min_row_bits.saturating_sub(bits));
    }

    /// Says that the page ends, and fills the last octet.
    fn end(&mut self) {
        if self.encoding.return_to_control {
            let (eols, tagged) = match self.encoding.coding {
                Coding::Mh => (t4::RTC_EOLS, false),
                Coding::Mr => (t4::RTC_EOLS, true),
                _ => (t6::EOFB_EOLS, false),
            };
            for _ in 0..eols {
                self.out.code(t4::EOL);
                if tagged {
                    self.out.code(t4::tag(true));
                }
            }
        }
        self.out.align();
    }
}

/// Encodes a page while its octets go out.
#[derive(Clone, Debug)]
pub struct PageEncoder(Source);

#[derive(Clone, Debug)]
enum Source {
    Rows(RowSource),
    /// Octets of so many rows, and how many are given already.
    Octets(Arc<[u8]>, u32, usize),
    Growing(GrowingRows),
}

/// Rows that are encoded as they come.
#[derive(Clone, Debug)]
struct GrowingRows {
    rows: RowEncoder,
    rows_done: u32,
    ended: bool,
    /// Octets of the writer that are given already.
    given: usize,
}

/// Rows that are encoded when their octets are asked for.
#[derive(Clone, Debug)]
struct RowSource {
    page: Arc<Page>,
    rows: RowEncoder,
    rows_done: u32,
    ended: bool,
    /// Octets of the writer that are given already.
    given: usize,
}

impl PageEncoder {
    /// Encodes `page` from its first row.
    pub fn new(page: Arc<Page>, encoding: RowEncoding) -> Self {
        let rows = RowEncoder::new(page.bitmap.width(), page.bitmap.height(), encoding);
        Self(Source::Rows(RowSource { page, rows, rows_done: 0, ended: false, given: 0 }))
    }

    /// Encodes `page` by JBIG in one stripe, for machines that take stripes that are not of 128 rows, T.85's L0.
    pub fn of_one_stripe(page: Arc<Page>) -> Self {
        let (width, height) = (page.bitmap.width(), page.bitmap.height());
        let options = JbigOptions { stripe_rows: height, ..JbigOptions::default() };
        let rows = RowEncoder::Jbig(Box::new(JbigEncoder::new(width, height, options)));
        Self(Source::Rows(RowSource { page, rows, rows_done: 0, ended: false, given: 0 }))
    }

    /// Gives out a picture of so many rows that is encoded already, see [`super::Picture::jpeg`].
    pub fn of_jpeg(octets: Arc<[u8]>, rows: u32) -> Self {
        Self(Source::Octets(octets, rows, 0))
    }

    /// Encodes a page that is not there yet, in any coding but JBIG, see [`Self::growing_jbig`]: [`Self::push_row`]
    /// and [`Self::finish`] say what is in it.
    pub fn growing(width: u32, encoding: RowEncoding) -> Self {
        Self(Source::Growing(GrowingRows {
            rows: RowEncoder::new(width, 0, encoding),
            rows_done: 0,
            ended: false,
            given: 0,
        }))
    }

    /// The same by JBIG in stripes of so many rows, which tells their number at the end, T.85's NEWLEN.
    pub fn growing_jbig(width: u32, stripe_rows: u32) -> Self {
        let options = JbigOptions { stripe_rows, rows_at_end: true, ..JbigOptions::default() };
        let rows = RowEncoder::Jbig(Box::new(JbigEncoder::new(width, 0, options)));
        Self(Source::Growing(GrowingRows { rows, rows_done: 0, ended: false, given: 0 }))
    }

    /// The next row of a growing page.
    pub fn push_row(&mut self, row: &[u8]) {
        if let Source::Growing(rows) = &mut self.0
            && !rows.ended
        {
            rows.rows.row(row);
            rows.rows_done += 1;
        }
    }

    /// Says that a growing page has no more rows.
    pub fn finish(&mut self) {
        if let Source::Growing(rows) = &mut self.0
            && !std::mem::replace(&mut rows.ended, true)
        {
            rows.rows.end();
        }
    }

    /// So many octets of fill behind the rows of a growing page in MH or MR, T.4 4.1.3: what the line gets while rows are
    /// late.
    pub fn pad(&mut self, octets: usize) {
        if let Source::Growing(GrowingRows { rows: RowEncoder::Runs(rows), ended: false, .. }) = &mut self.0 {
            rows.out.zeros(8 * octets as u32);
        }
    }

    /// Octets of a growing page that are there and not given.
    pub fn ready(&mut self) -> usize {
        match &mut self.0 {
            Source::Growing(rows) => rows.rows.octets().len() - rows.given,
            _ => 0,
        }
    }

    /// Writes the next octets and says how many: fewer than there is room for only at the end of the page, or of what is
    /// there of a growing one.
    pub fn fill(&mut self, out: &mut [u8]) -> usize {
        match &mut self.0 {
            Source::Rows(rows) => rows.fill(out),
            Source::Octets(octets, _, given) => {
                let count = out.len().min(octets.len() - *given);
                out[..count].copy_from_slice(&octets[*given..][..count]);
                *given += count;
                count
            }
            Source::Growing(rows) => rows.fill(out),
        }
    }

    /// Rows encoded so far; of a picture, those its octets stand for on average.
    pub fn rows_done(&self) -> u32 {
        match &self.0 {
            Source::Rows(rows) => rows.rows_done,
            Source::Growing(rows) => rows.rows_done,
            Source::Octets(octets, rows, given) => {
                (u64::from(*rows) * *given as u64 / octets.len().max(1) as u64) as u32
            }
        }
    }

    /// Whether every octet is given.
    pub fn is_ended(&mut self) -> bool {
        match &mut self.0 {
            Source::Rows(rows) => rows.ended && rows.rows.octets().len() == rows.given,
            Source::Octets(octets, _, given) => *given == octets.len(),
            Source::Growing(rows) => rows.ended && rows.rows.octets().len() == rows.given,
        }
    }
}

impl GrowingRows {
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let ready = &self.rows.octets()[self.given..];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        if self.given == self.rows.octets().len() && !self.ended {
            self.rows.drop_octets();
            self.given = 0;
        }
        count
    }
}

impl RowSource {
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        loop {
            let ready = &self.rows.octets()[self.given..];
            let count = ready.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&ready[..count]);
            self.given += count;
            filled += count;
            if filled == out.len() || !self.encode_more() {
                return filled;
            }
        }
    }

    /// Encodes one row, or the end. False when there is nothing more. Octets given before are forgotten.
    fn encode_more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.rows.drop_octets();
        self.given = 0;
        if self.rows_done < self.page.bitmap.height() {
            self.rows.row(self.page.bitmap.row(self.rows_done));
            self.rows_done += 1;
        } else {
            self.rows.end();
            self.ended = true;
        }
        true
    }
}

/// Encodes a whole bitmap.
pub fn encode(bitmap: &Bitmap, encoding: RowEncoding) -> Vec<u8> {
    let mut rows = RowEncoder::new(bitmap.width(), bitmap.height(), encoding);
    for row in 0..bitmap.height() {
        rows.row(bitmap.row(row));
    }
    rows.end();
    rows.into_octets()
}
