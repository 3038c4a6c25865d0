//! The T.30 facsimile machine, in call order. Nothing here does I/O or knows a clock: time is an argument.
//!
//! Octets, here and at every border of this crate, hold the bit that goes first on the line in their least
//! significant place.

#[cfg(feature = "audio")]
pub mod audio;
pub mod class1;
mod class2;
pub mod frame;
pub mod handover;
pub mod hdlc;
pub mod image;
#[cfg(feature = "audio")]
pub mod observe;
pub mod seam;
pub mod session;
pub mod t38;
pub mod time;
