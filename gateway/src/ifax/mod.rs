//! Internet fax, ITU-T T.37 and RFC 3965: addresses, messages, notices.

pub mod address;
pub mod dial;
pub mod message;
mod pdf;
pub mod priority;
pub mod receipt;
pub mod reply;
pub mod status;
mod thumbnail;

pub use message::pages_as_tiff;
pub use pdf::{pdf_of, pdf_of_pages};
pub use thumbnail::thumbnail;
