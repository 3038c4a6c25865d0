//! The answering side of V.8.

use crate::{
    fsk::{V21_CHANNEL_1, V21_CHANNEL_2},
    tone::call::CedGenerator,
    units::Dbm0,
    v8::{
        Course, Event, MS, PATIENCE, PAUSE,
        ear::{Ear, Heard},
        menu::Menu,
        voice::Voice,
    },
};

/// ANSam without a menu from the caller, in milliseconds: 2.6 to 4 s where T.30 is to follow.
const TONE_LENGTH: u64 = 3300;

/// The answering modem.
#[derive(Clone, Debug)]
pub struct Answerer {
    tone: CedGenerator,
    ear: Ear,
    voice: Voice,
    course: Course<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Silence before the tone, of so many samples.
    Silence(u64),
    Tone,
    /// The tone is over and no menu has come.
    Unasked,
    /// The caller's menu is known; there is no answer yet.
    Asked,
    /// JM is said until CJ is heard.
    Offering,
    /// CJ was heard.
    Pause,
    Over,
}

impl Answerer {
    /// An answerer that is silent for so many milliseconds and then says ANSam at this level.
    pub fn new(level: Dbm0, silence_ms: u64) -> Self {
        Self {
            tone: CedGenerator::ansam(level, true).lasting(TONE_LENGTH),
            ear: Ear::new(&V21_CHANNEL_1),
            voice: Voice::new(&V21_CHANNEL_2, level),
            course: Course { stage: Stage::Silence(silence_ms * MS), passed: 0 },
        }
    }

    /// Says JM until CJ is heard.
    pub fn offer(&mut self, menu: Menu) {
        if self.course.stage == Stage::Asked {
            self.voice.offer(menu);
            self.course.enter(Stage::Offering);
        }
    }

    /// Takes the next samples of the line, a tenth of a second at most.
    pub fn receive(&mut self, samples: &[f32]) -> Option<Event> {
        self.course.passed += samples.len() as u64;
        let heard = self.ear.run(samples);
        match (self.course.stage, heard) {
            (Stage::Silence(_) | Stage::Tone, Some(Heard::Indicator(function))) => Some(Event::Indicated(function)),
            (Stage::Silence(_) | Stage::Tone, Some(Heard::Menu(menu))) => {
                self.course.enter(Stage::Asked);
                Some(Event::Menu(menu))
            }
            (Stage::Unasked, _) => self.course.after(0, Stage::Over, Event::TimedOut),
            (Stage::Offering, Some(Heard::Joined)) => {
                self.course.enter(Stage::Pause);
                None
            }
            (Stage::Offering, _) => self.course.after(PATIENCE, Stage::Over, Event::TimedOut),
            (Stage::Pause, _) => self.course.after(PAUSE, Stage::Over, Event::Joined),
            _ => None,
        }
    }

    /// Writes the next samples for the line, as many as were taken.
    pub fn transmit(&mut self, out: &mut [f32]) {
        match self.course.stage {
            Stage::Silence(span) if self.course.passed < span => out.fill(0.0),
            Stage::Silence(_) | Stage::Tone => {
                self.course.stage = Stage::Tone;
                let written = self.tone.run(out);
                out[written..].fill(0.0);
                if written < out.len() {
                    self.course.enter(Stage::Unasked);
                }
            }
            Stage::Offering => drop(self.voice.run(out)),
            _ => out.fill(0.0),
        }
    }
}
