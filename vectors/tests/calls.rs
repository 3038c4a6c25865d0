//! Whole calls at the seam: two sessions over an ideal line in virtual time.

#[path = "calls/ideal.rs"]
mod ideal;

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

#[test]
fn pages_arrive_pel_for_pel_on_all_terms() {
    for modems in [Modems::V27TER_2400, Modems::V27TER, Modems::V27TER | Modems::V29, Modems::ALL] {
        for error_correction in [false, true] {
            for codings in [Codings::MH, Codings::MH | Codings::MR, Codings::USUAL, Codings::ALL] {
                for resolution in [Resolution::Standard, Resolution::Fine] {
                    let config = Config { modems, codings, ..ecm(error_correction) };
                    let document = document((0..3).map(|seed| page(seed, 40 + 20 * seed as u32, resolution)));
                    let call = Call::new(&config, document.clone(), &config).run();
                    assert_completed(&call);
                    let sent: Vec<&Bitmap> = document.pages.iter().map(|page| &page.bitmap).collect();
                    assert_eq!(bitmaps(&call), sent, "{}", call.transcript());
                    assert!(call.answerer.report.pages.iter().all(|page| page.bad_rows == 0));
                    let terms = call.caller.report.terms.expect("terms were agreed");
                    let best = match (codings, error_correction) {
                        (Codings::ALL, true) => Coding::Jbig,
                        (Codings::USUAL, true) => Coding::Mmr,
                        (Codings::MH, _) => Coding::Mh,
                        _ => Coding::Mr,
                    };
                    assert_eq!((terms.coding, terms.ecm.is_some()), (best, error_correction));
                    assert_eq!(call.answerer.report.terms, Some(terms));
                }
            }
        }
    }
}

#[test]
fn signals_keep_75_ms_apart() {
    for error_correction in [false, true] {
        let config = Config { modems: Modems::ALL, ..ecm(error_correction) };
        let call = Call::new(&config, two_pages(), &config).run();
        assert_completed(&call);
        let gaps: Vec<u64> = call.aired.windows(2).map(|two| two[1].begin.since(two[0].end).as_ms()).collect();
        assert!(gaps.iter().all(|gap| (55..=95).contains(gap)), "{gaps:?}\n{}", call.transcript());
    }
}

#[test]
fn frames_come_in_the_order_of_the_recommendation() {
    let config = ecm(false);
    let call = Call::new(&config, two_pages(), &config).run();
    assert_completed(&call);
    assert_eq!(call.said(Side::Caller), ["TSI", "DCS", "MPS", "EOP", "DCN"]);
    assert_eq!(call.said(Side::Answerer), ["CSI", "DIS", "CFR", "MCF", "MCF"]);
    let call = Call::new(&ecm(true), two_pages(), &ecm(true)).run();
    assert_completed(&call);
    assert_eq!(call.said(Side::Caller), ["TSI", "DCS", "PPS", "PPS", "DCN"]);
    assert_eq!(call.answerer.report.peer.ident.as_deref(), Some("+1 555 0100"));
    assert_eq!(call.caller.report.peer.ident.as_deref(), Some("+1 555 0100"));
}

#[test]
fn a_fine_page_goes_to_a_standard_machine_at_half_its_rows() {
    let plain = Config { resolutions: Resolutions::STANDARD, ..ecm(true) };
    let document = two_pages();
    let call = Call::new(&ecm(true), document.clone(), &plain).run();
    assert_completed(&call);
    let halved: Vec<Bitmap> = document.pages.iter().map(|page| halve_rows(&page.bitmap)).collect();
    assert_eq!(bitmaps(&call), halved.iter().collect::<Vec<_>>());
}

#[test]
fn pages_of_other_resolution_go_back_to_phase_b() {
    for error_correction in [false, true] {
        let config = ecm(error_correction);
        let document = document([page(1, 60, Resolution::Fine), page(2, 60, Resolution::Standard)]);
        let call = Call::new(&config, document.clone(), &config).run();
        assert_completed(&call);
        assert_eq!(call.answerer.received.len(), 2);
        assert_eq!(call.answerer.received[1].page, *document.pages[1]);
        let dis = call.said(Side::Answerer).iter().filter(|name| **name == "DIS").count();
        assert_eq!(dis, 2, "{}", call.transcript());
    }
}

