//! Who is told, and what stands in it.

use mail_parser::{MessageParser, MimeHeaders};

use super::*;
use crate::config::Config;

fn failed() -> Untold {
    Untold {
        id: 7,
        message: 1,
        recipient: "FAX=+12224567654@gw".into(),
        orcpt: Some("rfc822;fax@old".into()),
        number: "+12224567654".into(),
        state: "failed".into(),
        status: "4.4.2".into(),
        said: Some("the line was lost (phase C)".into()),
        attempts: 2,
        next_page: 1,
        page_count: Some(3),
        mail_from: "me@example.com".into(),
        envelope_id: Some("QQ1".into()),
        message_id: Some("abc@example.com".into()),
        raw: b"Subject: hello\r\nFrom: me\r\n\r\nbody".to_vec(),
        ..Untold::default()
    }
}

fn delivered() -> Untold {
    Untold { id: 8, state: "done".into(), status: "2.0.0".into(), said: None, next_page: 3, ..failed() }
}

fn writer(notices: &Notices) -> Writer<'_> {
    let wish = Wish { resolution: answertone_t30::image::Resolution::Fine, colour: false };
    Writer { hostname: "gw", from: "fax@gw", notices, wish }
}

fn told_with(jobs: &[Untold], notices: &Notices) -> ToTell {
    writer(notices).write(jobs, None)
}

fn told(jobs: &[Untold]) -> ToTell {
    told_with(jobs, &Config::default().notices)
}

fn one(job: Untold) -> (String, String) {
    let told = told(&[job]);
    let [(_, mail)] = &told.notices[..] else { panic!("not one notice") };
    assert_eq!((mail.mail_from.as_str(), mail.recipient.as_str()), ("", "me@example.com"));
    let parsed = MessageParser::default().parse(&mail.raw).unwrap();
    let report = parsed.content_type().unwrap().attribute("report-type").unwrap().to_owned();
    (report, String::from_utf8(mail.raw.clone()).unwrap())
}

#[test]
fn failure_is_told_by_an_mdn_of_processed_error() {
    let (report, raw) = one(failed());
    assert_eq!(report, "disposition-notification");
    assert!(raw.contains("Disposition: automatic-action/MDN-sent-automatically; processed/error"), "{raw}");
    assert!(raw.contains("Original-Message-ID: <abc@example.com>") && raw.contains("Error: 4.4.2 the line was lost"));
    assert!(raw.contains("MDN-Gateway: dns; gw") && raw.contains("Subject: hello") && !raw.contains("\r\n\r\nbody"));
}

#[test]
fn who_asks_by_notify_gets_a_dsn() {
    let asked = (notify::FAILURE | notify::SUCCESS) as i64;
    let (report, raw) = one(Untold { notify: asked, ..failed() });
    assert_eq!(report, "delivery-status");
    for field in [
        "Reporting-MTA: dns; gw",
        "Original-Envelope-Id: QQ1",
        "Original-Recipient: rfc822;fax@old",
        "Final-Recipient: rfc822; FAX=+12224567654@gw",
        "Action: failed",
        "Status: 4.4.2",
        "Diagnostic-Code: x-fax; the line was lost",
    ] {
        assert!(raw.contains(field), "{field} is missing from {raw}");
    }
    let (_, raw) = one(Untold { notify: asked, ..delivered() });
    assert!(raw.contains("Action: delivered\r\nStatus: 2.0.0"));
}

#[test]
fn nobody_is_told_who_must_not_or_did_not_ask() {
    let quiet = [
        Untold { mail_from: String::new(), ..failed() },
        Untold { notify: notify::NEVER as i64, ..failed() },
        Untold { notify: notify::SUCCESS as i64, ..failed() },
        Untold { is_notice: 1, ..failed() },
        delivered(),
    ];
    let told = told(&quiet);
    assert_eq!((told.notices.len(), told.quiet.len()), (0, 5));
    let silent = Notices { unasked_failures: false, ..Config::default().notices };
    assert_eq!(told_with(&[failed()], &silent).quiet, [7]);
}

