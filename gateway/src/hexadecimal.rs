//! Octets as digits.

use aws_lc_rs::rand;

/// Two digits for each octet.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// So many octets of chance as digits.
pub(crate) fn chance<const OCTETS: usize>() -> String {
    let mut octets = [0; OCTETS];
    rand::fill(&mut octets).expect("the system gives chance");
    hexadecimal(&octets)
}
