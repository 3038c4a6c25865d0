//! The UUID that names a call, and what can be written in it.

use std::{fmt, str::FromStr};

/// The first hexadecimal digits of a UUID in which a telephone number is written.
const NUMBER_FOLLOWS: &str = "ffff";

/// A call's UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(pub [u8; 16]);

impl CallId {
    /// The UUID in which a number of up to 28 digits is written: `ffff`, the digits, and `f` to the end.
    ///
    /// A dialplan can make it of the number that was dialled, so that the number comes with the call.
    pub fn of_number(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        (1..=28).contains(&digits.len()).then(|| format!("{NUMBER_FOLLOWS}{digits:f<28}").parse().ok()).flatten()
    }

    /// The number written in it, if one is.
    pub fn number(self) -> Option<String> {
        let hex: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        let digits = hex.strip_prefix(NUMBER_FOLLOWS)?.trim_end_matches('f');
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
        is_number.then(|| digits.to_owned())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCallId;

impl FromStr for CallId {
    type Err = NotCallId;

    fn from_str(text: &str) -> Result<Self, NotCallId> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|letter| *letter != '-')
            .map(|letter| letter.to_digit(16).map(|digit| digit as u8).ok_or(NotCallId))
            .collect::<Result<_, _>>()?;
        let mut octets = [0; 16];
        if digits.len() != 2 * octets.len() {
            return Err(NotCallId);
        }
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_into_a_uuid_and_comes_out_again() {
        let call = CallId::of_number("+1 555 0100").unwrap();
        assert_eq!(call.to_string(), "ffff1555-0100-ffff-ffff-ffffffffffff");
        assert_eq!(call.number().as_deref(), Some("15550100"));
        assert_eq!(call.to_string().parse(), Ok(call));
        assert_eq!(CallId::of_number(""), None);
        assert_eq!(CallId([0xff; 16]).number(), None);
        assert_eq!("40325ec2-5efd-4bd3-805f-53576e581d13".parse::<CallId>().unwrap().number(), None);
        assert_eq!("40325ec2".parse::<CallId>(), Err(NotCallId));
    }
}
