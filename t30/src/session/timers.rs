//! Timers as a fixed table of moments in line time.

use crate::time::{LineSpan, LineTime};

/// The silence a station leaves between signals of V.21 and fast ones, and before it answers.
///
/// ITU-T T.30: 75 ± 20 ms, counted from the last sample of the signal before.
pub const TURNAROUND: LineSpan = LineSpan::ms(75);

/// Patience with a station that says it is not ready, RNR or TNR: T5, 60 ± 5 s.
pub(super) const T5: LineSpan = LineSpan::ms(65_000);

/// The wait for a person who was called to the telephone: T3, 10 ± 5 s.
pub(super) const T3: LineSpan = LineSpan::ms(10_000);

/// Timers of T.30 (clause 5.4.3.1) and of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Caller: any sign of a fax machine.
    T0,
    /// Both: identification.
    T1,
    /// Receiver: a command, 6 s.
    T2,
    /// Both: the operator, 10 s.
    T3,
    /// Sender, and receiver in phase B: a response, 3 s.
    T4,
    /// Sender: the receiver's readiness, 60 s.
    T5,
    /// Receiver: the end of a training check.
    TrainingCheck,
    /// A burst's end, when the carrier does not go.
    BurstEnd,
    /// A page's storage.
    Keeping,
    /// A document's progress on another way.
    Direct,
    /// The front end's progress with what was ordered.
    Sending,
    /// A page's end.
    Page,
    /// The call's end.
    Call,
}

impl Timer {
    const COUNT: usize = 13;

    const ALL: [Self; Self::COUNT] = [
        Self::T0,
        Self::T1,
        Self::T2,
        Self::T3,
        Self::T4,
        Self::T5,
        Self::TrainingCheck,
        Self::BurstEnd,
        Self::Keeping,
        Self::Direct,
        Self::Sending,
        Self::Page,
        Self::Call,
    ];

    /// The name in results and transcripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::T0 => "T0",
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3 => "T3",
            Self::T4 => "T4",
            Self::T5 => "T5",
            Self::TrainingCheck => "training check",
            Self::BurstEnd => "burst end",
            Self::Keeping => "keeping",
            Self::Direct => "direct",
            Self::Sending => "sending",
            Self::Page => "page",
            Self::Call => "call",
        }
    }

    /// Whether its end may make us speak, so that it waits while the other side does.
    pub(super) const fn waits_for_quiet(self) -> bool {
        matches!(
            self,
            Self::T1 | Self::T2 | Self::T3 | Self::T4 | Self::T5 | Self::TrainingCheck | Self::Keeping | Self::Direct
        )
    }
}

/// Which timers run, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers([Option<LineTime>; Timer::COUNT]);

impl Timers {
    pub(super) fn start(&mut self, timer: Timer, due: LineTime) {
        self.0[timer as usize] = Some(due);
    }

    /// Lets a running timer run until then at least.
    pub(super) fn extend(&mut self, timer: Timer, due: LineTime) {
        let running = &mut self.0[timer as usize];
        *running = running.map(|before| before.max(due));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(super) fn runs(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// When the next one ends.
    pub(super) fn due(&self) -> Option<LineTime> {
        self.0.iter().flatten().min().copied()
    }

    /// The one that ends first, if it has ended by `now`. It keeps running: the caller stops or defers it.
    pub(super) fn ended(&self, now: LineTime) -> Option<Timer> {
        let running = Timer::ALL.into_iter().filter_map(|timer| Some((self.0[timer as usize]?, timer)));
        running.filter(|&(due, _)| due <= now).min_by_key(|&(due, _)| due).map(|(_, timer)| timer)
    }
}
