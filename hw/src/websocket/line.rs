//! One WebSocket call, by its own clock.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    net::TcpStream,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::Block;
use socket2::SockRef;
use tungstenite::{Error, Message, WebSocket, error::ProtocolError};

use super::{
    WebSocketParams,
    control::{Format, Style, Told, told},
};
use crate::{Exchange, LineError, PolledLine, Transport, audiosocket::playout::Playout, pacer::Pacer};

/// Samples of a message: 20 ms.
const FRAME_SAMPLES: usize = 160;

/// Samples there must be room for before more is read.
const LEAST_ROOM: usize = 4 * FRAME_SAMPLES;

/// The longest message that is taken: a second of 16-bit samples.
const MOST_OCTETS: usize = 16_000;

/// How long what we send may stay without an answer from the far host.
const NETWORK_PATIENCE: Duration = Duration::from_millis(2500);

/// How long the far end may not read.
const UNREAD_PATIENCE: Duration = Duration::from_secs(2);

/// Digits kept until somebody takes them.
const MOST_DIGITS: usize = 64;

/// A call over a WebSocket whose handshake is done.
pub struct WebSocketLine {
    socket: WebSocket<TcpStream>,
    /// The number that was called.
    called: Option<String>,
    format: Format,
    /// Whether Asterisk has said what samples are made of; before that nothing is sent.
    begun: bool,
    style: Style,
    playout: Playout,
    pacer: Pacer,
    frame: Vec<u8>,
    /// Asterisk takes nothing more for now.
    paused: bool,
    /// Since when the far end does not read.
    stuck: Option<Instant>,
    digits: VecDeque<char>,
    patience: Duration,
    heard_at: Instant,
    received: u64,
    ended: bool,
    hung_up: bool,
}

impl WebSocketLine {
    /// Takes a connection over.
    pub fn new(mut socket: WebSocket<TcpStream>, params: &WebSocketParams, called: Option<String>) -> io::Result<Self> {
        let stream = socket.get_ref();
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        SockRef::from(stream).set_tcp_user_timeout(Some(NETWORK_PATIENCE))?;
        socket.set_config(|config| {
            config.write_buffer_size = 0;
            config.max_message_size = Some(MOST_OCTETS);
            config.max_frame_size = Some(MOST_OCTETS);
        });
        let now = Instant::now();
        Ok(Self {
            socket,
            called,
            format: Format::Slin,
            begun: false,
            style: Style::Plain,
            playout: Playout::new(params.depth),
            pacer: Pacer::new(now),
            frame: Vec::with_capacity(2 * FRAME_SAMPLES),
            paused: false,
            stuck: None,
            digits: VecDeque::with_capacity(MOST_DIGITS),
            patience: params.patience,
            heard_at: now,
            received: 0,
            ended: false,
            hung_up: false,
        })
    }

