//! Lines that are not good, end early, or have nobody at their end.

use answertone_dsp::{
    channel::{Impairments, Slip, Slips},
    units::Dbm0,
};
use answertone_t30::image::tiff::FilePage;
use answertone_vectors::{
    timing::{bursts, measures},
    wav::Recording,
};

use super::bench::{NOBODY, bench, on_two_threads, write_tiff};

#[test]
fn drop_outs_and_echo_cost_frames_but_no_pels() {
    let cables =
        ["--drop 40:14000 --gain -8", "--drop 250:17000", "--echo -15 --law u --noise -58", "--law a --delay-ms 300"];
    let cases: Vec<(bool, &str)> = [true, false].into_iter().flat_map(|way| cables.map(|cable| (way, cable))).collect();
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, cable)| {
        let modems = "--modems v27ter,v29";
        let call =
            if we_send { bench.we_send(1, modems, modems, cable) } else { bench.we_receive(1, modems, modems, cable) };
        call.assert_delivered(&format!("we send: {we_send}, {cable}"), &bench.charts[1].1);
    });
}

#[test]
fn slips_cost_frames_but_no_pels() {
    let cases = [(true, "v29"), (false, "v29"), (true, "v27ter"), (false, "v27ter")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem)| {
        let modems = if modem == "v29" { "--modems v27ter,v29" } else { "--modems v27ter" };
        let document = bench.charts[1].0.display();
        let (send, receive) = (format!("--send {document} {modems}"), format!("--receive got.tif {modems}"));
        let (ours, theirs) = if we_send { (&send, &receive) } else { (&receive, &send) };
        let slips = Slips { slip: Slip::InTurn, first: 20_000, every: Some(24_000) };
        let line = Impairments { slips: Some(slips), noise: Some(Dbm0(-50.0)), ..Impairments::default() };
        let call = bench.call_over(ours, &bench.peer(theirs), &line);
        call.assert_delivered(&format!("we send: {we_send}, {modem}"), &bench.charts[1].1);
        println!("we send: {we_send}, {modem}: {} slips bridged, {}", call.result["slips"], call.result["page"]);
    });
}

#[test]
fn times_are_kept_with_the_peer() {
    let cases = [(true, "on"), (false, "on"), (true, "off"), (false, "off")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, ecm)| {
        let (ecm, cable) = (format!("--ecm {ecm}"), "--record call.wav");
        let call = if we_send { bench.we_send(1, &ecm, &ecm, cable) } else { bench.we_receive(1, &ecm, &ecm, cable) };
        let sides = Recording::read(&call.folder.join("call.wav")).expect("the cable records").telephone();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            measures(&bursts(&sides)).into_iter().partition(|measure| measure.channel == 0);
        let broken: Vec<_> = ours.iter().filter(|measure| !measure.holds()).collect();
        assert!(ours.len() >= 6 && broken.is_empty(), "{} times: {broken:#?}\n{}", ours.len(), call.story());
        let broken: Vec<_> = theirs.iter().filter(|measure| !measure.holds()).collect();
        println!(
            "we send: {we_send}, {ecm}: {} of the peer's {} times break a clause: {broken:?}",
            broken.len(),
            theirs.len()
        );
    });
}

#[test]
fn the_protection_tone_disturbs_neither_end() {
    let cases = [(true, "v29"), (false, "v29"), (true, "v17"), (false, "v17")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem)| {
        let modems = if modem == "v29" { "--modems v27ter,v29 --tep" } else { "--modems v27ter,v29,v17 --tep" };
        let call = if we_send { bench.we_send(1, modems, modems, "") } else { bench.we_receive(1, modems, modems, "") };
        call.assert_delivered(&format!("we send: {we_send}, {modem}"), &bench.charts[1].1);
        assert_eq!(call.result["modem"], modem, "{}", call.story());
    });
}

#[test]
fn noise_makes_the_rate_fall_and_the_page_still_arrives() {
    // Signals arrive at -34 dBm0. Louder ones would need noise above -45 dBm0, which the peer takes for a carrier.
    let cases = [(true, "-50"), (true, "-49"), (false, "-49"), (false, "-48")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, noise)| {
        let modems = "--modems v27ter,v29";
        let cable = format!("--gain -20 --noise {noise} --seed 5");
        let call = if we_send {
            bench.we_send(0, modems, modems, &cable)
        } else {
            bench.we_receive(0, modems, modems, &cable)
        };
        let what = format!("we send: {we_send}, noise {noise} dBm0");
        call.assert_delivered(&what, &bench.charts[0].1);
        println!("{what}: {} bit/s after {} trainings", call.result["bit_rate"], call.result["trainings"]);
        assert!(call.result["bit_rate"].as_u64().expect("a rate was agreed") < 9600, "{what}\n{}", call.story());
    });
}

#[test]
fn a_peer_that_hangs_up_in_any_phase_is_a_lost_line() {
    // Seconds of call after which the peer hangs up: tones, commands, training check, page, after the page.
    let cuts = [1, 5, 7, 9, 15, 18];
    let Some(bench) = bench(2 * cuts.len()) else { return };
    let cases: Vec<(bool, u32)> = [true, false].into_iter().flat_map(|side| cuts.map(|cut| (side, cut))).collect();
    on_two_threads(&cases, |&(we_send, cut)| {
        let chart = bench.charts[1].0.display();
        let (ours, theirs) = if we_send {
            (format!("--send {chart}"), "--receive got.tif".to_owned())
        } else {
            ("--receive got.tif".to_owned(), format!("--send {chart}"))
        };
        let call = bench.call(&ours, &bench.peer(&format!("{theirs} --timeout {cut}")), "");
        call.assert_failed(&format!("we send: {we_send}, cut after {cut} s"), "line_lost");
        assert_eq!(call.result["failure"]["side"], "line", "{}", call.story());
    });
}

#[test]
fn a_first_page_stays_when_the_peer_hangs_up_in_the_second() {
    let Some(bench) = bench(1) else { return };
    let document = bench.work.join("two.tif");
    let pages: Vec<FilePage<'_>> = bench.charts[..2].iter().map(|(_, page)| FilePage::from(page)).collect();
    write_tiff(&document, &pages);
    let peer = bench.peer(&format!("--send {} --timeout 33", document.display()));
    let call = bench.call("--receive got.tif", &peer, "");
    call.assert_failed("cut in the second page", "line_lost");
    let received = call.pages();
    assert_eq!(received.len(), 1, "{}", call.story());
    assert!(received[0].bitmap == bench.charts[0].1.bitmap, "pels differ\n{}", call.story());
}

#[test]
fn nobody_at_the_far_end_is_told_by_timer() {
    let Some(bench) = bench(3) else { return };
    let chart = bench.charts[0].0.display();
    let call = bench.call(&format!("--send {chart}"), NOBODY, "");
    call.assert_failed("we call", "no_fax_heard");
    assert_eq!(call.result["failure"]["timer"], "T0", "{}", call.story());
    for (tries, timer) in [("", "T4"), ("--dis-tries 0", "T1")] {
        let call = bench.call(&format!("--receive got.tif {tries}"), NOBODY, "");
        call.assert_failed("we answer", "no_fax_heard");
        assert_eq!(call.result["failure"]["timer"], timer, "{}", call.story());
    }
}
