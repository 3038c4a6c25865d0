//! The program as a daemon: mail in by SMTP, a call between its own off-ramp and on-ramp, mail out by SMTP, with everything
//! that can go wrong on the way. Real processes, real sockets, a real store.

mod daemon;
mod injected;
mod mail;
mod pages;
mod postgres;

use std::{process::Command, time::Duration};

use answertone_gateway::store::Store;
use daemon::{Gateway, PROGRAM, Sink, wait_for};
use mail::{attachment, submit, text_mail};
use pages::{Seen, crafted_tiff, fax_pages, rendered, small_tiff};

const NUMBER: &str = "FAX=+15550100@fax.example";

#[test]
fn mail_goes_in_and_comes_out_as_a_fax_with_a_notice_of_delivery() {
    let sink = Sink::new();
    let gateway = Gateway::start(&sink, "");
    let mail = text_mail("whole-way", "The page that goes all the way.");
    let reply =
        submit(gateway.port, "me@office.example", NUMBER, " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;me@x", &mail).unwrap();
    assert!(reply.starts_with("250 2.0.0"), "{reply}");
    wait_for("fax and notice", || sink.count() == 2);
    let fax = sink.find("Message-Context: fax-message").expect("the fax");
    let expected = rendered(&mail);
    assert_eq!(fax_pages(&fax), expected);
    let notice = sink.find("report-type").expect("the notice");
    assert!(notice.contains("Action: delivered") && notice.contains("Original-Recipient: rfc822; me@x"), "{notice}");
}

#[test]
fn a_copy_of_a_mail_is_faxed_once() {
    let sink = Sink::new();
    let gateway = Gateway::start(&sink, "");
    let mail = text_mail("copy", "Only once, please.");
    submit(gateway.port, "me@office.example", NUMBER, "", &mail).unwrap();
    let second = submit(gateway.port, "me@office.example", NUMBER, "", &mail).unwrap();
    assert!(second.contains("1 sent before"), "{second}");
    wait_for("the fax", || sink.count() == 1);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(sink.count(), 1);
}

#[test]
fn mail_waits_for_a_relay_that_is_away() {
    let port = Sink::free_port();
    let gateway = Gateway::start_with_relay(port, "");
    submit(gateway.port, "me@office.example", NUMBER, "", &text_mail("away", "Patience.")).unwrap();
    wait_for("a failed attempt", || gateway.queue().contains("\"waiting\""));
    let sink = Sink::at(port);
    wait_for("the fax", || sink.count() == 1);
    wait_for("an empty queue", || gateway.queue().contains("\"mail\": []"));
}

#[test]
fn bad_documents_end_in_one_clear_notice_and_a_failed_job() {
    let sink = Sink::new();
    let gateway = Gateway::start(&sink, "");
    let truncated = small_tiff();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "not-tiff",
            attachment("not-tiff", "image/tiff", "a.tif", b"these are not the pels you are looking for"),
            "says it is a TIFF but is not",
        ),
        (
            "cut-tiff",
            attachment("cut-tiff", "image/tiff", "a.tif", &truncated[..truncated.len() / 2]),
            "the TIFF cannot be read",
        ),
        (
            "long-tiff",
            attachment("long-tiff", "image/tiff", "a.tif", &crafted_tiff(100_000, 1)),
            "100000 x 1 pels is not the shape of a page",
        ),
        (
            "locked-pdf",
            attachment("locked-pdf", "application/pdf", "a.pdf", include_bytes!("data/locked.pdf")),
            "locked with a password",
        ),
        (
            "unknown",
            attachment("unknown", "application/zip", "a.zip", b"PK\x03\x04"),
            "application/zip cannot be printed",
        ),
        ("nothing", text_mail("nothing", " "), "nothing to print"),
    ];
    for (index, (name, mail, said)) in cases.iter().enumerate() {
        submit(gateway.port, "me@office.example", NUMBER, "", mail).unwrap();
        wait_for(name, || sink.count() == index + 1);
        let notice = sink.last();
        let plain = notice.replace("=\r\n", "").replace("\r\n", " ");
        assert!(plain.contains(said), "{name}: {notice}");
        assert!(notice.contains("processed/error") && notice.contains(&format!("<{name}@test>")), "{name}: {notice}");
    }
    let queue = gateway.queue();
    assert_eq!(queue.matches("\"state\": \"failed\"").count(), cases.len(), "{queue}");
}

