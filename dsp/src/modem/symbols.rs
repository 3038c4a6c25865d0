//! The symbols of a signal in order: protection, training, data, turn-off.
//!
//! The modulator shapes them, the receiver takes its known training from the same source.

use super::{
    Protection, Train,
    complex::Complex,
    encoder::Encoder,
    plan::{Generator, Meaning, Plan, ScramblerStart, Segment},
};
use crate::{bits::BitQueue, scrambler::Scrambler};

/// Draws the symbols of one signal of a plan, one after another.
#[derive(Clone, Debug)]
pub struct Symbols {
    plan: &'static Plan,
    training: &'static [Segment],
    part: Part,
    /// Symbols of the part that were drawn.
    drawn: u16,
    generator: Scrambler,
    last: Complex,
    encoder: Encoder,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Protection(usize),
    Training(usize),
    Data,
    Ones,
    Silence,
    Ended,
}

impl Symbols {
    /// The symbols from the beginning of the signal.
    pub fn new(plan: &'static Plan, protection: Protection, train: Train) -> Self {
        let part = match protection {
            Protection::TalkerEcho => Part::Protection(0),
            Protection::None => Part::Training(0),
        };
        Self {
            plan,
            training: plan.script(train),
            part,
            drawn: 0,
            generator: Scrambler::new(plan.scrambler),
            last: Complex::ZERO,
            encoder: Encoder::new(plan),
        }
    }

    /// Whether the next symbol carries data (or what follows them).
    pub fn is_past_training(&self) -> bool {
        self.segment().is_none()
    }

    /// The next symbol in the units of the plan's points; `None` when the signal is over.
    #[inline(always)]
    pub fn next(&mut self, bits: &mut BitQueue) -> Option<Complex> {
        if matches!(self.part, Part::Data) && !bits.is_drained() {
            return Some(self.encoder.symbol(|count| bits.pop_word(count)));
        }
        self.before_or_after_data(bits)
    }

    #[inline(never)]
    fn before_or_after_data(&mut self, bits: &mut BitQueue) -> Option<Complex> {
        let symbol = match self.segment() {
            Some(segment) => self.scripted(segment),
            None => self.data_or_turn_off(bits)?,
        };
        self.last = symbol;
        Some(symbol)
    }

    fn segment(&self) -> Option<&'static Segment> {
        match self.part {
            Part::Protection(index) => Some(&self.plan.protection[index]),
            Part::Training(index) => Some(&self.training[index]),
            _ => None,
        }
    }

    fn scripted(&mut self, segment: &'static Segment) -> Complex {
        let symbol = match segment {
            Segment::Carrier { .. } => Complex::new(libm::sqrtf(self.plan.coding.mean_power()), 0.0),
            Segment::Silence { .. } => Complex::ZERO,
            Segment::Alternation { points, .. } => points[usize::from(self.drawn & 1)],
            Segment::Conditioning { generator, drawn, meaning, .. } => self.pattern(generator, *drawn, meaning),
            Segment::ScrambledOnes { scrambler, phase, .. } => self.scrambled_one(*scrambler, *phase),
        };
        self.drawn += 1;
        if self.drawn == segment.symbols() {
            self.enter_next_part();
        }
        symbol
    }

    fn pattern(&mut self, generator: &Generator, drawn: u32, meaning: &Meaning) -> Complex {
        if self.drawn == 0
            && let Some(start) = generator.start
        {
            self.generator = Scrambler::new(generator.scrambler);
            self.generator.preset(start);
        }
        let first = u32::from(self.drawn) * drawn;
        let value = (first..first + drawn).fold(0, |value, index| {
            let fed = generator.word >> (15 - index % 16) & 1 == 1;
            value << 1 | usize::from(self.generator.scramble(fed))
        });
        match meaning {
            Meaning::Points(points) => points[value],
            Meaning::QuarterTurns(turns) => self.last.quarter_turns(turns[value]),
        }
    }

    fn scrambled_one(&mut self, start: ScramblerStart, phase: u8) -> Complex {
        if self.drawn == 0 {
            self.encoder.start(self.scrambler_at(start), phase);
        }
        self.encoder.symbol(|_| u32::MAX)
    }

    /// The data scrambler as it is where the scrambled ones begin, when the symbols before them were drawn.
    pub(super) fn scrambler_at(&self, start: ScramblerStart) -> Scrambler {
        match start {
            ScramblerStart::Clear => Scrambler::new(self.plan.scrambler),
            ScramblerStart::Continued => self.generator.clone(),
        }
    }

    fn data_or_turn_off(&mut self, bits: &mut BitQueue) -> Option<Complex> {
        if matches!(self.part, Part::Data) && bits.is_drained() {
            self.enter_next_part();
        }
        self.drawn = self.drawn.saturating_add(1);
        match self.part {
            Part::Ones if self.drawn > self.plan.turn_off_ones => {
                self.enter_next_part();
                self.data_or_turn_off(bits)
            }
            Part::Silence if self.drawn > self.plan.turn_off_silence => {
                self.enter_next_part();
                None
            }
            Part::Silence => Some(Complex::ZERO),
            Part::Ended => None,
            Part::Ones => Some(self.encoder.symbol(|_| u32::MAX)),
            _ => Some(self.encoder.symbol(|count| bits.pop_word(count))),
        }
    }

    fn enter_next_part(&mut self) {
        self.drawn = 0;
        self.part = match self.part {
            Part::Protection(index) if index + 1 < self.plan.protection.len() => Part::Protection(index + 1),
            Part::Protection(_) => Part::Training(0),
            Part::Training(index) if index + 1 < self.training.len() => Part::Training(index + 1),
            Part::Training(_) => Part::Data,
            Part::Data => Part::Ones,
            Part::Ones => Part::Silence,
            Part::Silence | Part::Ended => Part::Ended,
        };
    }
}
