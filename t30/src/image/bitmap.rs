//! A bilevel page in memory.

/// A bilevel image: rows packed eight pels to the octet, leftmost pel in the most significant place, 1 is black.
///
/// The last octet of a row is filled with white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    octets: Vec<u8>,
}

impl Bitmap {
    /// An image of no rows, `width` pels wide.
    pub fn new(width: u32) -> Self {
        Self { width, octets: Vec::new() }
    }

    /// A white image.
    pub fn white(width: u32, height: u32) -> Self {
        let mut bitmap = Self::new(width);
        bitmap.octets.resize(bitmap.stride() * height as usize, 0);
        bitmap
    }

    /// Pels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        (self.octets.len() / self.stride().max(1)) as u32
    }

    /// Octets in a row.
    pub fn stride(&self) -> usize {
        self.width.div_ceil(8) as usize
    }

    /// A row's octets. Panics past the last row.
    pub fn row(&self, row: u32) -> &[u8] {
        &self.octets[row as usize * self.stride()..][..self.stride()]
    }

    /// A row's octets, to be changed. Panics past the last row.
    pub fn row_mut(&mut self, row: u32) -> &mut [u8] {
        let stride = self.stride();
        &mut self.octets[row as usize * stride..][..stride]
    }

    /// Adds a row at the bottom. Panics when `row` is not one stride long.
    pub fn push_row(&mut self, row: &[u8]) {
        assert_eq!(row.len(), self.stride(), "a row is one stride long");
        self.octets.extend_from_slice(row);
    }

    /// Adds a white row at the bottom, to be drawn on.
    pub fn push_white_row(&mut self) -> &mut [u8] {
        let end = self.octets.len();
        self.octets.resize(end + self.stride(), 0);
        &mut self.octets[end..]
    }

    /// Adds the last row once more, or a white row when there is none.
    pub fn repeat_row(&mut self) {
        match self.octets.len().checked_sub(self.stride()) {
            Some(last) if self.width > 0 => self.octets.extend_from_within(last..),
            _ => drop(self.push_white_row()),
        }
    }

    /// Forgets the rows from there on.
    pub fn truncate_rows(&mut self, height: u32) {
        self.octets.truncate(height as usize * self.stride());
    }

    /// An image of rows as they lie in a file, eight pels to the octet. What is beyond the width is made white. A last
    /// piece that is no whole row is left out.
    pub fn from_octets(width: u32, mut octets: Vec<u8>) -> Self {
        let stride = width.div_ceil(8) as usize;
        octets.truncate(octets.len() / stride.max(1) * stride);
        if !width.is_multiple_of(8) {
            let within = !(0xFF >> (width % 8));
            octets.chunks_exact_mut(stride).for_each(|row| row[stride - 1] &= within);
        }
        Self { width, octets }
    }

    /// All rows, one after the other.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Makes black white and white black.
    pub fn invert(&mut self) {
        let octets = self.octets.iter().map(|octet| !octet).collect();
        *self = Self::from_octets(self.width, octets);
    }

    /// Black pels.
    pub fn black_pels(&self) -> u64 {
        self.octets.iter().map(|octet| u64::from(octet.count_ones())).sum()
    }

    /// Whether the pel is black. Panics outside the image.
    pub fn is_black(&self, x: u32, y: u32) -> bool {
        self.row(y)[x as usize / 8] >> (7 - x % 8) & 1 == 1
    }

    /// Sets a pel. Panics outside the image.
    pub fn set(&mut self, x: u32, y: u32, black: bool) {
        let mask = 0x80 >> (x % 8);
        let octet = &mut self.row_mut(y)[x as usize / 8];
        if black { *octet |= mask } else { *octet &= !mask }
    }
}
