//! OpenPGP in MIME, RFC 3156, by gpg with a folder of its own: our secret key, and the public ones of who is trusted.

use std::{fs, path::PathBuf, process::Command};

use super::{SealError, entity::Entity, program::run};
use crate::{config::Seal, hexadecimal::chance};

fn gpg(keys: &Seal) -> Command {
    let mut gpg = Command::new("gpg");
    gpg.args(["--batch", "--no-tty", "--quiet", "--status-fd", "2", "--trust-model", "always", "--homedir"]);
    gpg.arg(&keys.openpgp_home);
    gpg
}

/// What is in the seal, and the addresses of the keys that signed it in there, RFC 3156 6.2. A signature that cannot be checked
/// does not keep it closed.
pub(super) fn open(keys: &Seal, entity: &Entity<'_>) -> Result<(Vec<u8>, Vec<String>), SealError> {
    if keys.openpgp_home.is_empty() {
        return Err(SealError::Closed("this gateway has no OpenPGP key".into()));
    }
    let parts = entity.parts();
    let sealed = parts.get(1).ok_or_else(|| SealError::Closed("it has no sealed part".into()))?;
    let said = run("gpg", gpg(keys).arg("--decrypt"), sealed)?;
    let opened = said.errors.lines().any(|line| line == "[GNUPG:] DECRYPTION_OKAY");
    match (said.ok, opened) {
        (true, _) => Ok((said.output, good(&said.errors))),
        (false, true) => Ok((said.output, vec![])),
        (false, false) => Err(SealError::Closed(said.last_words())),
    }
}

/// Addresses of the keys that signed it.
pub(super) fn signers(keys: &Seal, entity: &Entity<'_>) -> Result<Vec<String>, SealError> {
    let parts = entity.parts();
    let ([signed, signature, ..], false) = (&parts[..], keys.openpgp_home.is_empty()) else { return Ok(vec![]) };
    let file = Scratch::new(signature)?;
    let said = run("gpg", gpg(keys).arg("--verify").arg(&file.0).arg("-"), signed)?;
    Ok(if said.ok { good(&said.errors) } else { vec![] })
}

/// Addresses of the keys whose signatures gpg calls good.
fn good(said: &str) -> Vec<String> {
    let good = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] GOODSIG "));
    good.filter_map(|line| address_of(line.split_once(' ')?.1)).collect()
}

/// The address in the name of a key: `Name (comment) <address>`, or nothing else but the address.
fn address_of(user_id: &str) -> Option<String> {
    let address = user_id.rsplit_once('<').map_or(user_id, |(_, address)| address.trim_end_matches('>')).trim();
    (address.contains('@') && !address.contains(' ')).then(|| address.to_lowercase())
}

/// The entity, sealed for the keys of that address.
pub(super) fn close(keys: &Seal, recipient: &str, entity: &Entity<'_>) -> Result<Vec<u8>, SealError> {
    let mut command = gpg(keys);
    command.args(["--armor", "--encrypt", "--recipient", &format!("<{recipient}>")]);
    let said = run("gpg", &mut command, &entity.content())?;
    if !said.ok {
        return Err(SealError::Program(format!("gpg does not seal for {recipient}: {}", said.last_words())));
    }
    let armoured = String::from_utf8_lossy(&said.output).replace("\r\n", "\n").replace('\n', "\r\n");
    let boundary = "sealed-by-answertone";
    Ok(format!(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n\
         --{boundary}\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n\r\n{armoured}\r\n--{boundary}--\r\n"
    )
    .into_bytes())
}

/// A file that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(octets: &[u8]) -> Result<Self, SealError> {
        let path = std::env::temp_dir().join(format!("answertone-{}", chance::<8>()));
        let made = fs::File::create_new(&path).and_then(|mut file| std::io::Write::write_all(&mut file, octets));
        made.map_err(|error| SealError::Program(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
