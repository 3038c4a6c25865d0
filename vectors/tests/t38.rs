//! Facsimile over IP: packets by the tables and another encoder, calls over bad networks, and other makers' terminals.

#[path = "t38/captures.rs"]
mod captures;
#[path = "t38/network.rs"]
mod network;
#[path = "t38/packets.rs"]
mod packets;
#[path = "t38/peers.rs"]
mod peers;
#[path = "t38/relay_peers.rs"]
mod relay_peers;
#[path = "t38/relays.rs"]
mod relays;

use std::sync::Arc;

use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Page, Resolution},
    session::{Codings, Config, Document, Outcome, Session},
    t38::{
        Call, RateManagement, TerminalConfig, Wire,
        ifp::Syntax,
        pacing::Pacing,
        rtp::{Fec, PayloadTypes},
        udptl::ErrorCorrection,
    },
    time::{LineSpan, LineTime},
};
use network::{Carried, Network, carry};

/// A page on which every row differs.
fn page(seed: u32, rows: u32) -> Arc<Page> {
    let mut bitmap = Bitmap::white(1728, rows);
    for y in 0..rows {
        for x in 0..1728 {
            bitmap.set(x, y, (x / (3 + y / 20) + y / 7 + seed).is_multiple_of(3) && x % 400 < 300);
        }
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}

fn document() -> Document {
    Document { pages: vec![page(1, 300), page(2, 200)], first: 0 }
}

fn machine(ecm: bool) -> Config {
    let codings = if ecm { Codings::USUAL } else { Codings::MH | Codings::MR };
    Config { ecm, codings, modems: Modems::ALL, path_delay: LineSpan::ms(1000), ..Config::default() }
}

fn calls(config: &Config, terminal: TerminalConfig, wire: impl Fn() -> Wire) -> [Call; 2] {
    let caller = Session::calling(Arc::new(config.clone()), document(), LineTime::ZERO);
    let answerer = Session::answering(Arc::new(config.clone()), LineTime::ZERO);
    [Call::new(caller, terminal, wire()), Call::new(answerer, terminal, wire())]
}

fn assert_completed(carried: &Carried, what: &str) {
    for end in [&carried.caller, &carried.answerer] {
        assert_eq!(end.outcome, Some(Outcome::Completed), "{what}\n{}", carried.transcript());
    }
    let sent = document();
    assert_eq!(carried.answerer.received.len(), sent.pages.len(), "{what}");
    for (received, sent) in carried.answerer.received.iter().zip(&sent.pages) {
        assert!(received.page.bitmap == sent.bitmap, "{what}: pels differ\n{}", carried.transcript());
    }
}

const CORRECTIONS: [ErrorCorrection; 4] = [
    ErrorCorrection::None,
    ErrorCorrection::Redundancy { packets: 3 },
    ErrorCorrection::Fec { span: 3, packets: 3 },
    ErrorCorrection::Fec { span: 2, packets: 6 },
];

fn every_call_completes(corrections: &[ErrorCorrection], losses: &[u64], ecm: bool) {
    for &correction in corrections {
        for &loss_percent in losses {
            for late_percent in [0, 10] {
                for method in [RateManagement::TransferredTcf, RateManagement::LocalTcf] {
                    let network = Network { loss_percent, late_percent, doubled_percent: 3, ..Network::GOOD };
                    let terminal = TerminalConfig { rate_management: method, ..TerminalConfig::default() };
                    let calls = calls(&machine(ecm), terminal, || Wire::udptl(correction, 1400));
                    let what = format!("{correction:?}, {loss_percent} % lost, {late_percent} % late, {method:?}");
                    assert_completed(&carry(calls, network), &what);
                }
            }
        }
    }
}

#[test]
fn calls_without_losses_complete_however_they_are_corrected() {
    every_call_completes(&CORRECTIONS, &[0], true);
    every_call_completes(&CORRECTIONS, &[0], false);
}

#[test]
fn calls_with_error_correction_complete_over_bad_networks() {
    every_call_completes(&CORRECTIONS, &[3, 10], true);
}

#[test]
fn fifty_calls_of_fifty_complete_when_a_tenth_of_all_datagrams_is_lost() {
    for seed in 1..=50 {
        let network = Network { loss_percent: 10, late_percent: 5, doubled_percent: 2, seed, ..Network::GOOD };
        let redundancy = ErrorCorrection::Redundancy { packets: 3 };
        let calls = calls(&machine(true), TerminalConfig::default(), || Wire::udptl(redundancy, 1400));
        assert_completed(&carry(calls, network), &format!("seed {seed}"));
    }
}

#[test]
fn every_wire_syntax_and_pace_carries_a_call() {
    let repeated = PayloadTypes { t38: 96, red: Some((97, 2)), fec: None };
    let fec = Some(Fec { kind: 98, span: 3, parities: 3 });
    let covered = PayloadTypes { t38: 96, red: Some((97, 0)), fec };
    let wires: [&dyn Fn(Syntax) -> Wire; 4] = [
        &|syntax| Wire::tpkt(syntax),
        &|_| Wire::rtp(repeated, 7, 0xfff0),
        &|_| Wire::rtp(covered, 7, 0xfff0),
        &|_| Wire::udptl(ErrorCorrection::default(), 400),
    ];
    for (place, wire) in wires.into_iter().enumerate() {
        for syntax in [Syntax::Y1998, Syntax::Y2002] {
            for (pacing, packet_limit) in [(Pacing::Nominal, 40), (Pacing::Free, 300)] {
                let terminal = TerminalConfig { syntax, pacing, packet_limit, ..TerminalConfig::default() };
                let calls = calls(&machine(true), terminal, || wire(syntax));
                let carried = carry(calls, Network::GOOD);
                assert_completed(&carried, &format!("wire {place}, {syntax:?}, {pacing:?}"));
                assert!(pacing == Pacing::Nominal || carried.ended < LineTime(8000 * 25), "{}", carried.ended);
            }
        }
    }
}

#[test]
fn calls_over_rtp_complete_over_bad_networks() {
    let repeated = PayloadTypes { t38: 96, red: Some((97, 3)), fec: None };
    let covered = PayloadTypes { red: Some((97, 0)), fec: Some(Fec { kind: 98, span: 3, parities: 3 }), ..repeated };
    for types in [repeated, covered] {
        for loss_percent in [3, 10] {
            for late_percent in [0, 10] {
                let network = Network { loss_percent, late_percent, doubled_percent: 3, ..Network::GOOD };
                let calls = calls(&machine(true), TerminalConfig::default(), || Wire::rtp(types, 7, 0xfff0));
                let carried = carry(calls, network);
                assert_completed(&carried, &format!("{types:?}, {loss_percent} % lost, {late_percent} % late"));
                let recovered = carried.calls.iter().map(|call| call.counters().recovered).sum::<u64>();
                assert!(recovered > 0, "{types:?}, {loss_percent} % lost");
            }
        }
    }
}

#[test]
fn every_modem_carries_a_call() {
    for modems in [Modems::V27TER, Modems::V27TER | Modems::V29, Modems::ALL] {
        for max_rate in [None, Some(7200), Some(2400)] {
            for ecm in [true, false] {
                let config = Config { modems, max_rate, ..machine(ecm) };
                let calls = calls(&config, TerminalConfig::default(), || Wire::udptl(ErrorCorrection::None, 1400));
                assert_completed(&carry(calls, Network::GOOD), &format!("{modems:?} {max_rate:?} ECM {ecm}"));
            }
        }
    }
}

#[test]
fn machines_that_are_both_internet_aware_wait_for_no_modems() {
    let took = |pacing: [Pacing; 2]| {
        let config = machine(true);
        let caller = Session::calling(Arc::new(config.clone()), document(), LineTime::ZERO);
        let answerer = Session::answering(Arc::new(config), LineTime::ZERO);
        let [ours, theirs] = pacing.map(|pacing| TerminalConfig { pacing, ..TerminalConfig::default() });
        let wire = || Wire::udptl(ErrorCorrection::default(), 1400);
        let carried = carry([Call::new(caller, ours, wire()), Call::new(answerer, theirs, wire())], Network::GOOD);
        assert_completed(&carried, &format!("{pacing:?}"));
        carried.ended
    };
    let nominal = took([Pacing::Nominal, Pacing::Nominal]);
    let agreed = took([Pacing::Agreed, Pacing::Agreed]);
    assert!(agreed.0 * 2 < nominal.0, "{agreed} is no half of {nominal}");
    for one_alone in [[Pacing::Agreed, Pacing::Nominal], [Pacing::Nominal, Pacing::Agreed]] {
        let took = took(one_alone);
        assert!(took.0 * 10 > nominal.0 * 9, "{one_alone:?}: {took} is shorter than {nominal}");
    }
}
