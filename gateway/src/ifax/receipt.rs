//! Notices to the sender of an e-mail that was to be faxed: DSN (RFC 3464) and MDN (RFC 8098).
//!
//! Which one: who wrote NOTIFY gets a delivery status notification, as RFC 3461 wants. Otherwise a failure is told by a
//! disposition notification `processed/error`, RFC 4160 3.4, and success only to who asked for it by
//! Disposition-Notification-To. Nobody gets a notice whose return path is null, and none has one.

use jiff::{Timestamp, fmt::rfc2822};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, raw::Raw},
    mime::MimePart,
};

use crate::{
    smtp::notify,
    store::{Job, MailKind, NewMail},
};

/// How a job ended, as told to its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// RFC 3463.
    pub status: &'static str,
    /// For people, and as diagnostic.
    pub text: String,
    /// Pages of the message, if it was rendered.
    pub pages: Option<usize>,
    /// Whether all of them arrived.
    pub delivered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dsn,
    Mdn,
}

/// The notice of a job, if one is due.
pub fn notice(job: &Job, result: &Result, hostname: &str, from: &str) -> Option<NewMail> {
    let kind = due(job, result)?;
    let recipient = if kind == Kind::Mdn && result.delivered { job.mdn_to.clone()? } else { job.mail_from.clone() };
    let raw = write(job, result, kind, hostname, from, &recipient);
    Some(NewMail { kind: MailKind::Notice(job.id), mail_from: String::new(), recipient, raw })
}

fn due(job: &Job, result: &Result) -> Option<Kind> {
    let asked = |bit: u64| job.notify as u64 & bit != 0;
    if job.mail_from.is_empty() || asked(notify::NEVER) {
        return None;
    }
    match (result.delivered, job.notify) {
        (true, 0) => mdn_may_be_sent(job).then_some(Kind::Mdn),
        (true, _) if asked(notify::SUCCESS) => Some(Kind::Dsn),
        (true, _) => mdn_may_be_sent(job).then_some(Kind::Mdn),
        (false, 0) => Some(Kind::Mdn),
        (false, _) if asked(notify::FAILURE) => Some(Kind::Dsn),
        (false, _) => None,
    }
}

/// RFC 8098 2.1: not by itself when the address asked for is not the return path.
fn mdn_may_be_sent(job: &Job) -> bool {
    job.mdn_to.as_ref().is_some_and(|to| to.eq_ignore_ascii_case(&job.mail_from))
}

fn write(job: &Job, result: &Result, kind: Kind, hostname: &str, from: &str, recipient: &str) -> Vec<u8> {
    let (report, machine_type, machine) = match kind {
        Kind::Dsn => ("delivery-status", "message/delivery-status", delivery_status(job, result, hostname)),
        Kind::Mdn => {
            ("disposition-notification", "message/disposition-notification", disposition(job, result, hostname))
        }
    };
    let original = match (kind == Kind::Dsn && job.return_full, std::str::from_utf8(&job.raw)) {
        (true, Ok(whole)) => MimePart::new(ContentType::new("message/rfc822"), whole.to_owned()),
        _ => MimePart::new(ContentType::new("text/rfc822-headers"), headers(&job.raw)),
    };
    let parts = vec![
        MimePart::new(ContentType::new("text/plain").attribute("charset", "utf-8"), for_people(job, result)),
        MimePart::new(ContentType::new(machine_type), machine).transfer_encoding("7bit"),
        original,
    ];
    let verb = if result.delivered { "Fax delivered" } else { "Fax not delivered" };
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(Some("Answertone fax gateway"), from.to_owned()))
        .to(recipient.to_owned())
        .subject(format!("{verb}: {}", job.number))
        .date(Timestamp::now().as_second())
        .message_id(format!("notice.{}.{}@{hostname}", job.id, job.attempts))
        .header("Auto-Submitted", Raw::new("auto-replied"));
    if let Some(id) = &job.message_id {
        mail = mail.in_reply_to(id.clone());
    }
    mail.body(MimePart::new(ContentType::new("multipart/report").attribute("report-type", report), parts))
        .write_to_vec()
        .expect("writing to memory")
}

fn for_people(job: &Job, result: &Result) -> String {
    let pages = result.pages.map_or_else(String::new, |pages| match pages {
        1 => "1 page ".into(),
        pages => format!("{pages} pages "),
    });
    let arrived = date(job.received_at);
    if result.delivered {
        format!("Your fax of {pages}to {} was delivered.\n\nYour message came here on {arrived}.\n", job.number)
    } else {
        let confirmed = match job.next_page {
            0 => String::new(),
            n => format!("Pages before page {} had been delivered.\n", n + 1),
        };
        format!(
            "Your fax {pages}to {} could not be delivered.\n\n{}\n{confirmed}\nYour message came here on {arrived}; {}.\n",
            job.number,
            result.text,
            if job.attempts == 1 {
                "one attempt was made".into()
            } else {
                format!("{} attempts were made", job.attempts)
            },
        )
    }
}

/// RFC 3464 2.
fn delivery_status(job: &Job, result: &Result, hostname: &str) -> String {
    let mut lines = vec![format!("Reporting-MTA: dns; {hostname}")];
    lines.extend(job.envelope_id.as_ref().map(|id| format!("Original-Envelope-Id: {}", printable(id))));
    lines.push(format!("Arrival-Date: {}", date(job.received_at)));
    lines.push(String::new());
    lines.extend(original_recipient(job));
    lines.push(format!("Final-Recipient: rfc822; {}", printable(&job.recipient)));
    lines.push(format!("Action: {}", if result.delivered { "delivered" } else { "failed" }));
    lines.push(format!("Status: {}", result.status));
    if !result.delivered {
        lines.push(format!("Diagnostic-Code: x-fax; {}", printable(&result.text)));
    }
    lines.push(format!("Last-Attempt-Date: {}", date(crate::store::now())));
    lines.push(format!("Final-Log-ID: job-{}", job.id));
    lines.join("\r\n") + "\r\n"
}

