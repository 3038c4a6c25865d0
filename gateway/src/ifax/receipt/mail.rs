//! A notice as a mail: words for people, fields for programs, and the headers of what it is about.

use jiff::Timestamp;
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, raw::Raw},
    mime::MimePart,
};
use sha2::{Digest, Sha256};

use super::{
    Group, Kind, News, Writer,
    words::{for_people, subject},
};
use crate::{
    hexadecimal::hexadecimal,
    store::{MailKind, NewMail, Untold},
};

impl Writer<'_> {
    pub(super) fn notice(&self, group: &Group<'_>, news: News, thumbnail: Option<&[u8]>) -> NewMail {
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
}

impl News {
    /// A Message-ID's left side, the same for what is said again.
    fn id(self, job: &Untold) -> String {
        match self {
            // There is no job yet.
            Self::Asked => {
                let about = format!("{} {}", job.message_id.as_deref().unwrap_or_default(), job.recipient);
                format!("ask.{}", hexadecimal(&Sha256::digest(about.as_bytes())[..12]))
            }
            Self::Delayed => format!("delay.{}.{}", job.id, job.attempts),
            _ => format!("notice.{}.{}", job.id, job.attempts),
        }
    }
}

/// The original's headers, bounded.
fn headers(raw: &[u8]) -> String {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").map_or(raw.len(), |at| at + 2);
    String::from_utf8_lossy(&raw[..end.min(16 * 1024)]).into_owned()
}
