//! ITU-T V.8: how two modems agree on what they are, before anything else is said.
//!
//! ```text
//!  answerer   ANSam ──────────────────┐ JM JM JM ...    ┐75 ms┌ V.21 of T.30 ...
//!  caller       (CI CI CI)   │ 0.5 s │ CM CM CM CM CM CJ ┘
//! ```
//!
//! [`Caller`] and [`Answerer`] take and make samples and tell what happened; what is offered and when it goes on is
//! their owner's to say. A machine that does not know V.8 answers with a plain tone, or none, and is told as such.

mod answerer;
mod caller;
mod ear;
mod menu;
mod voice;

pub use answerer::Answerer;
pub use caller::Caller;
pub use ear::{Ear, Heard};
pub use menu::Menu;

/// Samples in a millisecond.
const MS: u64 = 8;

/// Silence after CJ, V.8 clause 8: 75 ms ± 5 ms.
const PAUSE: u64 = 75 * MS;

/// How long CM and JM are said without an answer.
const PATIENCE: u64 = 5000 * MS;

/// An answer tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerTone {
    /// ANSam: the answerer knows V.8.
    Modulated,
    /// 2100 Hz.
    Plain,
    /// 2100 Hz with reversals of phase.
    Reversed,
}

/// What has come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// To the caller: there is an answer tone.
    Answered(AnswerTone),
    /// To the answerer: the caller says what it wants by CI.
    Indicated(u8),
    /// CM to the answerer, JM to the caller.
    Menu(Menu),
    /// CJ was said and heard, and the silence after it is over.
    Joined,
    /// What was awaited did not come.
    TimedOut,
}

/// Where one side is, and for how many samples it has been there.
#[derive(Clone, Copy, Debug)]
struct Course<Stage> {
    stage: Stage,
    passed: u64,
}

impl<Stage> Course<Stage> {
    fn enter(&mut self, stage: Stage) {
        *self = Self { stage, passed: 0 };
    }

    /// What comes about when this stage has lasted so many samples, and the stage that follows.
    fn after(&mut self, span: u64, next: Stage, event: Event) -> Option<Event> {
        let over = self.passed >= span;
        if over {
            self.enter(next);
        }
        over.then_some(event)
    }
}

#[cfg(test)]
mod tests;
