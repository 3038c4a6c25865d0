//! AudioSocket without a clock: a frame out for a frame in, as fast as both ends work.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use super::{
    frame::{Frame, FrameReader, HEADER_OCTETS},
    rate::Rate,
};
use crate::{FramedLine, stream::FRAME_SAMPLES};

/// The octets of what comes, without their frames.
pub(super) struct Payloads {
    stream: TcpStream,
    reader: FrameReader,
    /// Payload not yet read, from where on.
    payload: Vec<u8>,
    read: usize,
}

/// Frames around what goes out.
pub(super) struct Framed(TcpStream);

/// A line over a connection whose first frame has been read or written.
pub(super) fn line(stream: TcpStream) -> io::Result<FramedLine<Payloads, Framed>> {
    stream.set_nodelay(true)?;
    let payloads = Payloads { stream: stream.try_clone()?, reader: FrameReader::new(), payload: vec![], read: 0 };
    Ok(FramedLine::new(payloads, Framed(stream)))
}

impl Payloads {
    /// The next frame of audio; false at the end of the call.
    fn fetch(&mut self) -> io::Result<bool> {
        loop {
            while let Some(frame) = self.reader.next()? {
                match frame {
                    Frame::Audio(rate, octets) if rate == Rate::TELEPHONE => {
                        self.payload.clear();
                        self.payload.extend(octets);
                        self.read = 0;
                        return Ok(true);
                    }
                    Frame::HangUp => return Ok(false),
                    Frame::Audio(rate, _) => {
                        let what = format!("{rate:?} came; pace=free takes 8000 samples per second only");
                        return Err(io::Error::new(ErrorKind::InvalidData, what));
                    }
                    _ => {}
                }
            }
            let octets = self.stream.read(self.reader.space())?;
            if octets == 0 {
                return Ok(false);
            }
            self.reader.put(octets);
        }
    }
}

impl Read for Payloads {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        if self.read == self.payload.len() && !self.fetch()? {
            return Ok(0);
        }
        let count = octets.len().min(self.payload.len() - self.read);
        octets[..count].copy_from_slice(&self.payload[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Framed {
    /// Whole frames only come here.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut frame = [0; HEADER_OCTETS + 2 * FRAME_SAMPLES];
        let [high, low] = (octets.len() as u16).to_be_bytes();
        frame[..HEADER_OCTETS].copy_from_slice(&[Rate::TELEPHONE.kind(), high, low]);
        frame[HEADER_OCTETS..][..octets.len()].copy_from_slice(octets);
        self.0.write_all(&frame[..HEADER_OCTETS + octets.len()])?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
