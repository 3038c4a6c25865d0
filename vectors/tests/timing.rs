//! Times that T.30's clauses bound, measured on recordings of our own calls and of the shared ones.

use std::{collections::BTreeMap, sync::Arc};

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::SILENCE,
};
use answertone_t30::{
    frame::Modems,
    session::{Config, Document, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};
use answertone_vectors::timing::{Kind, Measure, bursts, measures};
use answertone_vectors::{shared, wav::Recording};

/// Blocks after which a call that is not over has gone wrong: five minutes.
const TOO_LONG: usize = 30_000;

/// The two sides of a call of two pages over a line that changes nothing.
fn recorded(modems: Modems, ecm: bool) -> [Vec<f32>; 2] {
    let config = Arc::new(Config { ident: "+1 555 0100".into(), modems, ecm, ..Config::default() });
    let document = Document { pages: vec![page(0), page(1)], first: 0 };
    let mut calling = End::new(Session::calling(Arc::clone(&config), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(config, LineTime::ZERO));
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    let mut lines = [1, 2].map(|seed| Channel::new(&Impairments::default(), seed));
    let mut sides = [Vec::new(), Vec::new()];
    for _ in 0..TOO_LONG {
        let to_caller = carried(&mut lines[0], &from_answerer, &from_caller);
        let to_answerer = carried(&mut lines[1], &from_caller, &from_answerer);
        from_caller = calling.block(&to_caller);
        from_answerer = answering.block(&to_answerer);
        for (side, block) in sides.iter_mut().zip([&from_caller, &from_answerer]) {
            side.extend(block.iter().map(|sample| f32::from(*sample)));
        }
        if calling.outcome.is_some() && answering.outcome.is_some() {
            assert_eq!(calling.outcome, Some(Outcome::Completed));
            return sides;
        }
    }
    panic!("the call did not end\n{}", calling.trace.join("\n"));
}

/// The least and the most of each kind of time.
fn table(measures: &[Measure]) -> String {
    let mut kinds: BTreeMap<&str, (usize, f64, f64)> = BTreeMap::new();
    for measure in measures {
        let (count, least, most) = kinds.entry(measure.what).or_insert((0, f64::MAX, f64::MIN));
        (*count, *least, *most) = (*count + 1, least.min(measure.ms), most.max(measure.ms));
    }
    let line = |(what, (count, least, most)): (&&str, &(usize, f64, f64))| {
        format!("{what:<52} {count:>3} x {least:>8.1} to {most:>8.1} ms")
    };
    kinds.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Recordings of real calls, two channels each, and what is at least to be found in them: tones, bursts of frames, fast
/// signals.
const REAL_CALLS: [(&str, usize, usize, usize); 4] = [
    ("ECM-call.wav", 2, 10, 4),
    ("MPS-call.wav", 2, 8, 3),
    ("V17-14400bps-nonECM.wav", 1, 6, 2),
    ("all-rates-failed.wav", 2, 16, 8),
];

/// Other machines need not keep the clauses; that the tool finds their signals is what is tested.
#[test]
fn real_calls_are_measured() {
    for (name, tones, slow, fast) in REAL_CALLS {
        let Some(path) = shared(&format!("assets/1-fax-audio/{name}"), 1) else { continue };
        let bursts = bursts(&Recording::read(&path).expect("the recording can be read").telephone());
        let measures = measures(&bursts);
        let broken = measures.iter().filter(|measure| !measure.holds()).count();
        println!("{name}: {} of {} outside the clauses\n{}", broken, measures.len(), table(&measures));
        let count = |is: fn(&Kind) -> bool| bursts.iter().filter(|burst| is(&burst.kind)).count();
        assert!(count(|kind| matches!(kind, Kind::Ced | Kind::Cng)) >= tones, "{name}: {bursts:#?}");
        assert!(count(|kind| matches!(kind, Kind::V21 { .. })) >= slow, "{name}: {bursts:#?}");
        assert!(count(|kind| *kind == Kind::Fast) >= fast, "{name}: {bursts:#?}");
    }
}

#[test]
fn our_calls_keep_the_clauses_in_both_roles_with_every_modem() {
    for modems in [Modems::V27TER, Modems::V27TER | Modems::V29, Modems::ALL] {
        for ecm in [true, false] {
            let bursts = bursts(&recorded(modems, ecm));
            let measures = measures(&bursts);
            println!("{modems}, ECM {ecm}:\n{}", table(&measures));
            let broken: Vec<&Measure> = measures.iter().filter(|measure| !measure.holds()).collect();
            assert!(broken.is_empty(), "{modems}, ECM {ecm}: {broken:#?}\n{bursts:#?}");
            // Tone, frames, training check and two pages were seen at all.
            let count = |what: &str| measures.iter().filter(|measure| measure.what.starts_with(what)).count();
            assert_eq!(count("CED,"), 1, "{bursts:?}");
            assert_eq!(count("CED to"), 1, "{bursts:?}");
            assert!(count("V.21 preamble") >= 8, "{bursts:?}");
            assert_eq!(count("page to V.21"), 2, "{bursts:?}");
            let fast = bursts.iter().filter(|burst| burst.kind == Kind::Fast).count();
            assert_eq!(fast, 3, "training check and two pages: {bursts:?}");
        }
    }
}
