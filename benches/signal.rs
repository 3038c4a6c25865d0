//! Signals of every modem, and the two directions of each.

use answertone_dsp::{
    bits::{BitQueue, BitRun},
    channel::noise::Noise,
    fsk::{BELL_202, FskDemodulator, FskModulator, FskSpec, V21_CHANNEL_2, V23_FORWARD},
    modem::{Demodulator, Modulator, Plan, Protection, Receiver, Transmitter, prbs::Prbs, v17, v27ter, v29},
    pcm::{BLOCK_SAMPLES, narrow},
    units::Dbm0,
};

/// Level of every signal.
const LEVEL: Dbm0 = Dbm0(-14.0);

/// A modem at a rate.
#[derive(Clone, Copy)]
pub enum Mode {
    /// Two tones.
    Fsk(&'static str, &'static FskSpec),
    /// Training and symbols.
    Fast(&'static Plan),
}

impl Mode {
    /// Every mode, slow ones first.
    pub fn all() -> Vec<Self> {
        let fsk = [("V.21 300", &V21_CHANNEL_2), ("Bell 202 1200", &BELL_202), ("V.23 1200", &V23_FORWARD)];
        let v27ter = [v27ter::Rate::R2400, v27ter::Rate::R4800].map(v27ter::plan);
        let v29 = [v29::Rate::R4800, v29::Rate::R7200, v29::Rate::R9600].map(v29::plan);
        let v17 = [v17::Rate::R7200, v17::Rate::R9600, v17::Rate::R12000, v17::Rate::R14400].map(v17::plan);
        let fast = v27ter.into_iter().chain(v29).chain(v17).map(Self::Fast);
        fsk.into_iter().map(|(name, spec)| Self::Fsk(name, spec)).chain(fast).collect()
    }

    /// Name and rate.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fsk(name, _) => name,
            Self::Fast(plan) => plan.name,
        }
    }

    /// A transmitter.
    pub fn modulator(&self) -> Box<dyn Modulator> {
        match self {
            Self::Fsk(_, spec) => Box::new(FskModulator::new(spec, LEVEL)),
            Self::Fast(plan) => Box::new(Transmitter::new(plan, LEVEL, Protection::None)),
        }
    }

    /// A receiver.
    pub fn demodulator(&self) -> Box<dyn Demodulator> {
        match self {
            Self::Fsk(_, spec) => Box::new(FskDemodulator::new(spec)),
            Self::Fast(plan) => Box::new(Receiver::new(plan)),
        }
    }

    /// So many samples of a signal that does not end, pseudo-random bits in it.
    pub fn signal(&self, samples: usize) -> Vec<f32> {
        let mut signal = vec![0.0; samples];
        send(&mut *self.modulator(), &mut signal);
        signal
    }
}

/// Fills `out` with a signal, block by block.
pub fn send(modulator: &mut dyn Modulator, out: &mut [f32]) {
    let (mut queue, mut bits) = (BitQueue::with_room(512), Prbs::new(1));
    for block in out.chunks_mut(BLOCK_SAMPLES) {
        while queue.room() > 0 {
            queue.push(bits.next().expect("the pattern has no end"));
        }
        modulator.run(&mut queue, block);
    }
}

/// Hears a signal, block by block; how many bits it had.
pub fn hear(demodulator: &mut dyn Demodulator, samples: &[f32]) -> usize {
    let mut run = BitRun::with_room(16 * BLOCK_SAMPLES);
    let blocks = samples.chunks(BLOCK_SAMPLES);
    blocks
        .map(|block| {
            run.clear();
            demodulator.run(block, &mut run);
            run.bits().len()
        })
        .sum()
}

/// Samples as 16-bit integers.
pub fn rounded(samples: &[f32]) -> Vec<i16> {
    let mut integers = vec![0; samples.len()];
    narrow(samples, &mut integers);
    integers
}

/// White noise of so many samples.
pub fn noise(samples: usize, seed: u64) -> Vec<f32> {
    let mut noise = Noise::new(LEVEL, seed);
    (0..samples).map(|_| noise.next_sample()).collect()
}

/// What comes back of a signal that repeats without end: 12 ms of a path that dies away, 6 dB down.
pub fn echo(far: &[f32]) -> Vec<f32> {
    let path: Vec<f32> = noise(96, 9).iter().enumerate().map(|(at, tap)| tap * (-(at as f32) / 12.0).exp()).collect();
    let loss = 2.0 * path.iter().map(|tap| tap * tap).sum::<f32>().sqrt();
    let before = |now: usize, ago: usize| far[(now + far.len() - ago) % far.len()];
    let at = |now: usize| path.iter().enumerate().map(|(ago, tap)| tap / loss * before(now, ago)).sum();
    (0..far.len()).map(at).collect()
}
