//! How a port is entered: which protocol, and with TLS from the start, on demand or not at all.

use std::{fmt, fs, io, path::Path, sync::Arc};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 2033: each recipient has a reply of its own after the message.
    Lmtp,
}

/// How a port is entered. By default in the clear, without logins.
#[derive(Clone, Default)]
pub struct Door {
    /// What is spoken.
    pub protocol: Protocol,
    /// Certificate and key, where there are any.
    pub tls: Option<TlsAcceptor>,
    /// TLS from the first octet, RFC 8314.
    pub tls_first: bool,
    /// Whether one can log in.
    pub logins: bool,
    /// Whether also without TLS.
    pub logins_in_clear: bool,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("protocol", &self.protocol)
            .field("tls", &self.tls.is_some())
            .field("tls_first", &self.tls_first)
            .finish_non_exhaustive()
    }
}

/// A connection, whatever lies under it.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A certificate chain and its key from PEM files.
pub fn certificate(chain: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let read = |path: &Path| fs::read(path).map_err(|error: io::Error| format!("{}: {error}", path.display()));
    let pem = |path: &Path, error: &dyn fmt::Display| format!("{}: {error}; write a PEM file", path.display());
    let chain_octets = read(chain)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain_octets).collect();
    let certificates = certificates.map_err(|error| pem(chain, &error))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| pem(key, &error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(|error| format!("{} and {}: {error}", chain.display(), key.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
