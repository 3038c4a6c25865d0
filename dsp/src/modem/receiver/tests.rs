//! The chain as a whole, over lines on which something happens.

use super::{
    super::{Modulator, Protection, Transmitter, plans, prbs::Prbs},
    *,
};
use crate::{
    bits::BitQueue,
    channel::{Impairments, ImpulseHits, LevelSteps, PhaseJitter, ShapePoint, Slip, Slips, carry},
};
use std::{vec, vec::Vec};

fn signal(plan: &'static Plan, bits: usize) -> Vec<f32> {
    let mut queue = BitQueue::with_room(bits);
    Prbs::new(1).take(bits).for_each(|bit| queue.push(bit));
    queue.finish();
    let mut samples = vec![0.0; 40_000];
    let written = Transmitter::new(plan, Dbm0(-13.0), Protection::None).run(&mut queue, &mut samples[400..]);
    samples.truncate(400 + written + 400);
    samples
}

#[test]
fn the_first_bit_after_training_is_the_first_that_was_sent() {
    for plan in plans() {
        let mut run = BitRun::with_room(10_000);
        Receiver::new(plan).run(&signal(plan, 3000), &mut run);
        let marks: Vec<_> = run.marks().iter().map(|marked| marked.mark).collect();
        assert!(matches!(marks[..], [Mark::CarrierUp, Mark::Trained(Evm(evm)), Mark::CarrierDown] if evm < -35.0));
        assert_eq!(run.marks()[1].bit, 0);
        assert!(Prbs::new(1).take(3000).eq(run.bits()[..3000].iter().copied()), "{}", plan.name);
    }
}

#[test]
fn the_division_into_blocks_changes_nothing() {
    for plan in plans() {
        let samples = signal(plan, 2000);
        let (mut whole, mut pieces) = (BitRun::with_room(4000), BitRun::with_room(4000));
        Receiver::new(plan).run(&samples, &mut whole);
        let mut receiver = Receiver::new(plan);
        samples.chunks(PIECE * 5).for_each(|block| receiver.run(block, &mut pieces));
        assert_eq!((whole.bits(), whole.marks()), (pieces.bits(), pieces.marks()), "{}", plan.name);
    }
}

/// A signal's training and data as heard over a line, some 30 dB above its noise.
fn heard(plan: &'static Plan, line: &Impairments) -> (Receiver, Vec<bool>) {
    let line = Impairments { noise: Some(Dbm0(-44.0)), ..*line };
    let mut run = BitRun::with_room(40_000);
    let mut receiver = Receiver::new(plan);
    receiver.run(&carry(&line, 1, &signal(plan, BITS)), &mut run);
    (receiver, run.bits().to_vec())
}

const BITS: usize = 8000;

fn wrong(bits: &[bool]) -> Vec<usize> {
    let sent = Prbs::new(1).take(BITS).zip(bits.iter().copied().chain(core::iter::repeat(false)));
    sent.enumerate().filter(|(_, (sent, heard))| sent != heard).map(|(place, _)| place).collect()
}

/// The sample at which half of the data are sent.
fn middle(plan: &'static Plan) -> u64 {
    let data = BITS as f32 / plan.bit_rate.0 as f32 * SAMPLE_RATE.0;
    (signal(plan, BITS).len() as f32 - 400.0 - data / 2.0) as u64
}

/// A sample in the last third of the training pattern.
fn late_in_training(plan: &'static Plan) -> u64 {
    let symbols: u16 = plan.training.iter().map(super::super::Segment::symbols).sum();
    (400.0 + 0.8 * f32::from(symbols) / plan.baud.0 * SAMPLE_RATE.0) as u64
}

#[test]
fn a_jump_of_level_hurts_for_no_more_than_50_ms() {
    for plan in plans() {
        for gain in [-6.0, -3.0, 3.0, 6.0] {
            let step = LevelSteps { gain: Db(gain), first: middle(plan), every: None };
            let (_, bits) = heard(plan, &Impairments { level_steps: Some(step), ..Impairments::default() });
            let wrong = wrong(&bits);
            let span = wrong.last().map_or(0, |last| last - wrong[0]);
            assert!(span < plan.bit_rate.0 as usize / 20, "{} {gain} dB: {span} bits", plan.name);
        }
    }
}

#[test]
fn a_slip_is_mended_and_counted() {
    for plan in plans() {
        let slips = Slips { slip: Slip::Repeat, first: middle(plan), every: None };
        let (receiver, bits) = heard(plan, &Impairments { slips: Some(slips), ..Impairments::default() });
        let wrong = wrong(&bits);
        let span = wrong.last().map_or(0, |last| last - wrong[0]);
        assert!(span < plan.bit_rate.0 as usize / 20, "{}: {span} bits", plan.name);
        let mended = receiver.mended();
        // Four phases at 1200 baud bear a sample without losing the symbols: the clock follows.
        let told = mended.slips == 1 && (1..400).contains(&mended.lost_samples);
        assert!(told || plan.baud.0 < 2400.0 && mended.slips <= 1, "{}: {mended:?}", plan.name);
    }
}

#[test]
fn what_happens_in_training_does_not_spoil_it() {
    for plan in plans() {
        let at = late_in_training(plan);
        let step = LevelSteps { gain: Db(3.0), first: at, every: None };
        let slips = Slips { slip: Slip::Repeat, first: at, every: None };
        let impulses = ImpulseHits { per_second: 0.0, at: Some(at), peak: Dbm0(0.0) };
        let nothing = Impairments::default();
        for line in [
            Impairments { level_steps: Some(step), ..nothing },
            Impairments { slips: Some(slips), ..nothing },
            Impairments { impulses: Some(impulses), ..nothing },
        ] {
            let wrong = wrong(&heard(plan, &line).1);
            assert!(wrong.is_empty(), "{} {line:?}: {} bits", plan.name, wrong.len());
        }
    }
}

