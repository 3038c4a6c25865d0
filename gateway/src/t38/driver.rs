//! One call over packets, on the caller's thread, in real time.

use std::time::{Duration, Instant};

use answertone_hw::{LineError, Transport};
use answertone_t30::{
    t38::{Call, pacing::INTERVAL},
    time::{LineTime, TICKS_PER_SECOND},
};

use super::path::Path;
use crate::engine::{CallObserver, CallReport};

/// Between two looks at what the observer wants, at most.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Between reports of progress.
const PROGRESS: Duration = Duration::from_millis(250);

/// The longest datagram that UDP carries.
const LONGEST_DATAGRAM: usize = 65_536;

/// Line time by the computer's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The line time that it is.
    pub fn now(self) -> LineTime {
        LineTime((self.0.elapsed().as_nanos() * u128::from(TICKS_PER_SECOND) / 1_000_000_000) as u64)
    }
}

/// Runs a call to its end.
pub fn run_call(path: &mut dyn Path, mut call: Call, clock: Clock, observer: &mut dyn CallObserver) -> CallReport {
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    let (mut lost, mut cancelled, mut reported) = (None, false, Instant::now());
    loop {
        if lost.is_none() {
            lost = send_all(path, &mut call).err().map(LineError::Failed);
        }
        observe(&mut call, clock.now(), observer, &mut cancelled);
        if reported.elapsed() >= PROGRESS {
            reported = Instant::now();
            observer.progress(&call.session().progress());
        }
        if lost.is_some() {
            call.line_lost(clock.now());
            observe(&mut call, clock.now(), observer, &mut cancelled);
            break;
        }
        if call.is_over() {
            break;
        }
        match path.receive(&mut buffer, wait(&call, clock)) {
            Ok(Some(count)) => call.handle_datagram(&buffer[..count], clock.now()),
            Ok(None) => {}
            Err(error) => lost = Some(LineError::Failed(error)),
        }
        call.handle_timeout(clock.now());
    }
    CallReport::over_packets(&call, lost.as_ref(), transport(path, &call))
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
