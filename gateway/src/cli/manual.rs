//! `answertone man` and `answertone completions`: made from the command line's own definition, so that they are true.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::error::CliError;

/// Print the manual page, or write those of all commands into a folder.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone man | man -l -\n  answertone man --out /usr/local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Print what a shell needs to complete commands and options.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone completions bash > /etc/bash_completion.d/answertone")]
pub(super) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints or writes manual pages.
pub(super) fn man(args: &ManArgs, program: Command) -> Result<ExitCode, CliError> {
    match &args.out {
        None => page(&program, "answertone").and_then(|page| print(&page)),
        Some(folder) => fs::create_dir_all(folder).and_then(|()| write_all(folder, &program, "answertone")),
    }
    .map_err(CliError::failed)?;
    Ok(ExitCode::SUCCESS)
}

/// A page for a command, and those below it.
fn write_all(folder: &Path, command: &Command, name: &str) -> io::Result<()> {
    fs::write(folder.join(format!("{name}.1")), page(command, name)?)?;
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    below.into_iter().try_for_each(|below| write_all(folder, below, &format!("{name}-{}", below.get_name())))
}

fn page(command: &Command, name: &str) -> io::Result<Vec<u8>> {
    let mut page = vec![];
    let typed = name.replace('-', " ");
    Man::new(command.clone().display_name(name).bin_name(typed)).render(&mut page)?;
    Ok(page)
}

/// Whoever reads may stop reading.
fn print(text: &[u8]) -> io::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Prints a shell's script.
pub(super) fn completions(args: &CompletionsArgs, mut program: Command) -> Result<ExitCode, CliError> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut program, "answertone", &mut script);
    print(&script).map_err(CliError::failed)?;
    Ok(ExitCode::SUCCESS)
}
