//! What a line carries beside fax, one line: digits, echoes, caller identities, call progress, who answered; beside
//! spandsp's.

mod beside;

use std::{cell::RefCell, hint::black_box};

use answertone_benches::{
    signal::{echo, noise, rounded},
    spandsp::{Canceller, FaxTone, Hearer, Spandsp},
};
use answertone_dsp::{
    bits::BitQueue,
    callerid::{CallerId, CallerIdListener, CallerIdReceiver, CallerIdSender, Hook, Message, Standard},
    echo::{EchoCanceller, EchoKernel},
    fsk::{FskModulator, V21_CHANNEL_2},
    lanes::{Bank, Eight, Isa, LANES, One},
    modem::Modulator,
    pcm::BLOCK_SAMPLES,
    tone::{
        answerer::{AnswererDetector, AnswererListener},
        call::{CedDetector, CedGenerator, CedListener, CngDetector, CngGenerator, CngListener},
        content::ContentKernel,
        dtmf::{DtmfStyle, digits},
        dtmf_detector::{DtmfDetector, DtmfListener},
        dtmf_prompted::PromptedDtmfDetector,
        ear::{EarBank, Listener},
        progress::{ProgressDetector, ProgressListener, ProgressTone, TONES},
    },
    units::{Dbm0, Hz},
};
use beside::Comparison;
use criterion::{Criterion, criterion_group, criterion_main};
use realfft::RealFftPlanner;

/// Samples of noise: two seconds.
const SAMPLES: usize = 16_000;

/// Whose tones are listened for.
const COUNTRY: &str = "us";

/// Lines in banks, beside the detector for one line.
const LINES: [usize; 2] = [8, 64];

/// Times a detector on a signal and on noise, for one line and, by its listener, in banks; times are per sample of each
/// line. Of the signal it has to tell something.
fn detector<D, L: Listener>(
    criterion: &mut Criterion,
    name: &str,
    signal: &[f32],
    make: impl Fn() -> D,
    run: impl Fn(&mut D, &[f32]) -> bool,
    listener: &L,
    peer: impl Fn(&Spandsp) -> Hearer,
) {
    for (what, samples) in [("signal", signal), ("noise", &noise(SAMPLES, 7))] {
        let mut comparison = Comparison::new(criterion, name, samples.len());
        let hear =
            |detector: &mut D| samples.chunks(BLOCK_SAMPLES).filter(|block| run(detector, black_box(block))).count();
        assert!(what == "noise" || hear(&mut make()) > 0, "{name}: nothing was heard in its own signal");
        let ours = comparison.time(what, &make, hear);
        let theirs = Spandsp::load().and_then(|library| {
            let samples = rounded(samples);
            let hear = |hearer: &mut Hearer| hearer.run(black_box(&samples));
            assert!(what == "noise" || hear(&mut peer(library)) > 0, "{name}: spandsp heard nothing in its signal");
            comparison.time(&format!("{what}, spandsp"), || peer(library), hear)
        });
        comparison.tell(what, ours, theirs);
        for lines in LINES {
            comparison.set_samples(samples.len() / BLOCK_SAMPLES * BLOCK_SAMPLES * lines);
            let of_lines = format!("{what}, {lines} lines in a bank");
            let ours = bank(&mut comparison, &of_lines, listener, samples, lines / LANES);
            comparison.tell(&of_lines, ours, theirs);
        }
    }
}

/// Times a bank whose lines all hear the same.
fn bank<L: Listener>(
    comparison: &mut Comparison,
    what: &str,
    listener: &L,
    samples: &[f32],
    groups: usize,
) -> Option<f64> {
    let together: Vec<Eight> = samples.iter().map(|sample| Eight([*sample; LANES])).collect();
    let blocks: &[[Eight; BLOCK_SAMPLES]] = together.as_chunks().0;
    comparison.time(
        what,
        || EarBank::new(listener.fresh(), groups, Isa::detect()),
        |bank| {
            for block in blocks {
                (0..groups)
                    .for_each(|group| bank.run(group, 0xff, black_box(block), |_, heard| drop(black_box(heard))));
            }
        },
    )
}

fn dtmf(criterion: &mut Criterion) {
    let run = |detector: &mut DtmfDetector, block: &[f32]| {
        let mut told = false;
        detector.run(block, |_| told = true);
        told
    };
    let signal = digits("123A456B789C*0#D", DtmfStyle::default());
    detector(criterion, "DTMF detector", &signal, DtmfDetector::new, run, &DtmfListener::default(), Spandsp::dtmf);
}

