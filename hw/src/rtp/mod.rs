//! RTP: a telephone call as datagrams, RFC 3550 and RFC 3551.
//!
//! ```text
//!  datagrams ─▶ receiver: codec, events, clock ─▶ jitter buffer ─▶ rx block, or what is missing
//!            ◀─ sender ◀──────────────────────────────────────────── tx block
//!  reports  ◀─▶ rtcp
//! ```
//!
//! For a modem: the jitter buffer's depth is fixed, a lost packet is told as lost, nothing is stretched, guessed or
//! suppressed as silence. Our blocks follow the sender's clock, so the buffer neither fills nor runs dry. Sockets and
//! clocks are in `line` alone; the rest takes time as an argument.

mod clock;
mod codec;
mod event;
mod jitter;
mod line;
mod params;
mod receiver;
mod rtcp;
mod sender;
#[cfg(test)]
mod tests;

use std::{
    thread,
    time::{Duration, Instant},
};

pub use codec::Codec;
pub use line::RtpLine;
pub use params::RtpParams;
pub use receiver::Receiver;
pub use sender::Sender;

use crate::{Line, LineError, OpenError};

/// How often it is looked whether a call has begun, or nobody waits any more.
const LOOK_AROUND: Duration = Duration::from_millis(10);

/// Opens the line. Without a remote address the first packet is waited for: it says who calls.
pub(crate) fn open(params: &RtpParams, waited_for: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    let mut line = RtpLine::open(params)?;
    if params.waits_for_call {
        wait(&mut line, params, waited_for)?;
    }
    Ok(Line::Polled(Box::new(line)))
}

fn wait(line: &mut RtpLine, params: &RtpParams, waited_for: &dyn Fn() -> bool) -> Result<(), OpenError> {
    let failed = |error: LineError| OpenError::Network {
        line: "rtp:local",
        address: params.local.to_string(),
        reason: format!("{error}; choose another address"),
    };
    while !line.has_begun(Instant::now()).map_err(failed)? {
        if !waited_for() {
            return Err(OpenError::NobodyWaits);
        }
        thread::sleep(LOOK_AROUND);
    }
    Ok(())
}