#[test]
fn a_slow_printer_gets_its_time_for_every_row() {
    let slow = Config { min_scan_ms: 20, codings: Codings::MH, ..ecm(false) };
    let document = document([page(3, 200, Resolution::Fine)]);
    let call = Call::new(&ecm(false), document.clone(), &slow).run();
    assert_completed(&call);
    let raw = |signal| matches!(signal, Signal::Data { framing: Framing::Raw, .. });
    let image = call.aired.iter().rfind(|aired| raw(aired.signal)).expect("a page was sent");
    assert!(image.end.since(image.begin) >= LineSpan::ms(200 * 20));
    assert_eq!(bitmaps(&call), [&document.pages[0].bitmap]);
}

#[test]
fn long_pages_take_many_blocks() {
    for frame_size in [FrameSize::Long, FrameSize::Short] {
        let config = Config { frame_size, codings: Codings::MH, modems: Modems::ALL, ..ecm(true) };
        let document = document([page(4, 6000, Resolution::Fine), page(5, 300, Resolution::Fine)]);
        let call = Call::new(&config, document.clone(), &config).run();
        assert_completed(&call);
        let partial_pages = call.said(Side::Caller).iter().filter(|name| **name == "PPS").count();
        assert!(partial_pages >= 3, "{partial_pages} blocks");
        assert_eq!(bitmaps(&call), [&document.pages[0].bitmap, &document.pages[1].bitmap]);
    }
}

#[test]
fn any_one_frame_or_signal_may_be_lost_or_damaged() {
    for error_correction in [false, true] {
        let config = Config { modems: Modems::ALL, ..ecm(error_correction) };
        let document = two_pages();
        let clean = Call::new(&config, document.clone(), &config).run();
        assert_completed(&clean);
        // Who hears nothing at all of a signal cannot wait for its end: then, and only then, both may speak at once.
        let check = |call: CallResult, deaf: bool, exact: bool, what: String| {
            assert_nothing_lost(&call, &document, exact, &what);
            let outcomes = (&call.caller.outcome, &call.answerer.outcome);
            assert_eq!(call.caller.outcome, Some(Outcome::Completed), "{what} {outcomes:?}\n{}", call.transcript());
            assert!(deaf || call.collisions == 0, "{what}: collision\n{}", call.transcript());
        };
        for fate in [Fate::Lose, Fate::Damage] {
            for lost in 0..clean.frames {
                let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
                    Passing::Frame { index, .. } if index == lost => fate.clone(),
                    _ => Fate::Pass,
                });
                check(call.run(), false, true, format!("ECM {error_correction}, frame {lost}: {fate:?}"));
            }
            for lost in 0..clean.aired.len() {
                let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
                    Passing::Signal { index, .. } if index == lost => fate.clone(),
                    _ => Fate::Pass,
                });
                let exact = error_correction || fate == Fate::Lose;
                check(
                    call.run(),
                    fate == Fate::Lose,
                    exact,
                    format!("ECM {error_correction}, signal {lost}: {fate:?}"),
                );
            }
        }
    }
}

/// From the `from`-th signal of the answerer on, nothing of it is heard.
fn answerer_falls_silent(config: &Config, from: usize) -> CallResult {
    let mut spoken = 0;
    let call = Call::new(config, two_pages(), config).with_faults(move |passing| match passing {
        Passing::Signal { from: Side::Answerer, .. } => {
            spoken += 1;
            if spoken > from { Fate::Lose } else { Fate::Pass }
        }
        _ => Fate::Pass,
    });
    call.run()
}

#[test]
fn silence_in_every_phase_is_named_with_its_timer() {
    let causes = |error_correction: bool| -> Vec<_> {
        (0..6).map(|from| cause(&answerer_falls_silent(&ecm(error_correction), from).caller.outcome)).collect()
    };
    let expected = vec![
        Some((Cause::NoFaxHeard, Some(Timer::T0), Phase::A)),
        Some((Cause::NoFaxHeard, Some(Timer::T1), Phase::A)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::B)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::D)),
        Some((Cause::PeerSilent, Some(Timer::T4), Phase::D)),
        None,
    ];
    assert_eq!(causes(false), expected);
    assert_eq!(causes(true), expected);
}

