//! Calls as they are now, for who looks on: written by the thread that owns a call, read by anybody at any time.
//!
//! ```text
//!  engine ── look, 4 times a second ──▶ Glance, Sheet (atomics of one writer) ◀── page, control interface, metrics
//!  service ── begins, ends ──▶ Board
//! ```
//!
//! Nothing here can hold a call up: the writer stores numbers and never waits, and a reader that sees half of a change
//! sees the rest a moment later. The board's lock is taken at a call's begin and end only, never between its blocks.

mod glance;
mod sheet;

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use answertone_t30::{image::Page, session::Session, time::LineTime};
pub use glance::{Glance, PacketsSeen, Seen};
pub use sheet::Sheet;

use crate::engine::Means;

/// What is known of a call before its first block.
#[derive(Clone, Debug, Default)]
pub struct Placed {
    /// By which it is known everywhere: in logs, on the page, of its recording.
    pub id: String,
    /// The line.
    pub line: String,
    /// The number called, or the one that called; empty when it is not told.
    pub number: String,
    /// The job of a call that we made.
    pub job: Option<i64>,
    /// Jobs that go after it in the same call.
    pub companions: Vec<i64>,
    /// The fax of a call that we answered.
    pub fax: Option<i64>,
    /// Pages to be sent.
    pub pages: Vec<Arc<Page>>,
    /// Pages of them that went in earlier calls: the first one's number, counted from 0.
    pub first: usize,
    /// When it began, milliseconds since 1970.
    pub begun_at: i64,
}

impl Placed {
    /// Whether that job goes in the call.
    pub fn sends(&self, job: i64) -> bool {
        self.job == Some(job) || self.companions.contains(&job)
    }
}

/// A call under way.
pub struct LiveCall {
    /// What was known before.
    pub placed: Placed,
    /// Where it stands.
    pub glance: Glance,
    /// The page coming in.
    pub sheet: Sheet,
    hang_up: AtomicBool,
}

impl LiveCall {
    /// Writes down what is seen. For the thread that owns the call.
    pub fn look(&self, session: &Session, at: LineTime, by: &Means<'_>) {
        self.glance.write(session, at, by);
        if let Some(rows) = session.rows_in_hand() {
            self.sheet.write(session.progress().page, rows, session.report().terms.map(|terms| terms.resolution));
        }
    }

    /// Asks for the call's end.
    pub fn hang_up(&self) {
        self.hang_up.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_to_end(&self) -> bool {
        self.hang_up.load(Ordering::Relaxed)
    }

    /// The page that is being sent, and how many rows of it have gone.
    pub fn sending(&self) -> Option<(&Page, u32)> {
        let seen = self.glance.read();
        let index = (seen.page as usize).checked_sub(self.placed.first + 1)?;
        self.placed.pages.get(index).map(|page| (&**page, seen.rows))
    }
}

/// All calls under way.
#[derive(Default)]
pub struct Board(Mutex<Vec<Arc<LiveCall>>>);

/// A call on the board for as long as this lives.
pub struct OnBoard {
    board: Arc<Board>,
    /// The call.
    pub call: Arc<LiveCall>,
}

impl Board {
    /// Puts a call up.
    pub fn begin(self: &Arc<Self>, placed: Placed) -> OnBoard {
        let call = LiveCall { placed, glance: Glance::default(), sheet: Sheet::new(), hang_up: AtomicBool::new(false) };
        let call = Arc::new(call);
        self.held().push(call.clone());
        OnBoard { board: self.clone(), call }
    }

    /// All calls, the oldest first.
    pub fn calls(&self) -> Vec<Arc<LiveCall>> {
        self.held().clone()
    }

    /// One call.
    pub fn call(&self, id: &str) -> Option<Arc<LiveCall>> {
        self.held().iter().find(|call| call.placed.id == id).cloned()
    }

    fn held(&self) -> MutexGuard<'_, Vec<Arc<LiveCall>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for OnBoard {
    fn drop(&mut self) {
        self.board.held().retain(|call| !Arc::ptr_eq(call, &self.call));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_on_the_board_while_it_lasts() {
        let board = Arc::new(Board::default());
        let call = board.begin(Placed { id: "call-1-1".into(), ..Placed::default() });
        assert!(board.call("call-1-1").is_some() && board.calls().len() == 1);
        board.call("call-1-1").unwrap().hang_up();
        assert!(call.call.is_to_end());
        drop(call);
        assert!(board.calls().is_empty() && board.call("call-1-1").is_none());
    }
    #[test]
    fn a_job_that_rides_along_is_in_the_call() {
        let placed = Placed { job: Some(7), companions: vec![9, 12], ..Placed::default() };
        assert_eq!([7, 8, 9, 12].map(|job| placed.sends(job)), [true, false, true, true]);
        assert!(!Placed::default().sends(0));
    }
}
