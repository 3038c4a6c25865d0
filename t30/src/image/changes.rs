//! Rows as changing elements: the places where the colour is another than that of the pel to the left.
//!
//! A row begins white, so elements at even places of the list begin black runs and those at odd places white runs.
//! Behind the last one stands the row's width, as often as a look ahead needs it.

/// How often the width stands behind the last changing element.
const GUARDS: usize = 4;

/// The changing elements of a row.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    places: Box<[u32]>,
    len: usize,
    width: u32,
}

impl Changes {
    /// Those of a white row.
    pub(super) fn white(width: u32) -> Self {
        Self { places: vec![width; width as usize + GUARDS].into_boxed_slice(), len: 0, width }
    }

    /// The elements with the width behind them.
    #[inline]
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.len + GUARDS]
    }

    /// Forgets all elements, to begin a row anew.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds an element right of the last one, or at the same place: then a run of no pels is between them and neither is
    /// a changing element.
    #[inline]
    pub(super) fn push(&mut self, place: u32) {
        if place >= self.width {
            return;
        }
        if self.len > 0 && self.places[self.len - 1] == place {
            self.len -= 1;
        } else {
            self.places[self.len] = place;
            self.len += 1;
        }
    }

    /// Adds an element that is right of the last one and within the row.
    #[inline]
    pub(super) fn push_new(&mut self, place: u32) {
        debug_assert!(place < self.width && (self.len == 0 || self.places[self.len - 1] < place));
        self.places[self.len] = place;
        self.len += 1;
    }

    /// Puts the width behind the last element.
    #[inline]
    pub(super) fn guard(&mut self) {
        self.places[self.len..][..GUARDS].fill(self.width);
    }

    /// Finds the elements of a row, 64 pels at a time.
    pub(super) fn find(&mut self, row: &[u8]) {
        self.clear();
        let (words, rest) = row.as_chunks::<8>();
        let mut left = 0;
        for (at, word) in words.iter().enumerate() {
            left = self.find_in(u64::from_be_bytes(*word), left, at as u32 * 64);
        }
        if !rest.is_empty() {
            let mut word = [if left == 1 { 0xFF } else { 0 }; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.find_in(u64::from_be_bytes(word), left, words.len() as u32 * 64);
        }
        while self.len > 0 && self.places[self.len - 1] >= self.width {
            self.len -= 1;
        }
        self.guard();
    }

    /// Adds the elements among 64 pels; returns the last pel.
    #[inline]
    fn find_in(&mut self, pels: u64, left: u64, first: u32) -> u64 {
        let mut changes = pels ^ (pels >> 1 | left << 63);
        while changes != 0 {
            let place = changes.leading_zeros();
            // Only a row's padding can bring more elements than there are pels.
            if self.len == self.width as usize {
                break;
            }
            self.places[self.len] = first + place;
            self.len += 1;
            changes ^= 1 << 63 >> place;
        }
        pels & 1
    }

    /// Draws the black runs on a white row: marks where the colour changes, and lets each mark run on to the next.
    pub(super) fn paint(&self, row: &mut [u8]) {
        if self.len == 0 {
            return;
        }
        for &place in &self.places[..self.len] {
            row[place as usize / 8] ^= 0x80 >> (place % 8);
        }
        let (words, rest) = row.as_chunks_mut::<8>();
        let mut black = 0;
        for word in words {
            let marks = u64::from_be_bytes(*word);
            // Most words have no change in them.
            let pels = if marks == 0 { black } else { run_on(marks) ^ black };
            black = 0u64.wrapping_sub(pels & 1);
            *word = pels.to_be_bytes();
        }
        for octet in rest {
            *octet = (run_on(u64::from(*octet) << 56) ^ black).to_be_bytes()[0];
            black = 0u64.wrapping_sub(u64::from(*octet & 1));
        }
        if let Some(last) = row.last_mut() {
            *last &= 0xFF << (self.width.wrapping_neg() % 8);
        }
    }
}

/// Each bit is whether an odd number of ones is at its place and to the left of it.
#[inline]
fn run_on(marks: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(marks, |marks, distance| marks ^ marks >> distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(row: &[u8], width: u32) -> Vec<u32> {
        let mut changes = Changes::white(width);
        changes.find(row);
        changes.places()[..changes.len].to_vec()
    }

    #[test]
    fn changes_are_found_across_octets_and_words() {
        assert_eq!(found(&[0, 0], 16), []);
        assert_eq!(found(&[0x80, 0x01], 16), [0, 1, 15]);
        assert_eq!(found(&[0xFF; 17], 130), [0]);
        assert_eq!(found(&[0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0], 75), [63, 65]);
    }

    #[test]
    fn black_beyond_the_width_is_no_change() {
        assert_eq!(found(&[0x55], 1), []);
        assert_eq!(found(&[0xD5], 2), [0]);
        assert_eq!(found(&[0xFF, 0xFF], 9), [0]);
    }

    #[test]
    fn painting_is_finding_backwards() {
        for width in [1, 7, 8, 9, 63, 64, 65, 200] {
            for seed in 0..200u32 {
                let mut row = vec![0; width as usize / 8 + usize::from(width % 8 != 0)];
                for place in 0..width {
                    let black = seed.wrapping_mul(place + 7).wrapping_mul(2_654_435_761) >> 29 < seed % 8;
                    row[place as usize / 8] |= u8::from(black) << (7 - place % 8);
                }
                let mut changes = Changes::white(width);
                changes.find(&row);
                let mut painted = vec![0; row.len()];
                changes.paint(&mut painted);
                assert_eq!(painted, row);
            }
        }
    }

    #[test]
    fn a_run_of_no_pels_leaves_no_change() {
        let mut changes = Changes::white(100);
        for place in [10, 20, 20, 30] {
            changes.push(place);
        }
        changes.guard();
        assert_eq!(changes.places()[..changes.len], [10, 30]);
    }
}
