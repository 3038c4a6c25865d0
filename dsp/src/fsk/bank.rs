//! FSK demodulators of many lines.
//!
//! A step of the bit clock is one long chain, from the window that it asks for to the next step. The lines of a group take
//! their steps together: all windows are heard before any of them is judged. A line gives the same bits and marks as one
//! alone.

use alloc::boxed::Box;

use super::{FskDemodulator, FskSpec, correlator::Content};
use crate::{
    bits::BitRun,
    lanes::{Isa, LANES, Work},
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
            self.isa.run(Together { demodulators, blocks, runs });
        }
    }
}

/// Takes the samples of a group.
struct Together<'a, B> {
    demodulators: &'a mut [FskDemodulator],
    blocks: &'a [B],
    runs: &'a mut [BitRun],
}

impl<B: AsRef<[f32]>> Work for Together<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { demodulators, blocks, runs } = self;
        let mut taken = [0; LANES];
        let mut contents = [None; LANES];
        while take_to_steps(demodulators, blocks, &mut taken, &mut contents) {
            for (lane, demodulator) in demodulators.iter_mut().enumerate() {
                if contents[lane].is_some() {
                    contents[lane] = if demodulator.listens() { Some(demodulator.windows().run()) } else { None };
                }
            }
            for ((demodulator, run), content) in demodulators.iter_mut().zip(runs.iter_mut()).zip(&contents) {
                if let Some(content) = content {
                    demodulator.hear(content, run);
                }
            }
        }
    }
}

/// Takes the samples of each line up to its next step. Some content, not heard yet, where one is due; whether one is.
#[inline(always)]
fn take_to_steps<B: AsRef<[f32]>>(
    demodulators: &mut [FskDemodulator],
    blocks: &[B],
    taken: &mut [usize; LANES],
    contents: &mut [Option<Content>; LANES],
) -> bool {
    let mut any = false;
    for (lane, (demodulator, block)) in demodulators.iter_mut().zip(blocks).enumerate() {
        let rest = &block.as_ref()[taken[lane]..];
        let wanted = demodulator.samples_to_step();
        demodulator.take(&rest[..wanted.min(rest.len())]);
        taken[lane] += wanted.min(rest.len());
        let due = wanted <= rest.len();
        contents[lane] = due.then_some(Content::default());
        any |= due;
    }
    any
}
