//! The built program, for tests that run it.

use std::{
    env,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::files_below;

/// Where cargo puts what it builds with the tests: `target/<profile>`.
///
/// # Panics
/// When a test does not know its own file.
pub fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("the test knows its file");
    test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").to_owned()
}

/// The program beside the tests. `cargo test --workspace` makes it; a missing or an old one is a failure, not a guess.
///
/// # Panics
/// When it is not there, or older than a file it is made of.
pub fn program() -> PathBuf {
    let program = target_folder().join("answertone");
    let remedy = "run `cargo build --workspace`, or the tests of the whole workspace";
    let made = modified(&program).unwrap_or_else(|| panic!("{}: not there; {remedy}", program.display()));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace");
    for source in ["dsp", "t30", "hw", "gateway"].iter().flat_map(|part| files_below(&workspace.join(part).join("src")))
    {
        assert!(modified(&source) <= Some(made), "{}: older than {}; {remedy}", program.display(), source.display());
    }
    program
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|facts| facts.modified()).ok()
}
