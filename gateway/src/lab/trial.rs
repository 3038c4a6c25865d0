//! One trial: a message, a line, what a receiver made of it.
//!
//! ```text
//!        lead        training        data: the power here is the signal's        lead
//!  ├──────────────┼────────────┼──────────────────────────────────────────┼──────────────┤
//!  noise all the way, unless a trial wants none before the signal
//! ```
//!
//! SNR is the mean square of the signal over its data part by the variance of white Gaussian noise at 8000 samples per
//! second: noise power in 0 to 4000 Hz.

use answertone_dsp::{
    bits::{BitQueue, BitRun, Mark},
    channel::{Channel, Impairments},
    fsk::{FskDemodulator, FskModulator},
    modem::{
        Demodulator, Modulator, Plan, Protection, Receiver, Train, Transmitter,
        prbs::{Prbs, PrbsMessage, Score},
    },
    pcm::BLOCK_SAMPLES,
    units::Dbm0,
};

use super::mode::{Kind, Mode};

/// Samples of silence before and after the signal, 100 ms.
pub const LEAD: usize = 800;

/// Marks that an FSK message sends before and after its bits: they have no training.
const FSK_MARKS: (usize, usize) = (100, 20);

/// Silence between a signal with long training and one with short training, 75 ms.
const TURNAROUND: usize = 600;

/// Level of every message that is not about levels.
pub const LEVEL: Dbm0 = Dbm0(-14.0);

/// A message as it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The training before its bits.
    pub train: Train,
    /// What goes out, silence before and after it.
    pub samples: Vec<f32>,
    /// Its bits.
    pub bits: PrbsMessage,
    /// The signal's first sample.
    pub start: usize,
    /// The first sample after the training.
    pub data: usize,
    /// The sample at which the last bit was taken.
    pub end: usize,
}

impl Message {
    /// A message of the pseudo-random pattern, with long training.
    pub fn new(mode: &Mode, seed: u32, bits: usize, level: Dbm0) -> Self {
        Self::after(vec![0.0; LEAD], mode, Train::Long, seed, bits, level)
    }

    /// 1.5 s of zeros with long training, 75 ms of silence, the message with short training.
    pub fn with_short_training(mode: &Mode, seed: u32, bits: usize, level: Dbm0) -> Self {
        let zeros = mode.rate as usize * 3 / 2;
        let mut before = vec![0.0; LEAD];
        send(&mut *modulator(mode, level, Train::Long), std::iter::repeat_n(false, zeros), &mut before);
        before.resize(before.len() + TURNAROUND, 0.0);
        Self::after(before, mode, Train::Short, seed, bits, level)
    }

    fn after(mut samples: Vec<f32>, mode: &Mode, train: Train, seed: u32, bits: usize, level: Dbm0) -> Self {
        let start = samples.len();
        let (before, after) = if mode.plan().is_some() { (0, 0) } else { FSK_MARKS };
        let marks = |count| std::iter::repeat_n(true, count);
        let sent = marks(before).chain(Prbs::new(seed).take(bits)).chain(marks(after));
        let (data, end) = send(&mut *modulator(mode, level, train), sent, &mut samples);
        samples.resize(samples.len() + LEAD, 0.0);
        Self { train, samples, bits: PrbsMessage::new(seed, bits), start, data, end }
    }

    /// Power of the data part.
    pub fn power(&self) -> f64 {
        mean_square(&self.samples[self.data..self.end])
    }

    /// The message over a line, with noise so far below the signal as it arrives. Impairments that change what arrives
    /// are counted; noise, codecs and what happens by chance are not.
    pub fn over(&self, line: &Impairments, snr_db: f64, seed: u64) -> Vec<f32> {
        let quiet = Impairments { noise: None, impulses: None, law: None, lost_packets: None, ..*line };
        let arriving = answertone_dsp::channel::carry(&quiet, seed, &self.samples);
        let power = mean_square(&arriving[self.data..self.end]);
        let noise = Dbm0::from_mean_square((power / 10f64.powf(snr_db / 10.0)) as f32);
        self.through(&Impairments { noise: Some(noise), ..*line }, seed)
    }

    /// The message over a line as it is, rounded to 16 bits.
    pub fn through(&self, line: &Impairments, seed: u64) -> Vec<f32> {
        let mut out = vec![0.0; self.samples.len()];
        Channel::new(line, seed).run(&self.samples, &vec![0.0; self.samples.len()], &mut out);
        out.iter_mut().for_each(|sample| *sample = sample.round().clamp(-32768.0, 32767.0));
        out
    }
}