#[test]
fn an_answerer_whose_caller_is_silent_gives_up_after_t1() {
    let lose_caller = |passing: Passing<'_>| match passing {
        Passing::Signal { from: Side::Caller, .. } => Fate::Lose,
        _ => Fate::Pass,
    };
    let call = Call::new(&ecm(true), two_pages(), &ecm(true)).with_faults(lose_caller).run();
    assert_eq!(cause(&call.answerer.outcome), Some((Cause::NoFaxHeard, Some(Timer::T1), Phase::B)));
    assert_eq!(cause(&call.caller.outcome), Some((Cause::PeerSilent, Some(Timer::T4), Phase::B)));
}

#[test]
fn a_caller_that_falls_silent_is_given_up_after_t2() {
    for (error_correction, from) in [(false, 2), (false, 3), (false, 4), (true, 2), (true, 3), (true, 4)] {
        let config = ecm(error_correction);
        let mut spoken = 0;
        let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
            Passing::Signal { from: Side::Caller, signal: Signal::Data { .. }, .. } => {
                spoken += 1;
                if spoken > from { Fate::Lose } else { Fate::Pass }
            }
            _ => Fate::Pass,
        });
        let call = call.run();
        let expected = Some((Cause::PeerSilent, Some(Timer::T2), Phase::C));
        assert_eq!(cause(&call.answerer.outcome), expected, "{}", call.transcript());
    }
}

#[test]
fn dcn_in_any_place_ends_the_call_at_once() {
    for error_correction in [false, true] {
        let config = ecm(error_correction);
        let clean = Call::new(&config, two_pages(), &config).run();
        for replaced in 0..clean.frames {
            let mut by = None;
            let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
                Passing::Frame { index, from, carrier: Carrier::V21, octets } if index == replaced => {
                    by = Some((from, ideal::name(octets)));
                    Fate::Instead(ideal::frame(Fcf::Dcn, from == Side::Caller, &[]))
                }
                _ => Fate::Pass,
            });
            let call = call.run();
            let Some((from, name)) = by else { continue };
            // A frame that only accompanies another is followed by it: the command counts.
            if ["CSI", "TSI", "DCN"].contains(&name) {
                assert_completed(&call);
                continue;
            }
            let hearer = if from == Side::Caller { &call.answerer } else { &call.caller };
            let (cause, timer, _) = cause(&hearer.outcome).expect("the call failed");
            assert_eq!((cause, timer), (Cause::PeerDisconnected, None), "{name}\n{}", call.transcript());
            assert_nothing_lost(&call, &two_pages(), true, name);
        }
    }
}

#[test]
fn failed_training_goes_down_the_ladder_to_its_end() {
    let config = Config { modems: Modems::ALL, ..ecm(true) };
    let spoil_above = |rate: u32| {
        let faults = move |passing: Passing<'_>| match passing {
            Passing::Signal { signal: Signal::Data { carrier, framing: Framing::Raw }, .. } => {
                if carrier.bit_rate() > rate { Fate::Damage } else { Fate::Pass }
            }
            _ => Fate::Pass,
        };
        Call::new(&config, two_pages(), &config).with_faults(faults).run()
    };
    for rate in [12000, 9600, 7200, 4800, 2400] {
        let call = spoil_above(rate);
        assert_completed(&call);
        assert_eq!(call.caller.report.terms.map(|terms| terms.carrier.bit_rate()), Some(rate));
    }
    let call = spoil_above(0);
    assert_eq!(cause(&call.caller.outcome), Some((Cause::TrainingFailed, None, Phase::B)));
    assert_eq!(call.caller.report.trainings, 8, "six rates, the lowest three times");
}

#[test]
fn max_rate_is_kept_by_either_side() {
    for (caller, answerer) in [(Some(4800), None), (None, Some(4800))] {
        let caller = Config { max_rate: caller, modems: Modems::ALL, ..ecm(true) };
        let answerer = Config { max_rate: answerer, modems: Modems::ALL, ..ecm(true) };
        let call = Call::new(&caller, two_pages(), &answerer).run();
        assert_completed(&call);
        assert_eq!(call.caller.report.terms.map(|terms| terms.carrier.bit_rate()), Some(4800));
    }
}

