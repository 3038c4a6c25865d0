//! Dial strings, ITU-T V.250 6.3.1: digits and what is to be done between them.

/// One step of dialling, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialStep {
    /// Wait for dial tone, so many seconds at most.
    AwaitDialTone(u32),
    /// Dial at once: after so many seconds off hook, whether there is dial tone or not.
    Blind(u32),
    /// Digits by DTMF: 0 to 9, `*`, `#` and A to D.
    Tones(String),
    /// Digits by pulses: 0 to 9.
    Pulses(String),
    /// A pause of so many seconds.
    Pause(u32),
    /// On hook for half a second: the register recall of many exchanges.
    HookFlash,
    /// Wait for an answer that is five seconds of silence, so many seconds at most.
    AwaitQuietAnswer(u32),
}

/// What a dial string asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DialString {
    pub(super) steps: Vec<DialStep>,
    /// `;` at the end: commands go on, nothing is listened for.
    pub(super) back_to_commands: bool,
    /// `S=n` was written: a number that this modem does not store.
    pub(super) stored: bool,
}

/// The seconds that dialling goes by: registers S6, S7 and S8.
#[derive(Clone, Copy, Debug)]
pub(super) struct DialTimes {
    pub(super) before: u32,
    pub(super) answer: u32,
    pub(super) comma: u32,
    /// Whether the first digit waits for dial tone: X2 and X4.
    pub(super) waits: bool,
}

/// Reads what follows `D`. `pulses`: digits go by pulses until the string says otherwise.
pub(super) fn read(text: &str, mut pulses: bool, times: DialTimes) -> DialString {
    let mut dial = DialString::default();
    dial.steps.push(if times.waits { DialStep::AwaitDialTone(times.answer) } else { DialStep::Blind(times.before) });
    for letter in text.chars().map(|letter| letter.to_ascii_uppercase()) {
        match letter {
            'T' => pulses = false,
            'P' => pulses = true,
            '0'..='9' | '*' | '#' | 'A'..='D' => dial.digit(letter, pulses),
            'W' => dial.steps.push(DialStep::AwaitDialTone(times.answer)),
            ',' => dial.steps.push(DialStep::Pause(times.comma)),
            '!' => dial.steps.push(DialStep::HookFlash),
            '@' => dial.steps.push(DialStep::AwaitQuietAnswer(times.answer)),
            ';' => {
                dial.back_to_commands = true;
                break;
            }
            'S' => dial.stored = true,
            _ => {}
        }
    }
    dial
}

impl DialString {
    fn digit(&mut self, digit: char, pulses: bool) {
        match self.steps.last_mut() {
            Some(DialStep::Tones(digits)) if !pulses => digits.push(digit),
            Some(DialStep::Pulses(digits)) if pulses => digits.extend(Some(digit).filter(char::is_ascii_digit)),
            _ if !pulses => self.steps.push(DialStep::Tones(digit.into())),
            _ => self.steps.push(DialStep::Pulses(Some(digit).filter(char::is_ascii_digit).into_iter().collect())),
        }
    }
}

/// The digits of all steps: what an exchange that is told the number is told.
pub fn number(steps: &[DialStep]) -> String {
    let digits = steps.iter().filter_map(|step| match step {
        DialStep::Tones(digits) | DialStep::Pulses(digits) => Some(digits.as_str()),
        _ => None,
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_become_steps() {
        let times = DialTimes { before: 2, answer: 60, comma: 3, waits: true };
        let dial = read("T0W,1-2 p34*!@5;6", false, times);
        let steps = [
            DialStep::AwaitDialTone(60),
            DialStep::Tones("0".into()),
            DialStep::AwaitDialTone(60),
            DialStep::Pause(3),
            DialStep::Tones("12".into()),
            DialStep::Pulses("34".into()),
            DialStep::HookFlash,
            DialStep::AwaitQuietAnswer(60),
            DialStep::Pulses("5".into()),
        ];
        assert_eq!(dial.steps, steps);
        assert!(dial.back_to_commands);
        assert_eq!(number(&dial.steps), "012345");
        assert_eq!(read("", true, DialTimes { waits: false, ..times }).steps, [DialStep::Blind(2)]);
    }
}
