//! `[store]` and `[spool]`: where everything is kept and for how long, and a folder whose messages are taken.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    ConfigError,
    file::{File, Key, text},
};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    dir: Key<String>,
    wipe_after_days: Key<i64>,
    forget_after_days: Key<i64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpool {
    dir: Key<String>,
}

/// Where everything is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreFolder {
    /// The folder.
    pub dir: PathBuf,
    /// Days after which what was said is wiped of faxes and mails that are over: messages, pages, notices. 0: never.
    pub wipe_after_days: i64,
    /// Days after which also the log forgets them. 0: never.
    pub forget_after_days: i64,
}

/// A folder whose messages are taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spool {
    /// The folder; empty for none.
    pub dir: PathBuf,
}

impl File<'_> {
    pub(super) fn store(&self, raw: Raw) -> Result<StoreFolder, ConfigError> {
        Ok(StoreFolder {
            dir: text(raw.dir, "answertone-store").into(),
            wipe_after_days: self.number("store.wipe_after_days", raw.wipe_after_days, 90, 0, 36_500)?,
            forget_after_days: self.number("store.forget_after_days", raw.forget_after_days, 0, 0, 36_500)?,
        })
    }

    pub(super) fn spool(&self, raw: RawSpool) -> Spool {
        Spool { dir: text(raw.dir, "").into() }
    }
}
