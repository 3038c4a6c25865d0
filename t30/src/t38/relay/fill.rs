//! Fill: zeros before an end-of-line code, ITU-T T.4 4.1.3. It makes a row last, and goes where nothing has to.
//!
//! ```text
//!  line ── row, zeros, EOL ──▶ Thinner ── row, EOL ──▶ network ──▶ Rows ── row, as many zeros as it takes, EOL ──▶ line
//! ```

/// Zeros of an end-of-line code; so many are in no row.
const EOL_ZEROS: usize = 11;

/// Zeros before a one that are left: a code at the end of a row may end with three itself.
const MOST_ZEROS: usize = EOL_ZEROS + 5;

/// Bits of a row that are held at most: the longest row there is has fewer.
const LONGEST_ROW: usize = 64 * 1024;

/// Bits to octets, the first bit in the lowest place.
#[derive(Default)]
struct Packer {
    octets: Vec<u8>,
    octet: u8,
    count: u32,
}

impl Packer {
    fn push(&mut self, bit: bool) {
        self.octet |= u8::from(bit) << self.count;
        self.count += 1;
        if self.count == 8 {
            self.octets.push(std::mem::take(&mut self.octet));
            self.count = 0;
        }
    }

    fn zeros(&mut self, count: usize) {
        (0..count).for_each(|_| self.push(false));
    }

    /// Zeros up to the next octet.
    fn align(&mut self) {
        while self.count > 0 {
            self.push(false);
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.octets)
    }
}

fn bits(octets: &[u8]) -> impl Iterator<Item = bool> + '_ {
    octets.iter().flat_map(|octet| (0..8).map(move |place| octet >> place & 1 == 1))
}

/// Takes fill out.
#[derive(Default)]
pub(super) struct Thinner {
    zeros: usize,
    out: Packer,
}

impl Thinner {
    /// What is left of the octets that can be said yet.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<u8> {
        for bit in bits(octets) {
            self.zeros = if bit { 0 } else { self.zeros + 1 };
            if bit || self.zeros <= MOST_ZEROS {
                self.out.push(bit);
            }
        }
        self.out.take()
    }

    /// The rest.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.out.align();
        self.out.take()
    }
}

/// Gives rows out whole, each as long as the machine needs for it. Between two of them fill can go on as long as it takes
/// for the next to come.
pub(super) struct Rows {
    /// Bits that a row takes at least, its end-of-line code included.
    least_bits: usize,
    /// The end-of-line code before the row in hand, and the row.
    held: Vec<bool>,
    /// Bits of the code in what is held.
    code_bits: usize,
    zeros: usize,
    /// What was given out ends with a row, or is nothing yet.
    between: bool,
    out: Packer,
}

impl Rows {
    pub(super) fn new(least_bits: usize) -> Self {
        Self { least_bits, held: Vec::new(), code_bits: 0, zeros: 0, between: true, out: Packer::default() }
    }

    /// Octets of rows that are whole.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<u8> {
        for bit in bits(octets) {
            if !bit {
                self.zeros += 1;
            } else if self.zeros >= EOL_ZEROS {
                self.row_ends();
            } else {
                self.release_zeros();
                self.held.push(true);
            }
        }
        if self.held.len() + self.zeros > LONGEST_ROW {
            self.release();
            self.between = false;
        }
        self.out.take()
    }

    /// Fill of so many octets, if what was given out ends with a row.
    pub(super) fn pause(&mut self, octets: usize) -> Option<Vec<u8>> {
        self.between.then(|| {
            self.out.align();
            self.out.zeros(8 * octets);
            self.out.take()
        })
    }

    /// The rest.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.release_zeros();
        self.release();
        self.out.align();
        self.out.take()
    }

    fn row_ends(&mut self) {
        let row = self.held.len() - self.code_bits;
        let code = self.zeros + 1;
        // One bit between two codes is the tag of a row that is not there: they end the page.
        let fill = if row > 1 { self.least_bits.saturating_sub(row + code) } else { 0 };
        self.release();
        self.between = row > 1;
        self.zeros += fill;
        self.release_zeros();
        self.held.push(true);
        self.code_bits = self.held.len();
    }

    fn release_zeros(&mut self) {
        let zeros = std::mem::take(&mut self.zeros);
        self.held.resize(self.held.len() + zeros, false);
    }

    fn release(&mut self) {
        for bit in self.held.drain(..) {
            self.out.push(bit);
        }
        self.code_bits = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signs to octets; `E` is an end-of-line code.
    fn octets(signs: &str) -> Vec<u8> {
        let mut packer = Packer::default();
        for bit in signs.replace('E', "000000000001").chars().filter(|sign| !sign.is_whitespace()) {
            packer.push(bit == '1');
        }
        packer.align();
        packer.take()
    }

    fn signs(octets: &[u8]) -> String {
        let text: String = bits(octets).map(|bit| if bit { '1' } else { '0' }).collect();
        text.trim_end_matches('0').to_owned()
    }

    #[test]
    fn fill_goes_and_rows_stay() {
        let mut thinner = Thinner::default();
        let mut thin = thinner.push(&octets("E 1011 0000000000000000 E 110 00000 E 1111 E E E"));
        thin.extend(thinner.finish());
        assert_eq!(signs(&thin), signs(&octets("E 1011 00000 E 110 0000 E 1111 E E E")));
    }

    #[test]
    fn rows_become_as_long_as_the_machine_needs_them() {
        let mut rows = Rows::new(24);
        let mut long = rows.push(&octets("E 1011 E 1111111111111111 E 1 E E E"));
        long.extend(rows.finish());
        assert_eq!(signs(&long), signs(&octets("E 1011 00000000 E 1111111111111111 E 1 E E E")));
    }

    #[test]
    fn a_network_that_is_late_is_waited_for_between_rows() {
        let mut rows = Rows::new(0);
        let mut said = rows.push(&octets("E 1011"));
        assert_eq!((said.len(), rows.pause(3)), (0, None), "in a row nothing can be said instead");
        said.extend(rows.push(&octets("E 1101")));
        said.extend(rows.pause(3).expect("a row is whole"));
        said.extend(rows.push(&octets("E")));
        said.extend(rows.finish());
        let mut thinner = Thinner::default();
        let mut thin = thinner.push(&said);
        thin.extend(thinner.finish());
        assert_eq!(signs(&thin), signs(&octets("E 1011 00000 E 1101 E")));
        assert!(said.len() > thin.len());
    }
}
