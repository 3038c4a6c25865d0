//! Every detector hears in a bank what it hears alone, to the last bit.

use core::fmt::Debug;
use std::{string::String, vec, vec::Vec};

use super::*;
use crate::{
    bits::BitQueue,
    callerid::{Alert, AlertListener, CallerId, CallerIdListener, CallerIdSender, Hook, Message, Standard},
    channel::noise::Noise,
    fsk::{FskModulator, V21_CHANNEL_2},
    modem::Modulator,
    tone::{
        answerer::AnswererListener,
        call::{CedGenerator, CedListener, CngGenerator, CngListener},
        dtmf::{DtmfStyle, digits},
        dtmf_detector::DtmfListener,
        progress::{ProgressKind, ProgressListener, ProgressTone},
    },
    units::Dbm0,
};

/// Samples of a line.
const SAMPLES: usize = 6 * 8000;

/// Lines that begin at other times, at other levels, in noise; the last but one is a stretch of noise, the last silent.
fn lines(signal: &[f32]) -> [Vec<f32>; LANES] {
    core::array::from_fn(|lane| {
        let gain = if lane < LANES - 2 { 1.0 / (1 << (lane / 2)) as f32 } else { 0.0 };
        let mut samples = vec![0.0; 100 * lane];
        samples.extend(signal.iter().map(|sample| sample * gain));
        samples.resize(SAMPLES, 0.0);
        if lane < LANES - 1 {
            Noise::new(Dbm0(-50.0 + 20.0 * (lane == LANES - 2) as u8 as f32), lane as u64).add(&mut samples);
        }
        samples
    })
}

/// What is heard, and in which block.
type Told<H> = Vec<(usize, H)>;

fn check<L: Listener<Heard: Debug + PartialEq>>(listener: L, signal: &[f32]) {
    const ABSENT: usize = 1;
    let lines = lines(signal);
    let alone: Vec<Told<L::Heard>> = lines.iter().map(|line| alone(listener.fresh(), line)).collect();
    assert!(!alone[0].is_empty() && !alone[4].is_empty() && alone[LANES - 1].is_empty(), "{alone:?}");
    for isa in Isa::all() {
        let mut bank = EarBank::new(listener.fresh(), 2, isa);
        let mut together: [Told<L::Heard>; LANES] = Default::default();
        let mut block = [Eight::default(); BLOCK_SAMPLES];
        let count = SAMPLES / BLOCK_SAMPLES;
        // A line is away for a while in the midst of its signal, and then goes on where it was; the others do not care.
        let away = count / 4;
        for at in 0..count + away {
            let place = |lane: usize| if lane == ABSENT { at - at.saturating_sub(away).min(away) } else { at };
            Eight::interleave(
                core::array::from_fn(|lane| {
                    let at = place(lane).min(count - 1);
                    &lines[lane][at * BLOCK_SAMPLES..][..BLOCK_SAMPLES]
                }),
                &mut block,
            );
            let others = if at < count { !(1u8 << ABSENT) } else { 0 };
            let present = others | u8::from(!(away..2 * away).contains(&at)) << ABSENT;
            bank.run(1, present, &block, |lane, heard| together[lane].push((place(lane), heard)));
        }
        for (lane, alone) in alone.iter().enumerate() {
            assert_eq!(&together[lane], alone, "{isa:?}, lane {lane}");
        }
    }
}

fn alone<L: Listener>(listener: L, line: &[f32]) -> Told<L::Heard> {
    let (mut alone, mut told) = (Alone::new(listener), Vec::new());
    for (at, block) in line.chunks(BLOCK_SAMPLES).enumerate() {
        alone.run(block, |heard| told.push((at, heard)));
    }
    told
}

#[test]
fn digits_and_alerts() {
    check(DtmfListener::default(), &digits("159D0*7", DtmfStyle::default()));
    let mut alerts = Alert::DualTone.samples(Dbm0(-10.0));
    alerts.extend([0.0; 2000]);
    check(AlertListener::default(), &alerts);
}

#[test]
fn the_tones_that_open_a_call() {
    let mut tones = vec![0.0; SAMPLES];
    CngGenerator::new(Dbm0(-10.0)).run(&mut tones);
    check(CngListener::default(), &tones);
    tones.fill(0.0);
    CedGenerator::ansam(Dbm0(-10.0), true).run(&mut tones);
    check(CedListener::default(), &tones);
}

#[test]
fn call_progress() {
    let tone = ProgressTone::find("us", ProgressKind::Busy).expect("a row");
    for listener in [ProgressListener::of("us"), ProgressListener::anywhere()] {
        check(listener, &tone.samples(SAMPLES));
    }
}

#[test]
fn who_answered() {
    let mut signal = vec![0.0; SAMPLES];
    let ced = CedGenerator::new(Dbm0(-10.0)).run(&mut signal[..24_000]);
    let mut flags = BitQueue::with_room(300);
    (0..300).for_each(|bit| flags.push(!matches!(bit % 8, 0 | 7)));
    FskModulator::new(&V21_CHANNEL_2, Dbm0(-10.0)).run(&mut flags, &mut signal[ced + 600..][..8000]);
    check(AnswererListener::default(), &signal);
}

#[test]
fn caller_identities() {
    let id = CallerId { number: Some(String::from("2025550143")), ..CallerId::default() };
    for standard in [Standard::Bellcore, Standard::Etsi] {
        let signal = CallerIdSender::new(&Message::multiple(&id), standard, Hook::On, Dbm0(-10.0)).samples();
        check(CallerIdListener::new(standard), &signal);
    }
}
