//! The table of obligations tells the truth about its tests: each that it names exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => sources(&entry, found),
            false if entry.extension().is_some_and(|end| end == "rs") => found.push(entry),
            false => {}
        }
    }
}

/// The cells of a row of a table; none for other lines.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

#[test]
fn each_obligation_that_is_met_names_a_test_that_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![];
    ["gateway", "t30/src", "vectors/tests"].iter().for_each(|folder| sources(&top.join(folder), &mut files));
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let table = fs::read_to_string(top.join("docs/conformance.md")).unwrap();
    let rows: Vec<_> =
        table.lines().filter_map(cells).filter(|row| row.len() == 4 && row[0].starts_with("RFC")).collect();
    assert!(rows.len() > 60, "{} rows", rows.len());
    for row in &rows {
        let [clause, obligation, place, tests] = row[..] else { panic!("{row:?}") };
        if place.starts_with("not met") {
            assert!(
                tests.is_empty() && place.len() > "not met: ".len(),
                "{clause} {obligation}: say why it is not met"
            );
            continue;
        }
        assert!(!tests.is_empty(), "{clause} {obligation}: no test");
        for test in tests.split(',').map(|test| test.trim().trim_matches('`')) {
            assert!(code.contains(&format!("fn {test}(")), "{clause} {obligation}: there is no test {test}");
        }
    }
    let unmet = rows.iter().filter(|row| row[2].starts_with("not met")).count();
    println!("{} obligations, {unmet} of them not met", rows.len());
}