/// Frames of a block whose numbers satisfy `bad` are damaged while the rate is above `rate`.
fn with_bad_frames(modems: Modems, document: Document, rate: u32, bad: impl Fn(u8) -> bool) -> CallResult {
    let config = Config { modems, ..ecm(true) };
    let faults = move |passing: Passing<'_>| match passing {
        Passing::Frame { carrier, octets, .. } if carrier != Carrier::V21 && ideal::name(octets) == "FCD" => {
            if carrier.bit_rate() > rate && bad(octets[3]) { Fate::Damage } else { Fate::Pass }
        }
        _ => Fate::Pass,
    };
    Call::new(&config, document, &config).with_faults(faults).run()
}

#[test]
fn only_missing_frames_are_sent_again() {
    let document = document([page(6, 800, Resolution::Fine)]);
    let mut times = [0; 256];
    let config = ecm(true);
    let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
        Passing::Frame { octets, .. } if ideal::name(octets) == "FCD" => {
            times[usize::from(octets[3])] += 1;
            if octets[3] % 7 == 3 && times[usize::from(octets[3])] == 1 { Fate::Damage } else { Fate::Pass }
        }
        _ => Fate::Pass,
    });
    let call = call.run();
    assert_completed(&call);
    assert_eq!(bitmaps(&call), [&document.pages[0].bitmap]);
    let frames = times.iter().take_while(|count| **count > 0).count();
    let again = (0..frames).filter(|frame| frame % 7 == 3).count() as u32;
    assert!(again > 2);
    assert_eq!(call.caller.report.pages[0].retransmitted_frames, again);
    assert_eq!(call.answerer.report.pages[0].retransmitted_frames, again);
}

#[test]
fn after_four_requests_the_rate_goes_down() {
    for (modems, rate, steps) in [(Modems::V27TER | Modems::V29, 4800, 2), (Modems::ALL, 7200, 3)] {
        let document = document([page(7, 300, Resolution::Fine)]);
        let call = with_bad_frames(modems, document.clone(), rate, |frame| frame == 2);
        assert_completed(&call);
        assert_eq!(bitmaps(&call), [&document.pages[0].bitmap]);
        let count = |side, name| call.said(side).iter().filter(|said| **said == name).count();
        assert_eq!(count(Side::Caller, "CTC"), steps, "{}", call.transcript());
        assert_eq!(count(Side::Answerer, "CTR"), steps);
        assert_eq!(count(Side::Answerer, "PPR"), steps * 4);
        assert_eq!(call.answerer.report.terms.map(|terms| terms.carrier.bit_rate()), Some(rate));
    }
}

#[test]
fn below_the_lowest_rate_the_block_is_given_up() {
    let modems = Modems::V27TER | Modems::V29;
    let call = with_bad_frames(modems, document([page(7, 300, Resolution::Fine)]), 0, |frame| frame == 2);
    assert_eq!(cause(&call.caller.outcome), Some((Cause::PageRejected, None, Phase::D)));
    assert_eq!(cause(&call.answerer.outcome), Some((Cause::PageRejected, None, Phase::D)), "{}", call.transcript());
    assert!(call.said(Side::Caller).ends_with(&["EOR", "DCN"]));
    assert_eq!(call.said(Side::Answerer).last(), Some(&"ERR"));
    assert_eq!(call.caller.sent, [(1, Verdict::Abandoned)]);
}

#[test]
fn dis_in_place_of_a_verdict_has_the_page_sent_again() {
    for error_correction in [false, true] {
        let config = ecm(error_correction);
        let document = two_pages();
        let mut replaced = false;
        let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
            Passing::Frame { from: Side::Answerer, octets, .. } if ideal::name(octets) == "MCF" && !replaced => {
                replaced = true;
                Fate::Instead(ideal::frame(Fcf::Dis, false, &[0, 0xce, 0xf8, 0x44]))
            }
            _ => Fate::Pass,
        });
        let call = call.run();
        assert_completed(&call);
        assert_eq!(call.said(Side::Caller).iter().filter(|name| **name == "DCS").count(), 2);
        assert_nothing_lost(&call, &document, true, "DIS");
    }
}

