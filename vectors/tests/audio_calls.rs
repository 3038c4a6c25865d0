//! Whole calls as samples: two sessions, two front ends, a simulated line between them.

use std::sync::Arc;

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::SILENCE,
    units::{Db, Dbm0, Hz},
};
use answertone_t30::{
    frame::Modems,
    image::{Coding, Page},
    seam::{Carrier, Train, V17Rate, V27terRate, V29Rate},
    session::{Codings, Config, Document, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// A call of these two machines over this line, to its end.
fn call(caller: Config, answerer: Config, pages: &[Arc<Page>], line: &Impairments) -> (End, End) {
    let document = Document { pages: pages.to_vec(), first: 0 };
    let mut calling = End::new(Session::calling(Arc::new(caller), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(Arc::new(answerer), LineTime::ZERO));
    let mut lines = [Channel::new(line, 1), Channel::new(line, 2)];
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    for _ in 0..TOO_LONG {
        let to_caller = carried(&mut lines[0], &from_answerer, &from_caller);
        let to_answerer = carried(&mut lines[1], &from_caller, &from_answerer);
        from_caller = calling.block(&to_caller);
        from_answerer = answering.block(&to_answerer);
        if calling.outcome.is_some() && answering.outcome.is_some() {
            return (calling, answering);
        }
    }
    panic!("the call did not end\n{}\n--\n{}", calling.trace.join("\n"), answering.trace.join("\n"));
}

fn config(modems: Modems, ecm: bool, codings: Codings) -> Config {
    Config { ident: "+1 555 0100".into(), modems, ecm, codings, ..Config::default() }
}

fn assert_delivered(sent: &[Arc<Page>], (calling, answering): &(End, End)) {
    let transcript = || format!("{}\n--\n{}", calling.trace.join("\n"), answering.trace.join("\n"));
    assert_eq!(calling.outcome, Some(Outcome::Completed), "{}", transcript());
    assert_eq!(answering.outcome, Some(Outcome::Completed), "{}", transcript());
    assert_eq!(answering.pages.len(), sent.len(), "{}", transcript());
    for (sent, received) in sent.iter().zip(&answering.pages) {
        assert!(sent.bitmap == received.bitmap, "pels differ\n{}", transcript());
    }
}

#[test]
fn pages_arrive_by_every_modem_and_coding_with_and_without_ecm() {
    let pages = [page(0), page(1)];
    let cases = [
        (Modems::V27TER, Carrier::V27ter(V27terRate::R4800)),
        (Modems::V27TER | Modems::V29, Carrier::V29(V29Rate::R9600)),
        (Modems::ALL, Carrier::V17(V17Rate::R14400, Train::Long)),
    ];
    for (modems, carrier) in cases {
        for (ecm, coding) in [(false, Coding::Mh), (false, Coding::Mr), (true, Coding::Mh), (true, Coding::Mmr)] {
            let config = config(modems, ecm, Codings::MH | Codings::of(coding));
            let ends = call(config.clone(), config, &pages, &Impairments::default());
            assert_delivered(&pages, &ends);
            let terms = ends.0.session.report().terms.expect("terms were agreed");
            assert_eq!((terms.carrier, terms.coding, terms.ecm.is_some()), (carrier, coding, ecm));
        }
    }
}

#[test]
fn pages_arrive_over_a_line_with_everything_a_line_has() {
    let line = Impairments {
        gain: Db(-16.0),
        noise: Some(Dbm0(-56.0)),
        echo: Some(Db(-12.0)),
        echo_delay: 40,
        delay: 400,
        law: Some(answertone_dsp::g711::Law::A),
        carrier_offset: Hz(4.0),
        clock_offset_ppm: 60.0,
        ..Impairments::default()
    };
    let pages = [page(0)];
    let config = config(Modems::ALL, true, Codings::ALL);
    assert_delivered(&pages, &call(config.clone(), config, &pages, &line));
}
