//! Whole calls with error correction over lines that lose time: a sample slips every 3 s, and one packet in a hundred
//! does not arrive, which the transport tells or nobody does. Pages are complete and the rate stays what it was.

use std::sync::Arc;

use answertone_dsp::{
    channel::{Channel, Fill, Impairments, LostPackets, Slip, Slips},
    pcm::{BLOCK_SAMPLES, Block, SILENCE},
};
use answertone_t30::{
    frame::Modems,
    image::Page,
    session::{Config, Document, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};

/// Blocks after which a call that is not over has gone wrong: fifteen minutes.
const TOO_LONG: usize = 90_000;

/// Calls over each line, every one with its own losses.
const CALLS: u64 = 6;

fn slips(slip: Slip) -> Option<Slips> {
    Some(Slips { slip, first: 24_000, every: Some(24_000) })
}

/// A line on which time is lost.
struct Line {
    name: &'static str,
    impairments: Impairments<'static>,
    /// Whether the transport says what it lost.
    told: bool,
    /// Calls that may remain incomplete: a long control frame hit in each of its three tries is what chance may do.
    allowed: usize,
}

/// What came of a call.
struct Call {
    calling: End,
    answering: End,
    /// Milliseconds of the answerer's line that did not arrive.
    lost_ms: u64,
}

fn call(pages: &[Arc<Page>], Line { impairments: line, told, .. }: &Line, seed: u64) -> Call {
    let config = Arc::new(Config { modems: Modems::ALL, ..Config::default() });
    let document = Document { pages: pages.to_vec(), first: 0 };
    let mut calling = End::new(Session::calling(Arc::clone(&config), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(config, LineTime::ZERO));
    let mut lines = [Channel::new(line, 2 * seed), Channel::new(line, 2 * seed + 1)];
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    let mut lost = 0;
    for _ in 0..TOO_LONG {
        let to_caller = carried(&mut lines[0], &from_answerer, &from_caller);
        let to_answerer = carried(&mut lines[1], &from_caller, &from_answerer);
        lost += lines[1].lost_samples();
        from_caller = heard(&mut calling, &to_caller, *told && lines[0].lost_samples() == BLOCK_SAMPLES);
        from_answerer = heard(&mut answering, &to_answerer, *told && lines[1].lost_samples() == BLOCK_SAMPLES);
        if calling.outcome.is_some() && answering.outcome.is_some() {
            return Call { calling, answering, lost_ms: lost as u64 / 8 };
        }
    }
    panic!("the call did not end\n{}\n--\n{}", calling.trace.join("\n"), answering.trace.join("\n"));
}

fn heard(end: &mut End, block: &Block, lost: bool) -> Block {
    if lost { end.lost_block() } else { end.block(block) }
}

#[test]
fn pages_are_complete_and_the_rate_stays_over_lines_that_slip_and_lose() {
    let flat = Impairments::default();
    let lost = |fill| Some(LostPackets { share: 0.01, at: None, fill });
    let line = |name, impairments, told, allowed| Line { name, impairments, told, allowed };
    let dropped = Impairments { slips: slips(Slip::Drop), ..flat };
    let told = Impairments { lost_packets: lost(Fill::Silence), ..flat };
    let repeated = Impairments { lost_packets: lost(Fill::Repeat), ..flat };
    let lines = [
        line("a sample dropped every 3 s", dropped, true, 0),
        line("a sample repeated every 3 s", Impairments { slips: slips(Slip::Repeat), ..flat }, true, 0),
        line("1 % of packets lost", told, true, 0),
        line("1 % lost, a sample dropped every 3 s", Impairments { slips: dropped.slips, ..told }, true, 1),
        line("1 % silent, nobody told", told, false, 1),
        line("1 % repeated, nobody told", repeated, false, 1),
        line("1 % silent, nobody told, a sample dropped", Impairments { slips: dropped.slips, ..told }, false, 1),
    ];
    let pages = [page(0), page(1), page(2)];
    for line in &lines {
        let incomplete = (0..CALLS).filter(|seed| !is_complete(line, &call(&pages, line, *seed), &pages)).count();
        println!("{}: {incomplete} of {CALLS} calls incomplete", line.name);
        assert!(incomplete <= line.allowed, "{}: {incomplete} of {CALLS} calls incomplete", line.name);
    }
}

/// Whether every page arrived. The rate and what was counted must be right in any case.
fn is_complete(Line { name, told: is_told, .. }: &Line, call: &Call, pages: &[Arc<Page>]) -> bool {
    let report = call.answering.session.report();
    let rate = report.terms.as_ref().map_or(0, |terms| terms.carrier.bit_rate());
    let (told, slips) = (report.lost.as_ms(), call.answering.front.losses_bridged());
    println!("{name}: {rate} bit/s, {told} ms lost, {slips} slips, {:?}", call.calling.outcome);
    assert_eq!(rate, 14_400, "{name}: {}", call.answering.trace.join("\n"));
    assert!(!is_told || told == call.lost_ms, "{name}: {told} of {} milliseconds lost were counted", call.lost_ms);
    let same = call.answering.pages.iter().zip(pages).filter(|(got, sent)| got.bitmap == sent.bitmap).count();
    assert_eq!(same, call.answering.pages.len(), "{name}: a page that was confirmed differs");
    same == pages.len() && call.calling.outcome == Some(Outcome::Completed)
}
