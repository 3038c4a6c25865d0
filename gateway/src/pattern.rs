//! Patterns with wildcards, for numbers, addresses and names: `*` stands for any run of characters, `?` for one.

use std::fmt;

use serde::{Serialize, Serializer};

/// A pattern; letters match in either case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern as written.
    pub fn new(written: impl Into<String>) -> Self {
        Self(written.into())
    }

    /// Whether it is that text, whole.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.to_lowercase(), text.to_lowercase());
        matches(pattern.as_bytes(), text.as_bytes())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Linear in the text for each star: a star that was passed is only widened, never taken back further.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == text[read] => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                (at, read) = (place + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_say() {
        let cases = [
            ("+44*", "+441632960000", true),
            ("+44*", "+43", false),
            ("*@office.example", "Anna@Office.Example", true),
            ("*@office.example", "anna@office.example.evil", false),
            ("+1555??00", "+15550100", true),
            ("+1555??00", "+155501000", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("*a*b*c*", "xxaxxbxbxc", true),
            ("*a*b*c", "xxaxxbxbxcx", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::new("*a".repeat(2000) + "b");
        assert!(!pattern.matches(&"a".repeat(20_000)));
    }
}
