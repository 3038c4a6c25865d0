//! A modulator, something in between, and a demodulator.

use std::{vec, vec::Vec};

use super::*;
use crate::{
    bits::{BitQueue, MarkedBit},
    channel::{
        Impairments, ShapePoint, carry,
        noise::{Chance, Noise},
    },
    fsk::{ALL, BELL_202, FskBank, FskModulator, V21_CHANNEL_2, V23_FORWARD},
    lanes::Isa,
    modem::Modulator,
    units::{Db, Dbm0, Hz, SampleIndex},
};

const LEAD: usize = 1000;

fn message(bits: usize) -> Vec<bool> {
    let mut chance = Chance::new(21);
    let mut message: Vec<bool> = (0..64).map(|bit| !matches!(bit % 8, 0 | 7)).collect();
    message.extend((0..bits).map(|_| chance.next_u64() & 1 == 1));
    message
}

/// The message as a signal, with silence before and after it.
fn signal(spec: &FskSpec, level: Dbm0, message: &[bool]) -> (Vec<f32>, usize) {
    let mut queue = BitQueue::with_room(message.len());
    message.iter().for_each(|bit| queue.push(*bit));
    queue.finish();
    let mut samples = vec![0.0; LEAD + 4000 + (message.len() as f32 * 8000.0 / spec.rate.0) as usize];
    let written = FskModulator::new(spec, level).run(&mut queue, &mut samples[LEAD..]);
    (samples, LEAD + written)
}

/// Bits and marks, and when each mark was known.
fn receive(spec: &FskSpec, samples: &[f32]) -> (Vec<bool>, Vec<(MarkedBit, usize)>) {
    let mut demodulator = FskDemodulator::new(spec);
    let (mut bits, mut marks) = (Vec::new(), Vec::new());
    let mut run = BitRun::with_room(64);
    for (block, samples) in samples.chunks(8).enumerate() {
        run.clear();
        demodulator.run(samples, &mut run);
        marks.extend(run.marks().iter().map(|mark| (*mark, block * 8 + samples.len())));
        bits.extend_from_slice(run.bits());
    }
    (bits, marks)
}

/// Whether the tail of the message, 64 flag bits not counted, was received without error.
fn holds(bits: &[bool], message: &[bool]) -> bool {
    bits.windows(message.len() - 64).any(|window| *window == message[64..])
}

#[test]
fn every_modem_is_received_without_error_and_its_ends_are_found() {
    for spec in ALL {
        let message = message(500);
        let (samples, end) = signal(&spec, Dbm0(-13.0), &message);
        let (bits, marks) = receive(&spec, &samples);
        assert!(holds(&bits, &message), "{}", spec.source);
        let [(up, _), (down, known)] = marks[..] else { panic!("{}: {marks:?}", spec.source) };
        assert_eq!((up.mark, down.mark), (Mark::CarrierUp, Mark::CarrierDown), "{}", spec.source);
        let bit = 8000.0 / f64::from(spec.rate.0);
        let off = |at: SampleIndex, truth: usize| (at.0 as f64 - truth as f64).abs() / bit;
        assert!(off(up.at, LEAD) < 0.25 && off(down.at, end) < 0.25, "{}: {marks:?}, end {end}", spec.source);
        assert!(((known - end) as f64) < 6.0 * bit, "{}: known {} samples late", spec.source, known - end);
    }
}

#[test]
fn a_v21_signal_is_known_50_ms_after_its_beginning_and_20_ms_after_its_end() {
    for length in 100..140 {
        let (samples, end) = signal(&V21_CHANNEL_2, Dbm0(-20.0), &message(length));
        let (_, marks) = receive(&V21_CHANNEL_2, &samples);
        let ((_, up_known), (down, known)) = (marks[0], marks[1]);
        assert!(up_known <= LEAD + 400, "the beginning known {} samples late", up_known - LEAD);
        assert!(known <= end + 160, "known {} samples late", known - end);
        assert!(down.at.0.abs_diff(end as u64) <= 12, "{} for {end}", down.at.0);
    }
}

