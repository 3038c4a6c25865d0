//! Signed and sealed mail, S/MIME (RFC 8551) and OpenPGP (RFC 3156), by the programs that keep their keys: openssl and gpg.
//!
//! ```text
//!  mail in ──▶ sealed for us? opened ──▶ signed? by whom ──▶ the mail as it is printed, and who signed it
//!  mail out ─▶ sealed for the mailbox, where the operator has its key
//! ```
//!
//! A fax gateway breaks what is end to end, RFC 4161 4: behind it the pages are on the telephone network and on paper, and
//! the opened mail lies in the store. What this protects is the way through the Internet and who may have calls made.

mod entity;
mod openpgp;
mod program;
mod smime;

use entity::Entity;

use crate::config::{Seal, SealTo};

/// A mail as it can be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The mail; what was sealed is in the place of its seal.
    pub raw: Vec<u8>,
    /// Addresses in the keys and certificates of who signed it, where these are to be trusted.
    pub signers: Vec<String>,
}

/// Why a mail cannot be opened or sealed, for people.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// It is sealed for somebody else, or damaged, or we have no key at all.
    #[error("the message is encrypted and cannot be opened here: {0}")]
    Closed(String),
    /// A program is missing or fails.
    #[error("{0}")]
    Program(String),
}

/// Opens what is sealed and finds who signed. A mail that is neither comes back as it is.
pub fn open(keys: &Seal, raw: Vec<u8>) -> Result<Opened, SealError> {
    let entity = Entity::of(&raw);
    let mut within = vec![];
    let raw = if entity.is("multipart", "encrypted") {
        let (content, signers) = openpgp::open(keys, &entity)?;
        within = signers;
        entity.with_content(&content)
    } else if entity.is_smime("enveloped-data") {
        entity.with_content(&smime::open(keys, &raw)?)
    } else {
        raw
    };
    let entity = Entity::of(&raw);
    if entity.is_smime("signed-data") {
        let (content, signers) = smime::opaque(keys, &raw)?;
        return Ok(Opened { raw: entity.with_content(&content), signers });
    }
    let signers = match entity.attribute("protocol").as_deref() {
        Some("application/pgp-signature") => openpgp::signers(keys, &entity),
        Some("application/pkcs7-signature" | "application/x-pkcs7-signature") => smime::signers(keys, &raw),
        _ => Ok(vec![]),
    };
    // A signature that nobody can vouch for makes a mail no worse than none.
    within.extend(signers.unwrap_or_default());
    Ok(Opened { raw, signers: within })
}

/// Seals a mail for whom it is for; it comes back as it is where we have no key for that.
pub fn close(keys: &Seal, to: &[SealTo], recipient: &str, raw: &[u8]) -> Result<Vec<u8>, SealError> {
    let Some(row) = to.iter().find(|row| row.mailbox.as_str().eq_ignore_ascii_case(recipient)) else {
        return Ok(raw.to_vec());
    };
    let entity = Entity::of(raw);
    let sealed = match row.certificate_file.as_str() {
        "" => openpgp::close(keys, recipient, &entity)?,
        certificate => smime::close(certificate, &entity)?,
    };
    Ok(entity.with_content(&sealed))
}

#[cfg(test)]
mod tests;
