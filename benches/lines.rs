//! Many lines on one core, 1 to 512: in banks what is the same for every line, and receivers of their own for as many;
//! times are per sample and line. Beside as many of spandsp's, where it has the thing.

mod beside;

use std::{cell::RefCell, hint::black_box};

use answertone_benches::{
    signal::{Mode, echo, noise, rounded},
    spandsp::{Canceller, Hearer, Spandsp},
};
use answertone_dsp::{
    bits::BitRun,
    echo::EchoKernel,
    filter::biquad::{Cascade, Section},
    fsk::FskBank,
    lanes::{Bank, Eight, Isa, Kernel, LANES, One},
    level::PowerKernel,
    modem::ReceiverBank,
    pcm::BLOCK_SAMPLES,
    tone::{
        content::ContentKernel,
        dtmf::{HIGH_GROUP, LOW_GROUP},
    },
    units::Hz,
};
use beside::Comparison;
use criterion::{Criterion, criterion_group, criterion_main};

/// How many lines.
const LINES: [usize; 4] = [1, LANES, 64, 512];

/// Samples that every line of a bank takes in a run.
const BANK_SAMPLES: usize = 50 * BLOCK_SAMPLES;

/// Samples that every receiver takes in a run: training, and data of a page.
const RECEIVER_SAMPLES: usize = 80_000;

/// Taps of the echo canceller: 32 ms.
const TAPS: usize = 256;

/// What a group of lines hears, block by block: every line the same signal without end, each from another place.
struct Signals {
    alone: Vec<Vec<f32>>,
    together: Vec<Vec<Eight>>,
}

impl Signals {
    /// Of one signal, or of several whose blocks follow one another.
    fn new(parts: &[&[f32]]) -> Self {
        let row = |block: usize, lane: usize| {
            let at =
                move |part: &&[f32], sample: usize| part[(block * BLOCK_SAMPLES + sample + 97 * lane) % part.len()];
            parts.iter().flat_map(|part| (0..BLOCK_SAMPLES).map(move |sample| at(part, sample))).collect::<Vec<f32>>()
        };
        let beside = |block: usize| {
            let rows: [Vec<f32>; LANES] = std::array::from_fn(|lane| row(block, lane));
            let mut side_by_side = vec![Eight::default(); rows[0].len()];
            Eight::interleave(rows.each_ref().map(Vec::as_slice), &mut side_by_side);
            side_by_side
        };
        let blocks = parts[0].len() / BLOCK_SAMPLES;
        Self { alone: (0..blocks).map(|block| row(block, 0)).collect(), together: (0..blocks).map(beside).collect() }
    }
}

/// Lines that share a kernel.
enum Lines<K: Kernel> {
    Alone(One<K>, Vec<f32>),
    Groups(Bank<K>, usize, Vec<Eight>),
}

impl<K: Kernel> Lines<K> {
    /// So many lines of a kernel that writes so many results for a block.
    fn new(kernel: K, lines: usize, results: usize) -> Self {
        match lines / LANES {
            0 => Self::Alone(One::new(kernel), vec![0.0; results]),
            groups => Self::Groups(Bank::new(kernel, groups, Isa::detect()), groups, vec![Eight::default(); results]),
        }
    }

    fn run(&mut self, signals: &Signals) {
        match self {
            Self::Alone(line, results) => signals.alone.iter().for_each(|block| line.run(black_box(block), results)),
            Self::Groups(bank, groups, results) => {
                for block in &signals.together {
                    (0..*groups).for_each(|group| bank.run(group, 0xFF, black_box(block), results));
                }
            }
        }
    }
}

/// Times a kernel that has settled.
fn bank<K: Kernel>(
    comparison: &mut Comparison,
    lines: usize,
    signals: &Signals,
    kernel: K,
    results: usize,
) -> Option<f64> {
    let kept = RefCell::new(Lines::new(kernel, lines, results));
    kept.borrow_mut().run(signals);
    comparison.time("bank", || kept.borrow_mut(), |lines| lines.run(signals))
}

fn banks(criterion: &mut Criterion) {
    let signal = noise(BANK_SAMPLES, 7);
    let signals = Signals::new(&[&signal]);
    let digits: Vec<Hz> = LOW_GROUP.into_iter().chain(HIGH_GROUP).collect();
    let section = Section::band_pass(Hz(1700.0), 2.0);
    for lines in LINES {
        let mut of = |what: &str, time: &dyn Fn(&mut Comparison) -> Option<f64>| {
            let mut comparison = Comparison::new(criterion, named(what, lines), BANK_SAMPLES * lines);
            let time = time(&mut comparison);
            comparison.tell("bank", time, None);
        };
        of("level", &|comparison| bank(comparison, lines, &signals, PowerKernel::new(10.0), 1));
        of("8 frequencies of DTMF", &|comparison| {
            let contents = ContentKernel::new(&digits, BLOCK_SAMPLES);
            let results = contents.results();
            bank(comparison, lines, &signals, contents, results)
        });
        of("4 second-order sections", &|comparison| {
            bank(comparison, lines, &signals, Cascade { sections: [section; 4] }, BLOCK_SAMPLES)
        });
    }
}

