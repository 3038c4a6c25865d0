//! One AudioSocket call, by its own clock.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use answertone_dsp::pcm::Block;
use socket2::SockRef;

use super::{
    AudioSocketParams,
    frame::{Frame, FrameReader, HANG_UP_FRAME, HEADER_OCTETS},
    playout::Playout,
    rate::{Converter, FRAME_SAMPLES, Rate},
};
use crate::{Exchange, LineError, PolledLine, Transport, pacer::Pacer};

/// How long what we send may stay without an answer from the far host.
const NETWORK_PATIENCE: Duration = Duration::from_millis(2500);

/// Octets the system holds for us: half a second. A far end that does not read is noticed when they are full.
const SEND_BUFFER: usize = 8192;

/// How long the far end may not read.
const UNREAD_PATIENCE: Duration = Duration::from_secs(2);

/// Samples there must be room for before more is read.
const LEAST_ROOM: usize = 4 * FRAME_SAMPLES;

/// Reads of what nobody wants any more, at the end.
const MOST_UNREAD: usize = 32;

/// Digits kept until somebody takes them.
const MOST_DIGITS: usize = 64;

/// A call over a connection whose first frame has been read or written.
pub struct AudioSocketLine {
    stream: TcpStream,
    reader: FrameReader,
    playout: Playout,
    pacer: Pacer,
    sender: Sender,
    /// The rate that comes, and the way from it.
    heard: (Rate, Option<Converter>),
    digits: VecDeque<char>,
    patience: Duration,
    heard_at: Instant,
    received: u64,
    hung_up: bool,
}

impl AudioSocketLine {
    /// Takes a connection over.
    pub fn new(stream: TcpStream, params: &AudioSocketParams) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_user_timeout(Some(NETWORK_PATIENCE))?;
        socket.set_send_buffer_size(SEND_BUFFER)?;
        let now = Instant::now();
        Ok(Self {
            stream,
            reader: FrameReader::new(),
            playout: Playout::new(params.depth),
            pacer: Pacer::new(now),
            sender: Sender::new(params.rate),
            heard: (Rate::TELEPHONE, None),
            digits: VecDeque::with_capacity(MOST_DIGITS),
            patience: params.patience,
            heard_at: now,
            received: 0,
            hung_up: false,
        })
    }

    /// Reads what has come, as far as there is room for it.
    fn drain(&mut self, now: Instant) -> Result<(), LineError> {
        while self.playout.room() >= LEAST_ROOM {
            // No more than can be kept: what is more waits in the socket, and its sender with it.
            let most = 2 * self.playout.room();
            let space = self.reader.space();
            let most = most.min(space.len());
            match self.stream.read(&mut space[..most]) {
                Ok(0) => {
                    self.playout.end();
                    return Ok(());
                }
                Ok(octets) => {
                    self.reader.put(octets);
                    self.heard_at = now;
                    self.frames()?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ended(error)),
            }
        }
        Ok(())
    }

    fn frames(&mut self) -> Result<(), LineError> {
        while let Some(frame) = self.reader.next()? {
            match frame {
                Frame::Audio(rate, octets) => {
                    if rate != self.heard.0 {
                        self.heard = (rate, Converter::to_telephone(rate));
                    }
                    self.received += 1;
                    hear(octets, self.heard.1.as_mut(), &mut self.playout);
                }
                Frame::Digit(digit) if self.digits.len() < MOST_DIGITS => self.digits.push_back(digit),
                Frame::HangUp => self.playout.end(),
                Frame::Error(code) => {
                    let what = format!("Asterisk reports AudioSocket error {code:#04x}; its log says more");
                    return Err(LineError::Failed(io::Error::other(what)));
                }
                Frame::CallId(_) | Frame::Digit(_) | Frame::Unknown(_) => {}
            }
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

    fn play(&mut self, rx: &mut Block) -> Exchange {
        match self.playout.lead() {
            Some(samples) => self.pacer.lead(samples),
            None => self.pacer.begin_again(),
        }
        Exchange { lost_samples: self.playout.block(rx) }
    }
}

/// Samples of a frame go to where they are played from.
fn hear(octets: &[u8], converter: Option<&mut Converter>, playout: &mut Playout) {
    let samples = octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    match converter {
        None => samples.for_each(|sample| playout.put(sample)),
        Some(converter) => {
            for sample in samples {
                if let Some(converted) = converter.put(sample) {
                    converted.for_each(|sample| playout.put(sample));
                }
            }
        }
    }
}

fn ended(error: io::Error) -> LineError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => LineError::HungUp,
        ErrorKind::TimedOut => LineError::Stalled(NETWORK_PATIENCE),
        _ => LineError::Failed(error),
    }
}

