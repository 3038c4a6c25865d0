//! ITU-T V.29: 9600, 7200 and 4800 bit/s with combined phase and amplitude modulation of a 1700 Hz carrier.
//!
//! ```text
//! [carrier 190 ms]  silence 48 T  A B A B 128 T  C and D by a pattern 384 T  scrambled ones 48 T  data  ones
//!  protection against talker echo
//! ```

use super::{
    complex::Complex,
    filters::Filters,
    plan::{Coding, Generator, Meaning, Plan, ScramblerStart, Segment},
    v27ter::{DIBIT_TURNS, TRIBIT_TURNS},
};
use crate::{
    scrambler,
    units::{Baud, BitRate, Hz},
};

/// Data signalling rates of V.29.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 4800 bit/s, four points.
    R4800,
    /// 7200 bit/s, eight points.
    R7200,
    /// 9600 bit/s, sixteen points.
    R9600,
}

/// The plan of a rate.
pub fn plan(rate: Rate) -> &'static Plan {
    match rate {
        Rate::R4800 => &PLAN_4800,
        Rate::R7200 => &PLAN_7200,
        Rate::R9600 => &PLAN_9600,
    }
}

/// The eight phases with one amplitude on the axes and another between them.
const fn ring(axis: f32, diagonal: f32) -> [Complex; 8] {
    [
        Complex::new(axis, 0.0),
        Complex::new(diagonal, diagonal),
        Complex::new(0.0, axis),
        Complex::new(-diagonal, diagonal),
        Complex::new(-axis, 0.0),
        Complex::new(-diagonal, -diagonal),
        Complex::new(0.0, -axis),
        Complex::new(diagonal, -diagonal),
    ]
}

/// Points by amplitude bit and octant. The rates below 9600 use the first ring only.
static RINGS: [[Complex; 8]; 2] = [ring(3.0, 1.0), ring(5.0, 3.0)];
static INNER_RING: [[Complex; 8]; 1] = [ring(3.0, 1.0)];

const A: Complex = Complex::new(-3.0, 0.0);
const C: Complex = Complex::new(3.0, 0.0);

/// The second point of the alternation at 9600 and the points of its conditioning pattern; likewise the other rates.
const B_9600: Complex = Complex::new(3.0, -3.0);
static CD_9600: [Complex; 2] = [C, Complex::new(-3.0, 3.0)];
const B_7200: Complex = Complex::new(1.0, -1.0);
static CD_7200: [Complex; 2] = [C, Complex::new(-1.0, 1.0)];
const B_4800: Complex = Complex::new(0.0, -3.0);
static CD_4800: [Complex; 2] = [C, Complex::new(0.0, 3.0)];

const QUIET: Segment = Segment::Silence { symbols: 48 };

const fn alternation(b: Complex) -> Segment {
    Segment::Alternation { symbols: 128, points: [A, b] }
}

/// The register of s(n) = s(n-6) + s(n-7) before the pattern, which then begins 0101010.
const CONDITIONING_REGISTER: u32 = 0b110_0110;

const fn conditioning(points: &'static [Complex]) -> Segment {
    let generator = Generator { scrambler: &scrambler::V29_CONDITIONING, start: Some(CONDITIONING_REGISTER), word: 0 };
    Segment::Conditioning { symbols: 384, generator, drawn: 1, meaning: Meaning::Points(points) }
}

const ONES: Segment = Segment::ScrambledOnes { symbols: 48, scrambler: ScramblerStart::Clear, phase: 0 };

static FILTERS: Filters = Filters::new(Baud(2400.0), Hz(1700.0), 0.25);

/// A rate's plan: constellation and training differ, the rest does not.
const fn rate_plan(name: &'static str, bit_rate: BitRate, coding: Coding, training: &'static [Segment]) -> Plan {
    Plan {
        name,
        bit_rate,
        coding,
        training,
        baud: Baud(2400.0),
        carrier: Hz(1700.0),
        roll_off: 0.25,
        filters: &FILTERS,
        scrambler: &scrambler::V29,
        protection: &[Segment::Carrier { symbols: 456 }],
        short_training: &[],
        turn_off_ones: 32,
        turn_off_silence: 0,
    }
}

static PLAN_9600: Plan = rate_plan(
    "V.29 9600",
    BitRate(9600),
    Coding::Phase { turns: &TRIBIT_TURNS, rings: &RINGS },
    &[QUIET, alternation(B_9600), conditioning(&CD_9600), ONES],
);

static PLAN_7200: Plan = rate_plan(
    "V.29 7200",
    BitRate(7200),
    Coding::Phase { turns: &TRIBIT_TURNS, rings: &INNER_RING },
    &[QUIET, alternation(B_7200), conditioning(&CD_7200), ONES],
);

static PLAN_4800: Plan = rate_plan(
    "V.29 4800",
    BitRate(4800),
    Coding::Phase { turns: &DIBIT_TURNS, rings: &INNER_RING },
    &[QUIET, alternation(B_4800), conditioning(&CD_4800), ONES],
);
