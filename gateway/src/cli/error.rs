//! What the program says when it cannot do what was asked.

use std::{error::Error, fmt, process::ExitCode};

/// Exit status: it ran and the answer is no.
pub const NO: u8 = 1;

/// Exit status: wrong use.
pub const WRONG_USE: u8 = 2;

/// A message with its exit status.
#[derive(Debug)]
pub struct CliError {
    message: String,
    status: u8,
}

impl CliError {
    /// Wrong use: an option, a file or a line that cannot be used. The message names the thing, the value and the remedy.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), status: WRONG_USE }
    }

    /// Something that was rightly asked for did not work out.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), status: NO }
    }

    /// The exit status that goes with it.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {}

/// An error with the chain of its causes in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
