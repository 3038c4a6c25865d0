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
use sha2::{Digest, Sha256};

use super::negotiation::{PREFERRED, Wish};
use crate::{
    config::Notices,
    smtp::notify,
    store::{MailKind, NewMail, Untold},
};

/// Who writes notices, and how.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The gateway.
    pub hostname: &'a str,
    /// The address they come from.
    pub from: &'a str,
    /// What the operator wants.
    pub notices: &'a Notices,
    /// What becomes of documents, which Media-Accept-Features tells, RFC 2530.
    pub wish: Wish,
}

/// What is to be told of some jobs.
#[derive(Clone, Debug, Default)]
pub struct ToTell {
    /// Notices, each with the jobs it tells of.
    pub notices: Vec<(Vec<i64>, NewMail)>,
    /// Jobs whose senders are not told.
    pub quiet: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dsn,
    Mdn,
}

/// What a notice says of all its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Delivered,
    Failed,
    /// Some and some.
    Mixed,
    Delayed,
    /// Another form of the document is preferred.
    Asked,
}

/// Jobs that share a notice.
struct Group<'a> {
    kind: Kind,
    to: String,
    delivered: bool,
    jobs: Vec<&'a Untold>,
}

impl Writer<'_> {
    /// The notices of jobs of one message that are over, RFC 4161 2.4; `thumbnail` is its first page as PNG.
    pub fn write(&self, jobs: &[Untold], thumbnail: Option<&[u8]>) -> ToTell {
        let mut told = ToTell::default();
        let mut groups: Vec<Group<'_>> = vec![];
        for job in jobs {
            match self.due(job) {
                None => told.quiet.push(job.id),
                Some((kind, to)) => self.place(&mut groups, kind, to, job),
            }
        }
        for group in groups {
            let ids = group.jobs.iter().map(|job| job.id).collect();
            told.notices.push((ids, self.notice(&group, group.news(), thumbnail)));
        }
        told
    }

    /// The notice that a job still waits, RFC 3461 4.1.
    pub fn delay(&self, job: &Untold) -> NewMail {
        let group = Group { kind: Kind::Dsn, to: job.mail_from.clone(), delivered: false, jobs: vec![job] };
        self.notice(&group, News::Delayed, None)
    }

    /// The request for another form of a message, RFC 3297 6.2, if its sender may be answered so.
    pub fn ask(&self, job: &Untold) -> Option<NewMail> {
        let may = self.notices.negotiate && job.message_id.is_some() && job.is_notice == 0;
        let may = may && !job.mail_from.is_empty() && self.mdn_may_be_sent(job);
        let group = Group { kind: Kind::Mdn, to: job.mail_from.clone(), delivered: false, jobs: vec![job] };
        may.then(|| self.notice(&group, News::Asked, None))
    }

    /// Which notice a job's end calls for, and to whom.
    fn due(&self, job: &Untold) -> Option<(Kind, String)> {
        let asked = |bit: u64| job.notify as u64 & bit != 0;
        if job.mail_from.is_empty() || job.is_notice != 0 || asked(notify::NEVER) {
            return None;
        }
        let success = || self.mdn_may_be_sent(job).then(|| (Kind::Mdn, job.mdn_to.clone().unwrap_or_default()));
        match (job.state == "done", job.notify) {
            (true, 0) => success(),
            (true, _) if asked(notify::SUCCESS) => Some((Kind::Dsn, job.mail_from.clone())),
            (true, _) => success(),
            (false, 0) => {
                let told = self.notices.unasked_failures || job.mdn_to.is_some();
                told.then(|| (Kind::Mdn, job.mail_from.clone()))
            }
            (false, _) if asked(notify::FAILURE) => Some((Kind::Dsn, job.mail_from.clone())),
            (false, _) => None,
        }
    }

    /// RFC 8098 2.1: not by itself when the address asked for is not the return path.
    fn mdn_may_be_sent(&self, job: &Untold) -> bool {
        self.notices.answer_requests && job.mdn_to.as_ref().is_some_and(|to| to.eq_ignore_ascii_case(&job.mail_from))
    }

    fn place<'a>(&self, groups: &mut Vec<Group<'a>>, kind: Kind, to: String, job: &'a Untold) {
        let delivered = job.state == "done";
        let most = if self.notices.gather { self.notices.max_recipients } else { 1 };
        let fits = |group: &&mut Group<'_>| {
            group.kind == kind
                && group.to == to
                && group.jobs.len() < most
                && (group.delivered == delivered || !self.notices.split)
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.jobs.push(job),
            None => groups.push(Group { kind, to, delivered, jobs: vec![job] }),
        }
    }

    fn notice(&self, group: &Group<'_>, news: News, thumbnail: Option<&[u8]>) -> NewMail {
        let first = group.jobs[0];
        let raw = self.mail(group, news, thumbnail);
        NewMail { kind: MailKind::Notice(first.id), mail_from: String::new(), recipient: group.to.clone(), raw }
    }

    fn mail(&self, group: &Group<'_>, news: News, thumbnail: Option<&[u8]>) -> Vec<u8> {
        let (job, hostname) = (group.jobs[0], self.hostname);
        let (report, machine_type, machine) = match group.kind {
            Kind::Dsn => ("delivery-status", "message/delivery-status", self.delivery_status(group, news)),
            Kind::Mdn => {
                ("disposition-notification", "message/disposition-notification", self.dispositions(group, news))
            }
        };
        let original = match (group.kind == Kind::Dsn && job.return_full != 0, std::str::from_utf8(&job.raw)) {
            (true, Ok(whole)) => MimePart::new(ContentType::new("message/rfc822"), whole.to_owned()),
            _ => MimePart::new(ContentType::new("text/rfc822-headers"), headers(&job.raw)),
        };
        let parts = vec![
            for_people(group, news, thumbnail),
            MimePart::new(ContentType::new(machine_type), machine).transfer_encoding("7bit"),
            original,
        ];
        let mut mail = MessageBuilder::new()
            .from(Address::new_address(Some("Answertone fax gateway"), self.from.to_owned()))
            .to(group.to.clone())
            .subject(subject(group, news))
            .date(Timestamp::now().as_second())
            .message_id(format!("{}@{hostname}", news.id(job)))
            .header("Auto-Submitted", Raw::new("auto-replied"));
        if let Some(id) = &job.message_id {
            mail = mail.in_reply_to(id.clone());
        }
        mail.body(MimePart::new(ContentType::new("multipart/report").attribute("report-type", report), parts))
            .write_to_vec()
            .expect("writing to memory")
    }

    /// RFC 3464 2: fields of the message, then those of each recipient.
    fn delivery_status(&self, group: &Group<'_>, news: News) -> String {
        let job = group.jobs[0];
        let mut lines = vec![format!("Reporting-MTA: dns; {}", self.hostname)];
        lines.extend(job.envelope_id.as_ref().map(|id| format!("Original-Envelope-Id: {}", printable(id))));
        lines.push(format!("Arrival-Date: {}", date(job.received_at)));
        for job in &group.jobs {
            lines.push(String::new());
            lines.extend(original_recipient(job));
            lines.push(format!("Final-Recipient: rfc822; {}", printable(&job.recipient)));
            lines.push(format!("Action: {}", action(job, news)));
            lines.push(format!("Status: {}", status(job, news)));
            lines.extend(diagnostic(job).map(|said| format!("Diagnostic-Code: x-fax; {said}")));
            lines.push(format!("Last-Attempt-Date: {}", date(crate::store::now())));
            lines.push(format!("Final-Log-ID: job-{}", job.id));
            lines.push(self.accepts());
        }
        lines.join("\r\n") + "\r\n"
    }

    /// RFC 8098 3. A notice of several recipients, which that clause does not know, has the fields of each after an
    /// empty line; the first are those of a plain one.
    fn dispositions(&self, group: &Group<'_>, news: News) -> String {
        let each: Vec<_> = group.jobs.iter().map(|job| self.disposition(job, news)).collect();
        each.join("\r\n")
    }

    fn disposition(&self, job: &Untold, news: News) -> String {
        let hostname = self.hostname;
        let mut lines = vec![format!("Reporting-UA: {hostname}; Answertone"), format!("MDN-Gateway: dns; {hostname}")];
        lines.extend(original_recipient(job));
        lines.push(format!("Final-Recipient: rfc822; {}", printable(&job.recipient)));
        lines.extend(job.message_id.as_ref().map(|id| format!("Original-Message-ID: <{}>", printable(id))));
        let disposition = match (news, job.state.as_str()) {
            (News::Asked, _) => PREFERRED,
            (_, "done") => "processed",
            _ => "processed/error",
        };
        lines.push(format!("Disposition: automatic-action/MDN-sent-automatically; {disposition}"));
        lines.push(self.accepts());
        lines.extend(diagnostic(job).map(|said| format!("Error: {} {said}", job.status)));
        lines.join("\r\n") + "\r\n"
    }

    fn accepts(&self) -> String {
        format!("Media-Accept-Features: {}", self.wish.features())
    }
}

