//! Code words of T.4 and T.6, written as they stand in the Recommendations, and the tables made from them.
//!
//! Words are written in line order, first bit leftmost. In memory the first bit is the least significant one, as
//! everywhere in this crate.

/// Codes of white runs of 0 to 63 pels, T.4 table 2.
pub const WHITE_TERMINATING: [&str; 64] = [
    "00110101", "000111", "0111", "1000", "1011", "1100", "1110", "1111", "10011", "10100", "00111", "01000", "001000",
    "000011", "110100", "110101", "101010", "101011", "0100111", "0001100", "0001000", "0010111", "0000011", "0000100",
    "0101000", "0101011", "0010011", "0100100", "0011000", "00000010", "00000011", "00011010", "00011011", "00010010",
    "00010011", "00010100", "00010101", "00010110", "00010111", "00101000", "00101001", "00101010", "00101011",
    "00101100", "00101101", "00000100", "00000101", "00001010", "00001011", "01010010", "01010011", "01010100",
    "01010101", "00100100", "00100101", "01011000", "01011001", "01011010", "01011011", "01001010", "01001011",
    "00110010", "00110011", "00110100",
];

/// Codes that add 64, 128 ... 1728 pels to a white run, T.4 table 3a.
pub const WHITE_MAKE_UP: [&str; 27] = [
    "11011",
    "10010",
    "010111",
    "0110111",
    "00110110",
    "00110111",
    "01100100",
    "01100101",
    "01101000",
    "01100111",
    "011001100",
    "011001101",
    "011010010",
    "011010011",
    "011010100",
    "011010101",
    "011010110",
    "011010111",
    "011011000",
    "011011001",
    "011011010",
    "011011011",
    "010011000",
    "010011001",
    "010011010",
    "011000",
    "010011011",
];

/// Codes of black runs of 0 to 63 pels, T.4 table 2.
pub const BLACK_TERMINATING: [&str; 64] = [
    "0000110111",
    "010",
    "11",
    "10",
    "011",
    "0011",
    "0010",
    "00011",
    "000101",
    "000100",
    "0000100",
    "0000101",
    "0000111",
    "00000100",
    "00000111",
    "000011000",
    "0000010111",
    "0000011000",
    "0000001000",
    "00001100111",
    "00001101000",
    "00001101100",
    "00000110111",
    "00000101000",
    "00000010111",
    "00000011000",
    "000011001010",
    "000011001011",
    "000011001100",
    "000011001101",
    "000001101000",
    "000001101001",
    "000001101010",
    "000001101011",
    "000011010010",
    "000011010011",
    "000011010100",
    "000011010101",
    "000011010110",
    "000011010111",
    "000001101100",
    "000001101101",
    "000011011010",
    "000011011011",
    "000001010100",
    "000001010101",
    "000001010110",
    "000001010111",
    "000001100100",
    "000001100101",
    "000001010010",
    "000001010011",
    "000000100100",
    "000000110111",
    "000000111000",
    "000000100111",
    "000000101000",
    "000001011000",
    "000001011001",
    "000000101011",
    "000000101100",
    "000001011010",
    "000001100110",
    "000001100111",
];

/// Codes that add 64, 128 ... 1728 pels to a black run, T.4 table 3a.
pub const BLACK_MAKE_UP: [&str; 27] = [
    "0000001111",
    "000011001000",
    "000011001001",
    "000001011011",
    "000000110011",
    "000000110100",
    "000000110101",
    "0000001101100",
    "0000001101101",
    "0000001001010",
    "0000001001011",
    "0000001001100",
    "0000001001101",
    "0000001110010",
    "0000001110011",
    "0000001110100",
    "0000001110101",
    "0000001110110",
    "0000001110111",
    "0000001010010",
    "0000001010011",
    "0000001010100",
    "0000001010101",
    "0000001011010",
    "0000001011011",
    "0000001100100",
    "0000001100101",
];

