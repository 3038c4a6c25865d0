//! Octets of MH, MR or MMR to a page.
//!
//! ```text
//!            begin of page (MH, MR on a line)
//!                     │
//!                     ▼        EOL (and tag)
//!      ┌──────────▶ hunt ───────────────────────▶ gap ◀───────── begin of page (else)
//!      │                                          │ ▲
//!      │ row broken, or no EOL behind it          │ │ row whole; EOL
//!      │                                      data│ │
//!      └───────────────────────────────────────  row
//! ```
//!
//! A row on the line is believed when its runs add up to the width and an end-of-line code stands behind it. In place of
//! one that is not, the row before is repeated.

use super::bits::{BitReader, LeftBits};
use super::row_decoder::{Progress, RowDecoder};
use super::tables::EOL_ZEROS;
use super::{Bitmap, Coding, DecodeLimits, DecodedPage, RowFraming, t4, t6};

/// T.4's code of a white run of no pels, 00110101, as it is peeked: its bits and the zeros it begins with.
const EMPTY_RUN: usize = 0b1010_1100;
const EMPTY_RUN_BITS: u32 = 8;
const EMPTY_RUN_ZEROS: u32 = 2;

/// End-of-line codes in a row that are taken for the return to control: fewer than there should be, so that a bit error
/// among them does not hide it, and more than one damaged row can make.
const RTC_RECOGNISED: u32 = 3;

/// Bad rows among the codes of a return to control that are taken for damaged codes.
const DAMAGED_CODES: u32 = 2;

/// What the decoder waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For an end-of-line code, not believing anything else. The last bits were so many zeros.
    Hunt { zeros: u32 },
    /// For an end-of-line code or a row. So many zeros are taken already, none or enough for an end-of-line code.
    Gap { zeros: u32 },
    /// For the bit behind an end-of-line code.
    Tag,
    /// For the rest of a row.
    Row,
    /// For nothing: the page has ended, is full, or is broken beyond help.
    Over,
}

/// Counts at a moment.
#[derive(Clone, Copy, Debug)]
struct Counted {
    rows: u32,
    bad_rows: u32,
    longest_bad_run: u32,
}

/// Decodes a page while its octets come in.
#[derive(Clone, Debug)]
pub(super) struct RunDecoder {
    coding: Coding,
    framing: RowFraming,
    limits: DecodeLimits,
    state: State,
    left: LeftBits,
    row: RowDecoder,
    /// A row is whole, but what follows must show that it was right. Its last bits were so many zeros.
    row_waits: Option<u32>,
    /// The next row is coded by itself.
    one_dimensional: bool,
    /// MR: the row above is not what it should be, so only a row coded by itself can be decoded.
    above_lost: bool,
    /// End-of-line codes since the last row.
    eols: u32,
    /// What was counted when end-of-line codes began to follow each other; forgotten with the next good row.
    before_doubled_eol: Option<Counted>,
    bad_run: u32,
    page: DecodedPage,
}

impl RunDecoder {
    pub(super) fn new(width: u32, coding: Coding, framing: RowFraming, limits: DecodeLimits) -> Self {
        let hunts = coding == Coding::Mr || coding == Coding::Mh && framing == RowFraming::Line;
        Self {
            coding,
            framing,
            limits,
            state: if hunts { State::Hunt { zeros: 0 } } else { State::Gap { zeros: 0 } },
            left: LeftBits::default(),
            row: RowDecoder::new(width),
            row_waits: None,
            one_dimensional: coding == Coding::Mh,
            above_lost: false,
            eols: 0,
            before_doubled_eol: None,
            bad_run: 0,
            page: DecodedPage {
                bitmap: Bitmap::new(width),
                bad_rows: 0,
                longest_bad_run: 0,
                ended: false,
                picture: None,
            },
        }
    }

