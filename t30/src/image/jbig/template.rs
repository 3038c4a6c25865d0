//! Where contexts come from: pels around the one that is coded, ITU-T T.82 (03/93) 6.7.1.
//!
//! ```text
//!   three rows            two rows
//!     9 8 7
//!   6 5 4 3 A           9 8 7 6 5 A
//!   1 0 x             3 2 1 0 x            numbers: bits of the context; A: bit 2 or 4, the adaptive pel where it begins
//! ```
//!
//! A context becomes the next one by a shift to the left, the two or three pels that enter, and the pel just coded.

/// Octets of white behind each row, so that words can be read past its end.
const MARGIN: usize = 16;

/// A template, and where its adaptive pel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// Contexts from two rows, else three.
    pub(super) two_rows: bool,
    /// How far left of the pel the adaptive pel is in the same row; 0: where it begins.
    pub(super) at_offset: u8,
}

impl Template {
    /// The context of the pel that says whether a row is typical, T.82 figure 7.
    pub(super) const fn typical_context(self) -> u32 {
        if self.two_rows { 0x195 } else { 0x0E5 }
    }
}

/// A row and the two above it, each with a margin.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    width: u32,
    stride: usize,
    /// The row that is coded; pels not coded yet are white.
    pub(super) row: Vec<u8>,
    pub(super) above: Vec<u8>,
    second_above: Vec<u8>,
}

impl Rows {
    pub(super) fn new(width: u32) -> Self {
        let stride = width.div_ceil(8) as usize;
        let white = vec![0; stride + MARGIN];
        Self { width, stride, row: white.clone(), above: white.clone(), second_above: white }
    }

    /// Pels in a row.
    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// The octets of the row that is coded.
    pub(super) fn octets(&self) -> &[u8] {
        &self.row[..self.stride]
    }

    pub(super) fn set(&mut self, octets: &[u8]) {
        self.row[..self.stride].copy_from_slice(octets);
    }

    /// Makes the row that is coded as the one above.
    pub(super) fn repeat(&mut self) {
        self.row.copy_from_slice(&self.above);
    }

    /// Whether the row that is coded is as the one above.
    pub(super) fn is_typical(&self) -> bool {
        self.row == self.above
    }

    /// Pels that differ from the one so many places to the right in the row above.
    pub(super) fn differ_from_above(&self, right: u32) -> u32 {
        let differ = |x: u32| word(&self.row, x) ^ word(&self.above, x + right);
        self.words().map(|x| (differ(x) >> 32).count_ones()).sum()
    }

    /// Pels that differ from the one so many places to the left.
    pub(super) fn differ_from_left(&self, left: u8) -> u32 {
        let left = u32::from(left);
        let differ = |x: u32| word(&self.row, x) ^ word(&self.row, x - left);
        self.words().filter(|x| *x >= left).map(|x| (differ(x) >> 32).count_ones()).sum()
    }

    /// Where words of 32 pels begin.
    fn words(&self) -> impl Iterator<Item = u32> {
        (0..self.width).step_by(32)
    }

    /// The row is coded: it is the one above the next.
    pub(super) fn advance(&mut self) {
        std::mem::swap(&mut self.above, &mut self.second_above);
        std::mem::swap(&mut self.row, &mut self.above);
        self.row.fill(0);
    }

    /// White above, as before the first row.
    pub(super) fn forget(&mut self) {
        [&mut self.row, &mut self.above, &mut self.second_above].into_iter().for_each(|row| row.fill(0));
    }
}

/// A place in a row and the context there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The pel that is coded next.
    pub(super) x: u32,
    /// Its context with the adaptive pel where it begins.
    context: u32,
    /// Pels to the left, the nearest lowest.
    left: u128,
}

impl Place {
    /// The first pel of a row. All left of it is white.
    pub(super) fn first(template: Template, rows: &Rows) -> Self {
        let above = (word(&rows.above, 0) >> 61) as u32;
        let context = match template.two_rows {
            true => above << 4,
            false => above << 2 | ((word(&rows.second_above, 0) >> 62) as u32) << 7,
        };
        Self { x: 0, context, left: 0 }
    }
}

