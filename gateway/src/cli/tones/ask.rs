//! `answertone tones ask`: a prompt on a line and the digits that answer it.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    tone::dtmf::{DtmfStyle, digits},
    units::Dbm0,
};
use answertone_hw::{LineUri, open};
use clap::Args;
use serde_json::json;

use super::read;
use crate::{
    cli::error::{CliError, NO, with_causes},
    prompt::{self, Question, rounded},
    telephone::lift,
};

/// Play a prompt on a line and report the digits that answer it as JSON.
#[derive(Args, Debug)]
pub(super) struct AskArgs {
    /// Line, as for `call`; not a simulated one.
    #[arg(long)]
    line: String,
    /// Recording to play, the first channel of it. Without one a short tone asks.
    #[arg(long)]
    prompt: Option<PathBuf>,
    /// Digits at most.
    #[arg(long, default_value_t = 16)]
    digits: usize,
    /// Key that ends the answer.
    #[arg(long, default_value = "#")]
    terminator: char,
    /// Play the prompt to its end, whatever is pressed.
    #[arg(long)]
    no_barge_in: bool,
    /// Seconds to the first digit once the prompt is over.
    #[arg(long, default_value_t = 6.0)]
    first_s: f32,
    /// Seconds from one digit to the next.
    #[arg(long, default_value_t = 3.0)]
    next_s: f32,
}

/// Runs the command.
pub(super) fn ask(args: &AskArgs) -> Result<ExitCode, CliError> {
    let uri: LineUri = args.line.parse().map_err(|error| CliError::usage(format!("--line {}: {error}", args.line)))?;
    let mut line = open(&uri).map_err(|error| CliError::usage(with_causes(&error)))?;
    lift(line.as_mut()).map_err(CliError::failed)?;
    let samples = match &args.prompt {
        Some(path) => read(path)?.swap_remove(0),
        None => digits("*", DtmfStyle { level: Dbm0(-19.0), ..DtmfStyle::default() }),
    };
    let question = Question {
        prompt: rounded(&samples),
        barge_in: !args.no_barge_in,
        digits: args.digits,
        terminator: Some(args.terminator),
        first_s: args.first_s,
        next_s: args.next_s,
    };
    let (asking, ended) = prompt::ask(line.as_mut(), question);
    line.hang_up();
    // Standard output may be the line.
    let report = json!({ "digits": asking.digits(), "ended": ended.name(), "barged_in": asking.was_barged_in() });
    eprintln!("{report}");
    Ok(if asking.digits().is_empty() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}
