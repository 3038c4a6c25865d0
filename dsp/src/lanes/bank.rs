//! A kernel for one line, and for many.
#![allow(unsafe_code)]

use alloc::{boxed::Box, vec};

#[cfg(target_arch = "x86_64")]
use crate::lanes::x86;
use crate::lanes::{Eight, Isa, Kernel, LANES, isa::Set};

/// A kernel for one line.
#[derive(Clone, Debug)]
pub struct One<K: Kernel> {
    kernel: K,
    state: K::State<f32>,
}

impl<K: Kernel> One<K> {
    /// A line that has heard nothing.
    pub fn new(kernel: K) -> Self {
        let state = kernel.state();
        Self { kernel, state }
    }

    /// Takes samples and writes results.
    pub fn run(&mut self, samples: &[f32], results: &mut [f32]) {
        self.kernel.run(&mut self.state, samples, results);
    }

    /// The kernel.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// What the line remembers.
    pub fn state(&self) -> &K::State<f32> {
        &self.state
    }

    /// Changes what the line remembers, in its place.
    pub fn edit(&mut self, change: impl FnOnce(&mut K::State<f32>)) {
        change(&mut self.state);
    }

    /// Makes the line remember something else.
    pub fn set_state(&mut self, state: K::State<f32>) {
        self.state = state;
    }
}

/// A kernel for many lines, in groups of [`LANES`].
pub struct Bank<K: Kernel> {
    kernel: K,
    groups: Groups<K>,
}

/// States of the groups, in the form of the instruction set.
enum Groups<K: Kernel> {
    Portable(Box<[K::State<Eight>]>),
    #[cfg(target_arch = "x86_64")]
    Avx2(Box<[K::State<x86::Register>]>),
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<[K::State<x86::Register>]>),
}

impl<K: Kernel> Bank<K> {
    /// `groups` groups of lines that have heard nothing.
    pub fn new(kernel: K, groups: usize, isa: Isa) -> Self {
        let groups = match isa.0 {
            Set::Portable => Groups::Portable(vec![kernel.state(); groups].into_boxed_slice()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Groups::Avx2(vec![kernel.state(); groups].into_boxed_slice()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => Groups::Avx512(vec![kernel.state(); groups].into_boxed_slice()),
        };
        Self { kernel, groups }
    }

    /// Takes samples of the lines of a group and writes their results.
    ///
    /// Lines whose bit in `present` is not set keep their state; their samples and results mean nothing.
    pub fn run(&mut self, group: usize, present: u8, samples: &[Eight], results: &mut [Eight]) {
        if present == u8::MAX {
            // Room for what eight lines remember is dear, even if nothing is put there.
            return self.run_all(group, samples, results);
        }
        let kept: [Option<K::State<f32>>; LANES] =
            core::array::from_fn(|lane| (present >> lane & 1 == 0).then(|| self.extract(group, lane)));
        self.run_all(group, samples, results);
        for (lane, state) in kept.iter().enumerate() {
            if let Some(state) = state {
                self.insert(group, lane, state);
            }
        }
    }

    fn run_all(&mut self, group: usize, samples: &[Eight], results: &mut [Eight]) {
        match &mut self.groups {
            Groups::Portable(states) => self.kernel.run(&mut states[group], samples, results),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the variant is made only for an Isa that has found AVX2.
            Groups::Avx2(states) => unsafe { x86::run_avx2(&self.kernel, &mut states[group], samples, results) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the variant is made only for an Isa that has found AVX-512.
            Groups::Avx512(states) => unsafe { x86::run_avx512(&self.kernel, &mut states[group], samples, results) },
        }
    }

    /// What a line remembers; for moving a call out of the bank at the edge of a block.
    pub fn extract(&self, group: usize, lane: usize) -> K::State<f32> {
        match &self.groups {
            Groups::Portable(states) => self.kernel.extract(&states[group], lane),
            #[cfg(target_arch = "x86_64")]
            Groups::Avx2(states) | Groups::Avx512(states) => self.kernel.extract(&states[group], lane),
        }
    }

    /// Gives a line another memory; for moving a call into the bank at the edge of a block.
    pub fn insert(&mut self, group: usize, lane: usize, line: &K::State<f32>) {
        match &mut self.groups {
            Groups::Portable(states) => self.kernel.insert(&mut states[group], lane, line),
            #[cfg(target_arch = "x86_64")]
            Groups::Avx2(states) | Groups::Avx512(states) => self.kernel.insert(&mut states[group], lane, line),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
