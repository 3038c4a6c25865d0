//! Internet addresses (CSA, TSA, CIA, IRA, ISP) and complaints about fields (FNV), as they are shown.

use std::fmt;

use super::Fcf;

/// Kinds of address, ITU-T T.30 (09/2005) 5.3.6.2.12, by their number.
const KINDS: [&str; 6] = ["", "e-mail", "URL", "IPv4", "IPv6", "telephone"];

/// What FNV may find not valid, its first bit first; ITU-T T.30 5.3.6.2.13.
const REASONS: [&str; 7] = ["PWD", "SEP", "SUB", "SID", "secure fax", "TSI", "PSA"];

/// An internet address, or the part of one that a frame holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetAddress {
    /// The part's place, counted from 0.
    pub sequence: u8,
    /// The kind's number: 1 e-mail, 2 URL, 3 IPv4, 4 IPv6, 5 telephone.
    pub kind: u8,
    /// The address, or this part of it; what is not printable ASCII is left out.
    pub text: String,
}

impl InternetAddress {
    /// Reads an information field.
    pub fn read(field: &[u8]) -> Option<Self> {
        let (&[sequence, kind, length], text) = field.split_first_chunk::<3>()?;
        let text = &text[..text.len().min(usize::from(length & 0x7f))];
        let printable = text.iter().filter(|octet| (b' '..=b'~').contains(octet));
        Some(Self {
            sequence: sequence & 0x7f,
            kind: kind & 0x0f,
            text: printable.map(|&octet| octet as char).collect(),
        })
    }
}

impl fmt::Display for InternetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = KINDS.get(usize::from(self.kind)).unwrap_or(&"");
        write!(f, "{kind} \"{}\"", self.text)
    }
}

/// The information field of FNV: the other side finds something we sent not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldNotValid<'a>(pub &'a [u8]);

impl FieldNotValid<'static> {
    /// PWD is not valid: the reason, frame 0 of the complaint, the field it is about, and no more to say of it.
    pub const PASSWORD: Self = Self(&[0x01, 0x00, Fcf::Pwd.code(false), 0x00]);
}

impl fmt::Display for FieldNotValid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.first().copied().unwrap_or(0);
        let found = REASONS.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
        f.write_str("not valid:")?;
        found.map(|(_, reason)| reason).try_for_each(|reason| write!(f, " {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_complaints_are_shown() {
        let address = InternetAddress::read(b"\x00\x01\x09a@b.examplerest").expect("long enough");
        assert_eq!(address.to_string(), "e-mail \"a@b.examp\"");
        assert_eq!(InternetAddress::read(b"\x00\x02"), None);
        assert_eq!(FieldNotValid(&[0b0100_0101]).to_string(), "not valid: PWD SUB PSA");
    }
}
