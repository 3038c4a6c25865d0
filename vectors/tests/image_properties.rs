//! Image codings on random input: every page comes back, and nothing that comes in is too much.

use std::sync::Arc;

use answertone_t30::image::{
    Bitmap, Coding, DecodeLimits, DecodedPage, Eols, Page, PageDecoder, PageEncoder, Resolution, RowEncoding,
    RowFraming,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

fn fixed_seed(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..Config::default() }
}

/// Bitmaps from dense noise to long runs; rows like the one above them and not.
fn bitmaps() -> impl Strategy<Value = Bitmap> {
    (1u32..=700, 0u32..=24, 1u32..=64, 0u32..=8, any::<u64>()).prop_map(|(width, height, run, shift, seed)| {
        let mut seed = seed | 1;
        let mut next = move |bound: u32| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 33) % u64::from(bound.max(1))) as u32
        };
        let mut bitmap = Bitmap::new(width);
        let mut edges: Vec<u32> = Vec::new();
        for _ in 0..height {
            match next(4) {
                0 => {
                    edges = (0..)
                        .scan(0, |at, _| {
                            *at += next(run * 2);
                            (*at < width).then_some(*at)
                        })
                        .take(2000)
                        .collect()
                }
                1 => edges.iter_mut().for_each(|edge| *edge = (*edge + next(shift + 1)).saturating_sub(shift / 2)),
                _ => {}
            }
            bitmap.push_white_row();
            let row = bitmap.height() - 1;
            for x in 0..width {
                let black = edges.iter().filter(|&&edge| edge <= x).count() % 2 == 1;
                bitmap.set(x, row, black);
            }
        }
        bitmap
    })
}

fn encodings() -> impl Strategy<Value = RowEncoding> {
    let coding = prop_oneof![Just(Coding::Mh), Just(Coding::Mr), Just(Coding::Mmr)];
    let eols = prop_oneof![Just(Eols::Plain), Just(Eols::OctetAligned)];
    (coding, 1u32..=8, prop_oneof![Just(0u32), 1u32..=600], eols, any::<bool>()).prop_map(
        |(coding, k, min_row_bits, eols, return_to_control)| RowEncoding {
            coding,
            k,
            min_row_bits,
            eols,
            return_to_control,
        },
    )
}

fn encode_in_pieces(bitmap: &Bitmap, encoding: RowEncoding, piece: usize) -> Vec<u8> {
    let page = Arc::new(Page { bitmap: bitmap.clone(), resolution: Resolution::Fine });
    let mut encoder = PageEncoder::new(page, encoding);
    let mut octets = Vec::new();
    loop {
        let mut buffer = vec![0; piece];
        let filled = encoder.fill(&mut buffer);
        octets.extend_from_slice(&buffer[..filled]);
        if filled < piece {
            assert!(encoder.is_ended());
            assert_eq!(encoder.rows_done(), bitmap.height());
            return octets;
        }
    }
}

fn decode_in_pieces(octets: &[u8], piece: usize, mut decoder: PageDecoder) -> DecodedPage {
    octets.chunks(piece).for_each(|piece| decoder.push(piece));
    decoder.finish()
}

proptest! {
    #![proptest_config(fixed_seed(600))]

    #[test]
    fn every_page_comes_back(bitmap in bitmaps(), encoding in encodings(), out in 1usize..300, into in 1usize..300) {
        let octets = encode_in_pieces(&bitmap, encoding, out);
        let decoder = PageDecoder::new(bitmap.width(), encoding.coding, DecodeLimits::default());
        let decoded = decode_in_pieces(&octets, into, decoder);
        prop_assert_eq!(decoded.bad_rows, 0);
        prop_assert_eq!(decoded.ended, encoding.return_to_control);
        prop_assert!(decoded.bitmap == bitmap, "{}x{} came back as {} rows", bitmap.width(), bitmap.height(), decoded.bitmap.height());
    }

    #[test]
    fn rows_without_end_of_line_codes_come_back(bitmap in bitmaps(), into in 1usize..300) {
        let encoding = RowEncoding { coding: Coding::Mh, k: 1, min_row_bits: 0, eols: Eols::None, return_to_control: false };
        let octets = encode_in_pieces(&bitmap, encoding, 4096);
        let decoder = PageDecoder::with_framing(bitmap.width(), Coding::Mh, RowFraming::File, DecodeLimits { max_rows: bitmap.height().max(1) });
        prop_assert!(decode_in_pieces(&octets, into, decoder).bitmap == bitmap);
    }

    #[test]
    fn fill_makes_rows_as_long_as_asked(bitmap in bitmaps(), min_row_bits in 0u32..2000) {
        for coding in [Coding::Mh, Coding::Mr] {
            let encoding = RowEncoding { min_row_bits, ..RowEncoding::on_line(coding, 4) };
            let octets = encode_in_pieces(&bitmap, encoding, 4096);
            prop_assert!(octets.len() as u64 * 8 >= u64::from(min_row_bits) * u64::from(bitmap.height()));
        }
    }

    #[test]
    fn noise_cannot_do_harm(
        width in 1u32..3000, octets in prop::collection::vec(any::<u8>(), 0..3000), into in 1usize..400,
        sparse in any::<u8>(), max_rows in 1u32..200,
    ) {
        let octets: Vec<u8> = octets.iter().map(|octet| octet & sparse).collect();
        for coding in [Coding::Mh, Coding::Mr, Coding::Mmr] {
            for framing in [RowFraming::Line, RowFraming::File, RowFraming::OctetRows] {
                let limits = DecodeLimits { max_rows };
                let decoder = PageDecoder::with_framing(width, coding, framing, limits);
                let at_once = decode_in_pieces(&octets, octets.len().max(1), decoder.clone());
                prop_assert!(at_once.bitmap.height() <= max_rows);
                prop_assert!(at_once.longest_bad_run <= at_once.bad_rows);
                prop_assert!(decode_in_pieces(&octets, into, decoder) == at_once, "pieces must not matter");
            }
        }
    }

    #[test]
    fn a_damaged_page_keeps_its_size(
        bitmap in bitmaps(), encoding in encodings(), hits in prop::collection::vec(any::<prop::sample::Index>(), 1..6), into in 1usize..300,
    ) {
        prop_assume!(encoding.coding != Coding::Mmr && bitmap.height() > 0);
        let mut octets = encode_in_pieces(&bitmap, encoding, 4096);
        for hit in hits {
            let bit = hit.index(octets.len() * 8);
            octets[bit / 8] ^= 1 << (bit % 8);
        }
        let decoder = PageDecoder::new(bitmap.width(), encoding.coding, DecodeLimits::default());
        let decoded = decode_in_pieces(&octets, into, decoder);
        // A hit can make or break an end-of-line code: one row more or less each.
        prop_assert!(decoded.bitmap.height() <= bitmap.height() + 6);
    }
}
