//! The words of scripts: settings, frames, pages.

use std::sync::Arc;

use answertone_t30::{
    frame::{BitField, Fcf, Field, Ident, Modems, PartialPage, PostMessage, RATES, rate_bits_of_modems},
    image::{Bitmap, Coding, Eols, Page, Resolution, RowEncoding, encode},
    session::{Config, Document, Keeping, Limits, Operator, Outcome, Peer, Refused, Report},
};

/// Octets of an ECM frame in scripts.
pub(crate) const FRAME_OCTETS: usize = 256;

/// How a call ended.
pub(crate) fn outcome(report: &Report) -> String {
    match &report.outcome {
        None => "not over".to_owned(),
        Some(Outcome::Completed) => "completed".to_owned(),
        Some(Outcome::Failed(failure)) => {
            let timer = failure.timer.map_or(String::new(), |timer| format!(" {}", timer.name()));
            format!("failed {}{timer}", failure.cause.name())
        }
    }
}

/// What is known of the other machine.
pub(crate) fn known(peer: &Peer, what: &str) -> Option<String> {
    let hexadecimal =
        |octets: &Vec<u8>| octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ");
    match what {
        "ident" => peer.ident.clone(),
        "sub" => peer.sub.clone(),
        "pwd" => peer.pwd.clone(),
        "sid" => peer.sid.clone(),
        "sep" => peer.sep.clone(),
        "psa" => peer.psa.clone(),
        "address" => peer.internet_address.clone(),
        "route" => peer.routing_address.clone(),
        "vendor" => peer.vendor.clone(),
        "model" => peer.model.clone(),
        "nsf" => peer.nsf.as_ref().map(hexadecimal),
        "fdm" => peer.file_diagnostics.as_ref().map(hexadecimal),
        "fnv" => peer.not_valid.as_ref().map(hexadecimal),
        _ => panic!("{what} is not known of a machine"),
    }
}

/// The octets of a page with bad rows, a run of them, or fill; `words` are those behind `page`.
pub(crate) fn page(words: &[&str], rate: u32) -> Vec<u8> {
    let number = |place: usize| words.get(place).map_or(0, |word| word.parse().expect("a number"));
    let (bad, run, fill_ms) = match words.get(1) {
        Some(&"bad") => (number(2), 0, 0),
        Some(&"run") => (0, number(2), 0),
        Some(&"fill") => (0, 0, number(2)),
        _ => (0, 0, 0),
    };
    let mut octets = page_octets(number(0), |row| row < run || (row % 2 == 1 && row < bad * 2));
    let fill = vec![0; rate as usize * fill_ms / 8000];
    let after_some_rows = page_octets(6, |_| false).len() - page_octets(1, |_| false).len();
    octets.splice(after_some_rows..after_some_rows, fill);
    octets
}

/// Whether the frame is the one expected: its name, and then words that its description holds.
pub(crate) fn is_said(said: &str, expected: &str) -> bool {
    let (name, words) = expected.split_once(' ').unwrap_or((expected, ""));
    let (said_name, description) = said.split_once(' ').unwrap_or((said, ""));
    name == said_name && words.split(',').all(|words| description.contains(words.trim()))
}

/// Settings and documents of a role line.
pub(crate) fn configure(settings: &str, page: impl Fn(u32, Resolution) -> Arc<Page>) -> (Config, Vec<Document>) {
    let (mut config, mut limits) =
        (Config { modems: Modems::V27TER | Modems::V29, ..Config::default() }, Limits::default());
    let mut documents = Vec::new();
    let (mut rows, mut resolution) = (40, Resolution::Fine);
    for setting in settings.split_whitespace() {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let text = || Some(value.to_owned());
        let number = || value.parse().expect("a number");
        match key {
            "ecm" => config.ecm = value == "on",
            "ident" => config.ident = value.to_owned(),
            "sub" => config.sub = text(),
            "pwd" => config.pwd = text(),
            "sid" => config.sid = text(),
            "sep" => config.sep = text(),
            "psa" => config.psa = text(),
            "expect-pwd" => config.expect_pwd = text(),
            "nsf" => config.nsf = Some(octets_of(value)),
            "nss" => config.nss = Some(octets_of(value)),
            "nsc" => config.nsc = Some(octets_of(value)),
            "poll" => config.poll = true,
            "crp" => config.ask_again = true,
            "operator" => config.operator = Operator::Called,
            "retrain" => config.quality.retrain_bad_rows = number() as f32 / 100.0,
            "dis-tries" => limits.identification_tries = Some(number() as u32),
            "modems" => config.modems = modems(value),
            "kept" => config.keeping = Keeping::Awaited,
            "rows" => rows = number() as u32,
            "standard" => resolution = Resolution::Standard,
            "only-polled" => config.receives = false,
            "take-refused" => config.refused = Refused::TakeAsDelivered,
            "resends" => limits.page_resends = number() as u32,
            "max-pages" => limits.pages = Some(number()),
            "pages" | "then" => {
                documents.push(Document { pages: (0..number()).map(|_| page(rows, resolution)).collect(), first: 0 })
            }
            _ => panic!("{setting} is not a setting of scripts"),
        }
    }
    config.limits = limits;
    (config, documents)
}

