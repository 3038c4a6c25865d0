//! Pages that break off or are refused.

use super::*;

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