#[test]
fn v21_takes_carrier_drift_and_clock_offset() {
    for drift in [-12.0, 12.0] {
        for ppm in [-200.0, 200.0] {
            let message = message(3000);
            let spec = FskSpec {
                mark: Hz(V21_CHANNEL_2.mark.0 + drift),
                space: Hz(V21_CHANNEL_2.space.0 + drift),
                rate: crate::units::Baud(300.0 * (1.0 + ppm * 1e-6)),
                ..V21_CHANNEL_2
            };
            let (samples, _) = signal(&spec, Dbm0(-20.0), &message);
            let (bits, marks) = receive(&V21_CHANNEL_2, &samples);
            assert!(holds(&bits, &message) && marks.len() == 2, "drift {drift} Hz, clock {ppm} ppm");
        }
    }
}

#[test]
fn v21_is_received_from_full_level_down_to_minus_45() {
    for level in [0.0, -10.0, -43.0, -45.0] {
        let message = message(200);
        let (samples, _) = signal(&V21_CHANNEL_2, Dbm0(level), &message);
        let (bits, _) = receive(&V21_CHANNEL_2, &samples);
        assert!(holds(&bits, &message), "{level} dBm0");
    }
    let (samples, _) = signal(&V21_CHANNEL_2, Dbm0(-49.0), &message(200));
    assert!(receive(&V21_CHANNEL_2, &samples).1.is_empty());
}

#[test]
fn tones_that_arrive_half_a_bit_apart_are_received_through_noise() {
    // Half a millisecond between the tones, as on a long loaded line.
    let delayed = |hertz: f32, delay_ms: f32| ShapePoint { frequency: Hz(hertz), loss: Db(0.0), delay_ms };
    for (early, late) in [(0.0, 0.5), (0.5, 0.0)] {
        let shape = [delayed(1200.0, late), delayed(2200.0, early)];
        for spec in [BELL_202, V23_FORWARD] {
            let message = message(3000);
            let (samples, _) = signal(&spec, Dbm0(-20.0), &message);
            let line = Impairments { shape: &shape, noise: Some(Dbm0(-33.0)), ..Impairments::default() };
            let (bits, _) = receive(&spec, &carry(&line, 7, &samples));
            let tail = &message[464..];
            assert!(bits.windows(tail.len()).any(|window| window == tail), "{}, mark {late} ms late", spec.source);
        }
    }
}

/// A hundred marks, in which no clock can be learned, and random bits.
fn after_marks(bits: usize) -> Vec<bool> {
    let mut chance = Chance::new(5);
    (0..100 + bits).map(|bit| bit < 100 || chance.next_u64() & 1 == 1).collect()
}

#[test]
fn a_tone_that_is_5_db_weaker_is_received_through_noise_and_is_no_end_of_carrier() {
    let point = |hertz: f32, loss: f32| ShapePoint { frequency: Hz(hertz), loss: Db(loss), delay_ms: 0.0 };
    for (mark, space) in [(0.0, 5.0), (5.0, 0.0)] {
        for spec in [BELL_202, V23_FORWARD] {
            let shape = [point(spec.mark.0, mark), point(spec.space.0, space)];
            let message = after_marks(3000);
            let (samples, _) = signal(&spec, Dbm0(-20.0), &message);
            let line = Impairments { shape: &shape, noise: Some(Dbm0(-34.5)), ..Impairments::default() };
            let (bits, marks) = receive(&spec, &carry(&line, 7, &samples));
            let tail = &message[300..];
            assert!(bits.windows(tail.len()).any(|window| window == tail), "{}, mark {mark} dB weaker", spec.source);
            assert_eq!(marks.len(), 2, "{}, mark {mark} dB weaker: {marks:?}", spec.source);
        }
    }
}

#[test]
fn the_first_bits_after_marks_are_right_wherever_the_clock_stands() {
    for spec in [BELL_202, V23_FORWARD, V21_CHANNEL_2] {
        let message = after_marks(40);
        let (samples, _) = signal(&spec, Dbm0(-20.0), &message);
        let bit = (8000.0 / spec.rate.0) as usize;
        for later in 0..bit {
            let mut heard = vec![0.0; later];
            heard.extend_from_slice(&samples);
            let (bits, _) = receive(&spec, &heard);
            let right = bits.windows(44).any(|window| window == &message[96..]);
            assert!(right, "{}, {later} samples later", spec.source);
        }
    }
}

#[test]
fn v21_is_received_through_noise() {
    let message = message(3000);
    let (mut samples, _) = signal(&V21_CHANNEL_2, Dbm0(-20.0), &message);
    Noise::new(Dbm0(-26.0), 3).add(&mut samples);
    let (bits, marks) = receive(&V21_CHANNEL_2, &samples);
    assert!(holds(&bits, &message), "6 dB over the noise of 4 kHz");
    assert_eq!(marks.len(), 2, "{marks:?}");
}