#[test]
fn a_phase_that_trembles_by_the_mains_is_held() {
    for plan in plans() {
        for frequency in [50.0, 120.0] {
            let phase_jitter = Some(PhaseJitter { degrees: 10.0, frequency: Hz(frequency) });
            let wrong = wrong(&heard(plan, &Impairments { phase_jitter, ..Impairments::default() }).1);
            assert!(wrong.is_empty(), "{} {frequency} Hz: {} bits", plan.name, wrong.len());
        }
    }
}

/// A line that loses 5 dB more with each kilohertz.
const STEEP: [ShapePoint; 2] = [
    ShapePoint { frequency: Hz(600.0), loss: Db(0.0), delay_ms: 0.0 },
    ShapePoint { frequency: Hz(3400.0), loss: Db(14.0), delay_ms: 0.0 },
];

#[test]
fn errors_are_predicted_where_the_loss_slopes_and_only_there() {
    for plan in plans() {
        let (receiver, bits) = heard(plan, &Impairments { shape: &STEEP, ..Impairments::default() });
        assert!(wrong(&bits).is_empty(), "{}: {} bits", plan.name, wrong(&bits).len());
        assert_eq!(receiver.predictor.predicts(), plan.baud.0 > 1200.0, "{}", plan.name);
        assert!(!heard(plan, &Impairments::default()).0.predictor.predicts(), "{}", plan.name);
    }
}

#[test]
fn a_slip_on_a_steep_line_is_mended() {
    for plan in plans() {
        let slips = Slips { slip: Slip::Drop, first: middle(plan), every: None };
        let line = Impairments { slips: Some(slips), shape: &STEEP, ..Impairments::default() };
        let wrong = wrong(&heard(plan, &line).1);
        let span = wrong.last().map_or(0, |last| last - wrong[0]);
        assert!(span < plan.bit_rate.0 as usize / 20, "{}: {span} bits", plan.name);
    }
}

/// The digests are those of an x86-64 processor.
#[test]
fn every_machine_gives_the_same_bits_and_the_same_marks() {
    const DIGESTS: [u64; 9] = [
        0x0a3f_95da_47ee_bf38,
        0xd625_26f5_730f_2131,
        0x46f9_62c4_e607_400e,
        0x242a_6a92_2d31_096b,
        0xdf5d_a2d8_3110_071a,
        0x6106_a556_8344_ca25,
        0x801a_625e_7268_11ba,
        0x36af_8bc6_0175_6b7a,
        0xb538_4bc9_9c2f_3beb,
    ];
    let digests = plans().map(|plan| {
        let line = Impairments { noise: Some(Dbm0(-32.0)), carrier_offset: Hz(5.0), ..Impairments::default() };
        let mut samples = carry(&line, 3, &signal(plan, BITS));
        samples.remove(samples.len() * 2 / 3);
        let mut run = BitRun::with_room(40_000);
        Receiver::new(plan).run(&samples, &mut run);
        let bits = run.bits().iter().map(|bit| u64::from(*bit));
        let marks = run.marks().iter().flat_map(|marked| {
            let evm = if let Mark::Trained(evm) = marked.mark { evm.0.to_bits() } else { 0 };
            [marked.bit as u64, marked.at.0, u64::from(evm)]
        });
        bits.chain(marks).fold(0xcbf2_9ce4_8422_2325, |hash, value| (hash ^ value).wrapping_mul(0x0100_0000_01b3))
    });
    assert_eq!(digests, DIGESTS, "{digests:#x?}");
}

#[test]
fn a_line_in_a_bank_gives_the_same_bits_and_marks_as_one_alone() {
    for (plan, isa) in plans().into_iter().flat_map(|plan| Isa::all().map(move |isa| (plan, isa))) {
        let clean = signal(plan, 1500);
        let heard = |line: usize| {
            let slips = Slips { slip: Slip::Repeat, first: 3000 + 2000 * line as u64, every: None };
            let shape: &[ShapePoint] = if line.is_multiple_of(3) { &STEEP } else { &[] };
            let line = Impairments { noise: Some(Dbm0(-44.0)), slips: Some(slips), shape, ..Impairments::default() };
            let mut samples = vec![0.0; 37 * line.slips.map_or(0, |slips| slips.first as usize / 2000)];
            samples.extend(carry(&line, 1, &clean));
            samples.resize(clean.len() + 800, 0.0);
            samples
        };
        let lines: Vec<Vec<f32>> = (0..10).map(heard).collect();
        let mut bank = ReceiverBank::with_isa(plan, lines.len(), isa);
        let mut runs: Vec<_> = lines.iter().map(|_| BitRun::with_room(4000)).collect();
        for first in (0..lines[0].len()).step_by(160) {
            let blocks: Vec<&[f32]> = lines.iter().map(|line| &line[first..line.len().min(first + 160)]).collect();
            bank.run(&blocks, &mut runs);
        }
        for (samples, run) in lines.iter().zip(&runs) {
            let mut alone = BitRun::with_room(4000);
            Receiver::with_isa(plan, isa).run(samples, &mut alone);
            assert!(alone.bits().len() >= 1500, "{}", plan.name);
            let same = (alone.bits(), alone.marks()) == (run.bits(), run.marks());
            assert!(same, "{} {}: {:?}, alone {:?}", plan.name, isa.name(), run.marks(), alone.marks());
        }
    }
}
