//! One fax machine at the seam, in virtual time, against scripts: what it hears, what it is to say, how it ends.
//!
//! A script has cases; a case is a name, a role with settings, and lines:
//!
//! ```text
//! case the name
//! answering ecm=off pwd=…     or: calling pages=2 then=1 …
//! < DIS fine v29              a burst of V.21 frames is heard, `;` between them, `!` before a damaged one
//! < raw ff 13 00              a burst of one frame of these octets
//! < CED | tcf | tcf bad | tcf bad 100 | tcf for 1350 | tcf another | page 40 | page 40 bad 3 | page 40 run 4
//! < page 40 fill 4900         a page with so many milliseconds of fill in one row
//! < block 3 | block 3 without 1 | … only 1 | … twice 1 | … cut 1 | … longer 1 | … broken | block64 3 …
//! > TSI; DCS 9600             it says these frames, and no other; what follows a name is in the transcript's words for it
//! > CED | CNG | tcf 9600 | page | block 3
//! between 5000 7000           the next thing it says begins so many milliseconds after this
//! wait 5000                   milliseconds in which it says nothing
//! kept | not-kept why         the page given out last is stored, or cannot be
//! ideal                       the case does not run with samples: it counts repeats or wants a page of its own
//! operator there | absent      the person who was called to the telephone is there, or is not
//! lost | cancel               the line is lost; we end the call
//! = completed                 or: = failed cause [timer]
//! pages 1                     pages delivered
//! peer sub 123                what is known of the other machine
//! note some words             they are in the transcript
//! ```
//!
//! Lines that many cases have stand between `define name` and `end`; `use name 4800` puts them there with `4800` for `$1`.
//!
//! Cases are grouped and named as in TIA TSB-85 and ETS 300 242: receive (MRGN), transmit (MTGN), their capabilities
//! (ORGC, OTGC), error correction (OREN, OTEN), exceptions (MRGX, MTGX), polling (MTGP, OTGP: we poll; MRGP, ORGP: we are
//! polled). What each holds is written from the rules of ITU-T T.30. Files without such a name hold our own.

#[path = "calls/machine.rs"]
mod machine;
#[path = "calls/on_air.rs"]
mod on_air;
#[path = "calls/program.rs"]
mod program;
#[path = "calls/words.rs"]
mod words;

use std::collections::BTreeMap;

use machine::Machine;
use on_air::Tester;

/// The lines of a script with their numbers, what is defined put where it is used.
fn lines(script: &str) -> Vec<(usize, String)> {
    let mut defined: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut open, mut lines) = (None, Vec::new());
    for (number, line) in (1..).zip(script.lines()) {
        let line = line.split(" # ").next().unwrap_or("").trim();
        match (line.split_once(' ').unwrap_or((line, "")), open) {
            (("define", name), _) => open = Some(name),
            (("end", ""), _) => open = None,
            (_, Some(name)) => defined.entry(name).or_default().push(line),
            (("use", what), None) => lines.extend(used(&defined, what).into_iter().map(|line| (number, line))),
            (_, None) => lines.push((number, line.to_owned())),
        }
    }
    lines
}

fn used(defined: &BTreeMap<&str, Vec<&str>>, what: &str) -> Vec<String> {
    let mut words = what.split(' ');
    let name = words.next().unwrap_or("");
    let body = defined.get(name).unwrap_or_else(|| panic!("{name} is not defined"));
    let words: Vec<&str> = words.collect();
    let put = |line: &&str| match words[..] {
        [] => (*line).to_owned(),
        [first, ..] => line.replace("$1", first).replace("$2", words.get(1).unwrap_or(&"")),
    };
    body.iter().map(put).collect()
}

