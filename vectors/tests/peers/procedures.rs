//! Several pages, several documents, polling, passwords.

use answertone_t30::image::tiff::FilePage;

use super::bench::{bench, on_two_threads, write_tiff};

#[test]
fn several_pages_cross_in_both_directions() {
    let cases = [(true, "on"), (true, "off"), (false, "on"), (false, "off")];
    let Some(bench) = bench(cases.len()) else { return };
    let document = bench.work.join("three.tif");
    let pages: Vec<FilePage<'_>> = bench.charts[..3].iter().map(|(_, page)| FilePage::from(page)).collect();
    write_tiff(&document, &pages);
    let document = document.display();
    on_two_threads(&cases, |&(we_send, ecm)| {
        let call = if we_send {
            bench.call(
                &format!("--send {document} --ecm {ecm}"),
                &bench.peer(&format!("--receive got.tif --ecm {ecm}")),
                "",
            )
        } else {
            bench.call(
                &format!("--receive got.tif --ecm {ecm}"),
                &bench.peer(&format!("--send {document} --ecm {ecm}")),
                "",
            )
        };
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let received = call.pages();
        assert_eq!(received.len(), 3, "{}", call.story());
        for (received, (_, sent)) in received.iter().zip(&bench.charts) {
            assert!(received.bitmap == sent.bitmap, "pels differ\n{}", call.story());
        }
    });
}

#[test]
fn a_password_opens_the_peer_and_a_wrong_one_is_refused() {
    let Some(bench) = bench(2) else { return };
    let call = bench.we_send(1, "--pwd 1234", "--expect-pwd 1234", "");
    call.assert_delivered("right password", &bench.charts[1].1);
    let call = bench.we_send(1, "--pwd 4321", "--expect-pwd 1234", "");
    // The peer says DCN and hangs up while our training check is on the line, where nobody hears it.
    call.assert_failed("wrong password", "line_lost");
    assert_eq!(call.theirs()["status_text"], "Password not accepted", "{}", call.story());
}

#[test]
fn documents_are_polled_in_both_directions() {
    let Some(bench) = bench(5) else { return };
    let (document, sent) = (bench.charts[1].0.display(), &bench.charts[1].1);
    for ecm in ["on", "off"] {
        let ours = format!("--role caller --receive got.tif --ident US --sep 77 --pwd 1234 --ecm {ecm}");
        let theirs = format!("--polarity answerer --send {document} --expect-pwd 1234 --ecm {ecm}");
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        call.assert_delivered(&format!("we poll, ECM {ecm}"), sent);
        assert_eq!(call.theirs()["remote_pwd"], "1234", "{}", call.story());
        let ours = format!("--role answerer --send {document} --expect-pwd 1234 --ecm {ecm}");
        let theirs = format!("--polarity caller --receive got.tif --pwd 1234 --ecm {ecm}");
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        call.assert_delivered(&format!("we are polled, ECM {ecm}"), sent);
        assert_eq!(call.result["remote_pwd"], "1234", "{}", call.story());
    }
    let call = bench.call("--role caller --receive got.tif", &bench.peer("--polarity answerer --receive got.tif"), "");
    call.assert_failed("nothing to poll", "nothing_to_poll");
}

#[test]
fn two_documents_cross_in_a_call_with_their_subaddress() {
    let Some(bench) = bench(2) else { return };
    let documents = format!("--send {} --then-send {}", bench.charts[0].0.display(), bench.charts[1].0.display());
    for we_send in [true, false] {
        let sender = format!("{documents} --sub 6377001 --sid 42");
        let (ours, theirs) = match we_send {
            true => (sender, "--receive got.tif".to_owned()),
            false => ("--receive got.tif".to_owned(), sender),
        };
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let told = if we_send { call.theirs() } else { call.result.clone() };
        assert_eq!((&told["remote_sub"], &told["remote_sid"]), (&"6377001".into(), &"42".into()), "{}", call.story());
        let received = call.pages();
        assert_eq!(received.len(), 2, "{}", call.story());
        for (received, (_, sent)) in received.iter().zip(&bench.charts) {
            assert!(received.bitmap == sent.bitmap, "pels differ\n{}", call.story());
        }
    }
}

#[test]
fn a_caller_without_our_password_is_sent_away() {
    let Some(bench) = bench(1) else { return };
    // The peer gives its password only when it polls.
    let call = bench.we_receive(1, "--expect-pwd 1234", "--pwd 1234", "");
    call.assert_failed("no password", "password_refused");
    assert_eq!(call.theirs()["ok"], false, "{}", call.story());
    assert_eq!(call.pages().len(), 0, "{}", call.story());
}
