//! Session descriptions of calls: audio, T.38 and T.38 sealed. No I/O.
//!
//! ```text
//!  body ─▶ Description (what is written) ─▶ Voice, T38, Seal (what is meant) ─▶ Agreed (what both do)
//! ```

mod audio;
mod description;
mod offer;
mod seal;
mod t38;
#[cfg(test)]
mod tests;

pub use audio::{Direction, Voice};
pub use description::{Attribute, Description, Host, Media};
pub use offer::{Agreed, Audio, Choice, Image, Local, NoAnswer, Rules, Wanted, agreed, answer, choose, offer};
pub use seal::{Kept, OwnSeal, PROTOCOL, Seal, Sealing, Setup};
pub use t38::{Correction, T38};
