//! `[seal]` and `[[seal_to]]`: keys for signed and sealed mail.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError,
    file::{File, Key, text},
};
use crate::mail::Mailbox;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    openpgp_home: Key<String>,
    smime_certificate_file: Key<String>,
    smime_key_file: Key<String>,
    smime_authorities_file: Key<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTo {
    mailbox: Spanned<String>,
    certificate_file: Key<String>,
}

/// Where the keys are; files and folders, never the keys themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seal {
    /// Folder of GnuPG with our secret key and the public ones of who is trusted; empty for no OpenPGP.
    pub openpgp_home: String,
    /// Our certificate, PEM; empty for none.
    pub smime_certificate_file: String,
    /// Its key, PEM.
    pub smime_key_file: String,
    /// Certificates of the authorities that vouch for signers, PEM; empty for none.
    pub smime_authorities_file: String,
}

/// A mailbox whose faxes are sealed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SealTo {
    /// Which.
    pub mailbox: Mailbox,
    /// Its certificate, PEM; empty: by the OpenPGP key of that address.
    pub certificate_file: String,
}

impl File<'_> {
    pub(super) fn seal(&self, raw: Raw) -> Result<Seal, ConfigError> {
        if let (Some(key), None) = (&raw.smime_certificate_file, &raw.smime_key_file)
            && !key.get_ref().is_empty()
        {
            return Err(self.refuse("seal.smime_certificate_file", key, "write seal.smime_key_file too"));
        }
        Ok(Seal {
            openpgp_home: text(raw.openpgp_home, ""),
            smime_certificate_file: text(raw.smime_certificate_file, ""),
            smime_key_file: text(raw.smime_key_file, ""),
            smime_authorities_file: text(raw.smime_authorities_file, ""),
        })
    }

    pub(super) fn seal_to(&self, raw: RawTo, seal: &Seal) -> Result<SealTo, ConfigError> {
        let mailbox = self.address("seal_to.mailbox", &raw.mailbox)?;
        let certificate_file = text(raw.certificate_file, "");
        if certificate_file.is_empty() && seal.openpgp_home.is_empty() {
            let remedy = "write its certificate_file, or seal.openpgp_home with its OpenPGP key";
            return Err(self.refuse("seal_to.mailbox", &raw.mailbox, remedy));
        }
        Ok(SealTo { mailbox, certificate_file })
    }
}
