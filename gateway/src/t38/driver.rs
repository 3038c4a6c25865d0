//! One call over packets, on the caller's thread, in real time.

use std::time::{Duration, Instant};

use answertone_hw::{LineError, Transport};
use answertone_t30::{
    t38::{Call, pacing::INTERVAL},
    time::{LineSpan, LineTime, TICKS_PER_SECOND},
};

use super::path::Path;
use crate::engine::{CallObserver, CallReport, Means};

/// Between two looks at what the observer wants, at most.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Between reports of progress.
const PROGRESS: Duration = Duration::from_millis(250);

/// The longest datagram that UDP carries.
const LONGEST_DATAGRAM: usize = 65_536;

/// Line time by the computer's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    at: LineTime,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self::at(LineTime::ZERO)
    }

    /// A clock that goes on from that moment.
    pub fn at(now: LineTime) -> Self {
        Self { began: Instant::now(), at: now }
    }

    /// The line time that it is.
    pub fn now(self) -> LineTime {
        let ticks = self.began.elapsed().as_nanos() * u128::from(TICKS_PER_SECOND) / 1_000_000_000;
        self.at + LineSpan(ticks as u64)
    }
}

/// Runs a call to its end.
pub fn run_call(path: &mut dyn Path, mut call: Call, clock: Clock, observer: &mut dyn CallObserver) -> CallReport {
    let (mut driver, mut lost) = (Driver::new(clock), None);
    while !call.is_over() && lost.is_none() {
        lost = driver.turn(path, &mut call, observer).err();
    }
    driver.end(path, &mut call, lost.as_ref(), observer)
}

/// What a call needs from one turn to the next.
pub(crate) struct Driver {
    clock: Clock,
    buffer: Vec<u8>,
    cancelled: bool,
    reported: Instant,
}

impl Driver {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, buffer: vec![0; LONGEST_DATAGRAM], cancelled: false, reported: Instant::now() }
    }

    /// Sends what is to be sent, and waits a moment for what comes.
    pub(crate) fn turn(
        &mut self,
        path: &mut dyn Path,
        call: &mut Call,
        observer: &mut dyn CallObserver,
    ) -> Result<(), LineError> {
        send_all(path, call)?;
        observe(call, self.clock.now(), observer, &mut self.cancelled);
        if self.reported.elapsed() >= PROGRESS {
            self.reported = Instant::now();
            observer.progress(&call.session().progress());
            observer.look(call.session(), call.now(), &Means::Packets(call.counters()));
        }
        if call.is_over() {
            return Ok(());
        }
        if let Some(count) = path.receive(&mut self.buffer, wait(call, self.clock))? {
            call.handle_datagram(&self.buffer[..count], self.clock.now());
        }
        call.handle_timeout(self.clock.now());
        Ok(())
    }

    /// What became of a call that is over, or whose path is lost.
    pub(crate) fn end(
        &mut self,
        path: &dyn Path,
        call: &mut Call,
        lost: Option<&LineError>,
        observer: &mut dyn CallObserver,
    ) -> CallReport {
        if lost.is_some() {
            call.line_lost(self.clock.now());
            observe(call, self.clock.now(), observer, &mut self.cancelled);
        }
        CallReport::over_packets(call, lost, transport(path, call))
    }
}

/// How long may be waited for a datagram.
fn wait(call: &Call, clock: Clock) -> Duration {
    let ticks = call.due().map_or(u64::MAX, |due| due.since(clock.now()).0);
    LOOK_AROUND.min(Duration::from_micros(ticks.saturating_mul(1_000_000 / TICKS_PER_SECOND)))
}

fn send_all(path: &mut dyn Path, call: &mut Call) -> std::io::Result<()> {
    std::iter::from_fn(|| call.poll_datagram()).try_for_each(|datagram| path.send(&datagram))
}

fn observe(call: &mut Call, now: LineTime, observer: &mut dyn CallObserver, cancelled: &mut bool) {
    while let Some(event) = call.poll_event() {
        observer.event(event.at, event.what);
    }
    if let Some(kept) = observer.page_kept() {
        call.page_kept(kept, now);
    }
    if let Some(news) = observer.direct() {
        call.direct(news, now);
    }
    if !*cancelled && observer.cancelled() {
        *cancelled = true;
        call.cancel(now);
    }
    while let Some(event) = call.poll_event() {
        observer.event(event.at, event.what);
    }
    for line in call.session_mut().take_trace() {
        observer.trace(&line);
    }
}

/// What became of datagrams, as of packets of sound.
fn transport(path: &dyn Path, call: &Call) -> Transport {
    let counters = call.counters();
    Transport {
        kind: path.kind(),
        received: counters.received,
        missing_ms: INTERVAL.as_ms() * counters.lost,
        late: 0,
        duplicates: counters.duplicates,
        reordered: counters.reordered,
        restarts: counters.restarts,
        jitter_ms: None,
        clock_ppm: None,
        far_loss: None,
    }
}
