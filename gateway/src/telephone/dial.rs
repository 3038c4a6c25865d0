//! Dialling: tone, pulse, flash, pauses, with or without waiting for the dial tone.

use std::str::FromStr;

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, SILENCE, narrow, widen},
    tone::{
        dtmf::{DtmfGenerator, DtmfStyle},
        progress::{ProgressDetector, ProgressKind},
    },
    units::Dbm0,
};
use answertone_hw::PcmLine;
use answertone_t30::{class1::DialStep, session::Instead};
use thiserror::Error;

use super::{BLOCKS_PER_SECOND, Handset, NoCall};

/// What is dialled, sign by sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialString(Vec<Sign>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Digit(char),
    /// So many seconds.
    Pause(u32),
    /// Wait for the dial tone so many seconds.
    DialTone(u32),
    /// Wait so many seconds for an answer that is silence.
    QuietAnswer(u32),
    Flash,
    Style(Style),
}

/// How digits go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Tone,
    Pulse,
}

/// A sign that cannot be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "'{0}' cannot be dialled; write digits, * # A B C D, W to wait for the dial tone, a comma for two seconds, ! for a flash, \
     @ to wait for an answer that is silence, P and T for pulse and tone"
)]
pub struct BadDialString(char);

impl FromStr for DialString {
    type Err = BadDialString;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.chars().filter(|sign| !matches!(sign, ' ' | '-' | '.' | '(' | ')' | '/' | '+'));
        wanted.map(sign).collect::<Result<_, _>>().map(Self)
    }
}

fn sign(sign: char) -> Result<Sign, BadDialString> {
    Ok(match sign.to_ascii_uppercase() {
        digit @ ('0'..='9' | '*' | '#' | 'A'..='D') => Sign::Digit(digit),
        'W' => Sign::DialTone(DIAL_TONE_SECONDS),
        ',' => Sign::Pause(COMMA_SECONDS),
        '@' => Sign::QuietAnswer(QUIET_ANSWER_SECONDS),
        '!' => Sign::Flash,
        'P' => Sign::Style(Style::Pulse),
        'T' => Sign::Style(Style::Tone),
        _ => return Err(BadDialString(sign)),
    })
}

impl From<&[DialStep]> for DialString {
    fn from(steps: &[DialStep]) -> Self {
        let digits = |style, digits: &str| {
            let digits: Vec<Sign> = digits.chars().map(Sign::Digit).collect();
            [vec![Sign::Style(style)], digits].concat()
        };
        let signs = steps.iter().flat_map(|step| match step {
            DialStep::AwaitDialTone(seconds) => vec![Sign::DialTone(*seconds)],
            DialStep::Blind(seconds) | DialStep::Pause(seconds) => vec![Sign::Pause(*seconds)],
            DialStep::Tones(signs) => digits(Style::Tone, signs),
            DialStep::Pulses(signs) => digits(Style::Pulse, signs),
            DialStep::HookFlash => vec![Sign::Flash],
            DialStep::AwaitQuietAnswer(seconds) => vec![Sign::QuietAnswer(*seconds)],
        });
        Self(signs.collect())
    }
}

impl DialString {
    /// The same after waiting for the dial tone.
    pub fn after_dial_tone(mut self) -> Self {
        self.0.insert(0, Sign::DialTone(DIAL_TONE_SECONDS));
        self
    }
}

/// Line time between going off hook and the first sign, 300 ms: the exchange notices.
const SEIZURE_BLOCKS: u32 = 30;

/// A comma.
const COMMA_SECONDS: u32 = 2;

/// Seconds of patience for an answer that is silence, and the silence that is one.
const QUIET_ANSWER_SECONDS: u32 = 50;
const QUIET_BLOCKS: u32 = 5 * BLOCKS_PER_SECOND;

/// Below this level a line is silent.
const SILENT: Dbm0 = Dbm0(-40.0);

/// Seconds of patience for the dial tone.
const DIAL_TONE_SECONDS: u32 = 8;

/// A flash: 100 ms in most of Europe, up to 600 ms in North America; in between both take it.
const FLASH_BLOCKS: u32 = 30;

/// After a flash the exchange needs a moment.
const AFTER_FLASH_BLOCKS: u32 = 50;

/// Pulses of 60 ms break and 40 ms make, ten in a second.
const BREAK_BLOCKS: u32 = 6;
const MAKE_BLOCKS: u32 = 4;

/// A key that is pressed beside the audio.
const PRESSED_BLOCKS: u32 = 25;

/// Between two digits of pulses.
const BETWEEN_DIGITS_BLOCKS: u32 = 80;