    /// Decodes the next octets.
    pub(super) fn push(&mut self, octets: &[u8]) {
        if self.state == State::Over {
            return;
        }
        let mut bits = BitReader::new(self.left, octets);
        while self.step(&mut bits) {}
        self.left = if self.state == State::Over { LeftBits::default() } else { bits.left() };
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// What is decoded so far.
    pub(super) fn page(&self) -> &DecodedPage {
        &self.page
    }

    fn rows(&self) -> u32 {
        self.page.bitmap.height()
    }

    /// What came of it. A row that was begun and not finished is left out.
    pub(super) fn finish(mut self) -> DecodedPage {
        if self.row_waits.is_some() {
            self.keep_row();
        }
        if self.state != State::Over && (self.before_doubled_eol.is_some() && self.eols > 1 || self.mmr_ends()) {
            self.end();
        }
        self.page
    }

    /// Does what the next bits ask for. False when there are too few.
    fn step(&mut self, bits: &mut BitReader<'_>) -> bool {
        match self.state {
            State::Hunt { zeros } => self.hunt(zeros, bits),
            State::Gap { zeros } => self.gap(zeros, bits),
            State::Tag => match bits.bit() {
                Some(one_dimensional) => {
                    self.one_dimensional = one_dimensional;
                    self.state = State::Gap { zeros: 0 };
                    true
                }
                None => false,
            },
            State::Row => self.go_on_with_row(bits),
            State::Over => false,
        }
    }

    fn hunt(&mut self, zeros: u32, bits: &mut BitReader<'_>) -> bool {
        match bits.zeros() {
            Ok(more) => {
                bits.take(more + 1);
                self.state = State::Hunt { zeros: 0 };
                if zeros.saturating_add(more) >= EOL_ZEROS {
                    self.eol();
                }
                true
            }
            Err(more) => {
                bits.take(more);
                self.state = State::Hunt { zeros: zeros.saturating_add(more) };
                more > 0
            }
        }
    }

    fn gap(&mut self, zeros: u32, bits: &mut BitReader<'_>) -> bool {
        match bits.zeros() {
            Ok(more) if zeros.saturating_add(more) >= EOL_ZEROS => {
                bits.take(more + 1);
                self.eol();
                true
            }
            Ok(EMPTY_RUN_ZEROS) if zeros == 0 && self.row_waits.is_some() && self.framing == RowFraming::Line => {
                self.empty_run(bits)
            }
            Ok(_) => {
                self.data();
                true
            }
            Err(more) if zeros.saturating_add(more) >= EOL_ZEROS => {
                bits.take(more);
                self.state = State::Gap { zeros: zeros.saturating_add(more) };
                more > 0
            }
            Err(_) => false,
        }
    }

    /// A row that ends black may have a white run of no pels behind it, which some encoders write. In files without
    /// end-of-line codes it would be the beginning of a row that begins black.
    fn empty_run(&mut self, bits: &mut BitReader<'_>) -> bool {
        bits.refill();
        if bits.count() < EMPTY_RUN_BITS {
            return false;
        }
        if bits.peek(EMPTY_RUN_BITS) == EMPTY_RUN && self.one_dimensional {
            bits.take(EMPTY_RUN_BITS);
        } else {
            self.data();
        }
        true
    }

    /// An end-of-line code was found.
    fn eol(&mut self) {
        if self.row_waits.is_some() {
            self.keep_row();
            if self.state == State::Over {
                return;
            }
        }
        self.eols += 1;
        let enough = match self.coding {
            Coding::Mmr => t6::EOFB_EOLS,
            // Before the first row several codes are more likely a sender's way to begin than an empty page.
            _ if self.rows() == 0 => t4::RTC_EOLS,
            _ => RTC_RECOGNISED,
        };
        if self.eols == 2 && self.before_doubled_eol.is_none() {
            let DecodedPage { bad_rows, longest_bad_run, .. } = self.page;
            self.before_doubled_eol = Some(Counted { rows: self.rows(), bad_rows, longest_bad_run });
        }
        if self.eols >= enough {
            return self.end();
        }
        self.state = if self.coding == Coding::Mr { State::Tag } else { State::Gap { zeros: 0 } };
    }

    /// The bits ahead are no end-of-line code, so they are a row.
    fn data(&mut self) {
        if let Some(zeros) = self.row_waits {
            if self.framing == RowFraming::Line && self.coding != Coding::Mmr {
                // The runs added up too early, or the code behind the row is damaged: nobody can tell.
                return self.bad_row(zeros);
            }
            self.keep_row();
        }
        if self.rows() > 0 {
            // Two codes in succession with a row behind them: the row between them is lost.
            for _ in 1..self.eols {
                self.repeat_row();
            }
        }
        self.eols = 0;
        if self.state == State::Over {
            return;
        }
        if self.above_lost && !self.one_dimensional {
            return self.bad_row(0);
        }
        self.row.begin(self.one_dimensional);
        self.state = State::Row;
    }

    fn go_on_with_row(&mut self, bits: &mut BitReader<'_>) -> bool {
        match self.row.run(bits) {
            Progress::Starved => return false,
            Progress::Broken { zeros_before } => self.bad_row(zeros_before),
            Progress::Whole { zeros_before } => {
                if self.framing == RowFraming::OctetRows {
                    bits.align();
                }
                if self.coding == Coding::Mmr {
                    self.keep_row();
                } else {
                    self.row_waits = Some(zeros_before);
                }
                if self.state != State::Over {
                    self.state = State::Gap { zeros: 0 };
                }
            }
        }
        true
    }

    /// Adds the row that is whole.
    fn keep_row(&mut self) {
        self.row_waits = None;
        self.above_lost = false;
        self.bad_run = 0;
        self.before_doubled_eol = None;
        let row = self.row.keep();
        row.paint(self.page.bitmap.push_white_row());
        self.stop_when_full();
    }

    /// Gives a row up and looks for the next one.
    fn bad_row(&mut self, zeros_before: u32) {
        self.row_waits = None;
        self.eols = 0;
        if self.coding == Coding::Mmr {
            // All rows below depend on this one.
            self.count_bad_row();
            self.state = State::Over;
            return;
        }
        self.state = State::Hunt { zeros: zeros_before };
        self.above_lost = true;
        self.repeat_row();
    }

    /// Adds a bad row.
    fn repeat_row(&mut self) {
        if self.state == State::Over {
            return;
        }
        self.count_bad_row();
        self.page.bitmap.repeat_row();
        self.above_lost = true;
        self.stop_when_full();
    }

    fn count_bad_row(&mut self) {
        self.page.bad_rows += 1;
        self.bad_run += 1;
        self.page.longest_bad_run = self.page.longest_bad_run.max(self.bad_run);
    }

    fn stop_when_full(&mut self) {
        if self.rows() >= self.limits.max_rows {
            self.state = State::Over;
        }
    }

    /// The end of the page was said. Bad rows since end-of-line codes began to follow each other were damaged codes.
    fn end(&mut self) {
        self.page.ended = true;
        self.state = State::Over;
        let Some(counted) = self.before_doubled_eol else { return };
        if self.rows() - counted.rows <= DAMAGED_CODES {
            self.page.bitmap.truncate_rows(counted.rows);
            self.page.bad_rows = counted.bad_rows;
            self.page.longest_bad_run = counted.longest_bad_run;
        }
    }

    /// Half an EOFB is one when nothing follows.
    fn mmr_ends(&self) -> bool {
        self.coding == Coding::Mmr && self.eols > 0
    }
}
