//! One connection.

use std::{io, net::IpAddr, sync::Arc};

use smtp_proto::{
    Error, MAIL_RET_FULL, MailFrom, RcptTo, Request,
    request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use super::{Client, Envelope, Intake, LONGEST_HOLD_S, Limits, Recipient, Reply};

/// Commands refused before the client is sent away.
const MOST_ERRORS: usize = 20;
/// RSET, NOOP and the like before the client is sent away.
const MOST_IDLE_COMMANDS: usize = 1000;

pub(super) struct Session<I> {
    stream: TcpStream,
    client: Client,
    intake: Arc<I>,
    limits: Arc<Limits>,
    stop: watch::Receiver<bool>,
    greeted: Option<String>,
    envelope: Option<Envelope>,
    errors: usize,
    commands: usize,
}

/// What the next octets are.
enum Reading {
    Commands(RequestReceiver),
    Data(DataReceiver, Vec<u8>),
    /// More than fits: read to its end, then refused.
    TooMuch(DummyDataReceiver),
}

enum Next {
    Command,
    Data,
    Close,
}

impl<I: Intake> Session<I> {
    pub(super) fn new(
        stream: TcpStream,
        peer: IpAddr,
        intake: Arc<I>,
        limits: Arc<Limits>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let client = Client { peer, user: None };
        Self { stream, client, intake, limits, stop, greeted: None, envelope: None, errors: 0, commands: 0 }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        let hello = Reply::new(220, "", format!("{} ESMTP Answertone", self.limits.hostname));
        self.say(&hello).await?;
        let mut reading = Reading::Commands(RequestReceiver::default());
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let busy = !matches!(reading, Reading::Commands(_)) || self.envelope.is_some();
            let Some(read) = self.read(&mut buffer, busy).await? else { return Ok(()) };
            let mut octets = buffer[..read].iter();
            while !octets.as_slice().is_empty() {
                match self.take(reading, &mut octets).await? {
                    Some(next) => reading = next,
                    None => return self.stream.shutdown().await,
                }
            }
        }
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
                    Next::Close => None,
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
            Request::Ehlo { host } => return self.extended_hello(host.as_ref()).await,
            Request::Helo { host } => {
                self.envelope = None;
                self.greeted = Some(host.as_ref().into());
                Ok(Reply::new(250, "", self.limits.hostname.clone()))
            }
            Request::Mail { from } => self.mail(&from),
            Request::Rcpt { to } => self.recipient(&to).await,
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
                self.envelope = None;
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

    async fn extended_hello(&mut self, host: &str) -> io::Result<Next> {
        self.envelope = None;
        self.greeted = Some(host.into());
        let Limits { hostname, message, .. } = &*self.limits;
        let lines = format!(
            "250-{hostname}\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n{}250 SIZE {message}\r\n",
            future_release()
        );
        self.write(lines.as_bytes()).await?;
        Ok(Next::Command)
    }

    fn mail<T: AsRef<str>>(&mut self, from: &MailFrom<T>) -> Result<Reply, Reply> {
        if self.greeted.is_none() {
            return Err(Reply::new(503, "5.5.1", "EHLO comes first"));
        }
        if self.envelope.is_some() {
            return Err(Reply::new(503, "5.5.1", "MAIL was given; RSET starts anew"));
        }
        if from.size > self.limits.message {
            return Err(Reply::new(552, "5.3.4", format!("at most {} octets are taken", self.limits.message)));
        }
        let hold_s = match (from.hold_for, from.hold_until) {
            (0, 0) => 0,
            (0, until) => until.saturating_sub(jiff::Timestamp::now().as_second().unsigned_abs()),
            (hold, _) => hold,
        };
        if hold_s > LONGEST_HOLD_S.unsigned_abs() {
            return Err(Reply::new(501, "5.5.4", format!("a message is held for at most {LONGEST_HOLD_S} s")));
        }
        self.intake.sender(&self.client, from.address.as_ref())?;
        self.envelope = Some(Envelope {
            client: self.client.clone(),
            from: from.address.as_ref().into(),
            envelope_id: from.env_id.as_ref().map(|id| id.as_ref().into()),
            return_full: from.flags & MAIL_RET_FULL != 0,
            hold_s,
            recipients: vec![],
        });
        Ok(Reply::new(250, "2.1.0", "sender ok"))
    }

    async fn recipient<T: AsRef<str>>(&mut self, to: &RcptTo<T>) -> Result<Reply, Reply> {
        let Some(envelope) = &mut self.envelope else { return Err(Reply::new(503, "5.5.1", "MAIL comes first")) };
        if envelope.recipients.len() >= self.limits.recipients {
            return Err(Reply::new(
                452,
                "4.5.3",
                format!("at most {} recipients; send the others another copy", self.limits.recipients),
            ));
        }
        let address = match to.address.as_ref() {
            "" => "postmaster".into(),
            address => address.into(),
        };
        let recipient =
            Recipient { address, orcpt: to.orcpt.as_ref().map(|orcpt| orcpt.as_ref().into()), notify: to.flags & 0xf };
        self.intake.recipient(&self.client, &envelope.from, &recipient).await?;
        envelope.recipients.push(recipient);
        Ok(Reply::new(250, "2.1.5", "recipient ok"))
    }

    async fn delivered(&mut self, message: Vec<u8>) -> io::Result<Reading> {
        let envelope = self.envelope.take().expect("DATA was only allowed with an envelope");
        let host = self.greeted.clone().unwrap_or_default();
        let mut traced = self.received_line(&host).into_bytes();
        traced.extend(message);
        self.commands = 0;
        let reply = self.intake.deliver(envelope, traced).await.unwrap_or_else(|refusal| refusal);
        self.say(&reply).await?;
        Ok(Reading::Commands(RequestReceiver::default()))
    }

    /// The trace line of RFC 5321 4.4.
    fn received_line(&self, host: &str) -> String {
        let plain = |c: &char| c.is_ascii_alphanumeric() || ".-:[]".contains(*c);
        let host: String = host.chars().filter(plain).take(255).collect();
        let date = jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap_or_default();
        format!(
            "Received: from {host} ([{}]) by {} with ESMTP;\r\n\t{date}\r\n",
            self.client.peer, self.limits.hostname
        )
    }

    async fn too_much(&mut self) -> io::Result<Reading> {
        self.envelope = None;
        self.say(&Reply::new(552, "5.3.4", format!("at most {} octets are taken", self.limits.message))).await?;
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
    format!("250-FUTURERELEASE {LONGEST_HOLD_S} {}\r\n", until.strftime("%Y-%m-%dT%H:%M:%SZ"))
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