/// Codes that add 1792, 1856 ... 2560 pels to a run of either colour, T.4 table 3b.
pub const EXTENDED_MAKE_UP: [&str; 13] = [
    "00000001000",
    "00000001100",
    "00000001101",
    "000000010010",
    "000000010011",
    "000000010100",
    "000000010101",
    "000000010110",
    "000000010111",
    "000000011100",
    "000000011101",
    "000000011110",
    "000000011111",
];

/// Modes of two-dimensional rows, T.6 table 1, in the order of [`Mode`].
pub const MODES: [&str; 9] = ["0001", "001", "1", "011", "000011", "0000011", "010", "000010", "0000010"];

/// Zeros before the one that ends an end-of-line code: any number from here on is fill and the code.
pub const EOL_ZEROS: u32 = 11;

/// Bits of an end-of-line code without fill.
pub const EOL_BITS: u32 = EOL_ZEROS + 1;

/// The longest run that one make-up and one terminating code say.
pub const LONGEST_PAIR: u32 = 2560 + 63;

/// How the next changing element is said in a two-dimensional row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    Pass,
    Horizontal,
    Vertical0,
    Right1,
    Right2,
    Right3,
    Left1,
    Left2,
    Left3,
}

impl Mode {
    const ALL: [Self; 9] = [
        Self::Pass,
        Self::Horizontal,
        Self::Vertical0,
        Self::Right1,
        Self::Right2,
        Self::Right3,
        Self::Left1,
        Self::Left2,
        Self::Left3,
    ];

    /// Where the changing element is from the one above, in pels; only for vertical modes.
    pub(super) const fn offset(self) -> i32 {
        match self {
            Self::Right1 => 1,
            Self::Right2 => 2,
            Self::Right3 => 3,
            Self::Left1 => -1,
            Self::Left2 => -2,
            Self::Left3 => -3,
            _ => 0,
        }
    }
}

/// A code word: its bits with the first one least significant, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) len: u32,
}

impl Code {
    const fn parse(word: &str) -> Self {
        let word = word.as_bytes();
        let mut bits = 0;
        let mut place = 0;
        while place < word.len() {
            bits |= ((word[place] == b'1') as u32) << place;
            place += 1;
        }
        Self { bits, len: word.len() as u32 }
    }

    const fn then(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits << self.len, len: self.len + other.len }
    }

    const fn packed(self) -> u32 {
        self.bits | self.len << 27
    }

    const fn unpack(packed: u32) -> Self {
        Self { bits: packed & ((1 << 27) - 1), len: packed >> 27 }
    }
}

const fn terminating(black: bool, run: usize) -> Code {
    Code::parse(if black { BLACK_TERMINATING[run] } else { WHITE_TERMINATING[run] })
}

const fn make_up(black: bool, sixty_fours: usize) -> Code {
    Code::parse(match (sixty_fours > 27, black) {
        (true, _) => EXTENDED_MAKE_UP[sixty_fours - 28],
        (false, true) => BLACK_MAKE_UP[sixty_fours - 1],
        (false, false) => WHITE_MAKE_UP[sixty_fours - 1],
    })
}

/// The code of every run up to [`LONGEST_PAIR`], make-up and terminating code in one.
static RUN_CODES: [[u32; LONGEST_PAIR as usize + 1]; 2] = [run_codes(false), run_codes(true)];

const fn run_codes(black: bool) -> [u32; LONGEST_PAIR as usize + 1] {
    let mut codes = [0; LONGEST_PAIR as usize + 1];
    let mut last = [Code { bits: 0, len: 0 }; 64];
    let mut run = 0;
    while run < 64 {
        last[run] = terminating(black, run);
        codes[run] = last[run].packed();
        run += 1;
    }
    let mut sixty_fours = 1;
    while sixty_fours <= 40 {
        let first = make_up(black, sixty_fours);
        run = 0;
        while run < 64 {
            codes[sixty_fours * 64 + run] = first.then(last[run]).packed();
            run += 1;
        }
        sixty_fours += 1;
    }
    codes
}

