//! One connection.

mod envelope;
mod identity;
mod message;

use std::{io, sync::Arc};

use smtp_proto::{
    Error, Request,
    request::receiver::{BdatReceiver, DataReceiver, DummyDataReceiver, RequestReceiver},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::timeout,
};

use super::{
    Client, Door, Envelope, Intake, LONGEST_HOLD_S, Limits, Protocol, Reply,
    door::Wire,
    login::{self, LONGEST_LINE, Login},
};

/// Commands refused before the client is sent away.
const MOST_ERRORS: usize = 20;
/// RSET, NOOP and the like before the client is sent away.
const MOST_IDLE_COMMANDS: usize = 1000;

pub(super) struct Session<I> {
    stream: Box<dyn Wire>,
    door: Door,
    /// Whether TLS lies under it.
    secure: bool,
    client: Client,
    intake: Arc<I>,
    limits: Arc<Limits>,
    stop: watch::Receiver<bool>,
    greeted: Option<String>,
    envelope: Option<Envelope>,
    /// What BDAT has brought so far.
    chunks: Vec<u8>,
    /// Whether a chunk without octets is to be dealt with: nothing more need come for it.
    empty_chunk: bool,
    errors: usize,
    failed_logins: usize,
    commands: usize,
}

/// What the next octets are.
enum Reading {
    Commands(RequestReceiver),
    Data(DataReceiver, Vec<u8>),
    /// More than fits: read to its end, then refused.
    TooMuch(DummyDataReceiver),
    /// A chunk of a message, RFC 3030; the last one or not.
    Chunk(BdatReceiver, Vec<u8>, bool),
    /// A chunk of more than fits, or of a message nobody asked for.
    Skip(DummyDataReceiver, Reply),
    /// A line of a login.
    Answer(Login, Vec<u8>),
}

enum Next {
    Command,
    Data,
    Chunk { octets: usize, last: bool },
    Answer(Login),
    Close,
}

