//! AudioSocket: a telephone call from Asterisk over TCP.
//!
//! ```text
//!  Asterisk ── 01 UUID, then 10 samples, 03 digits ──▶ frames ─▶ rate ─▶ playout ─▶ rx block
//!           ◀── 10 samples, 00 at the end ──────────── frames ◀─ rate ◀──────────── tx block
//! ```
//!
//! Many calls come to one port; each names itself by a UUID in its first frame. Asterisk neither paces nor drops what
//! we send, so frames of 20 ms go out by our own clock, silence too, each in one write. It sends nothing while its
//! application has nothing to say: then silence is heard. `pace=free` goes frame for frame instead, for tests.

mod call_id;
mod connection;
mod frame;
mod line;
mod lockstep;
mod originate;
mod params;
mod rate;

pub use call_id::{CallId, NotCallId};
pub use connection::{GREETING_OCTETS, GREETING_PATIENCE, connected};
pub(crate) use connection::{listener, open};
pub use line::AudioSocketLine;
pub use originate::{Placed, RINGING};
pub use params::{AudioSocketParams, Originate, Side};
pub use rate::Rate;
