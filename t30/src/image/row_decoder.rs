//! The bits of one row to its changing elements. It can stop at any bit for want of more.

use super::bits::BitReader;
use super::changes::Changes;
use super::t6::other_colour;
use super::tables::{EOL_ZEROS, MODE_LOOK_AHEAD, MODES_BY_BITS, Mode, RUN_LOOK_AHEAD, RUNS_BY_BITS};

/// How far a row came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The bits are used up.
    Starved,
    /// The row has its width. So many zeros were its last bits.
    Whole { zeros_before: u32 },
    /// The bits are no code, or say more pels than there are. So many zeros were the last bits before.
    Broken { zeros_before: u32 },
}

/// Where in a row the decoder is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// a0: the pels before are known; -1 before the first code of a two-dimensional row.
    at: i32,
    /// Colour of the run from there on.
    black: bool,
    /// Runs to come before the next mode; a one-dimensional row has nothing but runs.
    runs: u32,
    /// Pels of make-up codes of this run.
    made_up: u32,
    /// Where in the row above b1 is looked for.
    above: usize,
    /// Zeros that the last code ended with.
    zeros: u32,
}

/// Runs of a one-dimensional row: as many as it takes.
const NOTHING_BUT_RUNS: u32 = u32::MAX;

/// Decoder of rows of one width.
#[derive(Clone, Debug)]
pub(super) struct RowDecoder {
    width: u32,
    above: Changes,
    changes: Changes,
    place: Place,
}

impl RowDecoder {
    pub(super) fn new(width: u32) -> Self {
        let place = Place { at: 0, black: false, runs: NOTHING_BUT_RUNS, made_up: 0, above: 0, zeros: 0 };
        Self { width, above: Changes::white(width), changes: Changes::white(width), place }
    }

    /// Begins a row.
    pub(super) fn begin(&mut self, one_dimensional: bool) {
        self.changes.clear();
        let (at, runs) = if one_dimensional { (0, NOTHING_BUT_RUNS) } else { (-1, 0) };
        self.place = Place { at, black: false, runs, made_up: 0, above: 0, zeros: 0 };
    }

    /// Takes the row that is whole as the one above the next, and gives it to be painted.
    pub(super) fn keep(&mut self) -> &Changes {
        self.changes.guard();
        std::mem::swap(&mut self.above, &mut self.changes);
        &self.above
    }

    /// Goes on with the row.
    pub(super) fn run(&mut self, bits: &mut BitReader<'_>) -> Progress {
        // A copy the compiler can keep in registers.
        let mut place = self.place;
        let progress = match place.runs {
            NOTHING_BUT_RUNS => self.runs_alone(&mut place, bits),
            _ => self.modes(&mut place, bits),
        };
        self.place = place;
        progress
    }

    /// A row coded by itself: runs until they add up to the width.
    #[inline]
    fn runs_alone(&mut self, place: &mut Place, bits: &mut BitReader<'_>) -> Progress {
        loop {
            if let Err(progress) = self.one_run(place, bits) {
                return progress;
            }
            if place.at as u32 == self.width {
                return Progress::Whole { zeros_before: place.zeros };
            }
        }
    }

    /// A row coded by what changed from the one above. Between two modes `place.above` is where b1 is.
    #[inline]
    fn modes(&mut self, place: &mut Place, bits: &mut BitReader<'_>) -> Progress {
        let width = self.width as i32;
        loop {
            while place.runs > 0 {
                if let Err(progress) = self.one_run(place, bits) {
                    return progress;
                }
                place.runs -= 1;
                if place.runs == 0 {
                    self.look_for_b1(place);
                }
            }
            if place.at == width {
                return Progress::Whole { zeros_before: place.zeros };
            }
            bits.refill();
            self.unchanged(place, bits);
            if place.at == width {
                return Progress::Whole { zeros_before: 0 };
            }
            bits.refill();
            let ahead = bits.peek(MODE_LOOK_AHEAD);
            let (mode, len) = match MODES_BY_BITS[ahead] {
                Some((mode, len)) if u32::from(len) <= bits.count() => (mode, u32::from(len)),
                None if bits.count() >= MODE_LOOK_AHEAD => return Progress::Broken { zeros_before: place.zeros },
                _ => return Progress::Starved,
            };
            place.zeros = zeros_at_the_end(ahead, len);
            bits.take(len);
            if !self.mode(place, mode) {
                return Progress::Broken { zeros_before: place.zeros };
            }
        }
    }

