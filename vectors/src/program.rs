//! The programs that tests run: our own beside the tests, and peers built from the shared folder.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use crate::files_below;

/// The folder with this profile's programs: tests lie in `deps` below it.
pub fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("the test knows its file");
    test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").to_owned()
}

/// The program beside the tests. `cargo test --workspace` makes it; a missing or an old one is a failure, not a guess.
///
/// # Panics
/// When it is not there, or older than a file it is made of.
pub fn answertone() -> PathBuf {
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

/// Copies the peers' sources to `build` and makes `bin/peer-fax` there. `Err` says what is missing.
pub fn build_peer(source: &Path, build: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(build).map_err(|error| format!("{}: {error}", build.display()))?;
    for entry in fs::read_dir(source).map_err(|error| format!("{}: {error}", source.display()))?.flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), build.join(entry.file_name())).map_err(|error| error.to_string())?;
        }
    }
    let made = Command::new("make").arg("bin/peer-fax").current_dir(build).stdout(Stdio::null()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return Err("the peer does not build; install build-essential, libspandsp-dev and libtiff-dev".into());
    }
    Ok(build.join("bin/peer-fax"))
}

/// Where a program of the system is, if it is installed: on the path, or among the administrator's.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}
