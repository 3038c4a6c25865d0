//! Error correction: frames asked for again, CTC, EOR.

use super::*;

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
