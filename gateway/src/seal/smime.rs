//! S/MIME, RFC 8551, by openssl.

use std::process::Command;

use super::{SealError, entity::Entity, program::run};
use crate::config::Seal;

fn cms(args: &[&str]) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.arg("cms").args(args);
    openssl
}

/// What is in the seal.
pub(super) fn open(keys: &Seal, raw: &[u8]) -> Result<Vec<u8>, SealError> {
    if keys.smime_certificate_file.is_empty() {
        return Err(SealError::Closed("this gateway has no S/MIME certificate".into()));
    }
    let files = ["-recip", &keys.smime_certificate_file, "-inkey", &keys.smime_key_file];
    let said = run("openssl", cms(&["-decrypt", "-inform", "SMIME"]).args(files), raw)?;
    if said.ok { Ok(said.output) } else { Err(SealError::Closed(said.last_words())) }
}

/// Addresses in the certificates that signed it, where our authorities vouch for them.
pub(super) fn signers(keys: &Seal, raw: &[u8]) -> Result<Vec<String>, SealError> {
    if keys.smime_authorities_file.is_empty() {
        return Ok(vec![]);
    }
    let certificates = verified(keys, &["-out", "/dev/null", "-signer", "/dev/stdout"], raw)?;
    let Some(certificates) = certificates else { return Ok(vec![]) };
    let said = run("openssl", Command::new("openssl").args(["x509", "-noout", "-email"]), &certificates)?;
    Ok(String::from_utf8_lossy(&said.output).lines().map(|line| line.trim().to_lowercase()).collect())
}

/// What is in an opaque signature, and who signed.
pub(super) fn opaque(keys: &Seal, raw: &[u8]) -> Result<(Vec<u8>, Vec<String>), SealError> {
    // What it holds is printed whoever signed it, like any mail.
    let said = run("openssl", &mut cms(&["-verify", "-inform", "SMIME", "-noverify"]), raw)?;
    if !said.ok {
        return Err(SealError::Closed(said.last_words()));
    }
    Ok((said.output, signers(keys, raw)?))
}

fn verified(keys: &Seal, wanted: &[&str], raw: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
    let mut command = cms(&["-verify", "-inform", "SMIME", "-CAfile", &keys.smime_authorities_file, "-no-CApath"]);
    let said = run("openssl", command.args(wanted), raw)?;
    Ok(said.ok.then_some(said.output))
}

/// The entity, sealed for that certificate.
pub(super) fn close(certificate_file: &str, entity: &Entity<'_>) -> Result<Vec<u8>, SealError> {
    let mut command = cms(&["-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", certificate_file]);
    let said = run("openssl", &mut command, &entity.content())?;
    if !said.ok {
        return Err(SealError::Program(format!("openssl does not seal for {certificate_file}: {}", said.last_words())));
    }
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(&said.output);
    let lines: Vec<_> = text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    Ok(format!(
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n{}\r\n",
        lines.join("\r\n")
    )
    .into_bytes())
}