impl Group<'_> {
    fn news(&self) -> News {
        match self.jobs.iter().filter(|job| job.state == "done").count() {
            0 => News::Failed,
            n if n == self.jobs.len() => News::Delivered,
            _ => News::Mixed,
        }
    }
}

impl News {
    /// A Message-ID's left side, the same for what is said again.
    fn id(self, job: &Untold) -> String {
        match self {
            // There is no job yet.
            Self::Asked => {
                let about = format!("{} {}", job.message_id.as_deref().unwrap_or_default(), job.recipient);
                let sum = Sha256::digest(about.as_bytes());
                sum.iter().take(12).fold("ask.".to_owned(), |text, octet| text + &format!("{octet:02x}"))
            }
            Self::Delayed => format!("delay.{}.{}", job.id, job.attempts),
            _ => format!("notice.{}.{}", job.id, job.attempts),
        }
    }
}

fn action(job: &Untold, news: News) -> &'static str {
    match (news, job.state.as_str()) {
        (News::Delayed, _) => "delayed",
        (_, "done") => "delivered",
        _ => "failed",
    }
}

fn status(job: &Untold, news: News) -> &str {
    if news == News::Delayed { "4.4.1" } else { &job.status }
}

fn diagnostic(job: &Untold) -> Option<String> {
    let said = job.said.as_deref().filter(|said| !said.is_empty() && job.state != "done")?;
    Some(printable(said))
}

