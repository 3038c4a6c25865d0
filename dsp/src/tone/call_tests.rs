//! Generators against detectors, and signals that are neither tone.

use std::{vec, vec::Vec};

use super::*;
use crate::{
    bits::BitQueue,
    channel::noise::Noise,
    fsk::{FskModulator, V21_CHANNEL_2},
    modem::Modulator,
};

const LEAD: usize = 3003;

/// Edges of a detector fed by blocks.
fn edges(samples: &[f32], run: impl FnMut(&[f32]) -> Option<ToneEdge>) -> Vec<ToneEdge> {
    samples.chunks(BLOCK_SAMPLES).filter_map(run).collect()
}

fn cng_edges(samples: &[f32]) -> Vec<ToneEdge> {
    let mut detector = CngDetector::new();
    edges(samples, |block| detector.run(block))
}

fn ced_edges(samples: &[f32]) -> Vec<ToneEdge> {
    let mut detector = CedDetector::new();
    edges(samples, |block| detector.run(block))
}

/// Silence, a tone of that length, silence.
fn tone(pitch: f32, level: f32, samples: usize) -> Vec<f32> {
    let mut oscillator = Oscillator::new(Hz(pitch));
    let mut all = vec![0.0; LEAD + samples + 40_000];
    all[LEAD..LEAD + samples].fill_with(|| peak(Dbm0(level)) * oscillator.next_sine());
    all
}

fn near(at: SampleIndex, truth: usize) -> bool {
    at.0.abs_diff(truth as u64) <= 16
}

#[test]
fn cng_is_recognised_with_its_beginning_and_its_end() {
    let mut samples = vec![0.0; LEAD + 100_000];
    CngGenerator::new(Dbm0(-13.0)).run(&mut samples[LEAD..LEAD + 60_000]);
    let [on, off] = cng_edges(&samples)[..] else { panic!("{:?}", cng_edges(&samples)) };
    assert!(on.on && near(on.at, LEAD), "{on:?}");
    assert!(!off.on && near(off.at, LEAD + 2 * 28_000 + 4000), "{off:?}");
}

#[test]
fn cng_is_recognised_over_its_whole_tolerance() {
    for (pitch, level, ms) in [(1062.0, -43.0, 430), (1138.0, -43.0, 570), (1100.0, 0.0, 500), (1081.0, -20.0, 500)] {
        let mut samples = tone(pitch, level, ms * 8);
        Noise::new(Dbm0(level - 15.0), 1).add(&mut samples);
        assert!(!cng_edges(&samples).is_empty(), "{pitch} Hz {level} dBm0 {ms} ms");
    }
}

#[test]
fn other_tones_and_other_lengths_are_no_cng() {
    for (pitch, ms) in [(1100.0, 350), (1100.0, 700), (1030.0, 500), (1170.0, 500), (950.0, 330), (425.0, 500)] {
        assert_eq!(cng_edges(&tone(pitch, -13.0, ms * 8)), [], "{pitch} Hz {ms} ms");
    }
}

#[test]
fn ced_is_recognised_with_its_beginning_its_end_and_its_reversals() {
    for (mut generator, reversals, modulated) in [
        (CedGenerator::new(Dbm0(-13.0)), 0, false),
        (CedGenerator::with_reversals(Dbm0(-13.0)), 5, false),
        (CedGenerator::ansam(Dbm0(-13.0), false), 0, true),
        (CedGenerator::ansam(Dbm0(-13.0), true), 5, true),
    ] {
        let mut samples = vec![0.0; LEAD + 30_000];
        assert_eq!(generator.run(&mut samples[LEAD..]), 20_960);
        let mut detector = CedDetector::new();
        let [on, off] = edges(&samples, |block| detector.run(block))[..] else { panic!("two edges") };
        assert!(on.on && near(on.at, LEAD), "{on:?}");
        assert!(!off.on && near(off.at, LEAD + 20_960), "{off:?}");
        assert_eq!((detector.reversals(), detector.is_modulated()), (reversals, modulated));
        assert!((detector.level().0 + 13.0).abs() < 0.5, "{:?}", detector.level());
    }
}

#[test]
fn ced_is_recognised_over_its_whole_tolerance_and_no_further() {
    for (pitch, level) in [(2085.0, -43.0), (2115.0, -43.0), (2100.0, 0.0)] {
        let mut samples = tone(pitch, level, 24_000);
        Noise::new(Dbm0(level - 15.0), 1).add(&mut samples);
        assert_eq!(ced_edges(&samples).len(), 2, "{pitch} Hz {level} dBm0");
    }
    for (pitch, level) in [(2025.0, -13.0), (2225.0, -13.0), (2130.0, -13.0), (2100.0, -52.0)] {
        assert_eq!(ced_edges(&tone(pitch, level, 24_000)), [], "{pitch} Hz {level} dBm0");
    }
}

#[test]
fn v21_is_neither_tone() {
    let mut queue = BitQueue::with_room(600);
    (0..75).for_each(|_| queue.push_octet(0x7E));
    queue.finish();
    let mut samples = vec![0.0; 40_000];
    FskModulator::new(&V21_CHANNEL_2, Dbm0(-10.0)).run(&mut queue, &mut samples);
    assert_eq!((cng_edges(&samples), ced_edges(&samples)), (vec![], vec![]));
}
