//! The calling side of V.8.

use crate::{
    fsk::{V21_CHANNEL_1, V21_CHANNEL_2},
    tone::call::CedDetector,
    units::Dbm0,
    v8::{
        AnswerTone, Course, Event, MS, PATIENCE, PAUSE,
        ear::{Ear, Heard},
        menu::Menu,
        voice::Voice,
    },
};

/// Silence between the answer tone being known and CM, V.8's te: half a second at least.
const BEFORE_MENU: u64 = 500 * MS;

/// CIs of a burst, of which three at least are asked for, and the silence between bursts: 0.4 to 2 s.
const INDICATORS: u32 = 4;
const BETWEEN_INDICATORS: u64 = 1000 * MS;

/// The calling modem.
#[derive(Clone, Debug)]
pub struct Caller {
    tone: CedDetector,
    ear: Ear,
    voice: Voice,
    /// What CI says, where it is to be said.
    indicates: Option<u8>,
    course: Course<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for the answer tone.
    Listening,
    /// The tone is known; there is no menu yet.
    Answered,
    /// The menu is said as soon as the silence before it is over, if it is not said already.
    Offering {
        said: bool,
    },
    /// The other menu is known.
    Agreed,
    /// CJ is said.
    Joining,
    /// CJ was said.
    Pause,
    Over,
}

impl Caller {
    /// A caller that waits for the answer tone, at this level when it speaks. `indicates`: it says CI meanwhile.
    pub fn new(level: Dbm0, indicates: Option<u8>) -> Self {
        Self {
            tone: CedDetector::new(),
            ear: Ear::new(&V21_CHANNEL_2),
            voice: Voice::new(&V21_CHANNEL_1, level),
            indicates,
            course: Course { stage: Stage::Listening, passed: BETWEEN_INDICATORS },
        }
    }

    /// Says CM until [`Caller::join`].
    pub fn offer(&mut self, menu: Menu) {
        if matches!(self.course.stage, Stage::Listening | Stage::Answered) {
            self.voice.offer(menu);
            self.course.stage = Stage::Offering { said: false };
        }
    }

    /// Ends CM with CJ.
    pub fn join(&mut self) {
        if self.course.stage == Stage::Agreed {
            self.voice.join();
            self.course.enter(Stage::Joining);
        }
    }

    /// Takes the next samples of the line, a tenth of a second at most.
    pub fn receive(&mut self, samples: &[f32]) -> Option<Event> {
        self.course.passed += samples.len() as u64;
        let heard = self.ear.run(samples);
        match self.course.stage {
            Stage::Listening => {
                self.tone.run(samples).filter(|edge| edge.on)?;
                self.course.enter(Stage::Answered);
                Some(Event::Answered(self.answer_tone()))
            }
            Stage::Offering { said: true } => match heard {
                Some(Heard::Menu(menu)) => {
                    self.course.enter(Stage::Agreed);
                    Some(Event::Menu(menu))
                }
                _ => self.course.after(PATIENCE, Stage::Over, Event::TimedOut),
            },
            Stage::Pause => self.course.after(PAUSE, Stage::Over, Event::Joined),
            _ => None,
        }
    }

    /// Writes the next samples for the line, as many as were taken.
    pub fn transmit(&mut self, out: &mut [f32]) {
        match self.course.stage {
            Stage::Listening => self.indicate(out),
            Stage::Offering { said: false } if self.course.passed >= BEFORE_MENU => {
                self.course.enter(Stage::Offering { said: true });
                self.voice.run(out);
            }
            Stage::Offering { said: true } | Stage::Agreed => drop(self.voice.run(out)),
            Stage::Joining => {
                if !self.voice.run(out) {
                    self.course.enter(Stage::Pause);
                }
            }
            _ => out.fill(0.0),
        }
    }

    fn indicate(&mut self, out: &mut [f32]) {
        let speaks = self.voice.run(out);
        if let (false, Some(function)) = (speaks, self.indicates) {
            if self.course.passed >= BETWEEN_INDICATORS {
                self.voice.indicate(function, INDICATORS);
            }
        } else if speaks {
            self.course.passed = 0;
        }
    }

    fn answer_tone(&self) -> AnswerTone {
        if self.tone.is_modulated() {
            AnswerTone::Modulated
        } else if self.tone.reversals() > 0 {
            AnswerTone::Reversed
        } else {
            AnswerTone::Plain
        }
    }
}
