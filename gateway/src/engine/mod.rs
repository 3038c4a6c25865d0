//! Calls on lines: the block loop, many calls in turn on a thread per core, reports, recordings, and the fax machine at
//! the far end of a simulated line.
//!
//! ```text
//!  line that waits by itself ──▶ run_call, on the caller's thread      ─┐
//!  polled line ──▶ Entry ──▶ Engine: thread per core ──▶ Turns ─▶ turn ─┴─▶ Call: one block each way
//! ```
//!
//! Between blocks nothing waits and nothing is locked: what takes time, the disk of a recording and the store, has a
//! thread or a task of its own.

mod ear;
mod far_end;
mod line;
mod recorder;
mod report;
mod test_page;
mod threads;
mod turns;

use answertone_hw::PcmLine;
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    session::{DirectNews, Event, Instead, NotKept, Progress, Session, TraceLine},
    t38::Counters,
    time::LineTime,
};
pub(crate) use ear::CallEar;
pub use ear::Hearing;
pub use far_end::{FarEnd, answerer, caller, polled};
pub(crate) use line::Call as AudioCall;
pub use recorder::{NotWhole, Recorder, Tape};
pub use report::{CallReport, DeviceReport, FailureReport, PageLine, Role, TransportReport};
pub use test_page::test_page;
pub use threads::Engine;
pub use turns::{Ended, Entry, Punctuality, Turns};

/// By what a call goes.
pub enum Means<'a> {
    /// Samples.
    Sound(&'a AudioFrontEnd),
    /// Packets of T.38, and what became of them.
    Packets(Counters),
}

/// Who hears of a call while it lasts. Called between blocks, on the call's thread: an observer does not wait.
pub trait CallObserver {
    /// Something happened; pages come by value.
    fn event(&mut self, at: LineTime, event: Event);

    /// What became of the page given last, once that is known; for sessions that await it.
    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        None
    }

    /// Whether the person who was called to the telephone is there, once that is known.
    fn operator(&mut self) -> Option<bool> {
        None
    }

    /// What comes of a document that goes another way than the line.
    fn direct(&mut self) -> Option<DirectNews> {
        None
    }

    /// Where the call stands; four times in a second of line time.
    fn progress(&mut self, _progress: &Progress) {}

    /// The call as it is now; as often as progress is told.
    fn look(&mut self, _session: &Session, _at: LineTime, _by: &Means<'_>) {}

    /// A line of the transcript.
    fn trace(&mut self, _line: &TraceLine) {}

    /// A digit that the far side told beside the audio.
    fn digit(&mut self, _at: LineTime, _digit: char) {}

    /// What to listen for beside fax machines; asked once, when the call begins.
    fn hearing(&self) -> Hearing {
        Hearing::default()
    }

    /// Whether the call is to be ended, politely.
    fn cancelled(&mut self) -> bool {
        false
    }
}

impl<O: CallObserver + ?Sized> CallObserver for &mut O {
    fn event(&mut self, at: LineTime, event: Event) {
        (**self).event(at, event);
    }

    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        (**self).page_kept()
    }

    fn operator(&mut self) -> Option<bool> {
        (**self).operator()
    }

    fn direct(&mut self) -> Option<DirectNews> {
        (**self).direct()
    }

    fn progress(&mut self, progress: &Progress) {
        (**self).progress(progress);
    }

    fn look(&mut self, session: &Session, at: LineTime, by: &Means<'_>) {
        (**self).look(session, at, by);
    }

    fn trace(&mut self, line: &TraceLine) {
        (**self).trace(line);
    }

    fn digit(&mut self, at: LineTime, digit: char) {
        (**self).digit(at, digit);
    }

    fn hearing(&self) -> Hearing {
        (**self).hearing()
    }

    fn cancelled(&mut self) -> bool {
        (**self).cancelled()
    }
}

/// Runs a call to its end on a line that is off hook, and hangs up.
pub fn run_call(
    line: &mut dyn PcmLine,
    session: Session,
    audio: AudioConfig,
    observer: &mut dyn CallObserver,
    recorder: Option<&mut Recorder>,
) -> CallReport {
    let tape = recorder.map(|recorder| recorder.tape());
    line::Call::new(session, audio, observer, tape).run(line).0
}

/// The report of a call that ended while it was dialled.
pub fn not_connected(
    session: Session,
    audio: AudioConfig,
    observer: &mut dyn CallObserver,
    why: Instead,
) -> CallReport {
    line::Call::new(session, audio, observer, None).not_connected(why)
}
