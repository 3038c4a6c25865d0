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
        let progress = self.run_from(&mut place, bits);
        self.place = place;
        progress
    }

    #[inline]
    fn run_from(&mut self, place: &mut Place, bits: &mut BitReader<'_>) -> Progress {
        loop {
            bits.refill();
            if place.runs == 0 {
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
                if place.runs == 0 && place.at == self.width as i32 {
                    return Progress::Whole { zeros_before: place.zeros };
                }
            } else {
                let ahead = bits.peek(RUN_LOOK_AHEAD);
                let entry = u32::from(RUNS_BY_BITS[usize::from(place.black)][ahead]);
                let (pels, len) = (entry >> 4, entry & 15);
                if len == 0 || len > bits.count() {
                    let told = len == 0 && bits.count() >= RUN_LOOK_AHEAD;
                    return if told { self.without_code(place, ahead) } else { Progress::Starved };
                }
                place.zeros = zeros_at_the_end(ahead, len);
                bits.take(len);
                place.made_up += pels;
                let to = place.at.max(0) as u32 + place.made_up;
                if to > self.width {
                    return Progress::Broken { zeros_before: place.zeros };
                }
                if pels >= 64 {
                    continue;
                }
                self.changes.push(to);
                *place = Place { at: to as i32, black: !place.black, made_up: 0, ..*place };
                if place.runs != NOTHING_BUT_RUNS {
                    place.runs -= 1;
                    if place.runs > 0 {
                        continue;
                    }
                }
                if to == self.width {
                    return Progress::Whole { zeros_before: place.zeros };
                }
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
        if mode == Mode::Horizontal {
            place.runs = 2;
            return true;
        }
        let above = self.above.places();
        while (above[place.above] as i32) <= place.at && above[place.above] < self.width {
            place.above += 2;
        }
        if mode == Mode::Pass {
            place.at = above[place.above + 1] as i32;
            return true;
        }
        let to = above[place.above] as i32 + mode.offset();
        if to <= place.at || to > self.width as i32 {
            return false;
        }
        self.changes.push(to as u32);
        *place = Place { at: to, black: !place.black, above: other_colour(place.above), ..*place };
        true
    }
}

/// Zeros that a code of `len` bits ends with.
#[inline]
fn zeros_at_the_end(code: usize, len: u32) -> u32 {
    ((code as u32) << (32 - len)).leading_zeros().min(len)
}
