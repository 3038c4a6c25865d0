//! Image data as lines and machines damage it, bit by bit.

use answertone_t30::image::{
    Bitmap, Coding, DecodeLimits, DecodedPage, PageDecoder, RowEncoding, RowFraming, encode, tables,
};

const WIDTH: u32 = 64;
const EOL: &str = "000000000001";
/// 64 white pels, and 10 black ones between 20 and 34 white ones.
const WHITE: &str = "1101100110101";
const BLACK_10: &str = "0001000 0000100 00010011";

fn row_white() -> Vec<u8> {
    vec![0; 8]
}

/// Pels 20 to 29 black: white 20, black 10, white 34.
fn row_black() -> Vec<u8> {
    let mut bitmap = Bitmap::white(WIDTH, 1);
    (20..30).for_each(|x| bitmap.set(x, 0, true));
    bitmap.row(0).to_vec()
}

fn black_10() -> String {
    [tables::WHITE_TERMINATING[20], tables::BLACK_TERMINATING[10], tables::WHITE_TERMINATING[34]].concat()
}

/// Octets of bits written in line order; blanks do not count.
fn octets(bits: &str) -> Vec<u8> {
    let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    bits.chunks(8).map(|bits| bits.iter().enumerate().fold(0, |octet, (place, bit)| octet | bit << place)).collect()
}

fn decode(coding: Coding, bits: &str) -> DecodedPage {
    let mut decoder = PageDecoder::new(WIDTH, coding, DecodeLimits::default());
    octets(bits).iter().for_each(|octet| decoder.push(&[*octet]));
    decoder.finish()
}

fn rows(page: &DecodedPage) -> Vec<Vec<u8>> {
    (0..page.bitmap.height()).map(|row| page.bitmap.row(row).to_vec()).collect()
}

#[test]
fn the_codes_above_are_what_the_encoder_writes() {
    let mut bitmap = Bitmap::new(WIDTH);
    bitmap.push_row(&row_white());
    bitmap.push_row(&row_black());
    assert_eq!(black_10(), BLACK_10.replace(' ', ""));
    let written = encode(&bitmap, RowEncoding::on_line(Coding::Mh, 1));
    assert_eq!(written, octets(&[EOL, WHITE, EOL, BLACK_10, &EOL.repeat(6)].concat()));
}

#[test]
fn fill_of_any_length_is_not_the_end_of_the_page() {
    for fill in 0..300 {
        let fill = "0".repeat(fill);
        let page = decode(Coding::Mh, &[EOL, WHITE, &fill, EOL, BLACK_10, &fill, EOL, WHITE, EOL].concat());
        assert_eq!(rows(&page), [row_white(), row_black(), row_white()]);
        assert_eq!((page.bad_rows, page.ended), (0, false));
    }
}

#[test]
fn the_return_to_control_is_seen_with_one_bit_wrong() {
    for (coding, eol) in [(Coding::Mh, EOL.to_owned()), (Coding::Mr, format!("{EOL}1"))] {
        let page = [&eol, WHITE, &eol, BLACK_10].concat();
        let rtc = eol.repeat(6);
        for wrong in 0..rtc.len() {
            let mut rtc = rtc.clone().into_bytes();
            rtc[wrong] ^= 1;
            let rtc = String::from_utf8(rtc).expect("digits");
            let decoded = decode(coding, &[&page, &rtc, "00000000"].concat());
            assert!(decoded.ended, "{coding:?} bit {wrong}");
            assert_eq!(rows(&decoded)[..1], [row_white()]);
            // Behind the first code, one that is wrong looks like a bad last row. Later ones are no rows.
            let like_a_row = wrong < 2 * eol.len();
            assert!(decoded.bad_rows <= u32::from(like_a_row), "{coding:?} bit {wrong}: {} bad rows", decoded.bad_rows);
            if !like_a_row {
                assert_eq!(rows(&decoded), [row_white(), row_black()], "{coding:?} bit {wrong}");
            }
        }
    }
}

#[test]
fn fewer_codes_than_six_end_a_page() {
    for count in 2..6 {
        let page = decode(Coding::Mh, &[EOL, WHITE, &EOL.repeat(count)].concat());
        assert_eq!((page.bitmap.height(), page.bad_rows, page.ended), (1, 0, true), "{count}");
    }
    assert!(!decode(Coding::Mh, &[EOL, WHITE, EOL].concat()).ended);
}

#[test]
fn what_follows_the_end_is_not_looked_at() {
    let page = decode(Coding::Mh, &[EOL, WHITE, &EOL.repeat(6), "1", EOL, WHITE, EOL, BLACK_10, EOL].concat());
    assert_eq!((page.bitmap.height(), page.bad_rows, page.ended), (1, 0, true));
}

#[test]
fn noise_before_the_first_code_is_no_row() {
    let page = decode(Coding::Mh, &["110101110010111001", EOL, BLACK_10, EOL].concat());
    assert_eq!((rows(&page), page.bad_rows), (vec![row_black()], 0));
}

