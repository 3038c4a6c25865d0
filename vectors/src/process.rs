//! An end of a call that is a process: frames of 160 samples, 16 bit little endian, on its standard output and input. It
//! writes one, then reads one; the end of its output is that it has hung up.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};

/// Samples of a frame.
const FRAME: usize = 2 * BLOCK_SAMPLES;

/// A process on a line.
pub struct ProcessEnd {
    child: Child,
    /// None once we hung up.
    to: Option<ChildStdin>,
    from: ChildStdout,
    /// What it said last and is not told yet, and what it is to hear.
    said: [i16; FRAME],
    heard: Vec<i16>,
    hung_up: bool,
}

impl ProcessEnd {
    /// Starts a command as an end of a call.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(command: &mut Command) -> Self {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (to, from) = (child.stdin.take(), child.stdout.take().expect("piped"));
        Self { child, to, from, said: [0; FRAME], heard: Vec::with_capacity(FRAME), hung_up: false }
    }

    /// Hears a block and says the next; silence when it has hung up.
    pub fn block(&mut self, rx: &Block) -> Block {
        let second = !self.heard.is_empty();
        if !second {
            self.read_frame();
        }
        self.heard.extend_from_slice(rx);
        let mut tx = SILENCE;
        tx.copy_from_slice(&self.said[usize::from(second) * BLOCK_SAMPLES..][..BLOCK_SAMPLES]);
        if second {
            self.write_frame();
        }
        tx
    }

    fn read_frame(&mut self) {
        let mut octets = [0; 2 * FRAME];
        self.hung_up = self.hung_up || self.from.read_exact(&mut octets).is_err();
        if self.hung_up {
            self.said = [0; FRAME];
            return;
        }
        for (sample, octets) in self.said.iter_mut().zip(octets.chunks_exact(2)) {
            *sample = i16::from_le_bytes([octets[0], octets[1]]);
        }
    }

    fn write_frame(&mut self) {
        let octets: Vec<u8> = self.heard.drain(..).flat_map(i16::to_le_bytes).collect();
        // A process that has hung up reads no more.
        if self.to.as_mut().is_some_and(|to| to.write_all(&octets).is_err()) {
            self.to = None;
        }
    }

    /// Whether it has hung up.
    pub const fn has_hung_up(&self) -> bool {
        self.hung_up
    }

    /// Hangs up and waits for its end.
    ///
    /// # Panics
    /// When the system has lost it.
    pub fn end(&mut self) -> ExitStatus {
        self.to = None;
        let mut rest = [0; 2 * FRAME];
        while !self.hung_up {
            self.hung_up = self.from.read_exact(&mut rest).is_err();
        }
        self.child.wait().expect("it ends")
    }
}

impl Drop for ProcessEnd {
    fn drop(&mut self) {
        self.to = None;
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
