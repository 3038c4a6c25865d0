//! What a notice says to people.

use jiff::{Timestamp, fmt::rfc2822};
use mail_builder::{headers::content_type::ContentType, mime::MimePart};

use super::{Group, News};
use crate::store::Untold;

pub(super) fn subject(group: &Group<'_>, news: News) -> String {
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

pub(super) fn for_people<'a>(group: &Group<'_>, news: News, thumbnail: Option<&[u8]>) -> MimePart<'a> {
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

pub(super) fn date(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default()
}
