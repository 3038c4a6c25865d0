//! Caller identification in DTMF digits.

use alloc::string::String;

use crate::callerid::fields::CallerId;

/// How countries frame the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfForm {
    /// `A number D redirecting B special C`; special 00 is not available and 10 withheld.
    EndedByC,
    /// `A number #`, or `D 1 #` withheld, `D 2 #` and `D 3 #` not available.
    EndedByHash,
    /// `D number C`.
    BegunByD,
    /// `number #`, without anything before it.
    Bare,
}

/// Forms by country, ISO 3166 alpha-2; the first of a country is what we send. Lists of others change: take them for
/// hints, and let the receiver read every form.
const COUNTRIES: [(&str, DtmfForm); 16] = [
    ("be", DtmfForm::EndedByC),
    ("br", DtmfForm::EndedByC),
    ("dk", DtmfForm::EndedByC),
    ("fi", DtmfForm::EndedByC),
    ("is", DtmfForm::EndedByC),
    ("in", DtmfForm::EndedByC),
    ("nl", DtmfForm::EndedByC),
    ("sa", DtmfForm::EndedByC),
    ("se", DtmfForm::EndedByC),
    ("uy", DtmfForm::EndedByC),
    ("tw", DtmfForm::BegunByD),
    ("kw", DtmfForm::BegunByD),
    ("dk", DtmfForm::EndedByHash),
    ("nl", DtmfForm::EndedByHash),
    ("dk", DtmfForm::Bare),
    ("nl", DtmfForm::Bare),
];

impl DtmfForm {
    /// Forms used in a country.
    pub fn of_country(country: &str) -> impl Iterator<Item = Self> {
        COUNTRIES.iter().filter(move |row| row.0 == country).map(|row| row.1)
    }
}

/// Digits of a number that stands alone, at least: fewer are a key that somebody pressed.
const LEAST_BARE: usize = 3;

/// The digits for a call.
pub fn digits_for(id: &CallerId, form: DtmfForm) -> String {
    let number = id.number.as_deref().unwrap_or("");
    let withheld = id.number_absence == Some('P');
    match (form, id.number.is_some()) {
        (DtmfForm::EndedByC, true) => {
            let redirecting = id.redirecting.as_ref().map(|number| alloc::format!("D{number}")).unwrap_or_default();
            alloc::format!("A{number}{redirecting}C")
        }
        (DtmfForm::EndedByC, false) => String::from(if withheld { "B10C" } else { "B00C" }),
        (DtmfForm::EndedByHash, true) => alloc::format!("A{number}#"),
        (DtmfForm::EndedByHash, false) => String::from(if withheld { "D1#" } else { "D3#" }),
        (DtmfForm::BegunByD, _) => alloc::format!("D{number}C"),
        (DtmfForm::Bare, _) => alloc::format!("{number}#"),
    }
}

/// What digits tell of a call, whichever form they are in; nothing if they are in none.
pub fn read_digits(digits: &str) -> Option<CallerId> {
    let Some(begin) = digits.find(['A', 'B', 'D']) else { return bare(digits) };
    let digits = &digits[begin..];
    let (body, ended_by_hash) = match digits.find(['C', '#']) {
        Some(end) => (&digits[..end], digits[end..].starts_with('#')),
        None => return None,
    };
    if ended_by_hash && body.starts_with('D') {
        let absence = if body == "D1" { 'P' } else { 'O' };
        return Some(CallerId { number_absence: Some(absence), ..CallerId::default() });
    }
    if let Some(number) = body.strip_prefix('D') {
        return Some(CallerId { number: some(number), ..CallerId::default() });
    }
    Some(parts(body))
}

/// `number #`.
fn bare(digits: &str) -> Option<CallerId> {
    let number = digits.strip_suffix('#')?;
    let plain = number.len() >= LEAST_BARE && number.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| CallerId { number: some(number), ..CallerId::default() })
}

/// The parts of `A number D redirecting B special`, in any order.
fn parts(body: &str) -> CallerId {
    let mut id = CallerId::default();
    let begins = body.char_indices().filter(|(_, digit)| digit.is_ascii_alphabetic());
    for (begin, letter) in begins {
        let rest = &body[begin + 1..];
        let part = &rest[..rest.find(|digit: char| digit.is_ascii_alphabetic()).unwrap_or(rest.len())];
        match letter {
            'A' => id.number = some(part),
            'D' => id.redirecting = some(part),
            _ => id.number_absence = Some(if part == "10" { 'P' } else { 'O' }),
        }
    }
    id
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| String::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_it_was_written() {
        let known = CallerId { number: some("0123456789"), ..CallerId::default() };
        let withheld = CallerId { number_absence: Some('P'), ..CallerId::default() };
        for form in [DtmfForm::EndedByC, DtmfForm::EndedByHash, DtmfForm::BegunByD, DtmfForm::Bare] {
            assert_eq!(read_digits(&digits_for(&known, form)), Some(known.clone()), "{form:?}");
        }
        for form in [DtmfForm::EndedByC, DtmfForm::EndedByHash] {
            assert_eq!(read_digits(&digits_for(&withheld, form)), Some(withheld.clone()), "{form:?}");
        }
        let redirected = CallerId { redirecting: some("99"), ..known };
        assert_eq!(read_digits(&digits_for(&redirected, DtmfForm::EndedByC)), Some(redirected));
        assert_eq!(read_digits("12345"), None);
        assert_eq!(read_digits("1#"), None);
        assert!(DtmfForm::of_country("dk").eq([DtmfForm::EndedByC, DtmfForm::EndedByHash, DtmfForm::Bare]));
    }
}
