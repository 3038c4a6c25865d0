//! What calls over a TCP connection have in common: its options, what it brought, and a far end that does not read.

pub(crate) mod playout;

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    net::TcpStream,
    time::{Duration, Instant},
};

use playout::Playout;
use socket2::SockRef;

use crate::{LineError, Transport};

/// Samples of a message or frame: 20 ms.
pub(crate) const FRAME_SAMPLES: usize = 160;

/// How long what we send may stay without an answer from the far host.
const NETWORK_PATIENCE: Duration = Duration::from_millis(2500);

/// How long the far end may not read.
const UNREAD_PATIENCE: Duration = Duration::from_secs(2);

/// Samples there must be room for before more is read.
const LEAST_ROOM: usize = 4 * FRAME_SAMPLES;

/// Reads at one turn; what is more waits. Not all that comes takes room.
pub(crate) const MOST_AT_ONCE: usize = 64;

/// Digits kept until somebody takes them.
const MOST_DIGITS: usize = 64;

/// Sets a connection up for samples that are never waited for.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    SockRef::from(stream).set_tcp_user_timeout(Some(NETWORK_PATIENCE))
}

/// Whether there is only nothing to read, or no room to write, for now.
pub(crate) fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Whether the far end has closed the connection.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted)
}

/// What a connection that has failed means for the line.
pub(crate) fn ended(error: io::Error) -> LineError {
    match error.kind() {
        _ if is_closed(&error) => LineError::HungUp,
        ErrorKind::TimedOut => LineError::Stalled(NETWORK_PATIENCE),
        _ => LineError::Failed(error),
    }
}

/// What came: samples, and digits beside them.
pub(crate) struct Heard {
    pub(crate) playout: Playout,
    digits: VecDeque<char>,
    /// Messages or frames of audio.
    received: u64,
}

impl Heard {
    /// Plays what is `depth` samples old.
    pub(crate) fn new(depth: usize) -> Self {
        Self { playout: Playout::new(depth), digits: VecDeque::with_capacity(MOST_DIGITS), received: 0 }
    }

    /// Whether more can be read.
    pub(crate) fn has_room(&self) -> bool {
        self.playout.room() >= LEAST_ROOM
    }

    /// A message or frame of audio came; where its samples go.
    pub(crate) fn frame(&mut self) -> &mut Playout {
        self.received += 1;
        &mut self.playout
    }

    /// A digit came; one too many is dropped.
    pub(crate) fn put_digit(&mut self, digit: char) {
        if self.digits.len() < MOST_DIGITS {
            self.digits.push_back(digit);
        }
    }

    /// The oldest digit not yet taken.
    pub(crate) fn digit(&mut self) -> Option<char> {
        self.digits.pop_front()
    }

    /// What was seen so far.
    pub(crate) fn transport(&self, kind: &'static str) -> Transport {
        let (late, missed) = self.playout.tally();
        Transport {
            kind,
            received: self.received,
            missing_ms: missed / 8,
            late: late / FRAME_SAMPLES as u64,
            ..Transport::default()
        }
    }
}

/// How long the far end has not read, if it does not.
#[derive(Default)]
pub(crate) struct Unread {
    since: Option<Instant>,
}

impl Unread {
    /// Something was sent.
    pub(crate) fn ends(&mut self) {
        self.since = None;
    }

    /// There was no room for what was to be sent.
    pub(crate) fn lasts(&mut self, now: Instant) -> Result<(), LineError> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) > UNREAD_PATIENCE {
            return Err(LineError::Stalled(UNREAD_PATIENCE));
        }
        Ok(())
    }
}
