//! Another maker's modems, recorded: every mode and rate, long trainings and short ones, with echo protection, through
//! A-law and µ-law, and in noise at which an ideal receiver has one error in a thousand bits.
//!
//! `data/modems/modems.toml` holds what must be received, on both sides: whoever receives better writes so there. What the
//! other maker's own receiver makes of the same samples stands beside it, and must not be better.

use std::{collections::BTreeSet, fs, path::PathBuf};

use answertone_dsp::{
    bits::BitRun,
    fsk::{BELL_202, FskDemodulator, FskSpec, V21_CHANNEL_2, V23_FORWARD},
    modem::{Demodulator, plans, prbs::PrbsMessage},
};
use answertone_vectors::{band::Band, ear, wav::Recording};
use serde::Deserialize;

#[derive(Deserialize)]
struct Table {
    vector: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    file: String,
    /// As the modem is named for people; `V.21`, `Bell 202` and `V.23` are shift keying.
    modem: String,
    bits: usize,
    errors: Band<usize>,
    evm: Option<Band<f32>>,
    /// Bit errors of the other maker's receiver; none: it did not train.
    peer_errors: Option<usize>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/modems")
}

fn table() -> Vec<Vector> {
    let path = folder().join("modems.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str::<Table>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).vector
}

/// The state of the pattern's register that all messages begin with.
const SEED: u32 = 7;

#[test]
fn another_makers_modems_are_received_no_worse_and_no_better_than_the_table_says() {
    let complaints: Vec<String> = table().iter().flat_map(complaints).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn complaints(vector: &Vector) -> Vec<String> {
    let name = &vector.file;
    let samples = Recording::read(&folder().join(name)).expect("a recording").telephone().swap_remove(0);
    let (bits, evm) = match shift_keying(&vector.modem) {
        Some(spec) => (bits_of(spec, &samples), None),
        None => last_burst(vector, &samples),
    };
    let score = PrbsMessage::new(SEED, vector.bits).score(&bits);
    println!("{name:26} {:5} errors, other maker's {:?}, EVM {evm:?}", score.errors, vector.peer_errors);
    let mut complaints = Vec::new();
    if (score.locked, score.bits, score.slips) != (true, vector.bits, 0) {
        complaints.push(format!("{name}: {score:?}"));
    }
    complaints.extend(vector.errors.complaint(&format!("{name}: errors"), score.errors));
    complaints.extend(vector.evm.zip(evm).and_then(|(band, evm)| band.complaint(&format!("{name}: EVM"), evm)));
    if let Some(theirs) = vector.peer_errors.filter(|theirs| *theirs < score.errors) {
        complaints.push(format!("{name}: {} errors, the other maker's receiver {theirs}", score.errors));
    }
    complaints
}

fn shift_keying(modem: &str) -> Option<&'static FskSpec> {
    match modem {
        "V.21" => Some(&V21_CHANNEL_2),
        "Bell 202" => Some(&BELL_202),
        "V.23" => Some(&V23_FORWARD),
        _ => None,
    }
}

fn bits_of(spec: &FskSpec, samples: &[f32]) -> Vec<bool> {
    let mut run = BitRun::with_room(samples.len());
    let mut demodulator = FskDemodulator::new(spec);
    samples.chunks(80).for_each(|block| demodulator.run(block, &mut run));
    run.bits().to_vec()
}

/// A short training follows a signal with a long one.
fn last_burst(vector: &Vector, samples: &[f32]) -> (Vec<bool>, Option<f32>) {
    let mut bursts = ear::bursts(ear::plan(&vector.modem), samples);
    let wanted = if vector.file.contains("short") { 2 } else { 1 };
    assert_eq!(bursts.len(), wanted, "{}: signals heard", vector.file);
    bursts.pop().map(|burst| (burst.bits, Some(burst.evm))).expect("it was counted")
}

#[test]
fn the_table_has_every_recording_and_every_mode() {
    let table = table();
    let named: BTreeSet<String> = table.iter().map(|vector| vector.file.clone()).collect();
    let there = fs::read_dir(folder()).expect("the folder is there").flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    assert_eq!(named, there.filter(|name| name.ends_with(".wav")).collect::<BTreeSet<_>>());
    for plan in plans() {
        let vectors = table.iter().filter(|vector| vector.modem == plan.name).count();
        assert!(vectors >= if plan.short_training.is_empty() { 3 } else { 4 }, "{}: {vectors} vectors", plan.name);
    }
}
