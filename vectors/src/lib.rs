//! Test vectors: where they are, what they hold and how results are compared.
//!
//! Recordings and tables of others are not part of the repository. They are looked for in the folder named by the
//! variable `ANSWERTONE_SHARED`, else in `../shared` beside the repository. A test that does not find what it needs
//! says on standard error what did not run and how many cases, and passes.

pub mod band;
pub mod ear;
pub mod ends;
pub mod program;
pub mod timing;
pub mod wav;

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
};

/// The folder of shared vectors, if it is there.
pub fn shared_dir() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = env::var_os("ANSWERTONE_SHARED").map_or_else(beside, PathBuf::from);
    folder.canonicalize().ok().filter(|folder| folder.is_dir())
}

/// A file or folder in the folder of shared vectors, if it is there; else says that `cases` cases did not run.
pub fn shared(path: &str, cases: usize) -> Option<PathBuf> {
    let found = shared_dir().map(|folder| folder.join(path)).filter(|path| path.exists());
    if found.is_none() {
        not_run(cases, &format!("{path} is not in the folder of shared vectors (set ANSWERTONE_SHARED)"));
    }
    found
}

/// Says on standard error, past the test harness's capture, that `cases` cases did not run, and why.
pub fn not_run(cases: usize, why: &str) {
    let plural = if cases == 1 { "case" } else { "cases" };
    // A broken standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "not run: {cases} {plural}: {why}");
}

/// All files below a folder, in the order of their names.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return vec![folder.to_path_buf()] };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| if path.is_dir() { files_below(path) } else { vec![path.clone()] }).collect()
}