#[test]
fn an_mdn_of_success_goes_only_where_the_return_path_is() {
    let asked = Untold { mdn_to: Some("me@example.com".into()), ..delivered() };
    let (_, raw) = one(asked.clone());
    assert!(raw.contains("MDN-sent-automatically; processed\r\n"));
    let elsewhere = Untold { mdn_to: Some("you@example.com".into()), ..delivered() };
    assert_eq!(told(&[elsewhere]).quiet, [8]);
    let deaf = Notices { answer_requests: false, ..Config::default().notices };
    assert_eq!(told_with(&[asked], &deaf).quiet, [8]);
}

#[test]
fn another_form_is_asked_of_whom_an_mdn_may_be_sent_to() {
    let notices = Config::default().notices;
    let asked = Untold { state: "queued".into(), mdn_to: Some("me@example.com".into()), said: None, ..failed() };
    let mail = writer(&notices).ask(&asked).unwrap();
    let raw = String::from_utf8(mail.raw).unwrap();
    assert!(
        raw.contains("MDN-sent-automatically; deleted/alternative-preferred\r\nMedia-Accept-Features: (|"),
        "{raw}"
    );
    assert!(raw.contains("Original-Message-ID: <abc@example.com>") && !raw.contains("Error:"), "{raw}");
    assert_eq!((mail.mail_from.as_str(), mail.recipient.as_str()), ("", "me@example.com"));
    let quiet = [
        Untold { mdn_to: Some("you@example.com".into()), ..asked.clone() },
        Untold { message_id: None, ..asked.clone() },
        Untold { is_notice: 1, ..asked.clone() },
        Untold { mail_from: String::new(), mdn_to: Some(String::new()), ..asked.clone() },
    ];
    assert!(quiet.iter().all(|job| writer(&notices).ask(job).is_none()));
    let off = Notices { negotiate: false, ..notices };
    assert!(writer(&off).ask(&asked).is_none());
}

#[test]
fn what_can_be_read_is_told_in_every_report() {
    for notify in [0, (notify::FAILURE | notify::SUCCESS) as i64] {
        let (_, raw) = one(Untold { notify, ..failed() });
        let field = raw.split("Media-Accept-Features: ").nth(1).unwrap();
        let lines = field.split_inclusive("\r\n");
        let folded: String = lines
            .scan(true, |first, line| {
                let goes_on = std::mem::take(first) || line.starts_with('\t');
                goes_on.then(|| line.to_owned())
            })
            .collect();
        let said = super::super::features::Features::parse(&folded).unwrap();
        assert!(said.names("image-coding", &["mmr"]) && said.most("dpi") == Some(200.0), "{folded}");
    }
}

#[test]
fn gathered_notices_are_split_by_success_and_bounded_in_recipients() {
    let asked = (notify::FAILURE | notify::SUCCESS) as i64;
    let jobs: Vec<_> =
        (0..7).map(|id| Untold { id, notify: asked, ..if id % 2 == 0 { failed() } else { delivered() } }).collect();
    let gather = Notices { gather: true, max_recipients: 3, ..Config::default().notices };
    let ids = |notices: &Notices| -> Vec<Vec<i64>> {
        told_with(&jobs, notices).notices.into_iter().map(|(ids, _)| ids).collect()
    };
    assert_eq!(ids(&gather), [vec![0, 2, 4], vec![1, 3, 5], vec![6]]);
    assert_eq!(ids(&Notices { split: false, ..gather.clone() }), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    let told = told_with(&jobs, &gather);
    let raw = String::from_utf8(told.notices[0].1.raw.clone()).unwrap();
    assert_eq!(raw.matches("Final-Recipient:").count(), 3);
    assert!(raw.contains("Subject: Fax not delivered: 3 recipients"), "{raw}");
}

#[test]
fn delay_is_told_as_delayed_and_a_thumbnail_is_shown() {
    let notices = Config::default().notices;
    let writer = writer(&notices);
    let raw = String::from_utf8(writer.delay(&Untold { state: "waiting".into(), ..failed() }).raw).unwrap();
    assert!(raw.contains("Action: delayed\r\nStatus: 4.4.1"), "{raw}");
    let shown = writer.write(&[failed()], Some(b"PNG"));
    assert!(String::from_utf8_lossy(&shown.notices[0].1.raw).contains("Content-Type: image/png"));
}
