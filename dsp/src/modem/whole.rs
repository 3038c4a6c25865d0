//! The nearest whole number.

/// Adding it to a number of less than 2^51 leaves no place for a fraction: the sum's lowest places are the whole number.
const SHIFT: f64 = 1.5 * (1_u64 << 52) as f64;

/// The whole number nearest to `value`, as both types; `value` lies within 2^51 of zero.
#[inline(always)]
pub(super) fn nearest_whole(value: f64) -> (f64, i64) {
    let shifted = value + SHIFT;
    (shifted - SHIFT, shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i64)
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
