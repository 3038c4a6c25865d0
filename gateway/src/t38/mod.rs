//! Calls over packets: T.38 on sockets, in real time.
//!
//! ```text
//!  socket ── datagram ──▶ Call (session, front end, UDPTL) ── events ──▶ observer
//!         ◀── datagram ──                                 ◀── time ───  clock
//! ```

mod driver;
mod dtls;
mod line;
mod path;
mod relaying;
pub mod sealed;
pub(crate) mod tls;

pub(crate) use driver::Driver;
pub use driver::{Clock, run_call};
pub use dtls::{Change, DtlsPath};
pub use line::{PacketLine, open, terminal, wire};
pub use path::{Path, TcpPath, UdpPath};
pub use relaying::{RelayFailure, Relayed, run_relay};
pub use tls::TlsPath;
