//! Samples that stand for lost ones where nobody says so: a transport fills the place of a packet with silence, or with
//! the packet before it once more.
//!
//! No modem's signal is silent for a millisecond. Signals of fast modems never repeat themselves after exactly 20 ms; that
//! of V.21, which has six bits in them, now and then does, so there a repetition is a reason for doubt and no more.

use answertone_dsp::pcm::BLOCK_SAMPLES;

/// Samples in a packet of 20 ms.
const PACKET_SAMPLES: usize = 2 * BLOCK_SAMPLES;

/// Samples of silence in a row that are told from chance; and the most that are taken for losses: two packets. The pauses
/// of T.30 are longer.
const LEAST: usize = 8;
const MOST: usize = 2 * PACKET_SAMPLES;

/// Silence this long is told as time lost: packets are no shorter.
const TOLD: usize = BLOCK_SAMPLES;

/// Samples that are the same again, of which a repetition of a packet is made out: all but those that happen to be silent.
pub(super) const REPEATED: usize = 140;

/// Of the signal's root mean square, what a sample of silence is below.
const QUIET: f32 = 0.25;

/// What a sample looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What a line brings.
    Signal,
    /// Nothing.
    Silence,
    /// The same as 20 ms before.
    Again,
}

/// Which samples of a block stand for lost ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filler {
    /// Sample by sample, whether it is silence put in.
    pub(super) silent: [bool; BLOCK_SAMPLES],
    /// The place at which the last [`REPEATED`] samples were seen to be those of the packet before; of a steady tone, at which
    /// it ends.
    pub(super) repeated: Option<usize>,
    /// How many there were in a row, of what kind, when they gave way to a signal again in this block.
    pub(super) ended: Option<(Kind, usize)>,
}

/// Looks for them.
pub(super) struct FillerWatch {
    /// The last packet's time.
    past: [f32; PACKET_SAMPLES],
    /// Amplitude below which a sample is silent.
    quiet: f32,
    /// The samples of one kind that came last: how many, and those of them that a steady tone would give.
    kind: Kind,
    length: usize,
    steady: usize,
}

impl FillerWatch {
    pub(super) fn new() -> Self {
        Self { past: [0.0; PACKET_SAMPLES], quiet: 0.0, kind: Kind::Signal, length: 0, steady: 0 }
    }

    /// Takes the next block as it came from the line.
    pub(super) fn judge(&mut self, samples: &[f32; BLOCK_SAMPLES]) -> Filler {
        let mut filler = Filler { silent: [false; BLOCK_SAMPLES], repeated: None, ended: None };
        let (mut first, mut from) = (0, 0);
        for run in self.kinds(samples).chunk_by(|one, next| one == next) {
            let to = from + run.len();
            if run[0] != self.kind {
                filler.ended = self.told().or(filler.ended);
                filler.repeated = Some(from).filter(|_| self.was_steady()).or(filler.repeated);
                (self.kind, self.length, self.steady) = (run[0], 0, 0);
                first = from;
            }
            match self.kind {
                Kind::Signal => self.length = (self.length + run.len()).min(MOST + 1),
                Kind::Silence | Kind::Again => {
                    (from..to).for_each(|place| self.count(samples, first, place, &mut filler))
                }
            }
            from = to;
        }
        self.remember(samples, &filler);
        filler
    }

    /// Counts a sample that is no signal, of those from `first` on.
    fn count(&mut self, samples: &[f32; BLOCK_SAMPLES], first: usize, place: usize, filler: &mut Filler) {
        self.length = (self.length + 1).min(MOST + 1);
        self.steady += usize::from(self.is_steady(samples, place));
        if self.is_silence() {
            filler.silent[first..=place].fill(true);
        } else if self.length == REPEATED && self.is_repetition() {
            filler.repeated = Some(place);
        }
    }

    fn remember(&mut self, samples: &[f32; BLOCK_SAMPLES], filler: &Filler) {
        if !filler.silent.contains(&true) {
            let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK_SAMPLES as f32;
            self.quiet = QUIET * power.sqrt();
        }
        self.past.copy_within(BLOCK_SAMPLES.., 0);
        self.past[PACKET_SAMPLES - BLOCK_SAMPLES..].copy_from_slice(samples);
    }

    /// Two samples in a row are silent only where silence is: a tone of a modem crosses zero faster.
    fn kinds(&self, samples: &[f32; BLOCK_SAMPLES]) -> [Kind; BLOCK_SAMPLES] {
        let mut before = [self.past[PACKET_SAMPLES - 1]; BLOCK_SAMPLES];
        before[1..].copy_from_slice(&samples[..BLOCK_SAMPLES - 1]);
        std::array::from_fn(|place| {
            let again = if samples[place] == self.past[place] { Kind::Again } else { Kind::Signal };
            let is_silent = (samples[place].abs() < self.quiet) & (before[place].abs() < self.quiet);
            if is_silent { Kind::Silence } else { again }
        })
    }