/// RFC 8098 3.
fn disposition(job: &Job, result: &Result, hostname: &str) -> String {
    let mut lines = vec![format!("Reporting-UA: {hostname}; Answertone"), format!("MDN-Gateway: dns; {hostname}")];
    lines.extend(original_recipient(job));
    lines.push(format!("Final-Recipient: rfc822; {}", printable(&job.recipient)));
    lines.extend(job.message_id.as_ref().map(|id| format!("Original-Message-ID: <{}>", printable(id))));
    let modifier = if result.delivered { "" } else { "/error" };
    lines.push(format!("Disposition: automatic-action/MDN-sent-automatically; processed{modifier}"));
    if !result.delivered {
        lines.push(format!("Error: {} {}", result.status, printable(&result.text)));
    }
    lines.join("\r\n") + "\r\n"
}

/// ORCPT with its address type; RFC 3461 4.2 knows rfc822 above all, and that is what is left out by some.
fn original_recipient(job: &Job) -> Option<String> {
    let orcpt = printable(job.orcpt.as_ref()?);
    let kind = if orcpt.contains(';') { "" } else { "rfc822; " };
    Some(format!("Original-Recipient: {kind}{orcpt}"))
}

/// A field's value has no line ends and is ASCII, RFC 3464 2.1.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

fn date(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default()
}

/// The original's headers, bounded.
fn headers(raw: &[u8]) -> String {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").map_or(raw.len(), |at| at + 2);
    String::from_utf8_lossy(&raw[..end.min(16 * 1024)]).into_owned()
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};

    use super::*;

    fn job() -> Job {
        Job {
            id: 7,
            message: 1,
            recipient: "FAX=+12224567654@gw".into(),
            orcpt: Some("rfc822;fax@old".into()),
            notify: 0,
            number: "+12224567654".into(),
            subaddress: String::new(),
            attempts: 2,
            next_page: 1,
            mail_from: "me@example.com".into(),
            envelope_id: Some("QQ1".into()),
            return_full: false,
            message_id: Some("abc@example.com".into()),
            mdn_to: None,
            received_at: 0,
            raw: b"Subject: hello\r\nFrom: me\r\n\r\nbody".to_vec(),
        }
    }

    fn failed() -> Result {
        Result { status: "4.4.2", text: "the line was lost (phase C)".into(), pages: Some(3), delivered: false }
    }

    fn delivered() -> Result {
        Result { status: "2.0.0", text: String::new(), pages: Some(3), delivered: true }
    }

    fn parts(mail: &NewMail) -> (String, String) {
        let parsed = MessageParser::default().parse(&mail.raw).unwrap();
        let report = parsed.content_type().unwrap().attribute("report-type").unwrap().to_owned();
        let raw = String::from_utf8(mail.raw.clone()).unwrap();
        (report, raw)
    }

    #[test]
    fn failure_is_told_by_an_mdn_of_processed_error() {
        let mail = notice(&job(), &failed(), "gw", "fax@gw").unwrap();
        assert_eq!((mail.mail_from.as_str(), mail.recipient.as_str()), ("", "me@example.com"));
        let (report, raw) = parts(&mail);
        assert_eq!(report, "disposition-notification");
        assert!(raw.contains("Disposition: automatic-action/MDN-sent-automatically; processed/error"), "{raw}");
        assert!(
            raw.contains("Original-Message-ID: <abc@example.com>") && raw.contains("Error: 4.4.2 the line was lost")
        );
        assert!(raw.contains("Subject: hello") && !raw.contains("\r\n\r\nbody"));
    }

    #[test]
    fn who_asks_by_notify_gets_a_dsn() {
        let asked = Job { notify: (notify::FAILURE | notify::SUCCESS) as i64, ..job() };
        let (report, raw) = parts(&notice(&asked, &failed(), "gw", "fax@gw").unwrap());
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
        let (_, raw) = parts(&notice(&asked, &delivered(), "gw", "fax@gw").unwrap());
        assert!(raw.contains("Action: delivered\r\nStatus: 2.0.0"));
    }

    #[test]
    fn nobody_is_told_who_must_not_or_did_not_ask() {
        let null = Job { mail_from: String::new(), ..job() };
        let never = Job { notify: notify::NEVER as i64, ..job() };
        let only_success = Job { notify: notify::SUCCESS as i64, ..job() };
        for (job, result) in [(&null, failed()), (&never, failed()), (&only_success, failed()), (&job(), delivered())] {
            assert_eq!(notice(job, &result, "gw", "fax@gw"), None, "{job:?}");
        }
    }

    #[test]
    fn an_mdn_of_success_goes_only_where_the_return_path_is() {
        let asked = Job { mdn_to: Some("me@example.com".into()), ..job() };
        let (_, raw) = parts(&notice(&asked, &delivered(), "gw", "fax@gw").unwrap());
        assert!(raw.contains("MDN-sent-automatically; processed\r\n"));
        let elsewhere = Job { mdn_to: Some("you@example.com".into()), ..job() };
        assert_eq!(notice(&elsewhere, &delivered(), "gw", "fax@gw"), None);
    }
}
