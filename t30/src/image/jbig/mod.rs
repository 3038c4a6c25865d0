//! The arithmetic coding of ITU-T T.85 (08/95): T.82 (JBIG) with one layer and one plane.
//!
//! ```text
//!  page ── header │ stripe SDNORM │ ATMOVE stripe SDNORM │ ... │ stripe SDNORM      JbigEncoder
//!                   └ row: like the one above? else its pels, each in the context of ten others
//!  pels ◀── contexts' beliefs, arithmetic decoder ◀── octets up to a marker ◀── pieces    JbigDecoder
//! ```
//!
//! Octets go on the line with the least significant bit first, as those of frames do, and into files as they are; the
//! decoder takes them either way round, as senders do not agree. There is no end-of-page code, as the header tells the number of rows.

mod decoder;
mod encoder;
mod header;
mod likeness;
mod qm_decoder;
mod qm_encoder;
mod segments;
mod states;
mod template;

pub(super) use decoder::JbigDecoder;
pub(super) use encoder::JbigEncoder;
pub use encoder::JbigOptions;
pub use header::BASIC_STRIPE_ROWS;
pub use states::{QM_STATES, QmState};

use super::Bitmap;

/// Encodes a whole bitmap.
pub fn encode(bitmap: &Bitmap, options: JbigOptions) -> Vec<u8> {
    let mut encoder = JbigEncoder::new(bitmap.width(), bitmap.height(), options);
    (0..bitmap.height()).for_each(|row| encoder.row(bitmap.row(row)));
    encoder.end();
    encoder.into_octets()
}
