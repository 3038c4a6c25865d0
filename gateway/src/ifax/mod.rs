//! Internet fax, ITU-T T.37 and RFC 3965: addresses, messages, notices.

pub mod address;
pub mod message;
mod pdf;
pub mod receipt;
pub mod status;

pub use pdf::pdf_of_pages;
