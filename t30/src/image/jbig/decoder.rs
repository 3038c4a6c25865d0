//! Octets to rows, in pieces of any size. Rows are decoded as soon as the octets for them are there.

use super::super::{Bitmap, DecodeLimits, DecodedPage};
use super::header::{JbigHeader, UNKNOWN_ROWS, nearest_at_offset};
use super::qm_decoder::{QmDecoder, QmRegisters};
use super::segments::{Segment, Segments, Turning};
use super::states::Beliefs;
use super::template::{Coder, Place, Rows, Template, code_pels};

/// Octets looked at in one go.
const PIECE: usize = 1024;

/// Decoding waits until so many symbols can be decoded whatever the octets are, or the stripe has ended.
const WORTHWHILE: usize = 64;

/// Octets behind those used up that an encoder may have written to end its code.
const ENDING: usize = 2;

/// Decodes a page while its octets come in.
///
/// Nothing in a code is impossible, so damage shows late: by octets left over at the end of a stripe, or markers that
/// make no sense. Nothing below can be decoded then, as all rows depend on those above.
#[derive(Clone, Debug)]
pub(in super::super) struct JbigDecoder {
    width: u32,
    limits: DecodeLimits,
    turning: Turning,
    segments: Segments,
    header: Option<JbigHeader>,
    rows: Rows,
    template: Template,
    beliefs: Beliefs,
    registers: QmRegisters,
    /// Octets of the stripe that are not used up.
    coded: Vec<u8>,
    rows_in_stripe: u32,
    /// Octets that may still come when the stripe's rows are decoded.
    expected: usize,
    /// Others came.
    surplus: bool,
    /// The row that is begun, if any, and how far it is.
    place: Option<Place>,
    /// The row above was like the one above it.
    was_typical: bool,
    /// Row of the stripe from which on the adaptive pel is elsewhere.
    pending_move: Option<(u32, u8)>,
    is_over: bool,
    page: DecodedPage,
}

impl JbigDecoder {
    pub(in super::super) fn new(width: u32, limits: DecodeLimits) -> Self {
        Self {
            width,
            limits,
            turning: Turning::default(),
            segments: Segments::new(),
            header: None,
            rows: Rows::new(width),
            template: Template { two_rows: false, at_offset: 0 },
            beliefs: Beliefs::default(),
            registers: QmRegisters::new(),
            coded: Vec::new(),
            rows_in_stripe: 0,
            expected: 0,
            surplus: false,
            place: None,
            was_typical: false,
            pending_move: None,
            is_over: false,
            page: DecodedPage {
                bitmap: Bitmap::new(width),
                bad_rows: 0,
                longest_bad_run: 0,
                ended: false,
                picture: None,
            },
        }
    }

    pub(in super::super) fn push(&mut self, octets: &[u8]) {
        let mut turned = [0; PIECE];
        for octets in octets.chunks(PIECE) {
            let mut piece = self.turning.upright(octets, &mut turned);
            while !self.is_over
                && let Some(segment) = self.segments.next(&mut piece)
            {
                self.segment(segment);
            }
            if !self.is_over {
                self.decode(Enough::AtHand);
            }
        }
    }