fn caller_id(criterion: &mut Criterion) {
    let id = CallerId {
        date: Some("11221030".into()),
        number: Some("2025550143".into()),
        name: Some("ANSWERTONE".into()),
        ..CallerId::default()
    };
    let message = Message::multiple(&id);
    let mut signal = CallerIdSender::new(&message, Standard::Bellcore, Hook::On, Dbm0(-13.5)).samples();
    signal.resize(signal.len() + 4000, 0.0);
    let run = |receiver: &mut CallerIdReceiver, block: &[f32]| {
        let mut told = false;
        receiver.run(block, |message| told |= message.intact);
        told
    };
    let make = || CallerIdReceiver::new(Standard::Bellcore);
    detector(
        criterion,
        "caller identity receiver",
        &signal,
        make,
        run,
        &CallerIdListener::new(Standard::Bellcore),
        Spandsp::caller_id,
    );
}

fn progress(criterion: &mut Criterion) {
    let rows = || TONES.iter().filter(|row| row.country == COUNTRY);
    let signal: Vec<f32> = rows().flat_map(|row: &ProgressTone| row.samples(32_000)).collect();
    let make = || ProgressDetector::new(COUNTRY).expect("the table has this country");
    let run = |detector: &mut ProgressDetector, block: &[f32]| detector.run(block).is_some();
    let tones = Spandsp::load().map(|library| library.tones(rows()));
    let peer = |library: &Spandsp| library.progress(tones.expect("made when the library was loaded"));
    detector(criterion, "call progress detector", &signal, make, run, &ProgressListener::of(COUNTRY), peer);
}

fn fax_tones(criterion: &mut Criterion) {
    let mut signal = vec![0.0; 3 * SAMPLES];
    CngGenerator::new(Dbm0(-14.0)).run(&mut signal);
    let run = |detector: &mut CngDetector, block: &[f32]| detector.run(block).is_some();
    detector(criterion, "CNG detector", &signal, CngDetector::new, run, &CngListener::default(), |library| {
        library.fax_tone(FaxTone::Cng)
    });
    signal.fill(0.0);
    CedGenerator::new(Dbm0(-14.0)).run(&mut signal);
    let run = |detector: &mut CedDetector, block: &[f32]| detector.run(block).is_some();
    detector(criterion, "CED detector", &signal, CedDetector::new, run, &CedListener::default(), |library| {
        library.fax_tone(FaxTone::Ced)
    });
}

/// The peer tells CED and the V.21 preamble only; ours tells data modems, alarm panels, text telephones and voices too.
fn answerer(criterion: &mut Criterion) {
    let mut signal = vec![0.0; 4 * SAMPLES];
    let ced = CedGenerator::new(Dbm0(-14.0)).run(&mut signal[..3 * SAMPLES]);
    let mut flags = BitQueue::with_room(300);
    (0..300).for_each(|bit| flags.push(!matches!(bit % 8, 0 | 7)));
    FskModulator::new(&V21_CHANNEL_2, Dbm0(-14.0)).run(&mut flags, &mut signal[ced + 600..ced + 8600]);
    let run = |detector: &mut AnswererDetector, block: &[f32]| detector.run(block).is_some();
    detector(criterion, "who answered", &signal, AnswererDetector::new, run, &AnswererListener::default(), |library| {
        library.fax_tone(FaxTone::CedOrPreamble)
    });
}

/// Cancellers that have converged, as they are most of the time; and their first second.
fn cancellers(criterion: &mut Criterion) {
    let far = noise(SAMPLES / 2, 7);
    let near = echo(&far);
    let (wide_far, wide_near) = (rounded(&far), rounded(&near));
    for taps in [128, 256, 512, 1024] {
        let name = format!("echo canceller, {taps} taps ({} ms)", taps / 8);
        let mut comparison = Comparison::new(criterion, name, far.len());
        let run = |canceller: &mut EchoCanceller| cancel(canceller, &far, &near);
        let run_theirs = |canceller: &mut _| Canceller::run(canceller, &wide_far, &wide_near);
        let mut converged = EchoCanceller::new(taps);
        run(&mut converged);
        assert!(run(&mut converged) < 0.01 * energy(&near), "{taps} taps: the canceller does not converge");
        let peer = Spandsp::load();
        let ours = comparison.time("converged", || converged.clone(), run);
        let make = |library: &Spandsp| {
            let mut canceller = library.canceller(taps);
            run_theirs(&mut canceller);
            canceller
        };
        let theirs = peer.and_then(|library| comparison.time("converged, spandsp", || make(library), run_theirs));
        comparison.tell("converged", ours, theirs);
        let ours = comparison.time("first second", || EchoCanceller::new(taps), run);
        let theirs =
            peer.and_then(|library| comparison.time("first second, spandsp", || library.canceller(taps), run_theirs));
        comparison.tell("first second", ours, theirs);
    }
}

