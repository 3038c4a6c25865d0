//! Whole calls at the seam: two sessions over an ideal line in virtual time.

#[path = "calls/blocks.rs"]
mod blocks;
#[path = "calls/chance.rs"]
mod chance;
#[path = "calls/direct.rs"]
mod direct;
#[path = "calls/disturbed.rs"]
mod disturbed;
#[path = "calls/faults.rs"]
mod faults;
#[path = "calls/ideal.rs"]
mod ideal;
#[path = "calls/keeping.rs"]
mod keeping;
#[path = "calls/pages.rs"]
mod pages;
#[path = "calls/parting.rs"]
mod parting;
#[path = "calls/verdicts.rs"]
mod verdicts;

use std::sync::Arc;

use answertone_t30::{
    frame::{Fcf, Modems, PartialPage, PostMessage},
    image::{Bitmap, Coding, Page, PageEncoder, Resolution, RowEncoding, halve_rows},
    seam::{Carrier, Evm, Framing, LineEvent, Signal, Stamped, Tone, V27terRate, V29Rate},
    session::{
        Cause, Codings, Config, Document, FrameSize, Keeping, Limits, NotKept, Outcome, Output, Phase, Resolutions,
        Session, Timer, Verdict,
    },
    time::{LineSpan, LineTime},
};
use ideal::{Call, CallResult, Fate, Passing, Side};
use proptest::prelude::*;

/// A page of pseudo-random strokes, `rows` high: codes neither to nothing nor to noise.
fn page(seed: u64, rows: u32, resolution: Resolution) -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, rows);
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u32| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as u32 % below
    };
    for _ in 0..rows * 3 {
        let (x, y, length, height) = (next(1700), next(rows), 1 + next(28), 1 + next(4));
        for row in y..(y + height).min(rows) {
            (x..(x + length).min(1728)).for_each(|pel| bitmap.set(pel, row, true));
        }
    }
    Arc::new(Page { bitmap, resolution })
}

fn document(pages: impl IntoIterator<Item = Arc<Page>>) -> Document {
    Document { pages: pages.into_iter().collect(), first: 0 }
}

fn two_pages() -> Document {
    document([page(1, 120, Resolution::Fine), page(2, 90, Resolution::Fine)])
}

fn ecm(on: bool) -> Config {
    Config { ecm: on, ident: "+1 555 0100".into(), ..Config::default() }
}

fn cause(outcome: &Option<Outcome>) -> Option<(Cause, Option<Timer>, Phase)> {
    match outcome {
        Some(Outcome::Failed(failure)) => Some((failure.cause, failure.timer, failure.phase)),
        _ => None,
    }
}

/// Every page the sender holds for delivered was received; `exact`: pel for pel.
fn assert_nothing_lost(call: &CallResult, document: &Document, exact: bool, what: &str) {
    let confirmed = call.caller.sent.iter().filter(|(_, verdict)| verdict.is_good());
    for &(number, _) in confirmed.clone() {
        let sent = &document.pages[number - 1].bitmap;
        let there = call.answerer.received.iter().any(|page| page.page.bitmap == *sent);
        assert!(there || !exact, "{what}: page {number} lost\n{}", call.transcript());
    }
    assert!(call.answerer.received.len() >= confirmed.count(), "{what}: a page lost\n{}", call.transcript());
    assert!(call.caller.outcome.is_some() && call.answerer.outcome.is_some());
    if call.caller.outcome == Some(Outcome::Completed) {
        assert!(call.answerer.received.len() >= document.pages.len(), "{what}\n{}", call.transcript());
    }
}

fn assert_completed(call: &CallResult) {
    let both = [&call.caller.outcome, &call.answerer.outcome];
    assert!(both.iter().all(|outcome| **outcome == Some(Outcome::Completed)), "{both:?}\n{}", call.transcript());
    assert_eq!(call.collisions, 0, "{}", call.transcript());
}

fn bitmaps(call: &CallResult) -> Vec<&Bitmap> {
    call.answerer.received.iter().map(|page| &page.page.bitmap).collect()
}
