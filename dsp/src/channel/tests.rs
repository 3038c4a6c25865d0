//! Each impairment does what it says, and nothing else.

use std::{vec, vec::Vec};

use super::*;
use crate::osc::Oscillator;

fn tone(pitch: f32, samples: usize) -> Vec<f32> {
    let mut oscillator = Oscillator::new(Hz(pitch));
    (0..samples).map(|_| 5000.0 * oscillator.next_sine()).collect()
}

/// Largest part of a signal that is not a sine of this frequency, relative to the signal, in decibels.
fn residue_db(samples: &[f32], pitch: f64) -> f64 {
    let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        // A long flat-topped sum needs a window, or the ends of the signal hide the residue.
        let angle = core::f64::consts::TAU * pitch / 8000.0 * at as f64;
        re += f64::from(*sample) * libm::cos(angle);
        im += f64::from(*sample) * libm::sin(angle);
        energy += f64::from(*sample) * f64::from(*sample);
    }
    let (re, im) = (re * 2.0 / samples.len() as f64, im * 2.0 / samples.len() as f64);
    let residue: f64 = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| {
            let angle = core::f64::consts::TAU * pitch / 8000.0 * at as f64;
            let rest = f64::from(*sample) - re * libm::cos(angle) - im * libm::sin(angle);
            rest * rest
        })
        .sum();
    10.0 * libm::log10(residue / energy)
}

#[test]
fn a_clean_line_changes_nothing_and_a_delay_only_the_time() {
    let input = tone(1000.3, 2000);
    assert_eq!(carry(&Impairments::default(), 1, &input), input);
    let late = carry(&Impairments { delay: 123, ..Impairments::default() }, 1, &input);
    assert_eq!(late[123..], input[..2000 - 123]);
}

#[test]
fn blocks_do_not_show() {
    let impairments = Impairments {
        gain: Db(-6.0),
        noise: Some(Dbm0(-40.0)),
        echo: Some(Db(-20.0)),
        echo_delay: 17,
        delay: 31,
        law: Some(Law::A),
        carrier_offset: Hz(3.0),
        clock_offset_ppm: -120.0,
        far_law: Some(Law::Mu),
        phase_jitter: Some(PhaseJitter { degrees: 10.0, frequency: Hz(50.0) }),
        shape: &[ShapePoint { frequency: Hz(1000.0), loss: Db(1.0), delay_ms: 0.0 }],
        listener_echo: Some(Db(-12.0)),
        listener_echo_delay: 13,
        level_steps: Some(LevelSteps { gain: Db(-3.0), first: 50, every: Some(333) }),
        impulses: Some(ImpulseHits { per_second: 30.0, at: Some(40), peak: Dbm0(-10.0) }),
        slips: Some(Slips { slip: Slip::InTurn, first: 100, every: Some(77) }),
        lost_packets: Some(LostPackets { share: 0.2, at: Some(501), fill: Fill::Repeat }),
    };
    let (far, near) = (tone(1800.0, 1600), tone(700.0, 1600));
    let in_blocks_of = |size: usize| {
        let mut channel = Channel::new(&impairments, 9);
        let mut out = vec![0.0; 1600];
        for (at, out) in out.chunks_mut(size).enumerate() {
            channel.run(&far[at * size..][..out.len()], &near[at * size..][..out.len()], out);
        }
        out
    };
    assert_eq!(in_blocks_of(80), in_blocks_of(1600));
    assert_eq!(in_blocks_of(80), in_blocks_of(7));
}

#[test]
fn the_echo_is_the_near_end_attenuated_and_late() {
    let impairments = Impairments { echo: Some(Db(-20.0)), echo_delay: 40, ..Impairments::default() };
    let near = tone(700.0, 400);
    let mut out = vec![0.0; 400];
    Channel::new(&impairments, 1).run(&[0.0; 400], &near, &mut out);
    assert!(out[40..].iter().zip(&near).all(|(out, near)| (out - near * 0.1).abs() < 0.01));
}

#[test]
fn a_carrier_offset_moves_a_tone_and_leaves_no_image() {
    for pitch in [400.0, 1700.0, 3300.0] {
        let impairments = Impairments { carrier_offset: Hz(7.0), ..Impairments::default() };
        let out = carry(&impairments, 1, &tone(pitch, 24_000));
        let residue = residue_db(&out[8000..], f64::from(pitch) + 7.0);
        assert!(residue < -55.0, "{pitch} Hz: {residue} dB");
    }
}

#[test]
fn a_fast_far_clock_raises_a_tone_and_a_slow_one_lowers_it() {
    for (pitch, worst) in [(400.0, -80.0), (1700.0, -75.0), (3400.0, -55.0)] {
        for ppm in [200.0, -200.0] {
            let impairments = Impairments { clock_offset_ppm: ppm, ..Impairments::default() };
            let out = carry(&impairments, 1, &tone(pitch, 40_000));
            let heard = f64::from(pitch) * (1.0 + f64::from(ppm) * 1e-6);
            let residue = residue_db(&out[8000..], heard);
            assert!(residue < worst, "{pitch} Hz {ppm} ppm: {residue} dB");
        }
    }
}

#[test]
fn a_clock_offset_goes_on_for_ever_in_bounded_room() {
    for ppm in [5000.0, -5000.0] {
        let impairments = Impairments { clock_offset_ppm: ppm, ..Impairments::default() };
        let out = carry(&impairments, 1, &tone(1000.0, 800_000));
        let loudest = out.iter().fold(0.0f32, |loudest, sample| loudest.max(sample.abs()));
        let power = out[700_000..].iter().map(|sample| sample * sample).sum::<f32>() / 100_000.0;
        assert!(loudest < 7000.0 && (power / 12.5e6 - 1.0).abs() < 0.02, "{loudest} {power}");
    }
}