    /// Whether the sample is what a tone of an odd multiple of 50 Hz, as those of V.21 are, makes of the one 10 ms before.
    fn is_steady(&self, samples: &[f32; BLOCK_SAMPLES], place: usize) -> bool {
        (samples[place] + self.past[PACKET_SAMPLES - BLOCK_SAMPLES + place]).abs() <= self.quiet
    }

    fn is_silence(&self) -> bool {
        self.kind == Kind::Silence && (LEAST..=MOST).contains(&self.length)
    }

    /// A steady tone is the same again without having been repeated.
    fn is_repetition(&self) -> bool {
        self.kind == Kind::Again && (REPEATED..=MOST).contains(&self.length) && 4 * self.steady < 3 * self.length
    }

    /// A tone that a repeated packet may have made longer than it was.
    fn was_steady(&self) -> bool {
        self.kind == Kind::Again && self.length >= REPEATED && !self.is_repetition()
    }

    fn told(&self) -> Option<(Kind, usize)> {
        let is_told = self.is_silence() && self.length >= TOLD || self.is_repetition();
        is_told.then_some((self.kind, self.length))
    }
}

#[cfg(test)]
mod tests {
    use answertone_dsp::{
        bits::BitQueue,
        fsk::{FskModulator, V21_CHANNEL_2},
        modem::{Modulator, prbs::Prbs},
        units::Dbm0,
    };

    use super::*;

    const BITS: usize = 300;
    const END: usize = BITS * 8000 / 300;

    /// A V.21 signal of 16-bit samples with long runs of one bit in it, and silence behind it.
    fn signal() -> Vec<f32> {
        let mut queue = BitQueue::with_room(BITS);
        Prbs::new(0x2A_5A5A).take(BITS).enumerate().for_each(|(place, bit)| queue.push(bit && place % 100 < 60));
        queue.finish();
        let mut samples = vec![0.0; END + 1600];
        FskModulator::new(&V21_CHANNEL_2, Dbm0(-13.0)).run(&mut queue, &mut samples);
        samples.iter().map(|sample| sample.round()).collect()
    }

    /// What the samples were taken for: silence put in, ends of repetitions, what was told.
    fn judged(samples: &[f32]) -> (Vec<bool>, Vec<usize>, Vec<(Kind, usize)>) {
        let mut watch = FillerWatch::new();
        let (mut silent, mut repeated, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (block, samples) in samples.as_chunks().0.iter().enumerate() {
            let filler = watch.judge(samples);
            silent.extend(filler.silent);
            repeated.extend(filler.repeated.map(|place| block * BLOCK_SAMPLES + place));
            told.extend(filler.ended);
        }
        (silent, repeated, told)
    }

    #[test]
    fn a_signal_is_not_silent_nor_a_steady_tone_repeated_and_an_end_is_no_loss() {
        let (silent, repeated, told) = judged(&signal());
        assert_eq!(silent[..END - 10].iter().position(|silent| *silent), None);
        assert!(repeated.len() <= 5, "three of them ends of tones: {repeated:?}");
        assert!(told.iter().all(|(kind, _)| *kind == Kind::Again), "{told:?}");
    }

    #[test]
    fn silence_is_found_wherever_it_begins() {
        for at in (1000..4000).step_by(37) {
            let mut samples = signal();
            samples[at..at + 160].fill(0.0);
            let (silent, _, told) = judged(&samples);
            let missed = silent[at..at + 160].iter().filter(|silent| !**silent).count();
            assert!(missed <= 2 * LEAST, "{missed} samples of the silence at {at} were missed");
            assert!(!silent[..at - 1].contains(&true) && !silent[at + 161..END - 10].contains(&true), "beside {at}");
            assert!(told.iter().any(|(kind, length)| *kind == Kind::Silence && length.abs_diff(160) < 4), "{told:?}");
        }
    }

    #[test]
    fn a_repeated_packet_is_found_unless_it_holds_a_steady_tone() {
        for at in (1000..1600).step_by(37) {
            let mut samples = signal();
            samples.copy_within(at - 160..at, at);
            let (_, repeated, _) = judged(&samples);
            assert!(repeated.iter().any(|place| place.abs_diff(at + REPEATED) < 20), "{repeated:?} for {at}");
        }
    }
}
