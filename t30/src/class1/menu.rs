//! V.8's menus: what a call is for and which modulations there are, in octets as V.8 tables 3 and 4 have them.

/// What a call is for: the caller sends a fax, or fetches one.
pub(super) const FAX: u8 = 0x81;
pub(super) const POLL: u8 = 0xa1;

/// Five places of an octet hold its tag; this is that of the first octet of modulations.
const TAG_PLACES: u8 = 0x1f;
const MODULATION_TAG: u8 = 0x05;
/// Octets that go on with a category, by the places that say so.
const EXTENSION_PLACES: u8 = 0x38;
const EXTENSION: u8 = 0x10;

/// What the octets of modulations may hold: V.17, V.29 and V.27ter in the second, V.21 in the third. The first has V.34,
/// which is not there.
const OURS: [u8; 3] = [MODULATION_TAG, EXTENSION | 0xc4, EXTENSION | 0x80];

/// Our own menu.
pub(super) fn of_fax() -> Vec<u8> {
    [&[FAX], &OURS[..]].concat()
}

/// Our answer to a menu: what both have, in as many octets of modulations, V.8 clause 7.4.
pub(super) fn joint(menu: &[u8]) -> Vec<u8> {
    let both = modulations(menu).iter().zip(OURS).map(|(theirs, ours)| theirs & ours);
    menu.first().copied().into_iter().chain(both).collect()
}

/// Whether all its modulations are there.
pub(super) fn can_be_kept(menu: &[u8]) -> bool {
    modulations(menu).iter().zip(OURS).all(|(theirs, ours)| theirs & !ours == 0)
}

/// The octets that say modulations: the one with their tag and those that go on with it.
fn modulations(menu: &[u8]) -> &[u8] {
    let Some(first) = menu.iter().position(|octet| octet & TAG_PLACES == MODULATION_TAG) else { return &[] };
    let more = menu[first + 1..].iter().take_while(|octet| *octet & EXTENSION_PLACES == EXTENSION);
    &menu[first..][..1 + more.take(OURS.len() - 1).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_are_those_of_machines_without_v34_and_with_it() {
        assert_eq!(of_fax(), [0x81, 0x05, 0xd4, 0x90]);
        let fast = [0x81, 0x85, 0xd4, 0x90];
        assert_eq!(joint(&fast), of_fax());
        assert!(can_be_kept(&of_fax()) && !can_be_kept(&fast));
    }

    #[test]
    fn a_joint_menu_has_as_many_octets_as_its_question() {
        assert_eq!(joint(&[0xa1, 0x05, 0x94, 0x2a]), [0xa1, 0x05, 0x94]);
        assert_eq!(joint(&[0x81, 0x2a]), [0x81]);
        assert_eq!(joint(&[]), []);
    }
}
