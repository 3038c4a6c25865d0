//! Content negotiation, RFC 3297, seen from outside: the gateway offers other forms of the faxes it mails, and asks for better
//! forms of what it is to fax.

use std::path::Path;

use mail_builder::{
    MessageBuilder,
    headers::{content_type::ContentType, raw::Raw},
    mime::MimePart,
};
use mail_parser::{Message, MessageParser};

use crate::{
    daemon::{Gateway, Sink, operate, wait_for},
    log,
    mail::{submit, text_mail},
    pages::small_tiff,
    with,
};

const NUMBER: &str = "FAX=+15550100@fax.example";

fn parsed(raw: &str) -> Message<'_> {
    MessageParser::default().parse(raw.as_bytes()).unwrap()
}

/// What a recipient's program says of a mail.
fn disposition(original: &str, disposition: &str, accepts: &str) -> Vec<u8> {
    let fields = format!(
        "Reporting-UA: tester\r\nFinal-Recipient: rfc822;office@office.example\r\nOriginal-Message-ID: <{original}>\r\n\
         Disposition: automatic-action/MDN-sent-automatically; {disposition}\r\n{accepts}"
    );
    let parts = vec![
        MimePart::new(ContentType::new("text/plain"), "Another form, please."),
        MimePart::new(ContentType::new("message/disposition-notification"), fields).transfer_encoding("7bit"),
    ];
    let kind = ContentType::new("multipart/report").attribute("report-type", "disposition-notification");
    let mail = MessageBuilder::new().from("office@office.example").to("fax@fax.example");
    mail.body(MimePart::new(kind, parts)).write_to_vec().unwrap()
}

#[test]
fn the_gateway_offers_other_forms_of_a_fax_and_sends_the_one_that_is_preferred() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let keys = "negotiate = true\nattach = \"tiff\"\n";
    let gateway = Gateway::start_changed(dir.path(), sink.port, with("onramp", keys));
    submit(gateway.port, "me@office.example", NUMBER, "", &text_mail("offer", "The offer.")).unwrap();
    wait_for("the fax", || sink.count() == 1);
    let first = sink.last();
    let mail = parsed(&first);
    let header = |name: &str| mail.header_raw(name).unwrap_or_default().trim().to_owned();
    assert_eq!(header("Disposition-Notification-Options"), "Alternative-available=optional,permanent");
    assert_eq!(header("Disposition-Notification-To"), "fax@fax.example");
    let tiff = mail.attachment(0).unwrap();
    let of_part = |name: &str| -> Vec<String> {
        let named = tiff.headers.iter().filter(|header| header.name().eq_ignore_ascii_case(name));
        named.filter_map(|header| Some(header.value().as_text()?.split_whitespace().collect())).collect()
    };
    assert!(of_part("Content-features")[0].contains("(image-file-structure=TIFF-minimal)"), "{first}");
    assert!(of_part("Content-alternative").iter().any(|one| one.contains("(type=\"application/pdf\")")), "{first}");
    let id = mail.message_id().unwrap();
    let answer = |accepts: &str| {
        let report = disposition(id, "deleted/alternative-preferred", accepts);
        submit(gateway.port, "", "fax@fax.example", "", &report).unwrap()
    };
    let stranger = disposition("fax.1.5@fax.example", "deleted/alternative-preferred", "");
    assert!(!submit(gateway.port, "", "fax@fax.example", "", &stranger).unwrap().contains("noted"), "not ours");

    let noted = answer("Media-Accept-Features: (& (type=\"application/pdf\") (color=Binary)\r\n (dpi=[200,400]))\r\n");
    assert!(noted.contains("noted"), "{noted}");
    wait_for("what is not of ours, passed on, and the other form", || sink.count() == 3);
    let other = sink.find(&format!("Original-Message-ID: <{id}>")).expect("the other form");
    let mail = parsed(&other);
    assert_eq!(mail.header_raw("Original-Message-ID").unwrap().trim(), format!("<{id}>"));
    assert!(mail.message_id() != Some(id) && !other.contains("Alternative-available"), "{other}");
    assert!(other.contains("Disposition-Notification-To: fax@fax.example"), "{other}");
    assert!(mail.attachment(0).unwrap().contents().starts_with(b"%PDF"));

    answer("Media-Accept-Features: (type=\"audio/basic\")\r\n");
    wait_for("that there is none", || sink.count() == 4);
    let none = sink.last();
    assert!(none.contains("Alternative-not-available=required,(TRUE)"), "{none}");
    assert_eq!(parsed(&none).header_raw("Original-Message-ID").unwrap().trim(), format!("<{id}>"));
    assert_eq!(parsed(&none).attachment_count(), 0);

    answer("");
    let kept = operate(dir.path(), &["queue", "--json", "list", "--all"], "");
    assert_eq!(kept.matches("\"kind\": \"fax\"").count(), 3, "nobody makes it send more: {kept}");
}