/// Mean square of samples.
pub fn mean_square(samples: &[f32]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// A transmitter of a mode.
pub fn modulator(mode: &Mode, level: Dbm0, train: Train) -> Box<dyn Modulator> {
    match mode.kind {
        Kind::Fsk(spec) => Box::new(FskModulator::new(spec, level)),
        Kind::Fast(plan) => {
            let mut transmitter = Transmitter::new(plan, level, Protection::None);
            transmitter.begin(Protection::None, train);
            Box::new(transmitter)
        }
    }
}

/// A receiver of a mode.
pub fn demodulator(mode: &Mode) -> Box<dyn Demodulator> {
    match mode.kind {
        Kind::Fsk(spec) => Box::new(FskDemodulator::new(spec)),
        Kind::Fast(plan) => Box::new(Receiver::new(plan)),
    }
}

/// Appends the samples of a signal with these bits; where its data begin and end.
fn send(modulator: &mut dyn Modulator, bits: impl Iterator<Item = bool>, samples: &mut Vec<f32>) -> (usize, usize) {
    let mut queue = BitQueue::with_room(64);
    let mut bits = bits.peekable();
    let (mut data, mut end) = (None, None);
    let mut piece = [0.0; 20];
    loop {
        while queue.room() > 0 && bits.peek().is_some() {
            queue.push(bits.next().expect("it was seen"));
        }
        if bits.peek().is_none() {
            queue.finish();
        }
        let waiting = queue.len();
        let written = modulator.run(&mut queue, &mut piece);
        samples.extend_from_slice(&piece[..written]);
        if queue.len() < waiting {
            data = data.or(Some(samples.len()));
            end = Some(samples.len());
        }
        if written < piece.len() {
            return (data.unwrap_or(samples.len()), end.unwrap_or(samples.len()));
        }
    }
}

/// What a receiver made of samples.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    /// Bits since the last training, or since the last carrier came up where there is no training.
    pub bits: Vec<bool>,
    /// Trainings that succeeded; carriers for modes without training.
    pub trainings: usize,
    /// Trainings that failed.
    pub failures: usize,
    /// Carriers that went away.
    pub carriers_down: usize,
}

/// A stretch of samples that the transport announces as lost.
pub type Lost = std::ops::Range<usize>;

/// Hands samples to a receiver in blocks; a lost stretch, if it is told, is coasted over.
pub fn receive(demodulator: &mut dyn Demodulator, samples: &[f32], told: Option<Lost>) -> Reception {
    let mut reception = Reception::default();
    let mut run = BitRun::with_room(16 * BLOCK_SAMPLES);
    let lost = told.unwrap_or(samples.len()..samples.len());
    let mut hear = |piece: &[f32], demodulator: &mut dyn Demodulator, gone: bool| {
        for block in piece.chunks(BLOCK_SAMPLES) {
            run.clear();
            if gone {
                demodulator.coast(block.len(), &mut run);
            } else {
                demodulator.run(block, &mut run);
            }
            reception.take(&run);
        }
    };
    hear(&samples[..lost.start], demodulator, false);
    hear(&samples[lost.clone()], demodulator, true);
    hear(&samples[lost.end..], demodulator, false);
    reception
}

/// Receives a message; one that was sent with short training after the signal before it.
pub fn receive_message(mode: &Mode, message: &Message, samples: &[f32]) -> Reception {
    match mode.plan().filter(|_| message.train == Train::Short) {
        Some(plan) => receive_short(plan, message, samples),
        None => receive(&mut *demodulator(mode), samples, None),
    }
}

fn receive_short(plan: &'static Plan, message: &Message, samples: &[f32]) -> Reception {
    let mut receiver = Receiver::new(plan);
    let (before, after) = samples.split_at(message.start - TURNAROUND / 2);
    receive(&mut receiver, before, None);
    receiver.expect(Train::Short);
    receive(&mut receiver, after, None)
}

impl Reception {
    /// Takes what one run gave. Bits of a signal whose training comes again shortly after it was lost go on.
    fn take(&mut self, run: &BitRun) {
        let mut taken = 0;
        for marked in run.marks() {
            match marked.mark {
                Mark::Trained(_) => {
                    self.trainings += 1;
                    if self.trainings == 1 {
                        self.bits.clear();
                        taken = marked.bit;
                    }
                }
                Mark::TrainingFailed => self.failures += 1,
                Mark::CarrierDown => self.carriers_down += 1,
                Mark::CarrierUp => {}
            }
        }
        self.bits.extend_from_slice(&run.bits()[taken..]);
    }
}

/// How a trial went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// Training was reported, or there is none; and the message was found.
    pub received: bool,
    /// Bits of the message that came.
    pub bits: usize,
    /// Those that were wrong.
    pub errors: usize,
    /// Bits of the message that did not come, in a trial that was received.
    pub missing: usize,
    /// Times bits were inserted or lost.
    pub slips: usize,
}

/// Judges what a receiver made of a message.
pub fn judge(mode: &Mode, message: &Message, reception: &Reception) -> Verdict {
    let score: Score = message.bits.score(&reception.bits);
    let trained = mode.plan().is_none() || reception.trainings > 0;
    if !trained || !score.locked {
        return Verdict::default();
    }
    let missing = message.bits.bits().len() - score.bits;
    Verdict { received: true, bits: score.bits, errors: score.errors, missing, slips: score.slips }
}