/// Codes symbols one way or the other.
pub(super) trait Coder {
    /// The pel at `x` of the row: found out, or looked up and said.
    fn pel(&mut self, context: u32, known: u32) -> u32;
    /// Codes up to `count` white pels with context 0 at once; says how many.
    fn white(&mut self, count: u32) -> u32;
}

/// Codes pels from `place` on until `end`. `KNOWN`: they are in the row already, else they are put there.
pub(super) fn code_pels<const KNOWN: bool>(
    template: Template,
    rows: &mut Rows,
    place: &mut Place,
    end: u32,
    coder: &mut impl Coder,
) {
    match (template.two_rows, template.at_offset) {
        (false, 0) => code::<false, false, KNOWN>(0, rows, place, end, coder),
        (true, 0) => code::<true, false, KNOWN>(0, rows, place, end, coder),
        (false, at) => code::<false, true, KNOWN>(at, rows, place, end, coder),
        (true, at) => code::<true, true, KNOWN>(at, rows, place, end, coder),
    }
}

/// Pels coded between looks for white.
const PIECE: u32 = 32;

fn code<const TWO_ROWS: bool, const MOVED: bool, const KNOWN: bool>(
    at_offset: u8,
    rows: &mut Rows,
    place: &mut Place,
    end: u32,
    coder: &mut impl Coder,
) {
    while place.x < end {
        if place.context == 0 && (!MOVED || place.left == 0) {
            let white = white_ahead::<TWO_ROWS, KNOWN>(rows, place.x).min(end - place.x);
            let coded = if white > 0 { coder.white(white) } else { 0 };
            place.x += coded;
            place.left = place.left.checked_shl(coded).unwrap_or(0);
            if coded == white && white > 0 {
                continue;
            }
        }
        let count = PIECE.min(end - place.x);
        piece::<TWO_ROWS, MOVED, KNOWN>(at_offset, rows, place, count, coder);
    }
}

/// Codes up to [`PIECE`] pels one after the other.
#[inline(always)]
fn piece<const TWO_ROWS: bool, const MOVED: bool, const KNOWN: bool>(
    at_offset: u8,
    rows: &mut Rows,
    place: &mut Place,
    count: u32,
    coder: &mut impl Coder,
) {
    let (at_bit, kept) = if TWO_ROWS { (4, 0x3EE) } else { (2, 0x37A) };
    let mut above = word(&rows.above, place.x + 3) as i64;
    let mut second_above = if TWO_ROWS { 0 } else { word(&rows.second_above, place.x + 2) as i64 };
    let mut known = if KNOWN { word(&rows.row, place.x) } else { 0 };
    let (mut context, mut left, mut pels) = (place.context, place.left, 0u64);
    for _ in 0..count {
        let asked = if MOVED {
            let adaptive = (left >> (at_offset - 1)) as u32 & 1;
            context & !(1 << at_bit) | adaptive << at_bit
        } else {
            context
        };
        let pel = coder.pel(asked, (known >> 63) as u32);
        context = context << 1 & kept | (above >> 63) as u32 & 1 << at_bit | pel;
        above <<= 1;
        if !TWO_ROWS {
            context |= (second_above >> 63) as u32 & 1 << 7;
            second_above <<= 1;
        }
        if KNOWN {
            known <<= 1;
        } else {
            pels = pels << 1 | u64::from(pel);
        }
        if MOVED {
            left = left << 1 | u128::from(pel);
        }
    }
    if !KNOWN && pels != 0 {
        put(&mut rows.row, place.x, pels << (64 - count));
    }
    *place = Place { x: place.x + count, context, left };
}

/// Pels from there on, the first in the most significant place; at least 57 of them.
#[inline(always)]
fn word(row: &[u8], x: u32) -> u64 {
    let at = (x / 8) as usize;
    let octets = row.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; 8]);
    u64::from_be_bytes(octets) << (x % 8)
}

