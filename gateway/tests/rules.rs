//! What RFC 4160 and RFC 4161 ask of a gateway, seen from outside: who may send, how often it is tried, who is told of it,
//! what is in the log, who may call in and where that goes; and mail from programs that others wrote.

mod attempts;
mod clients;
mod conformance;
mod corpus;
#[allow(dead_code, reason = "shared with the other tests of the daemon")]
mod daemon;
mod gateways;
#[allow(dead_code, reason = "likewise")]
mod mail;
mod mailboxes;
mod negotiation;
mod onramp;
#[allow(dead_code, reason = "likewise")]
mod pages;
mod postgres;
mod programs;
mod queued;
mod sealed;
#[allow(dead_code, reason = "texts are for other tests")]
mod zone;

use std::path::Path;

use daemon::{Gateway, Sink, operate, wait_for};
use mail::{submit, text_mail};

const NUMBER: &str = "FAX=+15550100@fax.example";

/// Adds keys to a table of the configuration, or tables at its end.
fn with(table: &'static str, keys: &'static str) -> impl Fn(&str) -> String {
    move |text| match table {
        "" => format!("{text}{keys}"),
        _ => text.replace(&format!("[{table}]\n"), &format!("[{table}]\n{keys}")),
    }
}

fn log(folder: &Path) -> Vec<serde_json::Value> {
    operate(folder, &["log", "--json"], "").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn over(folder: &Path, jobs: usize) -> bool {
    let over = |row: &&serde_json::Value| row["way"] == "offramp" && row["notice_at"].is_i64();
    log(folder).iter().filter(over).count() == jobs
}

#[test]
fn the_sender_is_told_once_after_the_last_attempt_and_the_log_says_why() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let nobody = "[[onramp.caller]]\nnumber = \"+999*\"\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        with("", nobody)(&text.replace("attempts = 20", "attempts = 3"))
    });
    submit(gateway.port, "me@office.example", NUMBER, "", &text_mail("tried", "Let me in.")).unwrap();
    wait_for("the notice", || over(dir.path(), 1));
    assert_eq!(sink.count(), 1);
    let notice = sink.last();
    assert!(notice.contains("processed/error") && notice.contains("3 attempts were made"), "{notice}");
    let rows = log(dir.path());
    let (sent, came): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["way"] == "offramp");
    let [job] = &sent[..] else { panic!("{rows:?}") };
    assert_eq!(
        (job["state"].as_str(), job["attempts"].as_i64(), job["pages"].as_i64()),
        (Some("failed"), Some(3), Some(0))
    );
    assert!(job["status"].as_str().is_some_and(|status| !status.is_empty()) && job["cause"].is_string(), "{job}");
    assert!(job["call_begun_at"].is_i64() && job["call_ended_at"].is_i64(), "{job}");
    assert_eq!(came.len(), 3);
    assert!(came.iter().all(|fax| fax["said"].as_str().unwrap().contains("may not send")), "{came:?}");
    let csv = operate(dir.path(), &["log", "--format", "csv", "--state", "failed"], "");
    assert_eq!(csv.lines().count(), 2, "{csv}");
}

#[test]
fn one_notice_for_all_recipients_when_gathered_and_a_thumbnail_in_it() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        with("", "[notices]\ngather = true\nthumbnail = true\n")(text)
    });
    let three = format!(
        "{NUMBER}> NOTIFY=SUCCESS,FAILURE\r\nRCPT TO:<FAX=+15550101@fax.example> NOTIFY=SUCCESS\r\nRCPT TO:<FAX=+15550102@fax.example"
    );
    submit_many(gateway.port, &three, 3, &text_mail("gathered", "To all of you."));
    // Three faxes and one notice; who did not ask for success is not told.
    wait_for("all", || sink.count() == 4);
    let notice = sink.find("report-type").expect("the notice");
    assert_eq!(notice.matches("Action: delivered").count(), 2, "{notice}");
    assert!(notice.contains("Content-Type: image/png"), "{notice}");
}

