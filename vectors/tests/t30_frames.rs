//! Frames, control fields and bits of T.30 against the tables in the folder of shared vectors.

use std::fs;

use answertone_t30::{
    frame::{
        BIT_ROWS, Fcf, Field, Frame, MIN_SCAN_TIMES, MinScanRow, PostMessage, RATES, XBit, carrier_of_rate_bits,
        modems_of_rate_bits, rate_bits_of_modems, recommendation,
    },
    hdlc::{Deframer, Found, Framer, frame_check_sequence},
};
use answertone_vectors::shared;

/// Rows of a table without its heading, fields without quotes. Empty, and said so, when the table is not there.
fn table(name: &str, rows: usize) -> Vec<Vec<String>> {
    let Some(path) = shared(&format!("spec/data/{name}"), rows) else { return Vec::new() };
    let text = fs::read_to_string(path).expect("a table can be read");
    let table: Vec<Vec<String>> = text.lines().skip(1).map(fields).collect();
    assert_eq!(table.len(), rows, "rows of {name}");
    table
}

/// Fields of a line, where commas inside quotes separate nothing.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("there is always a field").push(character),
        }
    }
    fields
}

fn octets(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).expect("two hexadecimal digits")).collect()
}

fn code(hex: &str) -> u8 {
    u8::from_str_radix(hex.trim_start_matches("0x"), 16).expect("0x and two hexadecimal digits")
}

fn bits(pattern: &str) -> u8 {
    u8::from_str_radix(pattern, 2).expect("binary digits")
}

#[test]
fn worked_frames_are_framed_bit_for_bit() {
    for row in table("t30_frame_examples.csv", 16) {
        let (frame, check, line) = (octets(&row[1]), octets(&row[3]), &row[4]);
        assert_eq!(frame_check_sequence(&frame)[..], check, "{}", row[0]);
        let (mut framer, mut sent) = (Framer::new(), String::new());
        framer.octets(&frame, |bit| sent.push(if bit { '1' } else { '0' }));
        framer.end_frame(|bit| sent.push(if bit { '1' } else { '0' }));
        assert_eq!(sent, format!("{line}01111110"), "{}", row[0]);
        let mut deframer = Deframer::new();
        let heard = format!("01111110{sent}")
            .chars()
            .any(|bit| deframer.push(bit == '1') == Some(Found::Frame { octets: &frame, intact: true }));
        assert!(heard, "{} was not heard", row[0]);
        let Frame::Known(message) = Frame::parse(&frame) else { panic!("{} is not known", row[0]) };
        let name = row[0].split(['-', ' ']).next().expect("a name");
        assert_eq!(message.fcf.name(), name);
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(written, frame, "{}", row[0]);
    }
}

#[test]
fn every_control_field_of_the_table_is_known() {
    // DTR has the code of ISP in its only source and cannot be told from it.
    for row in table("t30_fcf.csv", 58).iter().filter(|row| row[0] != "DTR") {
        let (read, x) = Fcf::from_code(code(&row[3])).unwrap_or_else(|| panic!("{} is not known", row[0]));
        assert_eq!((read.name(), x), (&row[0][..], false));
        assert_eq!(read.code(false), code(&row[3]));
        let with_x = read.code(true);
        match &row[4][..] {
            "" => assert_eq!(with_x, code(&row[3]), "{} has no X bit", row[0]),
            code_with_x => assert_eq!((with_x, Fcf::from_code(with_x)), (code(code_with_x), Some((read, true)))),
        }
        assert_eq!(row[1].starts_with('X'), with_x != read.code(false), "{}: {:?}", row[0], XBit::Station);
    }
}

#[test]
fn second_control_fields_are_known() {
    for row in table("t30_fcf2.csv", 8) {
        let read = PostMessage::from_code(code(&row[3])).expect("a code of the table");
        assert_eq!((read.to_string(), read.code(true)), (row[0].clone(), code(&row[3])));
    }
}

#[test]
fn every_bit_has_its_row_and_its_meaning() {
    for row in table("t30_dis_dtc_dcs_bits.csv", 128) {
        let bit: u8 = row[0].parse().expect("a number");
        let ours = BIT_ROWS[usize::from(bit) - 1];
        assert_eq!(ours.bit, bit);
        let says = |text: &str| {
            !(text.starts_with("reserved")
                || text == "0"
                || text.starts_with("invalid")
                || text.starts_with("don't care"))
        };
        assert_eq!(ours.field == Field::Extend, row[4] == "extend", "bit {bit}");
        assert_eq!(!ours.capability.is_empty(), says(&row[4]), "bit {bit} in DIS: {}", row[4]);
        assert_eq!(!ours.command.is_empty(), says(&row[5]), "bit {bit} in DCS: {}", row[5]);
        if row[6].starts_with("needs bit 27") || row[6] == "needs bit 27" {
            assert!(ours.needs.contains(&27), "bit {bit} needs ECM");
        }
    }
}

#[test]
fn rates_and_times_are_those_of_the_tables() {
    for row in table("t30_rates.csv", 16) {
        let pattern = bits(&row[0]);
        let command =
            carrier_of_rate_bits(pattern).map(|carrier| format!("{} {}", carrier.bit_rate(), recommendation(carrier)));
        let named = RATES.iter().any(|rate| rate.bits == pattern);
        assert_eq!(named, !row[2].contains("reserved") && !row[2].contains("V.33"), "{}", row[0]);
        assert!(command.is_none_or(|command| command == row[2]), "{}: {}", row[0], row[2]);
        if ["0000", "0100", "1000", "1100", "1101"].contains(&&row[0][..]) {
            assert_eq!(rate_bits_of_modems(modems_of_rate_bits(pattern)), pattern, "{}", row[1]);
        }
    }
    for row in table("t30_min_scan_line_time.csv", 8) {
        let [standard_ms, fine_ms] = [&row[1], &row[2]].map(|ms| ms.parse().expect("milliseconds"));
        assert_eq!(MIN_SCAN_TIMES[usize::from(bits(&row[0]))], MinScanRow { standard_ms, fine_ms });
    }
}