/// Adds black pels, of which at most 57 are given.
#[inline(always)]
fn put(row: &mut [u8], x: u32, pels: u64) {
    let at = (x / 8) as usize;
    if let Some(octets) = row.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<8>()) {
        *octets = (u64::from_be_bytes(*octets) | pels >> (x % 8)).to_be_bytes();
    }
}

/// How many pels from `x` on have white all around, given that the context there is: as far as whole octets tell.
fn white_ahead<const TWO_ROWS: bool, const KNOWN: bool>(rows: &Rows, x: u32) -> u32 {
    let first = (x / 8) as usize;
    let octets = rows.stride + 1;
    let black_in = |row: &[u8]| row[first..octets].iter().position(|octet| *octet != 0).unwrap_or(octets - first);
    let mut ahead = black_in(&rows.above);
    if !TWO_ROWS {
        ahead = ahead.min(black_in(&rows.second_above));
    }
    if KNOWN {
        ahead = ahead.min(black_in(&rows.row));
    }
    // The context reaches two pels ahead in the row above, and behind the last of these pels it is to be white still.
    let end = ((first + ahead) * 8) as u32;
    end.saturating_sub(3).min(rows.width).saturating_sub(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks contexts up pel by pel, as the figures of T.82 show them, and compares.
    struct Checker {
        template: Template,
        rows: [Vec<bool>; 3],
        x: i64,
    }

    impl Coder for Checker {
        fn pel(&mut self, context: u32, known: u32) -> u32 {
            let x = self.x;
            let pel = |row: usize, at: i64| {
                u32::from(usize::try_from(at).ok().and_then(|at| self.rows[row].get(at)).copied().unwrap_or(false))
            };
            let adaptive = match self.template.at_offset {
                0 => pel(1, x + 2),
                offset => pel(0, x - i64::from(offset)),
            };
            let places: &[(usize, i64)] = match self.template.two_rows {
                true => &[(1, -3), (1, -2), (1, -1), (1, 0), (1, 1), (9, 0), (0, -4), (0, -3), (0, -2), (0, -1)],
                false => &[(2, -1), (2, 0), (2, 1), (1, -2), (1, -1), (1, 0), (1, 1), (9, 0), (0, -2), (0, -1)],
            };
            let wanted = places.iter().fold(0, |context, (row, right)| {
                context << 1 | if *row == 9 { adaptive } else { pel(*row, x + right) }
            });
            assert_eq!(context, wanted, "{:?} at {x}", self.template);
            assert_eq!(known, pel(0, x));
            self.x += 1;
            known
        }

        fn white(&mut self, count: u32) -> u32 {
            let count = count.min(13);
            self.x += i64::from(count);
            count
        }
    }

    #[test]
    fn contexts_are_those_of_the_figures() {
        let mut seed = 7u32;
        let mut chance = |one_in: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8).is_multiple_of(one_in)
        };
        for (width, one_in) in [(1u32, 2), (7, 2), (64, 2), (65, 3), (200, 40), (1728, 200), (500, 100_000)] {
            for template in [(false, 0), (false, 3), (false, 127), (true, 0), (true, 5), (true, 60)] {
                let template = Template { two_rows: template.0, at_offset: template.1 };
                let pels: [Vec<bool>; 3] = std::array::from_fn(|_| (0..width).map(|_| chance(one_in)).collect());
                let mut rows = Rows::new(width);
                for (octets, pels) in [&mut rows.row, &mut rows.above, &mut rows.second_above].into_iter().zip(&pels) {
                    pels.iter().enumerate().filter(|(_, b)| **b).for_each(|(x, _)| octets[x / 8] |= 0x80 >> (x % 8));
                }
                let mut place = Place::first(template, &rows);
                let mut checker = Checker { template, rows: pels, x: 0 };
                code_pels::<true>(template, &mut rows, &mut place, width / 2, &mut checker);
                code_pels::<true>(template, &mut rows, &mut place, width, &mut checker);
                assert_eq!((checker.x, place.x), (i64::from(width), width));
            }
        }
    }
}