/// A message with a TIFF that everybody can read, that says there is a finer one.
fn offering(id: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let tiff = MimePart::new(ContentType::new("image/tiff"), small_tiff())
        .header("Content-features", Raw::new("(& (color=Binary) (image-file-structure=TIFF-minimal) (dpi=200))"))
        .header("Content-alternative", Raw::new("(& (dpi=400) (dpi-xyratio=1) (image-coding=MMR))"));
    let mail = MessageBuilder::new().from("me@office.example").to(NUMBER).message_id(id.to_owned());
    let mail = mail.header("Disposition-Notification-To", Raw::new("me@office.example"));
    let mail =
        fields.iter().fold(mail, |mail, (name, value)| mail.header(name.to_string(), Raw::new(value.to_string())));
    mail.body(MimePart::new(ContentType::new("multipart/mixed"), vec![tiff])).write_to_vec().unwrap()
}

const OFFER: (&str, &str) = ("Disposition-Notification-Options", "Alternative-available=optional,transient");

fn state(folder: &Path, message: &str) -> Vec<String> {
    let rows = log(folder).into_iter().filter(|row| row["way"] == "offramp");
    let rows = rows.filter(|row| row["message_id"].as_str().is_some_and(|id| id.contains(message)));
    rows.map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_gateway_asks_for_a_better_form_and_faxes_that_or_else_what_came_first() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, with("offramp", "resolution = \"400\"\n"));
    let send = |mail: &[u8]| submit(gateway.port, "me@office.example", NUMBER, "", mail).unwrap();
    send(&offering("first@test", &[OFFER]));
    wait_for("the request", || sink.count() == 1);
    let request = sink.last();
    for part in [
        "Disposition: automatic-action/MDN-sent-automatically; deleted/alternative-preferred",
        "Original-Message-ID: <first@test>",
        "Media-Accept-Features: (|",
        "(dpi<=400)",
    ] {
        assert!(request.contains(part), "{part} is missing from {request}");
    }
    assert!(gateway.queue().contains("asked for a better form"), "{}", gateway.queue());
    let copy = send(&offering("first@test", &[OFFER]));
    assert!(copy.contains("1 sent before"), "{copy}");

    let better = text_mail("better", "The better form.");
    let better =
        [b"Original-Message-ID: <first@test>\r\nDisposition-Notification-To: me@office.example\r\n", &better[..]]
            .concat();
    assert!(send(&better).contains("1 to fax"));
    wait_for("the fax and what became of it", || sink.count() == 3);
    let receipt = sink.find("Original-Message-ID: <better@test>").expect("the last word");
    assert!(
        receipt.contains("MDN-sent-automatically; processed\r\n") && receipt.contains("Media-Accept-Features:"),
        "{receipt}"
    );
    assert_eq!(state(dir.path(), "first@test"), ["cancelled"]);
    let late = [b"Original-Message-ID: <better@test>\r\n", &text_mail("late", "Too late.")[..]].concat();
    assert!(send(&late).contains("0 to fax, 1 sent before"), "it was faxed already");

    send(&offering("second@test", &[OFFER]));
    wait_for("the second request", || sink.find("Original-Message-ID: <second@test>").is_some());
    let none = ("Disposition-Notification-Options", "Alternative-not-available=required,(TRUE)");
    send(&offering("none@test", &[none, ("Original-Message-ID", "<second@test>")]));
    wait_for("what came first, and what became of it", || sink.count() == 6);
    assert_eq!((state(dir.path(), "second@test"), state(dir.path(), "none@test")), (vec!["done".to_owned()], vec![]));
    assert!(sink.last().contains("; processed\r\n") || sink.last().contains("fax-message"), "{}", sink.last());
}

#[test]
fn what_came_first_goes_when_nothing_better_comes_and_nobody_is_asked_who_must_not_be() {
    let (sink, dir) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(dir.path(), sink.port, |text| {
        with("offramp", "resolution = \"400\"\n")(&with("", "[notices]\nnegotiate_wait_s = 1\n")(text))
    });
    let asked = |from: &str, mail: &[u8]| {
        let before = sink.count();
        submit(gateway.port, from, NUMBER, " NOTIFY=NEVER", mail).unwrap();
        wait_for("the fax", || sink.find("fax-message").is_some() && sink.count() > before);
        sink.find("deleted/alternative-preferred").is_some()
    };
    assert!(!asked("you@office.example", &offering("elsewhere@test", &[OFFER])), "the return path is another");
    assert!(!asked("me@office.example", &offering("no-offer@test", &[])));
    submit(gateway.port, "me@office.example", NUMBER, " NOTIFY=NEVER", &offering("waits@test", &[OFFER])).unwrap();
    wait_for("the request and the fax", || state(dir.path(), "waits@test") == ["done"]);
    assert!(sink.find("deleted/alternative-preferred").is_some());
}
