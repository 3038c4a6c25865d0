//! Two-dimensional rows, ITU-T T.4 clause 4.2 and T.6: each changing element is said by its distance from one of the
//! row above.
//!
//! ```text
//!               b1      b2
//!  row above ────████████──────────
//!  this row  ──a0────████████──────   a0 where we are, a1 and a2 the next two changing elements of this row,
//!                    a1      a2       b1 the first of the row above right of a0 that changes to the other colour
//! ```

use super::bits::BitWriter;
use super::changes::Changes;
use super::t4::write_run;
use super::tables::{Mode, mode_code};

/// End-of-line codes of the end of facsimile block, T.6 2.4.1.1.
pub(super) const EOFB_EOLS: u32 = 2;

/// Writes a row by what changed from the row above.
pub(super) fn write_row(above: &Changes, changes: &Changes, width: u32, out: &mut BitWriter) {
    let (above, row) = (above.places(), changes.places());
    let width = width as i32;
    // At the beginning a0 stands on an imaginary white pel before the first.
    let (mut a0, mut black) = (-1, false);
    let (mut a, mut b) = (0, 0);
    while a0 < width {
        while (above[b] as i32) <= a0 && (above[b] as i32) < width {
            b += 2;
        }
        let (a1, b1, b2) = (row[a] as i32, above[b] as i32, above[b + 1] as i32);
        if b2 < a1 {
            out.code(mode_code(Mode::Pass));
            a0 = b2;
        } else if let Some(mode) = vertical(a1 - b1) {
            out.code(mode_code(mode));
            a0 = a1;
            black = !black;
            a += 1;
            b = other_colour(b);
        } else {
            let a2 = row[a + 1] as i32;
            out.code(mode_code(Mode::Horizontal));
            write_run(black, (a1 - a0.max(0)) as u32, out);
            write_run(!black, (a2 - a1) as u32, out);
            a0 = a2;
            a += 2;
        }
    }
}

/// The vertical mode for a distance, if there is one.
#[inline]
fn vertical(offset: i32) -> Option<Mode> {
    Some(match offset {
        0 => Mode::Vertical0,
        1 => Mode::Right1,
        -1 => Mode::Left1,
        2 => Mode::Right2,
        -2 => Mode::Left2,
        3 => Mode::Right3,
        -3 => Mode::Left3,
        _ => return None,
    })
}

/// Where to go on looking for b1 after the colour changed: the element to the left may be right of the new a0.
#[inline]
pub(super) fn other_colour(b: usize) -> usize {
    if b > 0 { b - 1 } else { 1 }
}
