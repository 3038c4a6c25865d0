//! Pages as bitmaps, and the codings of T.4 and T.6 that carry them.

mod bitmap;

pub use bitmap::Bitmap;
