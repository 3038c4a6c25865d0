//! A host of Class 2 that fetches a document, `+FSP`.

use answertone_t30::image::{Coding, DecodeLimits, PageDecoder};

use super::{
    bench::{Bench, Terms, two_pages},
    rogue::{Host, OK},
};

/// Data out of their shield: a doubled escape is one octet, an escape with another ends them.
fn plain(shielded: &[u8]) -> Vec<u8> {
    let (mut plain, mut octets) = (Vec::new(), shielded.iter());
    while let Some(octet) = octets.next() {
        match (octet, octets.as_slice().first()) {
            (0x10, Some(0x10)) => plain.extend(octets.next()),
            (0x10, _) => break,
            _ => plain.push(*octet),
        }
    }
    plain
}

#[test]
fn a_host_fetches_the_pages_that_are_held_for_it() {
    let bench = Bench::new();
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let terms = Terms { modem: "v17", ecm: false, class: "2.1" };
    let (_modem, terminal) = bench.modem("100");
    let mut held =
        bench.machine_with("number=200", ["--send", &file.to_string_lossy()], terms, &["--role", "answerer"]);
    bench.await_number("200");
    let mut host = Host::open(&terminal);
    host.ask("ATZE0V1Q0+FCLASS=2.1;+FCC=1,5,0,2,0,0,0,0,0;+FNR=1,1,1,0;+FSP=1\r", OK);
    let told = host.ask("ATD200\r", OK);
    assert!(told.contains("+FCO") && told.contains("+FPO"), "{told:?}");
    for (page, follows) in pages.iter().zip(["+FET:0", "+FET:2"]) {
        host.ask("AT+FDR\r", "CONNECT\r\n");
        host.say("\u{12}");
        let data = plain(&host.read_octets(b"\x10\x03\r\n+FPS:1"));
        let mut decoder = PageDecoder::new(page.bitmap.width(), Coding::Mh, DecodeLimits::default());
        decoder.push(&data);
        assert!(decoder.finish().bitmap == page.bitmap, "pels differ\n{}", bench.told());
        let told = host.read(OK);
        assert!(told.contains(follows), "{told:?}");
    }
    let told = host.ask("AT+FDR\r", OK);
    assert!(told.contains("+FHS:00"), "{told:?}");
    assert!(held.ends_well("our machine"), "{}", bench.told());
}
