//! One DTLS 1.2 association by the system's OpenSSL: for certificates with RSA keys, which the suites of RFC 7345's old
//! peers want. It has the same shape as the others, but for its clock: OpenSSL looks at the computer's.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use openssl::{
    bn::BigNum,
    dh::Dh,
    error::ErrorStack,
    pkey::PKey,
    rand::rand_bytes,
    ssl::{
        Error, ErrorCode, ShutdownState, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslStream,
        SslVerifyMode,
    },
    x509::X509,
};

use super::{
    Fingerprint, Identity,
    association::{Broken, HANDSHAKE_DATAGRAM, MOST_OPENED, RECORD},
};

/// Suites with forward secrecy: those of RFC 7345 4.1 and what is newer, for certificates of either kind.
const SUITES: &str = "ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:\
                      ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";

/// How often it is looked whether a flight is to be sent again.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// Octets of a cookie. Each association has its own address and cookie.
const COOKIE: usize = 16;

/// Nothing is due.
const NEVER: Duration = Duration::from_secs(3600);

/// Datagrams in and out.
#[derive(Default)]
struct Datagrams {
    came: VecDeque<Vec<u8>>,
    to_go: VecDeque<Vec<u8>>,
}

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.came.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let count = datagram.len().min(buffer.len());
        buffer[..count].copy_from_slice(&datagram[..count]);
        Ok(count)
    }
}

impl Write for Datagrams {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.to_go.push_back(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct RsaAssociation {
    stream: SslStream<Datagrams>,
    connected: bool,
    closed: bool,
    certificate: Option<Fingerprint>,
    due: Instant,
    opened: VecDeque<Vec<u8>>,
    buffer: Vec<u8>,
}

impl From<ErrorStack> for Broken {
    fn from(error: ErrorStack) -> Self {
        Self(error.to_string())
    }
}

fn context(identity: &Identity) -> Result<SslContext, ErrorStack> {
    let (certificate, key) = identity.octets();
    let mut context = SslContext::builder(SslMethod::dtls())?;
    context.set_cipher_list(SUITES)?;
    context.set_certificate(&*X509::from_der(certificate)?)?;
    context.set_private_key(&*PKey::private_key_from_der(key)?)?;
    // Its fingerprint is all that counts of a certificate, and that is compared when it is there.
    context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
    // The group of 2048 bits of RFC 3526.
    context.set_tmp_dh(&*Dh::from_pqg(BigNum::get_rfc3526_prime_2048()?, None, BigNum::from_u32(2)?)?)?;
    with_cookie(&mut context)?;
    Ok(context.build())
}

/// Whoever says hello gets no certificate before it has shown that it hears what is sent to its address, RFC 6347 4.2.1: else
/// anybody could have us send much to somebody else.
fn with_cookie(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    let mut cookie = [0; COOKIE];
    rand_bytes(&mut cookie)?;
    context.set_options(SslOptions::COOKIE_EXCHANGE);
    context.set_cookie_generate_cb(move |_, room| {
        room[..COOKIE].copy_from_slice(&cookie);
        Ok(COOKIE)
    });
    context.set_cookie_verify_cb(move |_, shown| shown == cookie);
    Ok(())
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// Whether nothing is wrong but that more has to come first.
fn is_waiting(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE)
}

impl RsaAssociation {
    pub(super) fn new(active: bool, identity: &Identity, now: Instant) -> Result<Self, Broken> {
        let context = context(identity)?;
        let mut ssl = Ssl::new(&context)?;
        ssl.set_mtu(HANDSHAKE_DATAGRAM as u32)?;
        if active {
            ssl.set_connect_state()
        } else {
            ssl.set_accept_state()
        }
        let mut association = Self {
            stream: SslStream::new(ssl, Datagrams::default())?,
            connected: false,
            closed: false,
            certificate: None,
            due: now,
            opened: VecDeque::new(),
            buffer: vec![0; RECORD],
        };
        association.wake(now)?;
        Ok(association)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn certificate(&self) -> Option<&Fingerprint> {
        self.certificate.as_ref()
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) fn handle(&mut self, datagram: &[u8], now: Instant) -> Result<(), Broken> {
        self.stream.get_mut().came.push_back(datagram.to_vec());
        self.go_on(now)
    }

    pub(super) fn wake(&mut self, now: Instant) -> Result<(), Broken> {
        if now < self.due { Ok(()) } else { self.go_on(now) }
    }

    pub(super) fn seal(&mut self, octets: &[u8]) -> Result<(), Broken> {
        if self.connected {
            self.stream.ssl_write(octets)?;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) {
        if self.connected {
            // Who does not hear it finds out.
            let _ = self.stream.shutdown();
        }
    }

    pub(super) fn poll_record(&mut self) -> Option<Vec<u8>> {
        self.stream.get_mut().to_go.pop_front()
    }

    pub(super) fn poll_opened(&mut self) -> Option<Vec<u8>> {
        self.opened.pop_front()
    }

    fn go_on(&mut self, now: Instant) -> Result<(), Broken> {
        self.shake_hands()?;
        self.due = now + if self.connected { NEVER } else { LOOK_AROUND };
        self.open()
    }

    /// A step of the handshake: what came is read, and a flight that is late is sent again.
    fn shake_hands(&mut self) -> Result<(), Broken> {
        if self.connected {
            return Ok(());
        }
        match self.stream.do_handshake() {
            Ok(()) => self.connected = true,
            Err(error) if is_waiting(&error) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(certificate) = self.stream.ssl().peer_certificate() {
            self.certificate = Some(Fingerprint::of(&certificate.to_der()?));
        }
        Ok(())
    }

    /// Takes what came sealed.
    fn open(&mut self) -> Result<(), Broken> {
        while self.connected {
            match self.stream.ssl_read(&mut self.buffer) {
                Ok(count) if self.opened.len() < MOST_OPENED => self.opened.push_back(self.buffer[..count].to_vec()),
                Ok(_) => {}
                Err(error) if is_waiting(&error) => break,
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                    self.closed = self.stream.get_shutdown().contains(ShutdownState::RECEIVED);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_hear_us_is_sent_less_than_it_sent() {
        let now = Instant::now();
        let [mut caller, mut answerer] =
            [true, false].map(|active| RsaAssociation::new(active, &Identity::fresh().unwrap(), now).unwrap());
        let hello = caller.poll_record().unwrap();
        answerer.handle(&hello, now).unwrap();
        let answer = answerer.poll_record().unwrap();
        assert!(answer.len() < hello.len() && answerer.poll_record().is_none());
        caller.handle(&answer, now).unwrap();
        for _ in 0..4 {
            while let Some(record) = caller.poll_record() {
                answerer.handle(&record, now).unwrap();
            }
            while let Some(record) = answerer.poll_record() {
                caller.handle(&record, now).unwrap();
            }
        }
        assert!(caller.is_connected() && answerer.is_connected());
    }
}
