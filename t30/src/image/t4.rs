//! One-dimensional rows and the codes between rows, ITU-T T.4 clause 4.1 and 4.2.

use super::bits::BitWriter;
use super::changes::Changes;
use super::tables::{Code, EOL_BITS, EOL_ZEROS, LONGEST_PAIR, MAKE_UP_2560, run_code};

/// End-of-line codes that return to control, T.4 4.1.4.
pub(super) const RTC_EOLS: u32 = 6;

/// The end-of-line code.
pub(super) const EOL: Code = Code { bits: 1 << EOL_ZEROS, len: EOL_BITS };

/// The bit behind an end-of-line code in two-dimensional coding: whether the next row is coded one-dimensionally.
pub(super) const fn tag(one_dimensional: bool) -> Code {
    Code { bits: one_dimensional as u32, len: 1 }
}

/// Writes a row's runs, white and black in turn.
pub(super) fn write_row(changes: &Changes, width: u32, out: &mut BitWriter) {
    let (mut from, mut black) = (0, false);
    for &to in changes.places() {
        write_run(black, to - from, out);
        if to == width {
            break;
        }
        (from, black) = (to, !black);
    }
}

/// Writes one run; a long one takes several codes.
#[inline]
pub(super) fn write_run(black: bool, mut run: u32, out: &mut BitWriter) {
    while run > LONGEST_PAIR {
        out.code(MAKE_UP_2560);
        run -= 2560;
    }
    out.code(run_code(black, run));
}
