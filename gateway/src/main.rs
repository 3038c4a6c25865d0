//! The program `answertone`.

use std::process::ExitCode;

fn main() -> ExitCode {
    answertone_gateway::cli::run()
}
