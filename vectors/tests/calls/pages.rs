//! Whole calls that go well: terms, order, gaps, sizes.

use super::*;

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
fn max_rate_is_kept_by_either_side() {
    for (caller, answerer) in [(Some(4800), None), (None, Some(4800))] {
        let caller = Config { max_rate: caller, modems: Modems::ALL, ..ecm(true) };
        let answerer = Config { max_rate: answerer, modems: Modems::ALL, ..ecm(true) };
        let call = Call::new(&caller, two_pages(), &answerer).run();
        assert_completed(&call);
        assert_eq!(call.caller.report.terms.map(|terms| terms.carrier.bit_rate()), Some(4800));
    }
}
