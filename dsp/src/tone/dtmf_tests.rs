//! Digits heard: how exactly, and with what beside them.

use alloc::{string::String, vec::Vec};

use super::*;
use crate::{
    channel::noise::Noise,
    osc::Oscillator,
    tone::dtmf::{DtmfStyle, digits},
    units::Hz,
};

const ALL: &str = "1234567890*#ABCD";

/// Style of the tests: 40 ms on and off.
fn brief() -> DtmfStyle {
    DtmfStyle { level: Dbm0(-15.0), twist: Db(0.0), on: 320, off: 320, deviation: 0.0 }
}

/// The digits with a silence before and after, whose first starts at an odd place.
fn line(style: DtmfStyle) -> Vec<f32> {
    let mut samples = alloc::vec![0.0; 1013];
    samples.extend(digits(ALL, style));
    samples.extend([0.0; 1000]);
    samples
}

fn add(samples: &mut [f32], mut next: impl FnMut() -> f32) {
    samples.iter_mut().for_each(|sample| *sample += next());
}

fn heard(samples: &[f32]) -> Vec<HeardDigit> {
    let mut detector = DtmfDetector::new();
    let mut ended = Vec::new();
    samples.chunks(80).for_each(|block| detector.run(block, |heard| ended.extend(heard.end.map(|_| heard))));
    ended
}

fn text(samples: &[f32]) -> String {
    heard(samples).iter().map(|heard| heard.digit).collect()
}

#[test]
fn all_digits_of_40_ms_are_heard_at_every_level_and_twist() {
    for level in [0.0, -10.0, -20.0, -30.0, -36.0] {
        for twist in [-8.0, -4.0, 0.0, 4.0, 8.0] {
            // Both groups stay in the range of levels.
            let low = level - f32::max(twist, 0.0);
            let low = if low + f32::min(twist, 0.0) < -36.0 { -36.0 - f32::min(twist, 0.0) } else { low };
            let style = DtmfStyle { level: Dbm0(low), twist: Db(twist), ..brief() };
            assert_eq!(text(&line(style)), ALL, "{level} dBm0, twist {twist} dB");
        }
    }
}

#[test]
fn begin_end_level_and_twist_are_told_exactly() {
    let style = DtmfStyle { twist: Db(3.0), ..brief() };
    for (at, heard) in heard(&line(style)).iter().enumerate() {
        let begin = 1013 + at as i64 * 640;
        let end = heard.end.map_or(0, |end| end.0 as i64);
        assert!((heard.begin.0 as i64 - begin).abs() <= 8, "{heard:?} {begin}");
        assert!((end - begin - 320).abs() <= 8, "{heard:?} {begin}");
        assert!((heard.level.0 + 15.0).abs() < 0.5 && (heard.twist.0 - 3.0).abs() < 0.5, "{heard:?}");
    }
}

#[test]
fn frequencies_off_by_one_and_a_half_percent_are_taken_and_by_three_and_a_half_refused() {
    for percent in [-1.8, -1.5, 1.5, 1.8] {
        assert_eq!(text(&line(DtmfStyle { deviation: percent / 100.0, ..brief() })), ALL, "{percent} %");
    }
    for percent in [-3.5, -3.0, 3.0, 3.5, 5.0, -5.0] {
        let style = DtmfStyle { deviation: percent / 100.0, on: 800, ..brief() };
        assert_eq!(text(&line(style)), "", "{percent} %");
    }
}

#[test]
fn noise_15_db_below_does_not_matter() {
    for seed in 0..20 {
        for twist in [-6.0, 0.0, 6.0] {
            let mut samples =
                line(DtmfStyle { level: Dbm0(-15.0 - f32::max(twist, 0.0)), twist: Db(twist), ..brief() });
            let mut noise = Noise::new(Dbm0(-30.0), seed);
            add(&mut samples, || noise.next_sample());
            assert_eq!(text(&samples), ALL, "seed {seed}, twist {twist} dB");
        }
    }
}

#[test]
fn dial_tone_20_db_louder_does_not_matter() {
    for (first, second) in [(350.0, 440.0), (425.0, 425.0), (400.0, 450.0), (440.0, 480.0)] {
        let mut samples = line(DtmfStyle { level: Dbm0(-25.0), ..brief() });
        let peak = Dbm0(-8.0).rms() * core::f32::consts::SQRT_2;
        let (mut first_tone, mut second_tone) = (Oscillator::new(Hz(first)), Oscillator::new(Hz(second)));
        add(&mut samples, || peak * (first_tone.next_sine() + second_tone.next_sine()));
        assert_eq!(text(&samples), ALL, "{first} + {second} Hz");
    }
}

#[test]
fn impulses_neither_make_nor_break_digits() {
    let impulsive = |mut samples: Vec<f32>| {
        let mut chance = crate::channel::noise::Chance::new(7);
        let mut at = 0;
        while at < samples.len() {
            let height = if chance.next_u64() & 1 == 0 { 8000.0 } else { -8000.0 };
            samples[at..].iter_mut().take(4).for_each(|sample| *sample += height);
            at += 400 + (chance.next_u64() % 1600) as usize;
        }
        samples
    };
    assert_eq!(text(&impulsive(alloc::vec![0.0; 800_000])), "");
    let found = text(&impulsive(line(DtmfStyle { level: Dbm0(-12.0), ..brief() })));
    assert_eq!(found, ALL);
}

#[test]
fn tones_of_23_ms_are_refused_and_interruptions_of_10_ms_bridged() {
    assert_eq!(text(&line(DtmfStyle { on: 184, ..brief() })), "");
    let mut samples = alloc::vec![0.0; 1013];
    samples.extend(digits("5", DtmfStyle { on: 1000, off: 1000, ..brief() }));
    samples[1500..1580].fill(0.0);
    assert_eq!(text(&samples), "5");
    assert_eq!(text(&digits("55555", DtmfStyle { off: 320, ..brief() })), "55555");
}

#[test]
fn companding_does_not_matter() {
    for law in [crate::g711::Law::A, crate::g711::Law::Mu] {
        let mut samples = line(DtmfStyle { level: Dbm0(-34.0), ..brief() });
        samples.iter_mut().for_each(|sample| *sample = f32::from(law.decode(law.encode(*sample as i16))));
        assert_eq!(text(&samples), ALL, "{law:?}");
    }
}
