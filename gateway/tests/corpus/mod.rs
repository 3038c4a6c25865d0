//! Mail as it is found in the world, and mail made to do harm: each comes to pages or to a clear refusal, in bounded time
//! and memory.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use answertone_gateway::{
    ifax::address::FaxAddress,
    render::{RenderOptions, message},
};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { files(&entry, found) } else { found.push(entry) }
    }
}

fn options() -> RenderOptions {
    RenderOptions { max_pages: 5, time: Duration::from_secs(20), ..RenderOptions::default() }
}

#[test]
fn mails_of_many_origins_come_to_pages_or_to_a_clear_refusal() {
    let Some(shared) = answertone_vectors::shared("assets/5-mail", 312) else { return };
    let mut mails = vec![];
    files(&shared, &mut mails);
    let (mut printed, mut refused) = (0, 0);
    for path in &mails {
        let raw = fs::read(path).unwrap();
        if raw.len() > 200_000 {
            continue;
        }
        match message(&raw, &options()) {
            Ok(pages) => {
                assert!(!pages.is_empty(), "{}", path.display());
                printed += 1;
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.len() > 20 && !error.status().is_empty(), "{}: {said}", path.display());
                refused += 1;
            }
        }
    }
    println!("{} mails: {printed} printed, {refused} refused", mails.len());
    assert!(printed > mails.len() / 3, "{printed} of {}", mails.len());
}

/// Peak memory of this process, octets.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).and_then(|kilo| kilo.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[test]
fn mail_bombs_are_refused_in_bounded_memory() {
    let head = "From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let part = "--b\r\nContent-Type: application/x-nothing\r\n\r\nx\r\n";
    let many = format!("{head}{}--b--\r\n", part.repeat(10_000));
    let nested: String =
        (0..2000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let wrapped: String = "Content-Type: message/rfc822\r\n\r\n".repeat(2000);
    let text = format!("Subject: x\r\n\r\n{}", "line\r\n".repeat(500_000));
    // A picture of 60000 x 60000 pels in a few octets, and a TIFF page of four thousand million.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([60_000u32.to_be_bytes(), 60_000u32.to_be_bytes()].concat());
    png.extend(b"\x01\0\0\0\0\0\0\0\0");
    let before = peak();
    let attachment = |kind: &str, octets: &[u8]| {
        let mail =
            mail_builder::MessageBuilder::new().from("a@b").to("c@d").attachment(kind.to_owned(), "x", octets.to_vec());
        mail.write_to_vec().unwrap()
    };
    let bombs = [
        ("parts", many.into_bytes()),
        ("messages", format!("From: a@b\r\n{wrapped}x").into_bytes()),
        ("lines", text.into_bytes()),
        ("picture", attachment("image/png", &png)),
        ("tiff", attachment("image/tiff", &huge_tiff())),
        ("nesting", format!("From: a@b\r\n{nested}x").into_bytes()),
    ];
    for (name, raw) in &bombs {
        let refused = message(raw, &options());
        assert!(refused.is_err(), "{name} came to {} pages", refused.map_or(0, |pages| pages.len()));
        println!("{name}: {}", refused.unwrap_err());
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 600 << 20, "{} MB", grown >> 20);
}

/// A bilevel TIFF that says it has 65535 x 65535 pels and holds none.
fn huge_tiff() -> Vec<u8> {
    let entries: [(u16, u32); 7] = [(256, 65_535), (257, 65_535), (258, 1), (259, 4), (262, 0), (273, 8), (279, 4)];
    let mut file = b"II*\0\x0c\0\0\0\0\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        file.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
        file.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    file
}

/// A simple generator of chance, the same on each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn any_address_is_read_as_itself_or_refused() {
    let pieces = [
        "FAX=",
        "fax=",
        "VOICE=",
        "+",
        "+1",
        "555",
        "-",
        ".",
        " ",
        "/",
        "/T33S=",
        "/POSTD=",
        "/ISUB=",
        "/x-y=",
        "=",
        "@",
        "\"",
        "\\",
        "gw",
        "p",
        "w",
        "#",
        "*",
        "é",
        "\0",
        "12345678901234567890",
    ];
    let (mut chance, mut read) = (Chance(7), 0);
    for _ in 0..60_000 {
        let mut address: String = (0..chance.below(9)).map(|_| pieces[chance.below(pieces.len())]).collect();
        if chance.below(2) == 0 {
            address = format!("FAX=+1555{address}@gw");
        }
        if let Ok(fax) = FaxAddress::parse(&address) {
            read += 1;
            let again = FaxAddress::parse(&fax.to_string());
            assert_eq!(again.as_ref(), Ok(&fax), "{address:?} is written as {fax}");
        }
    }
    assert!(read > 500, "{read}");
}

#[test]
fn any_mail_cut_and_stirred_comes_to_a_result() {
    let seed = include_str!("seed.eml").replace('\n', "\r\n").into_bytes();
    let mut chance = Chance(11);
    for _ in 0..250 {
        let mut raw = seed.clone();
        for _ in 0..1 + chance.below(8) {
            let at = chance.below(raw.len().max(1));
            match chance.below(4) {
                _ if raw.is_empty() => {}
                0 => raw[at] = chance.below(256) as u8,
                1 => raw.truncate(at.max(20)),
                2 => drop(raw.drain(at..(at + chance.below(60)).min(raw.len()))),
                _ => {
                    let piece: Vec<u8> = raw[at..(at + chance.below(200)).min(raw.len())].to_vec();
                    let to = chance.below(raw.len());
                    raw.splice(to..to, piece);
                }
            }
        }
        let _ = message(&raw, &options()).map_err(|error| error.to_string());
    }
}
