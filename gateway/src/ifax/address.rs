//! Fax numbers in mail addresses, RFC 3191 and RFC 3192.
//!
//! ```text
//!  FAX=+12224567654/T33S=1387@gw.example
//!  ─┬─ ──────┬───── ────┬──── ────┬─────
//!   │     number   subaddress   gateway        and, for writers by hand: +1-222-456-7654@gw.example
//!  selector
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of the international telephone network, ITU-T E.164: up to 15 digits, country code first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    digits: String,
}

/// Longest international number, ITU-T E.164 (11/2010) 6.2.1.
const MOST_DIGITS: usize = 15;

impl PhoneNumber {
    /// Reads a number with `+`; written separators are ignored, RFC 3191 2.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let Some(rest) = text.trim().strip_prefix('+') else { return Err(AddressError::NotInternational(text.into())) };
        let digits: String = rest.chars().filter(|c| !"-. ()".contains(*c)).collect();
        if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(AddressError::NotNumber(text.into()));
        }
        Ok(Self { digits })
    }

    /// The digits without `+`.
    pub fn digits(&self) -> &str {
        &self.digits
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.digits)
    }
}

/// How an international number is dialled from here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialPlan {
    /// Our own country code; numbers in it are dialled nationally. Empty: all are dialled internationally.
    pub country_code: String,
    /// Before a national number.
    pub national_prefix: String,
    /// Before an international number.
    pub international_prefix: String,
    /// Before everything.
    pub outside_line: String,
}

impl DialPlan {
    /// What is dialled to reach a number.
    pub fn dialled(&self, number: &PhoneNumber) -> String {
        let national = number.digits.strip_prefix(&self.country_code).filter(|_| !self.country_code.is_empty());
        match national {
            Some(national) => format!("{}{}{national}", self.outside_line, self.national_prefix),
            None => format!("{}{}{}", self.outside_line, self.international_prefix, number.digits),
        }
    }
}

/// A mail address that names a fax machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaxAddress {
    /// The number.
    pub number: PhoneNumber,
    /// T.33 subaddresses; each stands for a recipient of its own behind that number.
    pub subaddresses: Vec<String>,
    /// The gateway.
    pub domain: String,
}

/// Why an address names no fax machine, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`.
    #[error("{0:?} has no domain; write FAX=+NUMBER@gateway")]
    NoDomain(String),
    /// Another service.
    #[error("{0:?} is not a fax service; write FAX=+NUMBER@gateway")]
    NotFax(String),
    /// A number that means something only somewhere.
    #[error("{0:?} is not an international number; write + and the country code first, as in FAX=+12224567654")]
    NotInternational(String),
    /// Not digits, or too many.
    #[error("{0:?} is not a telephone number; write + and at most 15 digits")]
    NotNumber(String),
    /// A subaddress with something else than digits.
    #[error("subaddress {0:?} is not made of digits; write /T33S= and digits")]
    BadSubaddress(String),
}

impl FaxAddress {
    /// Reads an address, quoted or not. Elements we do not know mean nothing here, RFC 3191 2; the job keeps the address as
    /// it was written.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        let (local, domain) = address.rsplit_once('@').ok_or_else(|| AddressError::NoDomain(address.into()))?;
        let local = unquoted(local);
        let mut elements = local.trim_matches('/').split('/');
        let number = PhoneNumber::parse(without_selector(elements.next().unwrap_or_default())?)?;
        let mut found = Self { number, subaddresses: vec![], domain: domain.to_lowercase() };
        elements.try_for_each(|element| found.qualify(element))?;
        Ok(found)
    }

    fn qualify(&mut self, element: &str) -> Result<(), AddressError> {
        if let Some((name, digits)) = element.split_once('=')
            && name.eq_ignore_ascii_case("T33S")
        {
            if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
                return Err(AddressError::BadSubaddress(digits.into()));
            }
            self.subaddresses.push(digits.into());
        }
        Ok(())
    }
}

/// The local part as it is meant: quotes and backslashes are only ways of writing, RFC 5321 4.1.2.
fn unquoted(local: &str) -> String {
    let Some(inside) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return local.into() };
    let mut plain = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

fn without_selector(element: &str) -> Result<&str, AddressError> {
    match element.split_once('=') {
        Some((selector, number)) if selector.trim().eq_ignore_ascii_case("fax") => Ok(number),
        None if element.starts_with('+') => Ok(element),
        _ => Err(AddressError::NotFax(element.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(address: &str) -> String {
        FaxAddress::parse(address).unwrap().number.to_string()
    }

    #[test]
    fn every_way_of_writing_a_number_is_the_same_number() {
        for address in [
            "FAX=+12224567654@gw",
            "Fax=+1-222-456-7654@gw",
            "fax=+1.222.456.7654@GW",
            "/FAX=+12224567654/@gw",
            "\"FAX=+1 (222) 456 7654\"@gw",
            "\"FAX=+1\\-2224567654\"@gw",
            "+12224567654@gw",
        ] {
            assert_eq!(number(address), "+12224567654", "{address}");
        }
    }

    #[test]
    fn subaddresses_are_read_and_other_elements_passed_over() {
        let fax = FaxAddress::parse("FAX=+441632960000/T33S=6377001/t33s=2/ISUB=77/POST=99@gw.example").unwrap();
        assert_eq!(fax.subaddresses, ["6377001", "2"]);
        assert_eq!(fax.domain, "gw.example");
    }

    #[test]
    fn what_is_not_a_fax_number_is_refused_with_what_to_write() {
        let refusal = |address| FaxAddress::parse(address).unwrap_err().to_string();
        assert!(refusal("john@gw").contains("not a fax service"));
        assert!(refusal("VOICE=+12224567654@gw").contains("not a fax service"));
        assert!(refusal("FAX=2224567654@gw").contains("country code"));
        assert!(refusal("FAX=+1222CALLME@gw").contains("not a telephone number"));
        assert!(refusal("FAX=+1234567890123456@gw").contains("at most 15 digits"));
        assert!(refusal("FAX=+12224567654/T33S=x@gw").contains("subaddress"));
        assert!(refusal("FAX=+1222").contains("no domain"));
    }

    #[test]
    fn own_country_is_dialled_nationally() {
        let plan = DialPlan {
            country_code: "44".into(),
            national_prefix: "0".into(),
            international_prefix: "00".into(),
            outside_line: "9,".into(),
        };
        assert_eq!(plan.dialled(&PhoneNumber::parse("+441632960000").unwrap()), "9,01632960000");
        assert_eq!(plan.dialled(&PhoneNumber::parse("+12224567654").unwrap()), "9,0012224567654");
    }
}