fn run(script: &str) {
    let mut machine: Option<Machine> = None;
    let mut case = String::new();
    for (number, line) in lines(script) {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let place = format!("line {number}, {case}: {line}");
        match (word, &mut machine) {
            ("" | "#", _) => {}
            ("case", _) => case = rest.to_owned(),
            ("answering" | "calling", machine) => *machine = Some(Machine::new(word == "calling", rest)),
            (_, Some(machine)) => machine.line(word, rest, &place),
            (_, None) => panic!("{place}: a case begins with answering or calling"),
        }
    }
    assert!(machine.is_some(), "the script has no case");
}

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(include_str!(concat!("calls/", stringify!($name), ".txt")));
        })*
    };
}

scripts! {
    mrgn, orgc, oren, mrgx, mtgn, otgc, oten, mtgx, mtgp, mrgp,
    receive, transmit, ecm, exceptions, polling, capabilities,
}

/// Cases by their first line, with the lines of each.
fn cases(script: &str) -> Vec<(String, Vec<String>)> {
    let mut cases: Vec<(String, Vec<String>)> = Vec::new();
    for (_, line) in lines(script) {
        match line.strip_prefix("case ") {
            Some(name) => cases.push((name.to_owned(), Vec::new())),
            None if line.is_empty() || line.starts_with('#') => {}
            None => cases.last_mut().expect("a script begins with a case").1.push(line),
        }
    }
    cases
}

/// What makes a machine: whether it calls, and its settings.
type Make = fn(bool, &str) -> Box<dyn on_air::Machine>;

/// Runs one case with samples on a line to a machine made so.
fn run_on_air(name: &str, lines: &[String], machine: Make) {
    let mut tester = None;
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let place = format!("{name}: {line}");
        match (word, &mut tester) {
            ("answering" | "calling", tester) => *tester = Some(Tester::new(machine(word == "calling", rest))),
            (_, Some(tester)) => tester.line(word, rest, &place),
            (_, None) => panic!("{place}: a case begins with answering or calling"),
        }
    }
}

const ON_AIR: [&str; 10] = [
    include_str!("calls/mrgn.txt"),
    include_str!("calls/orgc.txt"),
    include_str!("calls/oren.txt"),
    include_str!("calls/mrgx.txt"),
    include_str!("calls/mtgn.txt"),
    include_str!("calls/otgc.txt"),
    include_str!("calls/oten.txt"),
    include_str!("calls/mtgx.txt"),
    include_str!("calls/mtgp.txt"),
    include_str!("calls/mrgp.txt"),
];

/// Runs all cases of these scripts that can run on such machines.
fn run_all_on_air(scripts: &[&str], machine: Make, can_run: impl Fn(&str) -> bool) {
    let all: Vec<(String, Vec<String>)> = scripts.iter().flat_map(|script| cases(script)).collect();
    let (can, cannot): (Vec<_>, Vec<_>) =
        all.iter().partition(|(_, lines)| lines.iter().all(|line| on_air::can_run(line) && can_run(line)));
    let failed: Vec<String> = can
        .iter()
        .filter_map(|(name, lines)| {
            let ran = std::panic::catch_unwind(|| run_on_air(name, lines, machine));
            ran.err().map(|_| name.clone())
        })
        .collect();
    println!(
        "{} of {} cases on the air, {} need an ideal line or what has no option",
        can.len(),
        all.len(),
        cannot.len()
    );
    assert!(failed.is_empty(), "{} fail: {failed:#?}", failed.len());
}

#[test]
fn cases_run_with_samples_too() {
    run_all_on_air(&ON_AIR, on_air::in_process, |_| true);
}

/// As an outside tester drives it: options, samples over pipes, the result's words, the exit status, the hang-up.
#[test]
fn cases_run_with_the_built_program_too() {
    run_all_on_air(&ON_AIR, built_program, program::can_run);
}

#[test]
fn the_built_program_calls_a_person_to_the_telephone() {
    run_all_on_air(&[include_str!("calls/operator.txt")], built_program, program::can_run);
}

fn built_program(calls: bool, settings: &str) -> Box<dyn on_air::Machine> {
    Box::new(program::Program::start(calls, settings))
}
