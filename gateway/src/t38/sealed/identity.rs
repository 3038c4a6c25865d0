//! Our certificate and its key.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use dimpl::DtlsCertificate;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

use super::Fingerprint;

/// A certificate that says nothing of who we are (RFC 7345 5.1), and its key: ECDSA on P-256.
#[derive(Clone)]
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// A fresh one, for one call.
    pub fn fresh() -> io::Result<Self> {
        made().map(|(identity, _)| identity)
    }

    /// The one kept in a PEM file; if there is no file, a fresh one is made and kept there for us alone.
    pub fn kept(file: &Path) -> io::Result<Self> {
        match fs::read(file) {
            Ok(text) => Self::read(&text).map_err(|error| {
                let what = "it must hold a certificate and its key in PEM; name another file, or none there yet";
                io::Error::new(io::ErrorKind::InvalidData, format!("{error}; {what}"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (identity, text) = made()?;
                let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
                made.write_all(text.as_bytes())?;
                Ok(identity)
            }
            Err(error) => Err(error),
        }
    }

    /// What the far end must be told by a way it trusts.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// Whether its key is of RSA.
    pub fn is_rsa(&self) -> bool {
        /// rsaEncryption, RFC 8017 A.1, as a PKCS 8 key has it.
        const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        self.key.get(..40).is_some_and(|head| head.windows(RSA.len()).any(|octets| octets == RSA))
    }

    /// Certificate and key in DER.
    #[cfg(feature = "openssl")]
    pub(super) fn octets(&self) -> (&[u8], &[u8]) {
        (&self.certificate, &self.key)
    }

    /// As DTLS wants it.
    pub(super) fn for_dtls(&self) -> DtlsCertificate {
        DtlsCertificate { certificate: self.certificate.clone(), private_key: self.key.clone() }
    }

    /// As TLS wants it.
    pub(crate) fn for_tls(&self) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = PrivatePkcs8KeyDer::from(self.key.clone());
        (CertificateDer::from(self.certificate.clone()), PrivateKeyDer::Pkcs8(key))
    }

    fn read(text: &[u8]) -> Result<Self, tokio_rustls::rustls::pki_types::pem::Error> {
        let certificate = CertificateDer::from_pem_slice(text)?.to_vec();
        Ok(Self { certificate, key: PrivatePkcs8KeyDer::from_pem_slice(text)?.secret_pkcs8_der().to_vec() })
    }
}

/// A fresh one, and it in PEM.
fn made() -> io::Result<(Identity, String)> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "anonymous");
    let certificate = parameters.self_signed(&key).map_err(io::Error::other)?;
    let text = certificate.pem() + &key.serialize_pem();
    Ok((Identity { certificate: certificate.der().to_vec(), key: key.serialize_der() }, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_identity_stays_the_same_and_is_for_us_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity.pem");
        let [first, second] = [Identity::kept(&file).unwrap(), Identity::kept(&file).unwrap()];
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(first.fingerprint(), Identity::fresh().unwrap().fingerprint());
    }
}
