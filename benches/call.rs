//! A whole call of two machines on a line that changes nothing.

use std::sync::Arc;

use answertone_dsp::pcm::{BLOCK_SAMPLES, SILENCE};
use answertone_t30::{
    frame::Modems,
    image::Page,
    session::{Codings, Config, Document, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::End;

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// Carries a page from one machine to another, coded as the other maker's machine codes it; how many samples each end exchanged.
///
/// # Panics
/// When the page does not arrive: its time would mean nothing.
pub fn call(page: &Arc<Page>, modems: Modems, ecm: bool) -> usize {
    let config =
        || Arc::new(Config { ident: "bench".into(), modems, ecm, codings: Codings::USUAL, ..Config::default() });
    let document = Document { pages: vec![page.clone()], first: 0 };
    let mut calling = End::new(Session::calling(config(), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(config(), LineTime::ZERO));
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    for blocks in 1..TOO_LONG {
        let to_answerer = from_caller;
        from_caller = calling.block(&from_answerer);
        from_answerer = answering.block(&to_answerer);
        if let (Some(one), Some(other)) = (&calling.outcome, &answering.outcome) {
            assert!(*one == Outcome::Completed && *other == Outcome::Completed, "{one:?}, {other:?}");
            return blocks * BLOCK_SAMPLES;
        }
    }
    panic!("the call did not end within ten minutes of line time");
}
