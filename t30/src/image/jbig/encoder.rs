//! Rows to octets.

use super::header::{BASIC_STRIPE_ROWS, JbigHeader, MAX_AT_OFFSET, UNKNOWN_ROWS, marker};
use super::likeness::Likeness;
use super::qm_encoder::QmEncoder;
use super::states::Beliefs;
use super::template::{Coder, Place, Rows, Template, code_pels};

/// How a page is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JbigOptions {
    /// Rows of a stripe, L0; at least 1. Machines with the basic T.85 only take 128.
    pub stripe_rows: u32,
    /// Contexts from two rows instead of three: a little faster to compute and longer.
    pub two_rows: bool,
    /// Rows that are like the one above are said to be so with one symbol.
    pub typical: bool,
    /// The farthest the adaptive pel is moved to the left to meet the pattern of a screened picture; at most 127, 0: it
    /// stays.
    pub max_at_offset: u8,
    /// Text for whoever looks at the data.
    pub comment: Option<String>,
    /// The number of rows is told at the end, by a NEWLEN marker, as a scanner has to.
    pub rows_at_end: bool,
}

impl Default for JbigOptions {
    /// What every machine with T.85 takes.
    fn default() -> Self {
        Self {
            stripe_rows: BASIC_STRIPE_ROWS,
            two_rows: false,
            typical: true,
            max_at_offset: MAX_AT_OFFSET,
            comment: None,
            rows_at_end: false,
        }
    }
}

/// Encodes rows one after the other.
#[derive(Clone, Debug)]
pub(in super::super) struct JbigEncoder {
    options: JbigOptions,
    rows: Rows,
    template: Template,
    beliefs: Beliefs,
    qm: QmEncoder,
    likeness: Likeness,
    rows_in_stripe: u32,
    rows_done: u32,
    /// The row above was like the one above it.
    was_typical: bool,
    /// Octets that are ready.
    out: Vec<u8>,
}

impl JbigEncoder {
    /// Begins a page of that size.
    pub(in super::super) fn new(width: u32, height: u32, mut options: JbigOptions) -> Self {
        options.stripe_rows = options.stripe_rows.max(1);
        options.max_at_offset = options.max_at_offset.min(MAX_AT_OFFSET);
        let mut encoder = Self {
            rows: Rows::new(width),
            template: Template { two_rows: options.two_rows, at_offset: 0 },
            beliefs: Beliefs::default(),
            qm: QmEncoder::new(),
            likeness: Likeness::new(options.two_rows, options.max_at_offset),
            rows_in_stripe: 0,
            rows_done: 0,
            was_typical: false,
            options,
            out: Vec::new(),
        };
        encoder.begin(width, height);
        encoder
    }

    fn begin(&mut self, width: u32, height: u32) {
        let options = &self.options;
        let header = JbigHeader {
            width,
            rows: if options.rows_at_end { UNKNOWN_ROWS } else { height },
            stripe_rows: options.stripe_rows,
            max_at_offset: options.max_at_offset,
            two_rows: options.two_rows,
            variable_length: options.rows_at_end,
            typical: options.typical,
        };
        header.write(&mut self.out);
        if let Some(comment) = &options.comment {
            self.out.extend_from_slice(&[0xFF, marker::COMMENT]);
            self.out.extend_from_slice(&(comment.len() as u32).to_be_bytes());
            self.out.extend_from_slice(comment.as_bytes());
        }
    }

    /// Encodes the next row.
    pub(in super::super) fn row(&mut self, octets: &[u8]) {
        if self.rows_in_stripe == 0 && self.rows_done > 0 {
            self.move_adaptive_pel();
        }
        self.rows.set(octets);
        if !(self.options.typical && self.is_typical()) {
            self.pels();
            self.likeness.look(&self.rows);
        }
        self.rows.advance();
        self.rows_done += 1;
        self.rows_in_stripe += 1;
        if self.rows_in_stripe == self.options.stripe_rows {
            self.end_stripe();
        }
    }

    /// Ends the page.
    pub(in super::super) fn end(&mut self) {
        if self.rows_in_stripe > 0 {
            self.end_stripe();
        }
        if self.options.rows_at_end {
            self.out.extend_from_slice(&[0xFF, marker::NEWLEN]);
            self.out.extend_from_slice(&self.rows_done.to_be_bytes());
            // No row of another stripe comes, so one without rows ends the page: T.82 6.2.6.2.
            self.out.extend_from_slice(&[0xFF, marker::SDNORM]);
        }
    }

    /// Octets that are ready.
    pub(in super::super) fn octets(&self) -> &[u8] {
        &self.out
    }

    /// The octets that are ready have been given.
    pub(in super::super) fn drop_octets(&mut self) {
        self.out.clear();
    }

    /// All octets.
    pub(in super::super) fn into_octets(self) -> Vec<u8> {
        self.out
    }

    /// Before a stripe: moves the adaptive pel where it tells more.
    fn move_adaptive_pel(&mut self) {
        let at_offset = self.likeness.best(self.template.at_offset);
        if at_offset != self.template.at_offset {
            self.template.at_offset = at_offset;
            // From the stripe's first row on, in the same row.
            self.out.extend_from_slice(&[0xFF, marker::ATMOVE, 0, 0, 0, 0, at_offset, 0]);
        }
    }

    /// Says whether the row is like the one above, and whether it is.
    fn is_typical(&mut self) -> bool {
        let typical = self.rows.is_typical();
        let symbol = u32::from(typical == self.was_typical);
        self.qm.encode(self.beliefs.of(self.template.typical_context()), symbol, &mut self.out);
        self.was_typical = typical;
        typical
    }

    fn pels(&mut self) {
        let mut place = Place::first(self.template, &self.rows);
        let end = self.rows.width();
        let mut coder = Encoding { qm: self.qm, beliefs: &mut self.beliefs, out: &mut self.out };
        code_pels::<true>(self.template, &mut self.rows, &mut place, end, &mut coder);
        self.qm = coder.qm;
    }

    fn end_stripe(&mut self) {
        std::mem::replace(&mut self.qm, QmEncoder::new()).flush(&mut self.out);
        self.out.extend_from_slice(&[0xFF, marker::SDNORM]);
        self.rows_in_stripe = 0;
    }
}

/// The encoder while it works on a row.
struct Encoding<'a> {
    qm: QmEncoder,
    beliefs: &'a mut Beliefs,
    out: &'a mut Vec<u8>,
}

impl Coder for Encoding<'_> {
    #[inline(always)]
    fn pel(&mut self, context: u32, known: u32) -> u32 {
        self.qm.encode(self.beliefs.of(context), known, self.out);
        known
    }

    #[inline(always)]
    fn white(&mut self, count: u32) -> u32 {
        self.qm.encode_zeros(*self.beliefs.of(0), count)
    }
}