#[test]
fn gathered_notices_tell_of_success_and_failure_apart_and_of_so_many_recipients_at_most() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = text.replace("attempts = 20", "attempts = 1");
        let text = with("onramp", "unrouted = \"refuse\"\n")(&text);
        let text = with("", "[[onramp.route]]\nsubaddress = \"1\"\nmailboxes = [\"office@office.example\"]\n")(&text);
        with("", "[notices]\ngather = true\nmax_recipients = 2\n")(&text)
    });
    let recipient = |number: u32, subaddress: u32| format!("FAX=+1555010{number}/T33S={subaddress}@fax.example");
    let five: Vec<_> =
        [1, 2, 1, 2, 2].iter().zip(0..).map(|(subaddress, number)| recipient(number, *subaddress)).collect();
    submit_many(
        gateway.port,
        &five.join("> NOTIFY=SUCCESS,FAILURE\r\nRCPT TO:<"),
        5,
        &text_mail("apart", "To all of you."),
    );
    // Two faxes, a notice of them, and of three failures one of two and one of one.
    wait_for("the faxes and the notices", || sink.count() == 5);
    let notices: Vec<_> = sink.distinct().into_iter().filter(|mail| mail.contains("report-type")).collect();
    let count = |action: &str| -> Vec<usize> {
        notices.iter().map(|mail| mail.matches(&format!("Action: {action}")).count()).filter(|n| *n > 0).collect()
    };
    assert_eq!((notices.len(), count("delivered"), count("failed")), (3, vec![2], vec![2, 1]), "{notices:?}");
}

#[test]
fn each_user_has_bounds_of_pages_numbers_and_cost() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let sender = |name: &str, bound: &str| {
        format!("[[sender]]\nname = \"{name}\"\naddress = \"{name}@office.example\"\n{bound}\n")
    };
    let tables = [
        sender("pages", "pages_per_day = 2"),
        sender("numbers", "numbers_per_day = 1"),
        sender("cost", "cost_per_day = 0.5"),
        "[[offramp.rate]]\nper_call = 0.5\n".to_owned(),
    ];
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| format!("{text}{}", tables.concat()));
    let send = |who: &str, id: &str, to: &str, text: &str| {
        submit(gateway.port, &format!("{who}@office.example"), to, "", &text_mail(id, text))
    };
    let other = "FAX=+15550101@fax.example";
    send("pages", "long", NUMBER, "One.\x0cTwo.\x0cThree.").unwrap();
    wait_for("the refusal", || sink.count() == 1);
    let said = sink.last().replace("=\r\n", "").replace("\r\n", " ");
    assert!(said.contains("has used up its pages of 24 hours (2)") && said.contains("processed/error"), "{said}");
    send("numbers", "first-number", NUMBER, "x").unwrap();
    send("numbers", "same-number", NUMBER, "x").unwrap();
    let refused = send("numbers", "other-number", other, "x").unwrap_err();
    assert!(refused.contains("450 4.7.1") && refused.contains("its numbers of 24 hours (1)"), "{refused}");
    // A call of its own: those to one number may share theirs.
    send("cost", "dear", "FAX=+15550102@fax.example", "x").unwrap();
    let cost = || {
        let rows = log(dir.path()).into_iter().filter(|row| row["sender"] == "cost@office.example");
        rows.filter_map(|row| row["cost"].as_f64()).sum::<f64>()
    };
    wait_for("the faxes and what they cost", || sink.count() == 4 && cost() >= 0.5);
    let refused = send("cost", "too-dear", other, "x").unwrap_err();
    assert!(refused.contains("its costs of 24 hours (0.5)"), "{refused}");
}

