//! Class 2 in its three dialects: hosts that leave T.30 to their modems.

use super::*;
use crate::image::{Bitmap, Coding, DecodeLimits, PageDecoder, RowEncoding, encode};

/// A short page, no row like the one before.
fn page(slant: u32) -> Bitmap {
    let mut bitmap = Bitmap::white(1728, 120);
    for y in 0..120 {
        (0..1728).filter(|x| (x + y * slant) % 90 < 7).for_each(|x| bitmap.set(x, y, true));
    }
    bitmap
}

fn coding(format: u8) -> Coding {
    [Coding::Mh, Coding::Mr, Coding::Mr, Coding::Mmr][usize::from(format)]
}

/// What a host is told between two words.
fn lines(told: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(told).split("\r\n").filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

impl Pair {
    fn set_up_class(&mut self, class: &str, terms: &str) {
        let command = if class == "2" { "+FDCC" } else { "+FCC" };
        let identity = if class == "2" { "+FLID" } else { "+FLI" };
        for (who, number) in [(0, "555 0100"), (1, "555 0200")] {
            self.say(who, "AT&FE0V1Q0S7=60", "OK\r\n");
            self.say(who, &format!("AT+FCLASS={class}"), "OK\r\n");
            self.say(who, &format!("AT{command}={terms};{identity}=\"{number}\";+FNR=1,1,1,0"), "OK\r\n");
        }
    }

    /// Gives a page as the class wants it ended, up to what is told of it.
    fn give_page(&mut self, class: &str, page: &Bitmap, coding: Coding, follows: u8) {
        self.stations[0].write(b"AT+FDT\r");
        self.read(0, "CONNECT\r\n");
        if class == "2" {
            self.read(0, "\x11");
        }
        let octets = encode(page, RowEncoding::on_line(coding, 4));
        shield::shield(&octets, false, |octet| self.stations[0].unwritten.push(octet));
        if class == "2" {
            self.stations[0].write(b"\x10\x03");
            self.read(0, "OK\r\n");
            self.stations[0].write(format!("AT+FET={follows}\r").as_bytes());
        } else {
            self.stations[0].write(&[0x10, b",;."[usize::from(follows)]]);
        }
    }

    /// Takes a page that is this one and is told to be followed so. The first is asked for here.
    fn assert_taken(&mut self, page: &Bitmap, coding: Coding, follows: u8, class: &str) {
        if follows == 0 {
            self.stations[1].write(b"AT+FDR\r");
        }
        let (taken, told) = self.take_page(coding, class);
        assert!(taken == *page, "class {class}: {} rows of {}", taken.height(), page.height());
        assert!(told.contains(&format!("+FET:{follows}")), "{told:?}");
    }

    /// Takes a page, up to OK.
    fn take_page(&mut self, coding: Coding, class: &str) -> (Bitmap, Vec<String>) {
        self.read(1, "CONNECT\r\n");
        self.stations[1].write(b"\x12");
        let shielded = self.read(1, "\x10\x03");
        let told = lines(&self.read(1, "OK\r\n"));
        let mut decoder = PageDecoder::new(1728, coding, DecodeLimits::default());
        let mut octets = plain(&shielded);
        if class == "2" {
            octets.iter_mut().for_each(|octet| *octet = octet.reverse_bits());
        }
        decoder.push(&octets);
        (decoder.finish().bitmap, told)
    }
}

#[test]
fn pages_go_through_in_every_dialect_format_and_with_error_correction() {
    for (class, terms, format) in [
        ("2", "1,5,0,2,0,0,0,0", 0),
        ("2.0", "1,5,0,2,1,0,0,0", 1),
        ("2.1", "1,5,0,2,3,2,0,0,0", 3),
        ("2.0", "1,3,0,2,0,2,0,0", 0),
    ] {
        let (first, second) = (page(1), page(3));
        let mut pair = Pair::new();
        pair.set_up_class(class, terms);
        pair.stations[0].write(b"ATDT200\r");
        pair.read(1, "RING\r\n");
        pair.stations[1].write(b"ATA\r");
        let connected = lines(&pair.read(0, "OK\r\n"));
        assert_eq!(connected[0], if class == "2" { "+FCON" } else { "+FCO" }, "{connected:?}");
        assert!(connected.iter().any(|line| line.contains("555 0200")), "{connected:?}");
        pair.give_page(class, &first, coding(format), 0);
        let answered = lines(&pair.read(1, "OK\r\n"));
        assert!(answered.iter().any(|line| line.contains("555 0100")), "{answered:?}");
        pair.assert_taken(&first, coding(format), 0, class);
        // The next command confirms the page.
        pair.stations[1].write(b"AT+FDR\r");
        pair.read(0, "OK\r\n");
        pair.give_page(class, &second, coding(format), 2);
        pair.assert_taken(&second, coding(format), 2, class);
        pair.stations[1].write(b"AT+FDR\r");
        let over = if class == "2" { "+FHNG:0" } else { "+FHS:00" };
        for who in [0, 1] {
            let told = lines(&pair.read(who, "OK\r\n"));
            assert!(told.iter().any(|line| line == over), "{told:?}");
        }
        pair.block();
        assert!(!pair.stations[0].modem.is_off_hook() && !pair.stations[1].modem.is_off_hook());
    }
}

#[test]
fn a_call_that_nobody_answers_or_that_is_broken_off_ends_with_its_code() {
    let mut pair = Pair::new();
    pair.set_up_class("2.0", "1,5,0,2,0,0,0,0");
    pair.call();
    pair.read(0, "OK\r\n");
    pair.stations[0].write(b"AT+FK\r");
    let told = lines(&pair.read(0, "OK\r\n"));
    assert!(told.contains(&"+FHS:02".to_owned()), "{told:?}");
    // The called modem is told too, and both are on hook again.
    let told = lines(&pair.read(1, "\r\nERROR\r\n"));
    assert!(told.contains(&"+FHS:70".to_owned()), "{told:?}");
    pair.block();
    assert!(!pair.stations[0].modem.is_off_hook() && !pair.stations[1].modem.is_off_hook());
    pair.say(0, "AT+FK", "OK\r\n");
    pair.say(0, "AT+FDT", "ERROR\r\n");
    pair.say(0, "AT+FDR", "ERROR\r\n");
    pair.say(0, "AT+FET=2", "ERROR\r\n");
}
