//! ITU-T V.27ter: 4800 and 2400 bit/s with differential phase modulation of an 1800 Hz carrier.
//!
//! ```text
//! [carrier 187 ms  silence 20 ms]  reversals 50 T  two-phase pattern 1074 T  scrambled ones 8 T  data  ones  silence
//!  protection against talker echo
//! ```

use super::{
    complex::Complex,
    filters::Filters,
    plan::{Coding, Generator, Meaning, Plan, ScramblerStart, Segment},
};
use crate::{
    scrambler,
    units::{Baud, BitRate, Hz},
};

/// Data signalling rates of V.27ter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 2400 bit/s, four phases at 1200 baud.
    R2400,
    /// 4800 bit/s, eight phases at 1600 baud.
    R4800,
}

/// The plan of a rate, with the long training sequence that T.4 asks for.
pub fn plan(rate: Rate) -> &'static Plan {
    match rate {
        Rate::R2400 => &PLAN_2400,
        Rate::R4800 => &PLAN_4800,
    }
}

const HALF: f32 = core::f32::consts::FRAC_1_SQRT_2;

/// Eight phases at one amplitude.
static CIRCLE: [[Complex; 8]; 1] = [[
    Complex::new(1.0, 0.0),
    Complex::new(HALF, HALF),
    Complex::new(0.0, 1.0),
    Complex::new(-HALF, HALF),
    Complex::new(-1.0, 0.0),
    Complex::new(-HALF, -HALF),
    Complex::new(0.0, -1.0),
    Complex::new(HALF, -HALF),
]];

/// Phase changes of tribits in octants: 001 stays, 000 turns by 45 degrees and so on.
pub(super) static TRIBIT_TURNS: [u8; 8] = [1, 0, 2, 3, 6, 7, 5, 4];

/// Phase changes of dibits in octants: 00 stays, 01 90, 11 180, 10 270 degrees.
pub(super) static DIBIT_TURNS: [u8; 4] = [0, 2, 6, 4];

const REVERSALS: Segment =
    Segment::Alternation { symbols: 50, points: [Complex::new(-1.0, 0.0), Complex::new(1.0, 0.0)] };

/// Three bits are drawn for each symbol at both rates; the first reverses the phase, the others are passed over.
const CONDITIONING: Segment = Segment::Conditioning {
    symbols: 1074,
    generator: Generator { scrambler: &scrambler::V27TER, start: Some(0b011_1100), word: 0xFFFF },
    drawn: 3,
    meaning: Meaning::QuarterTurns(&[0, 0, 0, 0, 2, 2, 2, 2]),
};

const ONES: Segment = Segment::ScrambledOnes { symbols: 8, scrambler: ScramblerStart::Continued, phase: 0 };

static FILTERS_4800: Filters = Filters::new(Baud(1600.0), Hz(1800.0), 0.5);
static FILTERS_2400: Filters = Filters::new(Baud(1200.0), Hz(1800.0), 0.5);

static PLAN_4800: Plan = Plan {
    name: "V.27ter 4800",
    bit_rate: BitRate(4800),
    baud: Baud(1600.0),
    carrier: Hz(1800.0),
    roll_off: 0.5,
    filters: &FILTERS_4800,
    coding: Coding::Phase { turns: &TRIBIT_TURNS, rings: &CIRCLE },
    scrambler: &scrambler::V27TER,
    protection: &[Segment::Carrier { symbols: 304 }],
    training: &[Segment::Silence { symbols: 32 }, REVERSALS, CONDITIONING, ONES],
    short_training: &[],
    turn_off_ones: 12,
    turn_off_silence: 32,
};

static PLAN_2400: Plan = Plan {
    name: "V.27ter 2400",
    bit_rate: BitRate(2400),
    baud: Baud(1200.0),
    coding: Coding::Phase { turns: &DIBIT_TURNS, rings: &CIRCLE },
    protection: &[Segment::Carrier { symbols: 228 }],
    training: &[Segment::Silence { symbols: 28 }, REVERSALS, CONDITIONING, ONES],
    carrier: Hz(1800.0),
    roll_off: 0.5,
    filters: &FILTERS_2400,
    scrambler: &scrambler::V27TER,
    short_training: &[],
    turn_off_ones: 9,
    turn_off_silence: 24,
};
