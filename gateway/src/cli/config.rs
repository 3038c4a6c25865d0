//! `answertone config`: check, show, example.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};

use super::error::CliError;
use crate::config::{Config, EXAMPLE};

/// Where the configuration is looked for.
pub(super) const DEFAULT_PATH: &str = "answertone.toml";

/// Check, show or begin a configuration.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone config example > answertone.toml\n  answertone config check")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Say whether a file is right, and if not, where.
    Check {
        /// The file.
        #[arg(default_value = DEFAULT_PATH)]
        file: PathBuf,
    },
    /// Print what holds, defaults included, without secrets.
    Show {
        /// The file.
        #[arg(default_value = DEFAULT_PATH)]
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a file with every key, its default and what it means.
    Example,
}

/// Does what was asked.
pub(super) fn run(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    match &args.action {
        Action::Check { file } => {
            read(file)?;
            println!("{}: all right", file.display());
        }
        Action::Show { file, json: false } => print!("{}", read(file)?.to_toml()),
        Action::Show { file, json: true } => {
            println!("{}", serde_json::to_string_pretty(&read(file)?).map_err(CliError::failed)?);
        }
        Action::Example => print!("{EXAMPLE}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a configuration for any command.
pub(super) fn read(path: &Path) -> Result<Config, CliError> {
    Config::read(path).map_err(CliError::usage)
}
