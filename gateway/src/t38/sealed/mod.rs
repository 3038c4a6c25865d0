//! UDPTL within DTLS, RFC 7345 as RFC 8842 amends it: nothing of a fax is in clear, and the far end is who signalling
//! said it is. No sockets and no clock here: datagrams and the time are arguments.
//!
//! ```text
//!  datagram ─ first octet 20 to 63? ─▶ from the negotiated place? ─▶ Association ─▶ its certificate has a fingerprint
//!             no: dropped              no: dropped                                  that was given? ─▶ records ─▶ UDPTL
//!                                                                                   no: the media end
//! ```
//!
//! Signalling drives it: [`Sealed::offer`] before the offer goes out (or comes in), [`Sealed::accept`] when the far end's
//! description is there. [`Legs`] holds more than one while keys are changed.

mod association;
mod fingerprint;
mod identity;
mod legs;
mod offer;
#[cfg(feature = "openssl")]
mod rsa;

pub use fingerprint::{Fingerprint, NotFingerprint};
pub use identity::Identity;
pub use legs::{Leg, Legs};
pub use offer::{Counters, Far, SealError, Sealed, Setup};