    pub(in super::super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(in super::super) fn page(&self) -> &DecodedPage {
        &self.page
    }

    /// What came of it. Rows for which octets are missing are left out.
    pub(in super::super) fn finish(mut self) -> DecodedPage {
        if !self.is_over && self.header.is_some() {
            self.decode(Enough::WhileTheyLast);
        }
        self.page
    }

    fn segment(&mut self, segment: Segment<'_>) {
        match segment {
            Segment::Header(header) => self.begin(header),
            Segment::Coded(octets) if self.rows_left() == 0 => self.unneeded(octets),
            Segment::Coded(octets) => self.coded.extend_from_slice(octets),
            Segment::StripeEnd { resets } => self.end_stripe(resets),
            Segment::NewLength(rows) => self.new_length(rows),
            Segment::MoveAdaptivePel { row, offset } => self.adaptive_pel_will_move(row, offset),
            Segment::Broken => self.break_off(),
        }
    }

    fn begin(&mut self, header: JbigHeader) {
        self.template.two_rows = header.two_rows;
        self.header = Some(header);
        if header.width != self.width {
            return self.stop(1);
        }
        self.end_if_complete();
    }

    fn adaptive_pel_will_move(&mut self, row: u32, offset: u8) {
        let header = self.header.expect("markers follow the header");
        let possible = offset == 0 || (nearest_at_offset(header.two_rows)..=header.max_at_offset).contains(&offset);
        // T.85: once in a stripe.
        if !possible || self.pending_move.is_some() {
            return self.stop(1);
        }
        self.pending_move = Some((row, offset));
    }

    fn end_stripe(&mut self, resets: bool) {
        self.decode(Enough::Always);
        if self.is_over {
            return;
        }
        if self.surplus {
            // The code says more than the stripe has rows, so they are not the rows that were encoded.
            return self.stop(self.rows_in_stripe);
        }
        self.registers = QmRegisters::new();
        self.rows_in_stripe = 0;
        self.pending_move = None;
        if resets {
            self.beliefs.forget();
            self.rows.forget();
            self.template.at_offset = 0;
            self.was_typical = false;
        }
        self.end_if_complete();
    }

    fn new_length(&mut self, rows: u32) {
        let Some(header) = &mut self.header else { return };
        if !header.variable_length || rows > header.rows {
            return self.stop(1);
        }
        header.rows = rows;
        header.variable_length = false;
        // A stripe that ends the page may have had fewer rows than could be known.
        self.page.bitmap.truncate_rows(rows);
        self.end_if_complete();
    }

    fn end_if_complete(&mut self) {
        let Some(header) = self.header else { return };
        self.page.ended = self.page.bitmap.height() >= header.rows;
        self.is_over |= (self.page.ended || self.is_full()) && !header.variable_length;
    }

    /// No more of the stripe comes: what can be decoded of it is.
    fn break_off(&mut self) {
        self.decode(Enough::WhileTheyLast);
        if !self.is_over {
            self.stop(1);
        }
    }

    /// Decodes nothing more. So many of the last rows are not to be believed, or missing.
    fn stop(&mut self, bad_rows: u32) {
        self.is_over = true;
        if self.page.ended {
            return;
        }
        self.page.bad_rows += bad_rows.max(1);
        self.page.longest_bad_run = self.page.bad_rows;
        self.coded = Vec::new();
    }

    /// Rows of the stripe, as far as is known, that are not decoded.
    fn rows_left(&self) -> u32 {
        let Some(header) = self.header else { return 0 };
        let rows = self.page.bitmap.height();
        let of_page = if header.rows == UNKNOWN_ROWS { u32::MAX } else { header.rows.saturating_sub(rows) };
        let of_limit = self.limits.max_rows.saturating_sub(rows);
        (header.stripe_rows - self.rows_in_stripe).min(of_page).min(of_limit)
    }

    /// Decodes what can be decoded.
    fn decode(&mut self, enough: Enough) {
        if self.rows_left() == 0 || enough == Enough::AtHand && self.coded.len() < 2 * WORTHWHILE + 8 {
            return;
        }
        let mut coded = std::mem::take(&mut self.coded);
        let mut qm = QmDecoder::new(self.registers, &coded);
        while self.rows_left() > 0 {
            let symbols = if enough == Enough::AtHand { qm.symbols_at_hand() } else { usize::MAX };
            if symbols < WORTHWHILE || !self.go_on(symbols, &mut qm, enough) {
                break;
            }
        }
        self.expected = qm.used() + ENDING;
        let (registers, taken) = qm.pause();
        self.registers = registers;
        if self.rows_left() == 0 {
            self.is_over |= self.is_full() && self.header.is_some_and(|header| !header.variable_length);
            self.unneeded(&coded);
            coded.clear();
        } else {
            coded.drain(..taken.min(coded.len()));
        }
        self.coded = coded;
    }

    /// Decodes a row, or so many symbols of it. False when octets are missing.
    fn go_on(&mut self, symbols: usize, qm: &mut QmDecoder<'_>, enough: Enough) -> bool {
        let begun = match self.place.take() {
            Some(place) => Some(place),
            None => self.begin_row(qm),
        };
        let whole = begun.is_none_or(|place| self.pels(place, symbols - 1, qm));
        if enough == Enough::WhileTheyLast && qm.is_exhausted() {
            return false;
        }
        if whole {
            self.page.bitmap.push_row(self.rows.octets());
            self.rows.advance();
            self.rows_in_stripe += 1;
        }
        true
    }

    /// Octets of a stripe whose rows are all decoded. Its code ends with a few; others show that it was not its code.
    fn unneeded(&mut self, octets: &[u8]) {
        let expected = self.expected.min(octets.len());
        self.expected -= expected;
        self.surplus |= !self.is_full() && octets[expected..].iter().any(|octet| *octet != 0);
    }

    /// Whether there are as many rows as there may be.
    fn is_full(&self) -> bool {
        self.page.bitmap.height() >= self.limits.max_rows
    }

    /// Begins a row; none when it is like the one above and so done.
    fn begin_row(&mut self, qm: &mut QmDecoder<'_>) -> Option<Place> {
        if let Some((_, offset)) = self.pending_move.filter(|(row, _)| *row == self.rows_in_stripe) {
            self.template.at_offset = offset;
        }
        if self.header.is_some_and(|header| header.typical) {
            let changes = qm.decode(self.beliefs.of(self.template.typical_context())) == 0;
            self.was_typical ^= changes;
            if self.was_typical {
                self.rows.repeat();
                return None;
            }
        }
        Some(Place::first(self.template, &self.rows))
    }

    /// Decodes pels of a row, at most so many; says whether it is whole.
    fn pels(&mut self, mut place: Place, symbols: usize, qm: &mut QmDecoder<'_>) -> bool {
        let end = place.x + usize::min(symbols, (self.width - place.x) as usize) as u32;
        let mut coder = Decoding { qm, beliefs: &mut self.beliefs };
        code_pels::<false>(self.template, &mut self.rows, &mut place, end, &mut coder);
        let whole = end == self.width;
        self.place = (!whole).then_some(place);
        whole
    }
}

/// Which octets are enough to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enough {
    /// More will come: only what is certain now is decoded.
    AtHand,
    /// No more come, though they should: rows are decoded until octets are missing.
    WhileTheyLast,
    /// The stripe has ended: zeros stand for all that were left out.
    Always,
}

/// The decoder while it works on a row.
struct Decoding<'a, 'b> {
    qm: &'a mut QmDecoder<'b>,
    beliefs: &'a mut Beliefs,
}

impl Coder for Decoding<'_, '_> {
    #[inline(always)]
    fn pel(&mut self, context: u32, _: u32) -> u32 {
        self.qm.decode(self.beliefs.of(context))
    }

    #[inline(always)]
    fn white(&mut self, count: u32) -> u32 {
        self.qm.decode_zeros(*self.beliefs.of(0), count)
    }
}