fn cancellers(criterion: &mut Criterion) {
    let far = noise(BANK_SAMPLES, 7);
    let near = echo(&far);
    let signals = Signals::new(&[&far, &near]);
    let (wide_far, wide_near) = (rounded(&far), rounded(&near));
    for lines in LINES {
        let name = named("echo canceller of 32 ms", lines);
        let mut comparison = Comparison::new(criterion, name, BANK_SAMPLES * lines);
        let ours = bank(&mut comparison, lines, &signals, EchoKernel::new(TAPS), BLOCK_SAMPLES);
        let run = |cancellers: &mut [Canceller]| {
            for (far, near) in wide_far.chunks(BLOCK_SAMPLES).zip(wide_near.chunks(BLOCK_SAMPLES)) {
                cancellers.iter_mut().for_each(|canceller| _ = black_box(canceller.run(far, near)));
            }
        };
        let theirs = Spandsp::load().and_then(|library| {
            let mut cancellers: Vec<_> = (0..lines).map(|_| library.canceller(TAPS)).collect();
            run(&mut cancellers);
            let kept = RefCell::new(cancellers);
            comparison.time("bank, spandsp", || kept.borrow_mut(), |cancellers| run(cancellers))
        });
        comparison.tell("bank", ours, theirs);
    }
}

/// The receivers that are measured.
const RECEIVERS: [&str; 7] =
    ["V.21 300", "Bell 202 1200", "V.27ter 2400", "V.27ter 4800", "V.29 4800", "V.29 9600", "V.17 14400"];

fn receivers(criterion: &mut Criterion) {
    for mode in Mode::all().into_iter().filter(|mode| RECEIVERS.contains(&mode.name())) {
        let signal = mode.signal(RECEIVER_SAMPLES);
        let integers = rounded(&signal);
        for lines in LINES {
            let name = named(&format!("{} receivers", mode.name()), lines);
            let mut comparison = Comparison::new(criterion, name, RECEIVER_SAMPLES * lines);
            let ours = match mode {
                _ if lines == 1 => alone(&mut comparison, mode, &signal),
                Mode::Fsk(_, spec) => {
                    let make = || FskBank::new(spec, lines);
                    in_a_bank(&mut comparison, lines, &signal, make, |bank, blocks, runs| bank.run(blocks, runs))
                }
                Mode::Fast(plan) => {
                    let make = || ReceiverBank::new(plan, lines);
                    in_a_bank(&mut comparison, lines, &signal, make, |bank, blocks, runs| bank.run(blocks, runs))
                }
            };
            let theirs = Spandsp::load().and_then(|library| {
                let make = || (0..lines).map(|_| library.receiver(&mode)).collect::<Vec<Hearer>>();
                comparison.time("rx, spandsp", make, |receivers| {
                    for block in integers.chunks(BLOCK_SAMPLES) {
                        receivers.iter_mut().for_each(|receiver| _ = black_box(receiver.run(block)));
                    }
                })
            });
            comparison.tell("rx", ours, theirs);
        }
    }
}

/// A receiver of its own.
fn alone(comparison: &mut Comparison, mode: Mode, signal: &[f32]) -> Option<f64> {
    let make = || (mode.demodulator(), BitRun::with_room(16 * BLOCK_SAMPLES));
    comparison.time("rx", make, |(receiver, run)| {
        for block in signal.chunks(BLOCK_SAMPLES) {
            run.clear();
            receiver.run(black_box(block), run);
        }
    })
}

/// Receivers that take their symbols or bits together.
fn in_a_bank<B>(
    comparison: &mut Comparison,
    lines: usize,
    signal: &[f32],
    bank: impl Fn() -> B,
    run: impl Fn(&mut B, &[&[f32]], &mut [BitRun]),
) -> Option<f64> {
    let make = || {
        let runs: Vec<_> = (0..lines).map(|_| BitRun::with_room(16 * BLOCK_SAMPLES)).collect();
        (bank(), runs, vec![&[][..]; lines])
    };
    comparison.time("rx", make, |(bank, runs, blocks)| {
        for block in signal.chunks(BLOCK_SAMPLES) {
            runs.iter_mut().for_each(BitRun::clear);
            blocks.fill(black_box(block));
            run(bank, blocks, runs);
        }
    })
}

fn named(what: &str, lines: usize) -> String {
    format!("{what}, {lines} {}", if lines == 1 { "line" } else { "lines" })
}

criterion_group!(benches, banks, cancellers, receivers);
criterion_main!(benches);
