//! Twenty-character identifications (CSI, TSI, CIG, PWD, SEP, PSA, SUB, SID).

use std::fmt;

/// Characters in an identification, ITU-T T.30 (09/2005) 5.3.6.2.4.
const LENGTH: usize = 20;

/// An identification as people write it: first digit first, no padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ident(String);

impl Ident {
    /// An identification of the first twenty printable ASCII characters of `text`.
    pub fn new(text: &str) -> Self {
        Self(text.trim().chars().filter(|c| (' '..='~').contains(c)).take(LENGTH).collect())
    }

    /// Reads an information field: last character first, and octets reversed where a machine has them so.
    pub fn read(field: &[u8]) -> Self {
        let printable = |octets: &dyn Fn(u8) -> u8| field.iter().filter(|&&octet| is_usual(octets(octet))).count();
        let reversed = printable(&u8::reverse_bits) > printable(&|octet| octet);
        let octets = field.iter().take(LENGTH).rev().map(|&octet| if reversed { octet.reverse_bits() } else { octet });
        let text: String = octets.filter(|octet| (b' '..=b'~').contains(octet)).map(char::from).collect();
        Self(text.trim().to_owned())
    }

    /// The twenty octets of the information field.
    pub fn field(&self) -> [u8; LENGTH] {
        let mut field = [b' '; LENGTH];
        field.iter_mut().zip(self.0.bytes().rev()).for_each(|(place, octet)| *place = octet);
        field
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// No character at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters T.30 allows and letters, which many machines send; what a wrongly ordered octet rarely becomes.
fn is_usual(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" +-.*#()".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_travel_last_first() {
        let field = Ident::new("+49 30 1234567").field();
        assert_eq!(&field, b"7654321 03 94+      ");
        assert_eq!(Ident::read(&field).as_str(), "+49 30 1234567");
    }

    #[test]
    fn octets_in_the_other_order_are_read_too() {
        let field = Ident::new("555 0100").field().map(u8::reverse_bits);
        assert_eq!(Ident::read(&field).as_str(), "555 0100");
    }
}
