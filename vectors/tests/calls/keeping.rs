//! Pages that wait for their storage: RNR, T5, CRP.

use super::*;

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
