//! HDLC: any bits give frames that fit their room; any frames come through.

use answertone_t30::hdlc::{Deframer, Found, Framer, MAX_FRAME_OCTETS};

#[test]
fn bits() {
    target!(|input: &[u8]| {
        let mut deframer = Deframer::new();
        let bits = input.iter().flat_map(|octet| (0..8).map(move |place| octet >> place & 1 == 1));
        for bit in bits {
            if let Some(Found::Frame { octets, .. }) = deframer.push(bit) {
                assert!(octets.len() <= MAX_FRAME_OCTETS);
            }
        }
    });
}

/// Octets between zeros are a frame each; those of a length that frames have come back as they were.
#[test]
fn octets() {
    target!(|input: &[u8]| {
        let (mut framer, mut deframer) = (Framer::new(), Deframer::new());
        for sent in input.split(|octet| *octet == 0).filter(|frame| (3..=MAX_FRAME_OCTETS - 2).contains(&frame.len())) {
            let mut bits = Vec::new();
            framer.flag(|bit| bits.push(bit));
            framer.octets(sent, |bit| bits.push(bit));
            framer.end_frame(|bit| bits.push(bit));
            framer.flag(|bit| bits.push(bit));
            let mut got = None;
            for bit in bits {
                if let Some(Found::Frame { octets, intact }) = deframer.push(bit) {
                    got = Some((octets.to_vec(), intact));
                }
            }
            assert_eq!(got, Some((sent.to_vec(), true)));
        }
    });
}
