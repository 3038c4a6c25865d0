//! Facsimile over IP networks in real time, ITU-T T.38. No sockets and no clock: datagrams and the time are arguments.

pub mod ifp;
mod per;
pub mod rtp;
mod sequence;
pub mod tpkt;
pub mod udptl;

pub use sequence::{Arrival, Counters, LONGEST_PACKET};
