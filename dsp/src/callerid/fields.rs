//! What a message tells of a call.

use alloc::{string::String, vec::Vec};

/// A parameter as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is.
    pub code: u8,
    /// Its octets.
    pub content: Vec<u8>,
}

/// Who calls. Texts hold what the line brought, as Latin-1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    /// Kind of call, ETSI: 1 a voice call, 0x81 messages waiting.
    pub call_type: Option<u8>,
    /// Month, day, hour and minute, two digits each.
    pub date: Option<String>,
    /// The caller's number.
    pub number: Option<String>,
    /// Why there is none: P for withheld, O for not available.
    pub number_absence: Option<char>,
    /// The caller's name.
    pub name: Option<String>,
    /// Why there is none: P for withheld, O for not available.
    pub name_absence: Option<char>,
    /// The number that was called.
    pub called: Option<String>,
    /// The number that redirected the call.
    pub redirecting: Option<String>,
}

/// Parameter codes of GR-30-CORE and ETSI EN 300 659-3, with names.
const NAMES: [(u8, &str); 26] = [
    (0x01, "date"),
    (0x02, "number"),
    (0x03, "called_number"),
    (0x04, "number_absence"),
    (0x05, "redirection_reason"),
    (0x06, "call_qualifier"),
    (0x07, "name"),
    (0x08, "name_absence"),
    (0x09, "alternate_route"),
    (0x0B, "visual_indicator"),
    (0x0D, "message_identification"),
    (0x0E, "last_message_number"),
    (0x0F, "complementary_date"),
    (0x10, "complementary_number"),
    (0x11, "call_type"),
    (0x12, "first_called_number"),
    (0x13, "messages"),
    (0x15, "forwarding_type"),
    (0x16, "caller_type"),
    (0x1A, "redirecting_number"),
    (0x20, "charge"),
    (0x21, "additional_charge"),
    (0x23, "call_duration"),
    (0x30, "network_provider"),
    (0x31, "carrier"),
    (0x50, "display_information"),
];

/// What a letter in place of a number or a name says: P withheld, O not available; NTT has C for a pay phone and S for a
/// service that clashes.
pub fn absence(letter: char) -> &'static str {
    match letter {
        'P' => "withheld",
        'C' => "pay phone",
        'S' => "service conflict",
        _ => "not available",
    }
}

impl Parameter {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        NAMES.iter().find(|row| row.0 == self.code).map_or("other", |row| row.1)
    }

    /// Its octets as Latin-1.
    pub fn text(&self) -> String {
        self.content.iter().map(|octet| char::from(*octet)).collect()
    }
}

impl CallerId {
    /// From parameters; of several with one code the first counts.
    pub fn from_parameters(parameters: &[Parameter]) -> Self {
        let find = |code: u8| parameters.iter().find(|parameter| parameter.code == code);
        let text = |code: u8| find(code).map(Parameter::text);
        let first = |code: u8| find(code).and_then(|parameter| parameter.content.first().copied());
        Self {
            call_type: first(0x11),
            date: text(0x01),
            number: text(0x02),
            number_absence: first(0x04).map(char::from),
            name: text(0x07),
            name_absence: first(0x08).map(char::from),
            called: text(0x03),
            redirecting: text(0x1A),
        }
    }

    /// As parameters, in the order of EN 300 659: the call type first.
    pub fn parameters(&self) -> Vec<Parameter> {
        let latin = |text: &String| text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
        let letter = |letter: char| alloc::vec![u8::try_from(letter).unwrap_or(b'O')];
        let rows = [
            (0x11, self.call_type.map(|kind| alloc::vec![kind])),
            (0x01, self.date.as_ref().map(latin)),
            (0x02, self.number.as_ref().map(latin)),
            (0x04, self.number_absence.map(letter)),
            (0x07, self.name.as_ref().map(latin)),
            (0x08, self.name_absence.map(letter)),
            (0x03, self.called.as_ref().map(latin)),
            (0x1A, self.redirecting.as_ref().map(latin)),
        ];
        rows.into_iter().filter_map(|(code, content)| Some(Parameter { code, content: content? })).collect()
    }
}