/// Goes off hook and dials. `country` is whose tones are listened for; `cancelled` is asked at every block.
pub fn dial(
    line: &mut dyn PcmLine,
    what: &DialString,
    country: &str,
    cancelled: &mut dyn FnMut() -> bool,
) -> Result<(), NoCall> {
    let mut handset = Handset { line, cancelled };
    handset.hook(true)?;
    handset.silence(SEIZURE_BLOCKS)?;
    let mut style = Style::Tone;
    for sign in &what.0 {
        match sign {
            Sign::Style(new) => style = *new,
            Sign::Pause(seconds) => handset.silence(seconds * BLOCKS_PER_SECOND)?,
            Sign::DialTone(seconds) => await_dial_tone(&mut handset, country, *seconds)?,
            Sign::QuietAnswer(seconds) => await_quiet_answer(&mut handset, *seconds)?,
            Sign::Flash => flash(&mut handset)?,
            Sign::Digit(digit) => match (style, pulses(*digit)) {
                (Style::Pulse, Some(count)) => pulse(&mut handset, count)?,
                _ => tone(&mut handset, *digit)?,
            },
        }
    }
    Ok(())
}

fn await_dial_tone(handset: &mut Handset<'_>, country: &str, seconds: u32) -> Result<(), NoCall> {
    let mut detector = ProgressDetector::of(country);
    for _ in 0..seconds * BLOCKS_PER_SECOND {
        let heard = handset.exchange(&SILENCE)?;
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(&heard, &mut samples);
        match detector.run(&samples) {
            Some(ProgressKind::Dial) => return Ok(()),
            Some(ProgressKind::Busy) => return Err(NoCall::Refused(Instead::Busy)),
            Some(ProgressKind::Congestion) => return Err(NoCall::Refused(Instead::Congestion)),
            Some(ProgressKind::Unobtainable) => return Err(NoCall::Refused(Instead::NumberUnobtainable)),
            _ => {}
        }
    }
    Err(NoCall::NoDialTone(seconds))
}

/// Waits until the line has been silent for five seconds.
fn await_quiet_answer(handset: &mut Handset<'_>, seconds: u32) -> Result<(), NoCall> {
    let mut quiet = 0;
    for _ in 0..seconds * BLOCKS_PER_SECOND {
        let heard = handset.exchange(&SILENCE)?;
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(&heard, &mut samples);
        let mean_square = samples.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK_SAMPLES as f32;
        quiet = if Dbm0::from_mean_square(mean_square) < SILENT { quiet + 1 } else { 0 };
        if quiet == QUIET_BLOCKS {
            return Ok(());
        }
    }
    Err(NoCall::NoQuietAnswer(seconds))
}

fn flash(handset: &mut Handset<'_>) -> Result<(), NoCall> {
    if handset.by_itself(|hook| hook.flash())? {
        handset.silence(FLASH_BLOCKS)?;
    } else {
        open_loop(handset, FLASH_BLOCKS)?;
    }
    handset.silence(AFTER_FLASH_BLOCKS)
}

/// The loop open for so many blocks.
fn open_loop(handset: &mut Handset<'_>, blocks: u32) -> Result<(), NoCall> {
    handset.hook(false)?;
    handset.silence(blocks)?;
    handset.hook(true)
}

/// Pulses of a digit; star and pound have none.
fn pulses(digit: char) -> Option<u32> {
    digit.to_digit(10).map(|digit| if digit == 0 { 10 } else { digit })
}

fn pulse(handset: &mut Handset<'_>, count: u32) -> Result<(), NoCall> {
    if handset.by_itself(|hook| hook.pulses(count))? {
        handset.silence(count * (BREAK_BLOCKS + MAKE_BLOCKS))?;
    } else {
        for _ in 0..count {
            open_loop(handset, BREAK_BLOCKS)?;
            handset.silence(MAKE_BLOCKS)?;
        }
    }
    handset.silence(BETWEEN_DIGITS_BLOCKS)
}

/// A key, beside the audio where the line has a way for that.
fn tone(handset: &mut Handset<'_>, digit: char) -> Result<(), NoCall> {
    if handset.line.press(digit) {
        return handset.silence(PRESSED_BLOCKS);
    }
    let Some(mut generator) = DtmfGenerator::new(digit, DtmfStyle::default()) else { return Ok(()) };
    loop {
        let mut samples = [0.0; BLOCK_SAMPLES];
        let made = generator.run(&mut samples);
        if made == 0 {
            return Ok(());
        }
        let mut block = SILENCE;
        narrow(&samples, &mut block);
        handset.exchange(&block)?;
    }
}
