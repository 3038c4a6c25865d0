//! What tells one fast modem from another, as data.

use crate::{
    modem::{Train, complex::Complex, filters::Filters, v17, v27ter, v29},
    scrambler::ScramblerSpec,
    units::{Baud, BitRate, Hz},
};

/// The nine fast modems of T.30: each mode by rising rate.
pub fn plans() -> [&'static Plan; 9] {
    [
        v27ter::plan(v27ter::Rate::R2400),
        v27ter::plan(v27ter::Rate::R4800),
        v29::plan(v29::Rate::R4800),
        v29::plan(v29::Rate::R7200),
        v29::plan(v29::Rate::R9600),
        v17::plan(v17::Rate::R7200),
        v17::plan(v17::Rate::R9600),
        v17::plan(v17::Rate::R12000),
        v17::plan(v17::Rate::R14400),
    ]
}

/// A fast modem at one rate. Transmitter and receiver know nothing else about it.
#[derive(Debug)]
pub struct Plan {
    /// Name and rate for people.
    pub name: &'static str,
    /// Data signalling rate.
    pub bit_rate: BitRate,
    /// Symbol rate: 1200, 1600 or 2400.
    pub baud: Baud,
    /// Carrier frequency, a multiple of 100 Hz.
    pub carrier: Hz,
    /// Roll-off of the root raised cosine pulse.
    pub roll_off: f32,
    /// What makes and takes the pulse.
    pub filters: &'static Filters,
    /// How bits become symbols.
    pub coding: Coding,
    /// How data are scrambled.
    pub scrambler: &'static ScramblerSpec,
    /// What goes before the training as protection against talker echo.
    pub protection: &'static [Segment],
    /// The training sequence.
    pub training: &'static [Segment],
    /// The resynchronising sequence; empty where the modem has none.
    pub short_training: &'static [Segment],
    /// Symbols of scrambled ones after the data.
    pub turn_off_ones: u16,
    /// Symbols of silence after the scrambled ones.
    pub turn_off_silence: u16,
}

impl Plan {
    /// The training sequence asked for; the long one where there is no short one.
    pub fn script(&self, train: Train) -> &'static [Segment] {
        if train == Train::Short && !self.short_training.is_empty() { self.short_training } else { self.training }
    }
}

/// How bits become symbols.
#[derive(Debug)]
pub enum Coding {
    /// The last bits of a symbol turn the phase, a first bit, where there are two rings, chooses the amplitude.
    Phase {
        /// Phase change in octants for each value of the phase bits, first bit on the line most significant.
        turns: &'static [u8],
        /// Point for each amplitude and absolute octant.
        rings: &'static [[Complex; 8]],
    },
    /// The 8-state trellis code of V.17; points by label.
    Trellis(&'static [Complex]),
}

impl Coding {
    /// Data bits in a symbol.
    pub fn bits_per_symbol(&self) -> u32 {
        match self {
            Self::Phase { turns, rings } => turns.len().ilog2() + rings.len().ilog2(),
            Self::Trellis(points) => points.len().ilog2() - 1,
        }
    }

    /// Octants between neighbouring phases.
    pub fn octant_step(&self) -> usize {
        match self {
            Self::Phase { turns, .. } => 8 / turns.len(),
            Self::Trellis(_) => 1,
        }
    }

    /// The points that data can make.
    pub fn points(&self) -> impl Iterator<Item = Complex> {
        let (rings, points): (&'static [[Complex; 8]], &'static [Complex]) = match self {
            Self::Phase { rings, .. } => (rings, &[]),
            Self::Trellis(points) => (&[], points),
        };
        let step = self.octant_step();
        rings.iter().flat_map(move |ring| ring.iter().step_by(step)).chain(points).copied()
    }

    /// Mean power of the points that data can make.
    pub fn mean_power(&self) -> f32 {
        let (sum, count) = self.points().fold((0.0, 0.0), |(sum, count), point| (sum + point.power(), count + 1.0));
        sum / count
    }

    /// Squared distance of the nearest two points.
    pub fn distance_squared(&self) -> f32 {
        let pairs = self.points().flat_map(|a| self.points().map(move |b| (a - b).power()));
        pairs.filter(|distance| *distance > 1e-6).fold(f32::INFINITY, f32::min)
    }
}

/// A stretch of a signal before its data.
#[derive(Debug)]
pub enum Segment {
    /// The carrier alone, at the level of data.
    Carrier {
        /// Length.
        symbols: u16,
    },
    /// Nothing.
    Silence {
        /// Length.
        symbols: u16,
    },
    /// Two points in turn, beginning with the first.
    Alternation {
        /// Length.
        symbols: u16,
        /// The points.
        points: [Complex; 2],
    },
    /// A pseudo-random pattern, known to the receiver.
    Conditioning {
        /// Length.
        symbols: u16,
        /// What the pattern is drawn from.
        generator: Generator,
        /// Bits drawn for each symbol.
        drawn: u32,
        /// What the drawn bits mean, first bit most significant.
        meaning: Meaning,
    },
    /// Ones, scrambled and coded as data.
    ScrambledOnes {
        /// Length.
        symbols: u16,
        /// The scrambler's state at the beginning.
        scrambler: ScramblerStart,
        /// The phase, in the coding's own units, that the first symbol is coded against.
        phase: u8,
    },
}

impl Segment {
    /// Length in symbols.
    pub fn symbols(&self) -> u16 {
        match self {
            Self::Carrier { symbols }
            | Self::Silence { symbols }
            | Self::Alternation { symbols, .. }
            | Self::Conditioning { symbols, .. }
            | Self::ScrambledOnes { symbols, .. } => *symbols,
        }
    }
}

/// A scrambler fed with a repeating word.
#[derive(Debug)]
pub struct Generator {
    /// Its polynomial.
    pub scrambler: &'static ScramblerSpec,
    /// Its register at the beginning, newest bit lowest; `None`: as the segment before left it.
    pub start: Option<u32>,
    /// The word, first bit on the line most significant.
    pub word: u16,
}

/// What the bits drawn for a training symbol mean.
#[derive(Debug)]
pub enum Meaning {
    /// The point with this index.
    Points(&'static [Complex]),
    /// The symbol before, turned by so many quarter turns.
    QuarterTurns(&'static [u8]),
}

/// State of the data scrambler where the scrambled ones begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramblerStart {
    /// Its register is clear.
    Clear,
    /// It goes on from the conditioning pattern.
    Continued,
}
