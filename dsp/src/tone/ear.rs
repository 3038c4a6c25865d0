//! A detector in two parts: what costs much is a kernel, for one line or for eight side by side; what decides is a
//! listener, one for each line.
//!
//! ```text
//!                ┌ Alone    one line, any number of samples at once ┐
//!  samples ─▶ kernel                                                ├─▶ results ─▶ the line's listener ─▶ what it heard
//!                └ EarBank  lines in groups of eight, block by block┘
//! ```

use alloc::{boxed::Box, vec, vec::Vec};
use core::fmt;

use crate::{
    lanes::{Bank, Eight, Isa, Kernel, LANES, Lanes, Work},
    pcm::BLOCK_SAMPLES,
};

/// Decides what is heard, by what a kernel made of the samples.
pub trait Listener: Sized {
    /// What it needs of the samples.
    type Kernel: Kernel;

    /// What it tells.
    type Heard;

    /// Samples in a piece; a block is a whole number of pieces.
    const SAMPLES: usize;

    /// One of the same kind that has heard nothing.
    fn fresh(&self) -> Self;

    /// The kernel, and how many values it writes for a piece.
    fn kernel(&self) -> (Self::Kernel, usize);

    /// Takes the next piece.
    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<Self::Heard>;
}

/// A line's samples and what the kernel made of them.
pub struct Piece<'a, V> {
    samples: &'a [V],
    results: &'a [V],
    lane: usize,
}

impl<V: Lanes> Piece<'_, V> {
    /// A sample, in 16-bit scale.
    #[inline]
    pub fn sample(&self, at: usize) -> f32 {
        self.samples[at].lane(self.lane)
    }

    /// A value that the kernel wrote.
    #[inline]
    pub fn result(&self, at: usize) -> f32 {
        self.results[at].lane(self.lane)
    }
}

/// A detector for one line.
pub struct Alone<L: Listener> {
    listener: L,
    kernel: L::Kernel,
    state: <L::Kernel as Kernel>::State<f32>,
    piece: [f32; BLOCK_SAMPLES],
    filled: usize,
    results: Box<[f32]>,
    isa: Isa,
}

impl<L: Listener> Alone<L> {
    /// A line that has heard nothing.
    pub fn new(listener: L) -> Self {
        let (kernel, results) = listener.kernel();
        Self {
            listener,
            state: kernel.state(),
            kernel,
            piece: [0.0; BLOCK_SAMPLES],
            filled: 0,
            results: vec![0.0; results].into_boxed_slice(),
            isa: Isa::detect(),
        }
    }

    /// Takes the next samples, in 16-bit scale; `found` is called with what is heard.
    pub fn run(&mut self, samples: &[f32], mut found: impl FnMut(L::Heard)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(L::SAMPLES - self.filled));
            self.piece[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            rest = later;
            if self.filled == L::SAMPLES {
                self.filled = 0;
                self.hear().map(&mut found);
            }
        }
    }

    fn hear(&mut self) -> Option<L::Heard> {
        let Self { listener, kernel, state, piece, results, isa, .. } = self;
        let samples = &piece[..L::SAMPLES];
        isa.run(One { kernel, state, samples, results });
        listener.hear(&Piece { samples, results, lane: 0 })
    }

    /// The listener.
    pub fn listener(&self) -> &L {
        &self.listener
    }
}

impl<L: Listener<Kernel: Clone> + Clone> Clone for Alone<L> {
    fn clone(&self) -> Self {
        Self {
            listener: self.listener.clone(),
            kernel: self.kernel.clone(),
            state: self.state.clone(),
            results: self.results.clone(),
            ..*self
        }
    }
}

impl<L: Listener + fmt::Debug> fmt::Debug for Alone<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Alone").field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// One line's piece, for the widest instructions.
struct One<'a, K: Kernel> {
    kernel: &'a K,
    state: &'a mut K::State<f32>,
    samples: &'a [f32],
    results: &'a mut [f32],
}

