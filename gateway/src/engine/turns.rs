//! Many calls in turn: what one thread of the engine does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use answertone_hw::PolledLine;
use answertone_t30::{audio::AudioConfig, session::Session};

use super::{CallObserver, CallReport, Tape, line::Call};

/// Blocks a call may catch up with before the others have their turn.
const MOST_AT_ONCE: usize = 4;

/// A block that goes later than this after it was due is late: the next one is due by then.
const LATE: Duration = Duration::from_millis(10);

/// What a call leaves.
pub struct Ended<O> {
    /// How it went.
    pub report: CallReport,
    /// Who watched it.
    pub observer: O,
}

/// How well blocks kept their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// Blocks exchanged.
    pub blocks: u64,
    /// Those that went 10 ms or more after they were due.
    pub late: u64,
    /// The most that one went after it was due.
    pub worst: Duration,
    /// How much all went after they were due, together.
    pub total: Duration,
}

impl Punctuality {
    fn note(&mut self, after: Duration) {
        self.blocks += 1;
        self.late += u64::from(after >= LATE);
        self.worst = self.worst.max(after);
        self.total += after;
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            blocks: self.blocks + other.blocks,
            late: self.late + other.late,
            worst: self.worst.max(other.worst),
            total: self.total + other.total,
        }
    }
}

/// A call on its line, whoever watches it.
trait Place: Send {
    fn due(&self) -> Instant;
    fn turn(&mut self, now: Instant) -> bool;
    fn is_over(&self) -> bool;
    /// Hangs up and tells.
    fn leave(self: Box<Self>);
}

/// A call about to take its turns.
pub struct Entry(Box<dyn Place>);

impl Entry {
    /// A call on a line off hook; `over` is told when it has ended, and must not wait.
    pub fn new<O: CallObserver + Send + 'static>(
        line: Box<dyn PolledLine>,
        session: Session,
        audio: AudioConfig,
        observer: O,
        tape: Option<Tape>,
        over: impl FnOnce(Ended<O>) + Send + 'static,
    ) -> Self {
        let call = Call::new(session, audio, observer, tape);
        Self(Box::new(Taken { line, call, over, last_word: false }))
    }
}

struct Taken<O, F> {
    line: Box<dyn PolledLine>,
    call: Call<O>,
    over: F,
    /// The session was over before this turn: its last block has gone.
    last_word: bool,
}

impl<O: CallObserver + Send, F: FnOnce(Ended<O>) + Send> Place for Taken<O, F> {
    fn due(&self) -> Instant {
        self.line.due()
    }

    fn turn(&mut self, now: Instant) -> bool {
        let was_over = self.call.is_over();
        let went = self.call.turn(self.line.as_mut(), now);
        self.last_word |= went && was_over;
        went
    }

    fn is_over(&self) -> bool {
        self.last_word
    }

    fn leave(mut self: Box<Self>) {
        self.line.hang_up();
        let (report, observer) = self.call.end(self.line.transport());
        (self.over)(Ended { report, observer });
    }
}

/// Calls that share a thread.
#[derive(Default)]
pub struct Turns {
    places: Vec<Box<dyn Place>>,
    punctuality: Punctuality,
}

impl Turns {
    /// Room for so many calls without another allocation.
    pub fn with_room(calls: usize) -> Self {
        Self { places: Vec::with_capacity(calls), ..Self::default() }
    }

    /// Adds a call.
    pub fn enter(&mut self, entry: Entry) {
        self.places.push(entry.0);
    }

    /// Calls under way.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// How well blocks kept their time so far.
    pub fn punctuality(&self) -> Punctuality {
        self.punctuality
    }

    /// Exchanges every block that is due, as `clock` goes on; when the next one is.
    pub fn exchange_many(&mut self, clock: impl Fn() -> Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        let mut at = 0;
        while at < self.places.len() {
            let place = &mut self.places[at];
            let mut broken = false;
            for _ in 0..MOST_AT_ONCE {
                let (now, due) = (clock(), place.due());
                if place.is_over() {
                    break;
                }
                // A call that breaks down takes no other with it.
                match catch_unwind(AssertUnwindSafe(|| place.turn(now))) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(_) => {
                        broken = true;
                        break;
                    }
                }
                self.punctuality.note(now.saturating_duration_since(due));
            }
            if broken {
                drop(self.places.swap_remove(at));
            } else if place.is_over() {
                self.places.swap_remove(at).leave();
            } else {
                next = Some(next.map_or(place.due(), |next| next.min(place.due())));
                at += 1;
            }
        }
        next
    }
}