fn subject(group: &Group<'_>, news: News) -> String {
    let verb = match news {
        News::Delivered => "Fax delivered",
        News::Failed => "Fax not delivered",
        News::Mixed => "Fax delivered in part",
        News::Delayed => "Fax delayed",
        News::Asked => "A better form of your fax, please",
    };
    match &group.jobs[..] {
        [job] => format!("{verb}: {}", job.number),
        jobs => format!("{verb}: {} recipients", jobs.len()),
    }
}

fn for_people<'a>(group: &Group<'_>, news: News, thumbnail: Option<&[u8]>) -> MimePart<'a> {
    let said: Vec<_> = group.jobs.iter().map(|job| sentences(job, news)).collect();
    let arrived = format!("Your message came here on {}.\n", date(group.jobs[0].received_at));
    let text = format!("{}\n{arrived}", said.join("\n"));
    let text = MimePart::new(ContentType::new("text/plain").attribute("charset", "utf-8"), text);
    match thumbnail {
        None => text,
        Some(png) => {
            let picture = MimePart::new(ContentType::new("image/png"), png.to_vec()).inline();
            MimePart::new(ContentType::new("multipart/mixed"), vec![text, picture])
        }
    }
}

fn sentences(job: &Untold, news: News) -> String {
    let pages = match job.page_count {
        None => String::new(),
        Some(1) => "of 1 page ".into(),
        Some(pages) => format!("of {pages} pages "),
    };
    let attempts = match job.attempts {
        1 => "One attempt was made".into(),
        n => format!("{n} attempts were made"),
    };
    let confirmed = match job.next_page {
        0 => String::new(),
        n => format!("Pages before page {} had been delivered.\n", n + 1),
    };
    let said = job.said.as_deref().unwrap_or_default();
    match (news, job.state.as_str()) {
        (News::Delayed, _) => format!(
            "Your fax {pages}to {} has not been delivered yet.\n{said}\n{confirmed}{attempts}; the next is due on {}. \
             You need not send it again.\n",
            job.number,
            date(job.due_at)
        ),
        (News::Asked, _) => format!(
            "Your fax to {} is here, and your message says that there are better forms of it. Please send the one that fits \
             best. If none comes by {}, what is here goes as it is.\n",
            job.number,
            date(job.due_at)
        ),
        (_, "done") => format!("Your fax {pages}to {} was delivered.\n", job.number),
        _ => format!("Your fax {pages}to {} could not be delivered.\n\n{said}\n{confirmed}{attempts}.\n", job.number),
    }
}

/// ORCPT with its address type; RFC 3461 4.2 knows rfc822 above all, and that is what is left out by some.
fn original_recipient(job: &Untold) -> Option<String> {
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
        assert!(
            raw.contains("Original-Message-ID: <abc@example.com>") && raw.contains("Error: 4.4.2 the line was lost")
        );
        assert!(
            raw.contains("MDN-Gateway: dns; gw") && raw.contains("Subject: hello") && !raw.contains("\r\n\r\nbody")
        );
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
}
