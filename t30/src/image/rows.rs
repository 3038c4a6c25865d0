//! Fewer rows: a page for a machine that has a lower resolution only.

use super::Bitmap;

/// The image at half the vertical resolution, see [`reduce_rows`].
pub fn halve_rows(bitmap: &Bitmap) -> Bitmap {
    reduce_rows(bitmap, 2)
}

/// The image with one row for `factor` of them. A pel is black where any of them is, so that thin lines stay.
pub fn reduce_rows(bitmap: &Bitmap, factor: u32) -> Bitmap {
    let stride = bitmap.stride().max(1);
    let mut reduced = Bitmap::new(bitmap.width());
    for rows in bitmap.octets().chunks(factor.max(1) as usize * stride) {
        let one = reduced.push_white_row();
        for row in rows.chunks(stride) {
            one.iter_mut().zip(row).for_each(|(octet, pels)| *octet |= pels);
        }
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_stays_and_an_odd_row_is_kept() {
        let mut bitmap = Bitmap::white(20, 5);
        bitmap.set(3, 1, true);
        bitmap.set(19, 4, true);
        for (factor, rows) in [(1, 5), (2, 3), (4, 2), (9, 1)] {
            let reduced = reduce_rows(&bitmap, factor);
            assert_eq!(reduced.height(), rows);
            assert!(reduced.is_black(3, 1 / factor) && reduced.is_black(19, 4 / factor));
            assert_eq!(reduced.black_pels(), 2);
        }
    }
}
