//! Text telephones, as far as their signals are their own.
//!
//! ```text
//!  Baudot       1400 and 1800 Hz by turns, 20 or 22 ms each
//!  EDT          980 and 1180 Hz at 110 bit/s: a start bit, seven bits and their even parity, two stop bits
//!  V.21, V.23   1650 or 1300 Hz that stays, waiting for somebody to type: no fax machine waits
//!  DTMF         digits in a quick row, one in four * or #
//! ```
//!
//! A text telephone of Bell 103 answers as a data modem does, and so is one.

use crate::{
    bits::BitRun,
    fsk::{FskDemodulator, FskSpec},
    modem::Demodulator,
    pcm::BLOCK_SAMPLES,
    tone::{
        dtmf_detector::HeardDigit,
        pitch::{Look, VOICED},
    },
    units::{Baud, Hz},
};

/// Turns from 1400 to 1800 Hz or back that Baudot takes, each within so many blocks of the last.
const TURNS: u32 = 8;
const TURN_WITHIN: u32 = 16;

/// EDT, the telephone for the deaf of German-speaking countries: V.21's first channel, slower.
const EDT: FskSpec = FskSpec { mark: Hz(980.0), space: Hz(1180.0), rate: Baud(110.0), source: "ITU-T V.18, annex C" };

/// Purity from which a block may be of EDT, and blocks for which it is listened for since the last such one.
const EDT_PURITY: f32 = 0.75;
const EDT_FOR: u32 = 100;

/// Characters of EDT in a row that nothing else has.
const CHARACTERS: u32 = 4;

/// Carriers that wait: V.21's second channel and V.23, and blocks for which they do.
const WAITING: [f32; 2] = [1650.0, 1300.0];
const WAITING_TOLERANCE: f32 = 12.0;
const WAITS: u32 = 80;

/// Digits in a row that a text of DTMF has, the longest of them and the longest pause between two, in samples.
const DIGITS: u32 = 8;
const LONGEST_DIGIT: u64 = 1200;
const LONGEST_PAUSE: u64 = 2400;

/// Listens for text telephones.
#[derive(Clone, Debug)]
pub(super) struct TextEar {
    /// The last tone of Baudot, blocks since, turns.
    baudot: (bool, u32, u32),
    edt: FskDemodulator,
    /// Blocks for which EDT is still listened for.
    edt_for: u32,
    run: BitRun,
    characters: Characters,
    /// Blocks in a row of each carrier that waits.
    waiting: [u32; WAITING.len()],
    digits: Digits,
}

/// Characters of EDT, bit by bit.
#[derive(Clone, Copy, Debug, Default)]
struct Characters {
    /// Bits since the start bit, the newest lowest, and how many; none before it.
    bits: u32,
    count: u32,
    right: u32,
}

/// Digits that may be a text.
#[derive(Clone, Copy, Debug, Default)]
struct Digits {
    end: u64,
    count: u32,
    /// Those of them that are * or #.
    marks: u32,
}

impl TextEar {
    pub(super) fn new() -> Self {
        Self {
            baudot: (false, 0, 0),
            edt: FskDemodulator::new(&EDT),
            edt_for: 0,
            run: BitRun::with_room(VOICED),
            characters: Characters::default(),
            waiting: [0; WAITING.len()],
            digits: Digits::default(),
        }
    }

    /// Takes a block, which `recent` ends with, and a digit that ended in it; whether somebody types.
    pub(super) fn hears(&mut self, look: &Look, loud: bool, recent: &[f32; VOICED], digit: Option<HeardDigit>) -> bool {
        let turns = self.turns(look, loud);
        let typed = self.types(look, loud, recent);
        let waits = self.waits(look, loud);
        let dialled = digit.is_some_and(|digit| self.digits.take(&digit));
        turns || typed || waits || dialled
    }

    fn turns(&mut self, look: &Look, loud: bool) -> bool {
        let (last, since, turns) = &mut self.baudot;
        *since += 1;
        if *since > TURN_WITHIN {
            *turns = 0;
        }
        let (mark, space) = (loud && look.is(1400.0, 25.0), loud && look.is(1800.0, 25.0));
        if mark || space {
            *turns += u32::from(*last != space);
            (*last, *since) = (space, 0);
        }
        *turns == TURNS
    }

    fn types(&mut self, look: &Look, loud: bool, recent: &[f32; VOICED]) -> bool {
        let begins = self.edt_for == 0;
        let may_be = loud && (930.0..1230.0).contains(&look.tone) && look.purity >= EDT_PURITY;
        self.edt_for = if may_be { EDT_FOR } else { self.edt_for.saturating_sub(1) };
        if self.edt_for == 0 {
            return false;
        }
        if begins {
            self.edt.restart();
            self.characters = Characters::default();
        }
        self.run.clear();
        self.edt.run(&recent[if begins { 0 } else { VOICED - BLOCK_SAMPLES }..], &mut self.run);
        let characters = &mut self.characters;
        let mut typed = false;
        for bit in self.run.bits() {
            typed |= characters.take(*bit);
        }
        typed
    }

    fn waits(&mut self, look: &Look, loud: bool) -> bool {
        let mut waits = false;
        for (blocks, pitch) in self.waiting.iter_mut().zip(WAITING) {
            *blocks = if loud && look.is(pitch, WAITING_TOLERANCE) { *blocks + 1 } else { 0 };
            waits |= *blocks == WAITS;
        }
        waits
    }
}

impl Characters {
    /// Takes a bit; whether it ends one character too many to be chance.
    fn take(&mut self, bit: bool) -> bool {
        if self.count == 0 && bit {
            return false;
        }
        self.bits = self.bits << 1 | u32::from(bit);
        self.count += 1;
        // The start bit, seven and their parity, two stop bits.
        if self.count < 11 {
            return false;
        }
        let (stops, even) = (self.bits & 3 == 3, (self.bits >> 2).count_ones().is_multiple_of(2));
        *self = Self { right: if stops && even { self.right + 1 } else { 0 }, ..Self::default() };
        self.right == CHARACTERS
    }
}

impl Digits {
    /// Takes a digit that ended; whether they are a text.
    fn take(&mut self, digit: &HeardDigit) -> bool {
        let Some(end) = digit.end else { return false };
        let follows = digit.begin.0 <= self.end + LONGEST_PAUSE;
        if end.0 > digit.begin.0 + LONGEST_DIGIT || !follows {
            (self.count, self.marks) = (0, 0);
        }
        self.end = end.0;
        self.count += 1;
        self.marks += u32::from(matches!(digit.digit, '*' | '#'));
        self.count >= DIGITS && self.marks * 4 >= self.count
    }
}
