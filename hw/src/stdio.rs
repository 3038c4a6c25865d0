//! A line over two byte streams, usually standard input and output.
//!
//! Frames of 160 samples, signed 16-bit little endian, 8000 samples per second: each side writes one frame, then reads
//! one, for ever. The end of a stream is a hang-up.

use std::io::{self, Read, Write};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block};

use crate::{Exchange, LineError, Pace, PcmLine};

/// Samples in a frame: two blocks.
const FRAME_SAMPLES: usize = 2 * BLOCK_SAMPLES;

/// Octets in a frame.
const FRAME_OCTETS: usize = 2 * FRAME_SAMPLES;

/// A line of 160-sample frames over a reader and a writer.
///
/// What is sent goes out one block late: a whole frame must be written before the first block can be had.
pub struct FramedLine<R, W> {
    reader: R,
    writer: W,
    /// The first half of the frame to be written.
    first_half: Block,
    /// The frame read last; its second half is due when `second_half_due`.
    received: [i16; FRAME_SAMPLES],
    second_half_due: bool,
    hung_up: bool,
}

impl<R: Read, W: Write> FramedLine<R, W> {
    /// A line over these streams.
    pub fn new(reader: R, writer: W) -> Self {
        Self {
            reader,
            writer,
            first_half: [0; BLOCK_SAMPLES],
            received: [0; FRAME_SAMPLES],
            second_half_due: false,
            hung_up: false,
        }
    }

    fn write_frame(&mut self, second_half: &Block) -> io::Result<()> {
        let mut octets = [0; FRAME_OCTETS];
        for (sample, pair) in self.first_half.iter().chain(second_half).zip(octets.chunks_exact_mut(2)) {
            pair.copy_from_slice(&sample.to_le_bytes());
        }
        self.writer.write_all(&octets)?;
        self.writer.flush()
    }

    fn read_frame(&mut self) -> io::Result<()> {
        let mut octets = [0; FRAME_OCTETS];
        self.reader.read_exact(&mut octets)?;
        for (sample, pair) in self.received.iter_mut().zip(octets.chunks_exact(2)) {
            *sample = i16::from_le_bytes([pair[0], pair[1]]);
        }
        Ok(())
    }
}

impl<R: Read + Send, W: Write + Send> PcmLine for FramedLine<R, W> {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        if self.hung_up {
            return Err(LineError::HungUp);
        }
        if self.second_half_due {
            self.first_half = *tx;
            rx.copy_from_slice(&self.received[BLOCK_SAMPLES..]);
        } else {
            self.write_frame(tx).and_then(|()| self.read_frame()).map_err(|error| self.ended(error))?;
            rx.copy_from_slice(&self.received[..BLOCK_SAMPLES]);
        }
        self.second_half_due = !self.second_half_due;
        Ok(Exchange::default())
    }

    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn hang_up(&mut self) {
        let half_is_waiting = !self.second_half_due && self.first_half.iter().any(|sample| *sample != 0);
        if !self.hung_up && half_is_waiting {
            // The far end may have gone already; a hang-up cannot fail.
            let _ = self.write_frame(&[0; BLOCK_SAMPLES]);
        }
        self.hung_up = true;
    }
}

impl<R, W> FramedLine<R, W> {
    fn ended(&mut self, error: io::Error) -> LineError {
        self.hung_up = true;
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                LineError::HungUp
            }
            _ => LineError::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_before_they_are_read_and_an_end_is_a_hang_up() {
        let far: Vec<u8> = (0..160i16).flat_map(i16::to_le_bytes).collect();
        let mut line = FramedLine::new(far.as_slice(), Vec::new());
        let mut rx = [0; 80];
        line.exchange(&[1; 80], &mut rx).unwrap();
        assert_eq!((rx[0], rx[79], line.writer.len()), (0, 79, 320));
        line.exchange(&[2; 80], &mut rx).unwrap();
        assert_eq!((rx[0], rx[79], line.writer.len()), (80, 159, 320));
        assert!(matches!(line.exchange(&[3; 80], &mut rx), Err(LineError::HungUp)));
        let sent: Vec<i16> = line.writer.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(sent[79..81], [0, 1]);
        assert_eq!(sent[239..241], [2, 3]);
    }

    #[test]
    fn a_block_not_yet_written_goes_out_before_the_hang_up() {
        let far = vec![0; 640];
        let mut line = FramedLine::new(far.as_slice(), Vec::new());
        let mut rx = [0; 80];
        line.exchange(&[1; 80], &mut rx).unwrap();
        line.exchange(&[2; 80], &mut rx).unwrap();
        line.hang_up();
        assert_eq!(line.writer.len(), 640);
        assert_eq!(line.writer[320..322], [2, 0]);
    }
}
