//! Receivers of many lines.
//!
//! What a receiver does for a symbol is one long chain: the next step needs what the last one gave, and most of a
//! processor waits. So the lines of a group take their symbols together, each step for all of them before the next step.
//! A line gives the same bits and marks as one alone.

use alloc::boxed::Box;

use super::{
    PIECE, Receiver, State,
    running::{HeardSymbol, SymbolPlace},
};
use crate::{
    bits::BitRun,
    lanes::{Isa, LANES, VectorWork, Vectors},
    modem::{Complex, Plan, phasors::turned_eight},
};

/// Receivers of one modem for many lines.
#[derive(Clone, Debug)]
pub struct ReceiverBank {
    receivers: Box<[Receiver]>,
    isa: Isa,
}

impl ReceiverBank {
    /// For so many lines, each of which waits for the long training sequence.
    pub fn new(plan: &'static Plan, lines: usize) -> Self {
        Self::with_isa(plan, lines, Isa::detect())
    }

    /// The same by a given instruction set.
    pub fn with_isa(plan: &'static Plan, lines: usize, isa: Isa) -> Self {
        let receiver = Receiver::with_isa(plan, isa);
        Self { receivers: (0..lines).map(|_| receiver.clone()).collect(), isa }
    }

    /// The receiver of a line, for all that is not the same for every line.
    pub fn line(&mut self, line: usize) -> &mut Receiver {
        &mut self.receivers[line]
    }

    /// Takes the next samples of each line, as many of one as of another, and appends its bits and marks to its run.
    ///
    /// # Panics
    /// When there are not as many blocks and runs as lines, or blocks of different lengths.
    pub fn run(&mut self, blocks: &[impl AsRef<[f32]>], runs: &mut [BitRun]) {
        assert_eq!(
            (blocks.len(), runs.len()),
            (self.receivers.len(), self.receivers.len()),
            "a block and a run for each line"
        );
        let groups = self.receivers.chunks_mut(LANES).zip(blocks.chunks(LANES)).zip(runs.chunks_mut(LANES));
        for ((receivers, blocks), runs) in groups {
            let length = blocks[0].as_ref().len();
            assert!(blocks.iter().all(|block| block.as_ref().len() == length), "blocks of one length");
            self.isa.run_in_vectors(Together { receivers, blocks, runs });
        }
    }
}

/// Takes the samples of the lines of a group, and the symbols that are due in them.
struct Together<'a, B> {
    receivers: &'a mut [Receiver],
    blocks: &'a [B],
    runs: &'a mut [BitRun],
}

impl<B: AsRef<[f32]>> VectorWork for Together<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        let length = self.blocks[0].as_ref().len();
        for first in (0..length).step_by(PIECE) {
            let piece = first..length.min(first + PIECE);
            for (receiver, block) in self.receivers.iter_mut().zip(self.blocks) {
                receiver.hear(&block.as_ref()[piece.clone()]);
            }
            take_symbols::<V>(self.receivers, self.runs);
        }
    }
}

/// Takes the symbols that are due.
#[inline(always)]
fn take_symbols<V: Vectors>(receivers: &mut [Receiver], runs: &mut [BitRun]) {
    let mut ends = [0.0; LANES];
    for ((receiver, run), end) in receivers.iter_mut().zip(runs.iter_mut()).zip(&mut ends) {
        if receiver.runs_on() {
            *end = receiver.line.heard() as f64;
        } else {
            receiver.advance(run);
        }
    }
    let mut places = [SymbolPlace::NONE; LANES];
    let mut halves = [[Complex::ZERO; 2]; LANES];
    let mut heard = [HeardSymbol::NONE; LANES];
    let mut sent = [Complex::ZERO; LANES];
    loop {
        let mut due = [false; LANES];
        let mut any = false;
        for (lane, receiver) in receivers.iter().enumerate() {
            due[lane] = receiver.is_due(ends[lane]);
            any |= due[lane];
        }
        if !any {
            return;
        }
        for (lane, receiver) in receivers.iter_mut().enumerate() {
            if due[lane] {
                places[lane] = receiver.symbol_place::<V>();
            }
        }
        let [first, second, upright] = unit_vectors::<V>(&places);
        for (lane, receiver) in receivers.iter_mut().enumerate() {
            if due[lane] {
                halves[lane] = receiver.hear_symbol::<V>(&places[lane], [first[lane], second[lane]]);
            }
        }
        for (lane, receiver) in receivers.iter_mut().enumerate() {
            if due[lane] {
                heard[lane] = receiver.equalise::<V>(halves[lane], upright[lane]);
            }
        }
        let many = receivers.len() > LANES / 2;
        let distances = if many { receivers[0].measure::<V>(&heard) } else { [None; LANES] };
        for (lane, (receiver, run)) in receivers.iter_mut().zip(runs.iter_mut()).enumerate() {
            if due[lane] {
                sent[lane] = receiver.decide::<V>(&heard[lane], distances[lane], run);
            }
        }
        for (lane, receiver) in receivers.iter_mut().enumerate() {
            if due[lane] {
                receiver.learn_symbol::<V>(&heard[lane], sent[lane]);
            }
        }
    }
}

/// The unit vectors of eight symbols, each of their three angles together.
#[inline(always)]
fn unit_vectors<V: Vectors>(places: &[SymbolPlace; LANES]) -> [[Complex; LANES]; 3] {
    let mut vectors = [[Complex::ZERO; LANES]; 3];
    for (angle, vectors) in vectors.iter_mut().enumerate() {
        let mut turns = [0.0; LANES];
        for (turns, place) in turns.iter_mut().zip(places) {
            *turns = place.turns[angle];
        }
        *vectors = turned_eight::<V>(&turns);
    }
    vectors
}

impl Receiver {
    /// Whether a signal goes on, so that its symbols are all there is to do.
    #[inline(always)]
    fn runs_on(&self) -> bool {
        matches!(self.state, State::Running) && self.presence.ended().is_none()
    }
}
