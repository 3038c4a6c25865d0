//! A recording of a call: what was sent on the left, what was received on the right.

use std::{
    fs::File,
    io::BufWriter,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use answertone_dsp::pcm::Block;
use answertone_hw::Pace;
use hound::{SampleFormat, WavSpec, WavWriter};

/// Stereo, 8000 samples per second, 16 bit.
const SPEC: WavSpec = WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// Blocks that wait for the disk at most: ten seconds.
const MOST_WAITING: usize = 1000;

/// One block of each direction.
type Pair = (Block, Block);

/// Writes both directions of a call to a WAV file, on a thread of its own: a disk may take its time.
pub struct Recorder {
    tape: Tape,
    writer: JoinHandle<Result<(), hound::Error>>,
}

/// Where a call's blocks go to be written.
#[derive(Clone)]
pub struct Tape {
    to_disk: SyncSender<Pair>,
    /// Blocks that the disk was too slow for.
    left_out: Arc<AtomicU64>,
}

/// Why a recording is not whole.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// The file.
    #[error(transparent)]
    File(#[from] hound::Error),
    /// The disk did not keep up.
    #[error("the disk was too slow: {0} blocks of 10 ms are left out; record to a faster one")]
    TooSlow(u64),
    /// The writing thread is gone.
    #[error("who writes it broke down")]
    Writer,
}

impl Recorder {
    /// Makes the file.
    pub fn create(path: &Path) -> Result<Self, hound::Error> {
        let file = WavWriter::create(path, SPEC)?;
        let (to_disk, pairs) = sync_channel(MOST_WAITING);
        let tape = Tape { to_disk, left_out: Arc::default() };
        Ok(Self { tape, writer: thread::spawn(move || write(file, &pairs)) })
    }

    /// Where the call's blocks go.
    pub fn tape(&self) -> Tape {
        self.tape.clone()
    }

    /// Completes the file, once its tapes are gone.
    pub fn finish(self) -> Result<(), NotWhole> {
        drop(self.tape.to_disk);
        self.writer.join().map_err(|_| NotWhole::Writer)??;
        match self.tape.left_out.load(Ordering::Relaxed) {
            0 => Ok(()),
            blocks => Err(NotWhole::TooSlow(blocks)),
        }
    }
}

impl Tape {
    /// Adds one block of each direction. A line with a clock does not wait for the disk, and a failure is kept for
    /// [`Recorder::finish`]: a full disk must not end a call.
    pub(super) fn write(&self, sent: &Block, received: &Block, pace: Pace) {
        let pair = (*sent, *received);
        match pace {
            // A writer that has given up takes nothing and holds nobody up.
            Pace::Unpaced => drop(self.to_disk.send(pair)),
            Pace::RealTime => {
                if let Err(TrySendError::Full(_)) = self.to_disk.try_send(pair) {
                    self.left_out.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn write(mut file: WavWriter<BufWriter<File>>, pairs: &Receiver<Pair>) -> Result<(), hound::Error> {
    for (sent, received) in pairs {
        for (sent, received) in sent.into_iter().zip(received) {
            file.write_sample(sent)?;
            file.write_sample(received)?;
        }
    }
    file.finalize()
}
