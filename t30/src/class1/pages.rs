//! What a host of Class 2 sets for its calls.

use crate::class2::{Options, Terms};

/// Characters of an identity, ITU-T T.30 5.3.6.2.4.
const MOST_CHARACTERS: usize = 20;

/// Settings of Class 2 that are not just kept.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    options: Options,
    /// What the machine can do: `+FCC`, `+FDCC`.
    can: Terms,
    /// The identity to poll by; empty: that of all calls.
    polling: String,
    /// The host finds the page received last not good: `+FPS`, `+FPTS`.
    status: u8,
}

impl Default for Pages {
    fn default() -> Self {
        let options = Options {
            identity: String::new(),
            capabilities: Terms::default(),
            receives: true,
            polls: false,
            told: [false; 4],
            reversed: false,
        };
        Self { options, can: Terms::default(), polling: String::new(), status: 1 }
    }
}

impl Pages {
    /// The settings of the next call.
    pub(super) fn options(&self) -> Options {
        let mut options = self.options.clone();
        if options.polls && !self.polling.is_empty() {
            options.identity.clone_from(&self.polling);
        }
        options
    }

    /// What the next page is to be sent with.
    pub(super) fn terms(&self) -> Terms {
        self.options.capabilities
    }

    /// Whether the page received last is good; asked once for each.
    pub(super) fn takes_page(&mut self) -> bool {
        !matches!(std::mem::replace(&mut self.status, 1), 2 | 4)
    }

    /// The terms of the next call are those of the machine again: `+FIP`.
    pub(super) fn renew(&mut self) {
        self.options.capabilities = self.can;
    }

    /// Sets a parameter. `None`: it is not one of these; `Some(false)`: it does not take this.
    pub(super) fn set(&mut self, name: &str, text: &str) -> Option<bool> {
        let options = &mut self.options;
        Some(match name {
            "+FCC" | "+FDCC" => match self.can.changed(text) {
                Some(can) => {
                    (self.can, options.capabilities) = (can, can);
                    true
                }
                None => false,
            },
            "+FIS" | "+FDIS" => options.capabilities.changed(text).map(|terms| options.capabilities = terms).is_some(),
            "+FLI" | "+FLID" => identity(text).map(|text| options.identity = text).is_some(),
            "+FPI" | "+FCIG" => identity(text).map(|text| self.polling = text).is_some(),
            "+FCR" => flag(text).map(|receives| options.receives = receives).is_some(),
            "+FSP" | "+FSPL" => flag(text).map(|polls| options.polls = polls).is_some(),
            "+FBO" | "+FBOR" => number(text, 3).map(|order| options.reversed = order & 1 == 1).is_some(),
            "+FPS" | "+FPTS" => number(text, 5).map(|status| self.status = status).is_some(),
            "+FNR" => flags(text, &mut options.told),
            _ => return None,
        })
    }

    /// A parameter as it is told; none: it is not one of these.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let options = &self.options;
        Some(match name {
            "+FCC" | "+FDCC" => self.can.numbers(false),
            "+FIS" | "+FDIS" => options.capabilities.numbers(false),
            "+FLI" | "+FLID" => format!("\"{}\"", options.identity),
            "+FPI" | "+FCIG" => format!("\"{}\"", self.polling),
            "+FCR" => u8::from(options.receives).to_string(),
            "+FSP" | "+FSPL" => u8::from(options.polls).to_string(),
            "+FBO" | "+FBOR" => u8::from(options.reversed).to_string(),
            "+FPS" | "+FPTS" => self.status.to_string(),
            "+FNR" => options.told.map(|told| u8::from(told).to_string()).join(","),
            "+FBS" => "1024,1024".to_owned(),
            _ => return None,
        })
    }

    /// What a parameter can be; none: it is not one of these.
    pub(super) fn range(name: &str) -> Option<&'static str> {
        Some(match name {
            "+FCC" | "+FDCC" | "+FIS" | "+FDIS" => Terms::RANGE,
            "+FLI" | "+FLID" | "+FPI" | "+FCIG" => "(20)(32-126)",
            "+FCR" | "+FSP" | "+FSPL" => "(0,1)",
            "+FBO" | "+FBOR" => "(0-3)",
            "+FPS" | "+FPTS" => "(1-5)",
            "+FNR" => "(0,1),(0,1),(0,1),(0,1)",
            "+FDT" | "+FDR" | "+FK" | "+FKS" => "",
            "+FET" => "(0-2)",
            _ => return None,
        })
    }
}

/// A text between quotation marks, or without them.
fn identity(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('"');
    let fits = text.len() <= MOST_CHARACTERS && text.chars().all(|letter| (' '..='~').contains(&letter));
    fits.then(|| text.to_owned())
}

fn number(text: &str, most: u8) -> Option<u8> {
    text.split(',').next()?.trim().parse().ok().filter(|number| *number <= most)
}

fn flag(text: &str) -> Option<bool> {
    number(text, 1).map(|number| number == 1)
}

fn flags(text: &str, flags: &mut [bool; 4]) -> bool {
    let mut new = *flags;
    for (index, text) in text.split(',').enumerate() {
        let (Some(place), Some(flag)) = (new.get_mut(index), flag(text)) else { return false };
        *place = flag;
    }
    *flags = new;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_set_is_told_again() {
        let mut pages = Pages::default();
        assert_eq!(pages.set("+FCC", "1,5,0,2,0,0,0,0"), Some(true));
        assert_eq!(pages.value("+FIS").as_deref(), Some("1,5,0,2,0,0,0,0"));
        assert_eq!(pages.set("+FDIS", ",3"), Some(true));
        assert_eq!(pages.value("+FDIS").as_deref(), Some("1,3,0,2,0,0,0,0"));
        assert_eq!(pages.set("+FLI", "\"555 0100\""), Some(true));
        assert_eq!(pages.value("+FLID").as_deref(), Some("\"555 0100\""));
        assert_eq!(pages.set("+FNR", "1,1,1,0"), Some(true));
        assert_eq!(pages.set("+FNR", "1,1,1,0,1"), Some(false));
        assert_eq!(pages.set("+FNO", "1"), None);
        assert_eq!(pages.set("+FIS", "1,99"), Some(false));
    }
}
