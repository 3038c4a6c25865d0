//! V.8 as a host of class 1.0 sets and sees it: `+A8E`, and what is asked and told of a negotiation.

use super::settings::NotTaken;
use crate::time::LineSpan;

/// What is asked of the line's V.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum V8Order {
    /// Wait for the answer tone. What CI is to say meanwhile, if it is to be said.
    Call(Option<u8>),
    /// Be silent so long, then say ANSam and wait for CM.
    Answer(LineSpan),
    /// Say CM, or JM: its octets without its name.
    Offer(Vec<u8>),
    /// Say CJ.
    Join,
    /// Nothing more of it.
    Stop,
}

/// What has come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V8Event<'a> {
    /// There is an answer tone.
    Answered(V8Tone),
    /// The caller says what it wants by CI.
    Indicated(u8),
    /// CM or JM came: its octets without its name.
    Menu(&'a [u8]),
    /// CJ was said and heard, and the silence after it is over.
    Joined,
    /// What was awaited did not come.
    TimedOut,
}

/// An answer tone, as `+A8A` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V8Tone {
    /// ANSam: the answerer knows V.8.
    Modulated = 1,
    /// 2100 Hz.
    Plain = 2,
    /// 2100 Hz with reversals of phase.
    Reversed = 3,
}

/// Who leads a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// The modem; the host is told of it or not.
    Modem { tells: bool },
    /// The host, which is told and says what comes next.
    Host,
}

/// A negotiation under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    pub(super) lead: Lead,
    pub(super) answers: bool,
    /// The other side's menu is known.
    pub(super) agreed: bool,
}

impl Talk {
    pub(super) fn new(lead: Lead, answers: bool) -> Self {
        Self { lead, answers, agreed: false }
    }

    /// Whether the host is told what happens.
    pub(super) fn tells(&self) -> bool {
        self.lead != Lead::Modem { tells: false }
    }
}

/// `+A8E`: who leads where we call and where we answer, and what CI says.
#[derive(Clone, Copy, Debug)]
pub(super) struct V8Settings {
    calls: u8,
    answers: u8,
    function: u8,
}

impl Default for V8Settings {
    fn default() -> Self {
        Self { calls: 1, answers: 1, function: 0 }
    }
}

impl V8Settings {
    /// What a test command is answered.
    pub(super) const RANGE: &str = "(0-3,6),(0-2,5),(00,81,A1),(0)";

    /// Who leads; none: V.8 is not used.
    pub(super) fn lead(&self, answers: bool) -> Option<Lead> {
        match if answers { self.answers } else { self.calls } {
            0 => None,
            1 => Some(Lead::Modem { tells: false }),
            2 | 3 => Some(Lead::Host),
            _ => Some(Lead::Modem { tells: true }),
        }
    }

    /// What CI says; none: there is no CI.
    pub(super) fn indicates(&self) -> Option<u8> {
        (self.function != 0).then_some(self.function)
    }

    pub(super) fn set(&mut self, text: &str) -> Result<(), NotTaken> {
        let mut new = *self;
        for (place, text) in text.split(',').map(str::trim).enumerate().filter(|(_, text)| !text.is_empty()) {
            let value = u8::from_str_radix(text, 16).map_err(|_| NotTaken)?;
            let (field, taken): (_, &[u8]) = match place {
                0 => (&mut new.calls, &[0, 1, 2, 3, 6]),
                1 => (&mut new.answers, &[0, 1, 2, 5]),
                2 => (&mut new.function, &[0, super::menu::FAX, super::menu::POLL]),
                // V.8bis is not there.
                3 if value == 0 => continue,
                _ => return Err(NotTaken),
            };
            *field = Some(value).filter(|value| taken.contains(value)).ok_or(NotTaken)?;
        }
        *self = new;
        Ok(())
    }

    pub(super) fn value(&self) -> String {
        format!("{},{},{:02X},0", self.calls, self.answers, self.function)
    }
}

/// Octets as hosts write and read them.
pub(super) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Octets of a menu that a host wrote.
pub(super) fn octets(text: &str) -> Result<Vec<u8>, NotTaken> {
    let digits: Vec<char> = text.trim().trim_matches('"').chars().filter(|letter| *letter != ' ').collect();
    let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).map_err(|_| NotTaken);
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(char::is_ascii_hexdigit) {
        return Err(NotTaken);
    }
    digits.chunks(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_leaves_out_stays() {
        let mut settings = V8Settings::default();
        assert_eq!(settings.set("3,,"), Ok(()));
        assert_eq!((settings.value().as_str(), settings.lead(false)), ("3,1,00,0", Some(Lead::Host)));
        assert_eq!(settings.set("6,5,81"), Ok(()));
        assert_eq!(settings.value(), "6,5,81,0");
        for text in ["4", ",3", ",,C1", ",,,1", "x", "1,1,0,0,0"] {
            assert_eq!(settings.set(text), Err(NotTaken), "{text}");
        }
        assert_eq!(settings.value(), "6,5,81,0");
    }

    #[test]
    fn menus_are_written_in_pairs_of_digits() {
        assert_eq!(octets("8105D490"), Ok(vec![0x81, 0x05, 0xd4, 0x90]));
        assert_eq!(octets("\"81 05\""), Ok(vec![0x81, 0x05]));
        assert!(["", "8", "8x", "é8"].iter().all(|text| octets(text).is_err()));
        assert_eq!(hexadecimal(&[0x81, 0x05]), "8105");
    }
}
