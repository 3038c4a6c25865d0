//! Documents of every kind given to the built program: each is taken, in whole or with its bad rows counted, or refused in
//! words that name the file and what is wrong with it.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use answertone_vectors::{files_below, program::answertone, shared};

/// The exit status of a call that went wrong, and of a command that cannot be carried out.
const FAILED: i32 = 1;
const REFUSED: i32 = 2;

/// Gives the file to the program. Nobody is on the line: what is taken ends as a call that is lost at once.
fn given(file: &Path) -> Output {
    Command::new(answertone())
        .args(["call", "--line", "stdio:", "--send"])
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn is_refused(file: &Path) -> bool {
    let output = given(file);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
    println!("{}: {}", name, said.trim());
    assert!(!said.contains("panicked"), "{name}: {said}");
    match output.status.code() {
        Some(FAILED) => {
            assert!(said.contains("the line was lost"), "{name}: {said}");
            false
        }
        Some(REFUSED) => {
            let reason = said.split_once(&*name).map_or("", |(_, reason)| reason.trim_matches([':', ' ', '\n']));
            assert!(reason.len() > 20, "{name} is refused without a reason: {said}");
            true
        }
        other => panic!("{name}: exit status {other:?}: {said}"),
    }
}

#[test]
fn every_image_is_taken_or_refused_with_a_reason() {
    let Some(folder) = shared("assets/4-tiff-jbig", 54) else { return };
    let files: Vec<_> =
        files_below(&folder).into_iter().filter(|file| file.extension().is_none_or(|e| e != "md")).collect();
    let (refused, taken): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_refused(file));
    println!("{} taken, {} refused", taken.len(), refused.len());
    let is_malformed = |file: &&&std::path::PathBuf| file.to_string_lossy().contains("malformed");
    let is_tiff = |file: &&&std::path::PathBuf| {
        file.extension()
            .is_some_and(|extension| ["tif", "tiff"].iter().any(|tiff| extension.eq_ignore_ascii_case(tiff)))
    };
    let sound: Vec<_> = refused.iter().filter(is_tiff).filter(|file| !is_malformed(file)).collect();
    assert!(sound.is_empty(), "refused: {sound:?}");
}
