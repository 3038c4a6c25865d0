//! Documents that go another way than the line, in virtual time: whatever fails, every page arrives once.

use answertone_t30::{
    frame::DirectPlace,
    session::{Direct, DirectNews},
};

use super::{
    ideal::{Twist, Way},
    *,
};

fn place() -> DirectPlace {
    DirectPlace { address: "192.0.2.7:4711".parse().unwrap(), fingerprint: [0xa5; 16] }
}

fn pages(count: u64) -> Document {
    document((0..count).map(|seed| page(seed, 60, Resolution::Fine)))
}

fn config(direct: Direct) -> Config {
    Config { modems: Modems::ALL, ident: "A NAME".into(), keeping: Keeping::Awaited, direct, ..Config::default() }
}

fn call<'f>(count: u64) -> Call<'f> {
    let call = Call::new(&config(Direct::Wanted), pages(count), &config(Direct::Offered(place())));
    call.with_storage(LineSpan::ms(200), Ok(()))
}

/// Every page came once, in order, and counts as sent.
fn assert_all_came_once(result: &CallResult, count: u64, what: &str) {
    let transcript = || format!("{what}\n{}", result.transcript());
    let came: Vec<_> = result.answerer.received.iter().map(|received| received.page.clone()).collect();
    let sent: Vec<_> = pages(count).pages.iter().map(|page| (**page).clone()).collect();
    assert!(came == sent, "{} of {} pages; {}", came.len(), sent.len(), transcript());
    let numbers: Vec<_> = result.caller.sent.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=count as usize).collect::<Vec<_>>(), "{}", transcript());
    for end in [&result.caller, &result.answerer] {
        assert_eq!(end.outcome, Some(Outcome::Completed), "{}", transcript());
    }
}

fn fast_signals(result: &CallResult) -> usize {
    let fast = |signal| matches!(signal, Signal::Data { carrier, .. } if carrier != Carrier::V21);
    result.aired.iter().filter(|aired| fast(aired.signal)).count()
}

#[test]
fn a_document_goes_directly_and_the_call_is_shorter() {
    let result = call(3).run();
    assert_all_came_once(&result, 3, "directly");
    assert_eq!(fast_signals(&result), 0, "{}", result.transcript());
    assert!(result.answerer.report.pages.iter().all(|page| page.direct));
    let by_line = Call::new(&config(Direct::Never), pages(3), &config(Direct::Offered(place())));
    let by_line = by_line.with_storage(LineSpan::ms(200), Ok(())).run();
    assert_all_came_once(&by_line, 3, "by the line");
    let [direct, line] = [&result, &by_line].map(|result| result.ended.since(LineTime::ZERO).seconds());
    println!("3 pages of 60 rows: {direct:.1} s directly, {line:.1} s by the line");
    assert!(direct < line, "{direct} s, {line} s");
}

#[test]
fn a_way_that_breaks_loses_no_page_and_brings_none_twice() {
    for broken in 0..4 {
        for (answered, told) in [(true, true), (true, false), (false, true), (false, false)] {
            let result = call(3).with_way(Way::breaking(broken, answered, told)).run();
            assert_all_came_once(&result, 3, &format!("after {broken}, answered {answered}, told {told}"));
            assert_eq!(fast_signals(&result) > 0, broken < 3, "{}", result.transcript());
        }
    }
}

#[test]
fn frames_that_are_lost_lose_no_page() {
    for way in [Way::breaking(9, true, true), Way::breaking(1, false, true)] {
        for fate in [Fate::Lose, Fate::Damage] {
            let clean = call(2).with_way(way.clone()).run();
            for lost in 0..clean.frames.min(24) {
                let faults = |passing: Passing<'_>| match passing {
                    Passing::Frame { index, carrier: Carrier::V21, .. } if index == lost => fate.clone(),
                    _ => Fate::Pass,
                };
                let result = call(2).with_way(way.clone()).with_faults(faults).run();
                assert_all_came_once(&result, 2, &format!("{way:?}, frame {lost}: {fate:?}"));
            }
        }
    }
}

#[test]
fn nothing_that_a_front_end_tells_wrong_brings_a_page_twice() {
    for way in [Way::breaking(9, true, true), Way::breaking(1, false, true)] {
        let events = call(2).with_way(way.clone()).run().events;
        for twist in [Twist::Dropped, Twist::Damaged, Twist::Doubled, Twist::Delayed(LineSpan::ms(1500))] {
            for place in 0..events.min(60) {
                let result = call(2).with_way(way.clone()).twisted(place, twist).run();
                let came = result.answerer.received.iter().map(|received| &received.page);
                let sent = pages(2);
                let sent: Vec<_> = sent.pages.iter().map(|page| &**page).take(came.len()).collect();
                assert!(came.eq(sent), "{way:?}, {twist:?} at {place}: {}", result.transcript());
                assert!(result.caller.sent.len() <= result.answerer.received.len(), "{}", result.transcript());
            }
        }
    }
}

#[test]
fn a_page_that_cannot_be_kept_is_not_confirmed() {
    let full = Err(NotKept("the disk is full".into()));
    let result = call(2).with_storage(LineSpan::ms(200), full).run();
    assert!(result.caller.sent.is_empty(), "{}", result.transcript());
    for end in [&result.caller, &result.answerer] {
        assert!(matches!(end.outcome, Some(Outcome::Failed(_))), "{}", result.transcript());
    }
    assert_eq!(result.answerer.report.pages, []);
}

#[test]
fn other_machines_are_told_nothing_and_tell_nothing() {
    let strange = Config { nsf: Some(vec![0xad, 0x00, 0x36]), ..config(Direct::Never) };
    for (caller, answerer) in
        [(config(Direct::Wanted), strange), (config(Direct::Never), config(Direct::Offered(place())))]
    {
        let result = Call::new(&caller, pages(1), &answerer).with_storage(LineSpan::ms(200), Ok(())).run();
        assert_all_came_once(&result, 1, "by the line");
        assert!(!result.said(Side::Caller).contains(&"NSS"), "{}", result.transcript());
    }
    // Somebody who is to give a password is not let in another way.
    let asked = Config { expect_pwd: Some("1234".into()), ..config(Direct::Offered(place())) };
    let caller = Config { pwd: Some("1234".into()), ..config(Direct::Wanted) };
    let result = Call::new(&caller, pages(1), &asked).with_storage(LineSpan::ms(200), Ok(())).run();
    assert_all_came_once(&result, 1, "with a password");
    assert!(!result.said(Side::Answerer).contains(&"NSF"), "{}", result.transcript());
}

#[test]
fn news_that_nobody_awaits_change_nothing() {
    let mut session = Session::answering(Arc::new(config(Direct::Offered(place()))), LineTime::ZERO);
    for news in [
        DirectNews::Go([0; 16]),
        DirectNews::Stay,
        DirectNews::Kept(7),
        DirectNews::Over,
        DirectNews::Page { page: (*page(1, 10, Resolution::Fine)).clone(), last: true },
    ] {
        while !matches!(session.poll(), Output::Wait(_)) {}
        session.direct(news, LineTime::ZERO);
        assert!(matches!(session.poll(), Output::Wait(_)));
    }
    assert!(session.report().pages.is_empty());
}