#[test]
fn a_page_that_breaks_off_is_refused() {
    let mut session = Session::answering(Arc::new(ecm(false)), LineTime::ZERO);
    before_the_page(&mut session);
    let at = |ms| LineTime::ZERO + LineSpan::ms(ms);
    let rows = Page::clone(&page(9, 300, Resolution::Fine));
    let mut octets = vec![0; 4000];
    let encoding = RowEncoding::on_line(Coding::Mh, 1);
    let filled = PageEncoder::new(Arc::new(rows), encoding).fill(&mut octets);
    assert_eq!(filled, 4000, "the page goes on");
    let mps = ideal::frame(Fcf::Mps, true, &[]);
    for (ms, what) in [
        (16_000, LineEvent::Octets(&octets)),
        (16_000, LineEvent::CarrierDown(Carrier::V29(V29Rate::R9600))),
        (30_000, LineEvent::CarrierUp(Carrier::V21)),
        (31_200, LineEvent::Frame { carrier: Carrier::V21, octets: &mps, intact: true }),
        (31_210, LineEvent::CarrierDown(Carrier::V21)),
    ] {
        session.handle_timeout(at(ms));
        session.handle(Stamped { at: at(ms), what });
        while !matches!(session.poll(), Output::Wait(_)) {}
    }
    let verdicts: Vec<Verdict> = session.report().pages.iter().map(|page| page.verdict).collect();
    assert_eq!(verdicts, [Verdict::Rejected]);
    assert_eq!(session.report().pages[0].bad_rows, 0);
}

/// An answering session that has confirmed the training check and waits for the page.
fn before_the_page(session: &mut Session) {
    let v21 = Carrier::V21;
    let v29 = Carrier::V29(V29Rate::R9600);
    let dcs = ideal::frame(Fcf::Dcs, true, &[0, 0x46, 0x70]);
    let events = [
        (5000, LineEvent::Sent),
        (7000, LineEvent::Sent),
        (8000, LineEvent::CarrierUp(v21)),
        (9500, LineEvent::Frame { carrier: v21, octets: &dcs, intact: true }),
        (9510, LineEvent::CarrierDown(v21)),
        (9600, LineEvent::CarrierUp(v29)),
        (9850, LineEvent::Trained { carrier: v29, quality: Evm(-250) }),
        (11350, LineEvent::Octets(&[0; 1800])),
        (11350, LineEvent::CarrierDown(v29)),
        (12700, LineEvent::Sent),
        (12800, LineEvent::CarrierUp(v29)),
        (13050, LineEvent::Trained { carrier: v29, quality: Evm(-250) }),
    ];
    for (ms, what) in events {
        session.handle(Stamped { at: LineTime::ZERO + LineSpan::ms(ms), what });
        while !matches!(session.poll(), Output::Wait(_)) {}
    }
}

#[test]
fn a_page_longer_than_t2_is_not_cut_by_what_looks_like_v21() {
    let mut session = Session::answering(Arc::new(ecm(false)), LineTime::ZERO);
    before_the_page(&mut session);
    assert_eq!(session.progress().phase, Phase::C);
    let at = |ms| LineTime::ZERO + LineSpan::ms(ms);
    session.handle(Stamped { at: at(14_000), what: LineEvent::CarrierUp(Carrier::V21) });
    session.handle(Stamped { at: at(14_100), what: LineEvent::CarrierDown(Carrier::V21) });
    session.handle_timeout(at(60_000));
    assert!(!session.is_finished());
    session.handle(Stamped { at: at(60_000), what: LineEvent::CarrierDown(Carrier::V29(V29Rate::R9600)) });
    session.handle_timeout(at(121_000));
    assert_eq!(session.progress().phase, Phase::E, "a sender whose page broke off is given up");
}

#[test]
fn a_bad_page_is_refused_and_sent_again_slower() {
    let config = ecm(false);
    let document = document([page(8, 300, Resolution::Fine), page(9, 100, Resolution::Fine)]);
    let mut images = 0;
    let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
        Passing::Signal { signal: Signal::Data { framing: Framing::Raw, .. }, .. } => {
            images += 1;
            if images == 2 { Fate::Lose } else { Fate::Pass }
        }
        _ => Fate::Pass,
    });
    let call = call.run();
    assert_completed(&call);
    assert_eq!(bitmaps(&call), [&document.pages[0].bitmap, &document.pages[1].bitmap]);
    let verdicts: Vec<(usize, Verdict)> =
        vec![(1, Verdict::Rejected), (1, Verdict::Confirmed), (2, Verdict::Confirmed)];
    assert_eq!(call.caller.sent, verdicts);
    assert_eq!(call.caller.report.terms.map(|terms| terms.carrier), Some(Carrier::V29(V29Rate::R7200)));
}

