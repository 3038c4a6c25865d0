//! The signal processing of a telephone modem, in signal order: samples, levels, tones, FSK, modems, the line.
//!
//! Nothing here does I/O, knows a clock or allocates after construction; the same input gives the same output on
//! every machine.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod bits;
pub mod callerid;
pub mod channel;
mod constant;
pub mod echo;
pub mod filter;
pub mod fsk;
pub mod g711;
pub mod lanes;
pub mod level;
pub mod modem;
pub mod osc;
pub mod pcm;
pub mod scrambler;
pub mod tone;
pub mod units;
pub mod v8;
