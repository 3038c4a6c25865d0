//! `[onramp]`: fax to e-mail.

use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    file::{File, Key},
};
use crate::mail::Mailbox;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    mailbox: Key<String>,
    from: Key<String>,
    attach: Key<String>,
}

/// How received pages are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// TIFF, RFC 3949.
    Tiff,
    /// PDF.
    Pdf,
    /// Both.
    Both,
}

/// Fax to e-mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Onramp {
    /// Where faxes go that no route takes.
    pub mailbox: Mailbox,
    /// Who they come from when the caller is unknown.
    pub from: Mailbox,
    /// How.
    pub attach: Attach,
}

impl File<'_> {
    pub(super) fn onramp(&self, raw: Raw, hostname: &str) -> Result<Onramp, ConfigError> {
        let kinds = [("tiff", Attach::Tiff), ("pdf", Attach::Pdf), ("both", Attach::Both)];
        Ok(Onramp {
            mailbox: self.mailbox("onramp.mailbox", raw.mailbox, &format!("postmaster@{hostname}"))?,
            from: self.mailbox("onramp.from", raw.from, &format!("fax@{hostname}"))?,
            attach: self.choice("onramp.attach", raw.attach, Attach::Both, &kinds)?,
        })
    }
}
