//! What passes of a frame. The answer for the first octets of one is the first part of the answer for all of it, from the
//! moment on at which it is known what frame it is.

use super::{NonStandard, RelayConfig};
use crate::frame::{BitField, Fcf, Frame, Message, is_addressed};

/// Store and forward, real time over IP, V.8, flow control by T.38, Internet aware: there is a relay in between.
const NOT_HERE: [u8; 5] = [1, 3, 6, 121, 123];

/// Error correction, and what needs it.
const ECM: [u8; 6] = [27, 31, 68, 69, 78, 79];

/// Address, control and facsimile control field.
const HEAD: usize = 3;

/// Whether octets are enough of a frame of T.30 to know which it is.
pub(super) fn is_known(octets: &[u8]) -> bool {
    octets.len() >= HEAD && is_addressed(octets)
}

/// None of the frames that do not pass, and capabilities less those that a relay cannot carry.
pub(super) fn passing(octets: &[u8], config: &RelayConfig) -> Option<Vec<u8>> {
    let Frame::Known(message) = Frame::parse(octets) else { return Some(octets.to_vec()) };
    match message.fcf {
        Fcf::Nsf | Fcf::Nss | Fcf::Nsc if config.non_standard == NonStandard::Blocked => None,
        Fcf::Dis | Fcf::Dtc => {
            let bits = BitField::read(message.field).without(&NOT_HERE);
            let bits = if config.ecm { bits } else { bits.without(&ECM) };
            let mut out = Vec::with_capacity(octets.len());
            Message { field: bits.octets(), ..message }.write(&mut out);
            Some(out)
        }
        _ => Some(octets.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octets_of_a_frame_pass_as_they_do_in_it() {
        let dis = [0xff, 0x13, 0x80, 0x04, 0xee, 0xf8, 0xc4, 0x80, 0x00];
        for config in [RelayConfig::default(), RelayConfig { ecm: false, ..RelayConfig::default() }] {
            let whole = passing(&dis, &config).expect("a DIS passes");
            assert_ne!(whole, dis, "bit 27 and bit 6 go");
            for count in HEAD..dis.len() {
                let part = passing(&dis[..count], &config).expect("a DIS passes");
                assert_eq!((is_known(&dis[..count]), part.len()), (true, count));
                assert!(whole.starts_with(&part));
            }
        }
    }

    #[test]
    fn what_stays_is_known_by_its_first_three_octets() {
        let nsf = [0xff, 0x03, 0x20];
        assert!(!is_known(&nsf[..2]) && is_known(&nsf));
        assert_eq!(passing(&nsf, &RelayConfig::default()), None);
        let passed = RelayConfig { non_standard: NonStandard::Passed, ..RelayConfig::default() };
        assert_eq!(passing(&nsf, &passed).as_deref(), Some(&nsf[..]));
    }
}