#[test]
fn html_and_several_tiffs_are_faxed_in_their_order() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, str::to_owned);
    let html = "<html><body><h1>A letter</h1><p>with <b>two</b> pictures &amp; a table</p></body></html>";
    let mail = mail_builder::MessageBuilder::new().from("me@office.example").to("fax").message_id("parts@test");
    let mail = mail.html_body(html).attachment("image/tiff", "first.tif", pages::small_tiff());
    let mail = mail.attachment("text/plain", "between.txt", "Between them.");
    let mail = mail.attachment("image/tiff", "last.tif", pages::crafted_tiff(1728, 900)).write_to_vec().unwrap();
    submit(gateway.port, "me@office.example", NUMBER, "", &mail).unwrap();
    wait_for("the fax", || sink.count() == 1);
    let (came, meant) = (pages::fax_pages(&sink.last()), pages::rendered(&mail));
    assert_eq!((came.len(), &came), (4, &meant));
    assert!(
        meant.iter().enumerate().all(|(n, page)| meant[..n].iter().all(|other| other != page)),
        "all are different"
    );
}

/// A message with several recipients, given as they are written after `RCPT TO:<`.
fn submit_many(port: u16, recipients: &str, count: usize, mail: &[u8]) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let recipients = format!("RCPT TO:<{recipients}> NOTIFY=FAILURE\r\n");
    let talk = [b"EHLO test\r\nMAIL FROM:<me@office.example>\r\n", recipients.as_bytes(), b"DATA\r\n"].concat();
    stream.write_all(&talk).unwrap();
    stream.write_all(&[mail, b"\r\n.\r\nQUIT\r\n"].concat()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains(&format!("{count} to fax")), "{said}");
}

#[test]
fn jobs_that_wait_for_one_number_go_in_one_call() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    // Hours that are over before they begin: everything waits.
    let never =
        "[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:01\"\n[[offramp.hours]]\nfrom = \"00:00\"\nto = \"00:00\"\n";
    let mut gateway = Gateway::start_changed(dir.path(), sink.port, with("", never));
    for n in 1..=3 {
        let mail = text_mail(&format!("together-{n}"), &format!("Letter {n}.\x0cIts second page."));
        submit(gateway.port, "me@office.example", NUMBER, " NOTIFY=SUCCESS", &mail).unwrap();
    }
    let postponed = || log(dir.path()).iter().filter(|row| row["state"] == "waiting").count() == 3;
    wait_for("postponed jobs", postponed);
    gateway.kill();
    for job in ["1", "2", "3"] {
        operate(dir.path(), &["queue", "retry", job], "");
    }
    let _gateway = Gateway::start_in(dir.path(), sink.port, "");
    wait_for("notices", || over(dir.path(), 3));
    let rows: Vec<_> = log(dir.path());
    let calls: Vec<_> = rows.iter().filter(|row| row["way"] == "offramp").map(|row| &row["call_begun_at"]).collect();
    assert!(calls.iter().all(|call| *call == calls[0]), "{calls:?}");
    let octets: Vec<_> = rows.iter().filter(|row| row["way"] == "offramp").map(|row| row["octets"].as_i64()).collect();
    assert!(octets.iter().all(|octets| octets.is_some_and(|octets| octets > 0)), "{octets:?}");
    assert_eq!(rows.iter().filter(|row| row["way"] == "onramp").count(), 1, "{rows:?}");
}

#[test]
fn numbers_and_senders_are_refused_by_the_tables() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let tables = "[[sender]]\nname = \"office\"\naddress = \"*@office.example\"\nnumbers = [\"+1555*\", \"+1911\"]\njobs_per_day = 1\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = with("offramp", "country_code = \"1\"\nblocked = [\"+1555666*\"]\n")(text);
        with("", tables)(&text)
    });
    let refusal = |from, to| submit(gateway.port, from, to, "", &text_mail("refused", "x")).unwrap_err();
    assert!(refusal("me@elsewhere.example", NUMBER).contains("550 5.7.1 me@elsewhere.example may not have faxes sent"));
    assert!(
        refusal("me@office.example", "FAX=+441632960000@fax.example").contains("may not have +441632960000 called")
    );
    assert!(refusal("me@office.example", "FAX=+15556660000@fax.example").contains("is blocked at this gateway"));
    assert!(refusal("me@office.example", "FAX=+1911@fax.example").contains("emergency number"));
    submit(gateway.port, "me@office.example", NUMBER, "", &text_mail("allowed", "x")).unwrap();
    let spent = refusal("me@office.example", NUMBER);
    assert!(spent.contains("450 4.7.1 office has used up its faxes of 24 hours (1)"), "{spent}");
}