    /// Reads what has come, as far as there is room for it.
    fn drain(&mut self, now: Instant) -> Result<(), LineError> {
        while !self.ended && self.playout.room() >= LEAST_ROOM {
            match self.socket.read() {
                Ok(Message::Binary(octets)) => {
                    (self.heard_at, self.received) = (now, self.received + 1);
                    let playout = &mut self.playout;
                    self.format.decode(&octets, |sample| playout.put(sample));
                }
                Ok(Message::Text(message)) => self.told(&message)?,
                Ok(Message::Close(_)) => self.end(),
                Ok(_) => {}
                Err(error) if waits(&error) => return Ok(()),
                Err(error) if is_over(&error) => self.end(),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.ended = true;
        self.playout.end();
    }

    fn told(&mut self, message: &str) -> Result<(), LineError> {
        self.style = Style::of(message);
        match told(message) {
            Told::Start(name) => {
                self.format = Format::named(&name).ok_or_else(|| no_format(&name))?;
                self.begun = true;
            }
            Told::Digit(digit) if self.digits.len() < MOST_DIGITS => self.digits.push_back(digit),
            Told::Pause => self.paused = true,
            Told::GoOn => self.paused = false,
            Told::Digit(_) | Told::Other => {}
        }
        Ok(())
    }

    fn watch(&self, now: Instant) -> Result<(), LineError> {
        if self.playout.is_over() {
            return Err(LineError::HungUp);
        }
        if now.saturating_duration_since(self.heard_at) > self.patience {
            return Err(LineError::Stalled(self.patience));
        }
        Ok(())
    }

    fn block(&mut self, tx: &Block, now: Instant) -> Result<(), LineError> {
        tx.iter().for_each(|sample| self.format.encode(*sample, &mut self.frame));
        if self.frame.len() < FRAME_SAMPLES * self.octets() {
            return Ok(());
        }
        let sent = self.send();
        self.frame.clear();
        match sent {
            Ok(()) => self.stuck = None,
            Err(error) if waits(&error) => return self.unread(now),
            Err(error) if is_over(&error) => self.end(),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }

    fn octets(&self) -> usize {
        if self.format == Format::Slin { 2 } else { 1 }
    }

    /// What finds no room is not sent: by the time there is room it would be late.
    fn send(&mut self) -> Result<(), Error> {
        self.socket.flush()?;
        if self.paused { Ok(()) } else { self.socket.write(Message::binary(self.frame.clone())) }
    }

    fn unread(&mut self, now: Instant) -> Result<(), LineError> {
        let since = *self.stuck.get_or_insert(now);
        if now.saturating_duration_since(since) > UNREAD_PATIENCE {
            return Err(LineError::Stalled(UNREAD_PATIENCE));
        }
        Ok(())
    }
}

fn waits(error: &Error) -> bool {
    matches!(error, Error::Io(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted))
}

/// The far end has closed the connection, properly or not.
fn is_over(error: &Error) -> bool {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => true,
        Error::Protocol(why) => {
            matches!(why, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing)
        }
        Error::Io(error) => {
            let over = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
            over.contains(&error.kind())
        }
        _ => false,
    }
}

fn failed(error: Error) -> LineError {
    match error {
        Error::Io(error) if error.kind() == ErrorKind::TimedOut => LineError::Stalled(NETWORK_PATIENCE),
        Error::Io(error) => LineError::Failed(error),
        error => LineError::Failed(io::Error::other(error)),
    }
}

fn no_format(name: &str) -> LineError {
    let what =
        format!("Asterisk sends the format '{name}'; write c(slin), c(ulaw) or c(alaw) behind its connection in Dial");
    LineError::Failed(io::Error::new(ErrorKind::Unsupported, what))
}

impl PolledLine for WebSocketLine {
    fn due(&self) -> Instant {
        self.pacer.due()
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        if self.hung_up {
            return Err(LineError::HungUp);
        }
        if !self.pacer.is_due(now) {
            return Ok(None);
        }
        self.drain(now)?;
        self.watch(now)?;
        match self.playout.lead() {
            Some(samples) => self.pacer.lead(samples),
            None => self.pacer.begin_again(),
        }
        let lost_samples = self.playout.block(rx);
        if self.begun && !self.ended {
            self.block(tx, now)?;
        }
        self.pacer.went(now);
        Ok(Some(Exchange { lost_samples }))
    }

    fn hang_up(&mut self) {
        if !self.hung_up && !self.ended {
            // A far end that has gone already need not be told.
            let _ = self.socket.write(Message::text(self.style.hang_up()));
            let _ = self.socket.close(None);
            let _ = self.socket.flush();
        }
        self.hung_up = true;
    }

    fn digit(&mut self) -> Option<char> {
        self.digits.pop_front()
    }

    fn called(&self) -> Option<&str> {
        self.called.as_deref()
    }

    fn transport(&self) -> Option<Transport> {
        let (late, missed) = self.playout.tally();
        Some(Transport {
            kind: "websocket",
            received: self.received,
            missing_ms: missed / 8,
            late: late / FRAME_SAMPLES as u64,
            ..Transport::default()
        })
    }
}
