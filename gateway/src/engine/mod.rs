//! One call on one line: the block loop, its report, its recording, and the fax machine at the far end of a simulated line.

mod far_end;
mod line;
mod recorder;
mod report;
mod test_page;

use answertone_hw::PcmLine;
use answertone_t30::{
    audio::AudioConfig,
    session::{Event, NotKept, Progress, Session, TraceLine},
    time::LineTime,
};
pub use far_end::{FarEnd, answerer, caller, polled};
pub use recorder::Recorder;
pub use report::{CallReport, FailureReport, PageLine, Role};
pub use test_page::test_page;

/// Who hears of a call while it lasts. Called between blocks, on the call's thread: an observer does not wait.
pub trait CallObserver {
    /// Something happened; pages come by value.
    fn event(&mut self, at: LineTime, event: Event);

    /// What became of the page given last, once that is known; for sessions that await it.
    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        None
    }

    /// Where the call stands; four times in a second of line time.
    fn progress(&mut self, _progress: &Progress) {}

    /// A line of the transcript.
    fn trace(&mut self, _line: &TraceLine) {}

    /// Whether the call is to be ended, politely.
    fn cancelled(&mut self) -> bool {
        false
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
    line::Call::new(session, audio, observer).run(line, recorder)
}