#[test]
fn a_bad_row_repeats_the_one_above_and_is_counted() {
    let too_long = [tables::WHITE_MAKE_UP[0], tables::WHITE_TERMINATING[1]].concat();
    let too_short = tables::WHITE_TERMINATING[63];
    let no_code = "000000001111";
    for bad in [too_long.as_str(), too_short, no_code] {
        let page =
            decode(Coding::Mh, &[EOL, BLACK_10, EOL, bad, EOL, WHITE, EOL, bad, EOL, bad, EOL, WHITE, EOL].concat());
        assert_eq!(
            rows(&page),
            [row_black(), row_black(), row_white(), row_white(), row_white(), row_white()],
            "{bad}"
        );
        assert_eq!((page.bad_rows, page.longest_bad_run), (3, 2), "{bad}");
    }
    let first = decode(Coding::Mh, &[EOL, no_code, EOL, BLACK_10, EOL].concat());
    assert_eq!((rows(&first), first.bad_rows), (vec![row_white(), row_black()], 1));
}

#[test]
fn a_row_between_two_codes_is_missing() {
    let page = decode(Coding::Mh, &[EOL, BLACK_10, EOL, EOL, WHITE, EOL].concat());
    assert_eq!((rows(&page), page.bad_rows), (vec![row_black(), row_black(), row_white()], 1));
}

#[test]
fn after_a_bad_row_mr_waits_for_a_row_coded_by_itself() {
    let (one, two) = (format!("{EOL}1"), format!("{EOL}0"));
    // Two-dimensional rows like the one above: V0 for each of two changing elements and the end.
    let same = "111";
    let page = decode(
        Coding::Mr,
        &[&one, BLACK_10, &two, same, &two, "0000001111", &two, same, &two, same, &one, WHITE, &two, "1", &one]
            .concat(),
    );
    assert_eq!(rows(&page)[..2], [row_black(), row_black()]);
    assert_eq!(rows(&page)[2..5], [row_black(), row_black(), row_black()]);
    assert_eq!(rows(&page)[5..], [row_white(), row_white()]);
    assert_eq!((page.bad_rows, page.longest_bad_run), (3, 3), "uncompressed mode is not ours, and two rows hang on it");
}

#[test]
fn mmr_stops_at_a_bad_row() {
    // A row with a changing element, two like it, uncompressed mode, one more.
    let first = ["001", tables::WHITE_TERMINATING[20], tables::BLACK_TERMINATING[10], "1"].concat();
    let page = decode(Coding::Mmr, &[&first, "111", "0000001111", "111", EOL, EOL].concat());
    assert_eq!(rows(&page), [row_black(), row_black()]);
    assert_eq!((page.bad_rows, page.ended), (1, false));
}

#[test]
fn mmr_ends_with_its_block_and_padding_is_nothing() {
    let first = ["001", tables::WHITE_TERMINATING[20], tables::BLACK_TERMINATING[10], "1"].concat();
    for padding in [0, 1, 7, 8, 500, 3000] {
        let page = decode(Coding::Mmr, &[&first, "111", EOL, EOL, &"0".repeat(padding)].concat());
        assert_eq!(rows(&page), [row_black(), row_black()]);
        assert_eq!((page.bad_rows, page.ended), (0, true));
    }
    let unsaid = decode(Coding::Mmr, &[&first, "111", &"0".repeat(400)].concat());
    assert_eq!((unsaid.bitmap.height(), unsaid.bad_rows, unsaid.ended), (2, 0, false));
}

#[test]
fn padding_between_blocks_of_error_correction_is_fill() {
    // A sender that pads each row with zeros to whole frames sends fill of thousands of bits.
    let fill = "0".repeat(2048);
    let page = decode(
        Coding::Mr,
        &[EOL, "1", BLACK_10, &fill, EOL, "0111", &fill, &format!("{EOL}1").repeat(6), &fill].concat(),
    );
    assert_eq!((rows(&page), page.bad_rows, page.ended), (vec![row_black(), row_black()], 0, true));
}

#[test]
fn a_last_run_of_make_up_codes_alone_is_taken_for_whole() {
    let no_terminating = [tables::WHITE_TERMINATING[0], tables::BLACK_MAKE_UP[0]].concat();
    let page = decode(Coding::Mh, &[EOL, &no_terminating, EOL, WHITE, EOL].concat());
    assert_eq!((rows(&page), page.bad_rows), (vec![vec![0xFF; 8], row_white()], 0));
}

#[test]
fn rows_beyond_the_limit_are_not_kept() {
    for coding in [Coding::Mh, Coding::Mr, Coding::Mmr] {
        let octets = encode(&Bitmap::white(1728, 5000), RowEncoding::on_line(coding, 4));
        let mut decoder = PageDecoder::with_framing(1728, coding, RowFraming::Line, DecodeLimits { max_rows: 1000 });
        decoder.push(&octets);
        assert!(decoder.is_over() && !decoder.is_ended());
        assert_eq!(decoder.finish().bitmap.height(), 1000);
    }
}
