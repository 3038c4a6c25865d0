//! Caller identification: who calls, told between the first two rings.
//!
//! ```text
//!  Bell 202 (GR-30), V.23 (ETSI EN 300 659):  1010… 1111…  type length ┬ parameters ┬ checksum
//!                                             seizure mark             └ SDMF: date, number
//!  DTMF:                                      A number D redirected B special C     and country by country
//! ```

mod dtmf;
mod fields;
mod message;
mod receiver;
mod sender;

pub use dtmf::{DtmfForm, digits_for, read_digits};
pub use fields::{CallerId, Parameter};
pub use message::{Message, MessageKind};
pub use receiver::CallerIdReceiver;
pub use sender::{CallerIdSender, Standard};
