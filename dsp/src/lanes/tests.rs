//! A line in a bank gives what it gives alone, to the last bit.

use std::{vec, vec::Vec};

use super::*;
use crate::{
    channel::noise::Noise,
    filter::biquad::{Cascade, Section},
    lanes::Lanes,
    level::PowerKernel,
    tone::content::ContentKernel,
    units::{Dbm0, Hz},
};

const BLOCKS: usize = 50;
const BLOCK: usize = 80;

fn sets() -> Vec<Isa> {
    Isa::all().collect()
}

/// Eight different lines.
fn lines() -> Vec<Vec<f32>> {
    let line = |seed| {
        let mut noise = Noise::new(Dbm0(-10.0 - seed as f32), seed);
        (0..BLOCKS * BLOCK).map(|_| noise.next_sample()).collect()
    };
    (0..LANES as u64).map(line).collect()
}

/// Runs eight lines alone and in a bank of every set and compares every result.
fn check<K: Kernel + Clone>(kernel: K, results: usize) {
    let lines = lines();
    for isa in sets() {
        let mut alone: Vec<One<K>> = (0..LANES).map(|_| One::new(kernel.clone())).collect();
        let mut bank = Bank::new(kernel.clone(), 2, isa);
        for block in 0..BLOCKS {
            let piece = |lane: usize| &lines[lane][block * BLOCK..(block + 1) * BLOCK];
            let mut together = [Eight::default(); BLOCK];
            Eight::interleave(core::array::from_fn(piece), &mut together);
            let mut batch = vec![Eight::default(); results];
            bank.run(1, 0xFF, &together, &mut batch);
            for (lane, alone) in alone.iter_mut().enumerate() {
                let mut single = vec![0.0; results];
                alone.run(piece(lane), &mut single);
                let of_batch: Vec<f32> = batch.iter().map(|eight| eight.0[lane]).collect();
                assert_eq!(of_batch, single, "{isa:?} block {block} lane {lane}");
            }
        }
    }
}

fn cascade() -> Cascade<3> {
    let q = core::f64::consts::FRAC_1_SQRT_2;
    Cascade {
        sections: [
            Section::high_pass(Hz(200.0), q),
            Section::band_pass(Hz(1750.0), 3.0),
            Section::low_pass(Hz(3400.0), q),
        ],
    }
}

#[test]
fn biquads_of_a_bank_equal_biquads_alone() {
    check(cascade(), BLOCK);
}

#[test]
fn contents_of_a_bank_equal_those_alone() {
    let kernel = ContentKernel::new(&[Hz(1100.0), Hz(2100.0), Hz(2225.0)], BLOCK);
    let results = kernel.results();
    check(kernel, results);
}

#[test]
fn power_meters_of_a_bank_equal_those_alone() {
    check(PowerKernel::new(10.0), 1);
}

/// Every operation of a lane that is not a sum or a product, on the samples and what came before them.
#[derive(Clone, Copy)]
struct Decisions;

impl Kernel for Decisions {
    type State<V: Lanes> = V;

    fn state<V: Lanes>(&self) -> V {
        V::splat(1.0)
    }

    fn extract<V: Lanes>(&self, state: &V, lane: usize) -> f32 {
        state.lane(lane)
    }

    fn insert<V: Lanes>(&self, state: &mut V, lane: usize, line: &f32) {
        state.set_lane(lane, *line);
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut V, samples: &[V], results: &mut [V]) {
        for (sample, result) in samples.iter().zip(results) {
            let (low, high) = (sample.lesser(*state), sample.greater(*state));
            let ratio = (high - low).sqrt() / (*state * *state + V::splat(1.0));
            *state = sample.where_less(*state, ratio, *sample);
            *result = ratio;
        }
    }
}

#[test]
fn decisions_of_a_bank_equal_decisions_alone() {
    check(Decisions, BLOCK);
}

#[test]
fn an_absent_line_keeps_its_state_and_a_line_can_move() {
    let kernel = cascade();
    let line = &lines()[0];
    for isa in sets() {
        let mut bank = Bank::new(kernel, 1, isa);
        let mut alone = One::new(kernel);
        let mut results = [Eight::default(); BLOCK];
        let mut single = [0.0; BLOCK];
        for (block, samples) in line.chunks(BLOCK).enumerate() {
            let together: Vec<Eight> = samples.iter().map(|sample| Eight([*sample; LANES])).collect();
            if block % 3 == 1 {
                // Lane 2 sits this block out; in between it moves to lane 5 and back.
                bank.run(0, !(1 << 2), &together, &mut results);
                let state = bank.extract(0, 2);
                bank.insert(0, 5, &state);
                continue;
            }
            bank.run(0, 0xFF, &together, &mut results);
            alone.run(samples, &mut single);
            assert!(results.iter().zip(single).all(|(eight, single)| eight.0[2] == single && eight.0[5] == single));
        }
    }
}

#[test]
fn sums_of_products_do_not_depend_on_the_instruction_set() {
    let lines = lines();
    for len in [0, 1, 7, 16, 27, 32, 100, 129, 1000] {
        let [a, b, c, d] = core::array::from_fn(|line| &lines[line][..len]);
        let sums = |isa: Isa| (isa.dot(a, b), isa.dot_pair(a, b, c), isa.dot_complex(a, b, c, d));
        let portable = sums(Isa::PORTABLE);
        assert_eq!(portable.1, (Isa::PORTABLE.dot(a, b), Isa::PORTABLE.dot(a, c)), "length {}", a.len());
        for isa in sets() {
            assert_eq!(sums(isa), portable, "{len} products by {}", isa.name());
        }
        let exact: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let scale: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a * b).abs())).sum();
        assert!((exact - f64::from(portable.0)).abs() <= 1e-6 * scale + 1e-9, "{len} products");
    }
}
