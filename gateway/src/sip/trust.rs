//! Whom a connection in TLS trusts: the system's authorities and the account's own; or anybody, where the account says so.

use std::{fs, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

use crate::config::SipAccount;

/// Connects as an account trusts.
pub(super) fn connector(account: &SipAccount) -> Result<TlsConnector, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(account)?)
        .with_no_client_auth();
    if !account.verify {
        config.dangerous().set_certificate_verifier(Arc::new(Anybody(provider)));
    }
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(account: &SipAccount) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let known = rustls_native_certs::load_native_certs();
    for error in &known.errors {
        tracing::warn!(%error, "the system's authorities are not all known; see that they can be read, or name them in sip.ca_file");
    }
    for root in known.certs {
        // One that cannot be read is one that nobody is trusted by.
        let _ = roots.add(root);
    }
    if !account.ca_file.as_os_str().is_empty() {
        let wrong = |error: &dyn std::fmt::Display| {
            format!("sip.ca_file = {:?}: {error}; write a file of certificates in PEM", account.ca_file)
        };
        let octets = fs::read(&account.ca_file).map_err(|error| wrong(&error))?;
        let known = roots.len();
        for root in CertificateDer::pem_slice_iter(&octets) {
            let root = root.map_err(|error| wrong(&error))?;
            roots.add(root).map_err(|error| wrong(&error))?;
        }
        if roots.len() == known {
            return Err(wrong(&"no certificate is in it"));
        }
    }
    Ok(roots)
}

/// Takes any certificate whose key the other end has.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        fs::write(&file, "no certificate\n").unwrap();
        let text = format!("[[sip]]\nname = \"office\"\nallowed = [\"127.0.0.0/8\"]\nca_file = {file:?}\n");
        let account = Config::parse(&text, "test").unwrap().accounts.remove(0);
        let said = connector(&account).err().expect("it cannot be used");
        assert!(said.contains("authority.pem") && said.contains("no certificate is in it"), "{said}");
    }
}