#[test]
fn companding_costs_what_g711_costs() {
    let impairments = Impairments { law: Some(Law::Mu), ..Impairments::default() };
    let residue = residue_db(&carry(&impairments, 1, &tone(1004.0, 16_000)), 1004.0);
    assert!((-40.0..-34.0).contains(&residue), "{residue} dB");
}

#[test]
fn phase_jitter_swings_the_phase_by_so_many_degrees() {
    let jitter = PhaseJitter { degrees: 10.0, frequency: Hz(60.0) };
    let impairments = Impairments { phase_jitter: Some(jitter), ..Impairments::default() };
    let out = carry(&impairments, 1, &tone(1800.0, 24_000));
    // A small swing of m radians to each side puts m/2 of the amplitude into each side line: 2 (m/2)^2 of the power.
    let swing = f64::from(jitter.degrees) / 2.0 * core::f64::consts::PI / 180.0;
    let expected = 10.0 * libm::log10(swing * swing / 2.0);
    let residue = residue_db(&out[8000..], 1800.0);
    assert!((residue - expected).abs() < 0.2, "{residue} dB for {expected}");
}

#[test]
fn the_listener_echo_is_the_far_end_again() {
    let impairments = Impairments { listener_echo: Some(Db(-20.0)), listener_echo_delay: 40, ..Impairments::default() };
    let far = tone(700.0, 400);
    let out = carry(&impairments, 1, &far);
    assert_eq!(out[..40], far[..40]);
    assert!((40..400).all(|at| (out[at] - far[at] - far[at - 40] * 0.1).abs() < 0.01));
}

#[test]
fn levels_step_down_and_up() {
    let steps = LevelSteps { gain: Db(-6.0206), first: 100, every: Some(100) };
    let out = carry(&Impairments { level_steps: Some(steps), ..Impairments::default() }, 1, &[1000.0; 400]);
    for (at, sample) in out.iter().enumerate() {
        let expected = if at / 100 % 2 == 0 { 1000.0 } else { 500.0 };
        assert!((sample - expected).abs() < 0.1, "{at}: {sample}");
    }
}

#[test]
fn impulses_come_as_often_and_as_high_as_asked() {
    let impulses = ImpulseHits { per_second: 4.0, at: None, peak: Dbm0(-10.0) };
    let out = carry(&Impairments { impulses: Some(impulses), ..Impairments::default() }, 3, &vec![0.0; 800_000]);
    let peak = Dbm0(-10.0).rms() * core::f32::consts::SQRT_2;
    let begun = out.iter().filter(|sample| (sample.abs() / peak - 1.0).abs() < 1e-3).count();
    assert!((340..460).contains(&begun), "{begun} in 100 s");
    assert!(out.iter().all(|sample| sample.abs() < peak * 1.001));
    let one = ImpulseHits { per_second: 0.0, at: Some(77), peak: Dbm0(-10.0) };
    let out = carry(&Impairments { impulses: Some(one), ..Impairments::default() }, 3, &vec![0.0; 8000]);
    assert_eq!(out.iter().position(|sample| *sample != 0.0), Some(77));
    assert!((out[77].abs() / peak - 1.0).abs() < 1e-3 && out[200..].iter().all(|sample| sample.abs() < 1.0));
}

fn slipped(slip: Slip) -> Vec<f32> {
    let slips = Slips { slip, first: 500, every: Some(1000) };
    let ramp: Vec<f32> = (1..=4000).map(|at| at as f32).collect();
    carry(&Impairments { slips: Some(slips), ..Impairments::default() }, 1, &ramp)
}

#[test]
fn slips_drop_and_repeat_single_samples() {
    for (slip, expected) in [(Slip::Drop, [2.0; 4]), (Slip::Repeat, [0.0; 4]), (Slip::InTurn, [2.0, 0.0, 2.0, 0.0])] {
        let out = slipped(slip);
        let places: Vec<usize> = (200..4000).filter(|at| out[*at] - out[at - 1] != 1.0).collect();
        let steps: Vec<f32> = places.iter().map(|at| out[*at] - out[at - 1]).collect();
        assert_eq!((places.as_slice(), steps.as_slice()), ([500, 1500, 2500, 3500].as_slice(), expected.as_slice()));
    }
}

#[test]
fn slips_one_way_go_on_for_ever() {
    for slip in [Slip::Drop, Slip::Repeat] {
        let slips = Slips { slip, first: 0, every: Some(7) };
        let out = carry(&Impairments { slips: Some(slips), ..Impairments::default() }, 1, &tone(1000.0, 80_000));
        assert!(out.iter().all(|sample| sample.abs() <= 5000.0));
    }
}

#[test]
fn packets_are_lost_where_and_as_often_as_asked_and_told() {
    let heard = |losses| {
        let mut channel = Channel::new(&Impairments { lost_packets: Some(losses), ..Impairments::default() }, 5);
        let (far, mut out) = (tone(1000.0, 160_000), vec![0.0; 160_000]);
        channel.run(&far, &[0.0; 160_000], &mut out);
        (far, out, channel.lost_samples())
    };
    let (far, out, lost) = heard(LostPackets { share: 0.0, at: Some(1003), fill: Fill::Repeat });
    assert_eq!((lost, &out[..1003], &out[1163..]), (160, &far[..1003], &far[1163..]));
    assert_eq!(out[1003..1163], far[843..1003]);
    let (_, out, lost) = heard(LostPackets { share: 0.1, at: None, fill: Fill::Silence });
    let silent = out.chunks(PACKET_SAMPLES).filter(|packet| packet.iter().all(|sample| *sample == 0.0)).count();
    assert!(silent * PACKET_SAMPLES == lost && (60..140).contains(&silent), "{silent} of 1000");
}
