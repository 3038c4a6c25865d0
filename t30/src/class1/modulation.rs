//! Modulations by the numbers that T.31 gives them, table 2: `+FTM=`, `+FRM=`, `+FTH=`, `+FRH=`.

use crate::seam::{Carrier, Train, V17Rate, V27terRate, V29Rate};

/// Numbers of the carriers for data, in T.31's order.
const FAST: [(u32, Carrier); 12] = [
    (24, Carrier::V27ter(V27terRate::R2400)),
    (48, Carrier::V27ter(V27terRate::R4800)),
    (72, Carrier::V29(V29Rate::R7200)),
    (73, Carrier::V17(V17Rate::R7200, Train::Long)),
    (74, Carrier::V17(V17Rate::R7200, Train::Short)),
    (96, Carrier::V29(V29Rate::R9600)),
    (97, Carrier::V17(V17Rate::R9600, Train::Long)),
    (98, Carrier::V17(V17Rate::R9600, Train::Short)),
    (121, Carrier::V17(V17Rate::R12000, Train::Long)),
    (122, Carrier::V17(V17Rate::R12000, Train::Short)),
    (145, Carrier::V17(V17Rate::R14400, Train::Long)),
    (146, Carrier::V17(V17Rate::R14400, Train::Short)),
];

/// The number of V.21 channel 2.
pub(super) const V21: u32 = 3;

/// The carrier of a number for bare data.
pub(super) fn fast(number: u32) -> Option<Carrier> {
    FAST.iter().find(|(code, _)| *code == number).map(|(_, carrier)| *carrier)
}

/// The carrier of a number for frames.
pub(super) fn framed(number: u32) -> Option<Carrier> {
    if number == V21 { Some(Carrier::V21) } else { fast(number) }
}

/// The numbers that can be asked for, as a test command is answered.
pub(super) fn numbers(frames: bool) -> String {
    let v21 = frames.then_some(V21);
    let all: Vec<String> =
        v21.into_iter().chain(FAST.iter().map(|(code, _)| *code)).map(|code| code.to_string()).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rates_in_hundreds_and_a_place() {
        for (number, carrier) in FAST {
            assert!(carrier.bit_rate() / 100 <= number && number <= carrier.bit_rate() / 100 + 2);
        }
        assert_eq!(fast(3), None);
        assert_eq!(framed(3), Some(Carrier::V21));
        assert!(numbers(true).starts_with("3,24,48,72,73"));
    }
}
