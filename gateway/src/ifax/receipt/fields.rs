//! What a notice says to programs: RFC 3464 and RFC 8098.

use super::{Group, News, Writer, words::date};
use crate::{
    ifax::negotiation::PREFERRED,
    store::{Untold, now},
};

impl Writer<'_> {
    /// RFC 3464 2: fields of the message, then those of each recipient.
    pub(super) fn delivery_status(&self, group: &Group<'_>, news: News) -> String {
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
            lines.push(format!("Last-Attempt-Date: {}", date(now())));
            lines.push(format!("Final-Log-ID: job-{}", job.id));
            lines.push(self.accepts());
        }
        lines.join("\r\n") + "\r\n"
    }

    /// RFC 8098 3. A notice of several recipients, which that clause does not know, has the fields of each after an
    /// empty line; the first are those of a plain one.
    pub(super) fn dispositions(&self, group: &Group<'_>, news: News) -> String {
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
