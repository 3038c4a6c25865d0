//! Tables of the code against tables of the Recommendations' numbers.

use answertone_dsp::g711::{alaw, ulaw};
use answertone_t30::image::{PaperWidth, Resolution, tables};
use answertone_vectors::shared;

#[test]
fn g711_decodes_every_octet_as_tabulated() {
    let Some(path) = shared("spec/data/g711_decode.csv", 256) else { return };
    let table = std::fs::read_to_string(path).expect("the table is text");
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let [code, a, mu] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}: three columns wanted") };
        let code = u8::from_str_radix(code, 16).expect("an octet in hexadecimal");
        assert_eq!(alaw::decode(code).to_string(), a, "A-law {code:02x}");
        assert_eq!(ulaw::decode(code).to_string(), mu, "mu-law {code:02x}");
        rows += 1;
    }
    assert_eq!(rows, 256);
}

#[test]
fn run_codes_are_those_tabulated() {
    let Some(path) = shared("spec/data/t4_run_codes.csv", 208) else { return };
    let table = std::fs::read_to_string(path).expect("the table is text");
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let [colour, run, _, word, _] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{row}: five columns wanted")
        };
        let run: usize = run.parse().expect("a run in pels");
        let ours = match (run, colour) {
            (0..64, "white") => tables::WHITE_TERMINATING[run],
            (0..64, _) => tables::BLACK_TERMINATING[run],
            (64..=1728, "white") => tables::WHITE_MAKE_UP[run / 64 - 1],
            (64..=1728, _) => tables::BLACK_MAKE_UP[run / 64 - 1],
            _ => tables::EXTENDED_MAKE_UP[(run - 1792) / 64],
        };
        assert_eq!(ours, word, "{colour} run of {run}");
        rows += 1;
    }
    assert_eq!(rows, 208);
}

#[test]
fn mode_codes_are_those_tabulated() {
    let Some(path) = shared("spec/data/t6_mode_codes.csv", 9) else { return };
    let table = std::fs::read_to_string(path).expect("the table is text");
    let words: Vec<&str> = table.lines().skip(1).take(9).filter_map(|row| row.split(',').nth(1)).collect();
    assert_eq!(words, tables::MODES);
}

#[test]
fn page_widths_are_those_tabulated() {
    let Some(path) = shared("spec/data/page_widths.csv", 13) else { return };
    let table = std::fs::read_to_string(path).expect("the table is text");
    for (resolution, name) in [
        (Resolution::Standard, "R8 x 3.85,204x98,"),
        (Resolution::Fine, "R8 x 7.7,204x196,"),
        (Resolution::Superfine, "R8 x 15.4,204x391,"),
        (Resolution::Dpi300, "300x300,300x300,"),
        (Resolution::Dpi400, "R16 x 15.4,408x391,"),
        (Resolution::Inch200, "200x200,200x200,"),
        (Resolution::Inch200x400, "200x400,200x400,"),
        (Resolution::Inch400, "400x400,400x400,"),
        (Resolution::Dpi600, "600x600,600x600,"),
        (Resolution::Dpi1200, "1200x1200,1200x1200,"),
        (Resolution::Dpi300x600, "300x600,300x600,"),
        (Resolution::Dpi400x800, "400x800,400x800,"),
        (Resolution::Dpi600x1200, "600x1200,600x1200,"),
    ] {
        let row = table.lines().find(|row| row.starts_with(name)).expect("the resolution is tabulated");
        let pels: Vec<u32> = row.split(',').skip(5).take(3).map(|pels| pels.parse().expect("pels")).collect();
        assert_eq!(pels, PaperWidth::ALL.map(|paper| resolution.pels(paper)));
        let (across, down) = resolution.dots_per_inch();
        assert!(name.contains(&format!(",{across}x{down},")));
    }
}
