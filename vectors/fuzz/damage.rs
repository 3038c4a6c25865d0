//! A way of damaging something valid, read from the octets of an input.

/// One of the valid things, damaged: the first octet chooses it, then come damages of four octets each: what to do, where
/// (of 65536 parts of the whole), with what. An input of one octet leaves it as it is.
pub(crate) fn damaged(input: &[u8], valid: &[Vec<u8>]) -> Vec<u8> {
    let Some((&choice, damages)) = input.split_first() else { return Vec::new() };
    let mut octets = valid[usize::from(choice) % valid.len()].clone();
    for damage in damages.chunks_exact(4) {
        let place = (usize::from(u16::from_be_bytes([damage[1], damage[2]])) * octets.len()) >> 16;
        apply(&mut octets, damage[0], place, damage[3]);
    }
    octets
}

fn apply(octets: &mut Vec<u8>, what: u8, place: usize, with: u8) {
    let end = octets.len().min(place + usize::from(with) + 1);
    match what % 8 {
        _ if octets.is_empty() => octets.push(with),
        0 => octets[place] = with,
        1 => octets[place] ^= 1 << (with % 8),
        2 => octets[place] = octets[place].wrapping_add(with),
        3 => octets.insert(place, with),
        4 => drop(octets.drain(place..end)),
        5 => octets.truncate(place),
        6 => octets[place..end].fill(if with.is_multiple_of(2) { 0 } else { 0xFF }),
        _ => {
            let piece: Vec<u8> = octets[place..end].to_vec();
            octets.splice(place..place, piece);
        }
    }
}
