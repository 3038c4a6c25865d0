//! Internet fax, ITU-T T.37 and RFC 3965: addresses, messages, notices.

pub mod address;
pub mod dial;
pub mod features;
pub mod form;
pub mod message;
pub mod negotiation;
mod pdf;
pub mod priority;
pub mod receipt;
pub mod reply;
pub mod status;
mod thumbnail;

pub use form::pages_as_tiff;
pub use pdf::{pdf_of, pdf_of_pages};
pub use thumbnail::thumbnail;