#[test]
fn noise_and_steady_tones_beside_the_channel_are_no_carrier() {
    let mut noise = Noise::new(Dbm0(-20.0), 5);
    let samples: Vec<f32> = (0..800_000).map(|_| noise.next_sample()).collect();
    assert!(receive(&V21_CHANNEL_2, &samples).1.is_empty(), "noise");
    for tone in [425.0, 1004.0, 1100.0, 1300.0, 1400.0, 1700.0, 1800.0, 2100.0, 2225.0] {
        let mut oscillator = crate::osc::Oscillator::new(Hz(tone));
        let samples: Vec<f32> = (0..16_000).map(|_| 3000.0 * oscillator.next_sine()).collect();
        assert!(receive(&V21_CHANNEL_2, &samples).1.is_empty(), "{tone} Hz");
    }
}

#[test]
fn a_gap_is_coasted_through_in_step() {
    let message = message(600);
    let (samples, _) = signal(&V21_CHANNEL_2, Dbm0(-13.0), &message);
    let mut demodulator = FskDemodulator::new(&V21_CHANNEL_2);
    let mut run = BitRun::with_room(1000);
    demodulator.run(&samples[..8000], &mut run);
    let before = run.bits().len();
    demodulator.coast(160, &mut run);
    demodulator.run(&samples[8160..], &mut run);
    let bits = run.bits();
    assert_eq!(run.marks().len(), 2, "{:?}", run.marks());
    assert!(bits[..before].windows(100).any(|window| *window == message[100..200]));
    let at = bits[..before].windows(100).position(|window| *window == message[100..200]).expect("found above");
    assert_eq!(bits[before + 10..at + 500], message[before + 10 + 100 - at..600], "as many bits as the time held");
}

#[test]
fn nothing_that_16_bits_can_hold_upsets_a_demodulator() {
    let mut chance = Chance::new(99);
    let mut random: Vec<f32> = (0..40_000).map(|_| f32::from(chance.next_u64() as i16)).collect();
    random.extend([-32768.0; 4000]);
    random.extend((0..4000).map(|at| if at % 2 == 0 { 32767.0 } else { -32768.0 }));
    random.extend((0..4000).map(|at| if at % 401 == 0 { 32767.0 } else { 0.0 }));
    for spec in ALL {
        let message = message(300);
        let (wanted, _) = signal(&spec, Dbm0(-13.0), &message);
        let (bits, _) = receive(&spec, &[random.as_slice(), &wanted].concat());
        assert!(holds(&bits, &message), "{}: a signal after all that is received", spec.source);
    }
}

#[test]
fn a_line_in_a_bank_gives_the_same_bits_and_marks_as_one_alone() {
    for (spec, isa) in [V21_CHANNEL_2, BELL_202].iter().flat_map(|spec| Isa::all().map(move |isa| (spec, isa))) {
        let (clean, _) = signal(spec, Dbm0(-20.0), &message(300));
        let heard = |line: usize| {
            let noise = Impairments { noise: Some(Dbm0(-34.0 - line as f32)), ..Impairments::default() };
            let mut samples = vec![0.0; 37 * line];
            samples.extend(carry(&noise, line as u64, &clean));
            samples.resize(clean.len() + 400, 0.0);
            samples
        };
        let lines: Vec<Vec<f32>> = (0..10).map(heard).collect();
        let mut bank = FskBank::with_isa(spec, lines.len(), isa);
        let mut runs: Vec<_> = lines.iter().map(|_| BitRun::with_room(1000)).collect();
        for first in (0..lines[0].len()).step_by(80) {
            let blocks: Vec<&[f32]> = lines.iter().map(|line| &line[first..line.len().min(first + 80)]).collect();
            bank.run(&blocks, &mut runs);
        }
        for (line, (samples, run)) in lines.iter().zip(&runs).enumerate() {
            let mut alone = BitRun::with_room(1000);
            FskDemodulator::new(spec).run(samples, &mut alone);
            assert!(alone.bits().len() > 250, "{} line {line}: {} bits", spec.source, alone.bits().len());
            assert_eq!((alone.bits(), alone.marks()), (run.bits(), run.marks()), "{} line {line}", spec.source);
        }
    }
}
