//! One WebSocket call, by its own clock.

use std::{
    io::{self, ErrorKind},
    net::TcpStream,
    time::{Duration, Instant},
};

use answertone_dsp::pcm::Block;
use tungstenite::{Error, Message, WebSocket, error::ProtocolError};

use super::{
    WebSocketParams,
    control::{Format, Style, Told, told},
};
use crate::{
    Exchange, LineError, PolledLine, Transport,
    stream::{self, FRAME_SAMPLES, Heard, MOST_AT_ONCE, Unread},
    turn::{Course, Turns},
};

/// The longest message that is taken, and the most that waits to be sent: a second of 16-bit samples.
const MOST_OCTETS: usize = 16_000;

/// A call over a WebSocket whose handshake is done.
pub struct WebSocketLine {
    socket: WebSocket<TcpStream>,
    /// The number that was called.
    called: Option<String>,
    format: Format,
    /// Whether Asterisk has said what samples are made of; before that nothing is sent.
    begun: bool,
    style: Style,
    heard: Heard,
    frame: Vec<u8>,
    /// Asterisk takes nothing more for now.
    paused: bool,
    unread: Unread,
    ended: bool,
    patience: Duration,
    course: Course,
}

impl WebSocketLine {
    /// Takes a connection over.
    pub fn new(mut socket: WebSocket<TcpStream>, params: &WebSocketParams, called: Option<String>) -> io::Result<Self> {
        stream::prepare(socket.get_ref())?;
        socket.set_config(|config| {
            config.write_buffer_size = 0;
            config.max_write_buffer_size = MOST_OCTETS;
            config.max_message_size = Some(MOST_OCTETS);
            config.max_frame_size = Some(MOST_OCTETS);
        });
        Ok(Self {
            socket,
            called,
            format: Format::Slin,
            begun: false,
            style: Style::Plain,
            heard: Heard::new(params.depth),
            frame: Vec::with_capacity(2 * FRAME_SAMPLES),
            paused: false,
            unread: Unread::default(),
            ended: false,
            patience: params.patience,
            course: Course::new(Instant::now()),
        })
    }

    fn end(&mut self) {
        self.ended = true;
        self.heard.playout.end();
    }

    fn told(&mut self, message: &str) -> Result<(), LineError> {
        self.style = Style::of(message);
        match told(message) {
            Told::Start(name) => {
                self.format = Format::named(&name).ok_or_else(|| no_format(&name))?;
                self.begun = true;
                self.frame.clear();
            }
            Told::Digit(digit) => self.heard.put_digit(digit),
            Told::Pause => self.paused = true,
            Told::GoOn => self.paused = false,
            Told::Other => {}
        }
        Ok(())
    }

    fn octets(&self) -> usize {
        if self.format == Format::Slin { 2 } else { 1 }
    }

    /// What finds no room is not sent: by the time there is room it would be late.
    fn send_frame(&mut self) -> Result<(), Error> {
        self.socket.flush()?;
        if self.paused { Ok(()) } else { self.socket.write(Message::binary(self.frame.clone())) }
    }
}

fn waits(error: &Error) -> bool {
    matches!(error, Error::Io(error) if stream::waits(error))
}

/// The far end has closed the connection, properly or not.
fn is_over(error: &Error) -> bool {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => true,
        Error::Protocol(why) => {
            matches!(why, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing)
        }
        Error::Io(error) => stream::is_closed(error),
        _ => false,
    }
}

fn failed(error: Error) -> LineError {
    match error {
        Error::Io(error) => stream::ended(error),
        error => LineError::Failed(io::Error::other(error)),
    }
}

fn no_format(name: &str) -> LineError {
    let what =
        format!("Asterisk sends the format '{name}'; write c(slin), c(ulaw) or c(alaw) behind its connection in Dial");
    LineError::Failed(io::Error::new(ErrorKind::Unsupported, what))
}

impl Turns for WebSocketLine {
    fn course(&mut self) -> &mut Course {
        &mut self.course
    }

    fn receive(&mut self, now: Instant) -> Result<(), LineError> {
        for _ in 0..MOST_AT_ONCE {
            if self.ended || !self.heard.has_room() {
                break;
            }
            match self.socket.read() {
                Ok(Message::Binary(octets)) => {
                    self.course.heard(now);
                    let playout = self.heard.frame();
                    self.format.decode(&octets, |sample| playout.put(sample));
                }
                Ok(Message::Text(message)) => self.told(&message)?,
                Ok(Message::Close(_)) => self.end(),
                Ok(_) => {}
                Err(error) if waits(&error) => break,
                Err(error) if is_over(&error) => self.end(),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.heard.playout.is_over()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn lead(&self) -> Option<usize> {
        self.heard.playout.lead()
    }

    fn play(&mut self, rx: &mut Block) -> usize {
        self.heard.playout.block(rx)
    }

    fn send(&mut self, tx: &Block, now: Instant) -> Result<(), LineError> {
        if !self.begun || self.ended {
            return Ok(());
        }
        tx.iter().for_each(|sample| self.format.encode(*sample, &mut self.frame));
        if self.frame.len() < FRAME_SAMPLES * self.octets() {
            return Ok(());
        }
        let sent = self.send_frame();
        self.frame.clear();
        match sent {
            Ok(()) => self.unread.ends(),
            Err(error) if waits(&error) => return self.unread.lasts(now),
            Err(error) if is_over(&error) => self.end(),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }
}

impl PolledLine for WebSocketLine {
    fn due(&self) -> Instant {
        self.course.due()
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        self.turn(now, tx, rx)
    }

    fn hang_up(&mut self) {
        if self.course.hang_up() && !self.ended {
            // A far end that has gone already need not be told.
            let _ = self.socket.write(Message::text(self.style.hang_up()));
            let _ = self.socket.close(None);
            let _ = self.socket.flush();
        }
    }

    fn digit(&mut self) -> Option<char> {
        self.heard.digit()
    }

    fn called(&self) -> Option<&str> {
        self.called.as_deref()
    }

    fn transport(&self) -> Option<Transport> {
        Some(self.heard.transport("websocket"))
    }
}
