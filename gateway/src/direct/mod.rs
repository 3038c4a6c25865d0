//! A document from gateway to gateway while their call is up: by TLS, over whatever network is between them, and not over
//! the telephone line. Off unless it is asked for.
//!
//! ```text
//!  caller   Courier ── NSS, in the call: who brings ─────────────▶ Courier   answerer
//!           bring   ══ TLS: a page ══════════════════════════════▶ Door ──▶ session ──▶ store
//!                   ◀═ kept ═════════════════════════════════════
//! ```
//!
//! Both certificates are named in the call (`t30`'s `frame::DirectOffer` and `DirectBringer`), so that whoever is at the other
//! end of TLS is whoever spoke in the call. When anything fails the call goes on by itself; see `session::Direct`.

mod bring;
mod courier;
mod door;
mod wire;

pub use courier::Courier;
pub use door::Door;
