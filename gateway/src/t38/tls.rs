//! T.38 over TCP within TLS. As with DTLS, the far end is who its certificate's fingerprint says.

use std::{
    fmt,
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, ClientConnection, Connection, DigitallySignedStruct, DistinguishedName,
    Error, ServerConfig, ServerConnection, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{
    path::{Path, SHORTEST_WAIT, is_passing, prepared},
    sealed::{Fingerprint, Identity},
};

/// A path on a stream that is sealed.
pub struct TlsPath {
    stream: TcpStream,
    connection: Connection,
}

impl TlsPath {
    /// A path over a stream that is connected. Whoever connected is the client.
    pub fn new(
        stream: TcpStream,
        we_are_client: bool,
        identity: &Identity,
        expected: Vec<Fingerprint>,
    ) -> io::Result<Self> {
        let judge = move |found: &Fingerprint| expected.contains(found);
        let connection = if we_are_client {
            client(identity, &[], judge).map(Connection::Client)
        } else {
            server_config(identity, &[], judge).and_then(ServerConnection::new).map(Connection::Server)
        };
        Ok(Self { stream: prepared(stream)?, connection: connection.map_err(io::Error::other)? })
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.stream)?;
        }
        Ok(())
    }
}

/// A client that believes the certificates that are judged well, for a protocol of that name; none if it has none.
pub(crate) fn client(identity: &Identity, protocol: &[u8], judge: impl Judge) -> Result<ClientConnection, Error> {
    let (certificate, key) = identity.for_tls();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let verifier = ByFingerprint { judge: Arc::new(judge), provider };
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = config.with_client_auth_cert(vec![certificate], key)?;
    config.alpn_protocols = named(protocol);
    // Nobody has a name here, and none is sent for an address.
    let nobody = ServerName::from(std::net::Ipv4Addr::UNSPECIFIED);
    ClientConnection::new(Arc::new(config), nobody)
}

/// What servers need that believe the certificates that are judged well.
pub(crate) fn server_config(
    identity: &Identity,
    protocol: &[u8],
    judge: impl Judge,
) -> Result<Arc<ServerConfig>, Error> {
    let (certificate, key) = identity.for_tls();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let config = config.with_client_cert_verifier(Arc::new(ByFingerprint { judge: Arc::new(judge), provider }));
    let mut config = config.with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = named(protocol);
    Ok(Arc::new(config))
}

fn named(protocol: &[u8]) -> Vec<Vec<u8>> {
    if protocol.is_empty() { Vec::new() } else { vec![protocol.to_vec()] }
}

impl Path for TlsPath {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(octets)?;
        self.flush()
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "the far end closed the connection");
        self.stream.set_read_timeout(Some(wait.max(SHORTEST_WAIT)))?;
        match self.connection.reader().read(buffer) {
            Ok(0) => return Err(ended()),
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        match self.connection.read_tls(&mut self.stream) {
            Ok(0) => return Err(ended()),
            Ok(_) => {}
            Err(error) if is_passing(&error) && error.kind() != io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        }
        let read = self.connection.process_new_packets();
        // An alert that says why is to be sent too.
        self.flush()?;
        read.map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, format!("{error}; the call is ended")))?;
        Ok(None)
    }

    fn kind(&self) -> &'static str {
        "tls"
    }
}

impl Drop for TlsPath {
    fn drop(&mut self) {
        self.connection.send_close_notify();
        let _ = self.flush();
    }
}

/// Whether a certificate with this fingerprint is believed.
pub(crate) trait Judge: Fn(&Fingerprint) -> bool + Send + Sync + 'static {}

impl<J: Fn(&Fingerprint) -> bool + Send + Sync + 'static> Judge for J {}

/// Believes a certificate by its fingerprint, and nothing else that is said in it.
struct ByFingerprint {
    judge: Arc<dyn Judge>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for ByFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByFingerprint")
    }
}

/// Checks that whoever sent a certificate has the key to it.
type Verify = fn(
    &[u8],
    &CertificateDer<'_>,
    &DigitallySignedStruct,
    &rustls::crypto::WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error>;

impl ByFingerprint {
    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let right = (self.judge)(&Fingerprint::of(certificate));
        if right { Ok(()) } else { Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) }
    }

    fn verify(
        &self,
        how: Verify,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        how(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for ByFingerprint {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(verify_tls12_signature, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(verify_tls13_signature, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for ByFingerprint {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(verify_tls12_signature, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(verify_tls13_signature, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
