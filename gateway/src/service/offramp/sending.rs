//! What the far machine confirms, on disk as it comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use answertone_hw::Pace;
use answertone_t30::session::{DirectNews, Event};
use tokio::runtime::Handle;
use tracing::error;

use crate::{
    direct::Courier,
    service::{
        Happening, Shared,
        call::{Flag, Listener, Pending},
    },
};

/// How often it is looked whether the operator has cancelled.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// One job's pages in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) job: i64,
    /// Pages before the call's.
    first: usize,
    /// Pages in all.
    count: usize,
    /// Pages confirmed in all.
    confirmed: usize,
}

impl Part {
    pub(super) fn new(job: i64, first: usize, count: usize) -> Self {
        Self { job, first, count, confirmed: first }
    }
}

/// The part and the page of it, from 1, that a page of the call is. The first document's numbers go on over all.
fn place(parts: &[Part], number: usize) -> Option<(usize, usize)> {
    let mut at = number.checked_sub(parts.first()?.first + 1)?;
    for (index, part) in parts.iter().enumerate() {
        let pages = part.count - part.first;
        if at < pages {
            return Some((index, part.first + at + 1));
        }
        at -= pages;
    }
    None
}

/// Keeps what the far machine confirms.
pub(super) struct Sending {
    shared: Arc<Shared>,
    handle: Handle,
    parts: Vec<Part>,
    pace: Pace,
    courier: Option<Courier>,
    cancelled: Flag,
    looked: Instant,
}

impl Sending {
    pub(super) fn new(shared: Arc<Shared>, handle: Handle, parts: Vec<Part>, pace: Pace) -> Self {
        let cancelled = Flag(Arc::new(AtomicBool::new(false)));
        Self { shared, handle, parts, pace, courier: None, cancelled, looked: Instant::now() }
    }

    /// Lets documents go directly.
    pub(super) fn with_courier(self, courier: Option<Courier>) -> Self {
        Self { courier, ..self }
    }

    /// For each job how many of its pages are confirmed.
    pub(super) fn confirmed(&self) -> Vec<usize> {
        self.parts.iter().map(|part| part.confirmed).collect()
    }

    fn keep_confirmation(&self, job: i64, number: usize) {
        let shared = self.shared.clone();
        let (to, mut done) = Pending::new(self.pace);
        self.handle.spawn(async move {
            let kept = shared.store.page_confirmed(job, number).await;
            if let Err(error) = &kept {
                error!(%error, job, page = number, "a confirmed page is not on record");
            }
            let _ = to.send(());
        });
        if self.pace == Pace::Unpaced {
            let _ = done.ready();
        }
    }
}

impl Listener for Sending {
    fn event(&mut self, event: Event) {
        if let Some(courier) = &mut self.courier {
            courier.hear(&event);
        }
        if let Event::PageSent { number, verdict } = event
            && verdict.is_good()
            && let Some((part, page)) = place(&self.parts, number)
        {
            self.parts[part].confirmed = self.parts[part].confirmed.max(page);
            let job = self.parts[part].job;
            self.keep_confirmation(job, page);
            self.shared.happenings.tell(Happening::PageSent { job, number: page });
        }
    }

    fn direct(&mut self) -> Option<DirectNews> {
        self.courier.as_mut()?.news()
    }

    /// A call is ended when all of its jobs are cancelled.
    fn cancelled(&mut self) -> bool {
        if self.looked.elapsed() > LOOK_AROUND {
            self.looked = Instant::now();
            let (shared, flag) = (self.shared.clone(), self.cancelled.0.clone());
            let jobs: Vec<_> = self.parts.iter().map(|part| part.job).collect();
            self.handle.spawn(async move {
                for job in jobs {
                    if !shared.store.is_cancelled(job).await.unwrap_or(false) {
                        return;
                    }
                }
                flag.store(true, Ordering::Relaxed);
            });
        }
        self.cancelled.is_set()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_call_are_counted_over_its_jobs() {
        let parts = [Part::new(7, 2, 4), Part::new(8, 0, 1), Part::new(9, 1, 3)];
        let places: Vec<_> = (1..=8).map(|number| place(&parts, number)).collect();
        let expected = [None, None, Some((0, 3)), Some((0, 4)), Some((1, 1)), Some((2, 2)), Some((2, 3)), None];
        assert_eq!(places, expected);
        assert_eq!(place(&[], 1), None);
    }
}
