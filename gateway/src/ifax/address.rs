//! Fax numbers in mail addresses, RFC 3191 and RFC 3192.
//!
//! ```text
//!  FAX=+12224567654/T33S=1387@gw.example
//!  ─┬─ ──────┬───── ────┬──── ────┬─────
//!   │     number   subaddress   gateway        and, for writers by hand: +1-222-456-7654@gw.example
//!  selector
//! ```

use std::fmt;

use super::dial::DialPlan;

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

/// A mail address that names a fax machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaxAddress {
    /// The number.
    pub number: PhoneNumber,
    /// T.33 subaddresses; each stands for a recipient of its own behind that number.
    pub subaddresses: Vec<String>,
    /// What is dialled once the other side has answered, RFC 2846 2.3: digits, and `p` or `w` for a pause.
    pub post_dial: String,
    /// All other elements, as they came: keyword and value, RFC 3191 2.
    pub qualifiers: Vec<(String, String)>,
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
    #[error("subaddress {0:?} is not made of at most 20 digits; write /T33S= and digits")]
    BadSubaddress(String),
    /// What is no dialling sequence.
    #[error("{0:?} cannot be dialled after the answer; write /POSTD= and digits, *, #, p or w")]
    BadPostDial(String),
    /// An element without keyword or value.
    #[error("{0:?} is not an element of a fax address; write /KEYWORD=VALUE")]
    BadElement(String),
}

/// Longest subaddress: the SUB frame of ITU-T T.30 holds 20 digits, 5.3.6.1.3.
const SUBADDRESS_DIGITS: usize = 20;

/// Longest sequence dialled after the answer.
const POST_DIAL_KEYS: usize = 64;

impl FaxAddress {
    /// Reads an address, quoted or not, with international numbers only.
    pub fn parse(address: &str) -> Result<Self, AddressError> {
        Self::parse_at(address, &DialPlan::default())
    }

    /// Reads an address as the gateway of that dial plan understands it.
    pub fn parse_at(address: &str, plan: &DialPlan) -> Result<Self, AddressError> {
        let (local, domain) = address.rsplit_once('@').ok_or_else(|| AddressError::NoDomain(address.into()))?;
        let local = unquoted(local);
        let mut elements = local.trim_matches('/').split('/');
        let number = plan.number(without_selector(elements.next().unwrap_or_default(), plan)?)?;
        let mut found = Self {
            number,
            subaddresses: vec![],
            post_dial: String::new(),
            qualifiers: vec![],
            domain: domain.to_lowercase(),
        };
        elements.filter(|element| !element.is_empty()).try_for_each(|element| found.qualify(element))?;
        Ok(found)
    }

    /// The keyword and the value of an element; keywords are written in either case, RFC 3191 2.
    fn qualify(&mut self, element: &str) -> Result<(), AddressError> {
        let bad = || AddressError::BadElement(element.into());
        let (keyword, value) = element.split_once('=').ok_or_else(bad)?;
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if keyword.is_empty() || !keyword.bytes().all(plain) || !value.bytes().all(|c| (b' '..=b'~').contains(&c)) {
            return Err(bad());
        }
        match keyword.to_ascii_uppercase().as_str() {
            "T33S" => self.subaddresses.push(subaddress(value)?),
            "POSTD" => self.post_dial = post_dial(value)?,
            _ => self.qualifiers.push((keyword.into(), value.into())),
        }
        Ok(())
    }
}

/// Written without what is optional, RFC 3191 4: no slash at either end, no separators, quoted only where it must be.
impl fmt::Display for FaxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut local = format!("FAX={}", self.number);
        self.subaddresses.iter().for_each(|digits| local += &format!("/T33S={digits}"));
        if !self.post_dial.is_empty() {
            local += &format!("/POSTD={}", self.post_dial);
        }
        self.qualifiers.iter().for_each(|(keyword, value)| local += &format!("/{keyword}={value}"));
        let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
        let dotted = !local.split('.').any(str::is_empty);
        if dotted && local.bytes().all(|c| atom(c) || c == b'.') {
            write!(f, "{local}@{}", self.domain)
        } else {
            let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "\"{quoted}\"@{}", self.domain)
        }
    }
}

fn subaddress(value: &str) -> Result<String, AddressError> {
    let right = (1..=SUBADDRESS_DIGITS).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    if right { Ok(value.into()) } else { Err(AddressError::BadSubaddress(value.into())) }
}

fn post_dial(value: &str) -> Result<String, AddressError> {
    let keys: String = value.chars().filter(|c| !"-.".contains(*c)).collect::<String>().to_ascii_uppercase();
    let right = (1..=POST_DIAL_KEYS).contains(&keys.len()) && keys.chars().all(|c| "0123456789*#ABCDPW".contains(c));
    if right { Ok(keys) } else { Err(AddressError::BadPostDial(value.into())) }
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

fn without_selector<'a>(element: &'a str, plan: &DialPlan) -> Result<&'a str, AddressError> {
    match element.split_once('=') {
        Some((selector, number)) if selector.trim().eq_ignore_ascii_case("fax") => Ok(number),
        None if element.starts_with('+') => Ok(element),
        None if plan.local_numbers && element.starts_with(|c: char| c.is_ascii_digit()) => Ok(element),
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
    fn subaddresses_are_read_and_other_elements_kept() {
        let fax = FaxAddress::parse("FAX=+441632960000/T33S=6377001/t33s=2/ISUB=77/postd=9w#@gw.example").unwrap();
        assert_eq!(fax.subaddresses, ["6377001", "2"]);
        assert_eq!(fax.post_dial, "9W#");
        assert_eq!(fax.qualifiers, [("ISUB".to_owned(), "77".to_owned())]);
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
        assert!(refusal("FAX=+12224567654/T33S=123456789012345678901@gw").contains("at most 20 digits"));
        assert!(refusal("FAX=+12224567654/POSTD=hello@gw").contains("POSTD"));
        assert!(refusal("FAX=+12224567654/T33S@gw").contains("KEYWORD"));
        assert!(refusal("FAX=+1222").contains("no domain"));
    }

    #[test]
    fn what_is_written_back_is_read_as_the_same() {
        for address in [
            "FAX=+12224567654@gw",
            "/FAX=+1-222-456-7654/T33S=12/T33S=3/ISUB=77/POSTD=9p12-34/@gw",
            "\"FAX=+12224567654/ATTN=Anna \\\"A\\\" B\"@gw.example",
            "FAX=+12224567654/x-new=a..b@gw",
        ] {
            let read = FaxAddress::parse(address).unwrap();
            let written = read.to_string();
            assert_eq!(FaxAddress::parse(&written).as_ref(), Ok(&read), "{written}");
            assert!(!written.contains("-222-") && !written.contains("/@"), "{written}");
        }
    }

    #[test]
    fn local_numbers_are_taken_where_the_plan_says_so() {
        let plan = DialPlan {
            country_code: "44".into(),
            national_prefix: "0".into(),
            local_numbers: true,
            ..DialPlan::default()
        };
        for address in ["FAX=01632960000@gw", "01632-960000@gw", "+441632960000@gw"] {
            assert_eq!(FaxAddress::parse_at(address, &plan).unwrap().number.to_string(), "+441632960000", "{address}");
        }
        assert!(FaxAddress::parse_at("john@gw", &plan).is_err());
    }
}