#[test]
fn a_page_that_stays_bad_fails_the_call() {
    for (page_resends, sent) in [(0, 1), (2, 3)] {
        let config = Config { limits: Limits { page_resends, ..Limits::default() }, ..ecm(false) };
        let mut raw = 0;
        let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
            Passing::Signal { signal: Signal::Data { framing: Framing::Raw, .. }, .. } => {
                raw += 1;
                if raw % 2 == 0 { Fate::Lose } else { Fate::Pass }
            }
            _ => Fate::Pass,
        });
        let call = call.run();
        assert_eq!(cause(&call.caller.outcome), Some((Cause::PageRejected, None, Phase::D)), "{}", call.transcript());
        assert_eq!(cause(&call.answerer.outcome), Some((Cause::PageRejected, None, Phase::D)), "{}", call.transcript());
        assert_eq!(call.caller.sent, vec![(1, Verdict::Rejected); sent]);
    }
}

#[test]
fn a_page_is_confirmed_only_when_it_is_kept() {
    for (error_correction, takes_ms) in
        [(false, 0), (false, 1500), (true, 0), (true, 200), (true, 9_000), (true, 40_000)]
    {
        let answerer = Config { keeping: Keeping::Awaited, ..ecm(error_correction) };
        let takes = LineSpan::ms(takes_ms);
        let call = Call::new(&ecm(error_correction), two_pages(), &answerer).with_storage(takes, Ok(())).run();
        assert_completed(&call);
        assert_eq!(call.answerer.received.len(), 2);
        let held = call.said(Side::Answerer).contains(&"RNR");
        assert_eq!(held, error_correction && takes_ms > 300, "{}", call.transcript());
    }
}

#[test]
fn a_page_that_cannot_be_kept_is_not_confirmed() {
    for error_correction in [false, true] {
        let answerer = Config { keeping: Keeping::Awaited, ..ecm(error_correction) };
        for (takes, kept) in [
            (LineSpan::ms(10), Err(NotKept("disk full".into()))),
            (LineSpan::ms(500), Err(NotKept("disk full".into()))),
            (LineSpan::ms(100_000), Ok(())),
        ] {
            let call = Call::new(&ecm(error_correction), two_pages(), &answerer).with_storage(takes, kept).run();
            assert_eq!(call.caller.sent, [], "{}", call.transcript());
            assert_eq!(cause(&call.answerer.outcome).map(|cause| cause.0), Some(Cause::PageNotKept));
            let told = cause(&call.caller.outcome).map(|cause| cause.0);
            assert_eq!(told, Some(Cause::PeerDisconnected), "{}", call.transcript());
            assert_eq!(call.answerer.report.good_pages(), 0);
        }
    }
}

#[test]
fn rnr_without_end_runs_into_t5() {
    let config = ecm(true);
    let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
        Passing::Frame { from: Side::Answerer, octets, .. } if ideal::name(octets) == "MCF" => {
            Fate::Instead(ideal::frame(Fcf::Rnr, false, &[]))
        }
        _ => Fate::Pass,
    });
    let call = call.run();
    assert_eq!(cause(&call.caller.outcome), Some((Cause::PeerNotReady, Some(Timer::T5), Phase::D)));
    assert!(call.said(Side::Caller).iter().filter(|name| **name == "RR").count() > 10);
}

#[test]
fn crp_has_the_command_said_again() {
    for error_correction in [false, true] {
        let config = ecm(error_correction);
        let mut replaced = Vec::new();
        let call = Call::new(&config, two_pages(), &config).with_faults(|passing| match passing {
            Passing::Frame { from: Side::Answerer, octets, .. } => {
                let name = ideal::name(octets);
                if ["CFR", "MCF"].contains(&name) && !replaced.contains(&name) {
                    replaced.push(name);
                    return Fate::Instead(ideal::frame(Fcf::Crp, false, &[]));
                }
                Fate::Pass
            }
            _ => Fate::Pass,
        });
        let call = call.run();
        assert_completed(&call);
        assert_eq!(call.answerer.received.len(), 2, "{}", call.transcript());
    }
}

