//! Calls over packets: T.38 on sockets, in real time.
//!
//! ```text
//!  socket ── datagram ──▶ Call (session, front end, UDPTL) ── events ──▶ observer
//!         ◀── datagram ──                                 ◀── time ───  clock
//! ```

mod driver;
mod line;
mod path;

pub(crate) use driver::Driver;
pub use driver::{Clock, run_call};
pub use line::{open, terminal, wire};
pub use path::{Path, TcpPath, UdpPath};
