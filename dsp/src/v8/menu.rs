//! Menus as they go over the line.

/// The longest menu that is kept, in octets behind its name.
pub(super) const LONGEST: usize = 24;

/// What the first octet of a menu ends in: it says what the call is for, ITU-T V.8 table 3.
const FUNCTION_TAG: u8 = 0x01;
const TAG_PLACES: u8 = 0x1f;

/// CM or JM without its name: octets that go least significant bit first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Menu {
    octets: [u8; LONGEST],
    len: usize,
}

impl Menu {
    /// A menu of these octets, if they are one: they begin with what the call is for and are not too many.
    pub fn of(octets: &[u8]) -> Option<Self> {
        let begins = octets.first().is_some_and(|first| first & TAG_PLACES == FUNCTION_TAG);
        if !begins || octets.len() > LONGEST {
            return None;
        }
        let mut menu = Self { octets: [0; LONGEST], len: octets.len() };
        menu.octets[..octets.len()].copy_from_slice(octets);
        Some(menu)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}
