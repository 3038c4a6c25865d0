//! Running a program over octets.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use super::SealError;

/// What a program said.
pub(super) struct Said {
    pub(super) ok: bool,
    pub(super) output: Vec<u8>,
    pub(super) errors: String,
}

/// Runs it with `input` to read.
pub(super) fn run(name: &str, command: &mut Command, input: &[u8]) -> Result<Said, SealError> {
    let failed = |error: std::io::Error| SealError::Program(format!("{name} cannot be run: {error}"));
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(failed)?;
    let mut to = child.stdin.take();
    let output = thread::scope(|scope| {
        // Who stops reading has heard enough; its status says the rest.
        scope.spawn(move || to.take().map(|mut to| to.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(failed)?;
    Ok(Said {
        ok: output.status.success(),
        output: output.stdout,
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Said {
    /// Its last words, for people.
    pub(super) fn last_words(&self) -> String {
        let mut lines =
            self.errors.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("[GNUPG:]"));
        lines.next_back().unwrap_or("it does not say why").to_owned()
    }
}
