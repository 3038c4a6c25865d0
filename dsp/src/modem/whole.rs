//! The nearest whole number.

use crate::lanes::WHOLE;

/// The whole number nearest to `value`, as both types; `value` lies within 2^51 of zero.
#[inline(always)]
pub(super) fn nearest_whole(value: f64) -> (f64, i64) {
    let shifted = value + WHOLE;
    (shifted - WHOLE, shifted.to_bits().wrapping_sub(WHOLE.to_bits()) as i64)
}

#[cfg(test)]
mod tests {
    use super::nearest_whole;

    #[test]
    fn numbers_are_rounded_to_the_nearest() {
        for (value, whole) in
            [(0.4, 0), (0.6, 1), (-0.4, 0), (-0.6, -1), (-1023.7, -1024), (1e12 + 0.7, 1_000_000_000_001)]
        {
            assert_eq!(nearest_whole(value), (whole as f64, whole));
        }
    }
}