/// Cancels an echo; the energy of what is left.
fn cancel(canceller: &mut EchoCanceller, far: &[f32], near: &[f32]) -> f32 {
    let blocks = far.as_chunks().0.iter().zip(near.as_chunks().0);
    let left = blocks.map(|(far, near)| {
        let mut block: [f32; BLOCK_SAMPLES] = *near;
        canceller.run(black_box(far), &mut block);
        energy(&block)
    });
    left.sum()
}

fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// A canceller of 32 ms and two detectors; spandsp has no such thing.
fn prompted(criterion: &mut Criterion) {
    let prompt = noise(SAMPLES, 7);
    let near = echo(&prompt);
    let mut comparison = Comparison::new(criterion, "DTMF detector behind a prompt", SAMPLES);
    let ours = comparison.time(
        "noise as prompt",
        || PromptedDtmfDetector::new(256),
        |detector| {
            for (prompt, near) in prompt.as_chunks().0.iter().zip(near.as_chunks().0) {
                detector.run(black_box(prompt), near, |_| {});
            }
        },
    );
    comparison.tell("noise as prompt", ours, None);
}

/// Cancellers of lines in a bank; times are per sample of each line.
fn cancellers_in_a_bank(criterion: &mut Criterion) {
    let far = noise(SAMPLES / 2, 7);
    let near = echo(&far);
    let row = |block: usize, at: usize| {
        let row = if at < BLOCK_SAMPLES { &far } else { &near };
        Eight([row[block * BLOCK_SAMPLES + at % BLOCK_SAMPLES]; LANES])
    };
    let count = far.len() / BLOCK_SAMPLES;
    let both: Vec<[Eight; 2 * BLOCK_SAMPLES]> =
        (0..count).map(|block| core::array::from_fn(|at| row(block, at))).collect();
    let mut comparison = Comparison::new(criterion, "8 lines in a bank", count * BLOCK_SAMPLES * LANES);
    let bank = RefCell::new(Bank::new(EchoKernel::new(256), 1, Isa::detect()));
    let run = |bank: &mut Bank<EchoKernel>| {
        let mut left = [Eight::default(); BLOCK_SAMPLES];
        both.iter().for_each(|block| bank.run(0, 0xff, black_box(block), &mut left));
        left[0].0[0]
    };
    run(&mut bank.borrow_mut());
    let ours = comparison.time("echo cancellers, 256 taps", || bank.borrow_mut(), |bank| run(bank));
    comparison.tell("echo cancellers, 256 taps", ours, None);
}

/// Single frequencies beside a whole spectrum, for as many frequencies as the ears have: blocks of 80 samples, whose
/// spectrum has a line each 100 Hz, and 200 samples, one each 40 Hz.
fn spectra(criterion: &mut Criterion) {
    for (frequencies, length) in [(2, 80), (8, 80), (10, 80), (10, 200), (20, 200)] {
        let signal = noise(length * 100, 7);
        let pitches: Vec<Hz> = (0..frequencies).map(|at| Hz(330.0 + 67.0 * at as f32)).collect();
        let name = format!("{frequencies} frequencies in blocks of {length}");
        let mut comparison = Comparison::new(criterion, name, signal.len());
        let kernel = ContentKernel::new(&pitches, length);
        let results = vec![0.0; kernel.results()];
        let sums = comparison.time(
            "sums of products",
            || One::new(kernel.clone()),
            |line| -> f32 {
                let mut results = results.clone();
                let each = signal.chunks_exact(length).map(|block| {
                    line.run(black_box(block), &mut results);
                    results[1]
                });
                each.sum()
            },
        );
        let plan = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let make = || (plan.make_input_vec(), plan.make_output_vec(), plan.make_scratch_vec());
        let spectrum = comparison.time("realfft", make, |(input, output, scratch)| -> f32 {
            let each = signal.chunks_exact(length).map(|block| {
                input.copy_from_slice(black_box(block));
                plan.process_with_scratch(input, output, scratch).expect("vectors of the plan's lengths");
                output[1].re
            });
            each.sum()
        });
        comparison.tell("sums of products", sums, None);
        comparison.tell("realfft", spectrum, None);
    }
}

criterion_group!(
    benches,
    dtmf,
    cancellers_in_a_bank,
    spectra,
    prompted,
    cancellers,
    caller_id,
    progress,
    fax_tones,
    answerer
);
criterion_main!(benches);
