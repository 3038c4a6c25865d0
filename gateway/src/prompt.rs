//! A prompt and the digits that answer it: for access codes and extensions.
//!
//! ```text
//!  prompt ──▶ line        a digit ends the prompt (barge-in); the terminator, enough digits or a pause end the question
//!  line ──▶ echo canceller ──▶ digits of the caller, none of the prompt's
//! ```
//!
//! The question is driven by blocks and does no I/O; [`ask`] puts it on a line.

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, Block, SILENCE, narrow, widen},
    tone::dtmf_prompted::PromptedDtmfDetector,
};
use answertone_hw::PcmLine;

/// Longest delay of an echo of the prompt: 32 ms.
const ECHO_TAPS: usize = 256;

/// Blocks in a second.
const SECOND: f32 = 100.0;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is played, 8000 samples per second.
    pub prompt: Vec<i16>,
    /// A digit ends the prompt.
    pub barge_in: bool,
    /// Digits at most.
    pub digits: usize,
    /// The key that ends the answer and is none of it.
    pub terminator: Option<char>,
    /// Seconds to the first digit once the prompt is over.
    pub first_s: f32,
    /// Seconds from one digit to the next.
    pub next_s: f32,
}

/// Why a question is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The terminator was pressed.
    Terminator,
    /// There are as many digits as were asked for.
    Enough,
    /// No digit came in time.
    TimeOut,
    /// The far end hung up.
    HungUp,
}

impl Ended {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminator => "terminator",
            Self::Enough => "enough",
            Self::TimeOut => "time_out",
            Self::HungUp => "hung_up",
        }
    }
}

/// A question under way.
pub struct Asking {
    question: Question,
    detector: PromptedDtmfDetector,
    /// Samples of the prompt that were played.
    played: usize,
    sent: Block,
    /// Blocks since the prompt ended or the last digit began.
    quiet: f32,
    digits: String,
    barged_in: bool,
    ended: Option<Ended>,
}

impl Asking {
    /// Begins with the prompt.
    pub fn new(question: Question) -> Self {
        Self {
            detector: PromptedDtmfDetector::new(ECHO_TAPS),
            digits: String::with_capacity(question.digits),
            question,
            played: 0,
            sent: SILENCE,
            quiet: 0.0,
            barged_in: false,
            ended: None,
        }
    }

    /// Takes a block from the line and gives the next one for it; why the question is over, once it is.
    pub fn block(&mut self, rx: &Block, tx: &mut Block) -> Option<Ended> {
        let (mut prompt, mut near) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES]);
        widen(&self.sent, &mut prompt);
        widen(rx, &mut near);
        let mut pressed = [None; 2];
        self.detector.run(&prompt, &near, |heard| {
            if heard.end.is_none() {
                let place = usize::from(pressed[0].is_some());
                pressed[place] = Some(heard.digit);
            }
        });
        self.quiet = if self.plays() { 0.0 } else { self.quiet + 1.0 };
        pressed.into_iter().flatten().for_each(|digit| self.press(digit));
        self.wait();
        self.play(tx);
        self.ended
    }

    /// The digits so far, without the terminator.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Whether a digit cut the prompt short.
    pub fn was_barged_in(&self) -> bool {
        self.barged_in
    }

    fn plays(&self) -> bool {
        self.played < self.question.prompt.len() && !self.barged_in
    }

    fn press(&mut self, digit: char) {
        if self.ended.is_some() || self.plays() && !self.question.barge_in {
            return;
        }
        self.barged_in |= self.plays();
        self.quiet = 0.0;
        if self.question.terminator == Some(digit) {
            self.ended = Some(Ended::Terminator);
            return;
        }
        self.digits.push(digit);
        if self.digits.len() >= self.question.digits {
            self.ended = Some(Ended::Enough);
        }
    }

    fn wait(&mut self) {
        let patience = if self.digits.is_empty() { self.question.first_s } else { self.question.next_s };
        if self.ended.is_none() && !self.plays() && self.quiet > patience * SECOND {
            self.ended = Some(Ended::TimeOut);
        }
    }

    fn play(&mut self, tx: &mut Block) {
        *tx = SILENCE;
        if self.plays() {
            let rest = &self.question.prompt[self.played..];
            let count = rest.len().min(BLOCK_SAMPLES);
            tx[..count].copy_from_slice(&rest[..count]);
            self.played += count;
        }
        self.sent = *tx;
    }
}

/// Asks on a line that is off hook.
pub fn ask(line: &mut dyn PcmLine, question: Question) -> (Asking, Ended) {
    let mut asking = Asking::new(question);
    let (mut tx, mut rx) = (SILENCE, SILENCE);
    loop {
        if line.exchange(&tx, &mut rx).is_err() {
            return (asking, Ended::HungUp);
        }
        if let Some(ended) = asking.block(&rx, &mut tx) {
            return (asking, ended);
        }
    }
}

/// Samples in 16-bit scale as they go on a line.
pub fn rounded(samples: &[f32]) -> Vec<i16> {
    let mut narrowed = vec![0; samples.len()];
    narrow(samples, &mut narrowed);
    narrowed
}

#[cfg(test)]
mod tests {
    use answertone_dsp::tone::dtmf::{DtmfStyle, digits};

    use super::*;

    fn question() -> Question {
        // A prompt that holds digits itself.
        let prompt = rounded(&digits("1470", DtmfStyle { on: 2000, off: 2000, ..DtmfStyle::default() }));
        Question { prompt, barge_in: true, digits: 4, terminator: Some('#'), first_s: 2.0, next_s: 1.0 }
    }

    /// The answer to keys pressed from that block on, through a hybrid with 10 dB of loss.
    fn answer(question: Question, keys: &str, from: usize) -> (String, bool, Ended) {
        let pressed = rounded(&digits(keys, DtmfStyle::default()));
        let mut asking = Asking::new(question);
        let mut tx = SILENCE;
        for at in 0..10_000_usize {
            let mut rx = tx.map(|sample| sample / 10 * 3);
            if let Some(keys) = at.checked_sub(from).and_then(|at| pressed.get(at * BLOCK_SAMPLES..)) {
                rx.iter_mut().zip(keys).for_each(|(sample, key)| *sample = sample.saturating_add(*key));
            }
            if let Some(ended) = asking.block(&rx, &mut tx) {
                return (asking.digits().to_owned(), asking.was_barged_in(), ended);
            }
        }
        panic!("the question has no end");
    }

    #[test]
    fn a_question_ends_by_its_terminator_by_enough_digits_and_by_time() {
        assert_eq!(answer(question(), "25#", 250), ("25".into(), false, Ended::Terminator));
        assert_eq!(answer(question(), "25836", 250), ("2583".into(), false, Ended::Enough));
        assert_eq!(answer(question(), "25", 250), ("25".into(), false, Ended::TimeOut));
        assert_eq!(answer(question(), "", 0), (String::new(), false, Ended::TimeOut));
    }

    #[test]
    fn a_digit_ends_the_prompt_only_if_it_may() {
        assert_eq!(answer(question(), "25#", 60), ("25".into(), true, Ended::Terminator));
        let patient = Question { barge_in: false, ..question() };
        assert_eq!(answer(patient, "25#", 20), (String::new(), false, Ended::TimeOut));
    }
}
