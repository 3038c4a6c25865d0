//! A call on a thread of its own, and what is left of it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    time::Duration,
};

use answertone_hw::{Line, Pace};
use answertone_t30::{
    audio::AudioConfig,
    session::{DirectNews, Event, NotKept, Progress, Session, TraceLine},
    time::{LineSpan, LineTime},
};
use nix::time::{ClockId, clock_gettime};

use super::{Happening, Shared};
use crate::{
    engine::{CallObserver, CallReport, Entry, Hearing, Means, Recorder, run_call},
    live::{LiveCall, Placed},
    sip,
    t38::{self, PacketLine},
};

/// Whose end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// We called.
    Out,
    /// We answered.
    In,
}

/// What is left of a call.
pub struct Ended {
    /// How it went.
    pub report: CallReport,
    /// Its transcript.
    pub transcript: Vec<TraceLine>,
    /// CPU time its thread took, where the system tells.
    pub cpu: Option<Duration>,
}

/// What carries a call.
pub(super) enum Trunk {
    /// Samples.
    Sound(Line),
    /// Packets of T.38.
    Packets(Box<PacketLine>),
    /// A call by SIP: samples, packets, and from one to the other.
    Signalled(Box<sip::Leg>),
}

impl From<Line> for Trunk {
    fn from(line: Line) -> Self {
        Self::Sound(line)
    }
}

impl Trunk {
    /// Whose clock it runs by.
    pub(super) fn pace(&self) -> Pace {
        match self {
            Self::Sound(line) => line.pace(),
            Self::Packets(_) | Self::Signalled(_) => Pace::RealTime,
        }
    }

    /// What is heard later than on a telephone line.
    pub(super) fn delay(&self) -> LineSpan {
        match self {
            Self::Sound(line) => LineSpan(line.path_delay() as u64),
            Self::Packets(_) | Self::Signalled(_) => PacketLine::DELAY,
        }
    }
}

/// Lines of a transcript that are kept.
const MOST_LINES: usize = 20_000;

/// What a worker wants to know of its call. It is told on the thread that owns the line and must not wait, except in
/// [`Listener::page_kept`] on a line without a clock of its own.
pub(super) trait Listener: Send + 'static {
    /// Something happened.
    fn event(&mut self, event: Event);
    /// What became of the page given last.
    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        None
    }
    /// What comes of a document that goes another way than the line.
    fn direct(&mut self) -> Option<DirectNews> {
        None
    }
    /// Whether this call is to be ended.
    fn cancelled(&mut self) -> bool {
        false
    }
}

/// Runs a call to its end and gives its listener back. Blocks: a line that waits is driven by this thread, a polled one
/// by the engine.
pub(super) fn run<L: Listener>(
    shared: &Arc<Shared>,
    way: Way,
    trunk: Trunk,
    session: Session,
    listener: L,
    placed: Placed,
    recording: Option<&PathBuf>,
) -> Result<(Ended, L), String> {
    let (id, number) = (placed.id.clone(), placed.number.clone());
    let _span = tracing::info_span!("call", call = id, line = placed.line).entered();
    let recording = recording.cloned().or_else(|| shared.config.log.recording(&id));
    let mut recorder = recording.and_then(|path| {
        Recorder::create(&path)
            .inspect_err(|error| tracing::warn!(%error, path = %path.display(), "the call is not recorded"))
            .ok()
    });
    let live = shared.board.begin(placed);
    let mut watcher = Watcher { shared: shared.clone(), way, listener, transcript: vec![], live: live.call.clone() };
    let began = thread_cpu_time();
    let own_cpu = || thread_cpu_time().zip(began).map(|(now, began)| now.saturating_sub(began));
    let (report, cpu) = match trunk {
        Trunk::Packets(mut line) => {
            let clock = t38::Clock::start();
            let call = answertone_t30::t38::Call::new(session, line.terminal, line.wire);
            let report = t38::run_call(line.path.as_mut(), call, clock, &mut watcher);
            (report, own_cpu())
        }
        Trunk::Signalled(leg) => {
            let tape = recorder.as_ref().map(Recorder::tape);
            let (report, watched) = leg.talk(session, AudioConfig::default(), watcher, tape);
            watcher = watched;
            (report, own_cpu())
        }
        Trunk::Sound(Line::Own(mut line)) => {
            let report = run_call(line.as_mut(), session, AudioConfig::default(), &mut watcher, recorder.as_mut());
            (report, own_cpu())
        }
        Trunk::Sound(Line::Polled(line)) => {
            let (to, over) = sync_channel(1);
            let tape = recorder.as_ref().map(Recorder::tape);
            let tell = move |ended| drop(to.send(ended));
            shared.engine.enter(Entry::new(line, session, AudioConfig::default(), watcher, tape, tell));
            let ended = over.recv().map_err(|_| "the call broke down in the engine")?;
            watcher = ended.observer;
            (ended.report, None)
        }
    };
    if let Some(Err(error)) = recorder.map(Recorder::finish) {
        tracing::warn!(%error, "the recording is not whole");
    }
    let ended = Ended { report, transcript: watcher.transcript, cpu };
    tell(shared, way, &id, &number, &ended);
    Ok((ended, watcher.listener))
}