fn modems(name: &str) -> Modems {
    match name {
        "v27ter" => Modems::V27TER,
        "v29" => Modems::V27TER | Modems::V29,
        "v17" => Modems::ALL,
        _ => panic!("{name} is no modem of scripts"),
    }
}

fn octets_of(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits")).collect()
}

/// A frame from its words: `raw` and all its octets, or a name, then bits for DIS, DTC and DCS, text for identities, numbers for PPS, else octets.
pub(crate) fn frame(text: &str, x: bool, last: bool) -> Vec<u8> {
    let (name, words) = text.split_once(' ').unwrap_or((text, ""));
    if name == "raw" {
        return octets_of(&words.replace(' ', ""));
    }
    let (name, then) = match name.split_once('-') {
        Some((first @ ("PPS" | "EOR"), then)) => (first, Some(then)),
        _ => (name, None),
    };
    let fcf = *Fcf::ALL.iter().find(|fcf| fcf.name() == name).unwrap_or_else(|| panic!("{name} is no frame"));
    let post = |then| {
        (0..=u8::MAX).filter_map(PostMessage::from_code).find(|post| post.to_string() == then).expect("what follows")
    };
    let field = match (fcf, then) {
        (Fcf::Dis | Fcf::Dtc | Fcf::Dcs | Fcf::Ctc, _) => bits(words, fcf),
        (Fcf::Pps, Some(then)) => {
            let numbers: Vec<u16> = words.split(' ').map(|word| word.parse().expect("a number")).collect();
            let (page, block, frames) = (numbers[0] as u8, numbers[1] as u8, numbers[2]);
            PartialPage { then: post(then), page, block, frames }.field(x).to_vec()
        }
        (Fcf::Eor, Some(then)) => vec![post(then).code(x)],
        (Fcf::Ppr, _) => {
            let mut map = vec![0; 32];
            words
                .split(' ')
                .map(|word| word.parse::<usize>().expect("a frame"))
                .for_each(|n| map[n / 8] |= 1 << (n % 8));
            map
        }
        _ if words.starts_with('"') => Ident::new(words.trim_matches('"')).field().to_vec(),
        _ => octets_of(&words.replace(' ', "")),
    };
    let mut octets = vec![0xff, if last { 0x13 } else { 0x03 }, fcf.code(x)];
    octets.extend(field);
    octets
}

/// Bits of DIS, DTC or DCS by the words for them.
fn bits(words: &str, fcf: Fcf) -> Vec<u8> {
    let mut bits = BitField::new();
    let mut modems = Modems::V27TER_2400;
    for word in words.split_whitespace() {
        match word {
            "v27ter" => modems = modems | Modems::V27TER,
            "v29" => modems = modems | Modems::V29 | Modems::V27TER,
            "v17" => modems = Modems::ALL,
            number if number.len() > 3 && number.starts_with(|digit: char| digit.is_ascii_digit()) => {
                let rate: u32 = number.parse().expect("a bit rate");
                let row = RATES.iter().rev().find(|row| row.carrier.bit_rate() == rate).expect("a rate of T.30");
                let value = answertone_t30::frame::rate_bits_of_carrier(row.carrier).expect("a rate of DCS");
                bits.set_value(Field::Rate, value);
            }
            "ecm" => bits.set(27),
            "fine" => bits.set(15),
            "receives" => bits.set(10),
            "document" => bits.set(9),
            number => bits.set(number.parse().expect("a bit")),
        }
    }
    if matches!(fcf, Fcf::Dis | Fcf::Dtc) {
        bits.set_value(Field::Rate, rate_bits_of_modems(modems));
    }
    let len = if fcf == Fcf::Ctc { 2 } else { bits.octets().len() };
    bits.octets()[..len].to_vec()
}

/// A white page in MH, row by row; a bad row is too short.
fn page_octets(rows: usize, is_bad: impl Fn(usize) -> bool) -> Vec<u8> {
    let row = |row: usize| {
        let encoding = RowEncoding {
            coding: Coding::Mh,
            k: 1,
            min_row_bits: 0,
            eols: Eols::OctetAligned,
            return_to_control: row + 1 == rows,
        };
        encode(&Bitmap::white(if is_bad(row) { 64 } else { 1728 }, 1), encoding)
    };
    (0..rows).flat_map(row).collect()
}

/// A page that fills so many frames.
pub(crate) fn block_octets(frames: usize, size: usize) -> Vec<u8> {
    let room = frames * size;
    let one = page_octets(2, |_| false).len() - page_octets(1, |_| false).len();
    let tail = page_octets(1, |_| false).len();
    let mut octets = page_octets((room - tail) / one + 1, |_| false);
    assert!(octets.len() <= room && octets.len() > room - size, "a page of {} octets", octets.len());
    octets.resize(room, 0);
    octets
}
