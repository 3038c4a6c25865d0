//! FSK demodulators of many lines.
//!
//! A step of the bit clock is one long chain, from the window that it asks for to the next step. The lines of a group take
//! their steps together: all windows are heard before any of them is judged. A line gives the same bits and marks as one
//! alone.

use alloc::boxed::Box;

use super::{FskDemodulator, FskSpec, correlator::Content, recent::AHEAD};
use crate::{
    bits::BitRun,
    lanes::{Isa, LANES, VectorWork, Vectors},
};

/// Demodulators of one signal for many lines.
#[derive(Clone, Debug)]
pub struct FskBank {
    demodulators: Box<[FskDemodulator]>,
    isa: Isa,
}

impl FskBank {
    /// For so many lines.
    pub fn new(spec: &FskSpec, lines: usize) -> Self {
        Self::with_isa(spec, lines, Isa::detect())
    }

    /// The same by a given instruction set.
    pub fn with_isa(spec: &FskSpec, lines: usize, isa: Isa) -> Self {
        let demodulator = FskDemodulator::new(spec);
        Self { demodulators: (0..lines).map(|_| demodulator.clone()).collect(), isa }
    }

    /// The demodulator of a line, for all that is not the same for every line.
    pub fn line(&mut self, line: usize) -> &mut FskDemodulator {
        &mut self.demodulators[line]
    }

    /// Takes the next samples of each line and appends its bits and marks to its run.
    ///
    /// # Panics
    /// When there are not as many blocks and runs as lines.
    pub fn run(&mut self, blocks: &[impl AsRef<[f32]>], runs: &mut [BitRun]) {
        let lines = self.demodulators.len();
        assert_eq!((blocks.len(), runs.len()), (lines, lines), "a block and a run for each line");
        let groups = self.demodulators.chunks_mut(LANES).zip(blocks.chunks(LANES)).zip(runs.chunks_mut(LANES));
        for ((demodulators, blocks), runs) in groups {
            let longest = blocks.iter().map(|block| block.as_ref().len()).max().unwrap_or(0);
            for first in (0..longest).step_by(AHEAD) {
                let mut left = [0; LANES];
                for ((demodulator, block), left) in demodulators.iter_mut().zip(blocks).zip(&mut left) {
                    let rest = block.as_ref().get(first..).unwrap_or(&[]);
                    *left = rest.len().min(AHEAD);
                    demodulator.store(&rest[..*left]);
                }
                self.isa.run_in_vectors(Together { demodulators, left, runs });
            }
        }
    }
}

/// Takes the samples of a group that are stored.
struct Together<'a> {
    demodulators: &'a mut [FskDemodulator],
    /// Samples that are not taken.
    left: [usize; LANES],
    runs: &'a mut [BitRun],
}

impl VectorWork for Together<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        let Self { demodulators, mut left, runs } = self;
        let mut contents = [Content::default(); LANES];
        loop {
            let mut listening = [false; LANES];
            let mut any = false;
            for (lane, demodulator) in demodulators.iter_mut().enumerate() {
                listening[lane] = demodulator.take_to_listening(&mut left[lane]);
                any |= listening[lane];
            }
            if !any {
                return;
            }
            for (lane, demodulator) in demodulators.iter().enumerate() {
                if listening[lane] {
                    contents[lane] = demodulator.windows().content::<V>();
                }
            }
            for (lane, (demodulator, run)) in demodulators.iter_mut().zip(runs.iter_mut()).enumerate() {
                if listening[lane] {
                    demodulator.hear(&contents[lane], run);
                }
            }
        }
    }
}
