//! Cancelling, machines that do not fit, and what they know of each other.

use super::*;

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
fn a_sender_who_is_refused_in_its_training_check_hears_so() {
    let config = ecm(true);
    let clean = Call::new(&config, two_pages(), &config).run();
    let is_check = |aired: &&ideal::Aired| aired.from == Side::Caller && aired.frames.is_empty();
    let check = clean.aired.iter().find(is_check).expect("a training check");
    for at in (check.begin.0..check.end.0).step_by(8000 / 5).map(LineTime) {
        let call = Call::new(&config, two_pages(), &config).cancelled(Side::Answerer, at).run();
        assert_eq!(cause(&call.answerer.outcome).map(|cause| cause.0), Some(Cause::LocalCancel), "at {at}");
        assert_eq!(cause(&call.caller.outcome).map(|cause| cause.0), Some(Cause::PeerDisconnected), "at {at}");
        assert_eq!(call.said(Side::Answerer).last(), Some(&"DCN"), "{}", call.transcript());
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