impl<K: Kernel> Work for One<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.kernel.run(self.state, self.samples, self.results);
    }
}

/// A detector for many lines, in groups of [`LANES`]: each line hears what [`Alone`] hears, bit for bit.
pub struct EarBank<L: Listener> {
    bank: Bank<L::Kernel>,
    listeners: Vec<[L; LANES]>,
    /// What the kernel remembers of a line that has heard nothing.
    silence: <L::Kernel as Kernel>::State<f32>,
    results: Box<[Eight]>,
}

impl<L: Listener> EarBank<L> {
    /// `groups` groups of lines that have heard nothing.
    pub fn new(listener: L, groups: usize, isa: Isa) -> Self {
        let (kernel, results) = listener.kernel();
        Self {
            listeners: (0..groups).map(|_| core::array::from_fn(|_| listener.fresh())).collect(),
            silence: kernel.state(),
            bank: Bank::new(kernel, groups, isa),
            results: vec![Eight::default(); BLOCK_SAMPLES / L::SAMPLES * results].into_boxed_slice(),
        }
    }

    /// Takes a block of the lines of a group; lines whose bit in `present` is not set keep what they remember. `found` is
    /// called with the lane and what its line hears.
    pub fn run(
        &mut self,
        group: usize,
        present: u8,
        block: &[Eight; BLOCK_SAMPLES],
        mut found: impl FnMut(usize, L::Heard),
    ) {
        self.bank.run(group, present, block, &mut self.results);
        let pieces = block.chunks_exact(L::SAMPLES);
        let results = self.results.chunks_exact(self.results.len() / pieces.len());
        for (samples, results) in pieces.zip(results) {
            for (lane, listener) in self.listeners[group].iter_mut().enumerate() {
                if present >> lane & 1 == 1
                    && let Some(heard) = listener.hear(&Piece { samples, results, lane })
                {
                    found(lane, heard);
                }
            }
        }
    }

    /// The listener of a line.
    pub fn listener(&self, group: usize, lane: usize) -> &L {
        &self.listeners[group][lane]
    }

    /// Lets a line of a group begin anew.
    pub fn restart(&mut self, group: usize, lane: usize) {
        self.bank.insert(group, lane, &self.silence);
        let listener = &mut self.listeners[group][lane];
        *listener = listener.fresh();
    }
}

/// Two kernels on the same samples; the results of the second follow those of the first.
#[derive(Clone, Debug)]
pub struct Both<A, B> {
    first: A,
    second: B,
    /// Values that the first writes.
    split: usize,
}

impl<A: Kernel, B: Kernel> Both<A, B> {
    /// Two kernels, the first of which writes `split` values.
    pub(crate) fn new(first: A, split: usize, second: B) -> Self {
        Self { first, second, split }
    }
}

impl<A: Kernel, B: Kernel> Kernel for Both<A, B> {
    type State<V: Lanes> = (A::State<V>, B::State<V>);

    fn state<V: Lanes>(&self) -> Self::State<V> {
        (self.first.state(), self.second.state())
    }

    fn extract<V: Lanes>(&self, state: &Self::State<V>, lane: usize) -> Self::State<f32> {
        (self.first.extract(&state.0, lane), self.second.extract(&state.1, lane))
    }

    fn insert<V: Lanes>(&self, state: &mut Self::State<V>, lane: usize, line: &Self::State<f32>) {
        self.first.insert(&mut state.0, lane, &line.0);
        self.second.insert(&mut state.1, lane, &line.1);
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut Self::State<V>, samples: &[V], results: &mut [V]) {
        let (first, second) = results.split_at_mut(self.split);
        self.first.run(&mut state.0, samples, first);
        self.second.run(&mut state.1, samples, second);
    }
}

#[cfg(test)]
#[path = "ear_tests.rs"]
mod tests;
