//! The fast modems over simulated lines: every mode on every line, and what they must not hear.

use answertone_dsp::{
    bits::{BitQueue, BitRun, Mark, MarkedBit},
    channel::{Impairments, carry, noise::Noise},
    fsk::{FskModulator, V21_CHANNEL_2},
    g711::Law,
    lanes::Isa,
    modem::{
        Demodulator, Modulator, Plan, Protection, Receiver, Train, Transmitter,
        prbs::{Prbs, PrbsMessage, Score},
        v17, v27ter, v29,
    },
    pcm::BLOCK_SAMPLES,
    units::{Db, Dbm0, Hz},
};
use answertone_vectors::not_run;

/// Every mode, with the signal to noise ratio at which an ideal receiver has one error in 100 000 bits: noise power in
/// 0 to 4000 Hz.
fn modes() -> [(&'static Plan, f32); 9] {
    [
        (v27ter::plan(v27ter::Rate::R2400), 8.1),
        (v27ter::plan(v27ter::Rate::R4800), 14.5),
        (v29::plan(v29::Rate::R4800), 11.2),
        (v29::plan(v29::Rate::R7200), 15.4),
        (v29::plan(v29::Rate::R9600), 19.0),
        (v17::plan(v17::Rate::R7200), 11.6),
        (v17::plan(v17::Rate::R9600), 14.7),
        (v17::plan(v17::Rate::R12000), 18.1),
        (v17::plan(v17::Rate::R14400), 20.9),
    ]
}

/// Silence before and after a signal.
const LEAD: usize = 1600;
const BITS: usize = 20_000;

/// Samples that a modulator makes of bits.
fn modulate(modulator: &mut impl Modulator, bits: impl Iterator<Item = bool>) -> Vec<f32> {
    let mut queue = BitQueue::with_room(64);
    let mut bits = bits.peekable();
    let mut samples = Vec::new();
    loop {
        while queue.room() > 0 && bits.peek().is_some() {
            queue.push(bits.next().expect("it was seen"));
        }
        if bits.peek().is_none() {
            queue.finish();
        }
        let mut block = [0.0; 20];
        let written = modulator.run(&mut queue, &mut block);
        samples.extend_from_slice(&block[..written]);
        if written < block.len() {
            return samples;
        }
    }
}

/// Silence, the signal with the message, silence.
fn signal(plan: &'static Plan, level: Dbm0, protection: Protection, seed: u32) -> Vec<f32> {
    let mut samples = vec![0.0; LEAD];
    samples.extend(modulate(&mut Transmitter::new(plan, level, protection), Prbs::new(seed).take(BITS)));
    samples.extend([0.0; LEAD]);
    samples
}

/// What a receiver made of samples: bits since the last training, and all marks.
#[derive(Default)]
struct Heard {
    bits: Vec<bool>,
    marks: Vec<MarkedBit>,
}

impl Heard {
    fn count(&self, wanted: impl Fn(&Mark) -> bool) -> usize {
        self.marks.iter().filter(|marked| wanted(&marked.mark)).count()
    }

    fn trainings(&self) -> usize {
        self.count(|mark| matches!(mark, Mark::Trained(_)))
    }

    fn failures(&self) -> usize {
        self.count(|mark| *mark == Mark::TrainingFailed)
    }

    fn score(&self, seed: u32) -> Score {
        PrbsMessage::new(seed, BITS).score(&self.bits)
    }
}

/// Bits since the last training, and all marks.
fn receive(receiver: &mut Receiver, samples: &[f32]) -> Heard {
    hear(receiver, samples, |_, trained| trained)
}

/// Bits since the first training, though the carrier may seem to go away and come back.
fn receive_all(receiver: &mut Receiver, samples: &[f32]) -> Heard {
    hear(receiver, samples, |heard, trained| trained && heard.trainings() == 0)
}

fn hear(receiver: &mut Receiver, samples: &[f32], begins: impl Fn(&Heard, bool) -> bool) -> Heard {
    let mut heard = Heard::default();
    let mut run = BitRun::with_room(1024);
    for block in samples.chunks(BLOCK_SAMPLES) {
        run.clear();
        receiver.run(block, &mut run);
        let trained = run.marks().iter().rfind(|marked| matches!(marked.mark, Mark::Trained(_)));
        let begins = begins(&heard, trained.is_some());
        let first = trained.filter(|_| begins).map_or(0, |marked| marked.bit);
        if begins {
            heard.bits.clear();
        }
        heard.bits.extend_from_slice(&run.bits()[first..]);
        heard.marks.extend_from_slice(run.marks());
        assert_eq!(run.lost(), 0);
    }
    heard
}

fn noise_at(level: f32, ratio: f32) -> Option<Dbm0> {
    Some(Dbm0(level - ratio))
}

#[test]
fn every_mode_is_received_over_every_line() {
    let line = Impairments::default();
    let offset = |hz, ppm| Impairments { carrier_offset: Hz(hz), clock_offset_ppm: ppm, ..line };
    // Name, level sent, line, margin over the ideal receiver's point if there is noise, errors allowed.
    let lines = [
        ("clean", -13.0, line, None, 0),
        ("-3 dBm0", -3.0, line, None, 0),
        ("-43 dBm0", -43.0, line, None, 0),
        ("A-law", -13.0, Impairments { law: Some(Law::A), ..line }, None, 0),
        ("mu-law", -20.0, Impairments { law: Some(Law::Mu), ..line }, None, 0),
        ("+10 Hz", -13.0, offset(10.0, 0.0), None, 0),
        ("-10 Hz, 200 ppm", -13.0, offset(-10.0, 200.0), None, 0),
        ("7 Hz, -200 ppm", -13.0, offset(7.0, -200.0), None, 0),
        ("noise", -20.0, line, Some(1.5), 3),
        ("noise, -7 Hz, 100 ppm", -20.0, offset(-7.0, 100.0), Some(2.0), 3),
    ];
    let mut wrong = 0;
    for (plan, ideal) in modes() {
        let mut row = format!("{:13}", plan.name);
        for (index, (name, level, impairments, margin, allowed)) in lines.iter().enumerate() {
            let protection = if index % 2 == 0 { Protection::None } else { Protection::TalkerEcho };
            let noise = margin.and_then(|margin| noise_at(*level, ideal + margin));
            let samples = carry(&Impairments { noise, ..*impairments }, 11, &signal(plan, Dbm0(*level), protection, 1));
            let heard = receive(&mut Receiver::new(plan), &samples);
            let score = heard.score(1);
            let good = heard.trainings() == 1 && heard.failures() == 0 && score.offset == 0;
            let good = good && score.bits == BITS && score.errors <= *allowed;
            wrong += usize::from(!good);
            row += &format!("  {name} {}{}", score.errors, if good { "" } else { " (!)" });
        }
        println!("{row}");
    }
    assert_eq!(wrong, 0, "the rows above marked (!)");
}

#[test]
fn training_succeeds_with_noise_before_the_signal() {
    let trials = 12;
    for (plan, ideal) in modes() {
        let failed = (0..trials)
            .filter(|trial| {
                let noise = noise_at(-20.0, ideal + 2.0);
                let line = Impairments { noise, ..Impairments::default() };
                let samples = carry(&line, 100 + trial, &signal(plan, Dbm0(-20.0), Protection::None, 3));
                let heard = receive(&mut Receiver::new(plan), &samples);
                heard.trainings() != 1 || heard.failures() != 0 || !heard.score(3).locked
            })
            .count();
        println!("{:13} {failed} of {trials} trainings failed", plan.name);
        assert_eq!(failed, 0, "{}", plan.name);
    }
}

#[test]
fn the_end_is_known_within_20_ms_and_stamped_where_it_was() {
    for (plan, _) in modes() {
        let samples = signal(plan, Dbm0(-20.0), Protection::None, 1);
        let samples = carry(&Impairments { noise: Some(Dbm0(-60.0)), ..Impairments::default() }, 5, &samples);
        let last = samples.iter().rposition(|sample| sample.abs() > 200.0).expect("there is a signal") as u64;
        let (mut receiver, mut run) = (Receiver::new(plan), BitRun::with_room(1024));
        let mut ended = None;
        for (index, block) in samples.chunks(BLOCK_SAMPLES).enumerate() {
            run.clear();
            receiver.run(block, &mut run);
            let down = run.marks().iter().find(|marked| marked.mark == Mark::CarrierDown);
            ended = ended.or(down.map(|marked| (marked.at.0, ((index + 1) * BLOCK_SAMPLES) as u64)));
        }
        let (stamp, known) = ended.expect("the carrier went away");
        println!("{:13} ended at {last}, stamped {stamp}, known at {known}", plan.name);
        assert!(stamp.abs_diff(last) <= 24, "{}: stamped {stamp}, ended {last}", plan.name);
        assert!(known <= last + 160 + BLOCK_SAMPLES as u64, "{}: known at {known}, ended {last}", plan.name);
    }
}

#[test]
fn few_bits_follow_the_last_one() {
    for (plan, _) in modes() {
        let heard = receive(&mut Receiver::new(plan), &signal(plan, Dbm0(-20.0), Protection::None, 1));
        let ones = usize::from(plan.turn_off_ones) * plan.coding.bits_per_symbol() as usize;
        let after = heard.bits.len() - BITS;
        println!("{:13} {after} bits after the message, {ones} of them sent", plan.name);
        assert!(after <= ones + 8 * plan.coding.bits_per_symbol() as usize, "{}: {after}, sent {ones}", plan.name);
    }
}

#[test]
fn short_training_follows_a_long_one_even_across_a_restart() {
    for (plan, ideal) in modes().into_iter().filter(|(plan, _)| !plan.short_training.is_empty()) {
        for level in [-3.0, -13.0, -43.0] {
            let mut transmitter = Transmitter::new(plan, Dbm0(level), Protection::None);
            let mut receiver = Receiver::new(plan);
            let noise = noise_at(level, ideal + 2.0);
            let line = Impairments { noise, carrier_offset: Hz(-6.0), ..Impairments::default() };
            let long = modulate(&mut transmitter, std::iter::repeat_n(false, 3000));
            transmitter.begin(Protection::None, Train::Short);
            let short = modulate(&mut transmitter, Prbs::new(9).take(BITS));
            // 75.375 ms: the second signal's symbols fall between those of the first.
            let both = [vec![0.0; LEAD], long.clone(), vec![0.0; 603], short, vec![0.0; LEAD]].concat();
            let samples = carry(&line, 6, &both);
            let middle = LEAD + long.len() + 400;
            receive(&mut receiver, &samples[..middle]);
            receiver.restart();
            receiver.expect(Train::Short);
            let heard = receive(&mut receiver, &samples[middle..]);
            let score = heard.score(9);
            println!("{:13} {level} dBm0: {} errors", plan.name, score.errors);
            assert!(
                heard.trainings() == 1 && score.bits == BITS && score.errors <= 3,
                "{} {level}: {score:?}",
                plan.name
            );
        }
    }
}

/// Mean error power, in decibels relative to the symbols, over blocks in which only data are received.
fn mean_error(receiver: &mut Receiver, samples: &[f32]) -> f32 {
    let mut run = BitRun::with_room(1024);
    let (mut sum, mut count, mut trained) = (0.0, 0.0, 0);
    for block in samples.chunks(BLOCK_SAMPLES) {
        run.clear();
        receiver.run(block, &mut run);
        let is = |wanted: fn(&Mark) -> bool| run.marks().iter().any(|marked| wanted(&marked.mark));
        let (begins, ends) = (is(|mark| matches!(mark, Mark::Trained(_))), is(|mark| *mark == Mark::CarrierDown));
        trained = if ends { 0 } else { trained + usize::from(begins || trained > 0) };
        if trained > 4 {
            sum += 10_f32.powf(receiver.error_level().0 / 10.0);
            count += 1.0;
        }
    }
    assert!(count > 50.0, "{count} blocks of data");
    10.0 * (sum / count).log10()
}

#[test]
fn short_training_costs_no_more_than_a_fifth_of_a_decibel() {
    for (plan, ideal) in modes().into_iter().filter(|(plan, _)| !plan.short_training.is_empty()) {
        let worse = (0..6).map(|trial| {
            let mut transmitter = Transmitter::new(plan, Dbm0(-20.0), Protection::None);
            let long = modulate(&mut transmitter, Prbs::new(1).take(BITS));
            transmitter.begin(Protection::None, Train::Short);
            let short = modulate(&mut transmitter, Prbs::new(2).take(BITS));
            let first = [vec![0.0; LEAD], long, vec![0.0; 300]].concat();
            let both = [first.clone(), vec![0.0; 300 + trial], short, vec![0.0; LEAD]].concat();
            let line = Impairments { noise: noise_at(-20.0, ideal + 1.0), ..Impairments::default() };
            let samples = carry(&line, 40 + trial as u64, &both);
            let mut receiver = Receiver::new(plan);
            let after_long = mean_error(&mut receiver, &samples[..first.len()]);
            receiver.expect(Train::Short);
            mean_error(&mut receiver, &samples[first.len()..]) - after_long
        });
        let mean = worse.sum::<f32>() / 6.0;
        println!("{:13} {mean:+.2} dB after short training", plan.name);
        assert!(mean <= 0.2, "{}: {mean:.2} dB", plan.name);
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits_and_marks() {
    for (plan, ideal) in modes() {
        let line =
            Impairments { noise: noise_at(-20.0, ideal - 1.0), carrier_offset: Hz(5.0), ..Impairments::default() };
        let mut samples = carry(&line, 3, &signal(plan, Dbm0(-20.0), Protection::TalkerEcho, 1));
        // A slip, so that the way back is compared too.
        samples.remove(samples.len() / 2);
        let heard: Vec<_> = Isa::all().map(|isa| receive_all(&mut Receiver::with_isa(plan, isa), &samples)).collect();
        assert!(heard[0].bits.len() > BITS / 2, "{}: {} bits", plan.name, heard[0].bits.len());
        for other in &heard[1..] {
            assert!(other.bits == heard[0].bits && other.marks == heard[0].marks, "{}", plan.name);
        }
    }
    let sets: Vec<_> = Isa::all().collect();
    println!("{sets:?}");
    if sets.len() == 1 {
        not_run(9, "this machine has the portable instruction set only");
    }
}

#[test]
fn a_long_training_is_recognised_where_a_short_one_was_expected() {
    let plan = v17::plan(v17::Rate::R14400);
    let mut receiver = Receiver::new(plan);
    receive(&mut receiver, &signal(plan, Dbm0(-13.0), Protection::None, 1));
    receiver.expect(Train::Short);
    let heard = receive(&mut receiver, &signal(plan, Dbm0(-17.0), Protection::TalkerEcho, 2));
    assert_eq!(heard.score(2), Score { locked: true, bits: BITS, ..Score::default() });
}

#[test]
fn a_spoilt_training_does_not_spoil_the_next_one() {
    for (plan, _) in modes() {
        let mut samples = signal(plan, Dbm0(-13.0), Protection::None, 1);
        // Noise louder than the signal from the middle of the training on.
        let mut noise = Noise::new(Dbm0(-5.0), 8);
        samples[LEAD + 1100..].iter_mut().for_each(|sample| *sample += noise.next_sample());
        samples.extend(signal(plan, Dbm0(-25.0), Protection::None, 2));
        let heard = receive(&mut Receiver::new(plan), &samples);
        let score = heard.score(2);
        assert_eq!((score.bits, score.errors, score.offset), (BITS, 0, 0), "{}", plan.name);
    }
}

/// Milliseconds of the message that do not agree, by what agrees before and after them.
fn milliseconds_hurt(plan: &Plan, bits: &[bool], message: &PrbsMessage) -> u32 {
    let sent = message.bits();
    let before = bits.iter().zip(sent).take_while(|(got, sent)| got == sent).count();
    let agree_from_the_end =
        |end: usize| bits[..end].iter().rev().zip(sent.iter().rev()).take_while(|(a, b)| a == b).count();
    let after = (bits.len().saturating_sub(3000)..=bits.len()).map(agree_from_the_end).max().unwrap_or(0);
    sent.len().saturating_sub(before + after) as u32 * 1000 / plan.bit_rate.0
}

#[test]
fn slips_and_losses_hurt_no_longer_than_they_must() {
    type Hurt = fn(&mut Vec<f32>, usize);
    // Name, what happens at a sample, milliseconds of the message that may be hurt.
    let events: [(&str, Hurt, u32); 6] = [
        ("nothing", |_, _| {}, 0),
        ("sample dropped", |samples, at| _ = samples.remove(at), 50),
        ("sample repeated", |samples, at| samples.insert(at, samples[at]), 50),
        ("20 ms dropped", |samples, at| _ = samples.drain(at..at + 160), 80),
        ("20 ms silent", |samples, at| samples[at..at + 160].fill(0.0), 80),
        ("20 ms repeated", |samples, at| samples.copy_within(at - 160..at, at), 80),
    ];
    for (plan, ideal) in modes() {
        let mut row = format!("{:13}", plan.name);
        let message = PrbsMessage::new(1, BITS);
        for (name, hurt, allowed) in events {
            let worst = (0..3).map(|trial| {
                let mut samples = signal(plan, Dbm0(-14.0), Protection::None, 1);
                let middle = samples.len() * 2 / 3 + 37 * trial;
                hurt(&mut samples, middle);
                let line = Impairments { noise: noise_at(-14.0, ideal + 4.0), ..Impairments::default() };
                let heard = receive_all(&mut Receiver::new(plan), &carry(&line, trial as u64, &samples));
                milliseconds_hurt(plan, &heard.bits, &message)
            });
            let worst = worst.max().expect("there are trials");
            row += &format!("  {name} {worst} ms");
            assert!(worst <= allowed, "{}: {name} hurts {worst} ms", plan.name);
        }
        println!("{row}");
    }
}

#[test]
fn a_packet_lost_anywhere_in_training_costs_nothing_after_it() {
    for (plan, ideal) in modes() {
        let whole = signal(plan, Dbm0(-14.0), Protection::None, 1);
        let training: u16 = plan.training.iter().map(|segment| segment.symbols()).sum();
        let training = (f32::from(training) * 8000.0 / plan.baud.0) as usize;
        let line = Impairments { noise: noise_at(-14.0, ideal + 4.0), ..Impairments::default() };
        // What hits the last of training hits data, too.
        let places = (LEAD..LEAD + training - 360).step_by(training / 40);
        let spoilt = |fill: fn(&mut [f32], usize)| {
            let trials = places.clone().filter(|at| {
                let mut samples = whole.clone();
                fill(&mut samples, *at);
                let heard = receive(&mut Receiver::new(plan), &carry(&line, *at as u64, &samples));
                let score = heard.score(1);
                heard.trainings() == 0 || score.bits != BITS || score.errors > 3
            });
            trials.map(|at| at - LEAD).collect::<Vec<_>>()
        };
        let silent = spoilt(|samples, at| samples[at..at + 160].fill(0.0));
        let repeated = spoilt(|samples, at| samples.copy_within(at - 160..at, at));
        println!("{:13} spoilt by silence at {silent:?}, by repetition at {repeated:?} of {training}", plan.name);
        assert!(silent.is_empty() && repeated.is_empty(), "{}", plan.name);
    }
}

#[test]
fn a_loss_told_by_the_transport_is_passed_over() {
    for (plan, _) in modes() {
        let samples = signal(plan, Dbm0(-14.0), Protection::None, 1);
        let middle = samples.len() * 2 / 3 / BLOCK_SAMPLES * BLOCK_SAMPLES;
        let (mut receiver, mut run) = (Receiver::new(plan), BitRun::with_room(2048));
        let mut bits = receive(&mut receiver, &samples[..middle]).bits;
        receiver.coast(3 * BLOCK_SAMPLES, &mut run);
        assert!(run.marks().is_empty() && run.lost() == 0, "{}: {:?}", plan.name, run.marks());
        bits.extend_from_slice(run.bits());
        bits.extend(receive(&mut receiver, &samples[middle + 3 * BLOCK_SAMPLES..]).bits);
        let score = PrbsMessage::new(1, BITS).score(&bits);
        let hurt = milliseconds_hurt(plan, &bits, &PrbsMessage::new(1, BITS));
        assert!(score.bits == BITS && score.slips == 0 && hurt <= 60, "{}: {hurt} ms, {score:?}", plan.name);
    }
}

#[test]
fn a_pattern_whose_beginning_was_hit_is_found_all_the_same() {
    // V.27ter and V.29 repeat their pattern every 127 symbols, so that the beginning of a later period looks like it.
    for (plan, _) in modes().into_iter().filter(|(plan, _)| !plan.name.starts_with("V.17")) {
        let mut samples = signal(plan, Dbm0(-13.0), Protection::None, 1);
        let symbol = 8000.0 / plan.baud.0;
        let pattern: u16 = plan.training[..2].iter().map(|segment| segment.symbols()).sum();
        let first = LEAD + (f32::from(pattern) * symbol) as usize;
        let mut noise = Noise::new(Dbm0(-3.0), 8);
        let hit = first + (30.0 * symbol) as usize..first + (60.0 * symbol) as usize;
        samples[hit].iter_mut().for_each(|sample| *sample = noise.next_sample());
        let heard = receive(&mut Receiver::new(plan), &samples);
        let score = heard.score(1);
        assert_eq!((heard.trainings(), score.bits, score.errors, score.offset), (1, BITS, 0, 0), "{}", plan.name);
    }
}

#[test]
fn a_pattern_that_never_ends_is_survived() {
    for (plan, _) in modes() {
        let whole = signal(plan, Dbm0(-13.0), Protection::None, 1);
        let first = LEAD + 1000;
        let period = (127.0 * 8000.0 / plan.baud.0) as usize;
        let endless: Vec<f32> = (0..60_000).map(|n| whole[first + n % (3 * period) % 1200]).collect();
        receive(&mut Receiver::new(plan), &endless);
        let round: Vec<f32> = (0..60_000).map(|n| whole[first + n % period]).collect();
        receive(&mut Receiver::new(plan), &round);
    }
}

/// Signals that are no training of any modem.
fn other_signals() -> Vec<(&'static str, Vec<f32>)> {
    let tone = |hz: f32, peak: f32| (0..16_000).map(move |n| peak * (n as f32 * hz * 0.000_785_398_2).sin());
    let mut noise = Noise::new(Dbm0(-10.0), 4);
    let v21 = modulate(&mut FskModulator::new(&V21_CHANNEL_2, Dbm0(-10.0)), Prbs::new(1).take(600));
    vec![
        ("silence", vec![0.0; 16_000]),
        ("noise", (0..80_000).map(|_| noise.next_sample()).collect()),
        ("square wave", (0..16_000).map(|n| if n / 4 % 2 == 0 { 32_767.0 } else { -32_768.0 }).collect()),
        ("overload", (0..16_000).map(|n| if n % 7 < 3 { 1e9 } else { f32::NAN }).collect()),
        ("1700 Hz", tone(1700.0, 9000.0).collect()),
        ("1800 Hz", tone(1800.0, 9000.0).collect()),
        ("2100 Hz", tone(2100.0, 9000.0).collect()),
        ("two tones", tone(1000.0, 9000.0).zip(tone(2600.0, 9000.0)).map(|(a, b)| a + b).collect()),
        ("V.21", v21),
    ]
}

#[test]
fn nothing_else_is_taken_for_training() {
    for (plan, _) in modes() {
        for (name, samples) in other_signals() {
            let heard = receive(&mut Receiver::new(plan), &samples);
            assert!(heard.marks.is_empty() && heard.bits.is_empty(), "{} in {name}: {:?}", plan.name, heard.marks);
        }
        for (other, _) in modes().into_iter().filter(|(other, _)| other.training.as_ptr() != plan.training.as_ptr()) {
            let same_family = other.name[..4] == plan.name[..4];
            let heard = receive(&mut Receiver::new(plan), &signal(other, Dbm0(-13.0), Protection::TalkerEcho, 1));
            assert!(same_family || heard.marks.is_empty(), "{} in {}: {:?}", plan.name, other.name, heard.marks);
        }
    }
}

#[test]
fn hybrid_echo_of_our_own_signal_before_the_burst_does_no_harm() {
    for (plan, _) in modes() {
        let ours = modulate(&mut FskModulator::new(&V21_CHANNEL_2, Dbm0(-10.0)), Prbs::new(1).take(400));
        let mut samples = signal(plan, Dbm0(-33.0), Protection::None, 1);
        let echo = Db(-14.0).amplitude();
        // The echo ends 10 ms before the training sounds.
        let end = LEAD - 80;
        ours.iter().rev().zip(samples[..end].iter_mut().rev()).for_each(|(ours, sample)| *sample += echo * ours);
        let heard = receive(&mut Receiver::new(plan), &samples);
        assert_eq!(heard.score(1), Score { locked: true, bits: BITS, ..Score::default() }, "{}", plan.name);
    }
}
