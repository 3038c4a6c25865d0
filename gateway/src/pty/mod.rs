//! Modems on pseudo-terminals: what `answertone pty` runs.
//!
//! ```text
//!  host ═ /dev/pts/N ═ Terminal ── octets ──▶ class1::Modem ── orders ──▶ AudioFrontEnd
//!                               ◀───────────        │       ◀─ events ──        │ samples
//!                                                   └── dial, answer ──▶ Trunk ─┴─▶ PcmLine
//! ```
//!
//! Each modem has a thread of its own. On hook it waits for its host and its bell; off hook it runs by blocks of 10 ms.

mod analogue;
mod driver;
mod group;
mod link;
mod number;
mod terminal;
mod trunk;
mod visits;

pub use driver::{Driver, Stop};
pub use link::{Link, LinkError};
pub use number::{nth_line, nth_path};
pub use terminal::{Access, Terminal, TerminalError};
pub use trunk::{Trunk, trunk};
pub use visits::Watchman;