/// The code of a run of at most [`LONGEST_PAIR`] pels.
pub(super) fn run_code(black: bool, run: u32) -> Code {
    Code::unpack(RUN_CODES[black as usize][run as usize])
}

/// The code that adds 2560 pels to a run.
pub(super) const MAKE_UP_2560: Code = make_up(false, 40);

/// The code of a mode.
pub(super) const fn mode_code(mode: Mode) -> Code {
    const CODES: [Code; 9] = {
        let mut codes = [Code { bits: 0, len: 0 }; 9];
        let mut at = 0;
        while at < 9 {
            codes[at] = Code::parse(MODES[at]);
            at += 1;
        }
        codes
    };
    CODES[mode as usize]
}

/// Bits that tell any run code.
pub(super) const RUN_LOOK_AHEAD: u32 = 13;

/// What the next [`RUN_LOOK_AHEAD`] bits begin with: `pels << 4 | length of the code`, zero for no code. From 64 pels
/// on the code is a make-up code.
pub(super) static RUNS_BY_BITS: [[u16; 1 << RUN_LOOK_AHEAD]; 2] = [runs_by_bits(false), runs_by_bits(true)];

const fn runs_by_bits(black: bool) -> [u16; 1 << RUN_LOOK_AHEAD] {
    let mut entries = [0; 1 << RUN_LOOK_AHEAD];
    let mut at = 0;
    while at < 64 + 40 {
        let (code, pels) =
            if at < 64 { (terminating(black, at), at) } else { (make_up(black, at - 63), (at - 63) * 64) };
        let mut bits = code.bits as usize;
        while bits < 1 << RUN_LOOK_AHEAD {
            entries[bits] = (pels << 4) as u16 | code.len as u16;
            bits += 1 << code.len;
        }
        at += 1;
    }
    entries
}

/// Bits that tell any mode.
pub(super) const MODE_LOOK_AHEAD: u32 = 7;

/// The mode that the next [`MODE_LOOK_AHEAD`] bits begin with, and the length of its code; none for the extension
/// codes, among them uncompressed mode, and for what may be an end of line.
pub(super) static MODES_BY_BITS: [Option<(Mode, u8)>; 1 << MODE_LOOK_AHEAD] = {
    let mut entries = [None; 1 << MODE_LOOK_AHEAD];
    let mut at = 0;
    while at < 9 {
        let code = mode_code(Mode::ALL[at]);
        let mut bits = code.bits as usize;
        while bits < 1 << MODE_LOOK_AHEAD {
            entries[bits] = Some((Mode::ALL[at], code.len as u8));
            bits += 1 << code.len;
        }
        at += 1;
    }
    entries
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_reads_back() {
        for black in [false, true] {
            for run in 0..=LONGEST_PAIR {
                let code = run_code(black, run);
                let entry = RUNS_BY_BITS[black as usize][code.bits as usize & 0x1FFF];
                let (pels, len) = (u32::from(entry >> 4), u32::from(entry & 15));
                if run < 64 {
                    assert_eq!((pels, len), (run, code.len));
                    continue;
                }
                let entry = RUNS_BY_BITS[black as usize][(code.bits >> len) as usize & 0x1FFF];
                assert_eq!(pels + u32::from(entry >> 4), run);
                assert_eq!(len + u32::from(entry & 15), code.len);
            }
        }
    }

    #[test]
    fn no_code_begins_with_the_zeros_of_an_end_of_line() {
        for black in [0, 1] {
            assert!(RUNS_BY_BITS[black].iter().enumerate().all(|(bits, &entry)| bits % 256 != 0 || entry == 0));
        }
        assert_eq!(MODES_BY_BITS[0], None);
        assert_eq!(MODES_BY_BITS[0b1000000], None, "the extension codes are not modes");
    }
}
