//! Asterisk's WebSocket channel (`chan_websocket`): a telephone call over one WebSocket.
//!
//! ```text
//!  Asterisk ── binary: samples; text: MEDIA_START, DTMF_END, MEDIA_XOFF ──▶ control ─▶ playout ─▶ rx block
//!           ◀── binary: 20 ms of samples; text: HANGUP ─────────────────────────────────────────── tx block
//! ```
//!
//! Asterisk connects to us as a client, or we connect to its `/media/` address. It plays what it gets by its own clock and
//! fills with silence, so 20 ms go out by our clock, which follows what comes.

mod connection;
mod control;
mod line;
mod params;
#[cfg(test)]
mod tests;

pub(crate) use connection::open;
pub use line::WebSocketLine;
pub use params::{Side, WebSocketParams};
