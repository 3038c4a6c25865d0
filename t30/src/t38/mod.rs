//! Facsimile over IP networks in real time, ITU-T T.38. No sockets and no clock: datagrams and the time are arguments.

mod call;
pub mod ifp;
pub mod pacing;
mod per;
pub mod relay;
mod repeat;
pub mod rtp;
mod rtp_parity;
mod sequence;
mod terminal;
pub mod tpkt;
pub mod udptl;
mod wire;

pub use call::Call;
pub use sequence::{Arrival, Counters, LONGEST_PACKET};
pub use terminal::{RateManagement, Terminal, TerminalConfig};
pub use wire::{PATIENCE, Wire};
