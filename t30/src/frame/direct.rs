//! What two machines of ours say to each other in non-standard frames: where a document may be brought by another way than
//! the telephone line, and who brings it.
//!
//! ```text
//!  NSF   FF  "ANSWERTONE"  form  'O'  kept, 2  fingerprint, 16  port, 2  address, 4 or 16
//!  NSS   FF  "ANSWERTONE"  form  'B'           fingerprint, 16
//! ```
//!
//! The field begins with a country code of ITU-T T.35. Makers' codes behind it are given out by countries, and none was
//! given for this; so it is the escape code, which is no country's and reads the same in both orders of bits, and the whole
//! name behind it tells whose field it is. Numbers go with their high octets first.

use std::net::{IpAddr, SocketAddr};

/// The escape code of T.35, and whose field it is.
const HEAD: &[u8; 11] = b"\xffANSWERTONE";

/// The form of what follows; another form gets another number.
const FORM: u8 = 1;

const OFFER: u8 = b'O';
const BRINGS: u8 = b'B';

/// Octets of a certificate's fingerprint that are said: the first half of its SHA-256. To find another certificate that has
/// them takes 2 to the 128 tries.
pub type HalfPrint = [u8; 16];

/// A place that takes documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectPlace {
    /// Where it is.
    pub address: SocketAddr,
    /// What its certificate has.
    pub fingerprint: HalfPrint,
}

/// What the answerer says in NSF: documents may be brought there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectOffer {
    /// Pages of this call that came that way and are kept.
    pub kept: u16,
    /// The place.
    pub place: DirectPlace,
}

impl DirectOffer {
    /// Reads the information field of NSF; none when it is somebody else's.
    pub fn read(field: &[u8]) -> Option<Self> {
        let (kept, rest) = body(field, OFFER)?.split_first_chunk::<2>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<16>()?;
        let (port, address) = rest.split_first_chunk::<2>()?;
        let address = match address.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
            _ => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
        };
        let address = SocketAddr::new(address, u16::from_be_bytes(*port));
        Some(Self { kept: u16::from_be_bytes(*kept), place: DirectPlace { address, fingerprint: *fingerprint } })
    }

    /// The information field.
    pub fn field(&self) -> Vec<u8> {
        let DirectPlace { address, fingerprint } = &self.place;
        let mut field = head(OFFER);
        field.extend(self.kept.to_be_bytes());
        field.extend(fingerprint);
        field.extend(address.port().to_be_bytes());
        match address.ip() {
            IpAddr::V4(address) => field.extend(address.octets()),
            IpAddr::V6(address) => field.extend(address.octets()),
        }
        field
    }
}

/// What the caller says in NSS: who has this certificate brings its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectBringer(pub HalfPrint);

impl DirectBringer {
    /// Reads the information field of NSS; none when it is somebody else's.
    pub fn read(field: &[u8]) -> Option<Self> {
        body(field, BRINGS)?.try_into().ok().map(Self)
    }

    /// The information field.
    pub fn field(&self) -> Vec<u8> {
        let mut field = head(BRINGS);
        field.extend(self.0);
        field
    }
}

fn head(kind: u8) -> Vec<u8> {
    [&HEAD[..], &[FORM, kind]].concat()
}

fn body(field: &[u8], kind: u8) -> Option<&[u8]> {
    field.strip_prefix(HEAD)?.strip_prefix(&[FORM, kind])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_read_as_they_are_written() {
        for address in ["192.0.2.1:4711", "[2001:db8::7]:65535"] {
            let place = DirectPlace { address: address.parse().unwrap(), fingerprint: [7; 16] };
            let offer = DirectOffer { kept: 300, place };
            assert_eq!(DirectOffer::read(&offer.field()), Some(offer));
            assert_eq!(DirectBringer::read(&offer.field()), None);
        }
        let bringer = DirectBringer([9; 16]);
        assert_eq!(DirectBringer::read(&bringer.field()), Some(bringer));
        assert_eq!(DirectOffer::read(&bringer.field()), None);
    }

    #[test]
    fn the_fields_of_other_makers_and_of_other_forms_are_none() {
        let place = DirectPlace { address: "192.0.2.1:1".parse().unwrap(), fingerprint: [0; 16] };
        let field = DirectOffer { kept: 0, place }.field();
        for (at, octet) in [(0, 0xad), (1, b'B'), (10, b'F'), (11, 2), (12, b'X')] {
            let mut other = field.clone();
            other[at] = octet;
            assert_eq!(DirectOffer::read(&other), None, "octet {at}");
        }
        for length in (0..field.len()).chain([field.len() + 1]) {
            let mut other = field.clone();
            other.resize(length, 0);
            assert_eq!(DirectOffer::read(&other), None, "{length} octets");
        }
        assert_eq!(DirectOffer::read(&[0xad, 0, 0x36]), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_harm(field in proptest::collection::vec(any::<u8>(), 0..80)) {
            let ours = [&HEAD[..], &[FORM], &field].concat();
            prop_assert!(DirectOffer::read(&ours).is_none_or(|offer| offer.field() == ours));
            prop_assert!(DirectBringer::read(&ours).is_none_or(|bringer| bringer.field() == ours));
        }
    }
}