impl PolledLine for AudioSocketLine {
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
        let exchange = self.play(rx);
        if !self.playout.is_over() {
            self.sender.block(tx, now, &mut self.stream)?;
        }
        self.pacer.went(now);
        Ok(Some(exchange))
    }

    fn hang_up(&mut self) {
        if !self.hung_up {
            // A far end that has gone already need not be told.
            let _ = self.sender.finish(&mut self.stream);
            let _ = self.stream.write(&HANG_UP_FRAME);
            let _ = self.stream.shutdown(Shutdown::Write);
            // Closed with something unread, the connection would be reset, and our last frames with it.
            for _ in 0..MOST_UNREAD {
                if !self.stream.read(self.reader.space()).is_ok_and(|octets| octets > 0) {
                    break;
                }
            }
        }
        self.hung_up = true;
    }

    fn digit(&mut self) -> Option<char> {
        self.digits.pop_front()
    }

    fn transport(&self) -> Option<Transport> {
        let (late, missed) = self.playout.tally();
        Some(Transport {
            kind: "audiosocket",
            received: self.received,
            missing_ms: missed / 8,
            late: late / FRAME_SAMPLES as u64,
            ..Transport::default()
        })
    }
}

/// What goes out: one frame of 20 ms in one write.
struct Sender {
    frame: Vec<u8>,
    converter: Option<Converter>,
    full: usize,
    /// Octets of a frame that the system did not take yet.
    rest: VecDeque<u8>,
    /// Since when the far end does not read.
    stuck: Option<Instant>,
}

impl Sender {
    fn new(rate: Rate) -> Self {
        let octets = 2 * rate.frame_samples();
        let full = HEADER_OCTETS + octets;
        let mut frame = Vec::with_capacity(full);
        let [high, low] = (octets as u16).to_be_bytes();
        frame.extend([rate.kind(), high, low]);
        Self {
            frame,
            converter: Converter::from_telephone(rate),
            full,
            rest: VecDeque::with_capacity(full),
            stuck: None,
        }
    }

    fn block(&mut self, tx: &Block, now: Instant, stream: &mut TcpStream) -> Result<(), LineError> {
        for sample in tx {
            match &mut self.converter {
                None => self.frame.extend(sample.to_le_bytes()),
                Some(converter) => {
                    if let Some(converted) = converter.put(*sample) {
                        self.frame.extend(converted.flat_map(i16::to_le_bytes));
                    }
                }
            }
        }
        if self.frame.len() == self.full { self.send(now, stream) } else { Ok(()) }
    }

    /// Half a frame that waits goes out with silence after it.
    fn finish(&mut self, stream: &mut TcpStream) -> Result<(), LineError> {
        let waits = self.converter.is_none() && self.frame[HEADER_OCTETS..].iter().any(|octet| *octet != 0);
        if waits {
            self.frame.resize(self.full, 0);
            self.send(Instant::now(), stream)?;
        }
        Ok(())
    }

    /// A frame the system has no room for is not sent: by the time there is room it would be late.
    fn send(&mut self, now: Instant, stream: &mut TcpStream) -> Result<(), LineError> {
        let sent =
            self.send_rest(stream).and_then(|sent_all| if sent_all { write_some(stream, &self.frame) } else { Ok(0) });
        let sent = sent.map_err(ended)?;
        if (1..self.full).contains(&sent) {
            self.rest.extend(&self.frame[sent..]);
        }
        self.frame.truncate(HEADER_OCTETS);
        self.stuck = if sent > 0 { None } else { self.stuck.or(Some(now)) };
        match self.stuck {
            Some(since) if now.saturating_duration_since(since) > UNREAD_PATIENCE => {
                Err(LineError::Stalled(UNREAD_PATIENCE))
            }
            _ => Ok(()),
        }
    }

    fn send_rest(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        if !self.rest.is_empty() {
            let sent = write_some(stream, self.rest.make_contiguous())?;
            self.rest.drain(..sent);
        }
        Ok(self.rest.is_empty())
    }
}

/// One write; nothing when there is no room.
fn write_some(stream: &mut TcpStream, octets: &[u8]) -> io::Result<usize> {
    match stream.write(octets) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        sent => sent,
    }
}
