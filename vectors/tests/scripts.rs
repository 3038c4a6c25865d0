//! One fax machine at the seam, in virtual time, against scripts: what it hears, what it is to say, how it ends.
//!
//! A script has cases; a case is a name, a role with settings, and lines:
//!
//! ```text
//! case the name
//! answering ecm=off pwd=…     or: calling pages=2 then=1 …
//! < DIS fine v29              a burst of V.21 frames is heard, `;` between them, `!` before a damaged one
//! < CED | tcf | page 40 | page 40 bad 3 | page 40 run 4 | block 3 | block 3 without 1
//! > TSI; DCS 9600             it says these frames, and no other; what follows a name is in the transcript's words for it
//! > CED | CNG | tcf 9600 | page | block 3
//! wait 5000                   milliseconds in which it says nothing
//! lost | cancel               the line is lost; we end the call
//! = completed                 or: = failed cause [timer]
//! pages 1                     pages delivered
//! peer sub 123                what is known of the other machine
//! note some words             they are in the transcript
//! ```

#[path = "calls/machine.rs"]
mod machine;

use machine::Machine;

fn run(script: &str) {
    let mut machine: Option<Machine> = None;
    let mut case = "";
    for (number, line) in (1..).zip(script.lines()) {
        let line = line.split(" # ").next().unwrap_or("").trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let place = format!("line {number}, {case}: {line}");
        match (word, &mut machine) {
            ("" | "#", _) => {}
            ("case", _) => case = rest,
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

scripts! { receive, transmit, ecm, exceptions, polling, capabilities }
