//! ITU-T V.17: 14400, 12000, 9600 and 7200 bit/s with trellis coded modulation of an 1800 Hz carrier.
//!
//! ```text
//! long:  [carrier 190 ms  silence 20 ms]  A B 256 T  conditioning 2976 T  bridge 64 T  ones 48 T  data  ones  silence
//! short: [carrier 190 ms  silence 20 ms]  A B 256 T  conditioning   38 T               ones 48 T  data  ones  silence
//! ```

use super::{
    complex::Complex,
    filters::Filters,
    plan::{Coding, Generator, Meaning, Plan, ScramblerStart, Segment},
    v17_points::{POINTS_7200, POINTS_9600, POINTS_12000, POINTS_14400},
};
use crate::{
    scrambler,
    units::{Baud, BitRate, Hz},
};

/// Data signalling rates of V.17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 7200 bit/s, 16 points.
    R7200,
    /// 9600 bit/s, 32 points.
    R9600,
    /// 12000 bit/s, 64 points.
    R12000,
    /// 14400 bit/s, 128 points.
    R14400,
}

/// The plan of a rate, with both training sequences.
pub fn plan(rate: Rate) -> &'static Plan {
    match rate {
        Rate::R7200 => &PLAN_7200,
        Rate::R9600 => &PLAN_9600,
        Rate::R12000 => &PLAN_12000,
        Rate::R14400 => &PLAN_14400,
    }
}

const A: Complex = Complex::new(-6.0, -2.0);
const B: Complex = Complex::new(2.0, -6.0);
const C: Complex = Complex::new(6.0, 2.0);
const D: Complex = Complex::new(-2.0, 6.0);

const ALTERNATION: Segment = Segment::Alternation { symbols: 256, points: [A, B] };

const fn conditioning(symbols: u16) -> Segment {
    Segment::Conditioning {
        symbols,
        generator: Generator { scrambler: &scrambler::V29, start: Some(0x2E_CDD5), word: 0xFFFF },
        drawn: 2,
        meaning: Meaning::Points(&[C, D, B, A]),
    }
}

/// The word 0000 0001 0001 0001 eight times, in dibits coded by phase change.
const BRIDGE: Segment = Segment::Conditioning {
    symbols: 64,
    generator: Generator { scrambler: &scrambler::V29, start: None, word: 0x0111 },
    drawn: 2,
    meaning: Meaning::QuarterTurns(&[1, 0, 2, 3]),
};

const fn ones(phase: u8) -> Segment {
    Segment::ScrambledOnes { symbols: 48, scrambler: ScramblerStart::Continued, phase }
}

const PROTECTION: &[Segment] = &[Segment::Carrier { symbols: 456 }, Segment::Silence { symbols: 48 }];
const LONG: &[Segment] = &[ALTERNATION, conditioning(2976), BRIDGE, ones(1)];
const SHORT: &[Segment] = &[ALTERNATION, conditioning(38), ones(0)];

static FILTERS: Filters = Filters::new(Baud(2400.0), Hz(1800.0), 0.25);

const fn plan_of(name: &'static str, bit_rate: u32, points: &'static [Complex]) -> Plan {
    Plan {
        name,
        bit_rate: BitRate(bit_rate),
        baud: Baud(2400.0),
        carrier: Hz(1800.0),
        roll_off: 0.25,
        filters: &FILTERS,
        coding: Coding::Trellis(points),
        scrambler: &scrambler::V29,
        protection: PROTECTION,
        training: LONG,
        short_training: SHORT,
        turn_off_ones: 32,
        turn_off_silence: 48,
    }
}

static PLAN_7200: Plan = plan_of("V.17 7200", 7200, &POINTS_7200);
static PLAN_9600: Plan = plan_of("V.17 9600", 9600, &POINTS_9600);
static PLAN_12000: Plan = plan_of("V.17 12000", 12000, &POINTS_12000);
static PLAN_14400: Plan = plan_of("V.17 14400", 14400, &POINTS_14400);
