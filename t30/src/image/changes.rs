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

    /// Draws the black runs on a white row.
    pub(super) fn paint(&self, row: &mut [u8]) {
        let mut places = &self.places()[..self.len.next_multiple_of(2)];
        while let [from, to, rest @ ..] = places {
            blacken(row, *from, *to);
            places = rest;
        }
    }
}

/// Makes the pels from `from` to before `to` black.
pub(super) fn blacken(row: &mut [u8], from: u32, to: u32) {
    let (first, last) = (from as usize / 8, to as usize / 8);
    let (head, tail) = (0xFF >> (from % 8), !(0xFF >> (to % 8)));
    if first == last {
        row[first] |= head & tail;
        return;
    }
    row[first] |= head;
    row[first + 1..last].fill(0xFF);
    if tail != 0 {
        row[last] |= tail;
    }
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