#[test]
fn nobody_is_told_of_a_failure_whose_return_path_is_null() {
    let sink = Sink::new();
    let gateway = Gateway::start(&sink, "");
    submit(gateway.port, "", NUMBER, "", &text_mail("null", " ")).unwrap();
    wait_for("the failed job", || gateway.queue().contains("\"failed\""));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(sink.count(), 0);
}

#[test]
fn recipients_that_are_no_fax_numbers_here_are_refused_by_name() {
    let sink = Sink::new();
    let gateway = Gateway::start(&sink, "");
    for (recipient, said) in [
        ("john@fax.example", "550 5.1.1"),
        ("VOICE=+15550100@fax.example", "550 5.1.1"),
        ("FAX=5550100@fax.example", "country code"),
        ("FAX=+1555CALL@fax.example", "550 5.1.3"),
        ("FAX=+15550100@elsewhere.example", "550 5.7.1 elsewhere.example is not a domain of this gateway"),
    ] {
        let refusal = submit(gateway.port, "me@office.example", recipient, "", &text_mail("x", "x")).unwrap_err();
        assert!(refusal.contains(said), "{recipient}: {refusal}");
    }
    let closed = Gateway::start(&sink, "allowed_senders = [\"192.0.2.0/24\"]");
    let refusal = submit(closed.port, "me@office.example", NUMBER, "", &text_mail("x", "x")).unwrap_err();
    assert!(refusal.contains("550 5.7.1 127.0.0.1 may not have faxes sent"), "{refusal}");
}

#[test]
fn what_cannot_be_started_says_why_in_one_line() {
    let sink = Sink::new();
    let running = Gateway::start(&sink, "");
    let fails = |config: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("answertone.toml");
        std::fs::write(&path, config).unwrap();
        let output = Command::new(PROGRAM).args(["serve", "--config"]).arg(&path).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        said
    };
    let store = tempfile::tempdir().unwrap();
    let port = running.port;
    let busy = fails(&format!("[smtp]\nlisten = [\"127.0.0.1:{port}\"]\n[store]\ndir = {:?}\n", store.path()));
    assert!(
        busy.contains(&format!("smtp.listen = 127.0.0.1:{port}")) && busy.contains("choose another address"),
        "{busy}"
    );
    let typo = fails("[smtp]\nlissten = []\n");
    assert!(typo.contains("answertone.toml:2: unknown key `lissten`"), "{typo}");
    let unusable = fails("[store]\ndir = \"/proc/no/store\"\n");
    assert!(unusable.contains("store folder /proc/no/store") && unusable.contains("store.dir"), "{unusable}");
    let taken = fails(&format!("[smtp]\nlisten = [\"127.0.0.1:0\"]\n[store]\ndir = {:?}\n", running.store()));
    assert!(taken.contains("in use by another answertone"), "{taken}");
}

#[test]
fn a_full_disk_is_told_as_452_and_what_fits_still_goes() {
    let sink = Sink::new();
    let gateway = Gateway::start_with_largest_file(&sink, 2 << 20);
    let large = text_mail("large", &"a line of the large message\r\n".repeat(200_000));
    let refusal = submit(gateway.port, "me@office.example", NUMBER, "", &large).unwrap_err();
    assert!(refusal.contains("452 4.3.1"), "{refusal}");
    submit(gateway.port, "me@office.example", NUMBER, "", &text_mail("small", "This fits.")).unwrap();
    wait_for("the small fax", || sink.count() == 1);
}

