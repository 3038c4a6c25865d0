//! Caller identification: who calls, told before the first ring, between the first two, or in the middle of a call.
//!
//! ```text
//!  Bell 202 (GR-30), V.23 (ETSI EN 300 659):  1010… 1111…  type length ┬ parameters ┬ checksum
//!                                             seizure mark             └ SDMF: date, number
//!  NTT: V.23, a frame of its own (see `japan`)
//!  DTMF:                                      A number D redirected B special C     and country by country
//! ```

mod alert;
mod discriminator;
mod dtmf;
mod fields;
mod japan;
mod message;
mod octets;
mod receiver;
mod sender;
mod waiting;

pub use alert::{
    ALERT_PITCHES, Alert, AlertBank, AlertDetector, AlertListener, HeardAlert, acknowledgement, subscriber_alert,
};
pub use dtmf::{DtmfForm, digits_for, read_digits};
pub use fields::{CallerId, Parameter, absence};
pub use message::{Message, MessageKind};
pub use receiver::{CallerIdBank, CallerIdListener, CallerIdReceiver};
pub use sender::{CallerIdSender, Hook, Standard};
pub use waiting::{Offered, WaitingCall, WaitingOffer, WaitingTerminal};