impl<I: Intake> Session<I> {
    pub(super) fn new(
        stream: Box<dyn Wire>,
        door: Door,
        client: Client,
        intake: Arc<I>,
        limits: Arc<Limits>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            stream,
            door,
            secure: false,
            client,
            intake,
            limits,
            stop,
            greeted: None,
            envelope: None,
            chunks: vec![],
            empty_chunk: false,
            errors: 0,
            failed_logins: 0,
            commands: 0,
        }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        if self.door.tls_first {
            self.encrypt().await?;
        }
        let kind = if self.door.protocol == Protocol::Lmtp { "LMTP" } else { "ESMTP" };
        let hello = Reply::new(220, "", format!("{} {kind} Answertone", self.limits.hostname));
        self.say(&hello).await?;
        let mut reading = Reading::Commands(RequestReceiver::default());
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let busy = !matches!(reading, Reading::Commands(_)) || self.envelope.is_some();
            let Some(read) = self.read(&mut buffer, busy).await? else { return Ok(()) };
            let mut octets = buffer[..read].iter();
            while !octets.as_slice().is_empty() || std::mem::take(&mut self.empty_chunk) {
                let secure = self.secure;
                match self.take(reading, &mut octets).await? {
                    Some(next) => reading = next,
                    None => return self.stream.shutdown().await,
                }
                // What came in the clear after STARTTLS is somebody else's, RFC 3207 6.
                if secure != self.secure {
                    break;
                }
            }
        }
    }

    async fn encrypt(&mut self) -> io::Result<()> {
        let Some(tls) = &self.door.tls else { return Err(io::Error::other("no certificate")) };
        let nothing = Box::new(tokio::io::join(tokio::io::empty(), tokio::io::sink()));
        let clear = std::mem::replace(&mut self.stream, nothing);
        self.stream = Box::new(timeout(self.limits.idle, tls.accept(clear)).await.map_err(io::Error::other)??);
        self.secure = true;
        Ok(())
    }

    /// Reads some octets; none when the connection should end.
    async fn read(&mut self, buffer: &mut [u8], busy: bool) -> io::Result<Option<usize>> {
        let read = tokio::select! {
            read = timeout(self.limits.idle, self.stream.read(buffer)) => Some(read),
            _ = stopped(&mut self.stop), if !busy => None,
        };
        match read {
            None => {
                self.say(&Reply::new(421, "4.3.2", "the gateway is stopping; try again later")).await?;
                Ok(None)
            }
            Some(Err(_)) => {
                self.say(&Reply::new(421, "4.4.2", "silent for too long; closing")).await?;
                Ok(None)
            }
            Some(Ok(read)) => read.map(|read| (read > 0).then_some(read)),
        }
    }

    async fn take(&mut self, reading: Reading, octets: &mut std::slice::Iter<'_, u8>) -> io::Result<Option<Reading>> {
        match reading {
            Reading::Commands(mut receiver) => {
                let next = match receiver.ingest(octets) {
                    Err(Error::NeedsMoreData { .. }) => return Ok(Some(Reading::Commands(receiver))),
                    Ok(request) => self.command(request).await?,
                    Err(error) => self.refused(&error).await?,
                };
                Ok(match next {
                    Next::Command => Some(Reading::Commands(receiver)),
                    Next::Data => Some(Reading::Data(after_line_end(), Vec::new())),
                    Next::Chunk { octets, last } => Some(self.chunk(octets, last)),
                    Next::Answer(login) => Some(Reading::Answer(login, vec![])),
                    Next::Close => None,
                })
            }
            Reading::Chunk(mut receiver, mut message, last) => {
                if !receiver.ingest(octets, &mut message) {
                    return Ok(Some(Reading::Chunk(receiver, message, last)));
                }
                if last {
                    return self.delivered(message).await.map(Some);
                }
                let reply = Reply::new(250, "2.0.0", format!("{} octets so far", message.len()));
                self.chunks = message;
                self.say(&reply).await?;
                Ok(Some(Reading::Commands(RequestReceiver::default())))
            }
            Reading::Skip(mut receiver, reply) => {
                if !receiver.ingest(octets) {
                    return Ok(Some(Reading::Skip(receiver, reply)));
                }
                self.envelope = None;
                self.say(&reply).await?;
                Ok(Some(Reading::Commands(RequestReceiver::default())))
            }
            Reading::Answer(login, mut line) => {
                let end = octets.by_ref().inspect(|octet| line.push(**octet)).any(|octet| *octet == b'\n');
                if line.len() > LONGEST_LINE {
                    self.say(&Reply::new(500, "5.5.6", "line too long")).await?;
                    return Ok(None);
                }
                if !end {
                    return Ok(Some(Reading::Answer(login, line)));
                }
                let next = if line.trim_ascii() == b"*" {
                    self.answer(Err(Reply::new(501, "5.7.0", "login given up"))).await?
                } else {
                    self.login(login.answered(&line)).await?
                };
                Ok(match next {
                    Next::Answer(login) => Some(Reading::Answer(login, vec![])),
                    Next::Close => None,
                    _ => Some(Reading::Commands(RequestReceiver::default())),
                })
            }
            Reading::Data(mut receiver, mut message) => {
                if receiver.ingest(octets, &mut message) {
                    let next = if message.len() > self.limits.message {
                        self.too_much().await
                    } else {
                        self.delivered(message).await
                    };
                    return next.map(Some);
                }
                if message.len() > self.limits.message {
                    return Ok(Some(Reading::TooMuch(DummyDataReceiver::new_data(&receiver))));
                }
                Ok(Some(Reading::Data(receiver, message)))
            }
            Reading::TooMuch(mut receiver) => {
                if receiver.ingest(octets) {
                    return self.too_much().await.map(Some);
                }
                Ok(Some(Reading::TooMuch(receiver)))
            }
        }
    }

    async fn command<T: AsRef<str> + PartialEq + std::fmt::Display>(
        &mut self,
        request: Request<T>,
    ) -> io::Result<Next> {
        self.commands += 1;
        if self.commands > MOST_IDLE_COMMANDS {
            self.say(&Reply::new(421, "4.7.0", "too many commands; closing")).await?;
            return Ok(Next::Close);
        }
        let reply = match request {
            Request::Ehlo { host } if self.door.protocol == Protocol::Smtp => {
                return self.extended_hello(host.as_ref()).await;
            }
            Request::Lhlo { host } if self.door.protocol == Protocol::Lmtp => {
                return self.extended_hello(host.as_ref()).await;
            }
            Request::StartTls if self.door.tls.is_some() && !self.secure => {
                self.say(&Reply::new(220, "2.0.0", "begin TLS")).await?;
                self.encrypt().await?;
                (self.greeted, self.envelope) = (None, None);
                self.client.user = None;
                return Ok(Next::Command);
            }
            Request::Auth { mechanism, initial_response } => {
                let step = self.may_log_in().map(|()| login::begin(mechanism, initial_response.as_ref()));
                match step {
                    Ok(Some(step)) => return self.login(step).await,
                    Ok(None) => Err(Reply::new(504, "5.5.4", "log in with PLAIN or LOGIN")),
                    Err(refusal) => Err(refusal),
                }
            }
            Request::Bdat { chunk_size, is_last } => return Ok(Next::Chunk { octets: chunk_size, last: is_last }),
            Request::Helo { host } if self.door.protocol == Protocol::Smtp => {
                self.envelope = None;
                self.greeted = Some(host.as_ref().into());
                Ok(Reply::new(250, "", self.limits.hostname.clone()))
            }
            Request::Mail { from } => self.mail(&from),
            Request::Rcpt { to } => self.recipient(&to).await,
            Request::Data if !self.chunks.is_empty() => Err(Reply::new(503, "5.5.1", "BDAT was begun; go on with it")),
            Request::Data => match &self.envelope {
                None => Err(Reply::new(503, "5.5.1", "MAIL comes first")),
                Some(envelope) if envelope.recipients.is_empty() => {
                    Err(Reply::new(554, "5.5.1", "no valid recipients"))
                }
                Some(_) => {
                    self.say(&Reply::new(354, "", "send the message, end with a line of one dot")).await?;
                    return Ok(Next::Data);
                }
            },
            Request::Rset => {
                self.forget();
                Ok(Reply::new(250, "2.0.0", "forgotten"))
            }
            Request::Noop { .. } => Ok(Reply::new(250, "2.0.0", "nothing done")),
            Request::Help { .. } => Ok(Reply::new(214, "2.0.0", "write to FAX=+NUMBER@gateway")),
            Request::Vrfy { .. } => Err(Reply::new(252, "2.5.2", "cannot tell without trying; use RCPT")),
            Request::Quit => {
                self.say(&Reply::new(221, "2.0.0", "goodbye")).await?;
                return Ok(Next::Close);
            }
            other => Err(Reply::new(502, "5.5.1", format!("{} is not offered", other.name()))),
        };
        self.answer(reply).await
    }

    fn forget(&mut self) {
        self.envelope = None;
        self.chunks = vec![];
    }

    async fn extended_hello(&mut self, host: &str) -> io::Result<Next> {
        self.forget();
        self.greeted = Some(host.into());
        let Limits { hostname, message, .. } = &*self.limits;
        let mut offers = vec![hostname.clone()];
        offers.extend(["8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN"].map(str::to_owned));
        offers.push(future_release());
        offers.extend((self.door.tls.is_some() && !self.secure).then(|| "STARTTLS".to_owned()));
        offers.extend(self.may_log_in().is_ok().then(|| "AUTH PLAIN LOGIN".to_owned()));
        let lines: String = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect();
        self.write(format!("{lines}250 SIZE {message}\r\n").as_bytes()).await?;
        Ok(Next::Command)
    }

    async fn too_much(&mut self) -> io::Result<Reading> {
        let recipients = self.envelope.take().map_or(0, |envelope| envelope.recipients.len());
        let reply = Reply::new(552, "5.3.4", format!("at most {} octets are taken", self.limits.message));
        self.say_of_message(&reply, recipients).await?;
        Ok(Reading::Commands(RequestReceiver::default()))
    }

    async fn refused(&mut self, error: &Error) -> io::Result<Next> {
        let next = self.answer(Err(Reply::to_bad_command(error))).await?;
        Ok(if matches!(error, Error::ResponseTooLong) { Next::Close } else { next })
    }

    async fn answer(&mut self, reply: Result<Reply, Reply>) -> io::Result<Next> {
        self.errors += usize::from(reply.is_err());
        if self.errors > MOST_ERRORS {
            self.say(&Reply::new(421, "4.7.0", "too many errors; closing")).await?;
            return Ok(Next::Close);
        }
        self.say(&reply.unwrap_or_else(|refusal| refusal)).await?;
        Ok(Next::Command)
    }

    async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        self.write(reply.to_string().as_bytes()).await
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        timeout(self.limits.idle, self.stream.write_all(octets)).await.map_err(io::Error::other)?
    }
}

/// How long a message may be held and until when, RFC 4865 4.
fn future_release() -> String {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(LONGEST_HOLD_S);
    format!("FUTURERELEASE {LONGEST_HOLD_S} {}", until.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Whoever could stop the server is gone, so nobody will.
        std::future::pending().await
    }
}

/// A receiver that knows that the DATA command ended a line: a lone dot may be the first thing to come.
fn after_line_end() -> DataReceiver {
    let mut receiver = DataReceiver::new();
    receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
    receiver
}