    /// Takes all codes ahead that say that a1 is right below b1: one bit each, and most of a page.
    #[inline]
    fn unchanged(&mut self, place: &mut Place, bits: &mut BitReader<'_>) {
        let ones = bits.ones();
        let above = self.above.places();
        let mut taken = 0;
        while taken < ones {
            let to = above[place.above];
            taken += 1;
            place.at = to as i32;
            if to == self.width {
                break;
            }
            self.changes.push_new(to);
            place.above += 1;
        }
        place.black ^= taken % 2 == 1;
        if taken > 0 {
            place.zeros = 0;
            bits.take(taken);
        }
    }

    /// Reads a run to its terminating code.
    #[inline]
    fn one_run(&mut self, place: &mut Place, bits: &mut BitReader<'_>) -> Result<(), Progress> {
        loop {
            bits.refill();
            let ahead = bits.peek(RUN_LOOK_AHEAD);
            let entry = u32::from(RUNS_BY_BITS[usize::from(place.black)][ahead]);
            let (pels, len) = (entry >> 4, entry & 15);
            if len == 0 || len > bits.count() {
                let told = len == 0 && bits.count() >= RUN_LOOK_AHEAD;
                return Err(if told { self.without_code(place, ahead) } else { Progress::Starved });
            }
            place.zeros = zeros_at_the_end(ahead, len);
            bits.take(len);
            place.made_up += pels;
            let to = place.at.max(0) as u32 + place.made_up;
            if to > self.width {
                return Err(Progress::Broken { zeros_before: place.zeros });
            }
            if pels < 64 {
                self.changes.push(to);
                *place = Place { at: to as i32, black: !place.black, made_up: 0, ..*place };
                return Ok(());
            }
        }
    }

    /// The bits ahead are no run code. CombiFAX leaves out the terminating code of a last run that make-up codes fill: with
    /// the right sum and an end of line behind it, the row is as sure as any.
    #[cold]
    fn without_code(&mut self, place: &Place, ahead: usize) -> Progress {
        let to = place.at.max(0) as u32 + place.made_up;
        let end_of_line = ahead & ((1 << EOL_ZEROS) - 1) == 0;
        if place.runs == NOTHING_BUT_RUNS && to == self.width && end_of_line {
            Progress::Whole { zeros_before: place.zeros }
        } else {
            Progress::Broken { zeros_before: place.zeros }
        }
    }

    /// Does what a mode says. False when it cannot be.
    #[inline]
    fn mode(&mut self, place: &mut Place, mode: Mode) -> bool {
        let above = self.above.places();
        match mode {
            Mode::Horizontal => place.runs = 2,
            Mode::Pass => {
                place.at = above[place.above + 1] as i32;
                self.look_for_b1(place);
            }
            vertical => {
                let to = above[place.above] as i32 + vertical.offset();
                if to <= place.at || to > self.width as i32 {
                    return false;
                }
                self.changes.push(to as u32);
                *place = Place { at: to, black: !place.black, above: other_colour(place.above), ..*place };
                self.look_for_b1(place);
            }
        }
        true
    }

    /// Goes on to the first changing element of its colour in the row above that is right of a0.
    #[inline]
    fn look_for_b1(&self, place: &mut Place) {
        let above = self.above.places();
        while (above[place.above] as i32) <= place.at && above[place.above] < self.width {
            place.above += 2;
        }
    }
}

/// Zeros that a code of `len` bits ends with.
#[inline]
fn zeros_at_the_end(code: usize, len: u32) -> u32 {
    ((code as u32) << (32 - len)).leading_zeros().min(len)
}