/// Says of a call that is over how it went: in the log, in numbers, and its transcript if that is kept. Numbers of
/// others are told only to who wants all details.
fn tell(shared: &Shared, way: Way, id: &str, number: &str, ended: &Ended) {
    let report = &ended.report;
    let cause = report.failure.as_ref().map_or("", |failure| failure.cause);
    let way = if way == Way::Out { "out" } else { "in" };
    tracing::info!(
        ok = report.ok,
        cause,
        way,
        pages = report.pages,
        bit_rate = report.bit_rate,
        evm_db = report.evm_db,
        slips = report.slips,
        seconds = report.seconds,
        "call over"
    );
    tracing::debug!(number, remote = report.remote_ident, "who it was");
    crate::metrics::call_over(way, report);
    if let Err(error) = shared.config.log.keep_transcript(id, &ended.transcript) {
        tracing::warn!(%error, "the transcript is not kept");
    }
}

struct Watcher<L> {
    shared: Arc<Shared>,
    way: Way,
    listener: L,
    transcript: Vec<TraceLine>,
    live: Arc<LiveCall>,
}

impl<L: Listener> CallObserver for Watcher<L> {
    fn event(&mut self, _: LineTime, event: Event) {
        self.listener.event(event);
    }

    fn page_kept(&mut self) -> Option<Result<(), NotKept>> {
        self.listener.page_kept()
    }

    fn direct(&mut self) -> Option<DirectNews> {
        self.listener.direct()
    }

    fn progress(&mut self, progress: &Progress) {
        self.shared.happenings.tell(Happening::Progress(self.way, *progress));
    }

    fn look(&mut self, session: &Session, at: LineTime, by: &Means<'_>) {
        self.live.look(session, at, by);
    }

    fn trace(&mut self, line: &TraceLine) {
        if self.transcript.len() < MOST_LINES {
            self.transcript.push(line.clone());
        }
    }

    fn hearing(&self) -> Hearing {
        self.shared.config.offramp.hearing.clone()
    }

    fn cancelled(&mut self) -> bool {
        self.shared.hang_up.load(Ordering::Relaxed) || self.live.is_to_end() || self.listener.cancelled()
    }
}

/// An answer that the store will give.
pub(super) struct Pending<T> {
    answer: Receiver<T>,
    /// Without a clock on the line, the call can simply be held until the answer is there.
    pace: Pace,
}

/// Who should have answered is gone.
pub(super) struct Gone;

impl<T> Pending<T> {
    /// A place for the answer, and who gives it.
    pub(super) fn new(pace: Pace) -> (SyncSender<T>, Self) {
        let (to, answer) = sync_channel(1);
        (to, Self { answer, pace })
    }

    /// The answer if it is there.
    pub(super) fn ready(&mut self) -> Option<Result<T, Gone>> {
        match self.pace {
            Pace::Unpaced => Some(self.answer.recv().map_err(|_| Gone)),
            Pace::RealTime => match self.answer.try_recv() {
                Err(TryRecvError::Empty) => None,
                answer => Some(answer.map_err(|_| Gone)),
            },
        }
    }
}

/// Asks something of the store now and then, without waiting for the answer.
pub(super) struct Flag(pub(super) Arc<AtomicBool>);

impl Flag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// CPU time of this thread.
fn thread_cpu_time() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(test)]
mod tests {
    use answertone_dsp::pcm::Block;
    use answertone_hw::{Exchange, LineError, PcmLine};

    use super::*;

    /// A device whose samples take 50 ms to the telephone line and back.
    struct Late;

    impl PcmLine for Late {
        fn exchange(&mut self, _: &Block, _: &mut Block) -> Result<Exchange, LineError> {
            Err(LineError::HungUp)
        }

        fn pace(&self) -> Pace {
            Pace::RealTime
        }

        fn hang_up(&mut self) {}

        fn path_delay(&self) -> usize {
            400
        }
    }

    #[test]
    fn a_devices_delay_is_given_to_the_calls_timers() {
        assert_eq!(Trunk::from(Line::Own(Box::new(Late))).delay(), LineSpan::ms(50));
    }
}
