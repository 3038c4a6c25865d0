//! What happens, for who watches: the demo, logs.

use std::{path::PathBuf, sync::Arc};

use answertone_t30::{image::Page, session::Progress};
use tokio::sync::mpsc::UnboundedSender;

use super::call::{Ended, Way};

/// One thing that happened.
pub enum Happening {
    /// A message was taken.
    MailIn {
        /// Its row.
        message: i64,
        /// Its return path.
        from: String,
        /// Faxes to be sent for it.
        jobs: usize,
        /// Faxes it asks for that exist already.
        duplicates: usize,
    },
    /// It is paper now.
    Rendered {
        /// The job.
        job: i64,
        /// Pages.
        pages: usize,
    },
    /// A call begins.
    Dialling {
        /// The job.
        job: i64,
        /// International number.
        number: String,
        /// What is dialled for it.
        dialled: String,
        /// The line.
        line: String,
        /// Which attempt.
        attempt: i64,
        /// The pages of this call, with their header line.
        pages: Vec<Arc<Page>>,
        /// The recording, if one is made.
        recording: Option<PathBuf>,
    },
    /// A call comes in.
    Answering {
        /// The fax.
        fax: i64,
        /// The line.
        line: String,
    },
    /// Where a call stands.
    Progress(Way, Progress),
    /// A page was confirmed by the far machine.
    PageSent {
        /// The job.
        job: i64,
        /// The page, from 1.
        number: usize,
    },
    /// A page came in and is on disk.
    PageKept {
        /// The fax.
        fax: i64,
        /// The page, from 1.
        number: usize,
    },
    /// A call is over.
    CallEnded(Way, Box<Ended>),
    /// A job is over or waits.
    JobState {
        /// The job.
        job: i64,
        /// `done`, `failed` or `waiting`.
        state: &'static str,
        /// Why.
        said: String,
    },
    /// A mail was handed to the relay.
    MailOut {
        /// `fax`, `notice` or `mail`.
        kind: String,
        /// To whom.
        recipient: String,
    },
}

/// To who watches, if anybody.
pub(super) struct Happenings(pub(super) Option<UnboundedSender<Happening>>);

impl Happenings {
    pub(super) fn tell(&self, happening: Happening) {
        if let Some(to) = &self.0 {
            // A watcher that has gone away is no reason to stop.
            let _ = to.send(happening);
        }
    }
}