#[test]
fn cancelling_ends_the_call_wherever_it_is() {
    let config = ecm(true);
    let clean = Call::new(&config, two_pages(), &config).run();
    for by in [Side::Caller, Side::Answerer] {
        for at in (0..clean.ended.0).step_by(8000 / 4).map(LineTime) {
            let call = Call::new(&config, two_pages(), &config).cancelled(by, at).run();
            let ours = if by == Side::Caller { &call.caller } else { &call.answerer };
            let (cause, _, _) = cause(&ours.outcome).unwrap_or((Cause::LocalCancel, None, Phase::E));
            assert_eq!(cause, Cause::LocalCancel, "{by:?} at {at}");
            assert_nothing_lost(&call, &two_pages(), true, "cancelled");
        }
    }
}

#[test]
fn machines_that_do_not_fit_say_so() {
    let only_v29 = Config { modems: Modems::V29, ..ecm(true) };
    let only_v27ter = Config { modems: Modems::V27TER, ..ecm(true) };
    let call = Call::new(&only_v29, two_pages(), &only_v27ter).run();
    assert_eq!(cause(&call.caller.outcome), Some((Cause::Incompatible, None, Phase::B)));
    assert_eq!(cause(&call.answerer.outcome).map(|cause| cause.0), Some(Cause::PeerDisconnected));
    let odd = Arc::new(Page { bitmap: Bitmap::white(1700, 10), resolution: Resolution::Standard });
    let call = Call::new(&ecm(true), document([odd]), &ecm(true)).run();
    assert_eq!(cause(&call.caller.outcome), Some((Cause::Incompatible, None, Phase::B)));
    let call = Call::new(&ecm(true), document([]), &ecm(true)).run();
    assert_eq!(cause(&call.caller.outcome), Some((Cause::NothingToSend, None, Phase::A)));
}

