//! Charts, both ways, by every modem and coding.

use super::bench::{CHARTS, CODINGS, MODEMS, bench, on_two_threads};

/// Every way of sending a page once: sender, modems, error correction, coding, chart.
fn matrix() -> Vec<(bool, usize, bool, usize, usize)> {
    let mut cases = Vec::new();
    for we_send in [true, false] {
        for modem in 0..MODEMS.len() {
            for (coding, (.., needs_ecm)) in CODINGS.iter().enumerate() {
                for ecm in [true, false] {
                    if ecm || !needs_ecm {
                        cases.push((we_send, modem, ecm, coding, cases.len() % CHARTS.len()));
                    }
                }
            }
        }
    }
    cases
}

#[test]
fn charts_cross_to_and_from_the_peer_by_every_modem_and_coding() {
    let cases = matrix();
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem, ecm, coding, chart)| {
        let ((modems, modem), (ours, theirs, coding, _)) = (MODEMS[modem], CODINGS[coding]);
        let ecm_word = if ecm { "on" } else { "off" };
        let what = format!("we send: {we_send}, {modems}, ECM {ecm_word}, {coding}, {}", CHARTS[chart]);
        let ours = format!("--modems {modems} --ecm {ecm_word} --codings {ours}");
        let theirs = format!("--modems {modems} --ecm {ecm_word} --compressions {theirs}");
        let call = if we_send {
            bench.we_send(chart, &ours, &theirs, "")
        } else {
            bench.we_receive(chart, &ours, &theirs, "")
        };
        call.assert_delivered(&what, &bench.charts[chart].1);
        let result = &call.result;
        assert_eq!(result["modem"], modem, "{what}\n{}", call.story());
        assert_eq!(result["coding"], coding, "{what}\n{}", call.story());
        assert_eq!(result["ecm"], ecm, "{what}\n{}", call.story());
    });
}
