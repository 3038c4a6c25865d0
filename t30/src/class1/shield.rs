//! The shielding of data octets by DLE, ITU-T T.31 B.1 and T.32: what ends the data is told apart from what is in it.

/// Data link escape.
pub(super) const DLE: u8 = 0x10;
/// Ends the data.
pub(super) const ETX: u8 = 0x03;
/// Two DLE in one pair.
const SUB: u8 = 0x1a;
/// Breaks the data off.
const CAN: u8 = 0x18;

/// What an octet of the host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unshielded {
    /// Nothing yet, or nothing at all.
    Nothing,
    /// A data octet.
    Data(u8),
    /// Two octets, both DLE.
    TwoEscapes,
    /// The data are over.
    End,
    /// The data are to be broken off.
    Cancel,
    /// Another pair: what it means is not said here.
    Mark(u8),
}

/// Takes the shield off what a host sends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unshield {
    escaped: bool,
}

impl Unshield {
    pub(crate) fn take(&mut self, octet: u8) -> Unshielded {
        if !std::mem::replace(&mut self.escaped, false) {
            self.escaped = octet == DLE;
            return if self.escaped { Unshielded::Nothing } else { Unshielded::Data(octet) };
        }
        match octet {
            DLE => Unshielded::Data(DLE),
            SUB => Unshielded::TwoEscapes,
            ETX => Unshielded::End,
            CAN => Unshielded::Cancel,
            other => Unshielded::Mark(other),
        }
    }
}

/// Gives data for the host in their shield. `pairs`: two DLE in a row go as DLE SUB, as `+FDD=1` asks.
pub(super) fn shield(octets: &[u8], pairs: bool, mut give: impl FnMut(u8)) {
    let mut octets = octets.iter().peekable();
    while let Some(&octet) = octets.next() {
        give(octet);
        if octet == DLE {
            let twin = pairs && octets.next_if(|next| **next == DLE).is_some();
            give(if twin { SUB } else { DLE });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shielded_comes_out_the_same() {
        let data: Vec<u8> = (0..=255).chain([DLE, DLE, DLE, ETX, DLE]).collect();
        for pairs in [false, true] {
            let (mut shielded, mut plain, mut unshield) = (Vec::new(), Vec::new(), Unshield::default());
            shield(&data, pairs, |octet| shielded.push(octet));
            for octet in shielded {
                match unshield.take(octet) {
                    Unshielded::Data(octet) => plain.push(octet),
                    Unshielded::TwoEscapes => plain.extend([DLE, DLE]),
                    Unshielded::Nothing => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(plain, data);
        }
    }

    #[test]
    fn ends_and_marks_are_told() {
        let mut unshield = Unshield::default();
        let told: Vec<_> =
            [DLE, ETX, DLE, CAN, DLE, b',', 0x11].into_iter().map(|octet| unshield.take(octet)).collect();
        let nothing = Unshielded::Nothing;
        let wanted = [
            nothing,
            Unshielded::End,
            nothing,
            Unshielded::Cancel,
            nothing,
            Unshielded::Mark(b','),
            Unshielded::Data(0x11),
        ];
        assert_eq!(told, wanted);
    }
}
