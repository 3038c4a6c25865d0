//! The way to a mail server: TCP, with TLS from the first octet or later.

use std::{fmt::Debug, io, path::Path, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::config::{Mailbox, Tls};

/// A connection, sealed or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Debug + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Debug + Send> Wire for T {}

/// Connects; sealed where TLS comes first.
pub(super) async fn connect(mailbox: &Mailbox) -> io::Result<Box<dyn Wire>> {
    let stream = TcpStream::connect((mailbox.host.as_str(), mailbox.port)).await?;
    match mailbox.tls {
        Tls::Wrapped => seal(mailbox, Box::new(stream)).await,
        _ => Ok(Box::new(stream)),
    }
}

/// TLS on a connection.
pub(super) async fn seal(mailbox: &Mailbox, stream: Box<dyn Wire>) -> io::Result<Box<dyn Wire>> {
    let name = ServerName::try_from(mailbox.host.clone()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::new(settings(&mailbox.ca_file)?));
    Ok(Box::new(connector.connect(name, stream).await?))
}

/// Trusts what this machine trusts, and the authorities of the file.
fn settings(ca_file: &str) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !ca_file.is_empty() {
        let certificates = CertificateDer::pem_file_iter(Path::new(ca_file)).map_err(io::Error::other)?;
        for certificate in certificates {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth())
}
