//! Digits heard while we speak ourselves: our prompt comes back through the hybrid and is none of the caller's.
//!
//! ```text
//!  prompt ──┬───────────────▶ line ──┐ hybrid
//!           ▼                        ▼
//!         canceller ◀─────────────── near
//!           │ what is left
//!           ▼
//!         detector ─▶ digits that the prompt does not hold at that time, or that are too loud to be its echo
//! ```

use crate::{
    echo::EchoCanceller,
    pcm::BLOCK_SAMPLES,
    tone::dtmf_detector::{DtmfDetector, HeardDigit},
    units::Db,
};

/// Least loss of an echo: ITU-T G.168 supposes 6 dB; some hybrids have less for a single frequency.
const LEAST_LOSS: Db = Db(3.0);

/// Digits of the prompt remembered.
const SAID: usize = 4;

/// Hears digits through the echo of our own prompt, even one that holds digits.
#[derive(Clone, Debug)]
pub struct PromptedDtmfDetector {
    canceller: EchoCanceller,
    near: DtmfDetector,
    prompt: DtmfDetector,
    /// The last digits that the prompt holds.
    said: [Option<HeardDigit>; SAID],
    next: usize,
    /// Longest delay of an echo in samples.
    delay: u64,
    /// What the line is heard behind the prompt, so that a digit of the prompt is known before its echo is.
    held: [f32; BLOCK_SAMPLES],
    /// A digit of the prompt's own is under way in the near end.
    own: bool,
}

impl PromptedDtmfDetector {
    /// A detector for echoes that come within `taps` samples.
    pub fn new(taps: usize) -> Self {
        Self {
            canceller: EchoCanceller::new(taps),
            near: DtmfDetector::new(),
            prompt: DtmfDetector::new(),
            said: [None; SAID],
            next: 0,
            delay: taps as u64,
            held: [0.0; BLOCK_SAMPLES],
            own: false,
        }
    }

    /// Takes a block of what we send and of what we hear meanwhile. `found` is called as
    /// [`DtmfDetector::run`] calls it; the digits are [`BLOCK_SAMPLES`] late.
    pub fn run(
        &mut self,
        prompt: &[f32; BLOCK_SAMPLES],
        near: &[f32; BLOCK_SAMPLES],
        mut found: impl FnMut(HeardDigit),
    ) {
        let mut left = *near;
        self.canceller.run(prompt, &mut left);
        let (said, next) = (&mut self.said, &mut self.next);
        self.prompt.run(prompt, |digit| {
            // The end is told of the digit that was told last.
            *next = if digit.end.is_none() { (*next + 1) % SAID } else { *next };
            said[*next] = Some(digit);
        });
        let held = core::mem::replace(&mut self.held, left);
        let (said, delay, own) = (&self.said, self.delay, &mut self.own);
        self.near.run(&held, |digit| {
            if digit.end.is_none() {
                *own = said.iter().flatten().any(|said| is_echo(said, &digit, delay));
            }
            if !*own {
                found(digit);
            }
        });
    }
}

/// Whether a digit is the echo of one of the prompt's.
fn is_echo(said: &HeardDigit, heard: &HeardDigit, delay: u64) -> bool {
    let end = said.end.map_or(u64::MAX, |end| end.0);
    // The line is heard a block later than the prompt.
    let at = heard.begin.0.saturating_sub(BLOCK_SAMPLES as u64);
    let meanwhile = at + 80 >= said.begin.0 && at <= end.saturating_add(delay);
    let loudest = |digit: &HeardDigit| digit.level.0 + digit.twist.0.max(0.0);
    meanwhile && said.digit == heard.digit && loudest(heard) <= loudest(said) - LEAST_LOSS.0
}
