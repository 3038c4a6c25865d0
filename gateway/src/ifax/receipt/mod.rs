//! Notices to the sender of an e-mail that was to be faxed: DSN (RFC 3464) and MDN (RFC 8098).
//!
//! Which one: who wrote NOTIFY gets a delivery status notification, as RFC 3461 wants. Otherwise a failure is told by a
//! disposition notification `processed/error`, RFC 4160 3.4, and success only to who asked for it by
//! Disposition-Notification-To. Nobody gets a notice whose return path is null, and none has one.

mod fields;
mod mail;
#[cfg(test)]
mod tests;
mod words;

use super::negotiation::Wish;
use crate::{
    config::Notices,
    smtp::notify,
    store::{NewMail, Untold},
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
