//! The half of Class 2, 2.0 and 2.1 that is not AT commands: a call that the modem makes by its own T.30 while its host
//! gives and takes pages, ITU-T T.32, TIA-592 and the older draft that most modems call Class 2.
//!
//! ```text
//!  host     ATD                              +FDT                   page DLE .        (+FET in Class 2)
//!  modem        +FCO +FCI +FIS OK                 +FCS CONNECT                 OK  ...  +FHS OK
//!  line         CNG CED DIS                       DCS TCF CFR       page EOP MCF      DCN
//!
//!  host     ATA                              +FDR      DC2                            +FDR
//!  modem        +FCO +FTI +FCS OK                 CONNECT  page DLE ETX  +FPS +FET OK       +FHS OK
//!  line         CED DIS DCS TCF                   CFR      page EOP                         MCF DCN
//! ```
//!
//! [`crate::class1::Modem`] reads commands and owns the line; what is here says what goes to its host as values.

mod code;
mod dialect;
mod fax;
mod parameters;

pub(crate) use dialect::Dialect;
pub(crate) use fax::{Fax, News};
pub(crate) use parameters::{Options, Terms};

use crate::class1::{XOFF, XON};
