//! The canceller on made-up echo paths; the G.168 paths are in the integration tests.

use alloc::vec::Vec;

use super::*;
use crate::{
    channel::noise::Noise,
    lanes::{Bank, Eight, Isa, LANES},
    osc::Oscillator,
    units::{Dbm0, Hz},
};

const BLOCKS: usize = 100;

/// Noise at -10 dBm0; coloured as speech is in the long run, when asked for.
fn noise(seed: u64, coloured: bool) -> Vec<f32> {
    let mut noise = Noise::new(Dbm0(-10.0), seed);
    let mut before = 0.0;
    let next = |_| {
        before = noise.next_sample() + if coloured { 0.9 * before } else { 0.0 };
        before * if coloured { 0.43 } else { 1.0 }
    };
    (0..BLOCKS * BLOCK_SAMPLES).map(next).collect()
}

/// An echo 6 dB or more below, spread over `spread` samples.
fn path(spread: usize) -> Vec<f32> {
    let mut noise = Noise::new(Dbm0(0.0), 9);
    let taps: Vec<f32> = (0..spread).map(|at| noise.next_sample() * libm::expf(-(at as f32) / 12.0)).collect();
    let power: f32 = taps.iter().map(|tap| tap * tap).sum();
    taps.iter().map(|tap| tap / libm::sqrtf(power) / 2.0).collect()
}

fn echo(far: &[f32], path: &[f32]) -> Vec<f32> {
    let at = |now: usize| path.iter().take(now + 1).enumerate().map(|(ago, tap)| tap * far[now - ago]).sum();
    (0..far.len()).map(at).collect()
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32
}

fn decibels(ratio: f32) -> f32 {
    10.0 * libm::log10f(ratio.max(1e-20))
}

/// Runs a canceller; what is left.
fn cancel(canceller: &mut EchoCanceller, far: &[f32], near: &[f32]) -> Vec<f32> {
    let mut left = Vec::new();
    for (far, near) in far.as_chunks().0.iter().zip(near.as_chunks().0) {
        let mut block: [f32; BLOCK_SAMPLES] = *near;
        canceller.run(far, &mut block);
        left.extend(block);
    }
    left
}

#[test]
fn noise_and_speech_like_noise_converge_by_30_db_in_300_ms() {
    for coloured in [false, true] {
        let far = noise(1, coloured);
        let near = echo(&far, &path(100));
        let left = cancel(&mut EchoCanceller::new(128), &far, &near);
        let at = |from: usize| decibels(power(&near[from..from + 400]) / power(&left[from..from + 400]));
        assert!(at(2400) >= 30.0, "coloured {coloured}: {} dB", at(2400));
        assert!(at(7500) >= 50.0, "coloured {coloured}: {} dB", at(7500));
    }
}

#[test]
fn double_talk_costs_no_more_than_3_db() {
    let far = noise(1, true);
    let returned = echo(&far, &path(100));
    let mut canceller = EchoCanceller::new(128);
    cancel(&mut canceller, &far, &returned);
    let talk = noise(2, true);
    let both: Vec<f32> = returned.iter().zip(&talk).map(|(echo, talk)| echo + talk).collect();
    let measure = |canceller: &EchoCanceller| {
        let mut copy = canceller.clone();
        copy.freeze(true);
        decibels(power(&returned[800..]) / power(&cancel(&mut copy, &far, &returned)[800..]))
    };
    let before = measure(&canceller);
    cancel(&mut canceller, &far, &both);
    let after = measure(&canceller);
    assert!(after >= before - 3.0, "{before} dB, then {after} dB");
}

#[test]
fn tones_do_not_lead_it_astray() {
    let far = noise(1, false);
    let returned = echo(&far, &path(100));
    let mut canceller = EchoCanceller::new(128);
    cancel(&mut canceller, &far, &returned);
    for pitches in [[400.0, 400.0], [1004.0, 1004.0], [697.0, 1209.0], [350.0, 440.0], [2100.0, 2100.0]] {
        let mut tones = pitches.map(|pitch| Oscillator::new(Hz(pitch)));
        let tone: Vec<f32> =
            (0..40_000).map(|_| 5000.0 * tones.iter_mut().map(Oscillator::next_sine).sum::<f32>()).collect();
        cancel(&mut canceller, &tone, &echo(&tone, &path(100)));
        let mut copy = canceller.clone();
        copy.freeze(true);
        // The first samples echo the end of the tone still.
        let kept = decibels(power(&returned[800..]) / power(&cancel(&mut copy, &far, &returned)[800..]));
        assert!(kept >= 40.0, "{pitches:?}: {kept} dB");
    }
}

#[test]
fn a_frozen_canceller_learns_nothing() {
    let far = noise(1, false);
    let near = echo(&far, &path(100));
    let mut canceller = EchoCanceller::new(128);
    canceller.freeze(true);
    assert_eq!(cancel(&mut canceller, &far, &near), near);
}

/// Noises sent and their echoes, each beginning `apart` blocks after the one before.
fn lines(apart: usize) -> Vec<(Vec<f32>, Vec<f32>)> {
    let line = |lane: usize| {
        let mut far = vec![0.0; lane * apart * BLOCK_SAMPLES];
        far.extend(noise(lane as u64, lane.is_multiple_of(2)));
        let near = echo(&far, &path(60));
        (far, near)
    };
    (0..LANES).map(line).collect()
}

/// What is left of the first `blocks` blocks of each line in a bank.
fn together(lines: &[(Vec<f32>, Vec<f32>)], blocks: usize, isa: Isa) -> Vec<Vec<f32>> {
    let mut bank = Bank::new(EchoKernel::new(96), 1, isa);
    let mut all = vec![Vec::new(); LANES];
    for block in 0..blocks {
        let place = |at: usize| block * BLOCK_SAMPLES + at % BLOCK_SAMPLES;
        let sample = |at: usize, lane: usize| {
            let (far, near) = &lines[lane];
            if at < BLOCK_SAMPLES { far[place(at)] } else { near[place(at)] }
        };
        let samples: [Eight; 2 * BLOCK_SAMPLES] =
            core::array::from_fn(|at| Eight(core::array::from_fn(|lane| sample(at, lane))));
        let mut left = [Eight::default(); BLOCK_SAMPLES];
        bank.run(0, 0xff, &samples, &mut left);
        all.iter_mut().enumerate().for_each(|(lane, all)| all.extend(left.iter().map(|left| left.0[lane])));
    }
    all
}

#[test]
fn a_line_in_a_bank_gives_what_it_gives_alone() {
    let lines = lines(7);
    for isa in [Isa::PORTABLE, Isa::detect()] {
        for ((far, near), left) in lines.iter().zip(together(&lines, BLOCKS, isa)) {
            let alone = cancel(&mut EchoCanceller::new(96), &far[..left.len()], &near[..left.len()]);
            let differs = left.iter().zip(&alone).position(|(left, alone)| left != alone);
            assert_eq!(differs, None, "{isa:?}");
        }
    }
}

#[test]
fn lines_that_begin_together_all_find_their_paths() {
    let lines = lines(0);
    for ((_, near), left) in lines.iter().zip(together(&lines, BLOCKS, Isa::detect())) {
        let late = 40 * BLOCK_SAMPLES..BLOCKS * BLOCK_SAMPLES;
        let taken = decibels(power(&near[late.clone()]) / power(&left[late]));
        assert!(taken >= 30.0, "{taken} dB");
    }
}
