//! Where the adaptive pel tells most: at the period of a screened picture.

use super::header::nearest_at_offset;
use super::template::Rows;

/// One row in so many is looked at.
const LOOKED_AT: u32 = 8;

/// The adaptive pel moves where it differs from the pel it tells of so many times less often.
const BETTER: u32 = 2;

/// It stays while it differs in fewer pels than one in so many: there is nothing to win.
const RARE: u32 = 32;

/// How often pels differ from those that could tell of them, in the rows since it was last asked.
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    /// For each place of the adaptive pel, 0 being where it begins.
    differ: Vec<u32>,
    nearest: u8,
    pels: u32,
    rows: u32,
}

impl Likeness {
    pub(super) fn new(two_rows: bool, max_offset: u8) -> Self {
        let nearest = nearest_at_offset(two_rows);
        let places = if max_offset < nearest { 0 } else { usize::from(max_offset) + 1 };
        Self { differ: vec![0; places], nearest, pels: 0, rows: 0 }
    }

    /// Looks at the row that is coded, and the one above.
    pub(super) fn look(&mut self, rows: &Rows) {
        self.rows += 1;
        let skipped = !self.rows.is_multiple_of(LOOKED_AT) || self.differ.is_empty();
        if skipped || rows.octets().iter().all(|octet| *octet == 0) {
            return;
        }
        self.pels += rows.width();
        self.differ[0] += rows.differ_from_above(2);
        for offset in self.nearest..self.differ.len() as u8 {
            self.differ[usize::from(offset)] += rows.differ_from_left(offset);
        }
    }

    /// The best place for the rows that follow, given where it is, and forgets what it saw.
    pub(super) fn best(&mut self, now: u8) -> u8 {
        let Some(&differ_now) = self.differ.get(usize::from(now)) else { return now };
        let places = (0..self.differ.len() as u8).filter(|place| *place == 0 || *place >= self.nearest);
        let best = places.min_by_key(|place| self.differ[usize::from(*place)]).unwrap_or(now);
        let wins = differ_now / BETTER > self.differ[usize::from(best)] && differ_now > self.pels / RARE;
        self.differ.fill(0);
        self.pels = 0;
        if wins { best } else { now }
    }
}