#[test]
fn a_caller_keys_in_who_it_is_and_where_the_fax_goes() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let routes = "[[onramp.route]]\nkeyed = \"77\"\nuser = \"12\"\nmailboxes = [\"short@office.example\"]\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        let text = with("onramp", "proof = \"pin\"\ncollect_number = true\nofframp = \"gw.example\"\n")(text);
        with("", routes)(&text.replace("attempts = 20", "attempts = 1"))
    });
    operate(dir.path(), &["user", "set", "12", "--pin"], "4711\n");
    let keyed = |keys: &str| format!("FAX=+15550100/POSTD={keys}@fax.example");
    let send = |id: &str, keys: &str| {
        let mail = text_mail(id, "With keys.");
        submit(gateway.port, "me@office.example", &keyed(keys), " NOTIFY=SUCCESS,FAILURE", &mail).unwrap();
    };
    send("right", "12#P4711#P77#");
    wait_for("fax and notice", || sink.count() == 2);
    let fax = sink.find("Message-Context: fax-message").expect("the fax");
    assert!(fax.contains("short@office.example"), "{fax}");
    send("direct", "12#P0000#WW12#P4711#P15550199#");
    wait_for("the next", || sink.count() == 4);
    assert!(sink.find("FAX=+15550199@gw.example").is_some());
    send("wrong", "12#P4712#WW12#P4712#WW12#P4712#");
    wait_for("the refusal", || sink.count() == 5);
    assert!(sink.last().contains("Action: failed"), "{}", sink.last());
    let refused = log(dir.path()).into_iter().find(|row| row["state"] == "empty").expect("a row of the refused call");
    assert!(refused["said"].as_str().unwrap().contains("user or secret is wrong"), "{refused}");
    assert!(!std::fs::read(dir.path().join("store/answertone.sqlite")).unwrap().windows(4).any(|four| four == b"4711"));
}

#[test]
fn a_folder_s_messages_are_taken_once_and_refused_with_the_reason() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let spool = dir.path().join("spool");
    std::fs::create_dir(&spool).unwrap();
    let table = format!("[spool]\ndir = {spool:?}\n");
    let _gateway = Gateway::start_changed(dir.path(), sink.port, |text| format!("{text}{table}"));
    let mail =
        "From: me@office.example\r\nTo: FAX=+15550100@fax.example\r\nMessage-ID: <spooled@x>\r\n\r\nFrom a folder.\r\n";
    let put = |name: &str, text: &str| {
        std::fs::write(spool.join("new"), text).unwrap();
        std::fs::rename(spool.join("new"), spool.join(name)).unwrap();
    };
    put("first.eml", mail);
    wait_for("the fax", || sink.count() == 1);
    put("copy.eml", &mail.replace("To: ", "To: FAX=+15550101@fax.example, "));
    wait_for("the copy", || spool.join("done/copy.eml").exists());
    put("lost.eml", &mail.replace("fax.example", "elsewhere.example"));
    wait_for("the refusal", || spool.join("refused/lost.why").exists());
    let why = std::fs::read_to_string(spool.join("refused/lost.why")).unwrap();
    assert!(why.contains("names no address of this gateway"), "{why}");
    assert_eq!(log(dir.path()).iter().filter(|row| row["way"] == "offramp").count(), 1, "a known message is dropped");
}

#[test]
fn notices_that_cannot_be_delivered_go_to_the_administrator() {
    let (sink, dir) = (Sink::refusing("nobody@office.example"), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        with("", "[notices]\nadministrator = \"boss@office.example\"\n")(text)
    });
    submit(gateway.port, "nobody@office.example", NUMBER, "", &text_mail("empty", " ")).unwrap();
    wait_for("the administrator's mail", || sink.count() == 1);
    let mail = sink.last();
    assert!(
        mail.contains("boss@office.example") && mail.contains("Undeliverable notice: nobody@office.example"),
        "{mail}"
    );
    assert!(gateway.queue().contains("\"refused\""));
}