#[test]
fn a_disk_that_fills_in_mid_call_leaves_pages_unconfirmed_and_they_come_again() {
    const PAGES: usize = 8;
    let sink = Sink::new();
    let gateway = Gateway::start_on_small_disk(&sink);
    if !gateway.fill_disk(false) {
        return answertone_vectors::not_run(1, "there is no prlimit here");
    }
    let text: Vec<String> = (1..=PAGES).map(|page| format!("Page {page} of a long letter.")).collect();
    let mail = text_mail("filling", &text.join("\x0c"));
    submit(gateway.port, "me@office.example", NUMBER, "", &mail).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(&gateway.store())).unwrap();
    let kept = || runtime.block_on(store.fax_pages(1)).map_or(0, |pages| pages.len());
    wait_for("the first page", || kept() > 0);
    assert!(gateway.fill_disk(true));
    let kept_in_time = kept();
    std::thread::sleep(Duration::from_secs(2));
    assert!(gateway.fill_disk(false));
    wait_for("both faxes", || sink.count() >= 2);
    let mails = sink.distinct();
    let (first, second) = (&mails[0], &mails[1]);
    assert!(first.contains("Subject: Incomplete fax"), "{first}");
    assert!(second.contains("Message-Context: fax-message") && !second.contains("Incomplete"), "{second}");
    let (first, second) = (fax_pages(first), fax_pages(second));
    // A page may be on disk and yet in doubt: at most that one comes twice.
    assert!((kept_in_time..=kept_in_time + 1).contains(&first.len()), "{} of {kept_in_time} kept", first.len());
    assert!(first.len() + second.len() <= PAGES + 1);
    let expected = rendered(&mail);
    assert_eq!(first, expected[..first.len()]);
    assert_eq!(second, expected[PAGES - second.len()..]);
}

#[test]
fn sigterm_ends_it_with_success() {
    let sink = Sink::new();
    let mut gateway = Gateway::start(&sink, "");
    assert!(gateway.terminate().success());
}

/// The gateway is killed at moments all over its work, again and again. A page that the on-ramp had on disk when the
/// off-ramp had not yet written down its confirmation is in doubt, and by T.30 it is sent again: exactly those may come
/// twice, no other page, and none may be missing.
#[test]
fn killed_at_any_moment_it_loses_no_page_and_repeats_none() {
    const KILLS: u64 = 24;
    const MESSAGES: u64 = 8;
    let sink = Sink::new();
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut seen = Seen::default();
    let mut unsent: Vec<Vec<u8>> = (0..MESSAGES)
        .map(|n| text_mail(&format!("kill-{n}"), &format!("Message {n}, first\x0cMessage {n}, second")))
        .collect();
    for (n, mail) in unsent.iter().enumerate() {
        seen.expect(n as i64, rendered(mail));
    }
    unsent.reverse();
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for kill in 0..KILLS {
        let mut gateway = Gateway::start_in(dir.path(), sink.port, "");
        if kill % 3 == 0
            && let Some(mail) = unsent.last()
            && submit(gateway.port, "me@office.example", NUMBER, "", mail).is_ok()
        {
            unsent.pop();
        }
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(chance >> 33 & 0xff));
        gateway.kill();
        runtime.block_on(async {
            let store = Store::open(&dir.path().join("store")).await.unwrap();
            seen.note_doubts(&store).await;
            store.close().await;
        });
    }
    let gateway = Gateway::start_in(dir.path(), sink.port, "");
    while let Some(mail) = unsent.pop() {
        submit(gateway.port, "me@office.example", NUMBER, "", &mail).unwrap();
    }
    wait_for("an empty queue", || gateway.queue().contains("\"jobs\": []") && gateway.queue().contains("\"mail\": []"));
    for mail in sink.distinct() {
        seen.arrived(&fax_pages(&mail));
        // What the caller ended is complete; only a kill makes it less.
        let cut_short = mail.replace("=\r\n", "").contains("the gateway stopped during the call");
        assert_eq!(mail.contains("Subject: Incomplete fax"), cut_short, "{mail}");
    }
    println!(
        "{KILLS} kills, {} pages in doubt, {} mails handed over twice",
        seen.doubts(),
        sink.count() - sink.distinct().len()
    );
    seen.judge();
}