#[test]
fn subaddress_and_identities_reach_the_other_side() {
    let caller = Config { sub: Some("6377001".into()), pwd: Some("1234".into()), sid: Some("42".into()), ..ecm(true) };
    let answerer = Config { nsf: Some(vec![0xb5, 0x00, 0x61, 0x01]), ..ecm(true) };
    let call = Call::new(&caller, two_pages(), &answerer).run();
    assert_completed(&call);
    let peer = &call.answerer.report.peer;
    let told = [&peer.sub, &peer.pwd, &peer.sid].map(Option::as_deref);
    assert_eq!(told, [Some("6377001"), Some("1234"), Some("42")]);
    assert_eq!(call.caller.report.peer.nsf.as_deref(), Some(&[0xb5, 0x00, 0x61, 0x01][..]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mixture_of_faults_loses_a_confirmed_page(
        fates in proptest::collection::vec(0..10_u8, 200), error_correction in any::<bool>(), seed in any::<u64>(),
    ) {
        let config = Config { modems: Modems::ALL, ..ecm(error_correction) };
        let document = document([page(seed, 60, Resolution::Fine), page(seed ^ 1, 60, Resolution::Fine)]);
        let fate = |place: usize| match fates[place % fates.len()] {
            0 => Fate::Lose,
            1 => Fate::Damage,
            _ => Fate::Pass,
        };
        let call = Call::new(&config, document.clone(), &config).with_faults(|passing| match passing {
            Passing::Signal { signal: Signal::Data { carrier, .. }, index, .. } if carrier != Carrier::V21 => {
                if fate(index) == Fate::Damage { Fate::Damage } else { Fate::Pass }
            }
            Passing::Frame { index, .. } => fate(index),
            _ => Fate::Pass,
        });
        let call = call.run();
        assert_nothing_lost(&call, &document, error_correction, "faults");
        prop_assert_eq!(call.collisions, 0, "{}", call.transcript());
    }

    #[test]
    fn blocks_survive_a_bad_line_and_a_slow_disk(
        fates in proptest::collection::vec(0..100_u8, 997), takes in 0..6000_u64, short in any::<bool>(),
    ) {
        let frame_size = if short { FrameSize::Short } else { FrameSize::Long };
        let caller = Config { codings: Codings::MH, ..ecm(true) };
        let answerer = Config { frame_size, keeping: Keeping::Awaited, ..ecm(true) };
        let document = document([page(1, 1200, Resolution::Fine), page(2, 700, Resolution::Fine)]);
        let call = Call::new(&caller, document.clone(), &answerer).with_faults(|passing| match passing {
            Passing::Frame { index, carrier, .. } => match (fates[index % fates.len()], carrier) {
                (0..=1, _) => Fate::Damage,
                (2..=5, Carrier::V29(_) | Carrier::V27ter(_)) => Fate::Lose,
                _ => Fate::Pass,
            },
            _ => Fate::Pass,
        });
        let call = call.with_storage(LineSpan::ms(takes), Ok(())).run();
        assert_nothing_lost(&call, &document, true, "bad line");
        prop_assert_eq!(call.collisions, 0, "{}", call.transcript());
        // Three answers to one command damaged in succession do end a call: T.30 has it so.
        let expected = [&document.pages[0].bitmap, &document.pages[1].bitmap];
        prop_assert!(bitmaps(&call) == expected[..call.answerer.received.len()], "{}", call.transcript());
        let (failed, _, _) = cause(&call.caller.outcome).unwrap_or((Cause::PeerSilent, None, Phase::E));
        prop_assert_eq!(failed, Cause::PeerSilent, "{}", call.transcript());
    }

    #[test]
    fn whatever_is_heard_the_session_ends_in_bounded_time(
        happenings in proptest::collection::vec((0..14_u8, any::<u8>(), 0..4000_u64), 1..400),
        calling in any::<bool>(), error_correction in any::<bool>(), polls in any::<bool>(), octets in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let limits = Limits { call: LineSpan::ms(300_000), ..Limits::default() };
        let base = Config { poll: polls, ask_again: polls, ..ecm(error_correction) };
        let config = Arc::new(Config { limits, modems: Modems::ALL, keeping: Keeping::Awaited, ..base });
        let mut now = LineTime::ZERO;
        let mut session = match calling {
            true => Session::calling(config, two_pages(), now),
            false if polls => Session::answering(config, now).then_sending(two_pages()),
            false => Session::answering(config, now),
        };
        let mut turns = happenings.iter().cycle();
        while !session.is_finished() {
            let &(kind, value, span) = turns.next().expect("a cycle");
            now += LineSpan(span);
            hear(&mut session, now, kind, value, &octets);
            while !matches!(session.poll(), Output::Wait(_)) {}
            session.handle_timeout(now);
            while !matches!(session.poll(), Output::Wait(_)) {}
            prop_assert!(now < LineTime::ZERO + LineSpan::ms(340_000), "not over at {now}");
        }
        hear(&mut session, now, 0, 0, &octets);
    }
}

/// Something happens to a session, sensible or not.
fn hear(session: &mut Session, at: LineTime, kind: u8, value: u8, octets: &[u8]) {
    let carriers = [Carrier::V21, Carrier::V21, Carrier::V29(V29Rate::R9600), Carrier::V27ter(V27terRate::R2400)];
    let carrier = carriers[usize::from(value) % carriers.len()];
    let known = Fcf::ALL[usize::from(value) % Fcf::ALL.len()];
    let partial = PartialPage { then: PostMessage::Mps, page: value, block: 0, frames: 3 };
    let frames = [
        ideal::frame(known, value & 1 == 1, octets),
        ideal::frame(Fcf::Dis, false, &[0, if value & 64 == 0 { 0xee } else { 0xef }, 0xf8, 0x44]),
        ideal::frame(Fcf::Dcs, true, &[0, 0x62, 0xf8, 0x44]),
        ideal::frame(Fcf::Dtc, false, &[0, 0xee, 0xf8, 0x44]),
        ideal::frame(Fcf::Pps, true, &partial.field()),
        ideal::frame(Fcf::Mps, true, &[]),
    ];
    let frame = &frames[usize::from(value) % frames.len()];
    let what = match kind {
        0 | 1 => LineEvent::Frame { carrier: Carrier::V21, octets: frame, intact: value < 220 },
        2 => LineEvent::Frame { carrier, octets, intact: true },
        3 => LineEvent::CarrierUp(carrier),
        4 | 5 => LineEvent::CarrierDown(carrier),
        6 => LineEvent::Trained { carrier, quality: Evm(-200) },
        7 => LineEvent::TrainingFailed,
        8 => LineEvent::Octets(octets),
        9 | 10 => LineEvent::Sent,
        11 => LineEvent::Tone(if value & 1 == 0 { Tone::Ced } else { Tone::Cng }),
        12 => return session.page_kept(if value & 1 == 0 { Ok(()) } else { Err(NotKept("full".into())) }, at),
        _ => {
            let mut room = vec![0; usize::from(value)];
            session.fill(&mut room);
            LineEvent::Gap(LineSpan::ms(u64::from(value)))
        }
    };
    session.handle(Stamped { at, what });
}
