//! One AudioSocket call, by its own clock.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use answertone_dsp::pcm::Block;
use socket2::SockRef;

use super::{
    AudioSocketParams,
    frame::{Frame, FrameReader, HANG_UP_FRAME, HEADER_OCTETS},
    rate::{Converter, Rate},
};
use crate::{
    Exchange, LineError, PolledLine, Transport,
    stream::{self, Heard, MOST_AT_ONCE, Unread, playout::Playout},
    turn::{Course, Turns},
};

/// Octets the system holds for us: half a second. A far end that does not read is noticed when they are full.
const SEND_BUFFER: usize = 8192;

/// Reads of what nobody wants any more, at the end.
const MOST_UNREAD: usize = 32;

/// A call over a connection whose first frame has been read or written.
pub struct AudioSocketLine {
    stream: TcpStream,
    reader: FrameReader,
    /// The rate that comes, and the way from it.
    from: (Rate, Option<Converter>),
    heard: Heard,
    sender: Sender,
    patience: Duration,
    course: Course,
}

impl AudioSocketLine {
    /// Takes a connection over.
    pub fn new(stream: TcpStream, params: &AudioSocketParams) -> io::Result<Self> {
        stream::prepare(&stream)?;
        SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
        Ok(Self {
            stream,
            reader: FrameReader::new(),
            from: (Rate::TELEPHONE, None),
            heard: Heard::new(params.depth),
            sender: Sender::new(params.rate),
            patience: params.patience,
            course: Course::new(Instant::now()),
        })
    }

    fn frames(&mut self) -> Result<(), LineError> {
        while let Some(frame) = self.reader.next()? {
            match frame {
                Frame::Audio(rate, octets) => {
                    if rate != self.from.0 {
                        self.from = (rate, Converter::to_telephone(rate));
                    }
                    hear(octets, self.from.1.as_mut(), self.heard.frame());
                }
                Frame::Digit(digit) => self.heard.put_digit(digit),
                Frame::HangUp => self.heard.playout.end(),
                Frame::Error(code) => {
                    let what = format!("Asterisk reports AudioSocket error {code:#04x}; its log says more");
                    return Err(LineError::Failed(io::Error::other(what)));
                }
                Frame::CallId(_) | Frame::Unknown(_) => {}
            }
        }
        Ok(())
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

impl Turns for AudioSocketLine {
    fn course(&mut self) -> &mut Course {
        &mut self.course
    }

    fn receive(&mut self, now: Instant) -> Result<(), LineError> {
        for _ in 0..MOST_AT_ONCE {
            if !self.heard.has_room() {
                break;
            }
            // No more than can be kept: what is more waits in the socket, and its sender with it.
            let most = 2 * self.heard.playout.room();
            let space = self.reader.space();
            let most = most.min(space.len());
            match self.stream.read(&mut space[..most]) {
                Ok(0) => {
                    self.heard.playout.end();
                    break;
                }
                Ok(octets) => {
                    self.reader.put(octets);
                    self.course.heard(now);
                    self.frames()?;
                }
                Err(error) if stream::waits(&error) => break,
                Err(error) => return Err(stream::ended(error)),
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
        // Its last samples are played, and nobody listens any more.
        if self.is_over() { Ok(()) } else { self.sender.block(tx, now, &mut self.stream) }
    }
}

impl PolledLine for AudioSocketLine {
    fn due(&self) -> Instant {
        self.course.due()
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        self.turn(now, tx, rx)
    }

    fn hang_up(&mut self) {
        if self.course.hang_up() {
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
    }

    fn digit(&mut self) -> Option<char> {
        self.heard.digit()
    }

    fn transport(&self) -> Option<Transport> {
        Some(self.heard.transport("audiosocket"))
    }
}

/// What goes out: one frame of 20 ms in one write.
struct Sender {
    frame: Vec<u8>,
    converter: Option<Converter>,
    full: usize,
    /// Octets of a frame that the system did not take yet.
    rest: VecDeque<u8>,
    unread: Unread,
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
            unread: Unread::default(),
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
        let sent = sent.map_err(stream::ended)?;
        if (1..self.full).contains(&sent) {
            self.rest.extend(&self.frame[sent..]);
        }
        self.frame.truncate(HEADER_OCTETS);
        if sent == 0 {
            return self.unread.lasts(now);
        }
        self.unread.ends();
        Ok(())
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
        Err(error) if stream::waits(&error) => Ok(0),
        sent => sent,
    }
}
