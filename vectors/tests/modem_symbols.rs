//! The symbols that the fast modems send, against the vectors of the specification.

use std::collections::BTreeMap;

use answertone_dsp::{
    bits::BitQueue,
    modem::{Complex, Plan, Protection, Symbols, Train, v17, v27ter, v29},
};

/// Bits of the 16-bit register with feedback 0xB400 from state 1, lowest place out after each shift.
fn test_bits() -> impl Iterator<Item = bool> {
    let mut register = 1u16;
    std::iter::repeat_with(move || {
        register = register >> 1 ^ if register & 1 == 1 { 0xB400 } else { 0 };
        register & 1 == 1
    })
}

/// The sounding symbols of a signal with test bits as data, silence at its beginning left out.
fn sent(plan: &'static Plan, train: Train, count: usize) -> Vec<Complex> {
    let mut queue = BitQueue::with_room(8);
    let mut bits = test_bits();
    let mut symbols = Symbols::new(plan, Protection::None, train);
    let next = || {
        while queue.room() > 0 {
            queue.push(bits.next().expect("the register never ends"));
        }
        symbols.next(&mut queue).expect("data never end")
    };
    std::iter::repeat_with(next).skip_while(|symbol| *symbol == Complex::ZERO).take(count).collect()
}

fn plan_of(modem: &str, rate: &str) -> &'static Plan {
    match (modem, rate) {
        ("V.27ter", "2400") => v27ter::plan(v27ter::Rate::R2400),
        ("V.27ter", "4800") => v27ter::plan(v27ter::Rate::R4800),
        ("V.29", "4800") => v29::plan(v29::Rate::R4800),
        ("V.29", "7200") => v29::plan(v29::Rate::R7200),
        ("V.29", "9600") => v29::plan(v29::Rate::R9600),
        ("V.17", "7200") => v17::plan(v17::Rate::R7200),
        ("V.17", "9600") => v17::plan(v17::Rate::R9600),
        ("V.17", "12000") => v17::plan(v17::Rate::R12000),
        ("V.17", "14400") => v17::plan(v17::Rate::R14400),
        _ => panic!("symbol_vectors.csv names a modem that is not ours: {modem} {rate}"),
    }
}

/// Symbols before the first sounding one in the vectors' own count.
fn silent_at_the_beginning(modem: &str) -> usize {
    match modem {
        "V.27ter" => 32,
        "V.29" => 48,
        _ => 0,
    }
}

fn point(modem: &str, first: &str, second: &str) -> Complex {
    if first.is_empty() {
        return Complex::ZERO;
    }
    let first: f32 = first.parse().expect("a number");
    if modem == "V.27ter" {
        let angle = first * std::f32::consts::FRAC_PI_4;
        return Complex::new(angle.cos(), angle.sin());
    }
    Complex::new(first, second.parse().expect("a number"))
}

#[test]
fn every_modem_sends_the_symbols_of_the_vectors() {
    let Some(path) = answertone_vectors::shared("spec/data/symbol_vectors.csv", 1980) else { return };
    let text = std::fs::read_to_string(path).expect("the file was there a moment ago");
    let mut signals: BTreeMap<(String, String, Train), Vec<Complex>> = BTreeMap::new();
    let mut compared = 0;
    for line in text.lines().skip(1) {
        let line = line.replace("\"long no TEP, octant\"", "long");
        let [modem, rate, train, index, first, second]: [&str; 6] =
            line.split(',').collect::<Vec<_>>().try_into().expect("six columns");
        let train = if train == "short" { Train::Short } else { Train::Long };
        let signal = signals
            .entry((modem.into(), rate.into(), train))
            .or_insert_with(|| sent(plan_of(modem, rate), train, 3600));
        let index: usize = index.parse().expect("a symbol index");
        let Some(index) = index.checked_sub(silent_at_the_beginning(modem)) else { continue };
        let (ours, theirs) = (signal[index], point(modem, first, second));
        assert!((ours - theirs).power() < 1e-9, "{modem} {rate} {train:?} symbol {index}: {ours:?}, not {theirs:?}");
        compared += 1;
    }
    println!("{compared} symbols equal");
    assert!(compared > 1900, "{compared}");
}

#[test]
fn v17_points_are_those_of_the_vectors() {
    let Some(path) = answertone_vectors::shared("spec/data/v17_constellations.csv", 240) else { return };
    let text = std::fs::read_to_string(path).expect("the file was there a moment ago");
    for line in text.lines().skip(1) {
        let columns: Vec<_> = line.split(',').collect();
        let label = usize::from_str_radix(columns[1], 16).expect("a label");
        let ours = plan_of("V.17", columns[0]).coding.points().nth(label).expect("a point for every label");
        assert_eq!(ours, point("V.17", columns[6], columns[7]), "{} {label:02x}", columns[0]);
    }
}
